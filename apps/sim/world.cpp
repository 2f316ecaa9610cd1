#include "apps/sim/world.hpp"

#include "apps/data_directory.hpp"
#include "apps/node_log.hpp"
#include "apps/settings.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/config/known.hpp"
#include "runtime/sim/open_channel.hpp"

namespace troupe::apps {
namespace {

/// Keeps the last lines of a node's log.
class LastLines final : public observe::LogSink {
 public:
  explicit LastLines(std::shared_ptr<std::deque<std::string>> lines) : lines_(std::move(lines)) {}
  bool write(observe::LogLevel, std::string_view line) override {
    if (lines_->size() == kWorldLogLinesMax) lines_->pop_front();
    lines_->emplace_back(line);
    return true;
  }

 private:
  std::shared_ptr<std::deque<std::string>> lines_;
};

std::string address_text(std::size_t node) {
  return base::Endpoint{sim::address_of(static_cast<std::uint16_t>(node + 1)), kWorldPort}.text();
}

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)),
      stage_(options_.seed, options_.policy),
      fabric_(sim::Fabric::make(stage_, options_.latency)) {
  for (std::uint16_t i = 0; i < options_.nodes; ++i)
    houses_.emplace_back(stage_, fabric_, static_cast<std::uint16_t>(i + 1), options_.machines);
  for (House& house : houses_) house.machine.disk().on_write([this](base::ByteView bytes) { stage_.note(bytes); });
}

World::~World() {
  for (House& house : houses_) {
    for (auto& life : house.lives) life->outside.reset();
    house.machine.kill();
  }
  stage_.settle();
}

void World::taken(std::uint64_t to, std::uint64_t from, const runtime::Envelope& envelope) {
  stage_.note(to);
  stage_.note(from);
  stage_.note(envelope.kind() == nullptr ? 0 : envelope.kind()->id);
  stage_.note(envelope.bytes());
}

config::Settings World::settings_of(std::size_t node) const {
  config::Sources sources;
  const auto set = [&](const std::string& key, const std::string& text) { sources.flags.push_back({key, key, text}); };
  set("listen", address_text(node));
  set("identity.work_bits", "0");
  set("log.level", "info");
  if (options_.nodes > 1) set("join", address_text(node == 0 ? 1 : 0));
  for (const auto& [key, text] : options_.settings) set(key, text);
  auto loaded = config::Settings::load(node_table(), sources);
  base::ensure(loaded.ok(), "a world's settings were checked before it was made");
  return std::move(loaded).value();
}

base::Outcome<void> World::start(std::size_t node) {
  House& house = houses_[node];
  house.lives.push_back(std::make_unique<Life>(settings_of(node)));
  house.machine.boot();
  auto begun = begin(node, *house.lives.back());
  if (!begun.ok()) house.machine.kill();
  return begun;
}

base::Outcome<void> World::begin(std::size_t number, Life& life) {
  sim::Machine& machine = houses_[number].machine;
  runtime::Node& node = machine.node();
  auto lock = machine.disk().lock("LOCK");
  if (!lock.ok()) return base::Error{base::Code::unavailable, "LOCK: " + std::string(ports::name(lock.error()))};
  life.lock = std::move(lock).value();
  if (auto format = check_format(machine.disk()); !format.ok()) return format;
  auto identity = crypto::load_or_make(machine.disk(), node.world().chance, 0);
  if (!identity.ok()) return identity.error();
  life.identity = std::make_shared<const crypto::Identity>(std::move(identity).value());
  life.log = std::make_unique<observe::Log>(std::make_unique<LastLines>(life.lines), observe::LogFormat::text,
                                            [&clock = node.world().clock] { return clock.wall(); });
  apply_levels(*life.log, life.settings);
  const auto broke = [this, number, &life](std::string_view path, const base::Error& why) {
    breaks_.push_back({number, std::string(path), why.message});
    life.log->error("actor", "broke", {{"path", path}, {"why", why.message}});
  };
  node.witness = this;
  node.on_failure = broke;
  node.on_fatal = [broke](const base::Error& why) { broke("/node", why); };

  net::NetSetup links = net_setup(life.settings, life.identity);
  if (!options_.tls) {
    links.channels = [&chance = node.world().chance](crypto::Side side) {
      return std::make_unique<sim::OpenChannel>(side, chance);
    };
  }
  life.pool = std::make_shared<net::Pool>(node, std::move(links));
  node.remotes = [pool = life.pool.get()](const base::NodeId& id, const std::string& path) {
    return pool->remote(id, path);
  };
  node::NodeActor::Setup setup = root_setup({life.settings, life.pool, life.serving_at, std::nullopt, &life.health,
                                             life.log.get(), [broke](const base::Error& why) { broke("/links", why); }},
                                            "n" + std::to_string(number + 1));
  setup.serving = [&life] { life.serving = true; };
  node.start("node", [setup] { return std::make_unique<node::NodeActor>(setup); }, {.kind = node::NodeActor::kName});
  life.outside.emplace(node, "outside");
  return {};
}

bool World::serving(std::size_t node) const {
  return houses_[node].machine.up() && !lives(node).empty() && lives(node).back()->serving;
}

std::optional<base::NodeId> World::id(std::size_t node) const {
  if (lives(node).empty() || !lives(node).back()->identity) return std::nullopt;
  return lives(node).back()->identity->id();
}

void World::inside(std::size_t node, os::Outside::What what) {
  base::ensure(houses_[node].machine.up(), "a node that is asked is up");
  lives(node).back()->outside->run(std::move(what));
}

}  // namespace troupe::apps
