#pragma once
// Momentary faults that an actor's counts do not show: kept for the health scan of the node.
//
// Limits  one entry per alarm and subject, at most kSubjectsMax per alarm; a further entry replaces the oldest.
// Safety  any thread.
#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::runtime {

class Rest;

enum class Alarm : std::uint8_t {
  slow_handler,   ///< a handler occupied a shared thread for too long; the subject is the actor
  late_timer,     ///< a timer came late; the subject is the actor
  slow_sync,      ///< the device took long to make something durable; the subject is the store
  flapping_link,  ///< a link was made and lost repeatedly; the subject is the other node
  budget_full,    ///< untrusted nodes are refused a resource (budget_alarm.hpp); the subject is the resource and their
                  ///< group
};
inline constexpr std::size_t kAlarms = 5;
inline constexpr std::size_t kSubjectsMax = 16;  // our choice: more than a health reason names

inline constexpr std::chrono::milliseconds kSlowHandler{100};
inline constexpr std::chrono::milliseconds kLateTimer{500};   // our choice: more than the delays of a loaded machine
inline constexpr std::chrono::milliseconds kSlowSync{1'000};  // our choice: fifty times the sync of a rotating disk
inline constexpr std::uint32_t kFlaps = 3;  // our choice: losses of links to one node within kFlapTime
inline constexpr std::chrono::seconds kFlapTime{60};

struct Sounded {
  Alarm alarm{};
  std::string subject;
  base::Duration worst{0};  ///< its duration, or how late it was
  std::uint64_t times = 0;
  std::uint64_t lately = 0;  ///< number of recent events that raised the alarm; zero if one event is enough
  base::Instant last;
  std::string_view what;  ///< a constant of the program, such as the kind of the message; may be empty

  void note(base::Duration length, base::Instant now, std::string_view about);
};

class Alarms {
 public:
  /// Each alarm wakes the watcher of `rest`, which outlives this object. Null: nothing waits for an alarm.
  explicit Alarms(Rest* rest = nullptr) : rest_(rest) {}
  void sound(Alarm alarm, std::string_view subject, base::Duration length, base::Instant now,
             std::string_view what = {}, std::uint64_t lately = 0);
  /// Records that the fault of an earlier alarm continues and has now lasted `length`. Does not count a new fault.
  void lasts(Alarm alarm, std::string_view subject, base::Duration length, base::Instant now,
             std::string_view what = {});
  /// Returns the alarms at `since` or later; `times` and `worst` cover that subject since its first alarm.
  std::vector<Sounded> since(base::Instant since) const;
  std::uint64_t count(Alarm alarm) const;

 private:
  Sounded& entry(Alarm alarm, std::string_view subject);

  Rest* const rest_;
  mutable std::mutex lock_;
  std::vector<Sounded> all_;
  std::array<std::uint64_t, kAlarms> counts_{};
};

}  // namespace troupe::runtime
