#pragma once
// What is put under a key: three kinds of records, each with a rule by which every node can verify it.
//
// Bytes   exactly one encoding for each record; numbers are little-endian, dates Unix seconds. The value is the rest.
//           /pk   space 1 (1) · key (32) · work nonce (4)                                   a node's key, by its id
//           /kv   space 2 (1) · owner's key (32) · sequence (8) · created (8) · expires (8) · flags (1: bit 0 sealed) ·
//                 name length (1) · name (0 to 64) · value (0 to 65,536) · signature (64)   a value signed by its owner
//           /cid  space 3 (1) · value (0 to 65,536)                                         bytes by their hash
// Key     /pk: the node id. /kv: the first 20 bytes of SHA-256("troupe-dht-kv" || owner's key || name). /cid: the first
//         20 bytes of the SHA-256 of the value.
// Signed  "troupe-dht-record-1" || all bytes before the signature, by Ed25519.
// Order   the higher sequence is newer; of two records with one sequence, the record with the greater tag is newer.
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

/// Our choice: a link buffers whole messages, and 20 nodes store the record; larger values belong in files.
inline constexpr std::size_t kValueBytesMax = 64 * 1024;
inline constexpr std::size_t kNameBytesMax = 64;  // as for a salt in BEP 44
inline constexpr std::size_t kSignedHeadBytes = 1 + 32 + 8 + 8 + 8 + 1 + 1;
inline constexpr std::size_t kRecordBytesMax =
    kSignedHeadBytes + kNameBytesMax + kValueBytesMax + crypto::Signature::kBytes;
static_assert(kRecordBytesMax + 4096 < 72 * 1024, "a store fits in its message, with token and contact");

inline constexpr std::chrono::minutes kClockSkewMax{10};   // issue 5: refuses a clock that is an hour off
inline constexpr std::chrono::hours kLifetimeMax{7 * 24};  // our choice: a replaced value may return from a node
                                                           // that was away, but for no longer than a week
inline constexpr std::chrono::hours kLifetimeDefault{48};  // issue 5

/// These numbers are sent and stored.
enum class Space : std::uint8_t { pk = 1, kv = 2, cid = 3 };
inline constexpr Space kSpaces[] = {Space::pk, Space::kv, Space::cid};

/// Whether anyone can read a value, or only its named readers (sealed_value.hpp).
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
  malformed,        ///< not the encoding of a record, or its end is before its start
  oversize,         ///< a name or value exceeds its limit
  foreign_key,      ///< belongs under another key
  bad_signature,    ///< not signed by its owner, or altered since
  expired,          ///< its lifetime is over
  from_the_future,  ///< created more than kClockSkewMax ahead: its clock or ours is wrong
  too_long_lived,   ///< lasts longer than kLifetimeMax
  lacks_work,       ///< the id of a /pk lacks the network's work
};

/// Identifies one encoding: the first 16 bytes of its SHA-256.
using Tag = base::FixedBytes<struct TagTag, 16>;

/// Where a record is stored: one key may be used in each space.
struct RecordKey {
  Space space = Space::pk;
  Key key;
  friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

Space space_of(const Record& record);

/// Returns nullopt for a number that is not a space.
std::optional<Space> space_of(std::uint8_t number);

/// Returns the encoding. `record` is within the limits, as parse() and sign() return it.
base::Bytes encode(const Record& record);

/// Parses an encoding. Allocates at most its size; does not check keys, dates and signatures. Errors: `malformed`,
/// `oversize`.
base::Result<Record, RecordError> parse(base::ByteView bytes);

/// Returns the key under which a record belongs.
Key key_of(const Record& record);
Key key_of_name(const base::PublicKey& owner, base::ByteView name);
Key key_of_value(base::ByteView value);

/// Checks whether the record belongs under `key` at `wall`, cheap checks first. `work_bits` is the network's work.
base::Result<void, RecordError> validate(const Record& record, const Key& key, base::WallTime wall, unsigned work_bits);

/// Returns whether a record refused for that reason is invalid at any time and for any version, so that no honest node
/// would pass it on. Clocks differ, and another version may know a space that this one does not.
bool no_good_ever(base::ByteView encoded, RecordError why);

/// Signs a /kv record: fills in the owner and signature of `unsigned_record`, and truncates its dates to seconds. The
/// record has to be within the limits.
KvRecord sign(const crypto::SecretKey& owner, KvRecord unsigned_record);

Tag tag_of(base::ByteView encoded);

/// Returns zero for a record that is never replaced.
std::uint64_t sequence_of(const Record& record);

}  // namespace troupe::dht
