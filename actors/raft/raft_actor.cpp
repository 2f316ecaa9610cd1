#include "actors/raft/raft_actor.hpp"

#include <algorithm>

#include "actors/raft/group_actor.hpp"
#include "actors/raft/guest_actor.hpp"
#include "actors/raft/line.hpp"
#include "actors/raft/log_actor.hpp"
#include "actors/raft/snapshots_actor.hpp"
#include "actors/raft/wire.hpp"
#include "messages/runtime.capnp.h"

namespace troupe::raft {
namespace {

using base::Code;
using base::Error;

constexpr const char* kKeyspace = "raft";
constexpr std::chrono::seconds kMemberDue{5};
constexpr std::chrono::minutes kFirstRecordDue{10};
constexpr std::chrono::seconds kReachDue{2};
constexpr std::size_t kFoundersMax = 16;  // messages/raft.capnp

store::Rows::Setup rows_setup(const RaftSettings& settings) {
  return {.store = settings.store,
          .keyspace = kKeyspace,
          .what = "the groups of this node",
          .source = "raft.groups",
          .health = settings.health,
          .doubt = store::Doubt::ends_owner};
}

/// Returns the nodes of a configuration, without their incarnations.
std::set<base::NodeId> nodes_of(const Configuration& configuration) {
  std::set<base::NodeId> out;
  for (const auto& [member, seat] : configuration.seats) out.insert(member.node);
  return out;
}

}  // namespace

RaftActor::RaftActor(SharedSettings settings)
    : settings_(std::move(settings)), rows_(*this, rows_setup(*settings_)), followers_(*this) {}

template <class Q, class A>
void RaftActor::serve(runtime::Handlers& on, void (RaftActor::*handler)(typename Q::Reader, runtime::Reply<A>)) {
  on.ask<Q, A>([this, handler](typename Q::Reader ask, runtime::Reply<A> reply) {
    if (loaded_) (this->*handler)(ask, std::move(reply));
    else reply.refuse(rows_.refusal());
  });
}

void RaftActor::receive(runtime::Handlers& on) {
  serve<wire::InitGroup>(on, &RaftActor::init);
  serve<wire::PrepareMember>(on, &RaftActor::prepare_for);
  serve<wire::FoundGroup>(on, &RaftActor::found_for);
  serve<wire::JoinGroup>(on, &RaftActor::join_for);
  serve<wire::ListGroups>(on, &RaftActor::list);
  serve<wire::ReachGroup>(on, &RaftActor::reach);
  on.ask<runtime::wire::AwaitReady, messages::wire::Nothing>([this](runtime::wire::AwaitReady::Reader, Nothing reply) {
    rows_.when_settled([reply = std::move(reply)]() mutable { reply.done(); });
  });
  on.tell<wire::MembersAre>([this](wire::MembersAre::Reader told) { told_members(told); });
  on.tell<wire::LostLog>([this](wire::LostLog::Reader told) { told_loss(told); });
  serve<wire::NewEpoch>(on, &RaftActor::told_epoch);
  rows_.receive<RowsAgain>(on);
  followers_.receive(on);
  on.describe<wire::RaftState>([this](wire::RaftState::Builder state) {
    const auto members = std::ranges::count_if(groups_, [](const auto& one) { return one.second.member; });
    state.setGroups(static_cast<std::uint32_t>(members));
    state.setPrepared(static_cast<std::uint32_t>(groups_.size() - static_cast<std::size_t>(members)));
  });
}

void RaftActor::start() {
  const auto own_thread = [](const char* kind) {
    return runtime::SpawnOptions{.kind = kind, .placement = ports::Placement::own_thread};
  };
  log_ = spawn(
      std::string(kLogName),
      [at = settings_->directory + "/log", settings = settings_] { return std::make_unique<LogActor>(at, settings); },
      own_thread(LogActor::kName));
  snapshots_ = spawn(
      std::string(kSnapshotsName),
      [at = settings_->directory + "/snapshots"] { return std::make_unique<SnapshotsActor>(at); },
      own_thread(SnapshotsActor::kName));
  node()
      .publish<wire::InitGroup, wire::PrepareMember, wire::FoundGroup, wire::JoinGroup, wire::ListGroups,
               wire::ReachGroup>(kPath, self());
  rows_.load(
      [this](base::ByteView key, base::ByteView value) {
        const std::string name(base::as_text(key));
        const auto row = decode_group_row(value);
        if (row && is_group_name(name)) groups_.insert_or_assign(name, *row);
        return store::Use::keep;  // it may have a later version
      },
      [this](const base::Outcome<void>& read) {
        if (read.ok()) loaded();
      });
}

void RaftActor::loaded() {
  loaded_ = true;
  name_partners();
  followers_.changed();
  keep_members();
  for (const auto& [name, row] : groups_)
    if (row.member) start_group(name);
}

void RaftActor::keep_members() {
  const auto keep = [&](wire::KeepMembers::Builder out) {
    std::set<Incarnation> all;
    for (const auto& [name, row] : groups_) all.insert(row.incarnation);
    for (const auto& [name, incarnation] : beginning_)
      if (incarnation != 0) all.insert(incarnation);
    auto list = out.initIncarnations(size32(all));
    unsigned i = 0;
    for (const Incarnation one : all) list.set(i++, one);
  };
  tell<wire::KeepMembers>(log_, keep);
  tell<wire::KeepMembers>(snapshots_, keep);
}

void RaftActor::name_partners() {
  std::set<base::NodeId> members;
  for (const auto& [name, row] : groups_) {
    const auto& configuration = row.known ? row.known : row.founding;
    if (!row.member || !configuration) continue;
    for (const auto& [member, seat] : configuration->seats) members.insert(member.node);
  }
  settings_->links->set_partners("raft", std::move(members));
}

/// Asks all linked nodes that this node trusts at the same time. The first that is in the group reports its members.
/// Any other node could claim to be the group.
void RaftActor::reach(wire::ReachGroup::Reader question, Nothing reply) {
  const std::string group = text_of(question.getGroup());
  if (actors_.contains(group) || guests_.contains(group)) return reply.done();
  struct Reaching {
    std::size_t waits = 0;
    Nothing reply;
  };
  const auto reaching = std::make_shared<Reaching>(Reaching{0, std::move(reply)});
  const auto none = [](Nothing& to) {
    to.refuse({Code::not_found,
               "neither this node nor a linked node that it trusts is in that group; to trust a node, set raft.invites "
               "or join ID@HOST:PORT"});
  };
  if (is_group_name(group) && guests_.size() < kGuestsMax)
    for (const auto& peer : settings_->links->rows()) {
      if (peer.role != messages::Role::peer || !is_trusted(*settings_, peer.node, peer.contact.endpoint)) continue;
      if (!settings_->links->linked(peer.node)) continue;
      ++reaching->waits;
      ask<wire::GetGroup, wire::GroupStatus>(
          settings_->links->over_link(peer.node, path_of(group)), now() + kReachDue,
          [](wire::GetGroup::Builder out) { out.setLetSleep(true); },
          [this, group, reaching, none](runtime::Answer<wire::GroupStatus> answer) {
            --reaching->waits;
            if (!reaching->reply.open()) return;
            GuestActor::Members members;
            if (answer.ok())
              for (const auto row : answer.value().getMembers()) {
                const auto member = raft::read(row.getMember());
                const auto at = base::Endpoint::parse(text_of(row.getAddress()));
                if (member && members.size() < kMembersMax) members.emplace(*member, at.value_or(base::Endpoint{}));
              }
            if (members.empty()) {
              if (reaching->waits == 0) none(reaching->reply);
              return;
            }
            if (!actors_.contains(group) && !guests_.contains(group)) {
              const runtime::Handle guest = spawn<GuestActor>(group, settings_, group, members);
              guests_.insert_or_assign(group, guest);
              watch(guest);
            }
            reaching->reply.done();
          });
    }
  if (reaching->waits == 0) none(reaching->reply);
}

void RaftActor::start_group(const std::string& group) {
  if (const auto guest = guests_.find(group); guest != guests_.end()) {  // its name is free once it has ended
    begins_after_guest_.insert(group);
    return stop_child(guest->second);
  }
  const GroupRow& row = groups_.at(group);
  settings_->counters->groups =
      static_cast<std::uint64_t>(std::ranges::count_if(groups_, [](const auto& one) { return one.second.member; }));
  const GroupActor::Setup setup{.name = group,
                                .self = {settings_->self, row.incarnation},
                                .epoch = row.epoch,
                                .founding = row.founding,
                                .lost = row.lost,
                                .known = row.known ? row.known : row.founding,
                                .settings = settings_};
  const runtime::Handle actor =
      spawn(group, [setup] { return std::make_unique<GroupActor>(setup); }, {.kind = GroupActor::kName});
  actors_.insert_or_assign(group, actor);
  watch(actor);
}

/// Starts the group as its current row says, once its previous actor has ended.
void RaftActor::restart_group(const std::string& group) {
  const auto actor = actors_.find(group);
  if (actor == actors_.end()) return start_group(group);
  if (restarting_.insert(group).second) stop_child(actor->second);
}

void RaftActor::down(const runtime::Handle& ended, const std::optional<base::Error>&) {
  const auto is = [&](const auto& one) { return one.second == ended; };
  if (const auto guest = std::ranges::find_if(guests_, is); guest != guests_.end()) {
    const std::string group = guest->first;
    guests_.erase(guest);
    if (begins_after_guest_.erase(group) > 0) start_group(group);
    return;
  }
  const auto found = std::ranges::find_if(actors_, is);
  if (found == actors_.end()) return;
  const std::string group = found->first;
  actors_.erase(found);
  if (restarting_.erase(group) > 0) start_group(group);
}

void RaftActor::told_members(wire::MembersAre::Reader told) {
  const auto found = groups_.find(text_of(told.getGroup()));
  const auto configuration = decode_configuration(bytes_of(told.getConfiguration()));
  if (found == groups_.end() || !configuration || beginning_.contains(found->first)) return;
  GroupRow row = found->second;
  // A configuration without this member is from before it was added or after it was removed. The members known at its
  // addition can still add it.
  if (!configuration->find({settings_->self, row.incarnation})) return;
  row.lost = 0;
  row.known = configuration;
  if (row != found->second) save(found->first, row, [](const base::Outcome<void>&) {});
}

void RaftActor::told_loss(wire::LostLog::Reader told) {
  const std::string group = text_of(told.getGroup());
  const auto found = groups_.find(group);
  if (found == groups_.end() || found->second.incarnation != told.getIncarnation()) return;
  GroupRow row{.incarnation = world().chance.seed() >> 1 | 1,
               .epoch = found->second.epoch,
               .lost = found->second.lost != 0 ? found->second.lost : found->second.incarnation,
               .known = found->second.known ? found->second.known : found->second.founding};
  settings_->log.warn("a member continues under its next incarnation", {{"group", std::string_view(group)}});
  begin(group, std::move(row), [this](const base::Outcome<void>& begun) {
    if (begun.ok()) keep_members();
  });
}

void RaftActor::told_epoch(wire::NewEpoch::Reader told, Nothing reply) {
  const std::string group = text_of(told.getGroup());
  const auto found = groups_.find(group);
  if (found == groups_.end()) return reply.refuse({Code::not_found, "there is no such group"});
  GroupRow row = found->second;
  row.epoch = Epoch{told.getEpoch()};
  save(group, row,
       [this, group, restart = told.getRestart(), reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
         if (!saved.ok()) return reply.refuse(saved.error());
         reply.done();
         if (restart) restart_group(group);
       });
}

bool RaftActor::invited(runtime::AnyReply& reply) {
  const runtime::Caller from = caller();
  if (from.role != messages::Role::peer || !from.node || is_trusted(*settings_, *from.node, from.at)) return true;
  // A member's leader adds the others.
  const std::string id = from.node->hex();
  reply.refuse({Code::refused, "it takes no invitation to a group from node " + id +
                                   ": start it with --set raft.invites=" + id + ", or with --join " + id +
                                   "@HOST:PORT instead of an address without an id"});
  return false;
}

// -- a member --------------------------------------------------------------------------------------------------------

void RaftActor::save(const std::string& group, const GroupRow& row, base::Callback<void(base::Outcome<void>)> done) {
  store::RowChange change;
  const auto key = base::as_bytes(group);
  change.save.push_back({{key.begin(), key.end()}, encode(row)});
  beginning_.insert_or_assign(group, row.incarnation);
  rows_.save(std::move(change), [this, group, row, done = std::move(done)](const base::Outcome<void>& saved) mutable {
    beginning_.erase(group);
    if (saved.ok()) {
      groups_.insert_or_assign(group, row);
      name_partners();
      followers_.changed();
    }
    done(saved);
  });
}

void RaftActor::prepare(const std::string& group, base::Callback<void(base::Outcome<GroupRow>)> done) {
  if (!is_group_name(group)) return done(Error{Code::malformed, kGroupNameIs});
  if (const auto known = groups_.find(group); known != groups_.end()) return done(known->second);
  if (beginning_.contains(group)) return done(Error{Code::overloaded, "the group is being created: retry"});
  if (groups_.size() + beginning_.size() >= settings_->groups_max)
    return done(Error{Code::overloaded, "this node has reached its limit of groups: raise raft.groups_max"});
  const GroupRow row{.incarnation = world().chance.seed() >> 1 | 1};
  save(group, row, [row, done = std::move(done)](const base::Outcome<void>& saved) mutable {
    if (saved.ok()) done(row);
    else done(saved.error());
  });
}

void RaftActor::found(const std::string& group, const Configuration& configuration,
                      base::Callback<void(base::Outcome<void>)> done) {
  const auto known = groups_.find(group);
  if (known == groups_.end()) return done(Error{Code::conflict, "this node was not prepared for that group"});
  GroupRow row = known->second;
  if (row.member) {
    if (row.founding == configuration) return done({});
    return done(Error{Code::conflict, "this node is already in another group of that name"});
  }
  if (!configuration.find({settings_->self, row.incarnation}))
    return done(Error{Code::conflict, "this node was prepared under another incarnation"});
  row.founding = configuration;
  begin(group, std::move(row), std::move(done));
}

/// Writes the log's first record, then the row that says so, then starts the actor.
void RaftActor::begin(const std::string& group, GroupRow row, base::Callback<void(base::Outcome<void>)> done) {
  if (!beginning_.try_emplace(group, row.incarnation).second)
    return done(Error{Code::overloaded, "the group is being created: retry"});
  row.member = true;
  ask<wire::WriteLog, messages::wire::Nothing>(
      log_, now() + kFirstRecordDue,
      [&](wire::WriteLog::Builder out) {
        out.setIncarnation(row.incarnation);
        out.setRestarts(true);
        out.setHasState(true);
        write(out.initState(), HardState{.term = Term{row.founding ? 1u : 0u}});
      },
      [this, group, row, done = std::move(done)](const runtime::Answer<messages::wire::Nothing>& answer) mutable {
        beginning_.erase(group);
        if (!answer.ok()) return done(answer.error());
        save(group, row, [this, group, row, done = std::move(done)](const base::Outcome<void>& saved) mutable {
          if (saved.ok()) restart_group(group);
          done(saved);
        });
      });
}

void RaftActor::prepare_for(wire::PrepareMember::Reader ask, runtime::Reply<wire::MemberPrepared> reply) {
  if (!invited(reply)) return;
  prepare(text_of(ask.getGroup()), [reply = std::move(reply)](const base::Outcome<GroupRow>& row) mutable {
    if (!row.ok()) return reply.refuse(row.error());
    reply.send([&](wire::MemberPrepared::Builder out) {
      out.setIncarnation(row.value().incarnation);
      out.setFounded(row.value().founding.has_value());
      if (row.value().founding) out.setConfiguration(data_of(encode(*row.value().founding)));
    });
  });
}

void RaftActor::found_for(wire::FoundGroup::Reader ask, Nothing reply) {
  if (!invited(reply)) return;
  const auto configuration = ask.getConfiguration().size() > kConfigurationBytesMax
                                 ? std::nullopt
                                 : decode_configuration(bytes_of(ask.getConfiguration()));
  if (!configuration) return reply.refuse({Code::malformed, "the list of the group's members is malformed"});
  found(text_of(ask.getGroup()), *configuration, [reply = std::move(reply)](const base::Outcome<void>& done) mutable {
    if (done.ok()) reply.done();
    else reply.refuse(done.error());
  });
}

void RaftActor::join_for(wire::JoinGroup::Reader ask, Nothing reply) {
  if (!invited(reply)) return;
  const std::string group = text_of(ask.getGroup());
  const auto known = groups_.find(group);
  if (known == groups_.end() || known->second.incarnation != ask.getIncarnation())
    return reply.refuse({Code::conflict, "this node was not prepared for that group"});
  if (known->second.member) return reply.done();
  GroupRow row = known->second;
  row.epoch = Epoch{ask.getEpoch()};
  if (ask.getConfiguration().size() <= kConfigurationBytesMax)
    row.known = decode_configuration(bytes_of(ask.getConfiguration()));
  if (row.epoch.value > kNumberMax || !row.known)
    return reply.refuse({Code::malformed, "the group's epoch or list of members is malformed"});
  begin(group, std::move(row), [reply = std::move(reply)](const base::Outcome<void>& done) mutable {
    if (done.ok()) reply.done();
    else reply.refuse(done.error());
  });
}

void RaftActor::list(wire::ListGroups::Reader, runtime::Reply<wire::Groups> reply) {
  reply.send([&](wire::Groups::Builder out) {
    auto list = out.initGroups(size32(groups_));
    unsigned i = 0;
    for (const auto& [name, row] : groups_) {
      list[i].setName(name);
      list[i].setIncarnation(row.incarnation);
      list[i++].setMember(row.member);
    }
  });
}

// -- a new group -----------------------------------------------------------------------------------------------------

struct RaftActor::Making {
  std::string group;
  std::map<base::NodeId, base::Endpoint> members;
  std::map<base::NodeId, Incarnation> incarnations;
  std::optional<Configuration> configuration;  // from an earlier attempt
  bool again = false;
  std::map<base::NodeId, std::string> failed;
  std::optional<Error> conflict;
  std::size_t waits = 0;
  runtime::Reply<wire::GroupMade> reply;

  void answer() {
    if (conflict) return reply.refuse(*conflict);
    reply.send([&](wire::GroupMade::Builder out) {
      out.setAlready(again && failed.empty());
      auto list = out.initFailed(size32(failed));
      unsigned i = 0;
      for (const auto& [node, why] : failed) {
        list[i].setNode(data_of(node.view()));
        list[i++].setReason(why);
      }
    });
  }
};

void RaftActor::init(wire::InitGroup::Reader ask, runtime::Reply<wire::GroupMade> reply) {
  auto making = std::make_shared<Making>();
  making->group = text_of(ask.getGroup());
  if (!is_group_name(making->group)) return reply.refuse({Code::malformed, kGroupNameIs});
  if (ask.getMembers().size() > kFoundersMax) return reply.refuse({Code::malformed, "too many founders: at most 16"});
  for (const auto one : ask.getMembers()) {
    const auto node = node_of(one.getNode());
    const std::string typed = text_of(one.getEndpoint());
    const auto at = typed.empty() ? base::Endpoint{} : base::Endpoint::parse(typed);
    if (!node || !at || (!typed.empty() && !at->dialable()))
      return reply.refuse({Code::malformed, "invalid member: expected ID@HOST:PORT"});
    making->members.insert_or_assign(*node, *at);
  }
  making->members.try_emplace(settings_->self, own_address());
  making->reply = std::move(reply);
  prepare_all(making);
}

void RaftActor::prepare_all(const std::shared_ptr<Making>& making) {
  making->waits = making->members.size();
  for (const auto& [node, at] : std::map(making->members)) {
    const auto took = [this, making, node = node](const base::Outcome<GroupRow>& row) { prepared(making, node, row); };
    if (node == settings_->self) {
      prepare(making->group, took);
      continue;
    }
    const runtime::Handle there = handle_at(*settings_->links, node, at, kPath);
    if (!there) {
      took(Error{Code::unavailable, "it cannot be dialled now"});
      continue;
    }
    this->ask<wire::PrepareMember, wire::MemberPrepared>(
        there, now() + kMemberDue, [&](wire::PrepareMember::Builder out) { out.setGroup(making->group); },
        [took](runtime::Answer<wire::MemberPrepared> answer) {
          if (!answer.ok()) return took(answer.error());
          GroupRow row{.incarnation = answer.value().getIncarnation()};
          const auto configuration = answer.value().getConfiguration();
          if (answer.value().getFounded() && configuration.size() <= kConfigurationBytesMax)
            row.founding = decode_configuration(bytes_of(configuration));
          if (row.incarnation == 0 || answer.value().getFounded() != row.founding.has_value())
            return took(Error{Code::malformed, "its response is malformed"});
          took(row);
        });
  }
}

void RaftActor::prepared(const std::shared_ptr<Making>& making, const base::NodeId& node,
                         const base::Outcome<GroupRow>& answer) {
  if (!answer.ok()) {
    making->failed.emplace(node, answer.error().message);
  } else {
    making->incarnations.emplace(node, answer.value().incarnation);
    if (answer.value().member && !answer.value().founding)
      making->conflict = Error{Code::conflict, "a node is already in another group of that name"};
    if (const auto& founding = answer.value().founding) {
      if (making->configuration && *making->configuration != *founding)
        making->conflict = Error{Code::conflict, "the nodes are already in different groups of that name"};
      making->configuration = founding;
    }
  }
  if (--making->waits > 0) return;
  if (making->configuration) {
    std::set<base::NodeId> wanted;
    for (const auto& [member, at] : making->members) wanted.insert(member);
    if (nodes_of(*making->configuration) != wanted)
      making->conflict = Error{Code::conflict, "a group of that name already exists, with other members"};
    making->again = true;
  }
  if (making->conflict || !making->failed.empty()) return making->answer();
  found_all(making);
}

void RaftActor::found_all(const std::shared_ptr<Making>& making) {
  if (!making->configuration) {
    Configuration configuration;
    for (const auto& [node, at] : making->members)
      configuration.seats[{node, making->incarnations.at(node)}] = {.voter = true, .address = at};
    making->configuration = std::move(configuration);
  }
  making->waits = making->members.size();
  // This node comes first: if it is interrupted now, it knows which group it was creating.
  found(making->group, *making->configuration, [this, making](const base::Outcome<void>& own) {
    made(making, settings_->self, own);
    if (!own.ok()) return making->answer();
    for (const auto& [node, at] : std::map(making->members)) {
      if (node == settings_->self) continue;
      const runtime::Handle there = handle_at(*settings_->links, node, at, kPath);
      if (!there) {
        made(making, node, Error{Code::unavailable, "it cannot be dialled now"});
        continue;
      }
      ask<wire::FoundGroup, messages::wire::Nothing>(
          there, now() + kMemberDue,
          [&](wire::FoundGroup::Builder out) {
            out.setGroup(making->group);
            out.setConfiguration(data_of(encode(*making->configuration)));
          },
          [this, making, node = node](const runtime::Answer<messages::wire::Nothing>& answer) {
            made(making, node, answer.ok() ? base::Outcome<void>() : answer.error());
          });
    }
  });
}

void RaftActor::made(const std::shared_ptr<Making>& making, const base::NodeId& node,
                     const base::Outcome<void>& answer) {
  if (!answer.ok()) making->failed.emplace(node, answer.error().message);
  if (--making->waits == 0) making->answer();
}

}  // namespace troupe::raft
