#pragma once
// One end of an open stream: its credit, its callbacks, its entry in the shell. Private to runtime/actor.
//
// States  open until an END, an error or a CANCEL passes in either direction, then detached from its shell.
// Owner   the shell's table and the Sink, Intake or Subscription of the actor; all in one actor.
#include <memory>
#include <optional>

#include "runtime/actor/logic/credit.hpp"
#include "runtime/actor/stream.hpp"
#include "runtime/base/time.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::runtime {

class Shell;

/// The idle time-out of the serving end, for a requester that forgets its stream. The requester names its own time-out.
inline constexpr std::chrono::minutes kServedIdle{15};

class StreamEnd {
 public:
  enum class Side : std::uint8_t { opener, server };

  StreamEnd(Shell& shell, Side side, caf::strong_actor_ptr other, std::uint64_t message_id, base::Duration idle,
            logic::Credit window)
      : shell_(&shell), side_(side), other_(std::move(other)), message_id_(message_id), idle_(idle), in_(window) {}

  bool open() const { return shell_ != nullptr; }
  Side side() const { return side_; }
  const caf::strong_actor_ptr& other() const { return other_; }
  /// Returns the trace of the request that opened the stream; items belong to that trace.
  Trace trace() const { return trace_; }
  void set_trace(Trace trace) { trace_ = trace; }
  /// Returns the message id of the request that opened the stream.
  std::uint64_t message_id() const { return message_id_; }
  base::Duration idle() const { return idle_; }
  /// Whether all items have arrived and only this actor's response is missing. The stream is then not idle.
  bool owes_answer() const { return side_ == Side::server && input_ended_; }
  base::Instant moved() const { return moved_; }
  /// Returns the id of this stream in the shell's deadlines.
  std::uint64_t idle_id() const { return idle_id_; }
  void set_idle_id(std::uint64_t id, base::Instant now) {
    idle_id_ = id;
    moved_ = now;
  }

  /// Processes a signal from the other side. Returns false if it ends the stream.
  bool take(const Envelope& envelope, base::Instant now);
  /// Ends the stream for an external reason, and notifies the callbacks.
  void broken(const base::Error& error);
  /// Ends the stream because the actor's object is dropped: notifies the other side, runs no callbacks.
  void abandon(const base::Error& error);
  void grant(logic::Credit more);
  /// Returns since when this end has waited for credit to write; nullopt if it does not wait.
  std::optional<base::Instant> starved_since() const { return starved_since_; }
  /// Sends the first credit of an intake, at its server.
  void grant_first();
  void time_out();

  // Used by the handles in stream.hpp.
  bool push(Envelope item);
  bool ready() const { return open() && out_.open(); }
  void finish(Envelope last);
  void cancel();
  void pause(bool paused);

  base::Callback<void()> on_ready;
  base::Callback<void()> on_cancel;
  base::Callback<void(const Envelope&)> on_item;
  base::Callback<void(const Envelope&)> on_end;

 private:
  void send(Envelope envelope);
  void detach();
  void starve(bool starved);
  bool take_item(const Envelope& item);
  void drop_callbacks();
  /// Runs a callback that may replace itself, or end the stream and with it all callbacks.
  template <class Callback, class... Args>
  void run(Callback& slot, Args&&... args) {
    Callback running = std::move(slot);
    slot = {};
    running(std::forward<Args>(args)...);
    if (open() && !slot) slot = std::move(running);
  }
  void take_end(const Envelope& last);

  Shell* shell_;
  Side side_;
  caf::strong_actor_ptr other_;
  std::uint64_t message_id_;
  Trace trace_;
  base::Duration idle_;
  base::Instant moved_{};
  std::uint64_t idle_id_ = 0;
  logic::CreditSender out_;
  logic::CreditReceiver in_;
  logic::Credit held_back_;  // consumed while paused, granted on resume
  bool paused_ = false;
  std::optional<base::Instant> starved_since_;
  bool is_intake_ = false;    // the serving end, which reads
  bool input_ended_ = false;  // the writer has ended; the response is still due
};

}  // namespace troupe::runtime
