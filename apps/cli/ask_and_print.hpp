#pragma once
// A command that is one question to its node.
#include "apps/cli/client.hpp"

namespace troupe::apps {

/// Connects, asks the service `path`, and hands the answer to `json(A::Reader)` or `text(A::Reader)`, as the command
/// line wants it. Fails as Client does.
template <class Q, class A, class Fill, class Json, class Text>
Ending ask_and_print(const Invocation& invocation, Console& console, const char* path, base::Duration timeout,
                     Fill&& fill, Json&& json, Text&& text) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->template ask<Q, A>(path, timeout, std::forward<Fill>(fill));
  if (!answer.ok()) return answer.error();
  if (invocation.globals.json) json(answer.value().root());
  else text(answer.value().root());
  return Exit::done;
}

}  // namespace troupe::apps
