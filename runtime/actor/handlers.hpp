#pragma once
// The handler of one actor for each kind of message: a flat table, filled once per incarnation.
//
// This is the only place where messages are counted, admitted, traced and decoded.
#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/actor/envelope.hpp"
#include "runtime/actor/reply.hpp"
#include "runtime/actor/stream.hpp"
#include "runtime/base/callback.hpp"

namespace troupe::runtime {

/// Identifies a timer by its empty struct: the address of a variable that exists once per type.
struct TimerInfo {
  std::string_view name;  ///< the name of the struct, without its scopes
};
using TimerTag = const TimerInfo*;
template <class Tag>
consteval std::string_view tag_name() {
  std::string_view text = __PRETTY_FUNCTION__;  // "... tag_name() [with Tag = troupe::net::Peer::Flush; ...]"
  text.remove_prefix(text.find("Tag = ") + 6);
  text = text.substr(0, text.find_first_of(";]"));
  return text.substr(text.rfind(':') + 1);
}
template <class Tag>
TimerTag timer_tag() {
  static constexpr TimerInfo kInfo{tag_name<Tag>()};
  return &kInfo;
}

class Handlers {
 public:
  /// Sets the handler for requests of kind `Q`, with a response `A` now or later.
  template <class Q, class A, class F>
  void ask(F handler) {
    add<Q>(Form::question,
           [handler = std::move(handler)](Shell& shell, const Envelope& envelope, ReturnAddress&& from) mutable {
             Envelope::Reading<Q> reading(envelope);
             const auto question = root_of<Q>(shell, reading, from);
             handler(question, Reply<A>(&shell, std::move(from)));
           });
  }
  /// Sets the handler for messages of kind `T` without a response.
  template <class T, class F>
  void tell(F handler) {
    add<T>(Form::tell, [handler = std::move(handler)](Shell&, const Envelope& envelope, ReturnAddress&&) mutable {
      Envelope::Reading<T> reading(envelope);
      handler(reading.root());
    });
  }
  /// Sets the handler for requests of kind `Q`, with a stream of items as the response.
  template <class Q, class Item, class F>
  void stream(F handler) {
    add<Q>(Form::stream,
           [handler = std::move(handler)](Shell& shell, const Envelope& envelope, ReturnAddress&& from) mutable {
             Envelope::Reading<Q> reading(envelope);
             const auto question = root_of<Q>(shell, reading, from);
             handler(question, Sink<Item>(open_output(shell, envelope, std::move(from))));
           });
  }
  /// Sets the handler for a request of kind `Q`, then a stream of items from the asker, and a response `A` at the end.
  template <class Q, class Item, class A, class F>
  void intake(F handler) {
    add<Q>(Form::stream,
           [handler = std::move(handler)](Shell& shell, const Envelope& envelope, ReturnAddress&& from) mutable {
             Envelope::Reading<Q> reading(envelope);
             const auto question = root_of<Q>(shell, reading, from);
             handler(question, Intake<Item, A>(open_input(shell, std::move(from))));
           });
  }
  /// Sets the handler for all other kinds, undecoded. For actors that only pass messages on.
  void other(base::Callback<void(const Envelope&, AnyReply)> handler) { other_ = std::move(handler); }

  /// Sets the handler of the timer `Tag` (Actor::after).
  template <class Tag>
  void timer(base::Callback<void()> handler) {
    timers_.push_back({timer_tag<Tag>(), std::move(handler)});
  }
  /// Fills the state that the inspector shows, between two messages.
  template <class State, class F>
  void describe(F handler) {
    describe_ = [handler = std::move(handler)](Header header) mutable {
      return Envelope::build<State>(header, [&](typename State::Builder state) { handler(state); });
    };
  }

 private:
  friend class Shell;
  enum class Form : std::uint8_t { question, stream, tell };
  using Run = base::Callback<void(Shell&, const Envelope&, ReturnAddress&&)>;
  struct Entry {
    const messages::KindInfo* kind;
    Form form;
    Run run;
  };
  struct Timer {
    TimerTag tag;
    base::Callback<void()> run;
  };

  template <class T>
  void add(Form form, Run run) {
    const auto* kind = &messages::kind_of<T>();
    base::ensure(find(kind) == nullptr, "a kind has one handler in an actor");
    entries_.push_back({kind, form, std::move(run)});
  }
  /// A linear search: an actor handles some ten kinds, and the table is two cache lines away.
  Entry* find(const messages::KindInfo* kind) {
    for (Entry& entry : entries_)
      if (entry.kind == kind) return &entry;
    return nullptr;
  }
  /// Returns the root of a request. If reading it throws, the code that catches the exception sends the response.
  template <class Q, class Reading>
  static typename Q::Reader root_of(Shell& shell, Reading& reading, const ReturnAddress& from) {
    try {
      return reading.root();
    } catch (const kj::Exception&) {
      unread(shell, from);
      throw;
    }
  }
  static void unread(Shell& shell, const ReturnAddress& from);
  static std::shared_ptr<StreamEnd> open_output(Shell& shell, const Envelope& question, ReturnAddress&& from);
  static std::shared_ptr<StreamEnd> open_input(Shell& shell, ReturnAddress&& from);

  std::vector<Entry> entries_;
  std::vector<Timer> timers_;
  base::Callback<void(const Envelope&, AnyReply)> other_;
  base::Callback<Envelope(Header)> describe_;
};

}  // namespace troupe::runtime
