#pragma once
// The table of all kinds of messages, which the build makes from the annotations in the schemas.
//
// Source  messages/annotations.capnp; messages/kinds/ writes the table and fails the build on a bad annotation.
// Owner   constants of the program; safe from any thread.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::messages {

/// Largest `bytesMax` that a schema may ask for: a frame of the network (DESIGN.md, `net.frame_bytes_max`).
inline constexpr std::uint32_t kBytesMaxLimit = 4u << 20;

/// Which queue of the mailbox a message waits in; `control` goes first and is never refused.
enum class Lane : std::uint8_t { normal, control };

/// What happens to a tell above the receiver's limit.
enum class WhenFull : std::uint8_t {
  drop_newest,  ///< it is dropped and counted
  keep_latest,  ///< it replaces the waiting message of the same sender and kind
  credit,       ///< it travels only as an item of a stream, whose credit bounds it
};

/// The role of a sender. One bit each.
enum class Role : std::uint8_t {
  inside = 1,   ///< an actor of the same node
  peer = 2,     ///< another node
  view = 4,     ///< an operator who may look
  operate = 8,  ///< an operator who may change things
};

/// A set of roles.
struct Roles {
  std::uint8_t bits = 0;

  constexpr bool has(Role role) const { return (bits & static_cast<std::uint8_t>(role)) != 0; }
  friend constexpr bool operator==(Roles, Roles) = default;
};

struct KindInfo {
  std::uint64_t id;       ///< Cap'n Proto type id
  std::string_view name;  ///< "dht.FindNode"; without domain for common.capnp: "Error"
  Lane lane;
  Roles from;               ///< always has `inside`
  std::uint32_t bytes_max;  ///< largest message, counted over its words; 1 to kBytesMaxLimit
  WhenFull when_full;
  bool datagram;  ///< another node may ask it by datagram; otherwise over a link alone
};

/// A type of the schemas: a kind or a part (struct, group or enum).
struct SchemaInfo {
  std::uint64_t id;
  base::ByteView node;  ///< as schema_bytes() returns it
};

/// All kinds and all types, by ascending id.
std::span<const KindInfo> all_kinds();
std::span<const SchemaInfo> all_schemas();

/// The kind of that type id; null if it is unknown, or only a part of messages.
const KindInfo* find_kind(std::uint64_t id);

/// The serialized `schema::Node` of a type: one segment without a segment table, whole words. With it an older
/// inspector reads a newer node. Empty if the type is unknown.
base::ByteView schema_bytes(std::uint64_t id);

/// Whether a message of `bytes` is within the limit of its kind.
constexpr bool fits(const KindInfo& kind, std::size_t bytes) { return bytes <= kind.bytes_max; }

/// Whether that role may send this kind.
constexpr bool may_send(const KindInfo& kind, Role role) { return kind.from.has(role); }

/// The kind of a generated struct `T`. A `T` without `$kind` is a broken invariant.
template <class T>
const KindInfo& kind_of() {
  static const KindInfo* const kind = find_kind(T::_capnpPrivate::typeId);
  base::ensure(kind != nullptr, "a struct that is sent has the annotation $kind");
  return *kind;
}

}  // namespace troupe::messages
