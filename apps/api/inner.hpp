#pragma once
// Requests that the API itself sends to its node, in addition to the commands that it runs.
#include <memory>

#include "apps/cli/client.hpp"

namespace troupe::apps::api {

inline constexpr std::chrono::seconds kInnerDue{10};  // our choice

/// Returns a client for one thread. `changes`: an outcome may be unknown. Errors: as Client::connect().
Client::Outcome<std::unique_ptr<Client>> inner_client(const std::shared_ptr<Connection>& connection, bool changes,
                                                      std::shared_ptr<Cancel> cancel = std::make_shared<Cancel>());

/// Sends a request that changes something. Errors: as Client::ask().
template <class Q, class A = messages::wire::Nothing, class Fill>
Client::Outcome<void> change_node(const std::shared_ptr<Connection>& connection, const char* path, Fill&& fill) {
  auto client = inner_client(connection, true);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<Q, A>(path, kInnerDue, std::forward<Fill>(fill));
  if (!answer.ok()) return answer.error();
  return {};
}

}  // namespace troupe::apps::api
