#pragma once
// Numbers to ask and to answer with, for tests of actors and of links.
#include <optional>
#include <utility>
#include <vector>

#include "messages/bench.capnp.h"
#include "tests/runtime/actor/actor_fixture.hpp"

namespace troupe::test {

/// Fills any message that has a `value`.
inline auto number(std::uint64_t value) {
  return [value](auto builder) { builder.setValue(value); };
}

/// Answers a number with the next one.
inline void successor(Scripted&, runtime::Handlers& on) {
  using bench::wire::Number;
  on.ask<Number, Number>(
      [](Number::Reader question, runtime::Reply<Number> reply) { reply.send(number(question.getValue() + 1)); });
}

/// Keeps its questions until it is told a number: zero drops them, another answers them with it.
inline Scripted::Receive keeper(std::vector<runtime::Reply<bench::wire::Number>>& kept) {
  using bench::wire::Latest;
  using bench::wire::Number;
  return [&kept](Scripted&, runtime::Handlers& on) {
    on.ask<Number, Number>([&kept](Number::Reader, runtime::Reply<Number> reply) { kept.push_back(std::move(reply)); });
    on.tell<Latest>([&kept](Latest::Reader latest) {
      if (latest.getValue() != 0)
        for (auto& reply : kept) reply.send(number(latest.getValue()));
      kept.clear();
    });
  };
}

/// What one question came to.
struct Outcome {
  int calls = 0;
  std::optional<std::uint64_t> value;
  std::optional<base::Code> code;

  auto note() {
    return [this](runtime::Answer<bench::wire::Number> answer) {
      ++calls;
      if (answer.ok()) value = answer.value().getValue();
      else code = answer.error().code;
    };
  }
};

}  // namespace troupe::test
