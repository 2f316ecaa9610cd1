#pragma once
// Faults that happen at an instant and leave no trace in an actor's counts: kept for whoever watches the node.
//
// Limits  one entry an alarm and subject, kSubjectsMax of each alarm; beyond, the newest takes the place of the oldest.
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
  slow_handler,   ///< a handler kept a shared thread for too long; the subject is the actor
  late_timer,     ///< a timer came late; the subject is the actor
  slow_sync,      ///< the device took long to make something durable; the subject is the store
  flapping_link,  ///< a link was made and lost again and again; the subject is the other node
  budget_full,    ///< strangers are refused a resource (budget_alarm.hpp); the subject is which, and their group
};
inline constexpr std::size_t kAlarms = 5;
inline constexpr std::size_t kSubjectsMax = 16;  // our choice: more than a reason of health names

inline constexpr std::chrono::milliseconds kSlowHandler{100};
inline constexpr std::chrono::milliseconds kLateTimer{500};  // our choice: what a loaded machine does by itself is less
inline constexpr std::chrono::milliseconds kSlowSync{1'000};  // our choice: fifty times that of a disk that turns
inline constexpr std::uint32_t kFlaps = 3;  // our choice: losses of links to one node within kFlapTime
inline constexpr std::chrono::seconds kFlapTime{60};

struct Sounded {
  Alarm alarm{};
  std::string subject;
  base::Duration worst{0};  ///< how long it took, or how late it was
  std::uint64_t times = 0;
  std::uint64_t lately = 0;  ///< what made it sound, within the alarm's own time; zero where one event is enough
  base::Instant last;
  std::string_view what;  ///< a constant of the program, such as the kind of the message; may be empty

  void note(base::Duration length, base::Instant now, std::string_view about);
};

class Alarms {
 public:
  /// `rest` is ended by each alarm; outlives this. Null: nothing waits for one.
  explicit Alarms(Rest* rest = nullptr) : rest_(rest) {}
  void sound(Alarm alarm, std::string_view subject, base::Duration length, base::Instant now,
             std::string_view what = {}, std::uint64_t lately = 0);
  /// The fault that sounded before goes on, and has lasted `length` by now: it is no other one.
  void lasts(Alarm alarm, std::string_view subject, base::Duration length, base::Instant now,
             std::string_view what = {});
  /// Those that sounded at `since` or later; `times` and `worst` are of that subject since it was first heard.
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
