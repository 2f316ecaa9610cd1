#pragma once
// The promise to answer one question, and the answer that comes back.
//
// A question is answered exactly once: a Reply that is dropped unanswered answers `dropped`.
#include <memory>
#include <optional>
#include <utility>

#include "runtime/actor/envelope.hpp"
#include "runtime/base/callback.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::runtime {

class Shell;

/// Where an answer goes. Private to runtime/actor; a Reply carries it.
struct ReturnAddress {
  caf::strong_actor_ptr to;
  std::uint64_t message_id = 0;
  Trace trace;
};

/// An answer of any type. Belongs to one actor: use it only there, also after its handler has returned.
class AnyReply {
 public:
  AnyReply() = default;
  AnyReply(Shell* shell, ReturnAddress address) : shell_(shell), address_(std::move(address)) {}
  AnyReply(AnyReply&& other) noexcept
      : shell_(std::exchange(other.shell_, nullptr)), address_(std::move(other.address_)) {}
  AnyReply& operator=(AnyReply&& other) noexcept;
  ~AnyReply() { drop(); }

  /// Whether the question still waits for this answer.
  bool open() const { return shell_ != nullptr; }

  /// Answers with an error. Does nothing if already answered.
  void refuse(const base::Error& error);

  /// Answers with an envelope of the right kind that is already at hand.
  void forward(Envelope answer);

 protected:
  void refuse_as_too_large(const messages::KindInfo& answer);

  /// The header that the answer inherits from its question.
  Header header() const { return Header{.trace = address_.trace}; }

 private:
  void drop();

  Shell* shell_ = nullptr;
  ReturnAddress address_;
};

/// The promise to answer with an `A`.
template <class A>
class Reply : public AnyReply {
 public:
  using AnyReply::AnyReply;
  /// Of a question that an `A` answers.
  explicit Reply(AnyReply&& any) : AnyReply(std::move(any)) {}

  /// Answers with an `A` filled by `fill(A::Builder)`, or with `internal` if that is larger than its kind may be. Does
  /// nothing if already answered.
  template <class Fill>
  void send(Fill&& fill) {
    send(std::forward<Fill>(fill), nullptr);
  }
  /// The same. `account` is told once the answer was used, or has left this process.
  template <class Fill>
  void send(Fill&& fill, std::shared_ptr<Envelope::Account> account) {
    if (!open()) return;
    Envelope answer = Envelope::build_if_fits<A>(header(), std::forward<Fill>(fill));
    if (!answer) return refuse_as_too_large(messages::kind_of<A>());
    if (account) answer.charge(std::move(account));
    forward(std::move(answer));
  }
  /// Answers with an `A` in its default state.
  void done() {
    send([](typename A::Builder) {});
  }
};

/// What a question came to: an `A`, or an error. Valid during its callback only.
template <class A>
class Answer {
 public:
  explicit Answer(const Envelope& envelope) : envelope_(envelope) {
    if (envelope.header().signal == Signal::error) {
      error_ = read_error(envelope);
    } else if (envelope.kind() != &messages::kind_of<A>()) {
      error_ = base::Error{base::Code::malformed, "the answer is of another kind than the question asks for"};
    } else {
      reading_.emplace(envelope);
    }
  }
  bool ok() const { return reading_.has_value(); }
  typename A::Reader value() {
    base::ensure(ok(), "an answer is read when there is one");
    return reading_->root();
  }
  const base::Error& error() const {
    base::ensure(!ok(), "an error is read when there is one");
    return error_;
  }
  /// The answer itself, to keep it for longer or to pass it on.
  const Envelope& envelope() const { return envelope_; }

 private:
  const Envelope& envelope_;
  std::optional<Envelope::Reading<A>> reading_;
  base::Error error_;
};

}  // namespace troupe::runtime
