#include "tests/actors/raft/world.hpp"

#include "tests/actors/raft/world_members.hpp"

namespace troupe::raft_test {
namespace {

class World final : Members {
 public:
  explicit World(const WorldOptions& options) : Members(options), options_(options) {
    settings_.lease_reads = random_.chance(1, 2);
    settings_.append_bytes_max = 1 + random_.below(random_.chance(1, 2) ? 400 : 40);
    settings_.in_flight_messages_max = 1 + random_.below(6);
    settings_.memory_bytes_max = random_.below(1'000);
    settings_.apply_bytes_max = 1 + random_.below(2'000);
    if (base::Random naps(options.seed ^ 0x51ee9); naps.chance(1, 2))
      settings_.sleep_after = milliseconds{20 + naps.below(200)};
    loss_ = random_.below(3) * random_.below(60);
    const std::size_t members = random_.chance(1, 2) ? 3 : 1 + random_.below(5);
    Configuration first;
    for (std::size_t i = 0; i < members; ++i) {
      first.seats[member(static_cast<std::uint8_t>(i + 1))] = {.voter = true};
      if (random_.chance(1, 6)) first.seats.rbegin()->second.priority = static_cast<std::uint8_t>(random_.below(100));
    }
    const std::uint64_t mood = aside_.below(8);
    in_doubt_ = mood == 0;
    quarrels_ = mood == 1;
    if (quarrels_)
      for (std::uint8_t i = 1; i <= 4; ++i) first.seats[member(i)].voter = true;
    for (const auto& [id, seat] : first.seats) add(id, first);
    in_joint_ = random_.chance(1, 3);
  }

  WorldReport run() {
    try {
      at(now_ + milliseconds{1}, [this] { client(); });
      at(now_ + milliseconds{50}, [this] { fault(); });
      if (random_.chance(1, 5)) early_until_ = now_ + options_.faulty;
      run_until(now_ + options_.faulty);
      heal();
      run_until(now_ + options_.calm);
      disturb();
      settle();
    } catch (const std::exception& broken) {
      report_.broken = broken.what();
      report_.state = state();
    }
    report_.applied = applied_.size();
    report_.reached = planted_.reached;
    return report_;
  }

 private:
  void elected(Node& node) override {
    if (now_ < early_until_) meet_early_end(node);
    if (quarrels_ && !healed_) quarrel(node);
    if (in_doubt_ && !healed_)
      later(node, between(aside_, milliseconds{20}, milliseconds{200}), [this](Node& at) { hand_over_twice(at); });
  }
  /// A voter ends once its vote is on its way, and begins anew at once.
  void votes(Node& node) override {
    if (!in_doubt_ || healed_ || !aside_.chance(1, 2)) return;
    later(node, microseconds(10), [this](Node& at) {
      crash(at);
      start(at);
    });
  }
  /// A leader asks two to take over: both stand for one term, and one of them is heard late.
  void hand_over_twice(Node& node) {
    for (const auto& [id, seat] : node.raft->log().configuration().seats)
      if (id != node.id) (void)node.raft->transfer(id, local(node));
    pump(node);
  }
  Duration longer(const Message& message) override {
    const auto* ask = std::get_if<VoteRequest>(&message.body);
    if (!in_doubt_ || healed_ || !ask || ask->campaign != Campaign::transfer || !aside_.chance(1, 2)) return {};
    return between(aside_, milliseconds{5}, milliseconds{30});
  }
  /// Each new leader wants a member out at once, and is cut off with one other.
  void quarrel(Node& node) {
    const auto seats = node.raft->log().configuration().seats;
    const auto pick = [&] { return std::next(seats.begin(), static_cast<long>(aside_.below(seats.size())))->first; };
    if (const MemberId other = pick(); other != node.id && node.raft->log().configuration().voters() == 4)
      (void)node.raft->change({{.kind = ChangeKind::remove, .member = other}}, local(node));
    cut_ = {node.id};
    if (aside_.chance(1, 2)) cut_.insert(pick());
    at(now_ + between(aside_, milliseconds{50}, milliseconds{700}), [this] { cut_.clear(); });
  }

  // --- clients and faults
  Node* any_up() {
    std::vector<Node*> up;
    for (auto& [id, node] : nodes_)
      if (node->raft) up.push_back(node.get());
    return up.empty() ? nullptr : up[random_.below(up.size())];
  }
  Node* leading() {
    Node* best = nullptr;
    for (auto& [id, node] : nodes_)
      if (node->raft && node->raft->role() == Role::leader && (!best || node->raft->term() > best->raft->term()))
        best = node.get();
    return best;
  }
  void propose(Node& node) {
    auto data = std::make_shared<base::Bytes>(random_.below(120));
    for (auto& byte : *data) byte = static_cast<std::uint8_t>(random_.next());
    (void)node.raft->propose(std::move(data), local(node));
  }
  void read(Node& node) {
    const auto id = node.raft->read(local(node));
    if (!id.ok()) return;
    node.reads[id.value()] = committed_.empty() ? Index{} : committed_.rbegin()->first;
  }

  void client() {
    if (now_ < quiet_until_) {
      at(quiet_until_, [this] { client(); });
      return;
    }
    if (Node* node = random_.chance(2, 3) && leading() ? leading() : any_up()) {
      for (std::uint64_t n = random_.below(4); n > 0; --n) propose(*node);
      if (random_.chance(1, 2)) read(*node);
      pump(*node);
    }
    if (Node* node = any_up(); node && random_.chance(1, 4)) {
      read(*node);
      pump(*node);
    }
    if (random_.chance(1, 12))
      if (Node* node = any_up()) snapshot(*node);
    if (!healed_ && random_.chance(1, 25))
      if (Node* node = leading()) change(*node);
    if (!healed_ && random_.chance(1, 40))
      if (Node* node = leading()) {
        const auto& seats = node->raft->log().configuration().seats;
        (void)node->raft->transfer(std::next(seats.begin(), static_cast<long>(random_.below(seats.size())))->first,
                                   local(*node));
        pump(*node);
      }
    at(now_ + between(microseconds{200}, milliseconds{25}), [this] { client(); });
  }

  void change(Node& node) {
    if (lost_) return;  // one of a minority is gone: until it is replaced no other voter may go
    const auto seats = node.raft->log().configuration().seats;
    std::vector<Change> changes;
    for (std::uint64_t n = 1 + random_.below(in_joint_ ? 3 : 1); n > 0; --n) {
      const auto& [id, seat] = *std::next(seats.begin(), static_cast<long>(random_.below(seats.size())));
      switch (random_.below(4)) {
        case 0:
          if (nodes_.size() < 8) {
            const MemberId fresh = member(static_cast<std::uint8_t>(nodes_.size() + 1));
            add(fresh, {});
            changes.push_back({.kind = ChangeKind::voter, .member = fresh});
          }
          break;
        case 1: changes.push_back({.kind = ChangeKind::remove, .member = id}); break;
        case 2: changes.push_back({.kind = ChangeKind::learner, .member = id}); break;
        case 3: changes.push_back({.kind = ChangeKind::voter, .member = id}); break;
      }
    }
    if (node.raft->change(changes, local(node)).ok()) ++report_.changes;
    pump(node);
  }

  void fault() {
    Node* node = any_up();
    switch (random_.below(11)) {
      case 0:
      case 1:
        if (random_.chance(1, 2) && leading()) node = leading();
        if (node) {
          crash(*node);
          at(now_ + between(Duration{0}, milliseconds{700}), [this, node] {
            if (!node->raft) start(*node);
          });
        }
        break;
      case 2:
      case 3:
        if (random_.chance(1, 2) && leading()) cut_ = {leading()->id};
        else if (node) cut_.insert(node->id);
        break;
      case 4:
      case 5: cut_.clear(); break;
      case 6:
        if (node)
          node->disk_latency = between(Duration{0}, random_.chance(1, 4) ? milliseconds{1'500} : milliseconds{40});
        break;
      case 7: lose_disk(); break;
      case 8: restart_around_leader(); break;
      case 9: cut_while_handing_over(); break;
      case 10: crash_leaders_early(); break;
    }
    at(now_ + between(milliseconds{20}, milliseconds{400}), [this] {
      if (!healed_) fault();
    });
  }

  void restart(Node& node) {
    if (node.raft) crash(node);
    start(node);
  }

  /// One member hears no leader for a while, then all others begin anew and cannot hear it either.
  void restart_around_leader() {
    Node* leads = leading();
    Node* deaf = any_up();
    if (!leads || deaf == leads) return;
    cut_ = {deaf->id};
    quiet_until_ = now_ + milliseconds{400};  // so that it lacks no entry
    at(now_ + between(milliseconds{150}, milliseconds{400}), [this, leads, deaf = deaf->id] {
      if (healed_) return;
      cut_ = {leads->id};
      for (auto& [id, node] : nodes_)
        if (node.get() != leads && id != deaf && node->raft && random_.chance(3, 4)) restart(*node);
      if (leads->raft) read_often(*leads);
    });
  }
  void cut_while_handing_over() {
    Node* leads = leading();
    Node* next = any_up();
    if (!leads || next == leads) return;
    (void)leads->raft->transfer(next->id, local(*leads));
    pump(*leads);
    at(now_ + between(Duration{0}, milliseconds{8}), [this, leads] {
      if (healed_ || !leads->raft) return;
      cut_ = {leads->id};
      read_often(*leads);
    });
  }
  /// For a while each leader ends a few messages after its election: few of them commit an entry.
  void crash_leaders_early() { early_until_ = now_ + milliseconds{1'500}; }
  void meet_early_end(Node& node) {
    later(node, between(Duration{0}, milliseconds{2}), [this](Node& at) {
      if (random_.chance(1, 3)) change(at);
      propose(at);
      pump(at);
    });
    if (random_.chance(1, 2)) end_in(node, between(Duration{0}, milliseconds(random_.chance(1, 2) ? 2 : 40)));
  }
  void leader_commits(Node& node) override {
    if (now_ < early_until_ && random_.chance(1, 3)) end_in(node, Duration{0});
  }
  void end_in(Node& node, Duration delay) {
    later(node, delay, [this](Node& at) {
      if (healed_) return;
      crash(at);
      this->at(now_ + between(milliseconds{1}, milliseconds(random_.chance(1, 2) ? 100 : 400)), [this, &at] {
        if (!at.raft) start(at);
      });
    });
  }
  /// Reads at a leader that is cut off, and commands at the next one.
  void read_often(Node& old) {
    for (Duration in{0}; in < milliseconds{250}; in += milliseconds{4}) {
      later(old, in, [this](Node& at) {
        read(at);
        pump(at);
      });
      at(now_ + in, [this] {
        if (Node* leads = leading()) {
          propose(*leads);
          pump(*leads);
        }
      });
    }
  }

  /// A voter of a larger group loses its disk, once a world: it comes back as its next incarnation, a learner.
  void lose_disk() {
    Node* leads = leading();
    if (!leads || lost_ || leads->raft->log().configuration().voters() < 3) return;
    if (leads->raft->log().configuration_index() > leads->raft->commit()) return;
    for (const auto& [id, seat] : leads->raft->log().configuration().seats) {
      if (id == leads->id || !seat.voter) continue;
      if (nodes_.at(id)->raft) crash(*nodes_.at(id));
      lost_ = id;
      gone_ = std::move(nodes_.at(id));
      nodes_.erase(id);
      add({id.node, id.incarnation + 1}, {});
      return;
    }
  }
  void replace_lost() {
    Node* leads = leading();
    if (!lost_ || !leads || !leads->raft->log().configuration().find(*lost_)) return;
    const MemberId next{lost_->node, lost_->incarnation + 1};
    (void)leads->raft->change(
        {{.kind = ChangeKind::remove, .member = *lost_}, {.kind = ChangeKind::voter, .member = next}}, local(*leads));
    pump(*leads);
  }

  void heal() {
    healed_ = true;
    loss_ = 0;
    cut_.clear();
    for (auto& [id, node] : nodes_) {
      node->disk_latency = milliseconds{1};
      if (!node->raft) start(*node);
    }
    at(now_ + milliseconds{1'200}, [this] { replace_lost(); });
  }

  /// A change to fewer voters was under way when one of those lost its disk: no member can be elected any more.
  bool shrank_too_far() const {
    const Log* best = nullptr;
    for (const auto& [id, node] : nodes_)
      if (!best || !node->raft->log().covered_by(best->last(), best->last_term())) best = &node->raft->log();
    return lost_ && quorum_value(best->configuration(), [&](const MemberId& id) { return id == *lost_ ? 0 : 1; }) == 0;
  }

  /// A voter that was away for long comes back, and the leader stays.
  void disturb() {
    Node* leads = leading();
    if (!leads || lost_) return;
    const Term term = leads->raft->term();
    for (const auto& [id, seat] : leads->raft->log().configuration().seats)
      if (id != leads->id && seat.voter && leads->raft->log().configuration().voters() > 2) cut_ = {id};
    if (cut_.empty()) return;
    // Where nothing is written meanwhile, who comes back has all there is, and may be voted for.
    if (aside_.chance(1, 3)) quiet_until_ = now_ + milliseconds{2'500};
    run_until(now_ + milliseconds{1'500});
    must(leads->raft->role() == Role::leader && leads->raft->term() == term, "a leader needs no minority");
    cut_.clear();
    run_until(now_ + milliseconds{1'000});
    must(leads->raft->role() == Role::leader && leads->raft->term() == term, "who comes back deposes no leader");
  }

  /// Everyone has the same, and the group works.
  void settle() {
    Node* leads = leading();
    if (!leads && shrank_too_far()) return;
    must(leads != nullptr, "a group that is whole has a leader");
    events_.clear();
    propose(*leads);
    const Index end = leads->raft->log().last();
    must(leads->raft->commit().value + 64 > end.value, "a group that is whole commits");
    for (auto& [id, node] : nodes_)
      if (leads->raft->log().configuration().find(id))
        must(node->machine.applied.value + 64 > end.value, "a member of a group that is whole catches up");
  }

  const WorldOptions options_;
  std::unique_ptr<Node> gone_;
  std::optional<MemberId> lost_;
  Instant early_until_, quiet_until_;
  bool in_joint_ = false, in_doubt_ = false, quarrels_ = false;
};

}  // namespace

MemberId member(std::uint8_t number, std::uint64_t incarnation) {
  MemberId out;
  out.node.bytes.back() = number;
  out.incarnation = incarnation;
  return out;
}

WorldReport run_world(const WorldOptions& options) { return World(options).run(); }

}  // namespace troupe::raft_test
