#include "apps/sim/dht_model/survival.hpp"

#include <map>
#include <memory>
#include <set>

#include "actors/dht/logic/held.hpp"
#include "actors/dht/logic/lookup_types.hpp"
#include "actors/dht/logic/republish.hpp"
#include "apps/sim/dht_model/agenda.hpp"
#include "apps/sim/dht_model/draw.hpp"

namespace troupe::dht::model {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::hours kUncounted{72};       // longer than a record lasts: the initial records have expired
constexpr std::size_t kRecordsOfOwner = 4;         // our choice
constexpr std::chrono::minutes kPublishFirst{60};  // our choice: the records are published over an hour

struct Node {
  Key id;
  std::unique_ptr<Held> held;  // null: gone for good
  bool up = false;
};

struct Owner {
  Key id;
  std::unique_ptr<Republish> republish;
  std::uint64_t turn = 0;
};

class Weeks {
 public:
  explicit Weeks(const SurvivalPlan& plan) : plan_(plan), random_(plan.seed), end_(agenda_.now() + plan.weeks) {}

  Survival run() {
    populate();
    own();
    const base::Instant from = agenda_.now() + kUncounted;
    for (std::size_t i = 0; i < plan_.probes; ++i)
      agenda_.at(from + draw_below(random_, end_ - from), [this] { probe(); });
    agenda_.run_until(end_);
    const double days = std::chrono::duration<double, std::ratio<86'400>>(plan_.weeks).count();
    out_.stores_a_day = static_cast<double>(stores_) / days / static_cast<double>(plan_.records);
    return out_;
  }

 private:
  base::WallTime wall() const { return agenda_.wall(); }

  // -- nodes

  void populate() {
    for (std::size_t i = 0; i < plan_.nodes; ++i) begin(add());
    if (!plan_.comes_back) return;
    for (std::size_t i = 0; i < plan_.nodes; ++i) return_later(add());
  }
  std::size_t add() {
    const Key id = draw_key(random_);
    nodes_.push_back({id, std::make_unique<Held>(id, HeldLimits{}, Values::in_memory, 0)});
    return nodes_.size() - 1;
  }
  void begin(std::size_t node) {
    nodes_[node].up = true;
    up_.emplace(nodes_[node].id, node);
    agenda_.after(draw_time(random_, plan_.session), [this, node] { leave(node); });
  }
  void return_later(std::size_t node) {
    agenda_.after(draw_time(random_, plan_.session), [this, node] { begin(node); });
  }
  void leave(std::size_t node) {
    nodes_[node].up = false;
    up_.erase(nodes_[node].id);
    // Each session plus the following absence takes twice `session` of its life.
    const auto cycle = static_cast<std::uint64_t>(2 * plan_.session.count());
    const bool gone =
        !plan_.comes_back || random_.chance(std::min<std::uint64_t>(cycle, plan_.life.count()), plan_.life.count());
    if (!gone) return return_later(node);
    nodes_[node].held.reset();
    begin(add());
  }

  /// Returns the live nodes nearest to a key.
  std::vector<std::size_t> nearest(const Key& key) const {
    std::vector<std::pair<Key, std::size_t>> out;
    out.reserve(up_.size());
    for (const auto& [id, node] : up_) out.emplace_back(base::distance(id, key), node);
    const std::size_t count = std::min(plan_.copies, out.size());
    std::ranges::partial_sort(out, out.begin() + static_cast<std::ptrdiff_t>(count));
    std::vector<std::size_t> nodes;
    for (std::size_t i = 0; i < count; ++i) nodes.push_back(out[i].second);
    return nodes;
  }

  // -- owners

  void own() {
    const auto period = std::chrono::duration_cast<std::chrono::milliseconds>(plan_.republish);
    for (std::size_t i = 0; i < plan_.records; ++i) {
      if (i % kRecordsOfOwner == 0) {
        owners_.push_back(
            {draw_key(random_), std::make_unique<Republish>(RepublishSettings{.period = period}, wall())});
      }
      const std::size_t owner = owners_.size() - 1;
      const Key key = draw_key(random_);
      keys_.push_back(key);
      agenda_.after(draw_below(random_, kPublishFirst), [this, owner, key] {
        (void)store(owners_[owner], key);
        (void)owners_[owner].republish->add({key, Published::cid}, {}, wall());
        sweep_when_due(owner);
      });
    }
  }
  void sweep_when_due(std::size_t owner) {
    const auto due = owners_[owner].republish->wake_at();
    if (!due) return;
    agenda_.after(std::max<base::Duration>(*due - wall(), 1s), [this, owner, turn = ++owners_[owner].turn] {
      if (owners_[owner].turn == turn) sweep(owner);
    });
  }
  void sweep(std::size_t owner) {
    Owner& mine = owners_[owner];
    if (const auto region = mine.republish->next(wall())) {
      std::set<Item> failed;
      for (const Item& item : region->items)
        if (!store(mine, item.key)) failed.insert(item);
      (void)(failed.empty() ? mine.republish->done(wall()) : mine.republish->failed(std::move(failed), wall()));
    }
    sweep_when_due(owner);
  }
  bool store(const Owner& owner, const Key& key) {
    Offer offer;
    offer.place = {Space::cid, key};
    offer.from = owner.id;
    offer.owner = *dht::Owner::from(owner.id.view());
    offer.expires = base::WallTime::max();
    offer.encoded = {static_cast<std::uint8_t>(Space::cid)};
    std::size_t stored = 0;
    const auto there = nearest(key);
    for (const std::size_t node : there) stored += nodes_[node].held->store(offer, std::nullopt, wall()).ok() ? 1 : 0;
    stores_ += there.size();
    return !there.empty() && stored >= stores_needed(there.size(), plan_.copies, Scale::small);
  }

  void probe() {
    const Key& key = keys_[random_.below(keys_.size())];
    const auto asked = nearest(key);
    out_.found.note(std::ranges::any_of(asked, [&](std::size_t node) {
      return nodes_[node].held->find({Space::cid, key}, wall()).has_value();
    }));
  }

  const SurvivalPlan plan_;
  base::Random random_;
  Agenda agenda_;
  const base::Instant end_;
  std::vector<Node> nodes_;
  std::map<Key, std::size_t> up_;
  std::vector<Owner> owners_;
  std::vector<Key> keys_;
  std::uint64_t stores_ = 0;
  Survival out_;
};

}  // namespace

Survival survive(const SurvivalPlan& plan) { return Weeks(plan).run(); }

}  // namespace troupe::dht::model
