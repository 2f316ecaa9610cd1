#pragma once
// The actors of a node that have ended: what they were, why they ended, and who decided it.
//
// Limits  the kEndedMax latest.
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
  finished,   ///< its own: its work was done
  stopped,    ///< its parent's, and nothing was wrong with it
  given_up,   ///< its supervisor's, which restarts it no more
  unwatched,  ///< nobody's: it broke and has no supervisor
  killed,     ///< of the system, which ends
  killed_by_operator,
};
/// "finished", "stopped", "given up", "unwatched", "killed", "killed by an operator".
std::string_view name(Decision decision);

struct Ended {
  std::string path;
  std::uint64_t number = 0;  ///< CAF's
  const char* kind = "";
  Decision decision = Decision::finished;
  base::Code code{};                         ///< of what broke it; zero: nothing did
  std::string why;                           ///< in words
  const messages::KindInfo* last = nullptr;  ///< the message handled last; null: none was
  std::uint64_t handled = 0;
  std::uint32_t restarts = 0;
  base::Instant at;
};

class EndedActors {
 public:
  void add(Ended ended);
  /// The latest first.
  std::vector<Ended> list() const;
  std::uint64_t count() const;

 private:
  mutable std::mutex lock_;
  std::deque<Ended> latest_;
  std::uint64_t count_ = 0;
};

}  // namespace troupe::runtime
