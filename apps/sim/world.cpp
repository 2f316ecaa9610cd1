#include "apps/sim/world.hpp"

#include <algorithm>

#include "apps/host/data_directory.hpp"
#include "apps/host/node_log.hpp"
#include "apps/host/settings.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/config/known.hpp"
#include "runtime/sim/open_channel.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kKeptBytesMax = 2 * 1024 * 1024;  // our choice: more than any file that a workload gives

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

World::World(WorldOptions options, Observer* observer)
    : options_(std::move(options)),
      stage_(options_.seed, options_.policy),
      fabric_(sim::Fabric::make(stage_, options_.latency)),
      observer_(observer) {
  if (!options_.tls) signatures_.emplace();
  for (std::uint16_t i = 0; i < options_.nodes; ++i) {
    at_.push_back(i);
    sim::MachineOptions machine = options_.machines;
    if (i < options_.drift_ppm.size()) machine.drift_ppm = options_.drift_ppm[i];
    machine.limits = node_limits(settings_of(i));
    slots_.emplace_back(*this, static_cast<std::uint16_t>(i + 1), machine);
    slots_.back().node = i;
  }
  ids_.resize(at_.size());
  for (NodeSlot& slot : slots_) slot.machine.disk().on_write([this](base::ByteView bytes) { stage_.note(bytes); });
}

World::~World() { close(); }

void World::close() {
  stage_.record(nullptr);
  stage_.go_on();
  for (NodeSlot& slot : slots_) {
    for (auto& life : slot.lives) life->outside.reset();
    slot.machine.kill();
  }
  try {
    stage_.settle();
  } catch (const sim::Restless&) {
    // A busy actor that never ends is ended where it is, with the stage.
  }
  observer_ = nullptr;  // its owner may be gone when the world ends
}

void World::NodeSlot::taken(std::uint64_t to, std::uint64_t from, const runtime::Envelope& envelope) {
  world.taken_ = {to, from, envelope.kind(), world.stage_.events()};
  sim::Stage& stage = world.stage_;
  stage.note(to);
  stage.note(from);
  stage.note(envelope.kind() == nullptr ? 0 : envelope.kind()->id);
  stage.note(envelope.bytes());
  if (world.on_taken_) world.on_taken_(world.taken_, envelope);
}

void World::NodeSlot::handled(std::string_view path, const runtime::Actor& actor) {
  try {
    actor.check();
  } catch (const base::InvariantBroken& broken) {
    world.broke(node, path, {base::Code::internal, broken.what()});
  }
  if (world.keeps_names_ && !world.names_.contains(world.taken_.to))
    world.names_.emplace(world.taken_.to, node_name(node) + ' ' + std::string(path));
  if (world.observer_ != nullptr) world.observer_->handled(node, path, actor);
}

std::string World::name(sim::ActorNumber actor) const {
  const auto known = names_.find(actor);
  return known != names_.end() ? known->second : "actor " + std::to_string(actor);
}

void World::broke(std::size_t node, std::string_view path, const base::Error& why) {
  breaks_.push_back({node, std::string(path), why.message, why.code != base::Code::unknown_outcome});
  lives(node).back()->log->error("actor", "broke", {{"path", path}, {"why", why.message}});
  if (observer_ != nullptr) observer_->broke(breaks_.back());
}

config::Settings World::settings_of(std::size_t node) const {
  config::Sources sources;
  const auto set = [&](const std::string& key, const std::string& text) { sources.flags.push_back({key, key, text}); };
  const std::size_t place = at_[node];
  set("listen", address_text(place));
  set("identity.work_bits", "0");
  set("log.level", "info");
  // Heartbeats and checks would be in every world, whatever it tests.
  set("registry.active", "false");
  set("task.require_verified", "false");
  set("task.accept", "any");
  set("task.check_rounds", "64");  // a simulated processor has no speed
  set("raft.invites", "any");
  if (options_.nodes > 1) set("join", address_text(place == 0 ? 1 : 0));
  for (const auto& [key, text] : options_.settings) set(key, text);
  auto loaded = config::Settings::load(settings_table(*options_.domains), sources);
  base::ensure(loaded.ok(), "a world's settings were checked before it was made");
  return std::move(loaded).value();
}

base::Outcome<void> World::start(std::size_t node) {
  NodeSlot& slot = this->slot(node);
  slot.lives.push_back(std::make_unique<Life>(settings_of(node)));
  slot.machine.boot();
  auto begun = begin(node, *slot.lives.back());
  if (!begun.ok()) slot.machine.kill();
  return begun;
}

base::Outcome<void> World::begin(std::size_t number, Life& life) {
  sim::Machine& machine = slot(number).machine;
  runtime::Node& node = machine.node();
  auto lock = machine.disk().lock("LOCK");
  if (!lock.ok()) return base::Error{base::Code::unavailable, "LOCK: " + std::string(ports::name(lock.error()))};
  life.lock = std::move(lock).value();
  if (auto format = check_format(machine.disk()); !format.ok()) return format;
  if (options_.files != nullptr && !given_.contains(number))
    for (const sim::GivenFile& file : options_.files(number, options_.nodes))
      if (const auto given = ports::write_durably(machine.disk(), file.name, file.bytes); !given.ok())
        return base::Error{base::Code::unavailable, file.name + ": " + std::string(ports::name(given.error()))};
  given_.insert(number);
  auto identity = crypto::load_or_make(machine.disk(), node.world().chance, 0);
  if (!identity.ok()) return identity.error();
  life.identity = std::make_shared<const crypto::Identity>(std::move(identity).value());
  ids_[number] = life.identity->id();
  ever_.insert_or_assign(life.identity->id(), number);
  life.log = std::make_unique<observe::Log>(
      std::make_unique<LastLines>(life.lines), observe::LogFormat::text,
      [&clock = node.world().clock] { return clock.wall(); }, domain_logs(*options_.domains));
  apply_levels(*life.log, life.settings);
  node.witness = &slot(number);
  node.on_failure = [this, number](std::string_view path, const base::Error& why) { broke(number, path, why); };
  const auto gives_up = [this, number](const base::Error& why) {
    lives(number).back()->log->error("node", "gives up", {{"why", why.message}});
    if (observer_ != nullptr) observer_->gave_up(number, why.message);
  };
  node.on_fatal = gives_up;

  net::NetSetup links = net_setup(life.settings, life.identity);
  if (!options_.tls) {
    links.channels = [&chance = node.world().chance](crypto::Side side) {
      return std::make_unique<sim::OpenChannel>(side, chance);
    };
    links.agree = [own = life.identity->public_key()](const base::PublicKey& other) {
      return sim::open_keys(own, other);
    };
  }
  life.pool = std::make_shared<net::Pool>(node, std::move(links));
  life.pool->offer();
  life.datagrams = std::make_shared<net::Datagrams>(life.pool);
  node.reaches = [table = life.datagrams.get()](const base::Contact& contact, const std::string& path) {
    return table->proxy(contact, path);
  };
  std::optional<base::Error> unread;  // of the directory's files: a node does not start without it
  const node::DomainParts parts{.settings = life.settings,
                                .links = life.pool,
                                .identity = life.pool->setup().identity,
                                .work_bits = life.pool->setup().terms.work_bits,
                                .pool = life.pool,
                                .datagrams = life.datagrams,
                                .serving = life.serving_at,
                                .health = &life.health,
                                .log = life.log.get(),
                                .cannot_listen = gives_up,
                                .kept =
                                    [&disk = machine.disk(), &unread](std::string_view name) {
                                      const auto file = kept_file(disk, name, kKeptBytesMax);
                                      if (!file.ok()) unread = file.error();
                                      return file.ok() ? file.value() : std::nullopt;
                                    },
                                .each_node_alone = true};
  life.domains = compose(parts, *options_.domains);
  if (unread) return *unread;
  node::NodeActor::Setup setup = root_setup(parts, life.domains, node_name(number));
  setup.serving = [&life] { life.serving = true; };
  node.start("node", [setup] { return std::make_unique<node::NodeActor>(setup); }, {.kind = node::NodeActor::kName});
  life.outside.emplace(node, "outside");
  return {};
}

bool World::serving(std::size_t node) const {
  return slot(node).machine.up() && !lives(node).empty() && lives(node).back()->serving;
}

std::optional<std::size_t> World::find(const base::NodeId& id) const {
  const auto last = ever_.find(id);
  if (last == ever_.end() || ids_[last->second] != id) return std::nullopt;
  return last->second;
}

bool World::any_gone() const {
  return std::ranges::any_of(ever_, [this](const auto& one) { return !find(one.first); });
}

void World::wipe(std::size_t node) {
  machine(node).disk().wipe();
  ids_[node].reset();
}

void World::exchange(std::size_t one, std::size_t other) {
  NodeSlot& here = slot(one);
  NodeSlot& there = slot(other);
  here.machine.disk().swap(there.machine.disk());
  std::swap(here.node, there.node);
  std::swap(at_[one], at_[other]);
}

void World::inside(std::size_t node, runtime::ExternalActor::What what) {
  base::ensure(slot(node).machine.up(), "a node that is asked is up");
  lives(node).back()->outside->run(std::move(what));
}

}  // namespace troupe::apps
