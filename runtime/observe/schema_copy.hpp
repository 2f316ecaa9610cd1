#pragma once
// Rebuilds a foreign schema node from its checked parts, before Cap'n Proto's loader sees it.
//
// Source  capnp/schema.capnp. README.md, "A foreign schema", says why the loader alone is not safe.
// Kept    names, offsets, types, members of unions, enumerants and default values of numbers.
// Lost    annotations, nested nodes, brands, scopes, and default values of pointers, which then read as empty. Generic
//         types, capabilities, and lists of them or of AnyPointer become AnyPointer.
#include <capnp/schema.capnp.h>

#include <cstdint>
#include <string>

#include "runtime/base/result.hpp"

namespace troupe::observe {

inline constexpr std::size_t kMembersMax = 1'000;  // fields or enumerants of a type; our largest has 17
inline constexpr std::size_t kNameBytesMax = 100;
inline constexpr int kListDepthMax = 4;  // lists of lists; we use none

/// Fills `copy`, an empty node, from `node`, a struct, group or enum. Groups become plain structs.
/// Errors: the reason of the refusal, for people; then `copy` is useless. Throws kj::Exception if `node` is broken.
base::Result<void, std::string> copy_schema(capnp::schema::Node::Reader node, capnp::schema::Node::Builder copy);

}  // namespace troupe::observe
