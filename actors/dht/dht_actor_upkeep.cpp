// How the table fills and stays fresh: who was known before, where this node is seen, and which ranges nobody has used.
#include <algorithm>

#include "actors/dht/dht_actor.hpp"
#include "actors/dht/wire.hpp"
#include "actors/peers/api.hpp"
#include "messages/contact.hpp"

namespace troupe::dht {
namespace {

constexpr std::chrono::seconds kKnownDue{5};
constexpr unsigned kRecoverDoublings = 16;  // beyond any period

}  // namespace

/// Those whom the peers of this node know where to dial.
void DhtActor::find_known(base::Callback<void(std::vector<Contact>)> found) {
  ask<peers::wire::ListKnown, peers::wire::KnownContacts>(
      node().find(settings_->peers), now() + kKnownDue, [](peers::wire::ListKnown::Builder) {},
      [this, found = std::move(found)](runtime::Answer<peers::wire::KnownContacts> answer) mutable {
        std::vector<Contact> out;
        if (answer.ok())
          for (const base::Contact& one : peers::read(answer.value()))
            if (const auto id = crypto::check(one.key, one.nonce, settings_->work_bits);
                id && one.endpoint.dialable() && *id != own())
              out.push_back({*id, one});
        found(std::move(out));
      });
}

/// As the peers of this node see it.
void DhtActor::find_ourselves() {
  if (!located_by_others_) return;
  ask<peers::wire::WhereAmI, peers::wire::OwnPlace>(
      node().find(settings_->peers), now() + kKnownDue, [](peers::wire::WhereAmI::Builder) {},
      [this](runtime::Answer<peers::wire::OwnPlace> answer) {
        if (answer.ok()) located(messages::read_contact(answer.value().getContact()).endpoint);
      });
}

/// From now on others may list this node: it goes and asks those that should, who learn of it by that.
void DhtActor::located(const base::Endpoint& at) {
  if (!at.dialable() || at == settings_->endpoint) return;
  settings_ = settings_->at(at);
  tell<wire::Located>(buckets_, [&](wire::Located::Builder out) {
    messages::write_contact(out.initContact(), {settings_->identity->public_key(), settings_->identity->nonce(), at});
  });
  recover_in(base::Duration::zero());
}

/// The four phases: peers that are known, who is nearest to ourselves, who is in each range, and pings (which each new
/// contact gets from its bucket). Again while there are too few.
void DhtActor::recover() {
  recover_at_ = base::Instant::max();
  find_ourselves();
  if (std::exchange(recovering_, true)) return recover_in(kRecoverAgain);
  find_known([this](std::vector<Contact> known) {
    recovering_ = false;
    if (table_.size() < kHealthyMin) {
      recover_soon();
      ++recoveries_;
    }
    if (known.empty() && table_.size() == 0) return;
    for (const Contact& one : known) heard(one, Evidence::asked_us);
    const Wanted ourselves{.key = own()};
    auto starts = table_.closest(own(), kStartMax);
    std::ranges::sort(known, {}, [this](const Contact& one) { return base::distance(one.id, own()); });
    for (Contact& one : known)
      if (starts.size() < kStartMax && std::ranges::find(starts, one.id, &Contact::id) == starts.end())
        starts.push_back(std::move(one));
    search_from(ourselves, std::move(starts), {}, [this](auto& answer) {
      touched(answer);
      refresh();
    });
  });
}

/// No later than that. Whoever is met meanwhile does not put it off.
void DhtActor::recover_in(base::Duration delay) {
  if (recover_at_ <= now() + delay) return;
  recover_at_ = now() + delay;
  after<Recover>(delay);
}

/// Soon at first, since whoever starts with others waits for them, and less and less often.
void DhtActor::recover_soon() {
  recover_in(std::min<base::Duration>(kRecoverAgain * (1U << std::min(recoveries_, kRecoverDoublings)),
                                      settings_->recover_period));
}

/// A search for our own id has met whoever is near us, unless there was hardly anybody yet: the range of the farthest
/// of them may hold more, those beyond it do not.
void DhtActor::touched(runtime::Answer<wire::SearchResult>& ourselves) {
  if (!ourselves.ok() || ourselves.value().getNearest().size() < settings_->copies) return;
  const auto nearest = own_contacts(ourselves.value().getNearest());
  const auto range = range_of(own(), nearest.back().id);
  if (!range || range->prefix + 1U >= kRanges) return;
  neighbours_ = Range{static_cast<std::uint8_t>(range->prefix + 1)};
  table_.used_from(*neighbours_, now());
}

/// One stale range at a time, so that a node that was away for long does not ask everybody at once; but all that are
/// near by one search for ourselves.
void DhtActor::refresh() {
  after<Refresh>(settings_->refresh_period);
  find_ourselves();
  if (refreshing_ || table_.size() == 0) return;
  const auto stale = table_.stale(now());
  if (stale.empty()) return;
  refreshing_ = true;
  const bool near = neighbours_ && stale.front() >= *neighbours_;
  search(Wanted{.key = near ? own() : random_key(own(), stale.front(), random())},
         [this, near, range = stale.front()](auto& answer) {
           refreshing_ = false;
           if (near) {
             table_.used_from(range, now());
             touched(answer);
           }
           after<Refresh>(std::chrono::seconds(1));
         });
}

}  // namespace troupe::dht
