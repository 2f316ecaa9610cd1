#pragma once
// Copies a response into a command's output: all fields with the same name and type, by schema.
//
// Same    numbers (unsigned numbers also into wider types), texts, bytes and enumerants of equal names; groups and
//         structs field by field; lists element by element. The caller fills fields whose types differ, or that the
//         response lacks.
// Null    an empty text is not copied, so that `--json` prints null.
#include <capnp/dynamic.h>

#include <string>

namespace troupe::apps {

void copy_same(const capnp::DynamicStruct::Reader& from, capnp::DynamicStruct::Builder to);

/// Returns the name of an enumerant in its schema, or "unknown" for a number that this program does not know.
std::string enumerant_text(capnp::DynamicEnum value);

}  // namespace troupe::apps
