#include "actors/durable/api.hpp"
#include "actors/raft/api.hpp"
#include "messages/codec.hpp"
#include "messages/raft.capnp.h"
#include "runtime/actor/user.hpp"

namespace troupe::durable {
namespace {

constexpr std::chrono::milliseconds kFollowAgain{100};  // our choice: a group may not have started yet
constexpr std::chrono::hours kIdle{24};                 // a leader that stays sends nothing

}  // namespace

Seat::Seat(runtime::Actor& owner, Place place, std::shared_ptr<runtime::Links> links)
    : Part(owner), place_(place.at(links->self())), links_(std::move(links)) {}

base::User<base::NodeId> Seat::user(const runtime::Caller& from) const {
  const auto out = runtime::user_of(from);
  return out.reserved || trusts(out.id) ? base::User<base::NodeId>{.reserved = true} : out;
}

void Seat::start(base::Callback<void()> taken, base::Callback<void()> lost) {
  taken_ = std::move(taken);
  lost_ = std::move(lost);
  if (place_.kind == Place::Kind::self) became(true, 0);
  if (place_.kind == Place::Kind::group) follow();
}

void Seat::became(bool here, std::uint64_t term) {
  if (here == here_ && (!here || term == term_)) return;
  if (here_ && world().mutations.on("durable.old_term")) return;  // see Storage::commit, too
  if (std::exchange(here_, false)) lost_();
  term_ = term;
  here_ = here;
  if (here_) taken_();
}

void Seat::follow() {
  const runtime::Handle group = node().find(raft::path_of(place_.group));
  if (!group) return wait_(*this, kFollowAgain);  // no request, because nobody is there to answer it
  following_ = subscribe<raft::wire::FollowGroup, raft::wire::GroupRole>(
      group, kIdle, [](raft::wire::FollowGroup::Builder) {},
      [this](raft::wire::GroupRole::Reader role) {
        members_.clear();
        for (const auto member : role.getMembers())
          if (const auto id = node_of(member)) members_.insert(*id);
        leader_ = node_of(role.getLeader());
        became(role.getLeads(), role.getTerm());
      },
      [this](const base::Result<void, base::Error>&) {
        members_.clear();
        leader_.reset();
        became(false, 0);
        wait_(*this, kFollowAgain);
      });
}

}  // namespace troupe::durable
