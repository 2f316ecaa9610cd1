#pragma once
// The schemas that must travel with a kind so that a reader that does not know it can read its messages.
//
// Source  the compiled schemas (kinds.hpp, schema_bytes()).
// Owner   reads constants of the program only; safe from any thread.
#include <cstdint>
#include <vector>

#include "messages/kinds.hpp"

namespace troupe::messages {

/// The type of that id and every struct, group and enum that its fields reach, through lists too: each once, by
/// ascending id. Empty if the id is unknown. Built again by each call, in time proportional to the fields walked.
/// A field of type AnyPointer or a capability reaches nothing.
std::vector<const SchemaInfo*> schemas_of(std::uint64_t kind_id);

}  // namespace troupe::messages
