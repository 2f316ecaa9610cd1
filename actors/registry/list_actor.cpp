#include "actors/registry/list_actor.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "messages/codec.hpp"
#include "messages/contact.hpp"
#include "messages/dht.capnp.h"
#include "runtime/base/whole_units.hpp"

namespace troupe::registry {
namespace {

using base::Code;

constexpr std::size_t kNearestMax = 20;                            // from a search
constexpr std::size_t kBlocksBytesMax = (1u << 20) - (96u << 10);  // in NodeRows, without a row and uptimes
constexpr std::size_t kItemBytes = 16;                             // of a list item, without its bytes

std::size_t bytes_in(const std::vector<base::Bytes>& blocks) {
  std::size_t out = 0;
  for (const base::Bytes& block : blocks) out += block.size() + kItemBytes;
  return out;
}

/// Returns this node's history if it has one, otherwise the one of middle length. A late watcher has a short one, and a
/// malicious one may send anything.
std::vector<base::Bytes> chosen_of(std::vector<std::vector<base::Bytes>> histories) {
  if (histories.empty()) return {};
  if (!histories.front().empty()) return std::move(histories.front());
  std::erase_if(histories, [](const auto& one) { return one.empty(); });
  if (histories.empty()) return {};
  std::ranges::sort(histories, {}, bytes_in);
  return std::move(histories[histories.size() / 2]);
}

}  // namespace

void ListActor::receive(runtime::Handlers& on) {
  on.stream<wire::ListNodes, wire::NodeRows>([this](wire::ListNodes::Reader, runtime::Sink<wire::NodeRows> to) {
    Sweep sweep{.to = std::move(to)};
    sweep.next = base::NodeId{};
    begin(std::move(sweep));
  });
  on.stream<wire::ViewNode, wire::NodeRows>([this](wire::ViewNode::Reader question, runtime::Sink<wire::NodeRows> to) {
    Sweep sweep{.to = std::move(to)};
    sweep.only = sweep.next = node_of(question.getNode());
    sweep.history = question.getHistory();
    sweep.uptime_from = question.getUptimeFrom();
    sweep.uptime_until = question.getUptimeUntil();
    if (!sweep.only) return sweep.to.fail({Code::malformed, "invalid node id: expected 20 bytes"});
    begin(std::move(sweep));
  });
  on.ask<wire::NoteFinding, wire::FindingNoted>(
      [this](wire::NoteFinding::Reader finding, auto reply) { note(finding, std::move(reply)); });
  on.timer<Enough>([this] { enough(); });
  on.describe<wire::RegistryListState>([this](wire::RegistryListState::Builder state) {
    state.setSweeps(static_cast<std::uint32_t>(sweeps_.size()));
    if (!sweeps_.empty()) state.setAt(sweeps_.begin()->second.region.prefix.hex());
  });
}

void ListActor::start() { node().publish<wire::ListNodes, wire::ViewNode>(kListPath, self()); }

void ListActor::write_row(wire::NodeRow::Builder to, const Found& from) const {
  to.setRegistration(data_of(from.registration_bytes));
  to.setHeartbeat(data_of(from.beat_bytes));
  to.setStatus(static_cast<wire::Status>(from.status));
  to.setHeardMs(from.heard_ms);
  to.setWatchers(static_cast<std::uint8_t>(from.votes));
  to.setUnheard(from.unheard);
  to.setVerifiedUntilMs(
      judges_.verified_until(*from.registration, from.vouches, base::unix_milliseconds(wall()), from.site));
  if (from.site) to.setSite(data_of(from.site->prefix));
}

ListActor::Sweep* ListActor::find(const At& at) {
  const auto there = sweeps_.find(at.number);
  return there == sweeps_.end() || there->second.regions != at.region ? nullptr : &there->second;
}

void ListActor::begin(Sweep sweep) {
  if (!settings_.active)
    return sweep.to.fail({Code::refused, "this node is not in the registry: registry.active is false"});
  if (sweeps_.size() >= kSweepsMax)
    return sweep.to.fail({Code::overloaded, "this node makes too many lists at once", kAnswerDue});
  const std::uint64_t number = ++last_;
  Sweep& one = sweeps_.emplace(number, std::move(sweep)).first->second;
  one.to.on_cancel([this, number] { sweeps_.erase(number); });
  one.to.on_ready([this, number] { write(number); });
  if (one.only) learn_judges(number);
  else look(number);
}

/// Learns judges for a search if no list was made yet: the nodes that this node watches are enough.
void ListActor::learn_judges(std::uint64_t number) {
  ask<wire::ListWatched, wire::WatchedPage>(
      node().find(kPath), now() + kAnswerDue,
      [](wire::ListWatched::Builder out) { out.setPrefix(data_of(base::NodeId{}.view())); },
      [this, number](runtime::Answer<wire::WatchedPage> answer) {
        if (answer.ok())
          for (const auto row : answer.value().getRows())
            if (const auto told = parse_registration(bytes_of(row.getRegistration())))
              judges_.see(*told, static_cast<Status>(row.getStatus()),
                          {.here = true, .site = site_from(bytes_of(row.getSite()))}, now());
        if (sweeps_.contains(number)) look(number);
      });
}

void ListActor::note(wire::NoteFinding::Reader finding, runtime::Reply<wire::FindingNoted> reply) {
  const crypto::Identity& self = *settings_.identity;
  const auto of = node_of(finding.getNode());
  const auto seed = Vouch::Seed::from(bytes_of(finding.getSeed()));
  const auto answer = base::Digest::from(bytes_of(finding.getAnswer()));
  if (!of || !seed || !answer) return reply.refuse({Code::malformed, "malformed finding"});
  const Vouch vouch{.by = self.public_key(),
                    .by_nonce = self.nonce(),
                    .node = *of,
                    .unix_ms = base::unix_milliseconds(wall()),
                    .seed = *seed,
                    .rounds = finding.getRounds(),
                    .answer = *answer};
  judges_.judged(*of, finding.getRight() ? Judges::Finding::right : Judges::Finding::wrong, vouch.unix_ms);
  reply.send([&](wire::FindingNoted::Builder out) {
    if (finding.getRight()) out.setVouch(data_of(sign(vouch, self.key())));
  });
}

void ListActor::look(std::uint64_t number) {
  Sweep& sweep = sweeps_.at(number);
  sweep.step = Step::searching;
  ask<dht::wire::Search, dht::wire::SearchResult>(
      node().find(dht::kPath), now() + kSearchDue,
      [&](dht::wire::Search::Builder search) {
        search.setKey(data_of(sweep.next->view()));
        search.getGoal().setNodes();
      },
      [this, number](runtime::Answer<dht::wire::SearchResult> answer) {
        std::vector<base::Contact> nearest;
        if (answer.ok())
          for (const auto one : answer.value().getNearest())
            if (nearest.size() < kNearestMax) nearest.push_back(messages::read_contact(one));
        ask_region(number, nearest);
      });
}

void ListActor::ask_region(std::uint64_t number, const std::vector<base::Contact>& nearest) {
  const auto there = sweeps_.find(number);
  if (there == sweeps_.end()) return;
  Sweep& sweep = there->second;
  const base::NodeId& self = settings_.identity->id();
  std::vector<base::NodeId> asked;
  for (const base::Contact& one : nearest) asked.push_back(crypto::node_id(one.key, one.nonce));
  sweep.step = Step::asking;
  sweep.told = false;
  sweep.due = now() + kRegionDue;
  sweep.region =
      sweep.only ? Region{*sweep.only, 8 * base::NodeId::kBytes} : region_of(*sweep.next, asked, kNearestMax);
  sweep.next = sweep.only ? std::nullopt : sweep.region.behind();
  sweep.asked = sweep.answered = 0;
  std::vector<base::NodeId> all = asked;
  if (std::ranges::find(all, self) == all.end()) all.push_back(self);
  Gathered::Sites sites;
  if (settings_.groups == Judges::Groups::count)
    for (std::size_t i = 0; i < nearest.size(); ++i) sites.emplace(asked[i], group_of(asked[i], nearest[i].endpoint));
  sweep.gathered.emplace(sweep.region, all, settings_.work_bits, std::move(sites));
  if (sweep.only) choose_watchers(sweep, nearest);
  sweep.open = 1;
  const At at{number, ++sweep.regions};
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    if (asked[i] == self) continue;
    ++sweep.asked;
    ++sweep.open;
    ask_page(at, asked[i], node().reach(nearest[i], kPath), std::nullopt, 1);
  }
  ask_page(at, self, node().find(kPath), std::nullopt, 1);
}

void ListActor::choose_watchers(Sweep& sweep, const std::vector<base::Contact>& nearest) const {
  std::vector<std::pair<base::NodeId, base::Contact>> others;
  std::vector<base::AddressGroup> groups;
  for (const base::Contact& one : nearest) {
    const base::NodeId id = crypto::node_id(one.key, one.nonce);
    if (id == *sweep.only || id == settings_.identity->id()) continue;
    others.emplace_back(id, one);
    groups.push_back(settings_.group_of(id, one.endpoint));
  }
  for (const std::size_t i : registry::choose_watchers(groups)) sweep.watchers.push_back(others[i]);
}

void ListActor::ask_page(const At& at, const base::NodeId& of, const runtime::Handle& to,
                         const std::optional<base::NodeId>& behind, std::size_t page) {
  const Sweep& sweep = sweeps_.at(at.number);
  ask<wire::ListWatched, wire::WatchedPage>(
      to, std::min<base::Instant>(now() + kAnswerDue, sweep.due),
      [&](wire::ListWatched::Builder out) {
        out.setPrefix(data_of(sweep.region.prefix.view()));
        out.setBits(static_cast<std::uint8_t>(sweep.region.bits));
        if (behind) out.setBehind(data_of(behind->view()));
      },
      [this, at, of, to, behind, page](runtime::Answer<wire::WatchedPage> answer) {
        take_page(at, of, to, page, behind, answer);
      });
}

void ListActor::take_page(const At& at, const base::NodeId& of, const runtime::Handle& to, std::size_t page,
                          const std::optional<base::NodeId>& behind, runtime::Answer<wire::WatchedPage>& answer) {
  Sweep* const sweep = find(at);
  if (sweep == nullptr || !sweep->gathered) return;  // the region is over
  const bool own = of == settings_.identity->id();
  if (!answer.ok()) return answered(at);
  if (page == 1 && !own) ++sweep->answered;
  std::optional<base::NodeId> last = behind;
  std::size_t seen = 0;
  for (const auto row : answer.value().getRows()) {
    if (++seen > kBatchRows) break;
    const auto status = row.getStatus();
    if (status > wire::Status::OFFLINE) continue;
    std::vector<base::ByteView> vouches;
    for (const auto vouch : row.getVouches())
      if (vouches.size() < kVouchesMax) vouches.push_back(bytes_of(vouch));
    const Gathered::Said said{bytes_of(row.getRegistration()),
                              bytes_of(row.getHeartbeat()),
                              static_cast<Status>(status),
                              row.getHeardMs(),
                              row.getUnheard(),
                              vouches,
                              site_from(bytes_of(row.getSite()))};
    if (sweep->gathered->take(of, said, own)) last = read_checked_heartbeat(said.beat)->id();
  }
  // A page without new nodes would be requested again and again.
  const bool on = answer.value().getMore() && last && (!behind || *behind < *last) && page < kPagesMax;
  if (on && now() < sweep->due) return ask_page(at, of, to, last, page + 1);
  answered(at);
}

void ListActor::answered(const At& at) {
  Sweep& sweep = *find(at);
  if (--sweep.open == 0) return go_on(at);
  if (!sweep.enough_at && 2 * sweep.open <= sweep.asked) hurry(sweep);
}

/// Starts the final wait of a region. One timer serves all lists, and a later one would replace it.
void ListActor::hurry(Sweep& sweep) {
  const bool armed = std::ranges::any_of(sweeps_, [](const auto& one) { return one.second.enough_at.has_value(); });
  sweep.enough_at = now() + kEnoughAfter;
  if (!armed) after<Enough>(kEnoughAfter);
}

void ListActor::enough() {
  std::vector<At> all;
  for (const auto& [number, sweep] : sweeps_)
    if (sweep.enough_at && *sweep.enough_at <= now()) all.push_back({number, sweep.regions});
  for (const At& at : all) {
    if (find(at)->gathered) go_on(at);
    else write_watchers(at);
  }
  std::optional<base::Instant> next;
  for (const auto& [number, sweep] : sweeps_)
    if (sweep.enough_at && (!next || *sweep.enough_at < *next)) next = sweep.enough_at;
  if (next) after<Enough>(std::max<base::Duration>(*next - now(), base::Duration::zero()));
}

void ListActor::go_on(const At& at) {
  Sweep& sweep = *find(at);
  sweep.enough_at.reset();
  const std::size_t late = sweep.open;
  // Nodes that the DHT did not name.
  if (sweep.region.bits == 0 && now() < sweep.due && sweep.asked < kAskedMax) {
    for (const auto& [id, contact] : sweep.gathered->unasked(kAskedMax - sweep.asked, kAskedMax / base::kGroupPart)) {
      ++sweep.asked;
      ++sweep.open;
      ask_page(at, id, node().reach(contact, kPath), std::nullopt, 1);
    }
    // The nodes named by the DHT have had their time, and nodes named by other nodes may be made up.
    if (sweep.open > late) return hurry(sweep);
  }
  const auto within = std::chrono::duration_cast<std::chrono::milliseconds>(missed_after(settings_.watched.period));
  const Fresh fresh{base::unix_milliseconds(wall()), static_cast<std::uint64_t>(within.count()),
                    settings_.thresholds->get()};
  for (auto& [id, found] : sweep.gathered->end(fresh)) {
    judges_.see(*found.registration, found.status, {.sites = found.sites, .here = found.here, .site = found.site},
                now());
    sweep.found.emplace_back(id, std::move(found));
  }
  judges_.forget(now());
  sweep.gathered.reset();
  if (sweep.only && !sweep.found.empty()) return ask_watchers(at);
  sweep.step = Step::writing;
  write(at.number);
}

// -- a single node

void ListActor::ask_watchers(const At& at) {
  Sweep& sweep = *find(at);
  sweep.open = 1;
  sweep.due = now() + kRegionDue;
  std::vector<std::pair<base::NodeId, runtime::Handle>> all{{settings_.identity->id(), node().find(kPath)}};
  for (const auto& [id, contact] : sweep.watchers) all.emplace_back(id, node().reach(contact, kPath));
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (sweep.history) ask_history(at, all[i].second, i == 0);
    if (sweep.uptime_until > 0) ask_uptime(at, all[i].second, all[i].first);
  }
  watcher_answered(at);
}

void ListActor::ask_history(const At& at, const runtime::Handle& to, bool own) {
  Sweep& sweep = *find(at);
  ++sweep.open;
  if (sweep.histories.empty()) sweep.histories.emplace_back();
  ask<wire::GetHistory, wire::History>(
      to, now() + kAnswerDue, [&](wire::GetHistory::Builder out) { out.setNode(data_of(sweep.only->view())); },
      [this, at, own](runtime::Answer<wire::History> answer) {
        Sweep* const still = find(at);
        if (still == nullptr) return;
        std::vector<base::Bytes> blocks;
        if (answer.ok())
          for (const auto block : answer.value().getBlocks()) {
            if (!decode_block(bytes_of(block)) || bytes_in(blocks) + block.size() + kItemBytes > kBlocksBytesMax) break;
            blocks.emplace_back(block.begin(), block.end());
          }
        if (own) still->histories.front() = std::move(blocks);
        else still->histories.push_back(std::move(blocks));
        watcher_answered(at);
      });
}

/// Requests the uptime that a watcher signs; each watcher speaks only for itself.
void ListActor::ask_uptime(const At& at, const runtime::Handle& to, const base::NodeId& of) {
  Sweep& sweep = *find(at);
  ++sweep.open;
  ask<wire::GetUptime, wire::UptimeIs>(
      to, now() + kAnswerDue,
      [&](wire::GetUptime::Builder out) {
        out.setNode(data_of(sweep.only->view()));
        out.setFrom(sweep.uptime_from);
        out.setUntil(sweep.uptime_until);
        out.setSited(true);
      },
      [this, at, of](runtime::Answer<wire::UptimeIs> answer) {
        Sweep* const still = find(at);
        if (still == nullptr) return;
        if (answer.ok()) {
          const auto bytes = bytes_of(answer.value().getUptime());
          const auto read = read_uptime(bytes, settings_.work_bits);
          if (read.ok() && read.value().watcher() == of && read.value().node == *still->only &&
              read.value().from == still->uptime_from && read.value().until == still->uptime_until)
            still->uptimes.emplace_back(bytes.begin(), bytes.end());
        }
        watcher_answered(at);
      });
}

void ListActor::watcher_answered(const At& at) {
  Sweep& sweep = *find(at);
  if (sweep.step != Step::asking) return;  // it had its time
  if (--sweep.open == 0) return write_watchers(at);
  if (!sweep.enough_at && sweep.uptimes.size() >= kEnoughUptimes) hurry(sweep);
}

void ListActor::write_watchers(const At& at) {
  Sweep& sweep = *find(at);
  sweep.enough_at.reset();
  sweep.step = Step::writing;
  write(at.number);
}

void ListActor::write_single(Sweep& sweep, std::uint64_t number) {
  if (sweep.found.empty()) {
    const bool alone = sweep.asked > 0 && sweep.answered == 0;
    sweep.to.fail(alone
                      ? base::Error{Code::unavailable, "no other node responded, and this node does not know that node"}
                      : base::Error{Code::not_found, "no node with this id is in the registry"});
  } else {
    const std::vector<base::Bytes> history = chosen_of(std::move(sweep.histories));
    sweep.to.push([&](wire::NodeRows::Builder out) {
      write_row(out.initRows(1)[0], sweep.found.front().second);
      out.setAsked(sweep.asked);
      out.setAnswered(sweep.answered);
      auto blocks = out.initBlocks(size32(history));
      for (unsigned i = 0; i < blocks.size(); ++i) blocks.set(i, data_of(history[i]));
      auto uptimes = out.initUptimes(size32(sweep.uptimes));
      for (unsigned i = 0; i < uptimes.size(); ++i) uptimes.set(i, data_of(sweep.uptimes[i]));
    });
    sweep.to.end();
  }
  sweeps_.erase(number);
}

// -- the list

void ListActor::write(std::uint64_t number) {
  const auto there = sweeps_.find(number);
  if (there == sweeps_.end() || there->second.step != Step::writing) return;
  Sweep& sweep = there->second;
  if (sweep.only) {
    if (sweep.found.empty() || sweep.to.ready()) write_single(sweep, number);
    return;
  }
  while (!sweep.found.empty() || !sweep.told) {
    if (!sweep.to.ready()) return;
    sweep.to.push([&](wire::NodeRows::Builder out) {
      auto rows = out.initRows(static_cast<unsigned>(std::min(sweep.found.size(), kBatchRows)));
      for (unsigned i = 0; i < rows.size(); ++i) {
        write_row(rows[i], sweep.found.front().second);
        sweep.found.pop_front();
      }
      if (std::exchange(sweep.told, true)) return;
      out.setAsked(sweep.asked);
      out.setAnswered(sweep.answered);
    });
  }
  if (sweep.next) return look(number);
  sweep.to.end();
  sweeps_.erase(number);
}

}  // namespace troupe::registry
