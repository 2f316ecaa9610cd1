#include "apps/sim/instant.hpp"

#include <algorithm>
#include <map>

#include "actors/inspect/row_of.hpp"
#include "actors/node/status.hpp"
#include "messages/schemas.hpp"
#include "runtime/actor/envelope.hpp"
#include "runtime/observe/decode.hpp"

namespace troupe::apps {
namespace {

std::map<std::string, runtime::Listing> actors_of(World& world, std::size_t node) {
  std::map<std::string, runtime::Listing> all;
  if (world.machine(node).up())
    world.machine(node).node().registry().walk([&](const runtime::Listing& one) { return all[one.path] = one, true; });
  return all;
}

constexpr std::size_t kWatchersMax = 100;  // messages/runtime.capnp

void write_watchers(inspect::wire::Looked::Builder out, runtime::Node& node, std::uint64_t watched) {
  const runtime::Watchers::Seen seen = node.watchers().of(watched, kWatchersMax);
  out.getPortrait().setWatchersInAll(static_cast<std::uint32_t>(seen.in_all));
  auto watchers = out.getPortrait().initWatchers(static_cast<unsigned>(seen.first.size()));
  for (unsigned i = 0; i < watchers.size(); ++i) watchers.set(i, seen.first[i]);
  std::map<std::uint64_t, std::string> paths;
  node.registry().walk([&](const runtime::Listing& one) {
    if (std::ranges::binary_search(seen.first, one.handle.id())) paths.emplace(one.handle.id(), one.path);
    return true;
  });
  auto names = out.initNames(static_cast<unsigned>(paths.size()));
  unsigned i = 0;
  for (const auto& [id, path] : paths) {
    names[i].setId(id);
    names[i++].setText(path);
  }
}

}  // namespace

void write_status(node::wire::NodeStatus::Builder out, World& world, std::size_t node) {
  if (const auto id = world.id(node)) out.setNode({id->bytes.data(), id->bytes.size()});
  out.setName(node_name(node));
  out.setVersion("simulated");
  if (!world.machine(node).up()) {
    out.setStage(node::wire::Stage::DRAINING);
    out.setHealth(node::wire::Health::FAILING);
    auto reason = out.initReasons(1);
    reason[0].setSource("machine");
    reason[0].setText("the node is down");
    return;
  }
  out.setStage(world.serving(node) ? node::wire::Stage::SERVING : node::wire::Stage::STARTING);
  out.setActors(static_cast<std::uint32_t>(world.machine(node).node().registry().size()));
  node::write_health(out, world.health(node));
}

void write_actors(inspect::wire::ActorRows::Builder out, World& world, std::size_t node, std::size_t rows_max) {
  const auto all = actors_of(world, node);
  out.setTotal(all.size());
  out.setMatched(all.size());
  auto rows = out.initActors(static_cast<unsigned>(std::min(all.size(), rows_max)));
  if (rows.size() == 0) return;
  const base::Instant at = world.machine(node).node().world().clock.now();
  auto one = all.begin();
  for (unsigned i = 0; i < rows.size(); ++i, ++one) {
    const auto& [path, listing] = *one;
    inspect::write_row(rows[i], inspect::row_of(path, listing.kind, *listing.record, at), *listing.record, at,
                       std::nullopt);
  }
}

base::Outcome<void> write_look(inspect::wire::Looked::Builder out, World& world, std::size_t node,
                               std::string_view path) {
  const auto one =
      world.machine(node).up() ? world.machine(node).node().registry().listing(std::string(path)) : std::nullopt;
  if (!one) return base::Error{base::Code::not_found, "there is no actor " + std::string(path) + " at this instant"};
  const base::Instant at = world.machine(node).node().world().clock.now();
  inspect::write_row(out.initRow(), inspect::row_of(one->path, one->kind, *one->record, at), *one->record, at,
                     std::nullopt);
  auto portrait = out.initPortrait();
  write_watchers(out, world.machine(node).node(), one->handle.id());
  const auto state = runtime::state_of(one->handle);
  if (!state) return {};
  portrait.setStateKind(state->kind_id());
  portrait.setState({state->bytes().data(), state->bytes().size()});
  out.setStateName(std::string(state->kind()->name));
  const auto types = messages::schemas_of(state->kind_id());
  auto schemas = out.initSchemas(static_cast<unsigned>(types.size()));
  for (unsigned i = 0; i < schemas.size(); ++i)
    schemas.set(i, kj::arrayPtr(types[i]->node.data(), types[i]->node.size()));
  return {};
}

std::optional<std::string> state_line(World& world, std::size_t node, std::string_view path, std::size_t bytes_max) {
  const auto one =
      world.machine(node).up() ? world.machine(node).node().registry().listing(std::string(path)) : std::nullopt;
  if (!one) return std::nullopt;
  const auto state = runtime::state_of(one->handle);
  if (!state) return std::nullopt;
  return message_line(state->kind_id(), state->bytes(), bytes_max);
}

std::string message_line(std::uint64_t kind, base::ByteView words, std::size_t bytes_max) {
  static const observe::Decoder decoder = [] {
    observe::Decoder out;
    for (const messages::SchemaInfo& type : messages::all_schemas())
      (void)out.learn({type.node.data(), type.node.size()});
    return out;
  }();
  return decoder.line(kind, words, bytes_max);
}

}  // namespace troupe::apps
