// The nodes that this node watches.
#include <algorithm>
#include <deque>

#include "actors/registry/registry_actor.hpp"
#include "messages/codec.hpp"
#include "messages/reputation.capnp.h"
#include "runtime/base/whole_units.hpp"
#include "runtime/net/logic/datagram.hpp"

namespace troupe::registry {
namespace {

using base::Code;

constexpr std::uint8_t kNodeRow = 'n';
constexpr std::size_t kHistoryBytesMax = (1u << 20) - (64u << 10);  // in messages/registry.capnp
// Our choice: scans a week of 1,024 nodes in eight hours, twenty times as fast as rows are written.
constexpr std::chrono::seconds kTidyEvery{10};
constexpr std::uint32_t kScanRows = 64, kScanBytes = 256u << 10;
constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::uint32_t kWalkKib = 4;   // our choice: least cost of a page, even if it is refused
constexpr std::size_t kItemBytes = 16;  // of a list item, without its bytes
// Our choice: a week has 169 hours, and each stop of this node adds a block.
constexpr std::size_t kBlocksReadMax = 512;

base::Bytes node_key(const base::NodeId& id) {
  base::Bytes out{kNodeRow};
  base::append(out, id.view());
  return out;
}

/// Returns the key of a block: its node and its first second, big-endian.
base::Bytes block_key(const base::NodeId& id, std::uint64_t unix_ms) {
  base::Bytes out(id.view().begin(), id.view().end());
  const auto second = static_cast<std::uint32_t>(unix_ms / 1'000);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(second >> shift));
  return out;
}

bool is_block_of(base::ByteView key, const base::NodeId& id) {
  return key.size() == base::NodeId::kBytes + 4 && std::ranges::equal(key.first(base::NodeId::kBytes), id.view());
}

base::Error error_of(Watched::Refusal why) {
  switch (why) {
    case Watched::Refusal::old: return {Code::refused, "a newer heartbeat of this node has arrived"};
    case Watched::Refusal::date:
      return {Code::refused, "the clocks of these two nodes are more than ten minutes apart"};
    case Watched::Refusal::early:
      return {Code::refused, "too early: a node sends one heartbeat per registry.heartbeat"};
    case Watched::Refusal::full: break;
  }
  return {Code::refused, "this node watches the maximum number of nodes"};
}

}  // namespace

base::User<base::NodeId> RegistryActor::user(const base::NodeId& id) const {
  const auto at = caller().at;
  return {.id = id, .group = at ? group_of(id, *at) : base::AddressGroup{}};
}

bool RegistryActor::may_tell(const base::NodeId& id) const {
  return caller().role == messages::Role::operate || caller().node == id;
}

void RegistryActor::heard(wire::Beat::Reader told, runtime::Reply<wire::BeatNoted> reply) {
  if (!ready_) return reply.refuse({Code::unavailable, "this node does not watch other nodes now"});
  const auto bytes = bytes_of(told.getHeartbeat());
  const auto beat = read_checked_heartbeat(bytes);
  if (!beat) return reply.refuse({Code::malformed, "malformed heartbeat"});
  const base::NodeId id = beat->id();
  const auto refused = [&](base::Error why) {
    ++settings_.counters->refused;
    reply.refuse(std::move(why));
  };
  if (!may_tell(id)) return refused({Code::refused, "a heartbeat must be sent by the node that signed it"});
  const auto look = watched_.look(id, *beat, Watched::Way::told, now(), wall());
  if (look.refused) return refused(error_of(*look.refused));
  if (look.again) return answer(reply, id);
  const auto from = user(id);
  if (const auto wait = budget_.take(from, now())) {
    full_.refused(node(), from.group, now());
    return refused({Code::overloaded, "this node verifies too many heartbeats",
                    std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kAnswerDue))});
  }
  if (const auto wrong = fault(bytes, beat->key, beat->nonce, settings_.work_bits))
    return refused({Code::refused, "invalid heartbeat: " + std::string(name(*wrong))});
  const bool newcomer = watched_.find(id) == nullptr;
  take(from, *beat, bytes, Watched::Way::told);
  if (watched_.find(id) == nullptr) return refused(error_of(Watched::Refusal::full));
  if (newcomer) met(id);
  answer(reply, id);
}

void RegistryActor::answer(runtime::Reply<wire::BeatNoted>& reply, const base::NodeId& id) const {
  const Watch* const watch = watched_.find(id);
  reply.send([&](wire::BeatNoted::Builder out) {
    if (watch != nullptr && watch->registration) out.setRegistration(watch->registration->sequence);
    if (watch == nullptr) return;
    for (const base::Bytes& vouch : watch->vouches)
      out.setVouchedMs(std::max(out.getVouchedMs(), parse_vouch(vouch)->unix_ms));
  });
}

void RegistryActor::take(const base::User<base::NodeId>& from, const Heartbeat& beat, base::ByteView bytes,
                         Watched::Way way) {
  const Watch* const watch = watched_.take(from, beat, {bytes.begin(), bytes.end()}, way, now());
  if (watch != nullptr) {
    ++settings_.counters->beats;
    note(from.id, sample_of(beat, watched_.status(*watch, now()), unix_ms()));
  }
  forget_rows();
  arm_late();
}

void RegistryActor::offered(wire::OfferRegistration::Reader told, runtime::Reply<wire::BeatNoted> reply) {
  if (!ready_) return reply.refuse({Code::unavailable, "this node does not watch other nodes now"});
  const auto bytes = bytes_of(told.getRegistration());
  const auto parsed = parse_registration(bytes);
  if (!parsed) return reply.refuse({Code::malformed, "malformed registration"});
  const base::NodeId id = parsed->id();
  const auto refused = [&](base::Error why) {
    ++settings_.counters->refused;
    reply.refuse(std::move(why));
  };
  if (!may_tell(id)) return refused({Code::refused, "a registration must be sent by the node that signed it"});
  const Watch* const known = watched_.find(id);
  // Its heartbeat has to come first.
  if (known == nullptr) return refused({Code::refused, "this node does not watch that node"});
  std::vector<base::Bytes> vouches;
  for (const auto one : told.getVouches()) {
    const auto vouch = parse_vouch(bytes_of(one));
    if (!vouch || vouch->node != id || vouches.size() >= kVouchesMax)
      return refused({Code::malformed, "malformed vouch, or too many vouches"});
    vouches.emplace_back(one.begin(), one.end());
  }
  watched_.show(id, std::move(vouches));
  if (known->registration && known->registration->sequence >= parsed->sequence) return answer(reply, id);
  const auto from = user(id);
  // An operator's registrations have no limit: `troupe bench task` makes 10,000.
  if (caller().role != messages::Role::operate && registrations_.take(from, now()))
    return refused({Code::overloaded, "this node receives too many registrations", kAnswerDue});
  if (const auto wrong = fault(bytes, parsed->key, parsed->nonce, settings_.work_bits))
    return refused({Code::refused, "invalid registration: " + std::string(name(*wrong))});
  if (watched_.take(from, *parsed, {bytes.begin(), bytes.end()}, now())) save(id);
  answer(reply, id);
}

// -- late heartbeats

/// Schedules the next check of late nodes. A heartbeat delays its node but not the check, so it costs no timer.
void RegistryActor::arm_late() {
  settings_.counters->watched = watched_.size();
  if (watched_.due_at() >= late_at_) return;
  late_at_ = watched_.due_at();
  after<Late>(std::max<base::Duration>(late_at_ - now(), std::chrono::milliseconds(1)));
}

/// Requests late heartbeats. A node beyond the limit of requests is asked when it is due again.
void RegistryActor::look_at_late() {
  late_at_ = base::Instant::max();
  constexpr std::size_t kLooksMax = 1'024;
  for (const base::NodeId& id : watched_.due(now(), kLooksMax)) {
    const Watch& watch = *watched_.find(id);
    const Status status = watched_.status(watch, now());
    const auto heard = heard_.find(id);
    const bool said =
        heard != heard_.end() && !heard->second.hour.empty() && heard->second.hour.back().status == Status::offline;
    if (status == Status::offline && !said) note(id, sample_of(watch.beat, status, unix_ms()));
    const bool can = watch.registration && watch.registration->at.dialable() && watch.registration->registered;
    if (!can || pulling_ >= kPullsMax) continue;
    ++pulling_;
    ++settings_.counters->pulls;
    const base::Contact contact{watch.registration->key, watch.registration->nonce, watch.registration->at};
    ask<wire::PullBeat, wire::PulledBeat>(
        node().reach(contact, kPath), now() + kAnswerDue,
        [&](wire::PullBeat::Builder out) { out.setRegistration(watch.registration->sequence); },
        [this, id](runtime::Answer<wire::PulledBeat> answer) {
          --pulling_;
          pulled(id, answer);
          arm_late();
        });
  }
  forget_rows();
  arm_late();
}

void RegistryActor::pulled(const base::NodeId& id, runtime::Answer<wire::PulledBeat>& answer) {
  const Watch* const watch = watched_.find(id);
  if (!answer.ok() || watch == nullptr) return;
  const auto bytes = bytes_of(answer.value().getHeartbeat());
  const auto beat = read_heartbeat(bytes, settings_.work_bits);
  if (!beat.ok() || beat.value().id() != id) return;
  const auto look = watched_.look(id, beat.value(), Watched::Way::pulled, now(), wall());
  if (look.refused || look.again) return;
  const auto from = watch->user;
  take(from, beat.value(), bytes, Watched::Way::pulled);
  world().mutations.sometimes("registry: a late heartbeat was asked for and came");
  const auto offered = bytes_of(answer.value().getRegistration());
  if (offered.empty()) return;
  auto registration = read_registration(offered, settings_.work_bits);
  if (!registration.ok() || registration.value().id() != id) return;
  if (watched_.take(from, std::move(registration).value(), {offered.begin(), offered.end()}, now())) save(id);
}

// -- requests of other nodes

void RegistryActor::list(wire::ListWatched::Reader question, runtime::Reply<wire::WatchedPage> reply) {
  const auto prefix = node_of(question.getPrefix());
  const auto behind = node_of(question.getBehind());
  if (!prefix || question.getBits() > 8 * base::NodeId::kBytes || (!behind && question.getBehind().size() > 0))
    return reply.refuse({Code::malformed, "invalid request: a node id has 20 bytes, a prefix at most 160 bits"});
  const auto asker = caller().node;
  const auto refuse_more = [&](std::uint32_t kib) {
    const auto wait = asker ? lists_.take(user(*asker), now(), kib) : std::nullopt;
    if (wait)
      reply.refuse({Code::overloaded, "this node lists too many watched nodes",
                    std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kAnswerDue))});
    return wait.has_value();
  };
  if (refuse_more(kWalkKib)) return;  // the walk itself is charged first
  std::vector<ListedRow> rows;
  std::size_t bytes = 0;
  bool more = false;
  const auto add = [&](ListedRow row) {
    constexpr std::size_t kAround = 64;  // about the size of a row without its texts
    bytes += row.registration.size() + row.beat.size() + kAround;
    for (const base::ByteView vouch : row.vouches) bytes += vouch.size();
    rows.push_back(std::move(row));
  };
  const auto is_full = [&] { return rows.size() >= kBatchRows || bytes >= kPageBytes; };
  const base::NodeId& self = settings_.identity->id();
  // This node itself is one of the rows, at its position.
  bool own = !beat_bytes_.empty() && shared_bits(self, *prefix) >= question.getBits() && (!behind || *behind < self);
  const auto add_own = [&] {
    own = false;
    const Status status = judge(*read_checked_heartbeat(beat_bytes_), watched_.limits().thresholds);
    ListedRow row{own_.registration, beat_bytes_, status, base::Duration::zero()};
    for (const Vouched& one : vouches_) row.vouches.push_back(one.bytes);
    add(std::move(row));
  };
  watched_.walk(*prefix, question.getBits(), behind, [&](const base::NodeId& id, const Watch& watch) {
    if (own && self < id) add_own();
    const bool too_large = caller().by_datagram && bytes > net::kAnswerWordsBytesMax;
    if (is_full() || too_large) {
      more = true;
      return false;
    }
    const bool never = world().mutations.on("registry.never_offline");
    const Status status = never ? judge(watch.beat, watched_.limits().thresholds) : watched_.status(watch, now());
    add({watch.registration_bytes,
         watch.beat_bytes,
         status,
         now() - watch.heard,
         watch.unheard,
         watch.site,
         {watch.vouches.begin(), watch.vouches.end()}});
    return true;
  });
  if (own && !more) {
    if (is_full()) more = true;
    else add_own();
  }
  if (caller().by_datagram && bytes > net::kAnswerWordsBytesMax)  // `/datagrams` replaces it with `too_large`
    return reply.send(
        [](wire::WatchedPage::Builder out) { out.initRows(1)[0].initRegistration(net::kDatagramBytesMax); });
  // The response is much larger than its request.
  if (bytes > 1'024 * kWalkKib && refuse_more(static_cast<std::uint32_t>(bytes / 1'024 + 1 - kWalkKib))) return;
  reply.send([&](wire::WatchedPage::Builder out) {
    auto list = out.initRows(size32(rows));
    for (unsigned i = 0; i < list.size(); ++i) write(rows[i], list[i]);
    out.setMore(more);
  });
}

void RegistryActor::write(const ListedRow& row, wire::WatchedRow::Builder out) const {
  out.setRegistration(data_of(row.registration));
  out.setHeartbeat(data_of(row.beat));
  out.setStatus(static_cast<wire::Status>(row.status));
  out.setHeardMs(base::milliseconds(row.heard));
  out.setUnheard(row.unheard);
  const bool tells = settings_.groups == Judges::Groups::count && row.site != base::AddressGroup{};
  if (tells) out.setSite(data_of(row.site.prefix));
  auto vouches = out.initVouches(size32(row.vouches));
  for (unsigned i = 0; i < vouches.size(); ++i) vouches.set(i, data_of(row.vouches[i]));
}

// -- rows

store::Use RegistryActor::restore(base::ByteView key, base::ByteView value) {
  if (key.size() == 1 && key[0] == kOwnRow) {
    auto own = Own::decode(value);
    if (!own) return store::Use::erase;
    own_ = std::move(*own);
    return store::Use::keep;
  }
  if (key.size() == 1 && key[0] == kVouchesRow) {
    restore_vouches(value);
    return store::Use::keep;
  }
  base::FieldReader from(value);
  base::User<base::NodeId> user;
  user.group.prefix = from.array<16>();
  Streak streak;
  for (std::uint64_t* const time : {&streak.healthy_from, &streak.online_from, &streak.last})
    *time = from.number<std::uint64_t>();
  const base::ByteView registration = from.take(from.number<std::uint16_t>());
  const base::ByteView beat = from.rest();
  Watch watch{.registration = parse_registration(registration)};
  const auto read = read_checked_heartbeat(beat);
  if (!from.ok() || !watch.registration || !read || key.empty() || key[0] != kNodeRow ||
      !std::ranges::equal(key.subspan(1), read->id().view()))
    return store::Use::erase;
  watch.registration_bytes.assign(registration.begin(), registration.end());
  watch.beat = *read;
  watch.beat_bytes.assign(beat.begin(), beat.end());
  user.id = read->id();
  watched_.restore(user, std::move(watch), now());
  if (watched_.find(user.id) == nullptr) return store::Use::erase;
  // Counted in its address group, which is known now.
  if (Heard* const heard = heard_of(user.id)) heard->streak = streak;
  world().mutations.sometimes("registry: a node was known after a restart");
  return store::Use::keep;
}

void RegistryActor::save(const base::NodeId& id, bool last) {
  const Watch* const watch = watched_.find(id);
  if (watch == nullptr || !watch->registration || watch->beat_bytes.empty()) return;
  base::Bytes value;
  base::append(value, watch->site.prefix);
  const auto heard = heard_.find(id);
  const Streak streak = heard == heard_.end() ? Streak{} : heard->second.streak;
  for (const std::uint64_t time : {streak.healthy_from, streak.online_from, streak.last})
    base::append_number(value, time);
  base::append_number(value, static_cast<std::uint16_t>(watch->registration_bytes.size()));
  base::append(value, watch->registration_bytes);
  base::append(value, watch->beat_bytes);
  store::RowChange change;
  change.save.push_back({node_key(id), std::move(value)});
  if (last) return rows_.write(std::move(change));
  // Lost rows come again with the next heartbeats.
  rows_.save(
      std::make_shared<const store::RowChange>(std::move(change)), [](const base::Outcome<void>&) {}, {},
      store::Whose::strangers);
}

void RegistryActor::forget_rows() {
  for (const base::NodeId& id : watched_.take_forgotten()) {
    forget_history(id);
    store::RowChange change;
    change.erase.push_back(node_key(id));
    rows_.write(std::move(change));
  }
}

// -- history

/// Returns the history of a node if it is kept: only the nodes nearest to this node have one. An address group has
/// kHistoriesMax / kGroupPart, because ids near to another id are cheap. An evicted node loses its last hour; otherwise
/// repeated evictions would write a row each time.
RegistryActor::Heard* RegistryActor::heard_of(const base::NodeId& id) {
  const auto known = heard_.find(id);
  if (known != heard_.end()) return &known->second;
  const Watch* const watch = watched_.find(id);
  const base::AddressGroup group = watch == nullptr ? base::AddressGroup{} : watch->user.group;
  const std::pair place{base::distance(settings_.identity->id(), id), id};
  if (heard_.size() >= kHistoriesMax) {
    const auto larger = [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); };
    constexpr std::size_t kShare = kHistoriesMax / base::kGroupPart;
    auto from = heard_by_group_.find(group);
    if (from == heard_by_group_.end() || from->second.size() < kShare)
      from = std::ranges::max_element(heard_by_group_, larger);
    const bool all = from->second.size() <= kShare;  // then the farthest of all
    if (all) from = std::ranges::max_element(heard_by_group_, {}, [](const auto& one) { return *one.second.rbegin(); });
    const bool own = all || from->first == group;
    if (own && *from->second.rbegin() < place) return nullptr;
    forget_history(base::NodeId(from->second.rbegin()->second));
  }
  heard_by_group_[group].insert(place);
  Heard& out = heard_[id];
  out.group = group;
  return &out;
}

void RegistryActor::forget_history(const base::NodeId& id) {
  const auto known = heard_.find(id);
  if (known == heard_.end()) return;
  const auto group = heard_by_group_.find(known->second.group);
  group->second.erase({base::distance(settings_.identity->id(), id), id});
  if (group->second.empty()) heard_by_group_.erase(group);
  heard_.erase(known);
}

void RegistryActor::note(const base::NodeId& id, const Sample& sample) {
  Heard* const heard = heard_of(id);
  if (heard == nullptr) return;
  const auto& hour = heard->hour;
  const bool over = !hour.empty() && sample.unix_ms / kHourMs != hour.front().unix_ms / kHourMs;
  if (over) flush(id);
  // Further samples are dropped: an hour is one row.
  if (hour.size() < kSamplesMax) heard->hour.push_back(sample);
  const Streak::Milestones come = heard->streak.note(sample, base::milliseconds(watched_.missed_after()));
  for (unsigned i = 0; i < come.healthy; ++i)
    observe(id, "health_milestone", heard->streak.healthy_from / kHealthMilestoneMs - i);
  for (unsigned i = 0; i < come.uptime; ++i)
    observe(id, "uptime_milestone", heard->streak.online_from / kUptimeMilestoneMs - i);
  if (over || come.healthy > 0 || come.uptime > 0) save(id);
}

/// Reports a milestone. Repeated reports count once; a crash may cause one.
void RegistryActor::observe(const base::NodeId& id, const char* milestone, std::uint64_t number) {
  ask<reputation::wire::Observe, reputation::wire::Reported>(
      node().find(settings_.reputation), now() + kAnswerDue,
      [&](reputation::wire::Observe::Builder out) {
        out.setNode(data_of(id.view()));
        out.setEvent(milestone);
        out.setRequest(std::string(milestone) + ' ' + id.hex() + ' ' + std::to_string(number));
      },
      [](const runtime::Answer<reputation::wire::Reported>&) {});
}

void RegistryActor::flush(const base::NodeId& id, bool last) {
  const auto heard = heard_.find(id);
  if (heard == heard_.end() || heard->second.hour.empty()) return;
  const auto samples = std::exchange(heard->second.hour, {});
  store::RowChange change;
  change.save.push_back({block_key(id, samples.front().unix_ms), encode_block(samples)});
  if (last) return history_.write(std::move(change));
  history_.save(
      std::make_shared<const store::RowChange>(std::move(change)), [](const base::Outcome<void>&) {}, {},
      store::Whose::strangers);
}

/// Erases history older than a week, or of nodes no longer watched: one page at a time, in rounds.
void RegistryActor::tidy() {
  after<Tidy>(kTidyEvery);
  watched_.judge_by(settings_.thresholds->get());
  history_.scan(tidied_, kScanRows, kScanBytes, [this](const base::Outcome<store::Rows::Page>& page) {
    if (!page.ok()) return;
    constexpr std::uint64_t kKeepS = std::chrono::seconds(kKeep).count();
    const std::uint64_t second = unix_ms() / 1'000;
    store::RowChange change;
    for (const auto row : page.value().rows) {
      const auto key = bytes_of(row.getKey());
      base::FieldReader from(key);
      const auto id = from.fixed<base::NodeId>();
      std::uint64_t began = 0;
      for (const std::uint8_t byte : from.rest()) began = began << 8 | byte;
      const bool good = key.size() == base::NodeId::kBytes + 4 && watched_.find(id) != nullptr;
      if (!good || began + kKeepS < second) change.erase.emplace_back(key.begin(), key.end());
    }
    tidied_ = page.value().next.value_or(base::Bytes{});
    if (!change.empty()) history_.write(std::move(change));
  });
}

/// Refuses a reader that reads too many histories: a week of a node is 150 KiB on disk.
template <class A>
bool RegistryActor::refuse_much(runtime::Reply<A>& reply) {
  const auto asker = caller().node;
  if (!asker || (walks_.fits(user(*asker), 1) && !reads_.take(user(*asker), now()))) return false;
  reply.refuse({Code::overloaded, "this node reads too many histories", kAnswerDue});
  return true;
}

void RegistryActor::get_history(wire::GetHistory::Reader question, runtime::Reply<wire::History> reply) {
  const auto id = node_of(question.getNode());
  if (!id) return reply.refuse({Code::malformed, "invalid node id: expected 20 bytes"});
  if (caller().by_datagram)  // avoids reading a week that cannot fit
    return reply.send([](wire::History::Builder out) { out.initBlocks(1).init(0, net::kDatagramBytesMax); });
  if (refuse_much(reply)) return;
  struct Newest {
    std::deque<base::Bytes> blocks;
    std::size_t bytes = 0;  // of the response
  };
  const auto newest = std::make_shared<Newest>();
  constexpr std::uint64_t kKeepMs = std::chrono::milliseconds(kKeep).count();
  walk(
      *id, unix_ms() - std::min(unix_ms(), kKeepMs + kHourMs),
      [newest](base::ByteView block) {
        newest->blocks.emplace_back(block.begin(), block.end());
        newest->bytes += block.size() + kItemBytes;
        for (; newest->bytes > kHistoryBytesMax; newest->blocks.pop_front())
          newest->bytes -= newest->blocks.front().size() + kItemBytes;
      },
      [newest, reply = std::move(reply)](const base::Outcome<void>& read) mutable {
        if (!read.ok()) return reply.refuse(read.error());
        reply.send([&](wire::History::Builder out) {
          auto list = out.initBlocks(size32(newest->blocks));
          for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(newest->blocks[i]));
        });
      });
}

void RegistryActor::get_uptime(wire::GetUptime::Reader question, runtime::Reply<wire::UptimeIs> reply) {
  const auto id = node_of(question.getNode());
  const std::uint32_t from = question.getFrom(), until = question.getUntil();
  if (!id || from >= until)
    return reply.refuse({Code::malformed, "invalid request: a node id has 20 bytes, a window at least an hour"});
  const std::uint64_t hour = unix_ms() / kHourMs;
  constexpr std::uint64_t kKeepHours = std::chrono::hours(kKeep).count();
  if (until > hour + 1 || from + kKeepHours < hour)
    return reply.refuse(
        {Code::refused, "a window must be within the last seven days, and end at the latest with this hour"});
  // A node does not sign for itself, and signs nothing about nodes that it does not watch.
  if (!ready_ || watched_.find(*id) == nullptr)
    return reply.refuse({Code::not_found, "this node does not watch that node"});
  if (refuse_much(reply)) return;
  const auto hours = std::make_shared<HoursHeard>(from, until);
  const auto any = std::make_shared<bool>(false);
  const bool tells = question.getSited() && settings_.groups == Judges::Groups::count;
  const base::AddressGroup site = tells ? watched_.find(*id)->site : base::AddressGroup{};
  walk(
      *id, from * kHourMs,
      [hours, any](base::ByteView block) {
        if (const auto samples = decode_block(block)) hours->take(*samples), *any = true;
      },
      [this, id = *id, hours, any, site, reply = std::move(reply)](const base::Outcome<void>& read) mutable {
        if (!read.ok()) return reply.refuse(read.error());
        if (!*any) return reply.refuse({Code::not_found, "this node has no history of that node"});
        const crypto::Identity& self = *settings_.identity;
        const Uptime uptime{.by = self.public_key(),
                            .by_nonce = self.nonce(),
                            .node = id,
                            .from = hours->from(),
                            .until = hours->until(),
                            .hours = hours->count(),
                            .site = site};
        reply.send([&](wire::UptimeIs::Builder out) { out.setUptime(data_of(sign(uptime, self.key()))); });
      });
}

void RegistryActor::walk(const base::NodeId& id, std::uint64_t from_ms, base::Callback<void(base::ByteView)> take,
                         base::Callback<void(base::Outcome<void>)> then) {
  auto walk = std::make_unique<Walk>(Walk{.id = id, .take = std::move(take), .then = std::move(then)});
  if (const auto asker = caller().node) {
    walk->holder = user(*asker);
    walks_.hold(*walk->holder, 1);
  }
  go_on(std::move(walk), block_key(id, from_ms));
}

void RegistryActor::go_on(std::unique_ptr<Walk> walk, const base::Bytes& from) {
  history_.scan(from, kScanRows, kScanBytes,
                [this, walk = std::move(walk)](const base::Outcome<store::Rows::Page>& page) mutable {
                  if (!page.ok()) return end(*walk, page.error());
                  for (const auto row : page.value().rows) {
                    if (!is_block_of(bytes_of(row.getKey()), walk->id) || walk->blocks == kBlocksReadMax)
                      return end(*walk, {});
                    ++walk->blocks;
                    walk->take(bytes_of(row.getValue()));
                  }
                  if (page.value().next) return go_on(std::move(walk), *page.value().next);
                  end(*walk, {});
                });
}

void RegistryActor::end(Walk& walk, const base::Outcome<void>& read) {
  if (walk.holder) walks_.release(*walk.holder, 1);
  const auto heard = heard_.find(walk.id);
  if (read.ok() && heard != heard_.end() && !heard->second.hour.empty()) walk.take(encode_block(heard->second.hour));
  walk.then(read);
}

}  // namespace troupe::registry
