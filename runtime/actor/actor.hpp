#pragma once
// The base class of a domain's actors. The object is inside a shell (shell.hpp) that owns the mailbox. The parent's
// factory builds the object. If a handler throws, the object is dropped and built again.
//
// Use     override receive() to name the handlers; start() to begin. now(), tell, ask, after, spawn work from start()
//         on, not in the constructor. Handlers run one at a time, never on two threads at once.
// Limits  a mailbox, pending asks and open streams have limits (NodeLimits). Above them requests are answered with
//         `overloaded`, and tells follow the rule of their kind.
#include <optional>
#include <string>

#include "runtime/actor/handlers.hpp"
#include "runtime/actor/node.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/time.hpp"
#include "runtime/ports/event_types.hpp"

namespace troupe::runtime {

/// The sender of the current message. If an actor of this node sent it with request_for(): the caller named there.
struct Caller {
  messages::Role role = messages::Role::inside;
  std::optional<base::NodeId> node;  ///< the other node, or an operator's key hash; none for this node
  /// The proven address of the other node; nullopt for this node, and for callers at the control socket.
  std::optional<base::Endpoint> at{};
  bool by_datagram = false;  ///< the node sent it once, but anybody may have replayed it
  Handle handle{};           ///< the caller's address, for request_for(); null if it has none

  /// Returns "9f3c…" for an operator's key, or "local" for an operator on this machine: for the audit log.
  std::string who() const { return !node || *node == base::NodeId{} ? "local" : node->hex(); }
};

/// A message in transit from a proxy to the peer actor that owns the link. Private to runtime/.
struct Outbound {
  enum class What : std::uint8_t { message, watch, unwatch };
  What what = What::message;
  bool answers = false;               ///< belongs to a request that the other side sent
  std::uint64_t correlation = 0;      ///< zero for a tell
  std::uint64_t from = 0;             ///< CAF's number of the sender; zero: nobody
  const std::string* path = nullptr;  ///< of the remote actor, owned by the link; null after the first message
  Envelope envelope;
};

class Actor {
 public:
  Actor() = default;
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  virtual ~Actor() = default;

  /// Sets the handler for each kind of message.
  virtual void receive(Handlers& on) = 0;
  /// Runs once per incarnation, before the first message.
  virtual void start() {}
  /// Runs once before a normal end, not before a restart: for last messages.
  virtual void stop() {}
  /// Checks the invariants of this actor between two messages. The simulator calls it after each message.
  virtual void check() const {}
  /// Handles an event of a stream that this actor owns. For runtime/net.
  virtual void event(ports::StreamEvent&&) {}
  /// Handles an event of a process that this actor owns. After a restart, events of processes that earlier incarnations
  /// started may still arrive; their tickets differ.
  virtual void process(ports::ProcessEvent&&) {}
  /// Handles a message for the other side of a link that this actor owns. For runtime/net.
  virtual void outbound(Outbound&&) {}
  /// Runs when an actor that this actor watches has ended. `error` is nullopt for a normal end.
  virtual void down(const Handle&, const std::optional<base::Error>&) {}

 protected:
  Node& node() const;
  const ports::World& world() const { return node().world(); }
  Handle self() const;
  const std::string& path() const;
  base::Instant now() const;
  base::WallTime wall() const { return world().clock.wall(); }
  base::Random& random();

  /// Returns the trace of the current message, for envelopes that are not built by ask() and tell().
  Trace trace() const { return header().trace; }

  /// Returns the sender of the current message; null if it wants no response and has no address.
  Handle sender() const;
  Caller caller() const;
  /// Responds to the current request with an error; a refused tell is only counted. `to_error` is the domain's own
  /// translation.
  void refuse(const base::Error& error);
  template <class E>
  requires(!std::is_same_v<E, base::Error>) void refuse(E error) { refuse(to_error(error)); }

  /// Sends a message without a response.
  template <class T, class Fill>
  void tell(const Handle& to, Fill&& fill) {
    send(to, Envelope::build<T>(header(), std::forward<Fill>(fill)));
  }
  void send(const Handle& to, Envelope envelope);

  /// Sends a request and calls back exactly once: with the response, an error of the other side, `timeout` at `due`,
  /// `unavailable` if the other side is gone, `overloaded` above NodeLimits::asks_max, or `internal` if the request is
  /// too large for its kind. Never calls back after a restart. `bytes`: as for Envelope::build().
  template <class Q, class A, class Fill, class F>
  void ask(const Handle& to, base::Instant due, Fill&& fill, F callback, std::size_t bytes = 0) {
    ask_for<Q, A>(Caller{}, to, due, std::forward<Fill>(fill), std::move(callback), bytes);
  }
  /// Like ask(), for `asker`, this actor's caller: a receiver on this node sees `asker` as its caller().
  template <class Q, class A, class Fill, class F>
  void ask_for(const Caller& asker, const Handle& to, base::Instant due, Fill&& fill, F callback,
               std::size_t bytes = 0) {
    Header head = header();
    head.due = due;
    request_for(asker, to, Envelope::build_if_fits<Q>(head, std::forward<Fill>(fill), bytes),
                [callback = std::move(callback)](const Envelope& envelope) mutable { callback(Answer<A>(envelope)); });
  }
  /// Like ask(), with an existing envelope, whose header names the deadline. An empty envelope counts as too large.
  void request(const Handle& to, Envelope question, base::Callback<void(const Envelope&)> callback);
  /// Like ask_for(), with an envelope.
  void request_for(const Caller& asker, const Handle& to, Envelope question,
                   base::Callback<void(const Envelope&)> callback);

  /// Requests a stream: calls `item(Item::Reader)` for each item, then `ended(Result<void, Error>)` once. Without a
  /// receiver, or above NodeLimits::asks_max, it ends with an error as a request does.
  template <class Q, class Item, class Fill, class OnItem, class OnEnd>
  Subscription subscribe(const Handle& to, base::Duration idle, Fill&& fill, OnItem item, OnEnd ended) {
    return subscribe_raw<Q>(
        to, idle, std::forward<Fill>(fill),
        [item = std::move(item)](const Envelope& envelope) mutable {
          auto reading = item_of<Item>(envelope);
          item(reading.root());
        },
        std::move(ended));
  }
  /// Like subscribe(), with each item's envelope: to keep items longer, or to pass them on. `window`: how many items
  /// and bytes may wait in this actor while it has paused the stream.
  template <class Q, class Fill, class OnEnd>
  Subscription subscribe_raw(const Handle& to, base::Duration idle, Fill&& fill,
                             base::Callback<void(const Envelope&)> item, OnEnd ended,
                             logic::Credit window = kStreamWindow) {
    return Subscription(read_stream(
        to, idle, Envelope::build<Q>(header(), std::forward<Fill>(fill)), std::move(item),
        [ended = std::move(ended)](const Envelope& last) mutable {
          if (last.header().signal == Signal::error) ended(base::Result<void, base::Error>(read_error(last)));
          else ended(base::Result<void, base::Error>());
        },
        window));
  }
  /// Sends a request followed by items that this actor writes. Calls `callback(Answer<A>)` once, when the reader
  /// responds or ends.
  template <class Q, class Item, class A, class Fill, class F>
  Sink<Item> feed(const Handle& to, base::Duration idle, Fill&& fill, F callback) {
    return Sink<Item>(
        write_stream(to, idle, Envelope::build<Q>(header(), std::forward<Fill>(fill)),
                     [callback = std::move(callback)](const Envelope& last) mutable { callback(Answer<A>(last)); }));
  }

  /// Runs the handler of `Tag` once after `delay`; replaces an earlier call. A `delay` of zero runs it after the
  /// messages that already wait.
  template <class Tag>
  void after(base::Duration delay) {
    set_timer(timer_tag<Tag>(), delay);
  }
  template <class Tag>
  void cancel() {
    clear_timer(timer_tag<Tag>());
  }

  /// For an actor that scans all others (rest.hpp): records from now on whether any other actor of the node runs. This
  /// actor's own turns are not counted, now or later.
  void note_stirs();
  /// Runs the handler of `Tag` once when something happens after note_stirs(), at once if it already has.
  template <class Tag>
  void after_stir() {
    await_stir(timer_tag<Tag>());
  }

  /// Starts a child under `name` and supervises it. A name that a living child has is a broken invariant.
  Handle spawn(std::string name, Factory factory, SpawnOptions options = {});
  /// Does the same for an actor `T` that names its own kind (`T::kName`) and is built from copies of `args`.
  template <class T, class... Args>
  Handle spawn(std::string name, Args... args) {
    return spawn(std::move(name), Factory([=] { return std::make_unique<T>(args...); }),
                 SpawnOptions{.kind = T::kName});
  }
  /// Asks a child to end; messages to its address then bounce.
  void stop_child(const Handle& child);
  /// Calls down() when `whom` ends, or when the link of a remote actor ends.
  void watch(const Handle& whom);
  void unwatch(const Handle& whom);
  /// Ends this actor after the current handler; its children end with it. `why` is kept for the inspector; empty: its
  /// work was done.
  void finish(std::string why = {});

  /// Puts a message into a mailbox under another sender's name. For runtime/net: messages from a link.
  void deliver(const caf::strong_actor_ptr& to, caf::strong_actor_ptr from, std::uint64_t message_id,
               Envelope envelope);
  /// Moves an actor without a parent to another path. For runtime/net: a peer learns its id late.
  void rename(std::string path);

 private:
  friend class Shell;
  friend class Part;
  Header header() const;
  std::shared_ptr<StreamEnd> read_stream(const Handle& to, base::Duration idle, Envelope question,
                                         base::Callback<void(const Envelope&)> item,
                                         base::Callback<void(const Envelope&)> ended, logic::Credit window);
  std::shared_ptr<StreamEnd> write_stream(const Handle& to, base::Duration idle, Envelope question,
                                          base::Callback<void(const Envelope&)> answered);
  void set_timer(TimerTag tag, base::Duration delay);
  void clear_timer(TimerTag tag);
  void await_stir(TimerTag tag);

  Shell* shell_ = nullptr;
};

}  // namespace troupe::runtime
