#pragma once
// A node's health for tests: what is told, and how often that changed.
#include "runtime/observe/health.hpp"

namespace troupe {

struct Reasons {
  Reasons() {
    health.on_change([this](const observe::HealthReason&) { ++changes; });
  }
  Reasons(const Reasons&) = delete;
  Reasons& operator=(const Reasons&) = delete;

  /// The reason of that source, empty without one.
  std::string reason(std::string_view source) const {
    for (const auto& one : health.reasons())
      if (one.source == source) return one.text;
    return {};
  }

  observe::Health health;
  int changes = 0;  // lines that a node logs
};

}  // namespace troupe
