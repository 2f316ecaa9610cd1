#pragma once
// A schema node from outside, rebuilt from those of its parts that were checked, before Cap'n Proto's loader sees it.
//
// Source  capnp/schema.capnp. Why not the loader alone: its Validator in 0.9.2 multiplies field offsets in 32 bits, so
//         that 0xffffffff passes and is read out of bounds (capnproto pull request 2694), writes one past an array if
//         members of a union are miscounted (2691), and fails half way at a type that it does not know; it also
//         resizes the parent that a group names, whatever that is, and follows default values and brands without
//         limits.
// Kept    names, offsets, types, members of unions, enumerants and default values of numbers.
// Lost    annotations, nested nodes, brands, scopes, and default values of pointers, which then read as empty. What is
//         generic, a capability, or a list of such or of any pointers becomes AnyPointer.
#include <capnp/schema.capnp.h>

#include <cstdint>
#include <string>

#include "runtime/base/result.hpp"

namespace troupe::observe {

inline constexpr std::size_t kMembersMax = 1'000;  // fields or enumerants of a type; our largest has 17
inline constexpr std::size_t kNameBytesMax = 100;
inline constexpr int kListDepthMax = 4;  // lists of lists; we use none

/// Fills `copy`, an empty node, from `node`, a struct, group or enum. Groups become plain structs.
/// Errors: why the node is refused, for people; `copy` is then of no use. Throws kj::Exception where `node` is broken.
base::Result<void, std::string> copy_schema(capnp::schema::Node::Reader node, capnp::schema::Node::Builder copy);

}  // namespace troupe::observe
