#pragma once
// What is put under a key: three kinds of records, each with the rule by which every node can check it.
//
// Bytes   exactly one encoding for each record; numbers are little-endian, dates Unix seconds. The value is the rest.
//           /pk   space 1 (1) · key (32) · work nonce (4)                                   a node's key, by its id
//           /kv   space 2 (1) · owner's key (32) · sequence (8) · created (8) · expires (8) · flags (1: bit 0 sealed) ·
//                 name length (1) · name (0 to 64) · value (0 to 65,536) · signature (64)   what its owner says
//           /cid  space 3 (1) · value (0 to 65,536)                                         bytes by their hash
// Key     /pk: the node id. /kv: the first 20 bytes of SHA-256("troupe-dht-kv" || owner's key || name). /cid: the first
//         20 bytes of the SHA-256 of the value.
// Signed  "troupe-dht-record-1" || all bytes before the signature, by Ed25519.
// Order   the higher sequence is newer; of two records with one sequence, the one with the greater tag.
#include <cstdint>
#include <string_view>
#include <variant>

#include "actors/dht/logic/contact.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::dht {

/// Our choice: a link buffers a message whole, and 20 nodes keep the record; what is larger is a file.
inline constexpr std::size_t kValueBytesMax = 64 * 1024;
inline constexpr std::size_t kNameBytesMax = 64;  // that of a salt in BEP 44
inline constexpr std::size_t kSignedHeadBytes = 1 + 32 + 8 + 8 + 8 + 1 + 1;
inline constexpr std::size_t kRecordBytesMax =
    kSignedHeadBytes + kNameBytesMax + kValueBytesMax + crypto::Signature::kBytes;
static_assert(kRecordBytesMax + 4096 < 72 * 1024, "a store fits in its message, with token and contact");

inline constexpr std::chrono::minutes kClockSkewMax{10};   // issue 5: a clock an hour off is refused
inline constexpr std::chrono::hours kLifetimeMax{7 * 24};  // our choice: what its owner replaced may come back from
                                                           // a node that was away, but for no longer than a week
inline constexpr std::chrono::hours kLifetimeDefault{48};  // issue 5

/// The numbers travel and are stored.
enum class Space : std::uint8_t { pk = 1, kv = 2, cid = 3 };
inline constexpr Space kSpaces[] = {Space::pk, Space::kv, Space::cid};

/// Whether a value is for all, or only its named readers can open it (sealed_value.hpp).
enum class Sealing : std::uint8_t { open = 0, sealed = 1 };

struct PkRecord {
  base::PublicKey key;
  std::uint32_t nonce = 0;
  friend bool operator==(const PkRecord&, const PkRecord&) = default;
};
struct KvRecord {
  base::PublicKey owner;
  std::uint64_t sequence = 0;
  base::WallTime created;  ///< whole seconds
  base::WallTime expires;  ///< whole seconds
  Sealing sealing = Sealing::open;
  base::Bytes name;
  base::Bytes value;
  crypto::Signature signature;
  friend bool operator==(const KvRecord&, const KvRecord&) = default;
};
struct CidRecord {
  base::Bytes value;
  friend bool operator==(const CidRecord&, const CidRecord&) = default;
};
using Record = std::variant<PkRecord, KvRecord, CidRecord>;

enum class RecordError : std::uint8_t {
  malformed,        ///< not the one encoding of any record; a time that ends before it begins
  oversize,         ///< a name or value above its limit
  foreign_key,      ///< belongs under another key
  bad_signature,    ///< not signed by its owner, or other bytes were
  expired,          ///< its time is over
  from_the_future,  ///< made more than kClockSkewMax from now: its clock or ours is wrong
  too_long_lived,   ///< for more than kLifetimeMax
  lacks_work,       ///< the id of a /pk does not show the network's work
};

/// Names one encoding: the first 16 bytes of its SHA-256.
using Tag = base::FixedBytes<struct TagTag, 16>;

/// Where a record lies: one key may be used in each space.
struct RecordKey {
  Space space = Space::pk;
  Key key;
  friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

Space space_of(const Record& record);

/// Nothing for a number that is no space.
std::optional<Space> space_of(std::uint8_t number);

/// The bytes that travel. `record` is within the limits, as one from parse() or sign() is.
base::Bytes encode(const Record& record);

/// Reads those bytes. Allocates no more than their size, and says nothing about keys, dates and signatures.
/// Errors: `malformed`, `oversize`.
base::Result<Record, RecordError> parse(base::ByteView bytes);

/// Where it belongs.
Key key_of(const Record& record);
Key key_of_name(const base::PublicKey& owner, base::ByteView name);
Key key_of_value(base::ByteView value);

/// Whether the record belongs under `key` at `wall`, cheap questions first. `work_bits` is that of the network.
base::Result<void, RecordError> validate(const Record& record, const Key& key, base::WallTime wall, unsigned work_bits);

/// Whether what was refused for that reason is no good at any time and to any version, so that no honest node passes it
/// on: clocks differ, and a space that is not known here may be known elsewhere.
bool no_good_ever(base::ByteView encoded, RecordError why);

/// Makes a /kv record of `unsigned_record`, whose owner and signature are filled in and whose dates are cut to seconds.
/// It is within the limits.
KvRecord sign(const crypto::SecretKey& owner, KvRecord unsigned_record);

Tag tag_of(base::ByteView encoded);

/// Zero for what is never replaced.
std::uint64_t sequence_of(const Record& record);

}  // namespace troupe::dht
