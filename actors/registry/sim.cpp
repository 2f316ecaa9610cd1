#include "actors/registry/sim.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "actors/registry/api.hpp"
#include "messages/codec.hpp"
#include "messages/registry.capnp.h"
#include "runtime/base/ensure.hpp"
#include "runtime/sim/clients.hpp"
#include "runtime/sim/draw.hpp"

namespace troupe::registry {
namespace {

using sim::node_name;

constexpr std::chrono::seconds kPeriod{2};   // of the randomized setting below
constexpr std::chrono::seconds kIdle{90};    // our choice: for a region in which some nodes do not respond
constexpr std::chrono::seconds kAnswer{30};  // our choice
// A watcher missed three heartbeats; one more may have been in flight, and clocks differ a little. Our choice.
constexpr base::Duration kGoneAfter = 5 * kPeriod + std::chrono::seconds(5);
constexpr std::chrono::minutes kClocksDiffer{9};  // below kClockSkewMax, because a request takes time
constexpr std::string_view kMark = "mark";

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  sim::Draw draw(random, shape);
  std::vector<sim::Operation> out;
  for (std::size_t i = 0, count = draw.count(4, 40); i < count; ++i) {
    const base::Duration at = draw.moment();
    const std::uint16_t node = draw.node();
    if (draw.below(10) < 6) out.push_back({at, node, "registry.list", {}});
    else out.push_back({at, node, "registry.register", {{"mark", draw.below(1'000)}}});
  }
  return out;
}

/// A row of a list.
struct Row {
  Registration registration;
  Status status = Status::offline;
  unsigned watchers = 0;
};

std::optional<std::uint64_t> mark_of(const Registration& node) {
  for (const Capability& one : node.capabilities)
    if (one.name == kMark) return std::get<std::uint64_t>(one.value);
  return std::nullopt;
}

class RegistryWorkload final : public sim::Workload, private sim::Clients<sim::Client> {
 public:
  RegistryWorkload(sim::Nodes& nodes, const sim::Scenario&) : Clients(nodes) {}

  void perform(const sim::Operation& operation) override {
    by_operation([&] {
      if (operation.what == "registry.list") return list(operation.node, {});
      base::ensure(operation.what == "registry.register", "an operation of this domain is in its spec");
      enter(operation.node, static_cast<std::uint64_t>(operation.number("mark")));
    });
  }
  void died(std::size_t node) override {
    Clients::died(node);
    if (const auto id = nodes_.id(node)) died_.insert_or_assign(*id, nodes_.time());
    seen_.clear();
    probing_.clear();
  }

  void probe() override {
    if (!probing_.empty()) return;
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      if (!nodes_.serving(node)) continue;
      probing_.insert(node);
      list(node, [this, node](const std::map<base::NodeId, Row>* rows) {
        if (probing_.erase(node) > 0 && rows != nullptr) seen_[node] = *rows;
      });
    }
  }
  std::vector<std::string> waits() const override {
    std::vector<std::string> out = under_way();
    if (out.empty() && clocks_differ()) return out;
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      const auto rows = seen_.find(node);
      if (rows == seen_.end()) {
        out.push_back(node_name(node) + " was not asked for a list yet");
        continue;
      }
      for (std::size_t other = 0; other < nodes_.size(); ++other) look(node, other, rows->second, out);
    }
    return out;
  }

 private:
  /// Returns whether clocks are too far apart: a watcher refuses heartbeats of another date, so nothing is promised
  /// then.
  bool clocks_differ() const {
    const auto [first, last] =
        std::ranges::minmax_element(ahead_, {}, &std::pair<const std::size_t, base::Duration>::second);
    return first != ahead_.end() && last->second - first->second > kClocksDiffer;
  }
  void look(std::size_t node, std::size_t other, const std::map<base::NodeId, Row>& rows,
            std::vector<std::string>& out) const {
    const auto id = nodes_.id(other);
    if (!id) return;
    const auto row = rows.find(*id);
    if (row == rows.end()) return out.push_back(node_name(node) + " does not list " + node_name(other));
    if (row->second.status != Status::healthy)
      out.push_back(node_name(node) + " lists " + node_name(other) + " as " + std::string(name(row->second.status)));
    if (nodes_.size() > 1 && row->second.watchers == 0)
      out.push_back(node_name(node) + " knows no watcher of " + node_name(other));
    const auto mark = marks_.find(*id);
    if (mark != marks_.end() && !nodes_.lost_data(other) && mark_of(row->second.registration) != mark->second)
      out.push_back(node_name(node) + " does not know the last mark of " + node_name(other));
  }

  /// Registers a mark. The last acknowledged mark counts; an interrupted one may count or not.
  void enter(std::size_t node, std::uint64_t mark) {
    const auto id = nodes_.id(node);
    if (!id || entering_.contains(node)) return;
    entering_.insert(node);
    marks_.erase(*id);
    base::Bytes bytes;
    append(bytes, {{std::string(kMark), mark}});
    ask<wire::Register, wire::Registered>(
        begin(node, "to register mark " + std::to_string(mark)), kPath, kAnswer,
        [bytes](wire::Register::Builder out) { out.setCapabilities(data_of(bytes)); },
        [this, node, id = *id, mark](const Error& error, wire::Registered::Reader) {
          entering_.erase(node);
          if (!error) marks_.insert_or_assign(id, mark);
        });
  }

  void list(std::size_t node, std::function<void(const std::map<base::NodeId, Row>*)> then) {
    sim::Client& client = begin(node, "a list of nodes");
    const auto rows = std::make_shared<std::map<base::NodeId, Row>>();
    subscribe<wire::ListNodes, wire::NodeRows>(
        client, kListPath, kIdle, [](wire::ListNodes::Builder) {},
        [this, &client, rows, asked_at = nodes_.time()](wire::NodeRows::Reader part) {
          for (const auto one : part.getRows()) take(client, *rows, one, asked_at);
        },
        [this, &client, rows, then](const Error& error) {
          ahead_[client.node] = client.asked_at.since_origin() - nodes_.time();
          if (then) then(error ? nullptr : rows.get());
        });
  }

  void take(const sim::Client& client, std::map<base::NodeId, Row>& rows, wire::NodeRow::Reader one,
            base::Duration asked_at) {
    auto registration = read_registration(bytes_of(one.getRegistration()), 0);
    const auto beat = read_heartbeat(bytes_of(one.getHeartbeat()), 0);
    if (!registration.ok() || !beat.ok() || registration.value().id() != beat.value().id())
      return violated("signed", client, "has a row that its node did not sign");
    const base::NodeId id = beat.value().id();
    if (!nodes_.existed(id)) return violated("strangers", client, "has an id that no machine ever had");
    const auto status = static_cast<Status>(one.getStatus());
    const auto gone = died_.find(id);
    const auto place = nodes_.find(id);
    const bool back = place && nodes_.serving(*place);
    if (gone != died_.end() && !back && !one.getUnheard() && asked_at - gone->second > kGoneAfter &&
        status != Status::offline)
      return violated("offline", client,
                      "shows " + (place ? node_name(*place) : id.hex()) + " as " + std::string(name(status)) +
                          ", which died long ago");
    if (const auto [at, fresh] = rows.try_emplace(id); fresh)
      at->second = {std::move(registration).value(), status, one.getWatchers()};
    else violated("once", client, "has a node twice");
  }

  std::map<base::NodeId, base::Duration> died_;  // when, since the beginning
  std::map<base::NodeId, std::uint64_t> marks_;  // last acknowledged
  std::set<std::size_t> entering_;               // nodes with a request in progress
  std::map<std::size_t, std::map<base::NodeId, Row>> seen_;
  std::set<std::size_t> probing_;
  std::map<std::size_t, base::Duration> ahead_;  // the date of each node, less the time of the simulation
};

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::NumberSpec mark{"mark", 0, 999};
  static const sim::WorkloadSpec spec{
      .name = "registry",
      .operations =
          {
              {"register", "an operator sets a capability of a node", {mark}},
              {"list", "an operator lists all nodes"},
          },
      .knobs =
          {
              {"registry.active", {"true"}, true},
              {"registry.heartbeat", {"2s"}, true},
          },
      .invariants =
          {
              {"signed", "each row is signed by its node"},
              {"strangers", "no list has an id that no machine ever had"},
              {"once", "no list has a node twice"},
              {"offline", "a node that died is shown as offline once three heartbeats were missed"},
          },
      .sometimes =
          {
              {"registry: a late heartbeat was asked for and came", "a node was late, but alive", true},
              {"registry: a node was known after a restart", "a watcher's rows were read back"},
          },
      .mutants =
          {
              {"registry.own_unsaved", "an operator's settings are never stored"},
              {"registry.never_offline", "a silent node keeps the status of its last heartbeat"},
              {"registry.not_offered", "watchers are not notified of a node's changes"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<RegistryWorkload>,
  };
  return spec;
}

}  // namespace troupe::registry
