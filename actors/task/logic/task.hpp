#pragma once
// The state of a task from its order to its end: its attempts, their results, and the next step.
//
// Attempts  each has a token: the number of the coordinator's start in the upper half, a count in the lower half. A
//           later token is higher, even after a restart. Items with any other token than an active attempt's are
//           refused.
// Answers   the hash of a program's result; a failed program counts too. With one replica the first result decides,
//           otherwise `quorum` equal results do. If all replicas have answered without a quorum, one more attempt is
//           made while retries are left.
// Trust     if the quorum is below the replicas, one result of a trusted node is enough (risk.hpp). A lost or declined
//           attempt or a failed program there restores the order's quorum.
// Retries   an attempt that was lost, refused or could not be made is repeated, Order::retries times in all. The delays
//           are 1 s, 2 s, 4 s, … 60 s. Each retry uses a new node while there is one.
// Ends      once: done, failed, cancelled, or expired if it never ran within Order::queue_max_s. A task that has run,
//           but could continue on no node for that long, has failed.
// Owner     one actor. Times are the coordinator's, in Unix milliseconds.
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
  lost,      ///< its link was lost, or its lease ran out
  refused,   ///< the node refused it, or could not make a sandbox
  ended,     ///< by the coordinator: the task was over
};
std::string_view name(AttemptState state);

enum class Verdict : std::uint8_t { open, right, wrong, malicious };
std::string_view name(Verdict verdict);

/// Hash of the compared parts: exit status, standard output, outputs.
using Answer = base::FixedBytes<struct AnswerTag, 32>;

struct Attempt {
  std::uint64_t token = 0;
  base::NodeId node;
  registry::Owner owner;
  base::AddressGroup group;
  AttemptState state = AttemptState::starting;
  Verdict verdict = Verdict::open;
  std::uint64_t began_ms = 0, ended_ms = 0;
  std::string why;  ///< why it was lost or refused, for people

  // For an answered attempt.
  std::optional<int> exit_status;
  std::optional<int> signal;
  std::optional<sandbox::Limit> limit;
  sandbox::Usage usage;
  Answer answer;

  bool active() const { return state == AttemptState::starting || state == AttemptState::running; }
  bool succeeded() const { return exit_status == 0; }
  friend bool operator==(const Attempt&, const Attempt&) = default;
};

/// How a program ended, as its worker reports it.
struct Ended {
  std::optional<int> exit_status;
  std::optional<int> signal;
  std::optional<sandbox::Limit> limit;
  bool malicious = false;  ///< a tripwire ended it
  sandbox::Usage usage;
  Answer answer;
};

class Task {
 public:
  static constexpr std::uint64_t kBackoffMs = 1'000, kBackoffMaxMs = 60'000;
  static constexpr std::size_t kSparedMax = 8;  // our choice: for a node that always reports such a reason

  Task(const Order& order, std::uint64_t submitted_ms);

  State state() const { return state_; }
  const std::string& reason() const { return reason_; }
  const std::vector<Attempt>& attempts() const { return attempts_; }
  std::uint64_t submitted_ms() const { return submitted_ms_; }
  std::uint64_t ended_ms() const { return ended_ms_; }
  std::uint8_t quorum() const { return quorum_; }
  /// Returns the attempt whose result decided, or null if none has decided.
  const Attempt* result() const;
  const Attempt* find(std::uint64_t token) const;

  /// Returns how many attempts are to be placed at `now_ms`.
  std::size_t wanted(std::uint64_t now_ms) const;
  /// Returns whether one node could be enough: there is no result yet, and no attempt in progress.
  bool may_believe() const;
  /// Makes the next attempt the only one, at a trusted node.
  void believe();
  bool believes() const { return replicas_ < asked_replicas_; }
  /// Returns whether results were compared, so that each of them says something about its node.
  bool compared() const;
  /// What new attempts avoid after a failed attempt, while other nodes are left: its address group, or only its node,
  /// or nothing. The group comes first, so that many ids in one group cannot delay a task in turn.
  enum class Away : std::uint8_t { sites, nodes, none };
  Apart apart(Away away) const;
  /// Returns when wanted() or tick() may return something else, or nullopt if that does not depend on time.
  std::optional<std::uint64_t> wake_ms() const;

  /// Each of these functions changes nothing and returns false unless `token` is an attempt in a fitting state.
  bool place(std::uint64_t token, const Candidate& node, std::uint64_t now_ms);
  bool began(std::uint64_t token, std::uint64_t now_ms);
  bool ended(std::uint64_t token, const Ended& how, std::uint64_t now_ms);
  bool lost(std::uint64_t token, std::string why, std::uint64_t now_ms);
  /// Ends an attempt that was lost for a reason outside of the attempt and its node. Up to kSparedMax times this uses
  /// no retry.
  bool spared(std::uint64_t token, std::string why, std::uint64_t now_ms);
  bool refused(std::uint64_t token, std::string why, std::uint64_t now_ms);
  /// Removes an attempt that its node declined; it does not count as an attempt.
  bool turned_away(std::uint64_t token, std::string why);
  /// Returns false if the task has ended.
  bool cancel(std::string why, std::uint64_t now_ms);
  /// Expires or fails the task if its time is over, and returns whether it did. Call it from time to time: if a clock
  /// was set back, no wait becomes longer than its full length from now.
  bool tick(std::uint64_t now_ms);
  /// Delays the task for the reason `why`; its time to begin counts from now.
  void held(std::string why, std::uint64_t now_ms);
  /// Sets why no attempt was placed, for people; kept until an attempt is placed.
  void waits_for(std::string why);
  /// Marks all attempts in progress as lost, because the coordinator restarted.
  void restarted(std::uint64_t now_ms);

  base::Bytes encode() const;
  /// Returns nullopt unless the bytes are the encoding of a task with that order.
  static std::optional<Task> decode(const Order& order, base::ByteView bytes);

  /// Checks the invariants.
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
  std::uint64_t idle_since_ms_ = 0;  ///< since when no attempt is in progress, after one ran; 0: one is, or unknown
  std::uint8_t asked_replicas_ = 1, asked_quorum_ = 1, retries_ = 0;  ///< as in the order
  std::uint8_t replicas_ = 1, quorum_ = 1;  ///< `replicas_` grows with doubt; both are 1 if a node is trusted
  std::uint8_t retried_ = 0;
  std::optional<std::uint64_t> result_;  ///< token
};

}  // namespace troupe::task
