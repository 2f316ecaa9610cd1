#include "actors/task/warnings_actor.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/codec.hpp"
#include "actors/registry/api.hpp"
#include "messages/codec.hpp"
#include "messages/contact.hpp"
#include "messages/dht.capnp.h"
#include "runtime/base/whole_units.hpp"

namespace troupe::task {
namespace {

constexpr std::chrono::seconds kSearchDue{40};     // longer than the longest search
constexpr std::chrono::seconds kWitnessDue{10};    // our choice
constexpr std::chrono::minutes kAnnounceRetry{1};  // our choice
constexpr std::chrono::minutes kClockSkewMax{10};  // as for the DHT's records

}  // namespace

WarningsActor::WarningsActor(TaskSettings settings)
    : settings_(std::move(settings)), rows_(*this, settings_.rows(kWarningRows, "warnings of malicious submitters")) {}

void WarningsActor::receive(runtime::Handlers& on) {
  on.tell<wire::WarnOf>([this](wire::WarnOf::Reader told) { warn(told); });
  on.tell<wire::LookForWarnings>([this](wire::LookForWarnings::Reader told) {
    if (const auto node = node_of(told.getSubmitter())) want_look(*node);
  });
  on.ask<wire::GetWarnings, wire::Warnings>([this](wire::GetWarnings::Reader asked, auto reply) {
    if (!loaded_) return reply.refuse(rows_.refusal());
    const auto node = node_of(asked.getSubmitter());
    if (!node) return reply.refuse({base::Code::malformed, "invalid node id: expected 20 bytes"});
    const auto kept = own_.find(*node);
    const bool there = kept != own_.end() && !is_old(kept->second.unix_ms);
    reply.send([&](wire::Warnings::Builder out) {
      if (there) out.setWarning(data_of(kept->second.bytes));
    });
  });
  on.timer<Announce>([this] { announce(); });
  on.describe<wire::WarningsState>([this](wire::WarningsState::Builder state) {
    state.setOwn(size32(own_));
    state.setLooked(size32(looked_));
    state.setLooking(size32(looks_));
  });
  rows_.receive<RowsAgain>(on);
}

void WarningsActor::start() {
  node().publish<wire::GetWarnings>(kWarningsPath, self());
  rows_.load([this](base::ByteView key, base::ByteView value) { return take(key, value); },
             [this](const base::Outcome<void>&) {
               loaded_ = true;
               announce();
             });
}

store::Use WarningsActor::take(base::ByteView key, base::ByteView value) {
  const auto node = base::NodeId::from(key);
  base::AddressGroup group;
  auto warning = parse_warning(value);
  if (!warning && value.size() > group.prefix.size()) {
    std::ranges::copy(value.last(group.prefix.size()), group.prefix.begin());
    value = value.first(value.size() - group.prefix.size());
    warning = parse_warning(value);
  }
  if (!node || !warning || is_old(warning->unix_ms)) return store::Use::erase;
  own_.insert_or_assign(*node,
                        Kept{warning->unix_ms, {value.begin(), value.end()}, group});  // later warnings do not count
  return store::Use::keep;
}

bool WarningsActor::is_old(std::uint64_t unix_ms) const {
  const std::uint64_t today = base::unix_milliseconds(wall());
  return today >= unix_ms + static_cast<std::uint64_t>(base::milliseconds(settings_.malice_refused));
}

// -- cases seen here

void WarningsActor::warn(wire::WarnOf::Reader told) {
  const auto node = node_of(told.getSubmitter());
  const auto order = bytes_of(told.getOrder());
  if (!loaded_ || !node || order.size() > kWarnedOrderBytesMax) return;
  if (const auto kept = own_.find(*node); kept != own_.end() && !is_old(kept->second.unix_ms)) return;
  Warning warning{.by = settings_.identity->public_key(),
                  .by_nonce = settings_.identity->nonce(),
                  .unix_ms = base::unix_milliseconds(wall()),
                  .call = text_of(told.getCall()),
                  .order_bytes = {order.begin(), order.end()}};
  warning.call.resize(std::min(warning.call.size(), kCallBytesMax));
  const auto at = settings_.linked_at(*node);
  const auto group = at ? registry::group_of(*node, *at) : base::AddressGroup{};
  make_room(group);
  base::Bytes bytes = sign(warning, settings_.identity->key());
  store::RowChange change;
  base::Bytes row = bytes;
  base::append(row, base::ByteView(group.prefix));
  change.save.push_back({{node->bytes.begin(), node->bytes.end()}, std::move(row)});
  own_.insert_or_assign(*node, Kept{warning.unix_ms, std::move(bytes), group});
  rows_.write(std::move(change), [](const base::Outcome<void>&) {});
  announce();
}

void WarningsActor::forget_old() {
  store::RowChange change;
  for (auto at = own_.begin(); at != own_.end();) {
    const bool old = is_old(at->second.unix_ms);
    if (old) change.erase.push_back({at->first.bytes.begin(), at->first.bytes.end()});
    at = old ? own_.erase(at) : std::next(at);
  }
  if (!change.erase.empty()) rows_.write(std::move(change), [](const base::Outcome<void>&) {});
}

/// Evicts from the largest address group, so many ids of one group evict only each other's warnings.
void WarningsActor::make_room(const base::AddressGroup& group) {
  if (own_.size() < kOwnMax) return;
  std::map<base::AddressGroup, std::size_t> of_group{{group, 1}};
  for (const auto& [submitter, kept] : own_) ++of_group[kept.group];
  const auto first = std::ranges::max_element(own_, std::ranges::less(), [&](const auto& one) {
    return std::pair(of_group.at(one.second.group), UINT64_MAX - one.second.unix_ms);
  });
  store::RowChange change;
  change.erase.push_back({first->first.bytes.begin(), first->first.bytes.end()});
  own_.erase(first);
  rows_.write(std::move(change), [](const base::Outcome<void>&) {});
}

/// Announces one warning after the other.
void WarningsActor::announce() {
  if (announcing_) return;
  forget_old();
  base::Instant next = base::Instant::max();
  for (auto& [submitter, kept] : own_) {
    if (now() < kept.announce_at) {
      next = std::min(next, kept.announce_at);
      continue;
    }
    announcing_ = true;
    return ask<dht::wire::Search, dht::wire::SearchResult>(
        node().find(dht::kPath), now() + kSearchDue,
        [place = place_of_warnings(submitter)](dht::wire::Search::Builder search) {
          search.setKey(data_of(place.view()));
          search.getGoal().setProvide();
        },
        [this, submitter = submitter](runtime::Answer<dht::wire::SearchResult> answer) {
          announcing_ = false;
          const bool done = answer.ok() && !dht::store_error(answer.value());
          if (const auto found = own_.find(submitter); found != own_.end())
            found->second.announce_at =
                now() + (done ? base::Duration(kAnnounceAgain) : base::Duration(kAnnounceRetry));
          announce();
        });
  }
  if (next != base::Instant::max()) after<Announce>(next - now());
}

// -- warnings of other nodes

void WarningsActor::want_look(const base::NodeId& submitter) {
  const auto known = looked_.find(submitter);
  if (known != looked_.end() && now() < known->second) return;
  if (queue_.size() >= kQueueMax || looks_.contains(submitter) || std::ranges::count(queue_, submitter) > 0) return;
  if (known == looked_.end()) {
    looked_order_.push_back(submitter);
    if (looked_order_.size() > kLookedMax) {
      looked_.erase(looked_order_.front());
      looked_order_.pop_front();
    }
  }
  looked_.insert_or_assign(submitter, now() + kLookAgain);
  queue_.push_back(submitter);
  look_next();
}

void WarningsActor::look_next() {
  if (queue_.empty() || looks_.size() >= kLooksMax) return;
  const base::NodeId submitter = queue_.front();
  queue_.pop_front();
  looks_.try_emplace(submitter);
  ask<dht::wire::Search, dht::wire::SearchResult>(
      node().find(dht::kPath), now() + kSearchDue,
      [&](dht::wire::Search::Builder search) {
        search.setKey(data_of(place_of_warnings(submitter).view()));
        search.getGoal().setProviders(kAskedMax);
      },
      [this, submitter](runtime::Answer<dht::wire::SearchResult> answer) {
        std::size_t asked = 0;
        const bool searched = answer.ok() && answer.value().getNearest().size() > 0;
        if (const auto known = looked_.find(submitter); !searched && known != looked_.end())
          known->second = now() + kLookRetry;
        // The submitter may have named all of these nodes, so only as many of a group are dialled as could add
        // something.
        std::map<base::AddressGroup, std::size_t> of_group;
        if (answer.ok())
          for (const auto one : answer.value().getProviders()) {
            const base::Contact contact = messages::read_contact(one);
            const base::NodeId id = crypto::node_id(contact.key, contact.nonce);
            if (asked == kAskedMax || of_group[registry::group_of(id, contact.endpoint)]++ >= kAskedOfGroupMax)
              continue;
            ++asked;
            ask_witness(submitter, contact);
          }
        end_one(submitter);
      });
}

void WarningsActor::ask_witness(const base::NodeId& submitter, const base::Contact& contact) {
  const base::NodeId from = crypto::node_id(contact.key, contact.nonce);
  if (from == settings_.self() || from == submitter) return;
  ++looks_.at(submitter).open;
  ask<wire::GetWarnings, wire::Warnings>(
      node().remote(contact, kWarningsPath), now() + kWitnessDue,
      [&](wire::GetWarnings::Builder out) { out.setSubmitter(data_of(submitter.view())); },
      [this, submitter, from](runtime::Answer<wire::Warnings> answer) {
        if (answer.ok()) heard(submitter, from, answer.value());
        end_one(submitter);
      });
}

/// A witness speaks only for itself; warnings signed by other nodes are requested from them.
void WarningsActor::heard(const base::NodeId& submitter, const base::NodeId& from, wire::Warnings::Reader told) {
  const auto at = settings_.linked_at(from);
  if (!at) return;
  const auto read = read_warning(bytes_of(told.getWarning()), settings_.work_bits);
  if (!read.ok() || read.value().submitter != submitter || read.value().warning.witness() != from) return;
  const std::uint64_t seen = read.value().warning.unix_ms;
  constexpr std::uint64_t kSkewMs = std::chrono::milliseconds(kClockSkewMax).count();
  if (is_old(seen) || seen > base::unix_milliseconds(wall()) + kSkewMs) return;
  looks_.at(submitter).witnesses.add(read.value(), registry::group_of(from, *at));
}

void WarningsActor::end_one(const base::NodeId& submitter) {
  const auto look = looks_.find(submitter);
  if (--look->second.open > 0) return;
  if (const auto agreed = look->second.witnesses.agree()) {
    world().mutations.sometimes("task: a submitter was refused because of what others had seen");
    tell<wire::WarnedOf>(node().find(kPath), [&](wire::WarnedOf::Builder out) {
      out.setSubmitter(data_of(submitter.view()));
      out.setCall(agreed->call);
      out.setUnixMs(agreed->unix_ms);
    });
  }
  looks_.erase(look);
  look_next();
}

}  // namespace troupe::task
