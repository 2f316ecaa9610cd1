// This node's data about itself.
#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/codec.hpp"
#include "actors/peers/api.hpp"
#include "actors/registry/registry_actor.hpp"
#include "messages/codec.hpp"
#include "messages/contact.hpp"
#include "messages/dht.capnp.h"
#include "messages/peers.capnp.h"
#include "messages/store.capnp.h"
#include "runtime/base/whole_units.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::registry {
namespace {

using base::Code;

constexpr std::chrono::seconds kFirst{1};         // our choice: the first peers are there by then
constexpr std::chrono::seconds kRetry{2};         // our choice: with back-off, while there are too few watchers
constexpr std::chrono::hours kAnnounceAgain{20};  // below dht.hold, 48 h
constexpr std::uint32_t kSearchEach = 10;         // periods, our choice: nodes come and go

}  // namespace

/// Replies once this node can be registered. A node whose rows cannot be read serves without them.
void RegistryActor::tell_ready(Nothing reply) {
  if (!settings_.active) return reply.done();
  rows_.when_settled([this, reply = std::move(reply)]() mutable {
    if (ready_ || rows_.reading()) reply.done();
    else awaited_ = std::move(reply);
  });
}

void RegistryActor::loaded() {
  // Corrupt rows are gone; their content comes again with the next heartbeats.
  ask<store::wire::Usage, store::wire::Used>(
      node().find(settings_.store), now() + kAnswerDue, [](store::wire::Usage::Builder) {},
      [this](runtime::Answer<store::wire::Used> used) {
        if (used.ok()) disk_bytes_ = used.value().getFreeBytes();
        has_ = world().hardware.has();
        ready_ = true;
        if (awaited_.open()) awaited_.done();
        if (auto known = parse_registration(own_.registration)) registration_ = std::move(*known);
        arm_late();
        tidy();
        followers_.changed();
        after<Pulse>(kFirst);
      });
}

// -- every period

void RegistryActor::pulse() {
  after<Pulse>(settings_.watched.period);
  ask<peers::wire::WhereAmI, peers::wire::OwnPlace>(
      node().find(peers::kPath), now() + kAnswerDue, [](peers::wire::WhereAmI::Builder) {},
      [this](runtime::Answer<peers::wire::OwnPlace> place) {
        // without a response it stays where it was
        located(place.ok() ? messages::read_contact(place.value().getContact()).endpoint : registration_.at);
      });
}

void RegistryActor::located(const base::Endpoint& at) {
  renew(at.dialable() ? at : base::Endpoint{});
  if (!published_) publish_record();
  announce();
  if (!own_.registered) {
    beat_bytes_.clear();
    search_at_ = now();     // none is searched until it registers again
    return offer_to_all();  // to watchers that have missed it
  }
  beat();
  if (watchers_.empty() || now() >= search_at_) return find_watchers();
  tell_watchers();
}

Registration RegistryActor::told_now(const base::Endpoint& at) const {
  const crypto::Identity& identity = *settings_.identity;
  Registration out{.key = identity.public_key(), .nonce = identity.nonce()};
  out.registered = own_.registered;
  out.owner = settings_.owner.value_or(*Owner::from(identity.public_key().view()));
  out.pay_to = own_.pay_to;
  out.at = at;
  out.version = settings_.version;
  out.price = own_.price;
  out.capabilities = own_.set;
  if (!has_.arch.empty() && is_text(has_.arch)) put(out.capabilities, {"arch", has_.arch});
  put(out.capabilities, {"cpu", has_.cores});
  constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
  put(out.capabilities, {"disk", disk_bytes_ / kGiB * kGiB});  // rounded, because it changes all the time
  put(out.capabilities, {"memory", has_.memory_bytes});
  Texts runtimes = has_.runtimes;
  runtimes.resize(std::min(runtimes.size(), kTextsMax));
  put(out.capabilities, {"runtimes", runtimes});
  for (const auto& [domain, all] : measured_)
    for (const Capability& one : all) put(out.capabilities, one);
  return out;
}

bool RegistryActor::renew(const base::Endpoint& at) {
  Registration next = told_now(at);
  next.sequence = registration_.sequence;
  if (!own_.registration.empty() && next == registration_) return true;
  next.sequence = std::max(unix_ms(), registration_.sequence + 1);
  auto bytes = in_order(next.capabilities) ? sign(next, settings_.identity->key()) : std::nullopt;
  if (!bytes) return false;
  announce_at_ = now();
  registration_ = std::move(next);
  own_.registration = std::move(*bytes);
  published_ = false;
  save_own();
  followers_.changed();
  return true;
}

void RegistryActor::measured(const std::string& domain, Capabilities all) {
  Capabilities& known = measured_[domain];
  if (known == all) return;
  known = std::move(all);
  if (ready_ && !own_.registration.empty() && renew(registration_.at)) offer_to_all();
}

store::RowChange RegistryActor::own_row() const {
  Own kept = own_;
  if (world().mutations.on("registry.own_unsaved")) kept.set.clear();
  store::RowChange out;
  out.save.push_back({{kOwnRow}, kept.encode()});
  return out;
}

void RegistryActor::save_own() { rows_.write(own_row()); }

// -- the DHT

void RegistryActor::publish_record() {
  if (std::exchange(publishing_, true)) return;
  ask<dht::wire::Put, dht::wire::PutDone>(
      node().find(dht::kPath), now() + kSearchDue,
      [this](dht::wire::Put::Builder out) {
        out.setSpace(2);
        out.setName(data_of(base::as_bytes(kRecordName)));
        out.setValue(data_of(own_.registration));
      },
      [this, sequence = registration_.sequence](const runtime::Answer<dht::wire::PutDone>& answer) {
        publishing_ = false;
        published_ = published_ || (answer.ok() && registration_.sequence == sequence);
      });
}

/// Announces the capabilities one by one, some ten of them. The DHT stores announcements of `/files` only.
void RegistryActor::announce() {
  if (own_.registered && now() >= announce_at_) {
    to_announce_ = places_of(registration_.capabilities);
    announce_at_ = now() + kAnnounceAgain;
  }
  if (announcing_ || to_announce_.empty()) return;
  announcing_ = true;
  const base::NodeId place = to_announce_.back();
  ask<dht::wire::Search, dht::wire::SearchResult>(
      node().find(dht::kPath), now() + kSearchDue,
      [&](dht::wire::Search::Builder search) {
        search.setKey(data_of(place.view()));
        search.getGoal().setProvide();
      },
      [this, place](runtime::Answer<dht::wire::SearchResult> answer) {
        announcing_ = false;
        if (!answer.ok() || dht::store_error(answer.value())) return;  // again in a period
        std::erase(to_announce_, place);
        announce();
      });
}

// -- heartbeats

void RegistryActor::beat() {
  const ports::Hardware::Busy busy = world().hardware.busy();
  own_.number = std::max(unix_ms(), own_.number + 1);
  Heartbeat out{.key = registration_.key, .nonce = registration_.nonce};
  out.number = own_.number;
  out.unix_ms = unix_ms();
  out.up_ms = base::milliseconds(now() - started_);
  out.load = busy.load;
  out.memory = busy.memory;
  out.cpu = busy.cpu;
  out.registration = registration_.sequence;
  beat_bytes_ = sign(out, settings_.identity->key());
  for (Watcher& watcher : watchers_) watcher.has_beat = false;
  settings_.counters->watchers = 0;
  save_own();
}

void RegistryActor::find_watchers() {
  if (std::exchange(searching_, true)) return;
  newcomers_ = false;
  ask<dht::wire::Search, dht::wire::SearchResult>(
      node().find(dht::kPath), now() + kSearchDue,
      [this](dht::wire::Search::Builder search) {
        search.setKey(data_of(settings_.identity->id().view()));
        search.getGoal().setNodes();
      },
      [this](runtime::Answer<dht::wire::SearchResult> answer) {
        searching_ = false;
        std::vector<Watcher> all, found;
        std::vector<base::AddressGroup> groups;
        if (answer.ok())
          for (const auto one : answer.value().getNearest()) {
            const base::Contact contact = messages::read_contact(one);
            const base::NodeId id = crypto::node_id(contact.key, contact.nonce);
            if (id == settings_.identity->id()) continue;
            const auto known = std::ranges::find(watchers_, id, &Watcher::id);
            all.push_back(known == watchers_.end() ? Watcher{.id = id} : *known);
            all.back().contact = contact;
            groups.push_back(settings_.group_of(id, contact.endpoint));
          }
        for (const std::size_t i : choose_watchers(groups)) found.push_back(std::move(all[i]));
        const base::Duration each = settings_.watched.period * kSearchEach;
        if (found.size() > watchers_.size()) seek_again_ = kRetry;
        if (!found.empty()) {
          watchers_ = std::move(found);
          search_at_ = now() + each;
          settings_.counters->watchers =
              static_cast<std::uint64_t>(std::ranges::count(watchers_, true, &Watcher::has_beat));
        }
        // also after an empty search: the DHT may have been unreachable
        if (watchers_.empty()) after<Pulse>(std::min<base::Duration>(kRetry, settings_.watched.period));
        else if (newcomers_) after<Seek>(kRetry);
        else if (watchers_.size() < kWatchers) after<Seek>(seek_again_);
        seek_again_ = std::min(2 * seek_again_, each);
        tell_watchers();
      });
}

void RegistryActor::met(const base::NodeId& newcomer) {
  if (beat_bytes_.empty() || newcomers_ || std::ranges::find(watchers_, newcomer, &Watcher::id) != watchers_.end())
    return;
  const auto distance = [this](const base::NodeId& id) { return base::distance(settings_.identity->id(), id); };
  const bool nearer =
      std::ranges::any_of(watchers_, [&](const Watcher& one) { return distance(newcomer) < distance(one.id); });
  if (watchers_.size() == kWatchers && !nearer) return;
  newcomers_ = true;
  after<Seek>(kRetry);
}

void RegistryActor::tell_watchers() {
  if (beat_bytes_.empty()) return;  // it has left during the search
  for (const Watcher& watcher : watchers_) {
    if (watcher.has_beat) continue;
    ask<wire::Beat, wire::BeatNoted>(
        node().reach(watcher.contact, kPath), now() + kAnswerDue,
        [this](wire::Beat::Builder out) { out.setHeartbeat(data_of(beat_bytes_)); },
        [this, id = watcher.id, number = own_.number](runtime::Answer<wire::BeatNoted> answer) {
          const auto whose = std::ranges::find(watchers_, id, &Watcher::id);
          if (whose == watchers_.end() || number != own_.number) return;
          if (!answer.ok()) {
            // A silent or full watcher is replaced as soon as another node is nearest.
            search_at_ = now();
            return settings_.log.debug("a watcher did not accept a heartbeat",
                                       {{"node", id.hex()}, {"why", answer.error().message}});
          }
          if (!std::exchange(whose->has_beat, true)) ++settings_.counters->watchers;
          whose->registration = answer.value().getRegistration();
          const std::uint64_t newest = vouches_.empty() ? 0 : vouches_.back().unix_ms;
          if (whose->registration < registration_.sequence || answer.value().getVouchedMs() < newest) offer(*whose);
        });
  }
}

void RegistryActor::offer(const Watcher& watcher) {
  if (world().mutations.on("registry.not_offered")) return;
  ask<wire::OfferRegistration, wire::BeatNoted>(
      node().reach(watcher.contact, kPath), now() + kAnswerDue,
      [this](wire::OfferRegistration::Builder out) {
        out.setRegistration(data_of(own_.registration));
        auto vouches = out.initVouches(size32(vouches_));
        for (unsigned i = 0; i < vouches.size(); ++i) vouches.set(i, data_of(vouches_[i].bytes));
      },
      [this, id = watcher.id, sequence = registration_.sequence](runtime::Answer<wire::BeatNoted> answer) {
        const auto whose = std::ranges::find(watchers_, id, &Watcher::id);
        if (whose == watchers_.end()) return;
        if (answer.ok()) whose->registration = answer.value().getRegistration();
        // It does not watch this node, so it need not learn that this node has left.
        else if (answer.error().code == Code::refused) whose->registration = std::max(whose->registration, sequence);
      });
}

void RegistryActor::offer_to_all() {
  for (const Watcher& watcher : watchers_)
    if (watcher.registration < registration_.sequence) offer(watcher);
}

// -- operators

void RegistryActor::set_own(std::string_view request, const base::Digest& content,
                            const std::function<void(Own&)>& change, runtime::Reply<wire::Registered> reply) {
  if (!settings_.active)
    return reply.refuse({Code::refused, "this node is not in the registry: registry.active is false"});
  if (!ready_) return reply.refuse(rows_.refusal());
  const base::Digest name = crypto::sha256(base::as_bytes(request));
  if (!request.empty()) {
    const auto known = std::ranges::find(own_.requests, name, &std::pair<base::Digest, base::Digest>::first);
    if (known != own_.requests.end()) {
      if (known->second == content) return answer(reply);
      return reply.refuse({Code::conflict, "this request has already registered something else"});
    }
  }
  const Own before = own_;
  change(own_);
  if (!renew(registration_.at)) {
    own_ = before;
    return reply.refuse({Code::refused, "too many capabilities: at most 32, and 4 KiB in all"});
  }
  if (!request.empty()) {
    own_.requests.emplace_back(name, content);
    if (own_.requests.size() > Own::kRequestsMax) own_.requests.pop_front();
  }
  rows_.save(own_row(), [this, before, sequence = registration_.sequence,
                         reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
    if (!saved.ok()) {
      // As before, unless it has changed again.
      if (registration_.sequence == sequence) {
        const std::uint64_t number = own_.number;
        own_ = before;
        own_.number = number;
        renew(registration_.at);
      }
      return reply.refuse(saved.error());
    }
    answer(reply);
    offer_to_all();
    if (own_.registered && beat_bytes_.empty()) after<Pulse>(base::Duration::zero());
  });
}

void RegistryActor::answer(runtime::Reply<wire::Registered>& reply) const {
  reply.send([&](wire::Registered::Builder out) {
    out.setNode(data_of(settings_.identity->id().view()));
    out.setRegistration(data_of(own_.registration));
  });
}

}  // namespace troupe::registry
