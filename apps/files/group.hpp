#pragma once
// Applies `troupe file … --group G` to the catalogue of a group (actors/catalogue).
#include "actors/files/api.hpp"
#include "apps/kv/kv.hpp"

namespace troupe::apps::file_group {

/// Adds the file to the catalogue, so that all members store it. Repeating it changes only the name.
Client::Outcome<void> add(kv_command::Way& way, const files::Cid& cid, const std::string& name, std::uint64_t bytes);
/// Returns the failure for a file that is not in the catalogue.
Failure unknown(const kv_command::Way& way);
/// Removes the file from the catalogue. Returns false if the catalogue has no such file.
Client::Outcome<bool> remove(kv_command::Way& way, const files::Cid& cid);
Client::Outcome<void> pin(kv_command::Way& way, const files::Cid& cid, bool pinned);
Ending list(const Invocation& invocation, Console& console);

}  // namespace troupe::apps::file_group
