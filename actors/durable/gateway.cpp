#include "actors/durable/api.hpp"
#include "actors/raft/api.hpp"
#include "messages/codec.hpp"
#include "messages/common.capnp.h"
#include "messages/raft.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::durable {
namespace {

using base::Code;

constexpr std::chrono::milliseconds kAgain{100};  // our choice: shorter than an election
constexpr std::chrono::seconds kPatience{10};     // our choice: for a request without a deadline
constexpr std::chrono::seconds kLookDue{5};
constexpr std::size_t kWhyBytesMax = 256;  // our choice: fits into the state that an actor shows (why())

/// Returns whether an error, from another node or from this node about it, allows a retry: nothing was done, or a
/// second attempt does no harm.
bool may_send_again(Code code) {
  return code == Code::unavailable || code == Code::dropped || code == Code::not_found || code == Code::unknown_outcome;
}

}  // namespace

bool changes(const runtime::Envelope& question) {
  return question.kind() == nullptr || !question.kind()->from.has(messages::Role::view);
}

bool Gateway::linked() const {
  const Place& place = seat_.place();
  const auto& leads = seat_.leader() ? seat_.leader() : leader_;
  const std::optional<base::NodeId> at = place.kind == Place::Kind::node ? std::optional(place.node) : leads;
  return at && links_->linked(*at);
}

void Gateway::pass(const runtime::Envelope& question, runtime::AnyReply reply) {
  if (seat_.place().kind == Place::Kind::none)
    return reply.refuse({Code::unavailable, "no account ledger is configured: set ledger.book"});
  if (caller().role == messages::Role::peer)
    return reply.refuse({Code::unavailable, "the account ledger is not at this node now: nothing was done"});
  runtime::Header head = question.header();
  if (head.due == base::Instant::max()) head.due = now() + kPatience;
  auto passing = std::make_shared<Passing>(Passing{question.with(head), std::move(reply), caller()});
  send(std::move(passing));
}

runtime::Handle Gateway::there() {
  const Place& place = seat_.place();
  if (place.kind == Place::Kind::node) return links_->remote(place.node, path_);
  if (place.kind != Place::Kind::group) return {};
  if (const auto& leader = seat_.leader()) {
    if (*leader == links_->self()) return {};  // it is about to take the seat
    return links_->remote(*leader, path_);
  }
  if (!leader_) {
    look_for_leader();
    return {};
  }
  return links_->remote_at(*leader_, leader_at_, path_);
}

void Gateway::send(std::shared_ptr<Passing> passing) {
  if (seat_.here()) return here_(passing->question, std::move(passing->reply), passing->from);
  const runtime::Handle to = there();
  if (!to) return park(std::move(passing), "no route to the account ledger is known");
  request(to, passing->question, [this, passing, sent = linked()](const runtime::Envelope& answer) mutable {
    if (answer.header().signal != runtime::Signal::error) {
      why_.clear();
      return passing->reply.forward(answer);
    }
    const base::Error error = runtime::read_error(answer);
    const bool foreign = answer.header().origin == runtime::Origin::foreign;
    const bool again = foreign ? error.code == Code::unavailable : may_send_again(error.code);
    if (!again) return passing->reply.forward(answer);
    leader_.reset();
    // A node that answers `unavailable` has done nothing; after a broken link the outcome is unknown.
    if (!foreign && sent) passing->in_doubt = true;
    park(std::move(passing), error.message);
  });
}

void Gateway::park(std::shared_ptr<Passing> passing, const std::string& why) {
  why_ = base::shortened(why, kWhyBytesMax);  // the text comes from another node
  const bool late = now() + kAgain >= passing->question.header().due;
  if (late && passing->in_doubt && changes(passing->question))
    return passing->reply.refuse(
        {Code::unknown_outcome, "the account ledger has not responded, but may have carried out the request: " + why});
  if (late) return passing->reply.refuse({Code::unavailable, "the account ledger does not respond: " + why});
  if (waiting_.size() >= kWaitingMax)
    return passing->reply.refuse({Code::overloaded, "too many requests wait for a route to the account ledger"});
  waiting_.push_back(std::move(passing));
  wait_(*this, kAgain);
}

void Gateway::again() {
  for (auto& passing : std::exchange(waiting_, {})) send(std::move(passing));
}

void Gateway::look_for_leader() {
  if (std::exchange(looking_, true)) return;
  const auto found = [this](const base::Outcome<void>& done) {
    looking_ = false;
    if (!done.ok()) why_ = base::shortened(done.error().message, kWhyBytesMax);
  };
  ask<raft::wire::ReachGroup, messages::wire::Nothing>(
      node().find(raft::kPath), now() + kLookDue,
      [this](raft::wire::ReachGroup::Builder out) { out.setGroup(seat_.place().group); },
      [this, found](runtime::Answer<messages::wire::Nothing> reached) {
        if (!reached.ok()) return found(reached.error());
        ask<raft::wire::GetGroup, raft::wire::GroupStatus>(
            node().find(raft::path_of(seat_.place().group)), now() + kLookDue, [](raft::wire::GetGroup::Builder) {},
            [this, found](runtime::Answer<raft::wire::GroupStatus> status) {
              if (!status.ok()) return found(status.error());
              leader_ = node_of(status.value().getLeader());
              leader_at_.reset();
              for (const auto row : status.value().getMembers())
                if (leader_ && node_of(row.getMember().getNode()) == leader_)
                  leader_at_ = base::HostPort::parse(text_of(row.getAddress()));
              if (!leader_) return found(base::Error{Code::unavailable, "the group has no leader now"});
              found({});
            });
      });
}

}  // namespace troupe::durable
