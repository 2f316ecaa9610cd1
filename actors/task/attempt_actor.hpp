#pragma once
// One attempt: fetches what its program needs, runs it in a sandbox, and streams what comes of it. It owns the process,
// which ends with it.
//
// Stream   a sign of life each sign_period(), `began`, what is printed as there is credit for it; at last the outputs,
//          `ended`.
// Credit   of the stream is that of the program: it waits while the submitter does not read, for kTakenWithin at most;
//          what is taken buys time at kTakenPerSecond, so that a slow line is fine and a trickle is not. What the
//          program of another node has left is held in memory: it is taken within kTakenWithin, and kHandedPerSecond.
// Paid     for one that is paid the answer is hashed as it is sent, and told to `/task` before the end is. One that its
//          submitter gives up after its start is answered, too, by what there was: it has had the work. So is one whose
//          answer is due within kHandInWithin: its program is ended, and what is left goes on to its submitter. One
//          that could not end before that is not started.
// Lease    of one that talks to hosts is renewed by its submitter (logic/lease.hpp): no program without one.
// Outputs  are read from the disk of the sandbox, in memory; together at most what the order allows it to write, and
//          what fits into the memory that it has.
#include <algorithm>
#include <deque>
#include <functional>
#include <map>

#include "actors/escrow/api.hpp"
#include "actors/task/book.hpp"
#include "actors/task/logic/lease.hpp"
#include "actors/task/settings.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/base/whole_units.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/ports/processes.hpp"

namespace troupe::task {

class AttemptActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "attempt";
  static constexpr std::chrono::minutes kTakenWithin{2};         // our choice: it has cores, and others wait for them
  static constexpr std::uint64_t kTakenPerSecond = 16u << 10;    // our choice: a line of 128 kbit/s
  static constexpr std::uint64_t kHandedPerSecond = 256u << 10;  // our choice: a line of 2 Mbit/s
  static constexpr std::chrono::minutes kHandInWithin{1};        // our choice: a book may be asked several times
  static constexpr std::chrono::minutes kShortFor{1};            // our choice: a machine that had no memory left
  /// For how long at most it holds what the program of another node has left, once that has ended.
  static constexpr base::Duration handed_within(std::uint64_t bytes) {
    return kTakenWithin + std::chrono::seconds(bytes / kHandedPerSecond);
  }
  /// What its program may use. Before Linux 6.18 a thread stops in the kernel, with all that it holds, for as many
  /// periods as the others of its program need: so those of other nodes have a tenth of a core at least.
  static sandbox::Limits limits_of(const Order& order, bool own);
  /// The most that a program of that order may leave.
  static std::uint64_t left_bytes_max(const Order& order) {
    return std::min(order.limits.disk_bytes, order.limits.memory_bytes);
  }
  struct What {
    Order order;
    std::uint64_t token = 0;
    base::NodeId submitter;
    std::optional<escrow::TaskEscrowId> paid_by{};
    wallet::UnixMs due = wallet::UnixMs::max();  ///< its answer, of one that is paid
    base::Bytes order_bytes{};                   ///< as signed by another node, for a warning; empty: too large
    base::Duration lease{};                      ///< of an order with hosts
    base::Endpoint coordinated_at{};             ///< where its submitter is
    /// Whether less than that is left until its answer is due.
    bool is_due_within(base::Duration span, base::WallTime now) const {
      return base::unix_milliseconds(now) + base::milliseconds(span) > due.count();
    }
  };
  AttemptActor(TaskSettings settings, std::shared_ptr<const What> what)
      : settings_(std::move(settings)), what_(std::move(what)), lease_(what_->lease) {}

  void receive(runtime::Handlers& on) override;
  void process(ports::ProcessEvent&& event) override;

  /// For simulations.
  const What& what() const { return *what_; }
  bool runs() const { return process_ != nullptr && !end_; }

 private:
  struct Sign {};
  struct Renew {};
  struct LeaseEnds {};
  struct Input {
    std::string path;  ///< absolute; empty: not there yet
    runtime::Subscription held;
  };
  void begin(runtime::Sink<wire::AttemptItem> to);
  enum class Form : std::uint8_t { file, folder, bytes };
  /// A content, for as long as the subscription lives.
  runtime::Subscription use(const Cid& cid, Form form, std::function<void(wire::InputAt::Reader)> there);
  void fetch(Input& input, const Cid& cid, Form form);
  void fetch_standard_input();
  void start_if_ready();
  /// Its program could run until its answer is to be handed in, or longer.
  bool too_late() const;
  ports::ProcessStart program() const;
  void sign();
  /// Whether its submitter takes what there is for it.
  bool is_taken();
  /// Until when all of what its program has left is to be taken; for ever by this node itself.
  base::Instant taken_by() const;
  /// Whether its submitter has had long enough to give it a lease.
  bool lacks_lease() const;
  void pump();
  void push_printed();
  void push_output();
  void push_end();
  void note_output(std::uint16_t index, base::ByteView piece);
  /// Of one that is paid; the first one alone.
  void tell_answer(const Ended& how);
  /// It is due, whatever its submitter has taken.
  void answer_in_time();
  void given_up();
  void leave();
  void ended(ports::ProcessEnded&& end);
  /// Whether it may run: without hosts, or for this node itself, always.
  bool needs_lease() const;
  void renew();
  void lease_ends();
  void fail(const base::Error& why);
  void lacks(const base::Error& why);
  /// Its submitter let go of it, by word or by deed: one that was paid for has done its part.
  void let_go(const base::Error& why);

  const TaskSettings settings_;
  const std::shared_ptr<const What> what_;
  runtime::Sink<wire::AttemptItem> to_;
  std::map<Cid, Input> inputs_;
  std::optional<Input> root_;
  std::optional<base::Bytes> standard_input_;
  runtime::Subscription reading_input_;
  std::unique_ptr<ports::Process> process_;
  Lease lease_;
  bool told_begin_ = false;
  bool time_is_up_ = false, answered_ = false;
  bool leaves_ = false;  // once its program has ended
  base::Instant begun_{};
  base::Instant taken_by_ = base::Instant::max();
  base::Duration waited_{};  // for credit, less what was bought by taking
  std::uint64_t taken_ = 0;  // bytes, since the last sign
  sandbox::Usage usage_;
  std::deque<ports::Printed> printed_;
  std::optional<ports::ProcessEnded> end_;
  std::size_t output_ = 0;          // of end_->outputs, that is sent next
  std::uint64_t offset_ = 0;        // in it
  std::uint64_t left_bytes_ = 0;    // that outputs may have
  Parts parts_{{kStandardPart}};    // of one that is paid: what was sent
  crypto::Sha256 standard_, last_;  // of the first and the last of them
};

}  // namespace troupe::task
