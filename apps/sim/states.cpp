#include <capnp/dynamic.h>
#include <capnp/schema-loader.h>
#include <capnp/serialize.h>

#include <cstring>
#include <map>
#include <sstream>
#include <vector>

#include "actors/inspect/row_of.hpp"
#include "apps/cli/json.hpp"
#include "apps/sim/report.hpp"
#include "messages/kinds.hpp"
#include "messages/output/sim.capnp.h"
#include "runtime/actor/envelope.hpp"

namespace troupe::apps {
namespace {

std::vector<capnp::word> aligned(base::ByteView bytes) {
  std::vector<capnp::word> words(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(capnp::word));
  return words;
}

/// The schemas that the node itself serves: a reader without the types of a domain can decode states with them.
class Schemas {
 public:
  Schemas() {
    for (const messages::SchemaInfo& one : messages::all_schemas()) {
      const auto words = aligned(one.node);
      const kj::ArrayPtr<const capnp::word> segment(words.data(), words.size());
      capnp::SegmentArrayMessageReader reader(kj::arrayPtr(&segment, 1));
      loader_.load(reader.getRoot<capnp::schema::Node>());
    }
  }
  void print(std::ostream& out, const runtime::Envelope& state) const {
    const auto words = aligned(state.bytes());
    capnp::FlatArrayMessageReader reader({words.data(), words.size()});
    write_json(out, reader.getRoot<capnp::DynamicStruct>(loader_.get(state.kind()->id).asStruct()));
  }

 private:
  capnp::SchemaLoader loader_;
};

}  // namespace

void print_states(std::ostream& out, World& world, const observe::Filter& filter, bool json) {
  const Schemas schemas;
  for (std::size_t node = 0; node < world.size(); ++node) {
    if (!world.machine(node).up()) continue;
    std::map<std::string, runtime::Listing> all;
    world.machine(node).node().registry().walk([&](const runtime::Listing& one) { return all[one.path] = one, true; });
    for (const auto& [path, one] : all) {
      const observe::ActorRow seen =
          inspect::row_of(path, one.kind, *one.record, world.machine(node).node().world().clock.now());
      if (!filter.holds(seen)) continue;
      std::ostringstream state;
      if (const auto shown = runtime::state_of(one.handle)) schemas.print(state, *shown);
      if (!json) {
        out << node_name(node) << ' ' << path << "  " << one.kind << ", " << seen.state << ", " << seen.mailbox
            << " waiting, " << seen.handled << " handled  " << state.str() << '\n';
        continue;
      }
      JsonLine<output::wire::SimActor> row;
      row->setNode(node_name(node));
      row->setPath(path);
      row->setKind(one.kind);
      row->setWaiting(seen.mailbox);
      row->setActivity(std::string(seen.state));
      row->setOldestMs(static_cast<std::uint64_t>(seen.oldest.count()));
      row->setHandled(seen.handled);
      row->setRestarts(static_cast<std::uint32_t>(seen.restarts));
      if (!seen.last_error.empty()) row->setLastError(std::string(seen.last_error));
      std::ostringstream line;
      write_json(line, row->asReader());
      std::string text = line.str();
      text.pop_back();  // a state of its own kind: its note goes before the end
      out << text << ",\"state\":" << (state.str().empty() ? "null" : state.str()) << "}\n";
    }
  }
}

}  // namespace troupe::apps
