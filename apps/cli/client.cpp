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

constexpr std::uint64_t kDescriptorsMin = 24;    // our choice: some 15 are in use, and a command may open files
constexpr std::size_t kWorkers = 2;              // one for the link, one for the requests
constexpr std::chrono::seconds kEndPatience{2};  // our choice: no actor of a command blocks
constexpr int kExitOfSignals = 128;              // as a shell reports that a signal has ended a program
constexpr base::Duration kForever = std::chrono::hours{24};
constexpr std::chrono::seconds kProbeTimeout{2 * kDialTimeout};
constexpr std::chrono::milliseconds kStartAgain{20};  // our choice
constexpr std::chrono::milliseconds kLookAgain{100};  // our choice
constexpr std::uint64_t kWaitSecondsMax = 86'400;
constexpr const char* kNode = "/node";

/// A command stores nothing.
class NoDisk final : public ports::Disk {
  template <class T>
  using R = ports::DiskResult<T>;
  R<std::unique_ptr<ports::File>> open(std::string_view, ports::OpenMode) override { return ports::DiskError::denied; }
  R<void> rename(std::string_view, std::string_view) override { return ports::DiskError::denied; }
  R<void> remove(std::string_view) override { return ports::DiskError::denied; }
  R<void> make_directory(std::string_view) override { return ports::DiskError::denied; }
  R<void> sync_directory(std::string_view) override { return ports::DiskError::denied; }
  R<std::vector<std::string>> list(std::string_view) override { return ports::DiskError::denied; }
  R<std::uint64_t> size(std::string_view) override { return ports::DiskError::denied; }
  R<std::unique_ptr<ports::DiskLock>> lock(std::string_view) override { return ports::DiskError::denied; }
  R<std::string> show(std::string_view) override { return ports::DiskError::denied; }
  R<std::uint64_t> free_bytes() override { return ports::DiskError::denied; }
};

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
                                                         Listens listens, const std::shared_ptr<Cancel>& cancel) {
  if (auto wrong = too_few_descriptors("a command", kDescriptorsMin)) return *wrong;
  std::unique_ptr<Client> client(new Client);
  // nohup(1) ignores SIGHUP, and it stays ignored: a signalfd would receive it all the same.
  struct sigaction hangup {};
  const bool closed = ::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
  if (listens == Listens::no) client->waker_.emplace(std::initializer_list<int>{});
  else if (closed) client->waker_.emplace(std::initializer_list<int>{SIGINT, SIGTERM});
  else client->waker_.emplace(std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP});
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
  if (const auto& node = invocation.globals.node) {
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
  way_ = "--data " + shell_word(directory);
  unreachable_ = "no node runs in " + directory;
  try_ = "troupe node " + way_ + " --listen 127.0.0.1:0";
  std::error_code unseen;
  if (!std::filesystem::exists(std::filesystem::path(directory) / kControlSocket, unseen)) {
    if (unseen == std::errc::permission_denied)
      if (auto out = kept_out(directory)) {
        out->exit = Exit::refused;  // the node refuses the request; a node that cannot start has failed
        return out;
      }
    return failure({Code::unavailable, "it has no local socket"});
  }
  os::Chance chance;
  open(std::make_shared<const crypto::Identity>(crypto::Identity::make(chance, 0)), messages::Role::operate, directory);
  link_ = pool_->dial_local(kControlSocket);
  directory_ = directory;
  mute_at_ = now() + kMuteMax;
  return std::nullopt;
}

/// The role of a key shows only when the node accepts it, so the larger role is tried first.
std::optional<Failure> Client::connect_remotely(const NodeAddress& node, Console& console, Needs needs) {
  const std::string address = node.id.hex() + '@' + node.at.text();
  way_ = "--node " + address;
  unreachable_ = "the node " + address + " cannot be reached";
  refused_ = "the node " + address + " responds, but does not accept this key";
  auto key = load_operator_key(console);
  if (!key.ok()) return key.error();
  const auto identity = std::make_shared<const crypto::Identity>(std::move(key).value());
  const std::string hex = identity->public_key().hex();
  try_ = "at that node, in its config.toml: operators.operate = [\"" + hex + "\"]";
  std::optional<Failure> failed;
  for (const auto role : {messages::Role::operate, messages::Role::view}) {
    close();
    open(identity, role, {});
    link_ = pool_->dial(node.id, node.at);
    const auto seen =
        ask<node::wire::GetStatus, node::wire::NodeStatus>(kNode, kProbeTimeout, [](node::wire::GetStatus::Builder) {});
    if (interrupted_ || in_service()) {
      if (!seen.ok()) return seen.error();
      if (role == messages::Role::operate || needs != Needs::operate) return std::nullopt;
      return Failure{{Code::refused, "this key may only view the node " + address + ", not change it"},
                     "nothing was done",
                     try_,
                     Exit::refused};
    }
    failed = seen.error();
  }
  return failed;
}

void Client::open(std::shared_ptr<const crypto::Identity> identity, messages::Role role, std::string sockets) {
  system_ = std::make_unique<os::System>(std::make_unique<NoDisk>(),
                                         os::SystemOptions{.workers = kWorkers, .sockets = std::move(sockets)});
  net::NetSetup setup;
  setup.identity = std::move(identity);
  setup.terms.work_bits = 0;  // the id of the node is pinned, and an operator needs no proof of work
  setup.role = role;
  setup.trace = trace_;
  setup.limits.dial_timeout = kDialTimeout;
  pool_ = std::make_shared<net::Pool>(system_->node(), setup);
  outside_.emplace(system_->node(), "outside");
}

bool Client::in_service() { return pool_ && pool_->counters().links_made.load(std::memory_order_relaxed) > 0; }

/// Whether this side has ended the handshake. The counters cover only this client's pool.
bool Client::turned_away() {
  const net::NetCounters& counted = pool_->counters();
  for (std::size_t i = 0; i < net::kRefusals; ++i)
    if (counted.of(static_cast<net::Refusal>(i)) > 0) return true;
  return counted.of(net::Turned::channel) > 0;
}

void Client::close() {
  outside_.reset();
  link_.reset();
  if (system_) system_->end(kEndPatience);
  pool_.reset();
  system_.reset();
}

Client::Client() = default;

Client::~Client() {
  if (cancel_) {
    const std::lock_guard hold(cancel_->lock_);
    cancel_->client_ = nullptr;
  }
  close();
}

base::Instant Client::now() { return system_->world().clock.now(); }

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
      return;
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
  outside_->run([this, waiting, callee, question = std::move(question)](runtime::ExternalActor::Inside& actor) {
    actor.pose(callee, question, [this, waiting](const runtime::Envelope& answer) {
      {
        const std::lock_guard hold(waiting->lock);
        waiting->answer = answer;
      }
      waker_->ring();
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
  const bool lost = why.code == Code::unavailable && in_service() && link_ && link_->closed();
  if (lost) return Failure{{Code::unknown_outcome, link_->end().value_or(why).message}};
  return answer;
}

void Client::inside(runtime::ExternalActor::What what) {
  std::atomic<bool> done{false};
  outside_->run([&](runtime::ExternalActor::Inside& actor) {
    what(actor);
    // The caller may continue as soon as it sees this, so nothing on its stack is touched afterwards.
    os::Waker& waker = *waker_;
    done.store(true, std::memory_order_release);
    waker.ring();
  });
  while (!done.load(std::memory_order_acquire)) note(waker_->wait(kForever));
}

bool Client::wait_until(const std::function<bool()>& done) {
  while (!done()) {
    if (interrupted_ || mute()) return false;
    note(waker_->wait(sleep_max()));
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
  if (!link_ || link_->traffic().received.load(std::memory_order_relaxed) > 0) mute_at_.reset();
  return mute_at_ && now() >= *mute_at_;
}

Failure Client::no_word_from_it() {
  const auto process = lock_holder(*directory_);
  const std::string number = process ? " (process " + std::to_string(*process) + ")" : "";
  return {{Code::timeout, "the node in " + *directory_ + " does not respond" + number}};
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
    note(waker_->wait(std::min(kForever, due - at), watched));
  }
}

Client::Outcome<void> Client::pause(base::Duration length) {
  const base::Instant due = now() + length;
  while (!interrupted()) {
    const base::Instant at = now();
    if (at >= due) return {};
    note(waker_->wait(std::min(due - at, sleep_max())));
    remind();
  }
  return interruption();
}

bool Client::interrupted() {
  note(waker_->wait(base::Duration::zero()));
  return interrupted_.has_value();
}

void Client::note(std::optional<int> signal) {
  if (signal) interrupted_ = signal;
  else if (cancelled_.load(std::memory_order_acquire) && !interrupted_) interrupted_ = SIGINT;
}

void Client::cancel() {
  cancelled_.store(true, std::memory_order_release);
  waker_->ring();
}

Failure Client::interruption_by(int signal) {
  return {{Code::dropped, "interrupted"}, {}, {}, static_cast<Exit>(kExitOfSignals + signal)};
}

Failure Client::failure(const base::Error& answered) {
  // A request that is sent after its link has ended does not get the reason; the link knows it.
  const base::Error error =
      !in_service() && answered.code == Code::unavailable && link_ ? link_->end().value_or(answered) : answered;
  // The error names the damaged file; the health of the node says what else is wrong.
  if (in_service() && error.code == Code::corrupt) return {error, {}, "troupe status " + way_};
  const bool silent = directory_ && link_ && link_->traffic().received.load(std::memory_order_relaxed) == 0;
  if (in_service() && error.code == Code::timeout && silent) return no_word_from_it();
  if (in_service()) return {error};
  const bool remote = !refused_.empty();
  const bool heard = remote && link_ && link_->traffic().received.load(std::memory_order_relaxed) > 0;
  // A connection that this side refused never saw our key; its error says why.
  const bool ours = heard && turned_away();
  if (heard && !ours)
    return {{Code::refused, refused_ + ": " + error.message}, "nothing was done", try_, Exit::refused};
  if (directory_)
    if (auto foreign = served_by_another(*directory_)) return *foreign;
  // A node that starts, ends or is full holds the lock of its directory, and no second node can start there.
  if (const auto process = directory_ ? lock_holder(*directory_) : std::nullopt)
    return {{Code::unavailable, "the node in " + *directory_ + " (process " + std::to_string(*process) +
                                    ") cannot be reached: " + error.message},
            "nothing was done",
            "again"};
  // A killed node leaves its socket. If the socket is busy or closed to this user, its error says so.
  const bool left = directory_ && os::is_stale((std::filesystem::path(*directory_) / kControlSocket).string());
  const std::string why =
      left ? "its socket, " + std::string(kControlSocket) + ", was left by a node that has ended" : error.message;
  return {{ours ? Code::refused : Code::unavailable, unreachable_ + ": " + why},
          "nothing was done",
          remote ? "troupe status, at that node, shows whether it runs, its id and its address" : try_,
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
