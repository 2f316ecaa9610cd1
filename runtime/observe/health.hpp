#pragma once
// The health of a node: `ok`, or the reasons why not. A part of the node that finds a fault raises a reason, and later
// clears it.
//
// States  the worst of the raised reasons; `ok` without any.
// Limits  kReasonsMax sources have a reason each. Further reasons are merged into one common reason, until an entry is
//         free.
// Owner   one for each node; every call is safe from any thread. A source belongs to one thread at a time: if two
//         threads raise reasons under one name, their order may change.
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::observe {

inline constexpr std::size_t kReasonsMax = 64;         // sources are parts of the program; there are about ten
inline constexpr std::size_t kReasonBytesMax = 1'024;  // the maximum of an error message on the wire

enum class HealthState : std::uint8_t {
  ok,
  degraded,  ///< serves, but less safely or more slowly than it should
  failing,   ///< cannot do its main job
};

/// "ok", "degraded", "failing".
std::string_view name(HealthState state);

struct HealthReason {
  std::string source;  ///< the part that found it: "disk", "peers"
  HealthState state = HealthState::degraded;
  std::string text;  ///< for people

  friend bool operator==(const HealthReason&, const HealthReason&) = default;
};

class Health {
 public:
  /// Sets the function to call, on the raising thread, for each reason that is raised or changed, and with `ok` for
  /// each reason that is cleared. For a merged reason it is called only if that reason is worse than all merged reasons
  /// before. Set it before other threads start.
  void on_change(std::function<void(const HealthReason&)> told) { told_ = std::move(told); }

  /// Sets the reason of `source`, in place of an earlier one. `ok` is the same as clear().
  void raise(std::string_view source, HealthState state, std::string_view text);

  /// Updates the text of a raised reason, for example its numbers, without a call of the on_change() function.
  void refresh(std::string_view source, std::string_view text);

  /// Clears the reason of `source`, if there is one.
  void clear(std::string_view source);

  HealthState state() const;

  /// Returns the reasons with `failing` first, then by source; at most kReasonsMax + 1.
  std::vector<HealthReason> reasons() const;

 private:
  void check() const;

  std::function<void(const HealthReason&)> told_ = [](const HealthReason&) {};
  mutable std::mutex mutex_;
  std::map<std::string, HealthReason, std::less<>> reasons_;
  std::set<std::string> refreshed_;         // sources in reasons_ whose text changed without a call of on_change()
  HealthState overflow_ = HealthState::ok;  // the worst merged reason
};

}  // namespace troupe::observe
