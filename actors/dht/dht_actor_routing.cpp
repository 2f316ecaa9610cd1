// Routing: which contacts the table accepts and advertises, which nodes may store here, and how the table stays fresh.
#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/logic/regions.hpp"
#include "actors/dht/wire.hpp"
#include "actors/peers/api.hpp"
#include "messages/contact.hpp"
#include "runtime/actor/user.hpp"
#include "runtime/net/misbehaved.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kBannedMax = 2'048;  // as many as `/links` keeps away (runtime/net/banned_nodes.hpp)
constexpr std::chrono::seconds kKnownDue{5};
constexpr unsigned kRecoverDoublings = 16;   // beyond any period
constexpr std::chrono::seconds kWaitMax{1};  // our choice: quotas no longer bind once half of the budget is back

}  // namespace

// -- contacts --------------------------------------------------------------------------------------------------------

void DhtActor::heard(const Contact& who, Evidence evidence) {
  if (const auto ban = banned_.find(who.id); ban != banned_.end() && now() < ban->second) return;
  const auto range = table_.offer(who, evidence, now());
  if (!range.ok()) return;
  tell<wire::Hear>(buckets_, [&](wire::Hear::Builder out) {
    out.setRange(range.value().prefix);
    write(out.initContact(), who);
    out.setAnswered(evidence == Evidence::answered);
  });
}

void DhtActor::missed(const Contact& whom) {
  const auto range = table_.failed(whom);
  if (!range) return;
  tell<wire::Missed>(buckets_, [&](wire::Missed::Builder out) {
    out.setRange(range->prefix);
    out.setNode(data_of(whom.id.view()));
  });
}

/// Drops a banned node: searches no longer reach it, and it is no longer advertised.
void DhtActor::shun(net::wire::Shun::Reader request) {
  const auto id = read_key(request.getNode());
  if (!id) return;
  std::erase_if(banned_, [this](const auto& one) { return one.second <= now(); });
  if (request.getMilliseconds() == 0) return void(banned_.erase(*id));
  if (banned_.size() >= kBannedMax)
    banned_.erase(std::ranges::min_element(banned_, {}, [](const auto& one) { return one.second; }));
  world().mutations.sometimes("dht: a node was banned");
  settings_->log.info("a banned node was removed from the table", {{"node", id->hex()}});
  banned_.insert_or_assign(*id, now() + std::chrono::milliseconds(request.getMilliseconds()));
  if (table_.find(*id) != nullptr) forget(*id);
}

void DhtActor::forget(const Key& id) {
  tell<wire::Missed>(buckets_, [&](wire::Missed::Builder out) {
    out.setRange(range_of(own(), id)->prefix);
    out.setNode(data_of(id.view()));
    out.setForget(true);
  });
}

void DhtActor::accuse(net::wire::Violation how, std::string_view what) {
  const runtime::Caller from = caller();
  if (from.role != messages::Role::peer || !from.node) return;
  tell<net::wire::Misbehaved>(node().find(net::kPeersPath), [&](net::wire::Misbehaved::Builder out) {
    net::write_misbehaved(out, *from.node, how, what);
  });
}

void DhtActor::malformed(runtime::AnyReply& reply, const char* why) {
  accuse(net::wire::Violation::MALFORMED, why);
  reply.refuse({Code::malformed, why});
}

void DhtActor::holds(wire::BucketHolds::Reader bucket) {
  if (bucket.getRange() >= kRanges) return;
  const Range range{bucket.getRange()};
  const std::size_t had = table_.good(range).size();
  Listing listing{own_contacts(bucket.getGood()), own_contacts(bucket.getRest()), own_contacts(bucket.getClaimed())};
  for (const std::uint64_t ago : bucket.getHeardMs()) listing.seen.push_back(now() - std::chrono::milliseconds(ago));
  listing.failing = std::min<std::size_t>(bucket.getFailing(), listing.rest.size());
  for (const auto one : bucket.getSilent())
    if (const auto id = read_key(one.getNode()))
      listing.silent.push_back({*id, now() - std::chrono::milliseconds(one.getSinceMs())});
  for (const Key& id : table_.replace(range, listing)) forget(id);
  note_failing();
  if (table_.size() > 0) search_early();
  if (const auto settled = read_key(bucket.getSettled())) table_.settled(*settled);
  if (table_.size() < kHealthyMin) recover_soon();
  else if (std::exchange(recoveries_, 0) > 0)
    settings_->log.info("the routing table has enough contacts", {{"contacts", table_.size()}});
  if (listing.good.size() != had) show_counts();
}

void DhtActor::note_failing() {
  const auto failing = table_.failing();
  std::erase_if(failing_since_,
                [&](const auto& one) { return std::ranges::find(failing, one.first) == failing.end(); });
  for (const Key& id : failing) failing_since_.try_emplace(id, now());
}

/// A node that asks us may be asked: it is pinged before it is listed.
void DhtActor::note_asker(wire::Asker::Reader asker) {
  const runtime::Caller from = caller();
  if (from.role != messages::Role::peer) return;
  const auto who = read_asker(asker, from.node, settings_->work_bits);
  if (who && who->where.endpoint.dialable() && believed(who->where.endpoint, from.at.value_or(who->where.endpoint)))
    heard(*who, Evidence::asked_us);
}

std::vector<Contact> DhtActor::closest_but(const Key& key, std::size_t count,
                                           const std::optional<base::NodeId>& asker) const {
  auto out = table_.closest(key, count + 1);
  std::erase_if(out, [&](const Contact& one) { return one.id == asker; });
  out.resize(std::min(out.size(), count));
  return out;
}

std::optional<Token> DhtActor::token_of_caller() const {
  const auto from = caller();
  if (!from.node) return std::nullopt;
  return tokens_->give(*from.node, now());
}

bool DhtActor::shows_token(capnp::Data::Reader token) const {
  const auto shown = Token::from(bytes_of(token));
  const auto from = caller().node;
  return shown && from && tokens_->good(*shown, *from, now());
}

/// An actor of this node needs no token.
bool DhtActor::may_store(capnp::Data::Reader token) {
  if (!loading_.empty()) {
    refuse(Error{Code::unavailable, "this node is still reading its stored records; retry later"});
    return false;
  }
  const runtime::Caller from = caller();
  if (from.role == messages::Role::inside) return true;
  // No node lists a client, so records stored here would not be found.
  if (client()) {
    ++counts_.refused;
    refuse(Error{Code::refused, "this node is a client: it cannot be dialled, and stores nothing for other nodes"});
    return false;
  }
  if (!shows_token(token) && !world().mutations.on("dht.token_unchecked")) {
    ++counts_.refused;
    // An old token may come from a replayed datagram, so its sender is not accused.
    if (!from.by_datagram) accuse(net::wire::Violation::WRONG_TOKEN, "a store without a valid token of this node");
    refuse(Error{Code::refused, "invalid token: a store needs a token of this node that is at most five minutes old"});
    return false;
  }
  return true;
}

bool DhtActor::affords(Resource resource, std::uint32_t count) {
  const auto user = runtime::user_of(caller());
  const auto wait = budgets_.take(resource, user, now(), count);
  if (!wait) return true;
  ++counts_.over_budget[static_cast<std::size_t>(resource)];
  if (resource != Resource::questions) ++counts_.refused;
  full_[static_cast<std::size_t>(resource)].refused(node(), user.group, now());
  refuse(Error{Code::overloaded, "this node's budget for other nodes is used up",
               std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kWaitMax))});
  return false;
}

void DhtActor::answer(wire::FindNode::Reader question, Reply<wire::Nodes> reply) {
  ++counts_.find_nodes;
  const auto target = read_key(question.getTarget());
  if (!target || question.getContactsMax() == 0)
    return malformed(reply, "invalid request: a target has 20 bytes, and at least one contact has to be requested");
  const auto nearest =
      closest_but(*target, std::min<std::size_t>(question.getContactsMax(), kContactsMax), caller().node);
  reply.send([&](wire::Nodes::Builder out) {
    write(out.initContacts(size32(nearest)), nearest);
    if (const auto token = token_of_caller()) out.setToken(data_of(token->view()));
  });
  note_asker(question.getAsker());
}

// -- upkeep ----------------------------------------------------------------------------------------------------------

unsigned DhtActor::region_bits() const { return dht::region_bits(table_.network_size(), settings_->copies); }

/// Finds the nodes for which `/peers` knows a dialable address.
void DhtActor::find_known(base::Callback<void(std::vector<Contact>, bool untried)> found) {
  ask<peers::wire::ListKnown, peers::wire::KnownContacts>(
      node().find(settings_->peers), now() + kKnownDue, [](peers::wire::ListKnown::Builder) {},
      [this, found = std::move(found)](runtime::Answer<peers::wire::KnownContacts> answer) mutable {
        std::vector<Contact> out;
        if (answer.ok())
          for (const base::Contact& one : peers::read(answer.value()))
            if (const auto id = crypto::check(one.key, one.nonce, settings_->work_bits);
                id && one.endpoint.dialable() && *id != own())
              out.push_back({*id, one});
        found(std::move(out), answer.ok() && answer.value().getUntried());
      });
}

/// Asks where this node's peers see it.
void DhtActor::find_ourselves() {
  if (!located_by_others_) return;
  ask<peers::wire::WhereAmI, peers::wire::OwnPlace>(
      node().find(settings_->peers), now() + kKnownDue, [](peers::wire::WhereAmI::Builder) {},
      [this](runtime::Answer<peers::wire::OwnPlace> answer) {
        if (answer.ok()) located(messages::read_contact(answer.value().getContact()).endpoint);
      });
}

/// From now on other nodes may list this node: its next requests to its neighbours introduce it.
void DhtActor::located(const base::Endpoint& at) {
  if (!at.dialable() || at == settings_->endpoint) return;
  settings_->log.info("other nodes can reach this node", {{"at", at.text()}});
  settings_ = settings_->at(at);
  tell<wire::Located>(buckets_, [&](wire::Located::Builder out) {
    messages::write_contact(out.initContact(), {settings_->identity->public_key(), settings_->identity->nonce(), at});
  });
  recover_in(base::Duration::zero());
}

/// Four phases: known peers, the nodes nearest to us, nodes in each range, and pings (each new contact gets one from
/// its bucket). Repeated while there are too few contacts.
void DhtActor::recover() {
  recover_at_ = base::Instant::max();
  find_ourselves();
  if (std::exchange(recovering_, true)) return recover_in(kRecoverAgain);
  find_known([this](std::vector<Contact> known, bool untried) {
    recovering_ = false;
    if (known.empty() && !untried) search_early();
    if (table_.size() < kHealthyMin) {
      recover_soon();
      if (recoveries_++ == 0)
        settings_->log.info("the routing table has few contacts; searching for more", {{"contacts", table_.size()}});
    }
    if (known.empty() && table_.size() == 0) return;
    for (const Contact& one : known) heard(one, Evidence::asked_us);
    const auto ourselves = runtime::Envelope::build<wire::Search>(
        {}, [this](wire::Search::Builder out) { out.setKey(data_of(own().view())); });
    auto starts = table_.closest(own(), kStartMax);
    std::ranges::sort(known, {}, [this](const Contact& one) { return base::distance(one.id, own()); });
    for (Contact& one : known)
      if (starts.size() < kStartMax && std::ranges::find(starts, one.id, &Contact::id) == starts.end())
        starts.push_back(std::move(one));
    if (starts.empty()) return;
    search_from(ourselves, {}, std::move(starts), {}, [this, untried](const Searched& end) {
      if (!untried) search_early();
      touched(end.answer);
      refresh();
    });
  });
}

/// Recovers after `delay` at the latest. A node met before does not postpone it.
void DhtActor::recover_in(base::Duration delay) {
  if (recover_at_ <= now() + delay) return;
  recover_at_ = now() + delay;
  after<Recover>(delay);
}

/// Recovers soon at first, because nodes that start together wait for each other, then less and less often.
void DhtActor::recover_soon() {
  recover_in(std::min<base::Duration>(kRecoverAgain * (1U << std::min(recoveries_, kRecoverDoublings)),
                                      settings_->recover_period));
}

/// Notes that a search for our own id has found the nodes near us, unless there were few. The range of the farthest may
/// have more nodes, nearer ranges do not.
void DhtActor::touched(runtime::Answer<wire::SearchResult>& ourselves) {
  if (!ourselves.ok() || ourselves.value().getNearest().size() < settings_->copies) return;
  const auto nearest = own_contacts(ourselves.value().getNearest());
  const auto range = range_of(own(), nearest.back().id);
  if (!range || range->prefix + 1U >= kRanges) return;
  neighbours_ = Range{static_cast<std::uint8_t>(range->prefix + 1)};
  table_.used_from(*neighbours_, now());
}

/// Refreshes one stale range at a time, so that a node that was away for long does not ask all nodes at once. One
/// search for our own id refreshes all near ranges.
void DhtActor::refresh() {
  after<Refresh>(settings_->refresh_period);
  find_ourselves();
  if (refreshing_ || table_.size() == 0) return;
  const auto stale = table_.stale(now());
  if (stale.empty()) return;
  refreshing_ = true;
  const bool near = neighbours_ && stale.front() >= *neighbours_;
  const Key key = near ? own() : random_key(own(), stale.front(), random());
  search_for(
      {}, [&](wire::Search::Builder out) { out.setKey(data_of(key.view())); },
      [this, near, range = stale.front()](const Searched& end) {
        refreshing_ = false;
        if (near) {
          table_.used_from(range, now());
          touched(end.answer);
        }
        after<Refresh>(std::chrono::seconds(1));
      });
}

}  // namespace troupe::dht
