// troupe node: runs a node in the foreground until it is asked to end.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>

#include "actors/node/settings.hpp"
#include "apps/chain/founding.hpp"
#include "apps/cli/begin.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/host/compose.hpp"
#include "apps/host/data_directory.hpp"
#include "apps/host/domains.hpp"
#include "apps/host/metrics.hpp"
#include "apps/host/node_log.hpp"
#include "apps/host/settings.hpp"
#include "runtime/actor/external_actor.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/known.hpp"
#include "runtime/os/chance.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/os/http_pages.hpp"
#include "runtime/os/memory.hpp"
#include "runtime/os/process_usage.hpp"
#include "runtime/os/sockets.hpp"
#include "runtime/os/system.hpp"
#include "runtime/os/waker.hpp"
#include "runtime/sandbox/launcher.hpp"

namespace troupe::apps {
namespace {

constexpr std::chrono::milliseconds kDrainPatience{4'300};  // the root gives up at node::kDrainMax by itself
constexpr std::chrono::milliseconds kEndPatience{500};      // both together: within the 5 s of the contract
static_assert(kDrainPatience > node::kDrainMax && kDrainPatience + kEndPatience < std::chrono::seconds{5});
constexpr base::Duration kForever = std::chrono::hours{24};  // an early end of the wait only causes an empty check
constexpr std::chrono::seconds kTrimEvery{10};               // our choice
constexpr std::uint64_t kDescriptorsMin = 64;                // our choice: 30 without a link, and as many for work

/// In a container: the kernel makes it the parent of other programs' orphans.
bool is_first_process() { return ::getpid() == 1; }

/// An event that the actors report to the main thread.
struct Event {
  enum class What : std::uint8_t { serving, cannot_listen, fatal, drained };
  What what;
  base::Error why{};
};

class Events {
 public:
  explicit Events(os::Waker& waker) : waker_(waker) {}
  void push(Event event) {
    {
      const std::lock_guard hold(lock_);
      waiting_.push_back(std::move(event));
    }
    waker_.ring();
  }
  std::optional<Event> pop() {
    const std::lock_guard hold(lock_);
    if (waiting_.empty()) return std::nullopt;
    Event next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }

 private:
  os::Waker& waker_;
  std::mutex lock_;
  std::deque<Event> waiting_;
};

Failure not_started(const std::string& what, const base::Error& why) {
  return {{why.code, what + ": " + why.message}, "nothing was started", {}, Exit::failed};
}

std::vector<config::FlagValue> flags_of(const Invocation& invocation) {
  constexpr std::array<std::pair<const char*, const char*>, 5> kFlags{{{"--listen", "listen"},
                                                                       {"--advertise", "advertise"},
                                                                       {"--join", "join"},
                                                                       {"--name", "node.name"},
                                                                       {"--metrics", "metrics.listen"}}};
  std::vector<config::FlagValue> out;
  for (const auto& [flag, key] : kFlags)
    for (const auto& text : invocation.all(flag)) out.push_back({flag, key, text});
  return out;
}

/// Returns what to try if the node cannot listen on an address: a different port only helps if the port is the problem.
std::string try_instead(const std::string& option, const base::Error& why) {
  if (why.code == base::Code::refused)
    return option + " with an address of this machine, such as 127.0.0.1 or 0.0.0.0, and a port above 1023";
  return option + " with another port; port 0 picks one";
}

std::string name_of(const config::Settings& settings) {
  if (const auto& name = settings.get(node::kNodeName); !name.empty()) return name;
  std::array<char, 65> host{};  // HOST_NAME_MAX of Linux and its end
  if (::gethostname(host.data(), host.size() - 1) != 0) return "node";
  return host.data();
}

/// Looks a host up. Returns nullopt if a signal ends the node first. A lookup blocks for many seconds if no name server
/// responds, so it has its own thread, which is then abandoned.
std::optional<std::vector<base::Endpoint>> look_up(const base::HostPort& host, os::Waker& waker) {
  struct Shared {
    std::mutex lock;
    os::Waker* waker;  // null once the caller has left
    std::optional<std::vector<base::Endpoint>> found{};
  };
  const auto shared = std::make_shared<Shared>();
  shared->waker = &waker;
  std::thread([shared, host] {
    auto found = os::look_up(host);
    const std::lock_guard hold(shared->lock);
    shared->found = std::move(found);
    if (shared->waker != nullptr) shared->waker->ring();
  }).detach();
  bool reload = false, end = false;
  while (true) {
    {
      const std::lock_guard hold(shared->lock);
      if (shared->found || end) {
        shared->waker = nullptr;
        if (reload) ::raise(SIGHUP);  // for the running node; the signal is kept until the node waits for signals
        return end ? std::nullopt : std::move(shared->found);
      }
    }
    const auto signal = waker.wait(kForever);
    reload = reload || signal == SIGHUP;
    end = signal == SIGTERM || signal == SIGINT;
  }
}

/// Addresses in the settings, after the lookup of their names.
struct Places {
  std::optional<base::Endpoint> advertise, metrics;
};

class NodeRun {
 public:
  NodeRun(const Invocation& invocation, Console& console, os::Waker& waker, config::Settings settings,
          DataDirectory directory, const Places& places, std::optional<chains::ChainTyped> chain,
          std::optional<sandbox::Launcher> launcher, bool first_start)
      : invocation_(invocation),
        console_(console),
        waker_(waker),
        settings_(std::move(settings)),
        directory_(std::move(directory)),
        places_(places),
        chain_(std::move(chain)),
        launcher_(std::move(launcher)),
        launcher_process_(launcher_ ? launcher_->process() : 0),
        first_start_(first_start) {}

  Ending run() {
    auto log = make_log(settings_, directory_.path, [this] { return wall_clock_.wall(); });
    if (!log.ok()) return log.error();
    log_ = std::move(log).value();
    os::Chance chance;
    auto identity =
        crypto::load_or_make(*directory_.disk, chance, static_cast<unsigned>(settings_.get(config::kIdentityWorkBits)));
    if (!identity.ok()) return not_started("no identity", identity.error());
    identity_ = std::make_shared<const crypto::Identity>(std::move(identity).value());
    if (const auto failure = settle(chance)) return *failure;
    prepare();
    domains_ = compose(parts());
    const auto why = serve_metrics();
    if (!why) begin();
    Ending ending = why ? Ending(*why) : serve();
    if (!end()) give_up(ending);
    return ending;
  }

 private:
  /// Finds the chain of the node, and reads its files in the directory.
  std::optional<Failure> settle(ports::Chance& chance) {
    const chain::UnixMs now =
        std::chrono::duration_cast<chain::UnixMs>(std::chrono::system_clock::now().time_since_epoch());
    auto kept = chains::settle_chain(*directory_.disk, directory_.path, *identity_, std::move(chain_), now, chance);
    if (!kept.ok()) return kept.error();
    kept_ = std::make_shared<const chains::KeptFiles>(std::move(kept).value());
    if (!kept_->chain && std::get<std::string>(settings_.value("ledger.book")) == "chain")
      return usage_failure("ledger.book is the chain of this node, but it has no chain",
                           "--chain G, or another ledger.book");
    if (kept_->lacks_key)
      log_->error(
          "node",
          "it is a founder of its chain, but does not vote: the key in its file `validator` is a different key");
    return std::nullopt;
  }

  void prepare() {
    system_ =
        std::make_unique<os::System>(std::move(directory_.disk),
                                     os::SystemOptions{.sockets = directory_.path,
                                                       .limits = node_limits(settings_),
                                                       .watched = true,
                                                       .disk_lost = [this](const std::string& path) { lost(path); }},
                                     std::move(launcher_));
    runtime::Node& node = system_->node();
    node.on_fatal = [this](const base::Error& why) { events_.push({Event::What::fatal, why}); };
    node.on_failure = [this](std::string_view path, const base::Error& why) {
      log_->error("actor", "broke", {{"path", path}, {"why", why.message}});
    };
    net::NetSetup links = net_setup(settings_, identity_);
    links.terms.start = node.world().chance.seed();
    pool_ = std::make_shared<net::Pool>(node, std::move(links));
    pool_->offer();
    datagrams_ = std::make_shared<net::Datagrams>(pool_);
    node.reaches = [table = datagrams_.get()](const base::Contact& contact, const std::string& path) {
      return table->proxy(contact, path);
    };
    log_changes(health_, *log_);
  }

  node::DomainParts parts() {
    return {.settings = settings_,
            .links = pool_,
            .identity = pool_->setup().identity,
            .work_bits = pool_->setup().terms.work_bits,
            .pool = pool_,
            .datagrams = datagrams_,
            .serving = serving_,
            .advertise = places_.advertise,
            .health = &health_,
            .log = log_.get(),
            .cannot_listen =
                [this](const base::Error& why) {
                  events_.push({Event::What::cannot_listen, why});
                },
            .kept = [files = kept_](std::string_view name) -> std::optional<base::Bytes> {
              if (name == chains::kChainFile) return files->chain;
              if (name == chains::kValidatorFile) return files->validator;
              return std::nullopt;
            },
            .process_usage =
                [] {
                  const os::ProcessUsage usage = os::process_usage();
                  return node::ProcessUsage{.cpu = usage.cpu,
                                            .resident_bytes = usage.resident_bytes.value_or(0),
                                            .descriptors_open = usage.descriptors_open.value_or(0),
                                            .descriptors_max = usage.descriptors_max.value_or(0)};
                }};
  }

  /// Before the actors, so that an unavailable address starts none; the actors are only reported.
  std::optional<Failure> serve_metrics() {
    if (!places_.metrics) return std::nullopt;
    const MetricsSources sources{.node = system_->node(),
                                 .pool = *pool_,
                                 .health = health_,
                                 .health_sources = health_sources(),
                                 .log = *log_,
                                 .stage = stage_,
                                 .domains = domains_,
                                 .name = name_of(settings_),
                                 .started = now()};
    auto pages = os::HttpPages::serve(*base::HostPort::parse(places_.metrics->text()), metrics_pages(sources));
    if (!pages.ok()) {
      return Failure{{pages.error().code, "cannot serve metrics: " + pages.error().message},
                     left_behind(),
                     try_instead("--metrics", pages.error()),
                     Exit::failed};
    }
    metrics_ = std::move(pages).value();
    log_->info("metrics", "serving", {{"at", metrics_->local().text()}});
    return std::nullopt;
  }

  void begin() {
    node::NodeActor::Setup setup = root_setup(parts(), domains_, name_of(settings_));
    setup.serving = [this] {
      auto starting = Stage::starting;
      stage_.compare_exchange_strong(starting, Stage::serving);  // unless it is to end already
      events_.push({Event::What::serving});
    };
    setup.settings = [this] {
      const std::lock_guard lock(running_mutex_);
      return running_;
    };
    note_settings();
    setup.drained = [this] { events_.push({Event::What::drained}); };
    log_->info("node", "starting", {{"node", identity_->id().hex()}, {"data", directory_.path}});
    root_ = system_->node().start("node", [setup] { return std::make_unique<node::NodeActor>(setup); },
                                  {.kind = node::NodeActor::kName});
  }

  Ending serve() {
    std::optional<base::Instant> due;  // deadline of the drain
    base::Instant trim_at{};
    while (true) {
      if (due && now() >= *due) {
        log_->warn("node", "did not end in time");
        return Exit::done;
      }
      if (const auto signal = waker_.wait(due ? *due - now() : kTrimEvery)) {
        if (*signal == SIGHUP) {
          reload();
        } else if (!due && *signal != SIGCHLD) {
          due = now() + kDrainPatience;
          stage_ = Stage::draining;
          runtime::post(root_, runtime::Envelope::build<node::wire::Drain>({}, [](node::wire::Drain::Builder) {}));
        }
      }
      if (now() >= trim_at) {
        os::trim_memory();
        trim_at = now() + kTrimEvery;
      }
      if (is_first_process()) reap_orphans(launcher_process_);
      while (const auto event = events_.pop()) {
        switch (event->what) {
          case Event::What::serving:
            announce();
            // The caller waits for this line; without it a node would run unnoticed.
            if (!console_.out) {
              // If its reader has gone, the command line prints nothing, and a supervisor would see only an exit.
              log_->error("node", "cannot write the line `ready`");
              return unwritten(console_, "the node has ended: cannot write the line `ready`");
            }
            break;
          case Event::What::drained: return Exit::done;
          case Event::What::cannot_listen:
            return Failure{event->why, left_behind(), try_instead("--listen", event->why), Exit::failed};
          case Event::What::fatal:
            return Failure{{event->why.code, "the node has crashed: " + event->why.message},
                           "acknowledged data is stored",
                           "run the same command again",
                           Exit::failed};
        }
      }
    }
  }

  /// A start that fails late has created an identity, which the next start uses.
  std::string left_behind() const {
    if (!first_start_) return "nothing was started";
    return "no node runs; its new identity " + identity_->id().hex() + " is kept in " + directory_.path;
  }

  base::Instant now() const { return system_->world().clock.now(); }

  void announce() {
    const std::string id = identity_->id().hex();
    const std::string at = serving_->text();
    // Before the line `ready`: everything else is written before a caller reads that line.
    if (first_start_)
      console_.err << "This node is new. Its data is in " << base::printable(directory_.path) << " and its id is " << id
                   << ".\n"
                   << "  show its state:    troupe status --data " << shell_word(directory_.path) << '\n'
                   << "  join another node: troupe node --data ANOTHER-DIR --listen HOST:PORT --join " << id << '@'
                   << at << std::endl;
    console_.out << "ready " << id << ' ' << at << std::endl;
  }

  /// Called by the root actor, on another thread.
  void note_settings() {
    std::vector<node::RunningSetting> rows;
    for (const config::Setting& setting : settings_.table().settings())
      rows.push_back(
          {std::string(setting.key), config::toml(settings_.value(setting.key)), settings_.origin(setting.key)});
    const std::lock_guard lock(running_mutex_);
    running_ = std::move(rows);
  }

  void reload() {
    const auto sources = setting_sources(invocation_, console_, flags_of(invocation_));
    if (!sources.ok())
      return log_->error("config", "cannot reload; nothing has changed", {{"why", sources.error().error.message}});
    const config::Pairs levels = settings_.get(config::kLogLevels);
    const auto changed = settings_.reload(sources.value());
    if (!changed.ok()) {
      for (const auto& problem : changed.error())
        log_->error("config", "cannot reload; nothing has changed", {{"where", problem.where}, {"why", problem.what}});
      return;
    }
    note_settings();
    apply_levels(*log_, settings_, levels);  // nothing else can change while the node runs
    for (const node::Domain& domain : domains_)
      if (domain.reloaded) domain.reloaded(settings_);
    for (const auto& key : changed.value())
      log_->info("config", "changed", {{"key", key}, {"value", config::toml(settings_.value(key))}});
    if (changed.value().empty()) log_->info("config", "reloaded; nothing has changed");
  }

  /// Called from any thread. The disk refuses all changes by itself; running actors can still report and be read.
  void lost(const std::string& path) {
    health_.raise(kDirectoryHealth, observe::HealthState::failing,
                  path + " was removed or replaced while the node runs: no new data can be stored; put " +
                      directory_.path + " back as it was, if there is a copy, and start the node again");
  }

  /// Returns whether all actors have ended. If not, a device may block one, which still uses this object's members.
  bool end() {
    root_ = {};
    metrics_.reset();
    log_->info("node", "ended");
    if (!system_->end(kEndPatience)) return false;
    pool_.reset();
    return true;
  }

  /// A device that does not respond must not keep the process alive; acknowledged data is on it. The caller does not
  /// get the ending, so it is reported here.
  [[noreturn]] void give_up(const Ending& ending) {
    Exit exit = Exit::done;
    if (ending.ok()) {
      exit = ending.value();
    } else {
      const Form form = invocation_.globals.json ? Form::json : Form::text;
      print(console_.err, ending.error(), Effect::write, form, colour_on_err(console_));
      exit = exit_of(ending.error(), Effect::write);
    }
    console_.out.flush();
    console_.err.flush();
    std::_Exit(static_cast<int>(exit));
  }

  const Invocation& invocation_;
  Console& console_;
  os::Waker& waker_;
  config::Settings settings_;
  std::mutex running_mutex_;
  std::vector<node::RunningSetting> running_;  // as settings_
  DataDirectory directory_;
  const Places places_;
  std::optional<chains::ChainTyped> chain_;  // until it is settled
  std::shared_ptr<const chains::KeptFiles> kept_;
  std::optional<sandbox::Launcher> launcher_;  // until the actor system takes it
  const pid_t launcher_process_;               // the only child of this process
  const bool first_start_;
  os::Clock wall_clock_;  // of the log, which outlives the system
  Events events_{waker_};
  observe::Health health_;
  std::unique_ptr<observe::Log> log_;
  std::shared_ptr<const crypto::Identity> identity_;
  std::shared_ptr<node::Serving> serving_ = std::make_shared<node::Serving>();
  std::unique_ptr<os::System> system_;
  std::shared_ptr<net::Pool> pool_;
  std::shared_ptr<net::Datagrams> datagrams_;
  std::vector<node::Domain> domains_;
  std::atomic<Stage> stage_{Stage::starting};
  std::unique_ptr<os::HttpPages> metrics_;  // reads all of the above
  runtime::Handle root_;
};

Ending run_node(const Invocation& invocation, Console& console) {
  if (auto wrong = too_few_descriptors("a node", kDescriptorsMin)) return *wrong;
  // Created first: so a node that is asked to end while it starts shuts down properly.
  os::Waker waker =
      is_first_process() ? os::Waker{SIGTERM, SIGINT, SIGHUP, SIGCHLD} : os::Waker{SIGTERM, SIGINT, SIGHUP};
  auto settings = load_settings(invocation, console, flags_of(invocation));
  if (!settings.ok()) return settings.error();
  if (settings.value().get(config::kListen).empty())
    return usage_failure("a node needs an address to serve on", "troupe node --data DIR --listen 127.0.0.1:0");
  const auto path = data_directory(invocation.globals, console);
  if (!path.ok()) return path.error();
  if (invocation.globals.node)
    return usage_failure("this command starts a node on this machine: leave --node out", "troupe help node");
  std::optional<chains::ChainTyped> chain;
  if (const auto typed = invocation.text("--chain")) {
    auto read = chains::chain_typed(*typed);
    if (!read.ok()) return read.error();
    const bool dev = !read.value().genesis;
    if (dev && !std::get<config::Texts>(settings.value().value("join")).empty())
      return usage_failure(
          "--chain dev and --join exclude each other: a node with its own chain cannot join other nodes",
          "troupe help node");
    chain = std::move(read).value();
  }
  Places places;
  const auto look = [&](const std::string& text, const std::optional<base::HostPort>& host, const char* what,
                        std::optional<base::Endpoint>& place) -> std::optional<Ending> {
    if (!host) return std::nullopt;  // it is empty; any other value was refused with the settings
    const auto found = look_up(*host, waker);
    if (!found) return Exit::done;
    if (found->empty())
      return not_started(what, {base::Code::not_found, "the host name of " + text + " has no address"});
    place = found->front();
    return std::nullopt;
  };
  const std::string& advertise = settings.value().get(config::kAdvertise);
  const std::string& metrics = settings.value().get(config::kMetricsListen);
  // Before any thread, because a lookup starts a thread. Without the launcher the node starts no programs.
  auto launcher = sandbox::Launcher::start();
  // Before anything is created.
  if (const auto end = look(advertise, base::HostPort::parse(advertise), "cannot advertise", places.advertise))
    return *end;
  if (const auto end = look(metrics, config::parse_local_host_port(metrics), "cannot serve metrics", places.metrics))
    return *end;
  auto directory = open_data_directory(path.value());
  if (!directory.ok()) return directory.error();
  const bool first_start = !directory.value().disk->size(crypto::kIdentityFile).ok();
  return NodeRun(invocation, console, waker, std::move(settings).value(), std::move(directory).value(), places,
                 std::move(chain), std::move(launcher), first_start)
      .run();
}

}  // namespace

Commands node_commands() {
  std::vector<Option> options{
      {.name = "--listen", .value = "HOST:PORT", .help = "address to serve on, TCP and UDP; port 0 picks a free port"},
      {.name = "--advertise",
       .value = "HOST:PORT",
       .help = "address to advertise to other nodes, if it differs from --listen"},
      {.name = "--join",
       .value = "[ID@]HOST:PORT",
       .help = "node through which to join the network",
       .repeatable = true},
      {.name = "--name", .value = "N", .help = "name shown to people (default the host name)"},
      {.name = "--chain",
       .value = "dev|FILE",
       .help = "follow the chain of this genesis, which the directory remembers; dev: a chain of this node only",
       .suggestions = {"dev"}},
      {.name = "--metrics",
       .value = "HOST:PORT",
       .help = "address of the metrics page; a PORT without a host is on 127.0.0.1"},
  };
  for (auto& option : setting_options()) options.push_back(std::move(option));
  return {{.name = "node",
           .summary = "Run a node in the foreground until SIGTERM",
           .options = std::move(options),
           .effect = Effect::write,
           .run = run_node}};
}

}  // namespace troupe::apps
