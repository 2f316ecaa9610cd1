#pragma once
// A value that only its named readers can open: its content under a random key, and that key sealed for each reader.
//
// Bytes   version 1 (1) · readers, 1 to 16 (1) · bytes of a wrap, 1 to 255 (1) · one wrap per reader · nonce (24) ·
//         the content, encrypted, with its tag (16 to the end)
// Tied    associated data are "troupe-dht-sealed-1" || the record's key (20) || all bytes before the content, so that
//         neither the readers nor the place can be exchanged.
// Hidden  the readers: a reader tries each wrap. Their number and the length of the content are visible.
// Curves  the caller provides curves and ciphers (sealing.hpp).
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "actors/dht/logic/record.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::dht {

inline constexpr std::size_t kReadersMax = 16;  // our choice: larger groups share a key
inline constexpr std::size_t kWrapBytesMax = 255;
inline constexpr std::size_t kContentTagBytes = 16;

using ContentNonce = base::FixedBytes<struct ContentNonceTag, 24>;

/// A secret key for one use; wiped on destruction.
struct ContentKey {
  std::array<std::uint8_t, 32> bytes{};

  ContentKey() = default;
  ContentKey(const ContentKey&) = default;
  ContentKey& operator=(const ContentKey&) = default;
  ~ContentKey() { crypto::wipe(bytes); }
};

/// The owner's operations.
struct SealWith {
  /// Wraps `key` for `reader`, to the same length each time. Returns nullopt if no node can have that key.
  std::function<std::optional<base::Bytes>(const base::PublicKey& reader, const ContentKey& key)> wrap;
  /// Encrypts, and appends the tag: kContentTagBytes more than `plain`.
  std::function<base::Bytes(const ContentKey&, const ContentNonce&, base::ByteView associated, base::ByteView plain)>
      seal;
};

/// The reader's operations.
struct OpenWith {
  /// Returns nullopt if the wrap is not for this reader.
  std::function<std::optional<ContentKey>(base::ByteView wrap)> unwrap;
  /// Returns nullopt if the tag is wrong.
  std::function<std::optional<base::Bytes>(const ContentKey&, const ContentNonce&, base::ByteView associated,
                                           base::ByteView sealed)>
      open;
};

enum class SealError : std::uint8_t {
  no_readers,      ///< none, more than kReadersMax, or a repeated reader
  reader_refused,  ///< a key for which nothing can be sealed
  oversize,        ///< the container would exceed kValueBytesMax
};
enum class OpenError : std::uint8_t {
  malformed,   ///< not a container
  not_for_us,  ///< no wrap is for this reader
  tampered,    ///< altered bytes, or sealed for another key
};

/// A parsed container; points into its bytes.
struct SealedValue {
  std::vector<base::ByteView> wraps;
  ContentNonce nonce;
  base::ByteView head;  ///< all bytes before the content
  base::ByteView content;
};

/// Parses the layout. Allocates no more than the container's size justifies.
std::optional<SealedValue> parse_sealed(base::ByteView container);

/// Seals the value of the record under `place`, for `readers`. `key` and `nonce` come from the Chance port, for one
/// use.
base::Result<base::Bytes, SealError> seal_value(base::ByteView plain, const std::vector<base::PublicKey>& readers,
                                                const Key& place, const ContentKey& key, const ContentNonce& nonce,
                                                const SealWith& with);

base::Result<base::Bytes, OpenError> open_value(base::ByteView container, const Key& place, const OpenWith& with);

}  // namespace troupe::dht
