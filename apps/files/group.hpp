#pragma once
// What `troupe file … --group G` does with the catalogue of a group (actors/catalogue).
#include "actors/files/api.hpp"
#include "apps/kv/kv.hpp"

namespace troupe::apps::file_group {

/// The group keeps the file from now on, with all its members. Again: nothing changes but its name.
Client::Outcome<void> add(kv_command::Way& way, const files::Cid& cid, const std::string& name, std::uint64_t bytes);
/// There is no such file in the catalogue.
Failure unknown(const kv_command::Way& way);
/// False if it has no such file.
Client::Outcome<bool> remove(kv_command::Way& way, const files::Cid& cid);
Client::Outcome<void> pin(kv_command::Way& way, const files::Cid& cid, bool pinned);
Ending list(const Invocation& invocation, Console& console);

}  // namespace troupe::apps::file_group
