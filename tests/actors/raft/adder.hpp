#pragma once
// Nodes with groups on one simulated network, and a machine that adds numbers up: what another domain would stand on a
// group with (actors/raft/api.hpp).
#include <memory>
#include <optional>
#include <vector>

#include "actors/raft/raft_actor.hpp"
#include "messages/bench.capnp.h"
#include "messages/codec.hpp"
#include "runtime/actor/part.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/store/store_actor.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/net/net_cluster.hpp"

namespace troupe::raft_test {

using namespace raft;

class Adder final : public StateMachine, public runtime::Part {
 public:
  using Number = bench::wire::Number;
  /// `flaw` spoils its state once the sum is above kSpoilsAt.
  Adder(runtime::Actor& owner, raft::Group& group, std::uint64_t flaw) : Part(owner), group_(group), flaw_(flaw) {}
  static constexpr std::uint64_t kSpoilsAt = 100;

  void receive(runtime::Handlers& on) override {
    on.ask<Number, Number>([this](Number::Reader question, runtime::Reply<Number> reply) {
      const std::uint64_t value = question.getValue();
      auto kept = std::make_shared<runtime::Reply<Number>>(std::move(reply));
      auto submission = std::make_shared<Submission>();
      submission->due = now() + std::chrono::seconds(5);
      submission->frees = value == 0;
      submission->command = [value] {
        base::Bytes out;
        base::append_number(out, value);
        return std::make_shared<const base::Bytes>(std::move(out));
      };
      submission->done = [this, kept](const base::Outcome<void>& done) {
        if (done.ok()) kept->send(test::number(sum_));
        else kept->refuse(done.error());
      };
      submission->forward = [this, value, kept](std::shared_ptr<Submission>, const runtime::Handle& leader) {
        Part::ask<Number, Number>(leader, now() + std::chrono::seconds(5), test::number(value),
                                  [kept](const runtime::Answer<Number>& answer) { kept->forward(answer.envelope()); });
      };
      group_.submit(std::move(submission));
    });
  }
  std::vector<const messages::KindInfo*> kinds() const override { return {&messages::kind_of<Number>()}; }
  void apply(const Entry& entry) override {
    const auto bytes = entry.view();
    if (bytes.size() == sizeof(std::uint64_t)) sum_ += base::load<std::uint64_t>(bytes);
    if (flaw_ != 0 && sum_ > kSpoilsAt) spoiled_ = flaw_;
  }
  void skip(const Entry&) override {}
  void leads(bool) override {}
  base::Instant tend() override { return base::Instant::max(); }
  std::uint64_t hash() const override { return sum_ * 0x9e3779b97f4a7c15u ^ spoiled_; }
  std::unique_ptr<ChunkSource> freeze() override {
    struct Once final : ChunkSource {
      explicit Once(std::uint64_t value) { base::append_number(bytes.emplace(), value); }
      std::optional<base::Bytes> next(std::size_t) override { return std::exchange(bytes, std::nullopt); }
      std::optional<base::Bytes> bytes;
    };
    return std::make_unique<Once>(sum_);
  }
  void begin_load() override { loaded_ = 0; }
  bool load(base::ByteView chunk) override {
    if (chunk.size() != sizeof(std::uint64_t)) return false;
    loaded_ = base::load<std::uint64_t>(chunk);
    return true;
  }
  bool end_load(Index) override {
    sum_ = loaded_;
    return true;
  }
  MachineStatus status() const override { return {}; }
  std::uint64_t sum() const { return sum_; }

 private:
  raft::Group& group_;
  const std::uint64_t flaw_;
  std::uint64_t sum_ = 0, loaded_ = 0, spoiled_ = 0;
};

/// `count` nodes with a store and `/raft`; groups of adders.
class AdderCluster {
 public:
  explicit AdderCluster(std::size_t count) : net(count, 1, {}, {}, true), homes(count) {
    for (std::size_t i = 0; i < count; ++i) begin(i);
    net.stage.run_for(std::chrono::seconds(2));
  }

  struct Home {
    std::shared_ptr<RaftSettings> settings = std::make_shared<RaftSettings>();
    const Adder* machine = nullptr;  ///< the latest one
    std::size_t machines = 0;        ///< that were made; a new one may lie where an old one lay
    std::uint64_t flaw = 0;          ///< of the next one alone
  };

  /// Makes the group of the first `members` nodes.
  bool make(std::size_t members) {
    bool made = false;
    net.inside(
        0,
        [&](test::Scripted& self) {
          self.ask<wire::InitGroup, wire::GroupMade>(
              self.node().find(kPath), self.now() + std::chrono::seconds(20),
              [&](wire::InitGroup::Builder out) {
                out.setGroup("sums");
                auto list = out.initMembers(static_cast<unsigned>(members));
                for (unsigned i = 0; i < members; ++i) address(list[i], i);
              },
              [&](runtime::Answer<wire::GroupMade> answer) {
                made = answer.ok() && answer.value().getFailed().size() == 0;
              });
        },
        std::chrono::seconds(5));
    return made;
  }
  bool add(std::size_t node) {
    bool added = false;
    net.inside(
        0,
        [&](test::Scripted& self) {
          self.ask<wire::ChangeMember, messages::wire::Nothing>(
              self.node().find(path_of("sums")), self.now() + std::chrono::seconds(20),
              [&](wire::ChangeMember::Builder out) {
                out.setChange(wire::MemberChange::ADD);
                address(out.initMember(), node);
                out.setDueMs(15'000);
              },
              [&](const runtime::Answer<messages::wire::Nothing>& answer) { added = answer.ok(); });
        },
        std::chrono::seconds(10));
    return added;
  }
  /// What the group answers when a client of that node adds a number; 0 needs no room.
  std::optional<std::uint64_t> sum(std::size_t node, std::uint64_t value) {
    std::optional<std::uint64_t> out;
    refused.reset();
    net.inside(node, [&](test::Scripted& self) {
      self.ask<Adder::Number, Adder::Number>(self.node().find(path_of("sums")), self.now() + std::chrono::seconds(8),
                                             test::number(value), [&](runtime::Answer<Adder::Number> answer) {
                                               if (answer.ok()) out = answer.value().getValue();
                                               else refused = answer.error().code;
                                             });
    });
    return out;
  }

  test::NetCluster net;
  std::vector<Home> homes;
  std::optional<base::Code> refused;  ///< what sum() was told last, if not a sum

 private:
  void address(wire::Address::Builder out, std::size_t node) {
    out.setNode(data_of(net[node].id().view()));
    out.setEndpoint(net[node].address->text());
  }
  void begin(std::size_t i) {
    auto& home = net[i];
    home.node.on_failure = [](std::string_view path, const base::Error& error) {
      FAIL_CHECK(std::string(path), ": ", error.message);
    };
    RaftSettings& settings = *homes[i].settings;
    settings.self = home.id();
    settings.links = home.pool;
    settings.endpoint = [&home] { return *home.address; };
    settings.invited_by_all = true;
    settings.snapshot_after_entries = 16;
    settings.machine = [this, i](runtime::Actor& owner, raft::Group& group, const std::string&) {
      auto out = std::make_unique<Adder>(owner, group, std::exchange(homes[i].flaw, 0));
      homes[i].machine = out.get();
      ++homes[i].machines;
      return out;
    };
    home.node.start(
        "store", [] { return std::make_unique<store::StoreActor>("store", store::StoreOptions{}, store::StoreTold{}); },
        {.kind = store::StoreActor::kName});
    home.node.start("node", test::script({}, [shared = SharedSettings(homes[i].settings)](test::Scripted& self) {
                      self.spawn("raft", [shared] { return std::make_unique<RaftActor>(shared); },
                                 {.kind = RaftActor::kName});
                    }));
  }
};

}  // namespace troupe::raft_test
