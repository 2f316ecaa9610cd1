#pragma once
// Requests that the API itself sends to its node, in addition to the commands that it runs.
#include <memory>

#include "apps/cli/client.hpp"

namespace troupe::apps::api {

inline constexpr std::chrono::seconds kInnerDue{10};  // our choice

/// Returns a client for one thread. `changes`: an outcome may be unknown. Errors: as Client::connect().
Client::Outcome<std::unique_ptr<Client>> inner_client(const std::shared_ptr<Connection>& connection, bool changes,
                                                      std::shared_ptr<Cancel> cancel = std::make_shared<Cancel>());

}  // namespace troupe::apps::api
