#pragma once
// A launcher, and what was heard of it.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <map>
#include <string>

#include "runtime/os/waker.hpp"
#include "runtime/sandbox/launcher.hpp"
#include "tests/support.hpp"

namespace troupe::sandbox {

inline constexpr base::Duration kPatience = std::chrono::seconds{30};

inline Spec shell(const std::string& script) {
  Spec out;
  out.root = "/";
  out.command = {"/bin/sh", "-c", script};
  out.environment = default_environment();
  return out;
}

struct Flow {
  os::Descriptor read, write;
};

inline Flow flow() {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return {os::Descriptor(ends[0]), os::Descriptor(ends[1])};
}

class Launched {
 public:
  Launched() : launcher(Launcher::start()), nothing(::open("/dev/null", O_RDWR | O_CLOEXEC)) {
    REQUIRE(launcher.has_value());
  }

  Streams quiet() const { return printing_to(nothing.get()); }
  Streams printing_to(int output) const { return copies_of({nothing.get(), output, nothing.get()}); }

  Outcome outcome_of(std::uint64_t id) {
    for (;;) {
      if (const auto found = outcomes.extract(id)) return found.mapped();
      listen();
    }
  }

  /// Until the launcher has said something.
  void listen() {
    const std::array watched{launcher->descriptor()};
    REQUIRE(os::Waker::readable(watched, kPatience)[0]);
    while (auto one = launcher->next()) {
      if (auto* outcome = std::get_if<Outcome>(&one->what)) outcomes.emplace(one->id.value, std::move(*outcome));
      else usages.emplace(one->id.value, std::get<Usage>(one->what));
    }
    REQUIRE_FALSE(launcher->gone());
  }

  /// False, and the case is skipped, where the kernel makes no sandbox for this user.
  bool works() {
    REQUIRE(launcher->make({0}, shell("true"), quiet()));
    const Outcome outcome = outcome_of(0);
    if (outcome.how == Ended::not_made) test::skip(outcome.why);
    return outcome.how == Ended::exited;
  }

  std::optional<Launcher> launcher;
  os::Descriptor nothing;
  std::map<std::uint64_t, Outcome> outcomes;
  std::multimap<std::uint64_t, Usage> usages;
};

}  // namespace troupe::sandbox
