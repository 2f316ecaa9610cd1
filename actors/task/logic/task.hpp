#pragma once
// A task from its order to its end: its attempts, what they answered, and what is to be done next.
//
// Attempts  each has a token: the coordinator's start in the upper half, a count below, so that a later one is higher,
//           also after a restart. What comes with another token than that of an attempt under way is refused.
// Answers   what a program has come to, as a hash; the program's failure is an answer, too. With one replica the first
//           answer decides. With several `quorum` equal ones decide; if all replicas have answered and none has that
//           many, one more is asked, as long as retries are left.
// Trust     where fewer than all replicas need agree, one answer is enough of a node that is believed (risk.hpp); one
//           that is lost or not taken, or says that the program failed, raises the quorum to what the order says.
// Retries   an attempt that was lost, refused or could not be made is repeated elsewhere, Order::retries times in all,
//           after 1 s, 2 s, 4 s, … 60 s. Elsewhere: no node gets the same task twice while others are left.
// Ends      once, for good: done, failed, cancelled, or expired if nothing ran within Order::queue_max_s. A task that
//           has run, but could continue on no node for that long, has failed.
// Owner     one actor. Times are Unix milliseconds of the coordinator.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/task/logic/placement.hpp"
#include "runtime/sandbox/spec.hpp"

namespace troupe::task {

enum class State : std::uint8_t { queued, running, verifying, done, failed, cancelled, expired };
std::string_view name(State state);
inline constexpr unsigned kStates = 7;
constexpr bool final(State state) { return state >= State::done; }

enum class AttemptState : std::uint8_t {
  starting,  ///< the node was asked
  running,
  answered,  ///< its program has ended
  lost,      ///< its link, or its lease
  refused,   ///< the node does not take it, or could not make a sandbox
  ended,     ///< by us: the task was over
};
std::string_view name(AttemptState state);

enum class Verdict : std::uint8_t { open, right, wrong, malicious };
std::string_view name(Verdict verdict);

/// Hash of what is compared: exit status, standard output, outputs.
using Answer = base::FixedBytes<struct AnswerTag, 32>;

struct Attempt {
  std::uint64_t token = 0;
  base::NodeId node;
  registry::Owner owner;
  base::AddressGroup group;
  AttemptState state = AttemptState::starting;
  Verdict verdict = Verdict::open;
  std::uint64_t began_ms = 0, ended_ms = 0;
  std::string why;  ///< of lost and refused, for people

  // Of an answer.
  std::optional<int> exit_status;
  std::optional<int> signal;
  std::optional<sandbox::Limit> limit;
  sandbox::Usage usage;
  Answer answer;

  bool active() const { return state == AttemptState::starting || state == AttemptState::running; }
  bool succeeded() const { return exit_status == 0; }
  friend bool operator==(const Attempt&, const Attempt&) = default;
};

/// How a program ended, as its worker says.
struct Ended {
  std::optional<int> exit_status;
  std::optional<int> signal;
  std::optional<sandbox::Limit> limit;
  bool malicious = false;  ///< a tripwire has ended it
  sandbox::Usage usage;
  Answer answer;
};

class Task {
 public:
  static constexpr std::uint64_t kBackoffMs = 1'000, kBackoffMaxMs = 60'000;
  static constexpr std::size_t kSparedMax = 8;  // our choice: a node can say so without end

  Task(const Order& order, std::uint64_t submitted_ms);

  State state() const { return state_; }
  const std::string& reason() const { return reason_; }
  const std::vector<Attempt>& attempts() const { return attempts_; }
  std::uint64_t submitted_ms() const { return submitted_ms_; }
  std::uint64_t ended_ms() const { return ended_ms_; }
  std::uint8_t quorum() const { return quorum_; }
  /// The attempt whose answer decided; null while none has.
  const Attempt* result() const;
  const Attempt* find(std::uint64_t token) const;

  /// How many attempts are to be placed at `now_ms`.
  std::size_t wanted(std::uint64_t now_ms) const;
  /// Whether one node could be enough: there is no answer yet, and nothing under way.
  bool may_believe() const;
  /// The next attempt is that of a node which is believed.
  void believe();
  bool believes() const { return replicas_ < asked_replicas_; }
  /// Whether answers were compared, so that each of them says something about its node.
  bool compared() const;
  /// From what attempts keep away after one that has failed, as long as there are others: its site, so that many ids
  /// of one site do not hold a task one after the other; at least its node; nothing.
  enum class Away : std::uint8_t { sites, nodes, none };
  Apart apart(Away away) const;
  /// When wanted() or tick() may say something else; nothing: not by time.
  std::optional<std::uint64_t> wake_ms() const;

  /// Each changes nothing, and returns false, unless the token is that of an attempt to which it can happen.
  bool place(std::uint64_t token, const Candidate& node, std::uint64_t now_ms);
  bool began(std::uint64_t token, std::uint64_t now_ms);
  bool ended(std::uint64_t token, const Ended& how, std::uint64_t now_ms);
  bool lost(std::uint64_t token, std::string why, std::uint64_t now_ms);
  /// Lost, but not for a reason that lies in it or its node: up to kSparedMax times no retry is used for that.
  bool spared(std::uint64_t token, std::string why, std::uint64_t now_ms);
  bool refused(std::uint64_t token, std::string why, std::uint64_t now_ms);
  /// The node did not take it: it was no attempt, and counts as none.
  bool turned_away(std::uint64_t token, std::string why);
  /// False if it has ended.
  bool cancel(std::string why, std::uint64_t now_ms);
  /// Expires it, or has it fail. Whether it did. To be called now and then: where a clock was set back, nothing waits
  /// for longer than it would from now on.
  bool tick(std::uint64_t now_ms);
  /// It has to wait for something else, which `why` names: its time to begin counts from now on.
  void held(std::string why, std::uint64_t now_ms);
  /// Why nothing was placed, for people; kept until something is.
  void waits_for(std::string why);
  /// All attempts under way are lost: the coordinator began anew.
  void restarted(std::uint64_t now_ms);

  base::Bytes encode() const;
  /// Nothing unless the bytes are those of encode() of a task with that order.
  static std::optional<Task> decode(const Order& order, base::ByteView bytes);

  /// Broken invariants.
  void check() const;
  friend bool operator==(const Task&, const Task&) = default;

 private:
  Attempt* active(std::uint64_t token);
  std::size_t count(AttemptState state) const;
  void failed_attempt(Attempt& attempt, AttemptState how, std::string why, std::uint64_t now_ms);
  void end_attempt(Attempt& attempt, AttemptState how, std::string why, std::uint64_t now_ms);
  void doubt();
  void decide(std::uint64_t now_ms);
  void finish(State state, std::string reason, std::uint64_t now_ms);

  State state_ = State::queued;
  std::string reason_;
  std::vector<Attempt> attempts_;
  std::uint64_t submitted_ms_ = 0, ended_ms_ = 0, retry_at_ms_ = 0, expires_ms_ = 0, queue_ms_ = 0;
  std::uint64_t idle_since_ms_ =
      0;  ///< nothing is under way of what has run before; 0: something is, or it was not noted
  std::uint8_t asked_replicas_ = 1, asked_quorum_ = 1, retries_ = 0;  ///< of the order
  std::uint8_t replicas_ = 1, quorum_ = 1;  ///< `replicas_` grows with doubt; both are 1 where a node is believed
  std::uint8_t retried_ = 0;
  std::optional<std::uint64_t> result_;  ///< token
};

}  // namespace troupe::task
