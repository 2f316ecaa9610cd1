#pragma once
// One attempt: fetches its inputs, runs its program in a sandbox that it owns, and streams the results.
//
// Stream   a sign of life every sign_period(), `began`, printed text as credit allows, then the outputs, and `ended`.
// Credit   the program waits while the submitter does not read, for at most kTakenWithin. The bytes that the submitter
//          reads extend this time, at kTakenPerSecond. Outputs of another node's program are held in memory for at most
//          handed_within().
// Paid     the result is hashed while it is sent, and reported to `/task` before the end. An attempt that its submitter
//          gives up after the start also reports a result. kHandInWithin before the result is due, the program is ended
//          and its result reported. The submitter still gets the remaining output. A program without time for that is
//          not started.
// Lease    a program that talks to hosts runs only under a lease that its submitter renews (logic/lease.hpp).
// Outputs  are read from the sandbox's disk, which is in memory. Their total size is at most left_bytes_max().
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
  static constexpr std::chrono::minutes kTakenWithin{2};         // our choice: a waiting program keeps its cores
  static constexpr std::uint64_t kTakenPerSecond = 16u << 10;    // our choice: a link of 128 kbit/s
  static constexpr std::uint64_t kHandedPerSecond = 256u << 10;  // our choice: a link of 2 Mbit/s
  static constexpr std::chrono::minutes kHandInWithin{1};  // our choice: the ledger may have to be asked several times
  static constexpr std::chrono::minutes kShortFor{1};      // our choice: how long a node out of memory takes no tasks
  /// Returns how long the outputs of another node's program are held at most, once it has ended.
  static constexpr base::Duration handed_within(std::uint64_t bytes) {
    return kTakenWithin + std::chrono::seconds(bytes / kHandedPerSecond);
  }
  /// Returns the limits of its program. Before Linux 6.18, a throttled thread stops in the kernel with all that it
  /// holds, for as many periods as the program's other threads need. So other nodes' programs get at least a tenth of a
  /// core.
  static sandbox::Limits limits_of(const Order& order, bool own);
  /// Returns the limit on the total size of outputs: what the order lets its program write, and its memory.
  static std::uint64_t left_bytes_max(const Order& order) {
    return std::min(order.limits.disk_bytes, order.limits.memory_bytes);
  }
  struct What {
    Order order;
    std::uint64_t token = 0;
    base::NodeId submitter;
    std::optional<escrow::TaskEscrowId> paid_by{};
    wallet::UnixMs due = wallet::UnixMs::max();  ///< when the result of a paid attempt is due
    base::Bytes order_bytes{};                   ///< as signed by another node, for a warning; empty: too large
    base::Duration lease{};                      ///< for an order with hosts
    base::Endpoint coordinated_at{};             ///< address of its submitter
    /// Returns whether less than `span` is left until its result is due.
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
    std::string path;  ///< absolute; empty: not fetched yet
    runtime::Subscription held;
  };
  void begin(runtime::Sink<wire::AttemptItem> to);
  enum class Form : std::uint8_t { file, folder, bytes };
  /// Keeps an object in use for as long as the subscription lives.
  runtime::Subscription use(const Cid& cid, Form form, std::function<void(wire::InputAt::Reader)> there);
  void fetch(Input& input, const Cid& cid, Form form);
  void fetch_standard_input();
  void start_if_ready();
  /// Returns whether its program could run until the result has to be submitted, or longer.
  bool too_late() const;
  ports::ProcessStart program() const;
  void sign();
  /// Returns whether its submitter reads what is ready for it.
  bool is_taken();
  /// Returns when all outputs must have been read; never for this node's own tasks.
  base::Instant taken_by() const;
  /// Returns whether its submitter has had enough time to grant a lease.
  bool lacks_lease() const;
  void pump();
  void push_printed();
  void push_output();
  void push_end();
  void note_output(std::uint16_t index, base::ByteView piece);
  /// Reports the result of a paid attempt; only the first call counts.
  void tell_answer(const Ended& how);
  /// Reports the result because it is due, even if its submitter has not read all output.
  void answer_in_time();
  void given_up();
  void leave();
  void ended(ports::ProcessEnded&& end);
  /// Returns whether it needs a lease: it has hosts, and comes from another node.
  bool needs_lease() const;
  void renew();
  void lease_ends();
  void fail(const base::Error& why);
  void lacks(const base::Error& why);
  /// Ends an attempt that its submitter abandoned, explicitly or by silence. A paid attempt reports its result.
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
  bool leaves_ = false;  // the actor ends once its program has ended
  base::Instant begun_{};
  base::Instant taken_by_ = base::Instant::max();
  base::Duration waited_{};  // for credit, minus the time that reading has added
  std::uint64_t taken_ = 0;  // bytes read since the last sign of life
  sandbox::Usage usage_;
  std::deque<ports::Printed> printed_;
  std::optional<ports::ProcessEnded> end_;
  std::size_t output_ = 0;          // index in end_->outputs of the next to send
  std::uint64_t offset_ = 0;        // in the output that is sent
  std::uint64_t left_bytes_ = 0;    // limit for the outputs that are not sent yet
  Parts parts_{{kStandardPart}};    // sent parts of a paid attempt
  crypto::Sha256 standard_, last_;  // hashes of the first and the last part
};

}  // namespace troupe::task
