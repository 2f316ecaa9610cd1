#pragma once
// The promise to respond to one request, and the response that comes back.
//
// A request gets exactly one response: a Reply that is dropped without a response sends `dropped`.
#include <memory>
#include <optional>
#include <utility>

#include "runtime/actor/envelope.hpp"
#include "runtime/base/callback.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::runtime {

class Shell;

/// Where a response goes. Private to runtime/actor; a Reply carries it.
struct ReturnAddress {
  caf::strong_actor_ptr to;
  std::uint64_t message_id = 0;
  Trace trace;
};

/// A response of any type. Belongs to one actor: use it only there, also after its handler has returned.
class AnyReply {
 public:
  AnyReply() = default;
  AnyReply(Shell* shell, ReturnAddress address) : shell_(shell), address_(std::move(address)) {}
  AnyReply(AnyReply&& other) noexcept
      : shell_(std::exchange(other.shell_, nullptr)), address_(std::move(other.address_)) {}
  AnyReply& operator=(AnyReply&& other) noexcept;
  ~AnyReply() { drop(); }

  /// Whether the request still waits for this response.
  bool open() const { return shell_ != nullptr; }

  /// Responds with an error. Does nothing if a response was already sent.
  void refuse(const base::Error& error);

  /// Responds with an existing envelope of the right kind.
  void forward(Envelope answer);

 protected:
  void refuse_as_too_large(const messages::KindInfo& answer);

  /// Returns the header that the response inherits from its request.
  Header header() const { return Header{.trace = address_.trace}; }

 private:
  void drop();

  Shell* shell_ = nullptr;
  ReturnAddress address_;
};

/// The promise to respond with an `A`.
template <class A>
class Reply : public AnyReply {
 public:
  using AnyReply::AnyReply;
  /// For a request whose response is an `A`.
  explicit Reply(AnyReply&& any) : AnyReply(std::move(any)) {}

  /// Responds with an `A` filled by `fill(A::Builder)`, or with `internal` if the `A` is too large for its kind. Does
  /// nothing if a response was already sent.
  template <class Fill>
  void send(Fill&& fill) {
    send(std::forward<Fill>(fill), nullptr);
  }
  /// Does the same, and notifies `account` once the response has been used, or has left this process.
  template <class Fill>
  void send(Fill&& fill, std::shared_ptr<Envelope::Account> account) {
    if (!open()) return;
    Envelope answer = Envelope::build_if_fits<A>(header(), std::forward<Fill>(fill));
    if (!answer) return refuse_as_too_large(messages::kind_of<A>());
    if (account) answer.charge(std::move(account));
    forward(std::move(answer));
  }
  /// Responds with an `A` in its default state.
  void done() {
    send([](typename A::Builder) {});
  }
};

/// The result of a request: an `A`, or an error. Valid only during its callback.
template <class A>
class Answer {
 public:
  explicit Answer(const Envelope& envelope) : envelope_(envelope) {
    if (envelope.header().signal == Signal::error) {
      error_ = read_error(envelope);
    } else if (envelope.kind() != &messages::kind_of<A>()) {
      error_ = base::Error{base::Code::malformed, "the response has another kind than the request expects"};
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
  /// Returns the response itself, to keep it longer or to pass it on.
  const Envelope& envelope() const { return envelope_; }

 private:
  const Envelope& envelope_;
  std::optional<Envelope::Reading<A>> reading_;
  base::Error error_;
};

}  // namespace troupe::runtime
