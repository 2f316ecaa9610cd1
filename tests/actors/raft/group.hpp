#pragma once
// A few members whose time, disks and network a test moves by hand.
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "actors/raft/logic/raft.hpp"
#include "tests/actors/raft/world.hpp"
#include "tests/support.hpp"

namespace troupe::raft_test {

using namespace raft;

using troupe::test::kStart;

inline Payload text(std::string_view what) { return std::make_shared<const base::Bytes>(what.begin(), what.end()); }

inline Configuration voters(std::initializer_list<std::uint8_t> numbers) {
  Configuration out;
  for (const std::uint8_t number : numbers) out.seats[member(number)].voter = true;
  return out;
}

/// Members 1 to n, founders of one group. A disk that is not held writes at once; messages wait on the wire.
class Group {
 public:
  struct One {
    std::unique_ptr<Raft> raft;
    bool disk_held = false;
    std::deque<Save> saves;  // on their way
    HardState state{.term = Term{1}};
    Snapshot snapshot;
    std::map<Index, Entry> log;
    std::vector<Entry> applied;
    std::vector<ReadyState> reads;
    std::vector<ReadId> reads_failed;
    std::vector<Event> events;
    std::vector<Load> loads;
    std::optional<Fetch> fetch;
  };

  explicit Group(std::uint8_t founders, Settings settings = {}) : settings_(settings) {
    Configuration first;
    for (std::uint8_t n = 1; n <= founders; ++n) first.seats[member(n)].voter = true;
    for (std::uint8_t n = 1; n <= founders; ++n) begin(n, founding(first));
    now = now + 2 * settings.election;  // no vote is given right after a start
  }

  One& operator[](std::uint8_t n) { return ones_.at(member(n)); }
  Raft& at(std::uint8_t n) { return *(*this)[n].raft; }

  void join(std::uint8_t n) { begin(n, {}); }
  void restart(std::uint8_t n) {
    One& one = (*this)[n];
    one.saves.clear();
    one.applied.clear();
    start(n);
  }
  void plant(std::uint8_t n, const base::Mutations& bugs) { at(n).plant(bugs); }

  /// Does what the member wants done, as far as its disk is not held.
  void step(std::uint8_t n) {
    One& one = (*this)[n];
    for (bool more = true; more;) {
      Output out = one.raft->take(now);
      for (Message& message : out.messages) wire.push_back(std::move(message));
      one.applied.insert(one.applied.end(), out.apply.begin(), out.apply.end());
      if (!out.apply.empty()) one.raft->applied(out.apply.back().index);
      one.reads.insert(one.reads.end(), out.reads.begin(), out.reads.end());
      one.reads_failed.insert(one.reads_failed.end(), out.reads_failed.begin(), out.reads_failed.end());
      one.events.insert(one.events.end(), out.events.begin(), out.events.end());
      one.loads.insert(one.loads.end(), out.loads.begin(), out.loads.end());
      if (out.fetch) one.fetch = out.fetch;
      if (out.save) one.saves.push_back(std::move(*out.save));
      more = !one.disk_held && !one.saves.empty();
      if (more) sync(n);
    }
  }
  /// One save becomes durable.
  void sync(std::uint8_t n) {
    One& one = (*this)[n];
    const Save save = one.saves.front();
    one.saves.pop_front();
    if (save.state) one.state = *save.state;
    if (save.restart) {
      one.snapshot = *save.restart;
      one.log.clear();
    }
    if (!save.entries.empty()) one.log.erase(one.log.lower_bound(save.entries.front().index), one.log.end());
    for (const Entry& entry : save.entries) one.log[entry.index] = entry;
    one.raft->saved(save.id, now);
  }
  void release_disk(std::uint8_t n) {
    (*this)[n].disk_held = false;
    while (!(*this)[n].saves.empty()) sync(n);
    step(n);
  }

  /// Delivers what is on the wire, and what follows from it, except to and from those cut off.
  void deliver() {
    for (int n = 0; n < 10'000 && !wire.empty(); ++n) {
      const Message message = wire.front();
      wire.pop_front();
      (void)pass(message);
    }
    REQUIRE(wire.empty());
  }
  base::Result<void, Rejected> pass(const Message& message) {
    const auto to = ones_.find(message.to);
    if (to == ones_.end() || cut.contains(message.to) || cut.contains(message.from)) return {};
    const auto taken = to->second.raft->receive(message, now);
    step(message.to.node.bytes.back());
    return taken;
  }
  void tick(std::uint8_t n) {
    at(n).tick(now);
    step(n);
  }
  /// All members live through `span`, a heartbeat at a time.
  void pass_time(base::Duration span) {
    const base::Instant end = now + span;
    while (now < end) {
      now = std::min(end, now + std::chrono::milliseconds{10});
      for (auto& [id, one] : ones_) {
        if (cut.contains(id) && cut_stands_still) continue;
        if (now >= one.raft->wake_at()) tick(id.node.bytes.back());
      }
      deliver();
    }
  }
  /// Nothing happens for a while; then `n` campaigns, and all that are not cut off answer.
  void elect(std::uint8_t n) {
    now = std::max(now + 2 * settings_.election, at(n).wake_at());
    tick(n);
    deliver();
  }
  Position propose(std::uint8_t n, std::string_view what = "x") {
    const auto position = at(n).propose(text(what), now);
    REQUIRE(position.ok());
    step(n);
    return position.value();
  }
  /// What is on the wire to `n`, taken off it.
  std::vector<Message> take_wire(std::uint8_t n) {
    std::vector<Message> out;
    std::deque<Message> rest;
    for (Message& message : wire)
      if (message.to == member(n)) out.push_back(std::move(message));
      else rest.push_back(std::move(message));
    wire = std::move(rest);
    return out;
  }
  bool leads(std::uint8_t n) { return at(n).role() == Role::leader; }
  bool noted(std::uint8_t n, Event::What what) {
    const auto& events = (*this)[n].events;
    return std::any_of(events.begin(), events.end(), [&](const Event& event) { return event.what == what; });
  }

  base::Instant now = kStart;
  std::deque<Message> wire;
  std::set<MemberId> cut;
  bool cut_stands_still = false;  // cut members are stopped, not only unheard

 private:
  void begin(std::uint8_t n, Snapshot snapshot) {
    One& one = ones_[member(n)];
    one.snapshot = std::move(snapshot);
    one.state.term = one.snapshot.term;
    start(n);
  }
  void start(std::uint8_t n) {
    One& one = ones_.at(member(n));
    Log log(one.snapshot);
    for (auto entry = one.log.upper_bound(one.snapshot.index); entry != one.log.end(); ++entry)
      REQUIRE(log.append(entry->second).ok());
    const Index applied = one.snapshot.index;
    Restored from{member(n), Epoch{1}, one.state, std::move(log), applied};
    REQUIRE(from.consistent());
    one.raft = std::make_unique<Raft>(settings_, std::move(from), now, base::Random(n));
    step(n);
  }

  Settings settings_;
  std::map<MemberId, One> ones_;
};

}  // namespace troupe::raft_test
