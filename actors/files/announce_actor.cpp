#include "actors/files/announce_actor.hpp"

#include <bit>

#include "actors/dht/api.hpp"
#include "actors/dht/codec.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::files {
namespace {

constexpr std::chrono::seconds kSearchDue{60};
// Size of a region: any search in it finds all of its nodes. Our choice: below the 40 nodes of a search.
constexpr std::uint64_t kRegionNodes = 32;

}  // namespace

void AnnounceActor::receive(runtime::Handlers& on) {
  on.tell<wire::Holds>([this](wire::Holds::Reader holds) {
    const auto key = read_content(holds.getContent());
    if (!key.ok() || !in_dht()) return;  // without a DHT there is no node to notify
    if (holds.getGone()) withdraw(key.value().position());
    else take(key.value().position(), read_owner(holds.getOwner(), settings_.self));
  });
  on.ask<dht::wire::Provide, dht::wire::PutDone>(
      [this](auto request, auto reply) { provide(request, std::move(reply)); });
  on.timer<Send>([this] { send(); });
  on.timer<Look>([this] { look(); });
  on.describe<wire::AnnounceState>([this](wire::AnnounceState::Builder state) {
    state.setWaiting(static_cast<std::uint32_t>(waiting()));
    state.setAnnounced(announced_);
    state.setFailed(failed_);
    state.setDropped(dropped_);
    state.setPlaces(places_.places());
  });
}

void AnnounceActor::start() {
  node().publish<dht::wire::Provide>(kAnnouncePath, self());
  after<Look>(kLookFirst);
}

void AnnounceActor::check() const {
  // A key that was removed and came back while it was sent may wait twice.
  base::ensure(waiting() <= settings_.announced_max + dht::kRegionItemsMax, "waiting keys have slots");
  base::ensure(sends_ || (sending_.empty() && gone_.empty()), "sent keys belong to a batch");
}

std::size_t AnnounceActor::waiting() const {
  std::size_t out = 0;
  for (const auto& keys : waiting_) out += keys.size();
  return out;
}

void AnnounceActor::take(const base::NodeId& key, const Announced::User& owner) {
  note_held(key);
  gone_.erase(key);
  const auto took = places_.take(key, owner, now());
  if (took == Announced::Take::refused) ++dropped_;
  if (took == Announced::Take::placed) wait(key, owner);
}

void AnnounceActor::wait(const base::NodeId& key, const Announced::User& owner) {
  if (std::ranges::any_of(waiting_, [&](const auto& keys) { return keys.contains(key); })) return;
  const bool idle = waiting_[kOwn].empty() && waiting_[kNew].empty();
  waiting_[owner.reserved ? kOwn : kNew].insert(key);
  if (idle) arm(kGather);
}

std::optional<AnnounceActor::Turn> AnnounceActor::turn() const {
  for (const Turn turn : {kOwn, kNew})
    if (!waiting_[turn].empty()) return turn;
  return waiting_[kFailed].empty() || now() < again_at_ ? std::nullopt : std::optional(kFailed);
}

void AnnounceActor::arm(base::Duration pause) {
  if (sends_ || waiting() == 0) return;
  const bool failed = waiting_[kOwn].empty() && waiting_[kNew].empty();
  after<Send>(failed ? std::max(again_at_ - now(), base::Duration::zero()) : pause);
}

void AnnounceActor::withdraw(const base::NodeId& key) {
  for (auto& keys : waiting_) keys.erase(key);
  if (std::ranges::find(sending_, key) != sending_.end()) gone_.insert(key);
  places_.end(key, now());
  tell<dht::wire::Withdrawn>(node().find(settings_.dht), [&](dht::wire::Withdrawn::Builder out) {
    out.setWhat(dht::kProviderNumber);
    out.setKey(data_of(key.view()));
  });
}

// -- batches ---------------------------------------------------------------------------------------------------------

void AnnounceActor::send() {
  if (sends_) return;
  if (!turn()) return arm(kGather);
  sends_ = true;
  ask<dht::wire::GetTable, dht::wire::TableRows>(
      node().find(settings_.dht), now() + settings_.answer_timeout, [](dht::wire::GetTable::Builder) {},
      [this](runtime::Answer<dht::wire::TableRows> table) {
        // A node that cannot be dialled provides nothing. The keys may be gone by the time of the response.
        const bool client = table.ok() && table.value().getClient();
        const auto whose = turn();
        if (client || !whose) {
          sends_ = false;
          if (client) after<Send>(kAgain);
          else arm(kGather);
          return;
        }
        sending_ = next_batch(waiting_[*whose], table.ok() ? table.value().getNodes() : 0);
        for (const base::NodeId& key : sending_) places_.tell(key);
        ask<dht::wire::Search, dht::wire::SearchResult>(
            node().find(settings_.dht), now() + kSearchDue,
            [&](dht::wire::Search::Builder search) {
              search.setKey(data_of(sending_[sending_.size() / 2].view()));
              search.setKeep(true);
              auto items = search.getGoal().initRegion(size32(sending_));
              for (unsigned i = 0; i < items.size(); ++i) items[i].setKey(data_of(sending_[i].view()));
            },
            [this](runtime::Answer<dht::wire::SearchResult> answer) { sent(answer); });
      });
}

/// Rotates, so that keys that fail repeatedly do not delay other keys.
std::vector<base::NodeId> AnnounceActor::next_batch(std::set<base::NodeId>& from, std::uint64_t nodes) {
  const auto bits = static_cast<std::size_t>(std::bit_width((std::max<std::uint64_t>(nodes, 1) - 1) / kRegionNodes));
  auto at = from.lower_bound(next_);
  if (at == from.end()) at = from.begin();
  std::vector<base::NodeId> out;
  while (at != from.end() && out.size() < dht::kRegionItemsMax &&
         (out.empty() || dht::shared_bits(out.front(), *at) >= bits)) {
    out.push_back(*at);
    at = from.erase(at);
  }
  next_ = at == from.end() ? base::NodeId{} : *at;
  return out;
}

void AnnounceActor::sent(runtime::Answer<dht::wire::SearchResult>& answer) {
  sends_ = false;
  const auto keys = std::exchange(sending_, {});
  const auto gone = std::exchange(gone_, {});
  std::vector<bool> items(keys.size());
  if (answer.ok()) {
    const auto list = answer.value().getItems();
    for (unsigned i = 0; i < std::min<std::size_t>(list.size(), items.size()); ++i) items[i] = list[i];
  }
  bool all = true;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (gone.contains(keys[i])) {
      withdraw(keys[i]);  // the DHT has kept it since its response
      continue;
    }
    announced_ += items[i];
    all = all && items[i];
    if (!items[i]) waiting_[kFailed].insert(keys[i]);
  }
  failed_ += !all;
  if (!all && now() >= again_at_) again_at_ = now() + kAgain;  // new failures do not delay older keys
  arm(all ? base::Duration::zero() : base::Duration(kPause));
}

// -- requests of operators -------------------------------------------------------------------------------------------

/// Announces only files that this node stores.
void AnnounceActor::provide(dht::wire::Provide::Reader request, runtime::Reply<dht::wire::PutDone> reply) {
  const auto cid = read_id<Cid>(request.getCid());
  if (!cid.ok()) return reply.refuse({base::Code::malformed, "invalid content id: expected 32 bytes"});
  ask<wire::HasContents, wire::Has>(
      node().find(kHolderPath), now() + settings_.answer_timeout,
      [&](wire::HasContents::Builder out) { write(out.initContents(1)[0], ContentKey::manifest(cid.value())); },
      [this, cid = cid.value(), explain = request.getExplain(),
       reply = std::move(reply)](runtime::Answer<wire::Has> answer) mutable {
        if (!answer.ok()) return reply.refuse(answer.error());
        const auto present = answer.value().getPresent();
        if (present.size() != 1 || !present[0])
          return reply.refuse({base::Code::not_found, "this node does not store " + cid.hex()});
        provide(cid, explain, std::move(reply));
      });
}

void AnnounceActor::provide(const Cid& cid, bool explain, runtime::Reply<dht::wire::PutDone> reply) {
  const base::NodeId key = ContentKey::manifest(cid).position();
  ask<dht::wire::Search, dht::wire::SearchResult>(
      node().find(settings_.dht), now() + kSearchDue,
      [&](dht::wire::Search::Builder search) {
        search.setKey(data_of(key.view()));
        search.getGoal().setProvide();
        search.setKeep(true);
        search.setExplain(explain);
      },
      [this, cid, key, reply = std::move(reply)](runtime::Answer<dht::wire::SearchResult> answer) mutable {
        if (!answer.ok()) return reply.refuse(answer.error());
        if (const auto why = dht::store_error(answer.value())) return reply.refuse(*why);
        places_.adopt(key, {settings_.self, {}, true}, now());
        reply.send([&](dht::wire::PutDone::Builder out) {
          out.setKey(data_of(key.view()));
          out.setDigest(data_of(cid.view()));
          out.setSearch(answer.value());
        });
      });
}

// -- the periodic check ----------------------------------------------------------------------------------------------

void AnnounceActor::look() {
  if (!in_dht()) return after<Look>(kLookAgain);
  looking_.emplace(Looking{});
  read_announced({});
}

void AnnounceActor::read_announced(const std::optional<base::NodeId>& behind) {
  ask<dht::wire::ListPublished, dht::wire::PublishedKeys>(
      node().find(dht::kRepublishPath), now() + settings_.answer_timeout,
      [&](dht::wire::ListPublished::Builder out) {
        out.setWhat(dht::kProviderNumber);
        if (behind) out.setBehind(data_of(behind->view()));
      },
      [this](runtime::Answer<dht::wire::PublishedKeys> answer) {
        if (!answer.ok()) return look_failed();
        for (const base::NodeId& key : read_nodes(answer.value().getKeys())) looking_->announced.push_back(key);
        if (answer.value().getMore() && !looking_->announced.empty()) return read_announced(looking_->announced.back());
        looking_->held.assign(looking_->announced.size(), false);
        read_held({});
      });
}

void AnnounceActor::read_held(const std::optional<ContentKey>& behind) {
  ask<wire::ListHeld, wire::HeldContents>(
      node().find(kHolderPath), now() + settings_.answer_timeout,
      [&](wire::ListHeld::Builder out) {
        if (behind) write(out.initBehind(), *behind);
      },
      [this](runtime::Answer<wire::HeldContents> answer) {
        if (!answer.ok()) return look_failed();
        std::optional<ContentKey> last;
        const auto contents = answer.value().getContents();
        const auto owners = answer.value().getOwners();
        for (unsigned i = 0; i < std::min(contents.size(), owners.size()); ++i) {
          const auto key = read_content(contents[i]);
          if (!key.ok()) continue;
          last = key.value();
          look_at(last->position(), read_owner(owners[i], settings_.self));
        }
        if (answer.value().getMore() && last) return read_held(last);
        if (!std::exchange(looking_->adopted, true)) return read_held({});
        looked();
      });
}

/// Withdraws an announced object that finds no slot: it is not marked as stored.
void AnnounceActor::look_at(const base::NodeId& key, const Announced::User& owner) {
  if (std::ranges::binary_search(looking_->announced, key)) {
    if (!looking_->adopted && places_.adopt(key, owner, now())) note_held(key);
    return;
  }
  if (!looking_->adopted || std::ranges::find(sending_, key) != sending_.end()) return;
  if (places_.take(key, owner, now()) == Announced::Take::refused) {
    ++dropped_;
    return;
  }
  world().mutations.sometimes("files: a content was held that nobody had been told of");
  wait(key, owner);
}

void AnnounceActor::note_held(const base::NodeId& key) {
  if (!looking_) return;
  const auto at = std::ranges::lower_bound(looking_->announced, key);
  const auto index = static_cast<std::size_t>(at - looking_->announced.begin());
  if (index < looking_->held.size() && *at == key) looking_->held[index] = true;
}

void AnnounceActor::looked() {
  const auto seen = *std::exchange(looking_, {});
  for (std::size_t i = 0; i < seen.announced.size(); ++i) {
    if (seen.held[i]) continue;
    world().mutations.sometimes("files: a content was announced that is gone");
    withdraw(seen.announced[i]);
  }
  after<Look>(kLookAgain);
}

/// The DHT or the holder still reads its rows.
void AnnounceActor::look_failed() {
  looking_.reset();
  after<Look>(kAgain);
}

}  // namespace troupe::files
