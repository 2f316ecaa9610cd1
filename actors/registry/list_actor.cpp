#include "actors/registry/list_actor.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "messages/contact.hpp"
#include "messages/dht.capnp.h"
#include "messages/words.hpp"

namespace troupe::registry {
namespace {

using base::Code;

constexpr std::size_t kNearestMax = 20;  // that a search names

void write_row(wire::NodeRow::Builder to, const Found& from) {
  to.setRegistration(data_of(from.registration_bytes));
  to.setHeartbeat(data_of(from.beat_bytes));
  to.setStatus(static_cast<wire::Status>(from.status));
  to.setHeardMs(from.heard_ms);
  to.setWatchers(static_cast<std::uint8_t>(from.votes));
}

std::size_t bytes_in(const std::vector<base::Bytes>& blocks) {
  std::size_t out = 0;
  for (const base::Bytes& block : blocks) out += block.size();
  return out;
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
    if (!sweep.only) return sweep.to.fail({Code::malformed, "an id has 20 bytes"});
    begin(std::move(sweep));
  });
  on.describe<wire::RegistryListState>([this](wire::RegistryListState::Builder state) {
    state.setSweeps(static_cast<std::uint32_t>(sweeps_.size()));
    if (!sweeps_.empty()) state.setAt(sweeps_.begin()->second.region.prefix.hex());
  });
}

void ListActor::start() { node().publish<wire::ListNodes, wire::ViewNode>(kListPath, self()); }

ListActor::Sweep* ListActor::find(std::uint64_t number) {
  const auto at = sweeps_.find(number);
  return at == sweeps_.end() ? nullptr : &at->second;
}

void ListActor::begin(Sweep sweep) {
  if (!settings_.active)
    return sweep.to.fail({Code::refused, "this node takes no part in the registry: registry.active is false"});
  if (sweeps_.size() >= kSweepsMax)
    return sweep.to.fail({Code::overloaded, "this node makes as many lists as it may at a time", kAnswerDue});
  const std::uint64_t number = ++last_;
  Sweep& one = sweeps_.emplace(number, std::move(sweep)).first->second;
  one.to.on_cancel([this, number] { sweeps_.erase(number); });
  one.to.on_ready([this, number] { write(number); });
  look(number);
}

void ListActor::look(std::uint64_t number) {
  const Sweep& sweep = sweeps_.at(number);
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
        ask_region(number, std::move(nearest));
      });
}

void ListActor::ask_region(std::uint64_t number, std::vector<base::Contact> nearest) {
  Sweep* const sweep = find(number);
  if (sweep == nullptr) return;
  const base::NodeId& self = settings_.identity->id();
  std::vector<base::NodeId> asked;
  for (const base::Contact& one : nearest) asked.push_back(crypto::node_id(one.key, one.nonce));
  sweep->region =
      sweep->only ? Region{*sweep->only, 8 * base::NodeId::kBytes} : region_of(*sweep->next, asked, kNearestMax);
  sweep->next = sweep->only ? std::nullopt : sweep->region.behind();
  sweep->asked = sweep->answered = 0;
  std::vector<base::NodeId> all = asked;
  if (std::ranges::find(all, self) == all.end()) all.push_back(self);
  sweep->gathered.emplace(sweep->region, all, settings_.work_bits);
  sweep->open = 1;
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    if (asked[i] == self) continue;
    ++sweep->asked;
    ++sweep->open;
    if (sweep->only && *sweep->only != asked[i] && sweep->watchers.size() < kWatchers)
      sweep->watchers.push_back(nearest[i]);
    ask_page(number, asked[i], node().reach(nearest[i], kPath), std::nullopt, 1);
  }
  ask_page(number, self, node().find(kPath), std::nullopt, 1);
}

void ListActor::ask_page(std::uint64_t number, const base::NodeId& of, const runtime::Handle& at,
                         const std::optional<base::NodeId>& behind, std::size_t page) {
  const Sweep& sweep = sweeps_.at(number);
  ask<wire::ListWatched, wire::WatchedPage>(
      at, now() + kAnswerDue,
      [&](wire::ListWatched::Builder out) {
        out.setPrefix(data_of(sweep.region.prefix.view()));
        out.setBits(static_cast<std::uint8_t>(sweep.region.bits));
        if (behind) out.setBehind(data_of(behind->view()));
      },
      [this, number, of, at, behind, page](runtime::Answer<wire::WatchedPage> answer) {
        Sweep* const now_at = find(number);
        if (now_at == nullptr) return;
        const bool own = of == settings_.identity->id();
        if (!answer.ok()) return answered(number);
        if (page == 1 && !own) ++now_at->answered;
        std::optional<base::NodeId> last = behind;
        std::size_t taken = 0;
        for (const auto row : answer.value().getRows()) {
          if (++taken > kBatchRows) break;
          const auto status = row.getStatus();
          if (status > wire::Status::OFFLINE) continue;
          const Gathered::Said said{bytes_of(row.getRegistration()), bytes_of(row.getHeartbeat()),
                                    static_cast<Status>(status), row.getHeardMs()};
          now_at->gathered->take(of, said, own);
          const auto beat = read_checked_heartbeat(said.beat);
          if (beat) last = beat->id();
        }
        // A page that does not go on would be asked for again and again.
        const bool on = answer.value().getMore() && last && (!behind || *behind < *last) && page < kPagesMax;
        if (!on) return answered(number);
        ask_page(number, of, at, last, page + 1);
      });
}

void ListActor::answered(std::uint64_t number) {
  Sweep& sweep = sweeps_.at(number);
  if (--sweep.open > 0) return;
  for (auto& [id, found] : sweep.gathered->end()) sweep.found.emplace_back(id, std::move(found));
  sweep.gathered.reset();
  if (!sweep.only) return write(number);
  if (sweep.history && !sweep.found.empty()) return ask_history(number);
  if (sweep.uptime_until > 0 && !sweep.found.empty()) return ask_uptimes(number);
  end_single(number);
}

// -- a single node

/// Of each of its watchers; the longest history counts, as one that came late has heard less.
void ListActor::ask_history(std::uint64_t number) {
  Sweep& sweep = sweeps_.at(number);
  std::vector<runtime::Handle> all{node().find(kPath)};
  for (const base::Contact& one : sweep.watchers) all.push_back(node().reach(one, kPath));
  sweep.open = all.size();
  for (const runtime::Handle& at : all)
    ask<wire::GetHistory, wire::History>(
        at, now() + kAnswerDue, [&](wire::GetHistory::Builder out) { out.setNode(data_of(sweep.only->view())); },
        [this, number](runtime::Answer<wire::History> answer) {
          Sweep* const still = find(number);
          if (still == nullptr) return;
          std::vector<base::Bytes> blocks;
          if (answer.ok())
            for (const auto block : answer.value().getBlocks()) {
              if (!decode_block(bytes_of(block))) break;
              blocks.emplace_back(block.begin(), block.end());
            }
          if (bytes_in(blocks) > bytes_in(still->blocks)) still->blocks = std::move(blocks);
          if (--still->open > 0) return;
          if (still->uptime_until > 0) return ask_uptimes(number);
          end_single(number);
        });
}

void ListActor::ask_uptimes(std::uint64_t number) {
  Sweep& sweep = sweeps_.at(number);
  std::vector<runtime::Handle> all{node().find(kPath)};
  for (const base::Contact& one : sweep.watchers) all.push_back(node().reach(one, kPath));
  sweep.open = all.size();
  for (const runtime::Handle& at : all)
    ask<wire::GetUptime, wire::UptimeIs>(
        at, now() + kAnswerDue,
        [&](wire::GetUptime::Builder out) {
          out.setNode(data_of(sweep.only->view()));
          out.setFrom(sweep.uptime_from);
          out.setUntil(sweep.uptime_until);
        },
        [this, number](runtime::Answer<wire::UptimeIs> answer) {
          Sweep* const still = find(number);
          if (still == nullptr) return;
          if (answer.ok()) {
            const auto bytes = bytes_of(answer.value().getUptime());
            const auto read = read_uptime(bytes, settings_.work_bits);
            if (read.ok() && read.value().node == *still->only) still->uptimes.emplace_back(bytes.begin(), bytes.end());
          }
          if (--still->open == 0) end_single(number);
        });
}

void ListActor::end_single(std::uint64_t number) {
  Sweep sweep = std::move(sweeps_.at(number));
  sweeps_.erase(number);
  if (sweep.found.empty()) {
    if (sweep.answered == 0)
      return sweep.to.fail({Code::unavailable, "no other node could be asked, and this one does not know that node"});
    return sweep.to.fail({Code::not_found, "no node of this id is in the registry"});
  }
  sweep.to.push([&](wire::NodeRows::Builder out) {
    write_row(out.initRows(1)[0], sweep.found.front().second);
    out.setAsked(sweep.asked);
    out.setAnswered(sweep.answered);
    auto blocks = out.initBlocks(size32(sweep.blocks));
    for (unsigned i = 0; i < blocks.size(); ++i) blocks.set(i, data_of(sweep.blocks[i]));
    auto uptimes = out.initUptimes(size32(sweep.uptimes));
    for (unsigned i = 0; i < uptimes.size(); ++i) uptimes.set(i, data_of(sweep.uptimes[i]));
  });
  sweep.to.end();
}

// -- the list

void ListActor::write(std::uint64_t number) {
  Sweep* const sweep = find(number);
  if (sweep == nullptr || sweep->only || sweep->gathered) return;
  bool told = sweep->asked == 0;
  while (!sweep->found.empty() || !told) {
    if (!sweep->to.ready()) return;
    sweep->to.push([&](wire::NodeRows::Builder out) {
      auto rows = out.initRows(static_cast<unsigned>(std::min(sweep->found.size(), kBatchRows)));
      for (unsigned i = 0; i < rows.size(); ++i) {
        write_row(rows[i], sweep->found.front().second);
        sweep->found.pop_front();
      }
      out.setAsked(std::exchange(sweep->asked, 0));
      out.setAnswered(std::exchange(sweep->answered, 0));
    });
    told = true;
  }
  if (sweep->next) return look(number);
  sweep->to.end();
  sweeps_.erase(number);
}

}  // namespace troupe::registry
