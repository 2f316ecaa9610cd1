#pragma once
// The members of a world: their time, disks, network and snapshots, and what must hold after each event.
#include "tests/actors/raft/world_node.hpp"

namespace troupe::raft_test {

class Members {
 protected:
  explicit Members(const WorldOptions& options)
      : planted_(options.bug), random_(options.seed), aside_(options.seed ^ (3 * 0x9e3779b97f4a7c15)) {}
  ~Members() = default;
  virtual void elected(Node&) {}
  virtual void leader_commits(Node&) {}
  virtual void votes(Node&) {}
  virtual Duration longer(const Message&) { return {}; }

  Node& add(const MemberId& id, const Configuration& first) {
    auto node = std::make_unique<Node>();
    node->id = id;
    if (first.voters() > 0) {
      node->disk.image = {founding(first), Machine{.applied = Index{1}}};
      node->disk.state.term = node->disk.base_term = Term{1};
      node->disk.base = Index{1};
      node->images[Index{1}] = node->disk.image;
      applied_[Index{1}] = 0;
    }
    node->drift = static_cast<std::int64_t>(random_.below(41)) - 20;
    Node& out = *node;
    nodes_[id] = std::move(node);
    start(out);
    return out;
  }

  std::string state() const {
    std::string out;
    for (const auto& [id, node] : nodes_) {
      out += text(id) + (cut_.contains(id) ? " cut" : "");
      if (!node->raft) {
        out += " down\n";
        continue;
      }
      const Status now = node->raft->status(local(*node));
      out += " " + std::string(name(now.role)) + " of term " + std::to_string(now.term.value) + ", leader " +
             (now.leader ? text(*now.leader) : "none") + ", applied " + std::to_string(now.applied.value) +
             ", commit " + std::to_string(now.commit.value) + ", durable " + std::to_string(now.durable.value) +
             ", last " + std::to_string(now.last.value) + ", from " + std::to_string(node->raft->log().first().value) +
             ", members";
      for (const auto& [other, seat] : now.configuration.seats)
        out += " " + text(other) + (seat.voter ? "v" : "") + (seat.outgoing ? "o" : "") + (seat.learner ? "l" : "") +
               (seat.promote ? "p" : "");
      for (const auto& [other, at] : now.progress)
        out += "; " + text(other) + " " + std::to_string(static_cast<int>(at.standing)) + " match " +
               std::to_string(at.match.value) + " next " + std::to_string(at.next.value);
      out += "\n";
    }
    return out;
  }

  // --- time and events
  void at(Instant when, std::function<void()> what) { events_.emplace(std::pair(when, ++numbers_), std::move(what)); }
  Instant local(const Node& node) const {
    return Instant{node.offset + now_.since_origin() / 1'000 * (1'000 + node.drift)};
  }
  void run_until(Instant end) {
    while (!events_.empty() && events_.begin()->first.first <= end) {
      now_ = std::max(now_, events_.begin()->first.first);
      const auto what = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      ++report_.events;
      what();
    }
    now_ = end;
  }
  /// Runs `what` later, unless the node has crashed meanwhile.
  void later(Node& node, Duration delay, std::function<void(Node&)> what) {
    at(now_ + delay, [&node, run = node.run, what = std::move(what)] {
      if (node.raft && node.run == run) what(node);
    });
  }
  static Duration between(base::Random& random, Duration low, Duration high) {
    return low + Duration(random.below(static_cast<std::uint64_t>((high - low).count()) + 1));
  }
  Duration between(Duration low, Duration high) { return between(random_, low, high); }

  // --- a node
  void start(Node& node) {
    ++node.run;
    Log log = node.disk.read();
    node.machine = node.disk.image.machine;
    node.machine.applied = log.snapshot().index;
    node.offset += between(Duration{0}, milliseconds{500});  // a monotonic clock may begin anew
    const Index applied = log.snapshot().index;
    Restored restored{node.id, Epoch{1}, node.disk.state, std::move(log), applied};
    must(restored.consistent(), "what a node has saved is consistent");
    node.raft = std::make_unique<Raft>(settings_, std::move(restored), local(node), base::Random(random_.next()));
    node.raft->plant(planted_);
    node.seen_commit = applied;
    node.waking = Instant::max();
    pump(node);
  }

  void crash(Node& node) {
    for (std::size_t kept = random_.below(node.saving.size() + 1); kept > 0; --kept) {
      node.disk.write(node.saving.front());
      node.saving.pop_front();
    }
    node.saving.clear();
    node.applying.clear();
    node.installing.reset();
    node.reads.clear();
    node.proposed.clear();
    node.led = false;
    node.raft.reset();
    if (random_.chance(1, 2)) node.reset.insert(node.run);
    ++node.run;
    node.syncing = false;
  }

  void pump(Node& node) {
    Output out = node.raft->take(local(node));
    look(node, out);
    if (out.save) save(node, std::move(*out.save));
    bool voted = false;
    for (Message& message : out.messages) {
      carry(message);
      const auto* reply = std::get_if<VoteReply>(&message.body);
      voted = voted || (reply && reply->granted && !reply->pre);
    }
    if (voted) votes(node);
    if (!out.apply.empty()) {
      node.applying.push_back(std::move(out.apply));
      later(node, between(Duration{0}, milliseconds{2}), [this](Node& at) { apply(at); });
    }
    for (const ReadyState& ready : out.reads) {
      const auto read = node.reads.find(ready.id);
      must(read != node.reads.end(), "a read is answered once");
      must(ready.index >= read->second, "a linearizable read sees all that was committed before it began");
      node.reads.erase(read);
      ++report_.reads;
    }
    for (const ReadId& id : out.reads_failed) must(node.reads.erase(id) == 1, "a read fails once");
    for (const Load& load : out.loads)
      later(node, between(Duration{0}, milliseconds{3}), [this, load](Node& at) {
        std::vector<Entry> entries;
        for (auto entry = at.disk.log.lower_bound(load.from); entry != at.disk.log.end() && entries.size() < 4; ++entry)
          if (entry->first <= load.to) entries.push_back(entry->second);
        at.raft->loaded(load.member, load.from, std::move(entries), {});
        pump(at);
      });
    if (out.fetch) fetch(node, *out.fetch);
    wake(node);
  }

  void wake(Node& node) {
    const Instant due = node.raft->wake_at();
    if (due == Instant::max()) return;
    const Duration ahead = std::max(due - local(node), Duration{0});
    const Instant when = now_ + ahead / (1'000 + node.drift) * 1'000 + microseconds{2};
    if (when >= node.waking && node.waking > now_) return;
    node.waking = when;
    later(node, when - now_, [this, when](Node& at) {
      if (at.waking != when) return;
      at.waking = Instant::max();
      at.raft->tick(local(at));
      pump(at);
    });
  }

  /// One sync at a time; it takes what was written before it began.
  void save(Node& node, Save what) {
    node.saving.push_back(std::move(what));
    if (!std::exchange(node.syncing, true)) sync(node);
  }
  void sync(Node& node) {
    later(node, between(Duration{0}, node.disk_latency), [this, count = node.saving.size()](Node& at) {
      SaveId id;
      for (std::size_t i = 0; i < count; ++i) {
        id = at.saving.front().id;
        at.disk.write(at.saving.front());
        at.saving.pop_front();
      }
      at.syncing = !at.saving.empty();
      if (at.syncing) sync(at);
      at.raft->saved(id, local(at));
      pump(at);
    });
  }

  void apply(Node& node) {
    for (const Entry& entry : node.applying.front()) {
      node.machine.apply(entry);
      const auto [first, fresh] = applied_.try_emplace(entry.index, node.machine.hash);
      must(first->second == node.machine.hash, "state machines are equal at the same index");
    }
    node.applying.pop_front();
    node.raft->applied(node.machine.applied);
    finish_install(node);
    pump(node);
  }

  // --- snapshots
  void snapshot(Node& node) {
    if (node.installing || node.machine.applied <= node.raft->log().snapshot().index) return;
    if (node.machine.applied > node.raft->durable()) return;
    const Index at = node.machine.applied;
    const Log& log = node.raft->log();
    Image image{{.index = at, .term = *log.term_at(at), .configuration = log.configuration_at(at)}, node.machine};
    node.disk.image = image;
    node.images[at] = image;
    node.raft->compacted(image.snapshot);
    DiskState& disk = node.disk;
    disk.base = at;
    disk.base_term = image.snapshot.term;
    disk.log.erase(disk.log.begin(), disk.log.upper_bound(at));
    pump(node);
  }

  void fetch(Node& node, const Fetch& what) {
    later(node, between(milliseconds{1}, milliseconds{60}), [this, what](Node& at) {
      const auto source = nodes_.find(what.from);
      if (source == nodes_.end() || !source->second->raft || cut(what.from, at.id) ||
          (!healed_ && random_.chance(1, 5)))
        return;
      const auto image = source->second->images.find(what.snapshot.index);
      if (image == source->second->images.end()) return source->second->raft->snapshot_gone(at.id);
      if (!at.raft->begin_install(image->second.snapshot).ok()) return;
      at.installing = image->second;
      finish_install(at);
      pump(at);
    });
  }

  void finish_install(Node& node) {
    if (!node.installing || !node.applying.empty()) return;
    const Image image = *std::exchange(node.installing, std::nullopt);
    if (!healed_ && random_.chance(1, 10)) {
      (void)node.raft->install_ended(std::nullopt, local(node));
      return;
    }
    const auto known = applied_.find(image.snapshot.index);
    must(known != applied_.end() && known->second == image.machine.hash, "a snapshot is of a state that was applied");
    node.machine = image.machine;
    node.disk.image = image;
    node.images[image.snapshot.index] = image;
    ++report_.installed;
    must(node.raft->install_ended(image.snapshot, local(node)).ok(), "a snapshot of a committed state is taken");
  }

  // --- the network
  bool cut(const MemberId& a, const MemberId& b) const { return cut_.contains(a) != cut_.contains(b); }
  void carry(const Message& message) {
    const auto target = nodes_.find(message.to);
    if (target == nodes_.end() || cut(message.from, message.to)) return;
    const auto sender = nodes_.find(message.from);
    const Node* source = sender == nodes_.end() ? nullptr : sender->second.get();
    const std::uint64_t run = source ? source->run : 0;
    const int copies = random_.chance(loss_, 1'000) ? 0 : random_.chance(loss_, 1'000) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const Duration delay = random_.chance(loss_, 2'000) ? between(milliseconds{5}, milliseconds{600})
                                                          : between(microseconds{50}, milliseconds{4});
      at(now_ + delay + longer(message), [this, node = target->second.get(), source, run, message] {
        if (!node->raft || cut(message.from, message.to) || (source && source->reset.contains(run))) return;
        const auto taken = node->raft->receive(message, local(*node));
        if (!taken.ok() && taken.error() != Rejected::unknown_member && taken.error() != Rejected::not_leader &&
            taken.error() != Rejected::unasked)
          throw Broken("a member that keeps its word was refused: error " +
                       std::to_string(static_cast<int>(taken.error())) + " to message " +
                       std::to_string(message.body.index()) + " of term " + std::to_string(message.term.value) +
                       " from " + text(message.from) + " to " + text(message.to));
        pump(*node);
      });
    }
  }

  // --- what must hold
  void look(Node& node, const Output& out) {
    const Raft& raft = *node.raft;
    if (out.save)
      for (const Entry& entry : out.save->entries) {
        const Term before = *raft.log().term_at(entry.index.previous());
        const auto [known, fresh] = entries_.try_emplace({entry.index, entry.term}, std::pair(before, entry));
        must(known->second.first == before && known->second.second == entry, "log matching");
      }
    const bool leads = raft.role() == Role::leader;
    if (leads && !node.led) {
      ++report_.elections;
      elected(node);
      const auto [first, fresh] = leaders_.try_emplace(raft.term(), std::pair(node.id, node.run));
      must(fresh, "one leader a term");
      for (auto entry = committed_.upper_bound(raft.log().snapshot().index); entry != committed_.end(); ++entry)
        must(raft.log().has(entry->first, entry->second), "leader completeness");
    }
    node.led = leads;
    for (Index at = node.seen_commit.next(); at <= raft.commit(); at = at.next()) {
      const auto term = raft.log().term_at(at);
      if (!term) continue;  // it came with a snapshot
      const auto [known, fresh] = committed_.try_emplace(at, *term);
      must(known->second == *term, "what is committed stays");
    }
    must(raft.commit() >= node.seen_commit, "the commit index only grows");
    if (leads && raft.commit() > node.seen_commit) leader_commits(node);
    node.seen_commit = raft.commit();
  }

  Planted planted_;
  base::Random random_;
  base::Random aside_;  ///< for what only some worlds have: it leaves the draws of the others as they are
  Settings settings_;
  WorldReport report_;
  Instant now_{std::chrono::hours{1}};
  std::uint64_t numbers_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
  std::map<MemberId, std::unique_ptr<Node>> nodes_;
  std::set<MemberId> cut_;
  std::uint64_t loss_ = 0;  // thousandths
  bool healed_ = false;

  std::map<Term, std::pair<MemberId, std::uint64_t>> leaders_;
  std::map<std::pair<Index, Term>, std::pair<Term, Entry>> entries_;
  std::map<Index, Term> committed_;
  std::map<Index, std::uint64_t> applied_;
};

}  // namespace troupe::raft_test
