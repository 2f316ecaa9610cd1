#include "apps/cli/client.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "apps/cli/begin.hpp"
#include "apps/cli/directory_access.hpp"
#include "apps/cli/operator_key.hpp"
#include "apps/cli/shell_word.hpp"
#include "messages/node.capnp.h"
#include "runtime/base/text.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/os/chance.hpp"
#include "runtime/os/sockets.hpp"
#include "runtime/os/system.hpp"

namespace troupe::apps {
namespace {

using base::Code;

constexpr std::uint64_t kDescriptorsMin = 24;  // our choice: some 15 are in use, and a command may open files
constexpr int kExitOfSignals = 128;            // as a shell reports that a signal has ended a program
constexpr base::Duration kForever = std::chrono::hours{24};
constexpr std::chrono::seconds kProbeTimeout{2 * kDialTimeout};
constexpr std::chrono::milliseconds kStartAgain{20};  // our choice
constexpr std::chrono::milliseconds kLookAgain{100};  // our choice
constexpr std::uint64_t kWaitSecondsMax = 86'400;
constexpr const char* kNode = "/node";

/// Returns the failure to report if the control socket is served by a user other than this one and root: the link was
/// refused.
std::optional<Failure> served_by_another(const std::string& directory) {
  const auto server = os::local_server((std::filesystem::path(directory) / kControlSocket).string());
  if (!server || *server == 0 || *server == ::geteuid()) return std::nullopt;
  const std::string user = user_name(*server);
  return Failure{{Code::refused, "the node in " + directory + " is not trusted: it runs as the user " + user +
                                     ", and this is the user " + user_name(::geteuid())},
                 "nothing was done",
                 "run it as the user " + user,
                 Exit::refused};
}

}  // namespace

// -- connecting ------------------------------------------------------------------------------------------------------

Client::Outcome<std::unique_ptr<Client>> Client::connect(const Invocation& invocation, Console& console,
                                                         Listens listens, std::shared_ptr<Cancel> cancel) {
  if (auto wrong = too_few_descriptors("a command", kDescriptorsMin)) return *wrong;
  std::unique_ptr<Client> client(new Client);
  if (const auto& server = invocation.globals.server) {
    listens = Listens::no;
    cancel = server->cancel;
    client->connection_ = server->connection;
    client->link_ = client->connection_->link();
    client->desk_ = client->connection_->desk();
  } else {
    client->connection_ = std::make_shared<Connection>();
    // nohup(1) ignores SIGHUP, and it stays ignored: a signalfd would receive it all the same.
    struct sigaction hangup {};
    const bool closed = ::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
    if (listens == Listens::no) client->desk_ = std::make_shared<Desk>(std::initializer_list<int>{});
    else if (closed) client->desk_ = std::make_shared<Desk>(std::initializer_list<int>{SIGINT, SIGTERM});
    else client->desk_ = std::make_shared<Desk>(std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP});
  }
  if (cancel) {
    const std::lock_guard hold(cancel->lock_);
    client->cancel_ = cancel;
    cancel->client_ = client.get();
    if (cancel->cancelled_) client->cancel();
  }
  client->trace_ = invocation.globals.trace;
  if (console.err_is_terminal && listens == Listens::to_signals && !invocation.globals.json)
    client->talk_ = &console.err;
  std::optional<Failure> failed;
  if (client->link_) {
    client->awaited_ = client->connection_->serves;
  } else if (const auto& node = invocation.globals.node) {
    failed = client->connect_remotely(*node, console, invocation.command().needs);
  } else {
    const auto directory = data_directory(invocation.globals, console);
    if (!directory.ok()) return directory.error();
    failed = client->connect_locally(directory.value());
  }
  if (failed) return *failed;
  client->effect_ = invocation.command().effect;
  return client;
}

Client::Outcome<std::unique_ptr<Client>> Client::connect_when_up(const Invocation& invocation, Console& console,
                                                                 std::optional<base::Duration> patience) {
  if (!patience) return connect(invocation, console);
  const auto from = std::chrono::steady_clock::now(), due = from + *patience;
  bool quiet = console.err_is_terminal && !invocation.globals.json;
  while (true) {
    Failure why;
    auto client = connect(invocation, console);
    if (client.ok()) {
      auto seen = client.value()->ask<node::wire::GetStatus, node::wire::NodeStatus>(
          kNode, kProbeTimeout, [](node::wire::GetStatus::Builder) {});
      if (seen.ok() && seen.value().root().getStage() != node::wire::Stage::STARTING) return client;
      why = seen.ok() ? client.value()->failure({Code::unavailable, "the node is still starting"}) : seen.error();
      client.value().reset();  // only a client receives the signals
    } else {
      why = client.error();
    }
    if (why.error.code != Code::unavailable || std::chrono::steady_clock::now() >= due) return why;
    if (quiet && std::chrono::steady_clock::now() - from >= kQuietMax) {
      console.err << "waiting for the node to run and start …\n" << std::flush;
      quiet = false;
    }
    os::Waker waker{SIGINT, SIGTERM, SIGHUP};
    if (const auto signal = waker.wait(kLookAgain)) return interruption_by(*signal);
  }
}

std::optional<Failure> Client::connect_locally(const std::string& directory) {
  Connection& connection = *connection_;
  connection.way = "--data " + shell_word(directory);
  connection.unreachable = "no node runs in " + directory;
  connection.try_ = "troupe node " + connection.way + " --listen 127.0.0.1:0";
  std::error_code unseen;
  if (!std::filesystem::exists(std::filesystem::path(directory) / kControlSocket, unseen)) {
    if (unseen == std::errc::permission_denied)
      if (auto out = kept_out(directory)) {
        out->exit = Exit::refused;  // the node refuses the request; a node that cannot start has failed
        return out;
      }
    return failure({Code::unavailable, "it has no local socket"});
  }
  connection.directory = directory;
  connection.open_local(directory);
  begin();
  mute_at_ = now() + kMuteMax;
  return std::nullopt;
}

/// Takes the link of a connection that has been opened, and a place at it.
void Client::begin() {
  link_ = connection_->link();
  desk_ = connection_->desk(std::move(desk_));
}

/// The role of a key shows only when the node accepts it, so the larger role is tried first.
std::optional<Failure> Client::connect_remotely(const NodeAddress& node, Console& console, Needs needs) {
  Connection& connection = *connection_;
  const std::string address = node.id.hex() + '@' + node.at.text();
  connection.way = "--node " + address;
  connection.unreachable = "the node " + address + " cannot be reached";
  connection.refused = "the node " + address + " responds, but does not accept this key";
  auto key = load_operator_key(console);
  if (!key.ok()) return key.error();
  const auto identity = std::make_shared<const crypto::Identity>(std::move(key).value());
  const std::string hex = identity->public_key().hex();
  connection.try_ = "at that node, in its config.toml: operators.operate = [\"" + hex + "\"]";
  std::optional<Failure> failed;
  for (const auto role : {messages::Role::operate, messages::Role::view}) {
    leave();
    connection.open_remote(node, identity, role);
    begin();
    const auto seen =
        ask<node::wire::GetStatus, node::wire::NodeStatus>(kNode, kProbeTimeout, [](node::wire::GetStatus::Builder) {});
    if (interrupted_ || connection.was_in_service()) {
      if (!seen.ok()) return seen.error();
      if (role == messages::Role::operate || needs != Needs::operate) return std::nullopt;
      return Failure{{Code::refused, "this key may only view the node " + address + ", not change it"},
                     "nothing was done",
                     connection.try_,
                     Exit::refused};
    }
    failed = seen.error();
  }
  return failed;
}

/// Ends a connection that no other client uses, but keeps the waker, which has the signals.
void Client::leave() {
  if (desk_) desk_->outside.reset();
  link_.reset();
  connection_->close();
}

void Cancel::cancel() {
  const std::lock_guard hold(lock_);
  cancelled_ = true;
  if (client_ != nullptr) client_->cancel();
}

Client::Client() = default;

Client::~Client() {
  if (cancel_) {
    const std::lock_guard hold(cancel_->lock_);
    cancel_->client_ = nullptr;
  }
  if (!connection_) return;
  if (connection_.use_count() > 1) connection_->give_back(std::move(desk_));
  else leave();
}

base::Instant Client::now() { return connection_->system().world().clock.now(); }

// -- calls -----------------------------------------------------------------------------------------------------------

runtime::Handle Client::service(const std::string& path) {
  if (!awaited_ && path != kNode && path != "/inspect") await_serving();
  return link_ ? link_->proxy(path) : runtime::Handle{};
}

/// A node that has just started still loads its data, and its domains refuse requests until then. Other problems are
/// reported in the response to the caller's request.
void Client::await_serving() {
  std::optional<Awaited> awaited;
  if (!waiting_) awaited.emplace(*this, "the node's start");
  for (awaited_ = true; true;) {
    auto seen =
        ask<node::wire::GetStatus, node::wire::NodeStatus>(kNode, kProbeTimeout, [](node::wire::GetStatus::Builder) {});
    if (!seen.ok()) return;
    const node::wire::NodeStatus::Reader status = seen.value().root();
    if (status.getStage() != node::wire::Stage::STARTING || status.getUptimeS() >= std::uint64_t{kStartMax.count()})
      return void(connection_->serves = true);
    if (!pause(kStartAgain).ok()) return;
  }
}

Client::Outcome<runtime::Envelope> Client::pose(const runtime::Handle& callee, runtime::Envelope question) {
  struct Posed {
    std::mutex lock;
    std::optional<runtime::Envelope> answer;
  };
  const auto waiting = std::make_shared<Posed>();
  std::optional<Awaited> awaited;
  if (!waiting_)
    awaited.emplace(*this,
                    "the node's response (" + std::string(question.kind() ? question.kind()->name : "unknown") + ')');
  run([desk = desk_, waiting, callee, question = std::move(question)](runtime::ExternalActor::Inside& actor) {
    actor.pose(callee, question, [desk, waiting](const runtime::Envelope& answer) {
      {
        const std::lock_guard hold(waiting->lock);
        waiting->answer = answer;
      }
      desk->waker.ring();
    });
  });
  const auto answered = [&] {
    const std::lock_guard hold(waiting->lock);
    return waiting->answer.has_value();
  };
  if (!wait_until(answered)) return cut_short();
  const runtime::Envelope& answer = *waiting->answer;
  if (effect_ != Effect::write || answer.header().signal != runtime::Signal::error) return answer;
  // The node may have done it and ended before it could respond.
  const base::Error why = runtime::read_error(answer);
  const bool lost = why.code == Code::unavailable && has_heard() && link_->closed();
  if (lost) return Failure{{Code::unknown_outcome, link_->end().value_or(why).message}};
  return answer;
}

void Client::inside(runtime::ExternalActor::What what) {
  std::atomic<bool> done{false};
  run([&](runtime::ExternalActor::Inside& actor) {
    what(actor);
    // The caller may continue as soon as it sees this, so nothing on its stack is touched afterwards.
    os::Waker& waker = desk_->waker;
    done.store(true, std::memory_order_release);
    waker.ring();
  });
  while (!done.load(std::memory_order_acquire)) note(desk_->waker.wait(kForever));
}

bool Client::wait_until(const std::function<bool()>& done) {
  while (!done()) {
    if (interrupted_ || mute()) return false;
    note(desk_->waker.wait(sleep_max()));
    remind();
  }
  return true;
}

Client::Awaited::Awaited(Client& client, std::string what) : client_(client), before_(client.waiting_) {
  client.waiting_ = Waiting{std::move(what), client.now() + kQuietMax};
}

void Client::remind() {
  if (talk_ == nullptr || !waiting_ || now() < waiting_->said_at) return;
  *talk_ << "waiting for " + base::printable(waiting_->what) + " …\n" << std::flush;
  waiting_->said_at = base::Instant::max();
}

base::Duration Client::sleep_max() {
  base::Duration most = kForever;
  if (mute_at_) most = std::min(most, *mute_at_ - now());
  if (talk_ != nullptr && waiting_ && waiting_->said_at != base::Instant::max())
    most = std::min(most, waiting_->said_at - now());
  return most;
}

bool Client::mute() {
  if (!mute_at_) return false;
  if (!link_ || has_heard()) mute_at_.reset();
  return mute_at_ && now() >= *mute_at_;
}

Failure Client::no_word_from_it() {
  const std::string& directory = *connection_->directory;
  const auto process = lock_holder(directory);
  const std::string number = process ? " (process " + std::to_string(*process) + ")" : "";
  return {{Code::timeout, "the node in " + directory + " does not respond" + number}};
}

Failure Client::cut_short() { return interrupted_ ? interruption() : no_word_from_it(); }

/// Every wakeup checks the condition again: messages from the node also wake it.
Client::Outcome<bool> Client::wait_for(int descriptor, os::Waker::Want want, base::Duration at_most) {
  const os::Waker::Watched watched{descriptor, want};
  const base::Instant due = at_most == base::Duration::max() ? base::Instant::max() : now() + at_most;
  while (true) {
    if (interrupted()) return interruption();
    if (os::Waker::is_ready(watched)) return true;
    const base::Instant at = now();
    if (at >= due || (answered_ && answered_())) return false;
    note(desk_->waker.wait(std::min(kForever, due - at), watched));
  }
}

Client::Outcome<void> Client::pause(base::Duration length) {
  const base::Instant due = now() + length;
  while (!interrupted()) {
    const base::Instant at = now();
    if (at >= due) return {};
    note(desk_->waker.wait(std::min(due - at, sleep_max())));
    remind();
  }
  return interruption();
}

bool Client::interrupted() {
  note(desk_->waker.wait(base::Duration::zero()));
  return interrupted_.has_value();
}

void Client::note(std::optional<int> signal) {
  if (signal) interrupted_ = signal;
  else if (cancelled_.load(std::memory_order_acquire) && !interrupted_) interrupted_ = SIGINT;
}

void Client::cancel() {
  cancelled_.store(true, std::memory_order_release);
  desk_->waker.ring();
}

Failure Client::interruption_by(int signal) {
  return {{Code::dropped, "interrupted"}, {}, {}, static_cast<Exit>(kExitOfSignals + signal)};
}

bool Client::has_heard() const { return link_ && link_->traffic().received.load(std::memory_order_relaxed) > 0; }

Failure Client::failure(const base::Error& answered) {
  const Connection& connection = *connection_;
  const bool served = connection.was_in_service();
  // A request that is sent after its link has ended does not get the reason; the link knows it.
  const base::Error error =
      !served && answered.code == Code::unavailable && link_ ? link_->end().value_or(answered) : answered;
  // The error names the damaged file; the health of the node says what else is wrong.
  if (served && error.code == Code::corrupt) return {error, {}, "troupe status " + connection.way};
  const bool silent = connection.directory && link_ && !has_heard();
  if (served && error.code == Code::timeout && silent) return no_word_from_it();
  // The reason has a path of this machine, which no response may have.
  if (connection.way.empty() && !has_heard()) return {{Code::unavailable, "the node cannot be reached"}};
  if (served) return {error};
  const bool remote = !connection.refused.empty();
  const bool heard = remote && has_heard();
  // A connection that this side refused never saw our key; its error says why.
  const bool ours = heard && connection.turned_away();
  if (heard && !ours)
    return {
        {Code::refused, connection.refused + ": " + error.message}, "nothing was done", connection.try_, Exit::refused};
  if (connection.directory)
    if (auto foreign = served_by_another(*connection.directory)) return *foreign;
  // A node that starts, ends or is full holds the lock of its directory, and no second node can start there.
  if (const auto process = connection.directory ? lock_holder(*connection.directory) : std::nullopt)
    return {{Code::unavailable, "the node in " + *connection.directory + " (process " + std::to_string(*process) +
                                    ") cannot be reached: " + error.message},
            "nothing was done",
            "again"};
  // A killed node leaves its socket. If the socket is busy or closed to this user, its error says so.
  const bool left =
      connection.directory && os::is_stale((std::filesystem::path(*connection.directory) / kControlSocket).string());
  const std::string why =
      left ? "its socket, " + std::string(kControlSocket) + ", was left by a node that has ended" : error.message;
  return {{ours ? Code::refused : Code::unavailable, connection.unreachable + ": " + why},
          "nothing was done",
          remote ? "troupe status, at that node, shows whether it runs, its id and its address" : connection.try_,
          ours ? Exit::refused : Exit::unavailable};
}

// -- waiting ---------------------------------------------------------------------------------------------------------

Option wait_seconds_option() {
  return number_option("--seconds", "S", "longest wait in seconds (default 60)", 1, kWaitSecondsMax);
}

base::Result<std::optional<base::Duration>, Failure> waited(const Invocation& invocation) {
  using Out = std::optional<base::Duration>;
  if (invocation.has("--wait")) return Out(std::chrono::seconds(invocation.number("--seconds").value_or(60)));
  if (!invocation.has("--seconds")) return Out();
  return usage_failure("--seconds limits the wait of --wait: give both", "troupe help " + invocation.command().name);
}

}  // namespace troupe::apps
