#pragma once
// The ended actors of a node: what they were, why they ended, and whose decision it was.
//
// Limits  the latest kEndedMax.
// Safety  any thread.
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "messages/kinds.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::runtime {

inline constexpr std::size_t kEndedMax = 1'000;
inline constexpr std::size_t kEndedWhyBytesMax = 200;  // our choice: a line on a terminal

enum class Decision : std::uint8_t {
  finished,   ///< its own decision: its work was done
  stopped,    ///< its parent's, and it had not failed
  given_up,   ///< its supervisor's, which no longer restarts it
  unwatched,  ///< nobody's: it broke and has no supervisor
  killed,     ///< the system's, which ends
  killed_by_operator,
};
/// Returns "finished", "stopped", "given up", "unwatched", "killed" or "killed by an operator".
std::string_view name(Decision decision);

struct Ended {
  std::string path;
  std::uint64_t number = 0;  ///< CAF's number
  const char* kind = "";
  Decision decision = Decision::finished;
  base::Code code{};                         ///< of the error that broke it; zero: no error
  std::string why;                           ///< for people
  const messages::KindInfo* last = nullptr;  ///< the last message that it handled; null: none
  std::uint64_t handled = 0;
  std::uint32_t restarts = 0;
  base::Instant at;
};

class EndedActors {
 public:
  void add(Ended ended);
  /// Returns the latest first.
  std::vector<Ended> list() const;
  std::uint64_t count() const;

 private:
  mutable std::mutex lock_;
  std::deque<Ended> latest_;
  std::uint64_t count_ = 0;
};

}  // namespace troupe::runtime
