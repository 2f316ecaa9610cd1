#pragma once
// Records that other domains and operators may send to the audit trail, at kPath: `node().find(audit::kPath)`.
//
// node::wire::Note     what an operator did, or the node itself; a tell (actors/node/api.hpp)
// Append -> Appended   a request of the HTTP API
//
// Operators may also send ListRecords and GetHead. logic/record.hpp decodes the lines, and logic/head.hpp verifies them.
#include "messages/audit.capnp.h"

namespace troupe::audit {

inline constexpr const char* kPath = "/audit";

}  // namespace troupe::audit
