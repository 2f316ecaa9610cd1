#pragma once
// The portrait of an actor, as an inspector asks for it.
#include <doctest/doctest.h>

#include <optional>
#include <string_view>

#include "messages/runtime.capnp.h"
#include "tests/runtime/actor/actor_fixture.hpp"

namespace troupe::test {

/// One portrait, or why there is none.
class Seen {
 public:
  Seen(ActorFixture& actors, const runtime::Handle& whom, bool looks = false) {
    actors.inside([&](Scripted& self) {
      self.ask<runtime::wire::Portray, runtime::wire::Portrait>(
          whom, self.now() + std::chrono::seconds(2), [&](runtime::wire::Portray::Builder out) { out.setLooks(looks); },
          [&](const runtime::Answer<runtime::wire::Portrait>& answer) {
            if (answer.ok()) envelope_ = answer.envelope();
            else error = answer.error();
          });
    });
    if (envelope_) reading_.emplace(envelope_);
  }
  runtime::wire::Portrait::Reader operator*() {
    REQUIRE(reading_.has_value());
    return reading_->root();
  }
  explicit operator bool() const { return reading_.has_value(); }
  std::optional<base::Error> error;

 private:
  runtime::Envelope envelope_;
  std::optional<runtime::Envelope::Reading<runtime::wire::Portrait>> reading_;
};

inline std::string_view text(capnp::Text::Reader from) { return {from.begin(), from.size()}; }

template <class Kind>
std::string_view name_of() {
  return messages::kind_of<Kind>().name;
}

}  // namespace troupe::test
