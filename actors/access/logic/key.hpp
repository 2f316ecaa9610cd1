#pragma once
// A key of the HTTP API, and the owners of things that were made through keys.
//
// Row     numbers little-endian: role (1), hash (32), rate (4), created, expires, last used (8 each), scopes (1, then
//         each as 2 bytes of length and its text), grants (1, then each as write (1), 2 bytes of length and its
//         pattern).
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::access {

inline constexpr std::size_t kScopesMax = 16;         // our choice
inline constexpr std::size_t kGrantsMax = 64;         // our choice
inline constexpr std::size_t kPatternBytesMax = 256;  // our choice
inline constexpr std::size_t kIdCharacters = 16;
inline constexpr std::size_t kSecretBytes = 32;
inline constexpr std::uint32_t kRateMax = 1'000'000;

/// A later role may call whatever an earlier role may.
enum class Role : std::uint8_t { viewer, user, operator_, admin };
inline constexpr std::array<std::string_view, 4> kRoleNames = {"viewer", "user", "operator", "admin"};
std::string_view name(Role role);
std::optional<Role> role_of(std::string_view name);

struct Grant {
  std::string pattern;
  bool write = false;

  friend bool operator==(const Grant&, const Grant&) = default;
};

struct Key {
  base::Digest hash;  ///< SHA-256 of the secret
  Role role = Role::viewer;
  std::vector<std::string> scopes;                        ///< empty: all paths
  std::vector<Grant> grants;                              ///< by pattern
  std::uint32_t rate = 0;                                 ///< requests per second; zero: the default of the API
  std::uint64_t created = 0, expires = 0, last_used = 0;  ///< Unix ms; expires zero: never

  bool expired(std::uint64_t unix_ms) const { return expires != 0 && unix_ms >= expires; }
  friend bool operator==(const Key&, const Key&) = default;
};

base::Bytes encode(const Key& key);
/// Returns nullopt unless the bytes have the format of encode().
std::optional<Key> decode_key(base::ByteView bytes);
/// Returns whether the text is the id of a key: 16 lower-case hexadecimal digits.
bool is_id(std::string_view text);

/// Things that belong to keys.
enum class Kind : std::uint8_t { file, entry, value, task, content };
/// Whether several keys may own the same thing, because they can make it independently.
constexpr bool may_share(Kind kind) { return kind == Kind::file || kind == Kind::content; }
struct Thing {
  Kind kind = Kind::file;
  base::Digest name;  ///< SHA-256 of its name

  friend auto operator<=>(const Thing&, const Thing&) = default;
};
inline constexpr std::size_t kThingsMax = 256;  // messages/access.capnp
inline constexpr std::size_t kOwnersMax = 64;   // of a thing that several may own

/// Owns things that existed before a key claimed them, together with that key. No key has this id.
inline constexpr std::string_view kNodeOwner = "0000000000000000";

enum class Share : std::uint8_t { none, own, shared, other };

/// The owners of a thing, as ids of keys.
using Owners = std::vector<std::string>;
Share share_of(const Owners& owners, const std::string& id);
base::Bytes encode(const Owners& owners);
std::optional<Owners> decode_owners(base::ByteView bytes);

}  // namespace troupe::access
