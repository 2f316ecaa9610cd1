#pragma once
// How the node is: `ok`, or the reasons why not. Whoever finds a fault raises it, and clears it when it is over.
//
// States  the worst of the raised reasons; `ok` without any.
// Limits  kReasonsMax sources; a reason beyond is folded into one that says so, and stays until one place is free.
// Owner   one a node; every call is safe from any thread. A source is that of one thread at a time: what two say under
//         one name may be heard in another order than it came to be.
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::observe {

inline constexpr std::size_t kReasonsMax = 64;         // sources are parts of the program; there are about ten
inline constexpr std::size_t kReasonBytesMax = 1'024;  // as much as an error's message on the wire

enum class HealthState : std::uint8_t {
  ok,
  degraded,  ///< serves, but less safely or slowly than it should
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
  /// Hears of each reason that is raised or becomes another, and with `ok` of each that is over; of one that finds no
  /// place if it is worse than all of those before it. On the raiser's thread. Set it before there are others.
  void on_change(std::function<void(const HealthReason&)> told) { told_ = std::move(told); }

  /// Sets the one reason of `source`; a later one replaces it. `ok` is the same as clear().
  void raise(std::string_view source, HealthState state, std::string_view text);

  /// Fine if nothing was raised.
  void clear(std::string_view source);

  HealthState state() const;

  /// Failing ones first, then by source; at most kReasonsMax + 1.
  std::vector<HealthReason> reasons() const;

 private:
  void check() const;

  std::function<void(const HealthReason&)> told_ = [](const HealthReason&) {};
  mutable std::mutex mutex_;
  std::map<std::string, HealthReason, std::less<>> reasons_;
  HealthState overflow_ = HealthState::ok;  // the worst reason that found no place
};

}  // namespace troupe::observe
