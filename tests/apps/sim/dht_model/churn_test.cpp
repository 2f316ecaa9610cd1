// Buckets, tables and searches together: a network that builds its tables itself while its nodes come and go.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "actors/dht/logic/table.hpp"
#include "tests/actors/dht/contacts.hpp"
#include "tests/actors/dht/drive.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using namespace std::chrono_literals;

namespace {

/// A node as its actors would run it: what it hears goes to the table, from there to a bucket, and back as a listing.
struct Peer {
  explicit Peer(const Contact& self) : contact(self), table(self.id) {}

  Contact contact;
  Table table;
  std::map<Range, Bucket> buckets;
  RoundTrip round_trip;
  bool up = true;
};

class Overlay {
 public:
  explicit Overlay(std::uint64_t seed) : random_(seed) {}

  /// A new node that knows one other: it looks for itself, then for somebody in each range (bootstrap).
  void join() {
    const std::size_t seed = peers_.empty() ? 0 : draw();
    const std::size_t number = peers_.size();
    const auto where = "10." + std::to_string(number / 65'536) + "." + std::to_string(number / 256 % 256) + "." +
                       std::to_string(number % 256) + ":4000";
    peers_.push_back(std::make_unique<Peer>(contact_at(random_point(random_), where)));
    by_id_.emplace(peers_.back()->contact.id, number);
    if (number == 0) return;
    ask(number, peers_[seed]->contact);
    search(number, peers_[number]->contact.id);
    refresh(number);
  }

  void leave(std::size_t node) { peers_[node]->up = false; }

  void refresh(std::size_t node) {
    Peer& peer = *peers_[node];
    for (const Range range : peer.table.stale(now_)) search(node, random_key(peer.contact.id, range, random_));
  }

  /// Time passes: overdue pings, forgotten spares, refreshes.
  void pass(base::Duration time) {
    now_ = now_ + time;
    for (std::size_t node = 0; node < peers_.size(); ++node) {
      if (!peers_[node]->up) continue;
      wake(node);
      refresh(node);
    }
  }

  Run search(std::size_t node, const Key& target) {
    Peer& peer = *peers_[node];
    peer.table.used(target, now_);
    LookupQuestion question;
    question.target = target;
    question.own = peer.contact.id;
    question.network = peer.table.network_size();
    question.round_trip = peer.round_trip;
    std::vector<Start> starts;
    for (const Contact& one : peer.table.closest(target, kStartMax)) starts.push_back({one, std::nullopt});
    Lookup lookup{question, std::move(starts)};
    return drive(
        lookup, now_,
        [&](const Ask& ask, base::Instant now) {
          Peer& other = *peers_[by_id_.at(ask.whom.id)];
          if (!other.up || random_.chance(1, 100)) return Reply{ask.answer_due, std::nullopt};
          hear(other, peer.contact, Evidence::asked_us);
          LookupAnswer answer{other.table.closest(target, kContactsMax), std::nullopt, 0};
          std::erase(answer.contacts, peer.contact);
          return Reply{now + 20ms, std::move(answer)};
        },
        [&](const Contact& whom, bool answered, base::Instant) {
          if (answered) peer.round_trip.note(20ms);
          if (answered) hear(peer, whom, Evidence::answered);
          if (!answered) fail(peer, whom);
        });
  }

  std::vector<Contact> truly_nearest(const Key& target, std::size_t asking) const {
    std::vector<Contact> out;
    for (const auto& peer : peers_) {
      if (peer->up && peer != peers_[asking]) out.push_back(peer->contact);
    }
    std::ranges::sort(out, {}, [&](const Contact& one) { return base::distance(one.id, target); });
    out.resize(std::min(out.size(), kContactsMax));
    return out;
  }

  std::size_t draw() {
    while (true) {
      const std::size_t node = random_.below(peers_.size());
      if (peers_[node]->up) return node;
    }
  }
  Key draw_key() { return random_point(random_); }
  const Peer& peer(std::size_t node) const { return *peers_[node]; }
  bool up(const Contact& contact) const { return peers_[by_id_.at(contact.id)]->up; }

 private:
  void hear(Peer& peer, const Contact& who, Evidence evidence) {
    const auto range = peer.table.offer(who, evidence, now_);
    if (!range.ok()) return;
    auto& bucket = peer.buckets.try_emplace(range.value(), peer.contact.id, range.value()).first->second;
    const auto pings = bucket.hear(who, evidence, now_);
    settle(peer, bucket, who.id);
    if (pings.ok()) send(peer, pings.value());
  }

  void fail(Peer& peer, const Contact& whom) {
    const auto range = peer.table.failed(whom);
    if (!range) return;
    Bucket& bucket = peer.buckets.at(*range);
    const auto pings = bucket.failed(whom.id, now_);
    settle(peer, bucket, whom.id);
    send(peer, pings);
  }

  void settle(Peer& peer, Bucket& bucket, const Key& id) {
    peer.table.replace(bucket.range(), bucket.listing());
    peer.table.settled(id);
  }

  /// A ping that is answered is answered at once; one that is not shows when the bucket wakes.
  void send(Peer& peer, const std::vector<Ping>& pings) {
    for (const Ping& ping : pings) {
      Peer& other = *peers_[by_id_.at(ping.whom.id)];
      if (!other.up || random_.chance(1, 100)) continue;
      hear(other, peer.contact, Evidence::asked_us);
      // Past the table, as the bucket's own actor would: the answer must reach it whenever it was told last.
      Bucket& bucket = peer.buckets.at(*range_of(peer.contact.id, ping.whom.id));
      const auto more = bucket.hear(ping.whom, Evidence::answered, now_);
      settle(peer, bucket, ping.whom.id);
      if (more.ok()) send(peer, more.value());
    }
  }

  void ask(std::size_t node, const Contact& whom) {
    hear(*peers_[by_id_.at(whom.id)], peers_[node]->contact, Evidence::asked_us);
    hear(*peers_[node], whom, Evidence::answered);
  }

  void wake(std::size_t node) {
    Peer& peer = *peers_[node];
    std::vector<Range> due;
    for (const auto& [range, bucket] : peer.buckets) {
      if (bucket.wake_at() <= now_) due.push_back(range);
    }
    for (const Range range : due) {
      Bucket& bucket = peer.buckets.at(range);
      const auto pings = bucket.expire(now_);
      peer.table.replace(range, bucket.listing());
      send(peer, pings);
    }
  }

  base::Random random_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::map<Key, std::size_t> by_id_;
  base::Instant now_{1h};
};

struct Found {
  std::size_t given = 0;
  std::size_t should = 0;
};

Found find_some(Overlay& overlay, int searches) {
  Found out;
  for (int i = 0; i < searches; ++i) {
    const std::size_t node = overlay.draw();
    const Key key = overlay.draw_key();
    const auto nearest = overlay.truly_nearest(key, node);
    const auto given = overlay.search(node, key).outcome.nearest;
    out.should += nearest.size();
    for (const Contact& one : nearest) out.given += std::ranges::count(given, one) > 0 ? 1 : 0;
  }
  return out;
}

}  // namespace

TEST_CASE("dht churn: nodes that join one after the other find each other") {
  Overlay overlay{1};
  for (int i = 0; i < 150; ++i) overlay.join();
  const Found found = find_some(overlay, 100);
  MESSAGE("150 joined: " << 1'000 * found.given / found.should << " of 1,000 nearest found");
  CHECK(found.given * 100 >= found.should * 98);  // 1 % of the questions are lost
}

TEST_CASE("dht churn: while a node in sixty is exchanged a minute, tables forget the dead and learn the new") {
  Overlay overlay{2};
  for (int i = 0; i < 120; ++i) overlay.join();
  Found found;
  for (int minute = 0; minute < 60; ++minute) {
    for (int i = 0; i < 2; ++i) overlay.leave(overlay.draw());
    for (int i = 0; i < 2; ++i) overlay.join();
    overlay.pass(1min);
    const Found some = find_some(overlay, 10);
    if (minute < 30) continue;
    found.given += some.given;
    found.should += some.should;
  }
  MESSAGE("churn: " << 1'000 * found.given / found.should << " of 1,000 nearest found");
  CHECK(found.given * 100 >= found.should * 95);
  std::size_t dead = 0;
  std::size_t named = 0;
  for (int i = 0; i < 50; ++i) {
    const auto contacts = overlay.peer(overlay.draw()).table.closest(overlay.draw_key(), kContactsMax);
    named += contacts.size();
    for (const Contact& one : contacts) dead += overlay.up(one) ? 0 : 1;
  }
  MESSAGE("churn: " << 1'000 * dead / named << " of 1,000 contacts handed out are dead");
  CHECK(dead * 100 <= named * 20);
}
