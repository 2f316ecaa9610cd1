#pragma once
// A command's connection to its node: requests and streams as blocking calls.
//
// Way      the local socket in the data directory; with --node a link, in the role `operate` or `view` as the command
//          needs.
// Threads  every callback runs in the caller's thread, except the `fill`s: they run in an actor's thread while the
//          caller waits.
// Signals  while a Client lives, SIGINT (Ctrl-C), SIGTERM and SIGHUP end the current call with a failure of exit 128
//          plus the signal's number, 130 for SIGINT, and cancel its stream. So a command can remove unfinished files.
// Limits   at most kReadAheadBytes of items are read ahead, and kWriteAhead items written ahead.
// Sharing  globals.server, if it is set, has the connection to use, and what ends the client instead of signals.
// Owner    the command; not thread-safe, except cancel(). One client per process receives signals; create all other
//          clients with Listens::no, each in its own thread.
#include <capnp/message.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "apps/cli/connection.hpp"

namespace troupe::apps {

inline constexpr std::size_t kReadAheadBytes = 4u << 20;  // our choice: in addition to the credit of the stream, 1 MiB
inline constexpr std::size_t kWriteAhead = 4;             // our choice: one item is made while others are sent
inline constexpr std::chrono::seconds kMuteMax{10};       // our choice: a healthy node responds much faster
inline constexpr std::chrono::seconds kQuietMax{2};       // our choice: then a person wonders why the command waits
inline constexpr std::chrono::seconds kStartMax{10};      // our choice: by then a node has loaded its data
inline constexpr std::chrono::milliseconds kAskAgain{500};  // our choice

/// A response that outlives its callback.
template <class A>
class Kept {
 public:
  explicit Kept(runtime::Envelope envelope)
      : envelope_(std::move(envelope)), reading_(std::make_unique<runtime::Envelope::Reading<A>>(envelope_)) {}
  typename A::Reader root() { return reading_->root(); }

 private:
  runtime::Envelope envelope_;
  std::unique_ptr<runtime::Envelope::Reading<A>> reading_;
};

class Client;

/// Lets another thread end a client's calls; may be used before the client exists and after it has ended.
class Cancel {
 public:
  /// Ends the current call and all later calls, like SIGINT.
  void cancel();

 private:
  friend class Client;
  std::mutex lock_;
  Client* client_ = nullptr;
  bool cancelled_ = false;
};

class Client {
  struct Waiting {
    std::string what;
    base::Instant said_at;
  };

 public:
  template <class T>
  using Outcome = base::Result<T, Failure>;

  /// Whether SIGINT and similar signals end a client's calls.
  enum class Listens : std::uint8_t { to_signals, no };
  /// Connects to the node that the command line names, in the role that the command needs. Whether a local node runs
  /// shows at the first request. Fails with exit 7 if the node does not run or cannot be reached, and with exit 5 if it
  /// does not allow the command, or the caller may not use the node's data directory.
  static Outcome<std::unique_ptr<Client>> connect(const Invocation& invocation, Console& console,
                                                  Listens listens = Listens::to_signals,
                                                  std::shared_ptr<Cancel> cancel = {});
  /// Connects once the node runs and has started, and waits at most `patience` for that. Without `patience` it does not
  /// wait, like connect().
  static Outcome<std::unique_ptr<Client>> connect_when_up(const Invocation& invocation, Console& console,
                                                          std::optional<base::Duration> patience);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends a request to the service `path` of the node, such as "/node". If the link ends before the response to a
  /// command that writes, the failure is `unknown_outcome`.
  template <class Q, class A, class Fill>
  Outcome<Kept<A>> ask(const std::string& path, base::Duration timeout, Fill&& fill) {
    const runtime::Handle callee = service(path);
    return keep<A>(pose(
        callee, runtime::Envelope::build<Q>({.due = now() + timeout, .trace = {trace_, 0}}, std::forward<Fill>(fill))));
  }

  /// Requests a stream and hands each item to `on_item(Item::Reader) -> Outcome<void>`, whose failure cancels the
  /// stream and is returned. The node sends no faster than `on_item` accepts items.
  template <class Q, class Item, class Fill, class OnItem>
  Outcome<void> subscribe(const std::string& path, base::Duration idle, Fill&& fill, OnItem&& on_item);

  /// What a producer of feed() returns: the fill of the next item, or nullopt at the end.
  template <class Item>
  using Produced = Outcome<std::optional<base::Callback<void(typename Item::Builder)>>>;

  /// Sends a request followed by items, which `producer() -> Produced<Item>` makes, and returns the response. The
  /// producer is called only as fast as the node accepts items; its failure ends the stream and is returned.
  template <class Q, class Item, class A, class Fill, class Producer>
  Outcome<Kept<A>> feed(const std::string& path, base::Duration idle, Fill&& fill, Producer&& producer);

  /// Names what a command waits for, while the object lives.
  class Awaited {
   public:
    Awaited(Client& client, std::string what);
    ~Awaited() { client_.waiting_ = std::move(before_); }
    Awaited(const Awaited&) = delete;
    Awaited& operator=(const Awaited&) = delete;

   private:
    Client& client_;
    std::optional<Waiting> before_;
  };
  /// Names what the command waits for. If the wait exceeds kQuietMax, the client prints the name once on standard
  /// error, if that is a terminal and --json is not given. An ask() without a name waits for "the node's response".
  [[nodiscard]] Awaited waits_for(std::string what) { return {*this, std::move(what)}; }

  /// Waits until a descriptor can be read or written without blocking, and returns true. Returns false if `at_most` has
  /// passed, or, in a producer, if the node has responded and so accepts no further items. Fails if interrupted.
  Outcome<bool> wait_for(int descriptor, os::Waker::Want want, base::Duration at_most = base::Duration::max());
  /// Repeats a request for at most `patience` while it fails with `unavailable` and nothing was done.
  template <class Ask>
  auto ask_until(base::Duration patience, const Ask& ask) {
    const auto due = std::chrono::steady_clock::now() + patience;
    for (;;) {
      auto answer = ask();
      if (answer.ok() || answer.error().error.code != base::Code::unavailable ||
          std::chrono::steady_clock::now() >= due)
        return answer;
      if (const auto paused = pause(kAskAgain); !paused.ok()) return decltype(answer)(paused.error());
    }
  }
  /// Waits for that time. Fails if interrupted.
  Outcome<void> pause(base::Duration length);
  /// Whether one of the signals has arrived: for long work between two calls.
  bool interrupted();
  /// The failure to return after interrupted().
  Failure interruption() const { return interruption_by(interrupted_.value_or(SIGINT)); }

  /// The connection, which may serve other clients too.
  Connection& connection() { return *connection_; }
  base::Instant now();
  /// The options that name the node, as a person types them: "--data DIR" or "--node ID@HOST:PORT".
  const std::string& way() const { return connection_->way; }

 private:
  friend class Cancel;
  using Item = std::unique_ptr<capnp::MallocMessageBuilder>;
  struct Incoming {
    std::mutex lock;
    std::deque<Item> items;
    std::size_t bytes = 0;
    bool paused = false;
    bool ended = false;
    std::optional<base::Error> error;
    runtime::Subscription stream;  // only in the actor's context
  };
  template <class I>
  struct Outgoing {
    std::mutex lock;
    std::deque<base::Callback<void(typename I::Builder)>> items;
    bool all_made = false;
    std::optional<runtime::Envelope> answer;
    runtime::Sink<I> sink;  // only in the actor's context
    void pump();
  };

  Client();
  void cancel();
  static Failure interruption_by(int signal);
  std::optional<Failure> connect_locally(const std::string& directory);
  std::optional<Failure> connect_remotely(const NodeAddress& node, Console& console, Needs needs);
  void begin();
  void leave();

  Outcome<runtime::Envelope> pose(const runtime::Handle& callee, runtime::Envelope question);
  /// Waits until the node serves, and returns the service at `path`: the time limit of a request begins after that.
  runtime::Handle service(const std::string& path);
  void await_serving();
  Failure failure(const base::Error& error);
  void note(std::optional<int> signal);
  /// Runs `what` in the actor's context and waits for it.
  void inside(runtime::ExternalActor::What what);
  /// Returns false if interrupted before `done`, or if the node is mute.
  bool wait_until(const std::function<bool()>& done);
  /// Whether a node on this machine has accepted the connection but sent nothing: it is stopped, or stuck.
  bool mute();
  /// Whether the node has sent anything over the link.
  bool has_heard() const;
  Failure no_word_from_it();
  /// The failure to return if wait_until() returned false.
  Failure cut_short();
  std::optional<Item> next_item(const std::shared_ptr<Incoming>& incoming, std::optional<Failure>& failed);
  static void take(Incoming& incoming, Item item);
  template <class A>
  Outcome<Kept<A>> keep(Outcome<runtime::Envelope> answer);

  void remind();
  /// How long the client may sleep before it has to check its signals, the node's silence or what it waits for.
  base::Duration sleep_max();

  void ring() { desk_->waker.ring(); }
  void run(runtime::ExternalActor::What what) { desk_->outside->run(std::move(what), {trace_, 0}); }

  std::ostream* talk_ = nullptr;  // where the client prints what it waits for
  std::optional<Waiting> waiting_;
  std::uint64_t trace_ = 0;
  Effect effect_ = Effect::read;          // the command's effect, once it is connected
  bool awaited_ = false;                  // the node serves, or the caller need not wait for it
  std::optional<base::Instant> mute_at_;  // when a local node that has sent nothing counts as not responding
  std::shared_ptr<Desk> desk_;
  std::atomic<bool> cancelled_{false};
  std::shared_ptr<Cancel> cancel_;
  std::optional<int> interrupted_;  // the signal
  std::function<bool()> answered_;  // whether the current feed has its response; empty without a feed
  std::shared_ptr<Connection> connection_;
  std::shared_ptr<net::Link> link_;
};

// -- templates -------------------------------------------------------------------------------------------------------

template <class A>
Client::Outcome<Kept<A>> Client::keep(Outcome<runtime::Envelope> answer) {
  if (!answer.ok()) return answer.error();
  runtime::Envelope& envelope = answer.value();
  if (envelope.header().signal == runtime::Signal::error) return failure(runtime::read_error(envelope));
  if (envelope.kind() != &messages::kind_of<A>())
    return failure({base::Code::malformed, "the node sent a response of an unknown kind"});
  return Kept<A>(std::move(envelope));
}

template <class Q, class I, class Fill, class OnItem>
Client::Outcome<void> Client::subscribe(const std::string& path, base::Duration idle, Fill&& fill, OnItem&& on_item) {
  const auto incoming = std::make_shared<Incoming>();
  const runtime::Handle whom = service(path);
  inside([&](runtime::ExternalActor::Inside& actor) {
    incoming->stream = actor.subscribe<Q, I>(
        whom, idle, fill,
        [desk = desk_, incoming](typename I::Reader item) {
          auto copy =
              std::make_unique<capnp::MallocMessageBuilder>(static_cast<unsigned>(item.totalSize().wordCount + 1));
          copy->setRoot(item);
          take(*incoming, std::move(copy));
          desk->waker.ring();
        },
        [desk = desk_, incoming](const base::Outcome<void>& end) {
          {
            const std::lock_guard hold(incoming->lock);
            incoming->ended = true;
            if (!end.ok()) incoming->error = end.error();
          }
          desk->waker.ring();
        });
  });
  std::optional<Failure> failed;
  while (auto item = next_item(incoming, failed)) {
    const Outcome<void> taken = on_item((*item)->template getRoot<I>().asReader());
    if (taken.ok()) continue;
    failed = taken.error();
    break;
  }
  inside([&](runtime::ExternalActor::Inside&) { incoming->stream.cancel(); });
  if (failed) return *failed;
  return {};
}

/// Runs in the actor's context: hands over items while the node accepts them.
template <class I>
void Client::Outgoing<I>::pump() {
  while (sink) {
    base::Callback<void(typename I::Builder)> next;
    {
      const std::lock_guard hold(lock);
      if (items.empty()) {
        if (all_made) sink.end();
        return;
      }
      if (!sink.ready()) return;
      next = std::move(items.front());
      items.pop_front();
    }
    sink.push(next);
  }
}

template <class Q, class I, class A, class Fill, class Producer>
Client::Outcome<Kept<A>> Client::feed(const std::string& path, base::Duration idle, Fill&& fill, Producer&& producer) {
  const auto outgoing = std::make_shared<Outgoing<I>>();
  const runtime::Handle whom = service(path);
  const auto pump = [desk = desk_, outgoing] {
    outgoing->pump();
    desk->waker.ring();
  };
  inside([&](runtime::ExternalActor::Inside& actor) {
    outgoing->sink = actor.feed<Q, I, A>(whom, idle, fill, [desk = desk_, outgoing](const runtime::Answer<A>& answer) {
      {
        const std::lock_guard hold(outgoing->lock);
        outgoing->answer = answer.envelope();
      }
      desk->waker.ring();
    });
    outgoing->sink.on_ready(pump);
  });
  const auto answered = [&] {
    const std::lock_guard hold(outgoing->lock);
    return outgoing->answer.has_value();
  };
  const auto has_room = [&] {
    const std::lock_guard hold(outgoing->lock);
    return outgoing->answer || outgoing->items.size() < kWriteAhead;
  };
  std::optional<Failure> failed;
  answered_ = answered;
  for (bool all_made = false; !all_made && !failed;) {
    if (!wait_until(has_room)) failed = cut_short();
    if (failed || answered()) break;
    Produced<I> made = producer();
    if (!made.ok()) {
      failed = made.error();
      break;
    }
    all_made = !made.value().has_value();
    {
      const std::lock_guard hold(outgoing->lock);
      if (all_made) outgoing->all_made = true;
      else outgoing->items.push_back(std::move(*made.value()));
    }
    run([pump](runtime::ExternalActor::Inside&) { pump(); });
  }
  answered_ = {};
  if (!failed && !wait_until(answered)) failed = cut_short();
  // Ends the rest of the stream: a dropped sink notifies the node.
  inside([&](runtime::ExternalActor::Inside&) { outgoing->sink = {}; });
  if (failed) return *failed;
  return keep<A>(*outgoing->answer);
}

// -- a command that is one request -----------------------------------------------------------------------------------

/// Returns --seconds S, for commands that may `--wait` for their node.
Option wait_seconds_option();
/// Returns how long the command waits; nullopt without --wait. Fails for --seconds without it.
base::Result<std::optional<base::Duration>, Failure> waited(const Invocation& invocation);

/// Sends a request to the service `path`, and hands the response to `json(A::Reader)` or `text(A::Reader)`, as the
/// command line asks. Fails as Client does.
template <class Q, class A, class Fill, class Json, class Text>
Ending ask_and_print(Client& client, const Invocation& invocation, const char* path, base::Duration timeout,
                     Fill&& fill, Json&& json, Text&& text) {
  auto answer = client.ask<Q, A>(path, timeout, std::forward<Fill>(fill));
  if (!answer.ok()) return answer.error();
  if (invocation.globals.json) json(answer.value().root());
  else text(answer.value().root());
  return Exit::done;
}

/// Connects, sends a request to the service `path`, and hands the response to `json(A::Reader)` or `text(A::Reader)`,
/// as the command line asks. Fails as Client does.
template <class Q, class A, class Fill, class Json, class Text>
Ending ask_and_print(const Invocation& invocation, Console& console, const char* path, base::Duration timeout,
                     Fill&& fill, Json&& json, Text&& text) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  return ask_and_print<Q, A>(*client.value(), invocation, path, timeout, std::forward<Fill>(fill),
                             std::forward<Json>(json), std::forward<Text>(text));
}

}  // namespace troupe::apps
