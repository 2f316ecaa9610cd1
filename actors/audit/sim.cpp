#include "actors/audit/sim.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "actors/audit/api.hpp"
#include "actors/audit/logic/head.hpp"
#include "messages/codec.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/sim/clients.hpp"
#include "runtime/sim/draw.hpp"

namespace troupe::audit {
namespace {

using sim::node_name;

constexpr std::chrono::seconds kAnswer{90};  // our choice: longer than a commit of the store may take
constexpr std::uint16_t kNodes = 3;          // our choice: few nodes, so that each has many records

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  sim::Draw draw(random, shape);
  std::vector<sim::Operation> out;
  for (std::size_t i = 0, count = draw.count(20, 400); i < count; ++i) {
    const base::Duration at = draw.moment();
    const auto node = static_cast<std::uint16_t>(draw.node() % kNodes);
    if (draw.below(20) == 0) out.push_back({at, node, "audit.read", {}});
    else out.push_back({at, node, "audit.append", {{"records", 1 + draw.below(3)}}});
  }
  return out;
}

/// What a node has acknowledged. It belongs to an identity, which is on the node's disk.
struct Ledger {
  std::map<std::uint64_t, std::pair<std::string, base::Digest>> records;  // by number: name, hash
  std::set<std::size_t> machines;                                         // on which the identity has been
};

/// A trail that is being read.
struct Reading {
  std::size_t node = 0;
  Ledger* ledger = nullptr;
  std::uint64_t expected = 0;  // the last record that was acknowledged before
  std::optional<Verifier> verifier;
  std::map<std::uint64_t, std::string> lines;
  std::function<void(bool done)> ended;
};

class AuditWorkload final : public sim::Workload, private sim::Clients<sim::Client> {
 public:
  AuditWorkload(sim::Nodes& nodes, const sim::Scenario&) : Clients(nodes) {}

  void perform(const sim::Operation& operation) override {
    by_operation([&] {
      if (operation.what == "audit.read") return read(operation.node, [](bool) {});
      base::ensure(operation.what == "audit.append", "an operation of this domain is in its spec");
      for (std::int64_t i = 0; i < operation.number("records"); ++i) append(operation.node);
    });
  }
  void died(std::size_t node) override {
    ledger(node);
    Clients::died(node);
    reading_.erase(node);
    verified_.erase(node);
  }

  void probe() override {
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      if (!nodes_.serving(node) || verified_.contains(node) || !reading_.insert(node).second) continue;
      read(node, [this, node](bool done) {
        reading_.erase(node);
        if (done) verified_.insert(node);
      });
    }
  }
  std::vector<std::string> waits() const override {
    std::vector<std::string> out = under_way();
    for (std::size_t node = 0; node < nodes_.size(); ++node)
      if (!verified_.contains(node)) out.push_back("the trail of " + node_name(node) + " was not read yet");
    return out;
  }

 private:
  /// Returns the ledger of the node's identity; null while the identity is unknown.
  Ledger* ledger(std::size_t node) {
    const auto id = nodes_.id(node);
    if (!id) return nullptr;
    Ledger& out = ledgers_[*id];
    out.machines.insert(node);
    return &out;
  }
  bool lost(const Ledger& ledger) const {
    return std::ranges::any_of(ledger.machines, [this](std::size_t node) { return nodes_.lost_data(node); });
  }

  void append(std::size_t node) {
    Ledger* const to = ledger(node);
    if (to == nullptr) return;
    const std::string name = "record-" + std::to_string(++appended_);
    sim::Client& client = begin(node, "to append " + name);
    ask<wire::Append, wire::Appended>(
        client, kPath, kAnswer,
        [name](wire::Append::Builder out) {
          out.setKey("token");
          out.setCommand("test");
          out.setName(name);
          out.setStatus(200);
        },
        [this, &client, to, name](const Error& error, wire::Appended::Reader answer) {
          if (error) return;
          const auto hash = base::Digest::from(bytes_of(answer.getHash())).value_or(base::Digest{});
          if (!to->records.try_emplace(answer.getSeq(), name, hash).second && !lost(*to))
            violated("numbers", client, "got the number " + std::to_string(answer.getSeq()) + " a second time");
        });
  }

  void read(std::size_t node, std::function<void(bool)> ended) {
    const auto reading = std::make_shared<Reading>();
    reading->node = node;
    reading->ledger = ledger(node);
    reading->ended = std::move(ended);
    if (reading->ledger == nullptr) return reading->ended(false);
    if (!reading->ledger->records.empty()) reading->expected = reading->ledger->records.rbegin()->first;
    ask<wire::GetHead, wire::Head>(
        begin(node, "to get the head of the trail"), kPath, kAnswer, [](wire::GetHead::Builder) {},
        [this, reading](const Error& error, wire::Head::Reader answer) {
          if (error) return reading->ended(false);
          const auto digest = [](capnp::Data::Reader from) {
            return base::Digest::from(bytes_of(from)).value_or(base::Digest{});
          };
          reading->verifier.emplace(Head{.first = answer.getFirst(),
                                         .first_prev = digest(answer.getFirstPrev()),
                                         .last = {answer.getLast(), digest(answer.getLastHash())}});
          page(reading, {});
        });
  }

  void page(const std::shared_ptr<Reading>& reading, const base::Bytes& next) {
    sim::Client& client = begin(reading->node, "to read the trail");
    ask<wire::ListRecords, wire::Records>(
        client, kPath, kAnswer, [next](wire::ListRecords::Builder out) { out.setNext(data_of(next)); },
        [this, reading, &client](const Error& error, wire::Records::Reader answer) {
          if (error) return reading->ended(false);
          for (const auto text : answer.getLines()) {
            std::string line = text_of(text);
            reading->verifier->take(line);
            if (const auto parsed = parse_line(line)) reading->lines.insert_or_assign(parsed->mark.seq, line);
          }
          const base::ByteView more = bytes_of(answer.getNext());
          if (!more.empty()) return page(reading, {more.begin(), more.end()});
          if (!lost(*reading->ledger)) compare(client, *reading);
          reading->ended(true);
        });
  }

  void compare(const sim::Client& client, const Reading& reading) {
    if (const auto bad = reading.verifier->bad())
      return violated("verifies", client, "found that record " + std::to_string(*bad) + " is wrong or missing");
    for (const auto& [seq, record] : reading.ledger->records) {
      if (seq > reading.expected) return;
      const auto line = reading.lines.find(seq);
      if (line == reading.lines.end())
        return violated("kept", client, "did not find " + record.first + ", which has number " + std::to_string(seq));
      const bool same = parse_line(line->second)->mark.hash == record.second &&
                        line->second.find("\"name\":\"" + record.first + '"') != std::string::npos;
      if (!same) return violated("kept", client, "found another record in the place of " + record.first);
    }
  }

  std::map<base::NodeId, Ledger> ledgers_;
  std::uint64_t appended_ = 0;
  std::set<std::size_t> reading_, verified_;  // nodes
};

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::WorkloadSpec spec{
      .name = "audit",
      .operations =
          {
              {"append", "callers of the HTTP API change something", {{"records", 1, 3}}},
              {"read", "an operator verifies the trail of a node"},
          },
      .invariants =
          {
              {"numbers", "no two acknowledged records have the same number"},
              {"kept", "each acknowledged record is in the trail, with its number and hash"},
              {"verifies", "the hashes of the trail are a chain that ends at the head which the store knows"},
          },
      .sometimes =
          {
              {"audit: a record after the stored head was found", "a node died before the store knew a record"},
              {"audit: an unfinished line was cut", "a node died while it wrote a record"},
          },
      .mutants =
          {
              {"audit.unsynced", "records are acknowledged before they are synced"},
              {"audit.head_only", "at a start, records after the head that the store knows are not found"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<AuditWorkload>,
  };
  return spec;
}

}  // namespace troupe::audit
