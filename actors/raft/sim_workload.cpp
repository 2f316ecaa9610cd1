#include "actors/raft/sim_workload.hpp"

#include <algorithm>
#include <utility>

#include "actors/raft/group_actor.hpp"
#include "actors/raft/log_actor.hpp"
#include "actors/raft/logic/quorum.hpp"
#include "messages/codec.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/sim/fabric.hpp"
#include "runtime/sim/linearizable.hpp"

namespace troupe::raft {
namespace {

using sim::Did;
using sim::node_name;

const std::string kGroupPath = path_of(kSimGroup);
const std::string kLogPath = std::string(kPath) + "/log";
constexpr std::uint16_t kSimPort = 4'000;       // where nodes of the simulation listen
constexpr std::size_t kSimHashesKept = 20'000;  // our choice: members are never that far apart in a run

std::string text(capnp::Data::Reader data) { return std::string(base::as_text(bytes_of(data))); }

std::string seconds_of(base::Duration span) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(span).count()) + " ms";
}

/// Returns whether the error means that nothing was done.
bool surely_nothing(const base::Error& error) {
  return error.code == base::Code::not_found || error.code == base::Code::overloaded ||
         error.code == base::Code::malformed || error.code == base::Code::refused;
}

}  // namespace

RaftWorkload::RaftWorkload(sim::Nodes& nodes, const sim::Scenario& scenario)
    : Clients(nodes), beyond_(scenario.beyond) {}

// -- clients ---------------------------------------------------------------------------------------------------------

void RaftWorkload::perform(const sim::Operation& operation) {
  const std::string key = "k" + std::to_string(operation.number("key"));
  const std::size_t node = operation.node;
  by_operation([&] {
    if (operation.what == "raft.init") return init(static_cast<std::size_t>(operation.number("members")));
    if (!made_ || !member(node)) return;
    if (operation.what == "raft.put") return write(node, key, Did::write, fresh(), {}, {}, {});
    if (operation.what == "raft.get") return read(node, key, {});
    if (operation.what == "raft.del") return write(node, key, Did::erase, {}, {}, {}, {});
    if (operation.what == "raft.cas") return write(node, key, Did::replace, fresh(), read_last_[key], {}, {});
    if (operation.what == "raft.retry") {
      const std::string value = fresh(), request = "r" + std::to_string(++requests_);
      const std::size_t other = (node + 1) % members_;
      return write(node, key, Did::write, value, {}, request, [this, other, request](std::uint64_t revision) {
        if (!nodes_.serving(other)) return;
        sim::Client& client = begin(other, "a repeated put");
        ask<wire::Execute, wire::Executed>(
            client, kGroupPath.c_str(), kSimWait,
            [request](wire::Execute::Builder out) {
              out.setRequest(request);
              out.setDueMs(10'000);
              // Another value: it must not be written.
              auto operations = out.initWhat().initTxn().initOperations(1);
              operations[0].setKey(data_of(base::as_bytes(std::string("k0"))));
              operations[0].setPut(data_of(base::as_bytes(std::string("written twice"))));
            },
            [this, &client, revision](const Error& error, wire::Executed::Reader answer) {
              if (error) return;
              if (!answer.getRepeated() || answer.getRevision() != revision)
                violated("once", client, "was applied again, or got another response");
            });
      });
    }
    if (operation.what == "raft.transfer") {
      const auto to = static_cast<std::size_t>(operation.number("to"));
      if (const auto id = nodes_.id(to)) change(node, wire::MemberChange::TRANSFER, *id, to, false, {});
      return;
    }
    if (operation.what == "raft.lease") return lease(node, operation.number("seconds"));
    const auto who = static_cast<std::size_t>(operation.number("who"));
    if (operation.what == "raft.add" || operation.what == "raft.learn") {
      if (const auto id = nodes_.id(who))
        change(node, wire::MemberChange::ADD, *id, who, operation.what == "raft.learn", {});
      return;
    }
    if (operation.what == "raft.remove") {
      const Configuration* const known = configuration();
      const auto id = nodes_.id(who);
      if (id && known && known->voters() > static_cast<std::size_t>(operation.number("least")))
        change(node, wire::MemberChange::REMOVE, *id, who, false, {});
      return;
    }
    if (operation.what == "raft.mend") return mend(who);
    base::ensure(operation.what == "raft.snapshot", "an operation of this domain is in its spec");
    ask<wire::TakeSnapshot, messages::wire::Nothing>(
        begin(node, "a snapshot"), kGroupPath.c_str(), kSimWait, [](wire::TakeSnapshot::Builder) {},
        [](const Error&, auto) {});
  });
}

/// Repeated until the group exists, because members may be down.
void RaftWorkload::init(std::size_t members) {
  members_ = std::min(members, nodes_.size());
  if (made_ || !nodes_.serving(0)) return;
  std::vector<base::NodeId> ids;
  for (std::size_t node = 0; node < members_; ++node)
    if (const auto id = nodes_.id(node)) ids.push_back(*id);
  if (ids.size() < members_) return;
  asking_.insert(0);
  ask<wire::InitGroup, wire::GroupMade>(
      begin(0, "the group is made"), kPath, kSimWait,
      [ids](wire::InitGroup::Builder out) {
        out.setGroup(kSimGroup);
        auto list = out.initMembers(size32(ids));
        for (unsigned i = 0; i < list.size(); ++i) list[i].setNode(data_of(ids[i].view()));
      },
      [this, ids](const Error& error, wire::GroupMade::Reader made) {
        asking_.erase(0);
        if (error || made.getFailed().size() > 0) return;
        made_ = true;
        for (std::size_t node = 0; node < ids.size(); ++node) joined_.try_emplace(node, ids[node]);
      });
}

void RaftWorkload::change(std::size_t node, wire::MemberChange what, const base::NodeId& who, std::size_t who_node,
                          bool learner, std::function<void()> then) {
  const base::Endpoint at{sim::address_of(static_cast<std::uint16_t>(who_node + 1)), kSimPort};
  if (what == wire::MemberChange::ADD) joined_.try_emplace(who_node, who);
  ask<wire::ChangeMember, messages::wire::Nothing>(
      begin(node, "a change of " + node_name(who_node)), kGroupPath.c_str(), kSimWait,
      [what, who, at, learner](wire::ChangeMember::Builder out) {
        out.setChange(what);
        auto member = out.initMember();
        member.setNode(data_of(who.view()));
        if (what == wire::MemberChange::ADD) member.setEndpoint(at.text());
        out.setLearner(learner);
        out.setDueMs(15'000);
      },
      [then](const Error&, auto) {
        if (then) then();
      });
}

/// An operator removes a member whose node no longer exists, because its disk is gone. Then adds `who`, if that node
/// was a member before it lost its disk.
void RaftWorkload::mend(std::size_t who) {
  const Configuration* const known = configuration();
  const auto members = whole();
  const auto asked = std::ranges::find_if(members, [this](std::size_t one) { return nodes_.serving(one); });
  if (mending_ || !known || asked == members.end()) return;
  const auto ended = [this, who, at = nodes_.time()] {
    mending_.reset();
    if (nodes_.time() > at) mend(who);
  };
  const auto gone =
      std::ranges::find_if(known->seats, [this](const auto& one) { return !nodes_.find(one.first.node); });
  if (gone != known->seats.end()) {
    mending_ = *asked;
    return change(*asked, wire::MemberChange::REMOVE, gone->first.node, who, false, ended);
  }
  const auto was = joined_.find(who);
  const auto is = nodes_.id(who);
  if (was == joined_.end() || !is || was->second == *is) return;
  if (std::ranges::any_of(known->seats, [&](const auto& one) { return one.first.node == *is; })) {
    was->second = *is;
    return nodes_.mutations().sometimes("raft: a node without its disk was taken in anew");
  }
  mending_ = *asked;
  change(*asked, wire::MemberChange::ADD, *is, who, false, ended);
}

void RaftWorkload::write(std::size_t node, const std::string& key, Did did, const sim::Value& value,
                         const sim::Value& expected, const std::string& request,
                         std::function<void(std::uint64_t)> then) {
  sim::Client& client = begin(node, "a write of " + key);
  const auto number = history_.begin(
      {.client = static_cast<std::uint32_t>(begun()), .key = key, .did = did, .value = value, .expected = expected});
  ask<wire::Execute, wire::Executed>(
      client, kGroupPath.c_str(), kSimWait,
      [=](wire::Execute::Builder out) {
        out.setDueMs(15'000);
        out.setRequest(request);
        auto txn = out.initWhat().initTxn();
        if (did == Did::replace) {
          auto condition = txn.initConditions(1)[0];
          condition.setKey(data_of(base::as_bytes(key)));
          if (expected) condition.setEquals(data_of(base::as_bytes(*expected)));
        }
        auto operation = txn.initOperations(1)[0];
        operation.setKey(data_of(base::as_bytes(key)));
        if (did == Did::erase) operation.setRemove();
        else operation.setPut(data_of(base::as_bytes(*value)));
      },
      [this, number, did, then](const Error& error, wire::Executed::Reader answer) {
        if (error) return surely_nothing(*error) ? history_.refused(number) : history_.lost(number);
        if (did == Did::replace) history_.answered_replace(number, answer.getOutcome() == wire::Outcome::DONE);
        else if (answer.getOutcome() == wire::Outcome::DONE) history_.answered(number);
        else history_.refused(number);
        if (then && answer.getOutcome() == wire::Outcome::DONE) then(answer.getRevision());
      });
}

void RaftWorkload::read(std::size_t node, const std::string& key, std::function<void(bool)> then) {
  sim::Client& client = begin(node, "a read of " + key);
  const auto number = history_.begin({.client = static_cast<std::uint32_t>(begun()), .key = key, .did = Did::read});
  ask<wire::GetKey, wire::GotKey>(
      client, kGroupPath.c_str(), kSimWait,
      [key](wire::GetKey::Builder out) {
        out.setKey(data_of(base::as_bytes(key)));
        out.setDueMs(15'000);
      },
      [this, number, key, then](const Error& error, wire::GotKey::Reader answer) {
        if (error) {
          history_.refused(number);
        } else {
          const sim::Value value = answer.getFound() ? sim::Value(text(answer.getValue())) : std::nullopt;
          history_.answered_read(number, value);
          read_last_[key] = value;
        }
        if (then) then(!error);
      });
}

void RaftWorkload::lease(std::size_t node, std::int64_t seconds) {
  const std::chrono::seconds lasts(seconds);
  ask<wire::Execute, wire::Executed>(
      begin(node, "a lease"), kGroupPath.c_str(), kSimWait,
      [=](wire::Execute::Builder out) {
        out.setDueMs(15'000);
        out.initWhat().setGrantMs(static_cast<std::uint64_t>(seconds) * 1'000);
      },
      [this, lasts, asked = nodes_.time()](const Error& error, wire::Executed::Reader answer) {
        if (!error && answer.getLease() != 0)
          leases_.push_back({.id = {answer.getLease()}, .asked = asked, .lasts = lasts});
      });
}

void RaftWorkload::died(std::size_t node) {
  Clients::died(node);
  seen_.erase(node);
  asking_.erase(node);
  if (mending_ == node) mending_.reset();
  std::erase_if(apart_, [node](const auto& one) { return one.first.first == node || one.first.second == node; });
}

// -- after each event ------------------------------------------------------------------------------------------------

void RaftWorkload::handled(std::size_t node, std::string_view path, const runtime::Actor& actor) {
  if (path == kLogPath) {
    const auto* const logs = dynamic_cast<const LogActor*>(&actor);
    const auto seen = seen_.find(node);
    if (logs == nullptr) return;
    // The group had received these entries before this sync, which had something to sync. A new run counts from zero.
    if (logs->syncs() > std::exchange(syncs_[node], logs->syncs()) && seen != seen_.end())
      covered_[seen->second.self] = held_[seen->second.self];
    return;
  }
  if (path != kGroupPath) return;
  const auto* const group = dynamic_cast<const GroupActor*>(&actor);
  if (group == nullptr) return;
  if (!nodes_.serving(node) && !seen_.contains(node)) return;  // the actors of a killed node still end
  Seen& seen = seen_[node];
  const Raft* const core = group->running();
  seen.serves = core != nullptr;
  if (core == nullptr) {
    seen.hashes.clear();
    std::erase_if(apart_, [node](const auto& one) { return one.first.first == node || one.first.second == node; });
    return;
  }
  const std::optional<Configuration> before = note_log(node, seen, *core);
  if (beyond_) {
    if (group->applied() == seen.applied) return;
    seen.applied = group->applied();
    seen.hashes[seen.applied.value] = group->hash();
    if (seen.hashes.size() > kSimHashesKept) seen.hashes.erase(seen.hashes.begin());
    return compare(node);
  }
  check_held(node, *core);
  if (nodes_.lost_data(node)) return;
  check_commit(node, seen, *core, before);
  if (group->applied() == seen.applied) return;
  seen.applied = group->applied();
  if (const auto* keys = dynamic_cast<const KvService*>(&group->machine()))
    look_at_leases(node, *keys, seen.applied, seen.leads ? std::optional(core->term()) : std::nullopt);
  const auto [known, fresh] = hashes_.try_emplace(seen.applied.value, group->hash());
  if (!fresh && known->second != group->hash())
    nodes_.violated("alike", node_name(node) + " has another state after index " + std::to_string(seen.applied.value) +
                                 " than an earlier member");
  if (hashes_.size() > kSimHashesKept) hashes_.erase(hashes_.begin());
}

/// Returns the configuration before this event if it has changed.
std::optional<Configuration> RaftWorkload::note_log(std::size_t node, Seen& seen, const Raft& core) {
  const Log& log = core.log();
  std::optional<Configuration> before;
  if (seen.self != core.self() || seen.configuration_index != log.configuration_index() ||
      seen.last_term != log.last_term()) {
    seen.configuration_index = log.configuration_index();
    before = std::exchange(seen.configuration, log.configuration());
    if (log.last_term() >= known_term_ && !seen.configuration.seats.empty() && !nodes_.lost_data(node)) {
      known_term_ = log.last_term();
      known_ = log.configuration();
    }
  }
  seen.self = core.self();
  seen.last = log.last();
  seen.last_term = log.last_term();
  return before;
}

/// Checks that a member has the entries that it acknowledged.
void RaftWorkload::check_held(std::size_t node, const Raft& core) {
  const Index last = core.log().last();
  Index& held = held_[core.self()];
  // The record after an entry shows whether a changed byte was an unfinished write. Several changed bytes may hit both.
  const bool may_lack = (nodes_.rots() > 1 && nodes_.lost_data(node)) || nodes_.went_back(node);
  if (last < (nodes_.lost_data(node) ? covered_[core.self()] : held) && !may_lack)
    nodes_.violated("held", node_name(node) + " continues at index " + std::to_string(last.value) +
                                ", but had acknowledged " + std::to_string(held.value));
  held = std::min(held, last);  // entries that its disk has lost cannot be covered any longer
  held = std::max(held, std::min(core.durable(), core.commit()));
  Index& durable = durable_[core.self()];
  durable = std::max(durable, core.durable());
}

/// Checks a member's commits: a majority has them on disk, its term has only one leader, and earlier members committed
/// the same.
void RaftWorkload::check_commit(std::size_t node, Seen& seen, const Raft& core,
                                const std::optional<Configuration>& before) {
  const bool leads = core.role() == Role::leader;
  // The commit may have changed the members in the same event.
  if (leads && core.commit() > seen.commit && !on_majority(core.commit(), core.log().configuration()) &&
      !(before && on_majority(core.commit(), *before)))
    nodes_.violated("durable", node_name(node) + " has committed index " + std::to_string(core.commit().value) +
                                   ", which the disks of a majority do not have");
  if (leads && !seen.leads) {
    const auto [known, fresh] = leaders_.try_emplace(core.term().value, core.self());
    if (!fresh && known->second != core.self())
      nodes_.violated("one-leader", node_name(node) + " leads in term " + std::to_string(core.term().value) +
                                        ", which had another leader");
  }
  seen.leads = leads;
  for (Index at = std::max(seen.commit.next(), core.log().first()); at <= core.commit(); at = at.next()) {
    const auto term = core.log().term_at(at);
    if (!term) continue;
    const auto [known, fresh] = committed_.try_emplace(at.value, term->value);
    if (!fresh && known->second != term->value)
      nodes_.violated("committed", node_name(node) + " has committed a different entry at index " +
                                       std::to_string(at.value) + " than an earlier member");
  }
  seen.commit = std::max(seen.commit, core.commit());
}

/// Commands carry the group's time. Each leader may keep an expired lease for at most a few seconds.
void RaftWorkload::look_at_leases(std::size_t node, const KvService& keys, Index applied, std::optional<Term> leads) {
  const base::Duration now = nodes_.time();
  const std::chrono::milliseconds group_time(keys.machine().time_ms());
  const bool counts = leads && group_time > group_time_;
  if (counts) group_time_ = group_time;
  if (const std::pair by(node, leads.value_or(Term{})); counts && std::exchange(group_time_by_, by) != by)
    for (Lease& one : leases_) one.late.reset();
  for (Lease& one : leases_) {
    const bool there = keys.machine().leases().contains(one.id);
    if (there && (!one.seen || applied < *one.seen)) {
      one.seen = applied;
      one.begun = group_time;
    }
    if (!there && one.seen && applied > *one.seen && now < one.asked + one.lasts - one.lasts / kSimClockPart)
      nodes_.violated("leases", node_name(node) + " has ended a lease of " + seconds_of(one.lasts) + " after " +
                                    seconds_of(now - one.asked));
    // A new leader grants a lease at the time of the last entry, until it has committed an entry of its term.
    const bool may_last = now < one.asked + one.lasts + one.lasts / kSimClockPart;
    if (!there || !counts || may_last || group_time < one.begun + one.lasts) continue;
    if (!one.late) one.late = now;
    if (now - *one.late > kSimLeaseSlack)
      nodes_.violated("leases", node_name(node) + " leads, and has a lease of " + seconds_of(one.lasts) + " after " +
                                    seconds_of(group_time - one.begun) + " of the group's time");
  }
  std::erase_if(leases_, [&](const Lease& one) {
    return one.seen && applied > *one.seen && !keys.machine().leases().contains(one.id);
  });
}

bool RaftWorkload::on_majority(Index index, const Configuration& configuration,
                               std::optional<std::size_t> without) const {
  return quorum_value(configuration, [&](const MemberId& id) {
           const auto found = durable_.find(id);
           const bool counts = found != durable_.end() && (!without || nodes_.find(id.node) != without);
           return counts ? found->second.value : 0;
         }) >= index.value;
}

bool RaftWorkload::may_go_back(std::size_t node) const {
  Index newest;
  for (const auto& [other, seen] : seen_) newest = std::max(newest, seen.last);
  const Configuration* const known = configuration();
  return !known || on_majority(newest, *known, node);
}

/// A member with another state after the same entry differs from then on, until a snapshot corrects it.
void RaftWorkload::compare(std::size_t node) {
  const Seen& seen = seen_.at(node);
  for (const auto& [other, its] : seen_) {
    const auto hash = its.hashes.find(seen.applied.value);
    if (other == node || !its.serves || hash == its.hashes.end()) continue;
    const auto pair = std::minmax(node, other);
    if (hash->second == seen.hashes.at(seen.applied.value)) apart_.erase(pair);
    else apart_.try_emplace(pair, nodes_.time());
  }
}

// -- convergence -----------------------------------------------------------------------------------------------------

const Configuration* RaftWorkload::configuration() const {
  const Seen* best = nullptr;
  for (const auto& [node, seen] : seen_)
    if (!nodes_.lost_data(node) && !seen.configuration.seats.empty() &&
        (!best || std::pair(best->last_term, best->last) < std::pair(seen.last_term, seen.last)))
      best = &seen;
  if (best) return &best->configuration;
  return known_.seats.empty() ? nullptr : &known_;
}

std::optional<std::size_t> RaftWorkload::whole(const MemberId& member) const {
  const auto node = nodes_.find(member.node);
  return node && !nodes_.lost_data(*node) ? node : std::nullopt;
}

std::vector<std::size_t> RaftWorkload::whole() const {
  std::vector<std::size_t> out;
  const Configuration* const known = configuration();
  if (!known || quorum_value(*known, [this](const MemberId& id) { return whole(id) ? 1 : 0; }) == 0) return out;
  for (const auto& [id, seat] : known->seats)
    if (const auto node = whole(id)) out.push_back(*node);
  return out;
}

void RaftWorkload::probe() {
  if (members_ == 0) return;
  if (!healed_) healed_ = nodes_.time();
  if (!made_) {
    if (asking_.empty()) init(members_);
    return;
  }
  if (beyond_) {
    // Members compare applied entries, so there must be some.
    for (const auto& [node, seen] : seen_)
      if (nodes_.serving(node)) write(node, "k0", Did::write, fresh(), {}, {}, {});
    for (const auto& [pair, since] : apart_)
      if (nodes_.time() - std::max(since, *healed_) > kSimNamedWithin)
        nodes_.violated("named", node_name(pair.first) + " and " + node_name(pair.second) +
                                     " serve different states for more than a minute");
    return;
  }
  for (const std::size_t node : whole()) {
    if (!nodes_.serving(node) || answered_.contains(node) || !asking_.insert(node).second) continue;
    read(node, "k0", [this, node](bool ok) {
      asking_.erase(node);
      if (ok) answered_.insert(node);
    });
  }
  for (std::size_t node = 0; node < nodes_.size(); ++node) mend(node);
}

std::vector<std::string> RaftWorkload::waits() const {
  std::vector<std::string> out;
  if (members_ == 0) return out;
  if (beyond_) {
    for (const auto& [pair, since] : apart_)
      out.push_back(node_name(pair.first) + " and " + node_name(pair.second) + " serve different states");
    return out;
  }
  if (!made_) {
    // A member whose disk is gone may have been one of the founders.
    if (nodes_.lost_data_count() == 0) out.push_back("the group is to be created");
    return out;
  }
  const auto members = whole();
  for (const std::size_t node : members)
    if (!answered_.contains(node)) out.push_back(node_name(node) + " is to answer a read");
  Index newest;
  const auto applied = [this](std::size_t node) {
    const auto found = seen_.find(node);
    return found == seen_.end() ? Index{} : found->second.applied;
  };
  const auto last = [this](std::size_t node) {
    const auto found = seen_.find(node);
    return found == seen_.end() ? Index{} : found->second.last;
  };
  for (const std::size_t node : members) newest = std::max(newest, applied(node));
  for (const std::size_t node : members)
    if (applied(node) < newest)
      out.push_back(node_name(node) + " is to apply up to " + std::to_string(newest.value) + ", and is at " +
                    std::to_string(applied(node).value));
  if (!members.empty())
    for (const auto& [id, seat] : configuration()->seats)
      if (const auto node = nodes_.find(id.node);
          node && seen_.contains(*node) && nodes_.went_back(*node) && last(*node) < newest)
        out.push_back(node_name(*node) + " is to be brought up from an older copy of its disk");
  const auto left = std::ranges::count_if(leases_, [](const Lease& one) { return one.seen.has_value(); });
  if (!members.empty() && left > 0) out.push_back(std::to_string(left) + " leases are to end");
  if (!members.empty())
    for (const auto& [id, seat] : configuration()->seats)
      if (!nodes_.find(id.node)) out.push_back("a node that no longer exists is to be removed from the members");
  if (closing_ && final_reads_ > 0) out.push_back(std::to_string(final_reads_) + " last reads are to be answered");
  return out;
}

void RaftWorkload::close() {
  if (closing_ || beyond_) return;
  closing_ = true;
  if (!made_) return;
  for (const std::size_t node : whole()) {
    if (!nodes_.serving(node)) continue;
    for (std::size_t key = 0; key < 8; ++key) {
      ++final_reads_;
      read(node, "k" + std::to_string(key), [this](bool) {
        if (--final_reads_ > 0) return;
        const auto found = sim::linearizable(history_.operations());
        if (found.verdict != sim::Verdict::broken) return;
        nodes_.violated("linearizable", "no order explains the responses to clients for " + found.key +
                                            (found.unexplained ? ": " + sim::text(*found.unexplained) : std::string()));
      });
    }
  }
}

}  // namespace troupe::raft
