#include "apps/sim/dht_model/churn.hpp"

#include <algorithm>
#include <unordered_set>

#include "actors/dht/logic/record.hpp"
#include "apps/sim/dht_model/draw.hpp"
#include "apps/sim/dht_model/swarm.hpp"

namespace troupe::dht::model {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPutTriesMax = 5;           // our choice: as often as a client tries
constexpr std::chrono::seconds kCutOffAfter{40};  // its search and its stores would have ended by then
constexpr std::size_t kDrawsMax = 1'000;          // to find a node that has never handled a key

class Churn {
 public:
  explicit Churn(const ChurnPlan& plan)
      : plan_(plan),
        chance_(plan.seed ^ 0x6368'7572'6e00),
        swarm_({plan.copies, plan.loss_percent, plan.republish, plan.seed}) {
    swarm_.watch([this](Member who, const Key& key) {
      if (const auto known = touched_.find(key); known != touched_.end()) known->second.insert(who);
    });
  }

  Churned run() {
    const base::Instant begin = swarm_.agenda().now();
    for (std::size_t i = 0; i < plan_.nodes; ++i)
      live_from(begin + draw_below(chance_, kForming), swarm_.add(conduct()));
    const auto away = static_cast<std::size_t>(static_cast<double>(plan_.nodes * plan_.come_back_percent) / 100 *
                                               static_cast<double>(plan_.absence.count()) /
                                               static_cast<double>(plan_.session.count()));
    for (std::size_t i = 0; i < away; ++i)
      live_from(begin + kForming + draw_time(chance_, plan_.absence), swarm_.add(conduct()));
    const base::Instant warm = begin + plan_.warm_up;
    for (std::size_t i = 0; i < plan_.keys; ++i)
      at(warm - draw_below(chance_, plan_.key_age), [this, i] { put(i, 1); });
    for (std::size_t i = 0; i < plan_.gets; ++i) at(warm + draw_below(chance_, plan_.span), [this] { get(); });
    swarm_.agenda().run_until(warm + plan_.span + 5min);  // by then all gets have ended
    return result();
  }

 private:
  void at(base::Instant when, std::function<void()> what) { swarm_.agenda().at(when, std::move(what)); }

  Conduct conduct() {
    if (!chance_.chance(plan_.hostile_percent, 100)) return Conduct::honest;
    return static_cast<Conduct>(1 + chance_.below(kConducts - 1));
  }

  void live_from(base::Instant when, Member who) {
    at(when, [this, who] {
      ++out_.sessions;
      swarm_.start(who);
      at(swarm_.agenda().now() + draw_time(chance_, plan_.session), [this, who] { leave(who); });
    });
  }

  void leave(Member who) {
    swarm_.stop(who);
    const base::Instant now = swarm_.agenda().now();
    if (chance_.chance(plan_.come_back_percent, 100)) return live_from(now + draw_time(chance_, plan_.absence), who);
    const Conduct same = swarm_.conduct(who);
    swarm_.retire(who);
    live_from(now, swarm_.add(same));
  }

  /// Returns an honest node that is ready and, with a key, has never handled that key.
  std::optional<Member> draw(const Key* key) {
    const auto& up = swarm_.those_up();
    for (std::size_t i = 0; i < kDrawsMax && !up.empty(); ++i) {
      const Member who = up[chance_.below(up.size())];
      if (!swarm_.ready(who) || swarm_.conduct(who) != Conduct::honest) continue;
      if (key == nullptr || !touched_.at(*key).contains(who)) return who;
    }
    return std::nullopt;
  }

  void put(std::size_t number, std::size_t attempt) {
    const auto who = draw(nullptr);
    if (!who) return;
    base::Bytes value(8);
    for (std::size_t i = 0; i < 8; ++i) value[i] = static_cast<std::uint8_t>(number >> 8 * i);
    touched_.try_emplace(key_of(CidRecord{value}));
    ++out_.put_tries;
    const auto ended = std::make_shared<bool>(false);
    const auto again = [this, number, attempt] {
      if (attempt < kPutTriesMax) put(number, attempt + 1);
    };
    swarm_.put(*who, value, [this, again, ended](const Swarm::Put& done) {
      *ended = true;
      if (done.acknowledged) keys_.push_back(done.key);
      else again();
    });
    at(swarm_.agenda().now() + kCutOffAfter, [ended, again] {
      if (!*ended) again();
    });
  }

  void get() {
    if (keys_.empty()) return;
    const Key key = keys_[chance_.below(keys_.size())];
    const auto who = draw(&key);
    if (!who) return;
    const auto ended = std::make_shared<bool>(false);
    swarm_.get(*who, key, [this, key, ended](const Swarm::Got& got) {
      *ended = true;
      out_.found.note(got.found);
      asked_ += got.asked;
      took_.push_back(got.took);
      if (got.found) hops_ += got.hops;
      else if (!is_held(key)) ++out_.no_holder;
    });
    at(swarm_.agenda().now() + kCutOffAfter, [this, ended] {
      if (*ended) return;
      ++out_.cut_off;
      get();
    });
  }

  bool is_held(const Key& key) const {
    return std::ranges::any_of(swarm_.those_up(), [&](Member who) {
      return swarm_.conduct(who) == Conduct::honest && swarm_.holds(who, key);
    });
  }

  Churned result() {
    out_.keys = keys_.size();
    out_.up = swarm_.those_up().size();
    out_.requests = swarm_.requests();
    if (out_.found.tries > 0) out_.requests_each = static_cast<double>(asked_) / static_cast<double>(out_.found.tries);
    if (out_.found.hits > 0) out_.hops = static_cast<double>(hops_) / static_cast<double>(out_.found.hits);
    if (!took_.empty()) {
      std::ranges::sort(took_);
      out_.p50 = took_[took_.size() / 2];
      out_.p99 = took_[took_.size() * 99 / 100];
    }
    return out_;
  }

  const ChurnPlan plan_;
  base::Random chance_;
  Swarm swarm_;
  std::map<Key, std::unordered_set<Member>> touched_;  // nodes that have handled a key
  std::vector<Key> keys_;
  std::uint64_t asked_ = 0, hops_ = 0;
  std::vector<base::Duration> took_;
  Churned out_;
};

}  // namespace

Churned churn(const ChurnPlan& plan) { return Churn(plan).run(); }

}  // namespace troupe::dht::model
