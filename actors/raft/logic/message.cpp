#include "actors/raft/logic/message.hpp"

namespace troupe::raft {
namespace {

template <class... Numbers>
bool fit(Numbers... numbers) {
  return ((numbers.value <= kNumberMax) && ...);
}

/// Returns whether index and term are valid, and zero together.
bool pair(Index index, Term term) { return fit(index, term) && (index.value == 0) == (term.value == 0); }

struct WellFormed {
  const Message& message;

  bool operator()(const VoteRequest& ask) const {
    return static_cast<std::uint8_t>(ask.campaign) <= kCampaignMax && pair(ask.last, ask.last_term) &&
           ask.last_term < message.term;
  }
  bool operator()(const VoteReply&) const { return true; }
  bool operator()(const Append& append) const {
    if (!pair(append.previous, append.previous_term) || append.previous_term > message.term || !fit(append.commit) ||
        append.entries.size() > kAppendEntriesMax)
      return false;
    Index last = append.previous;
    Term term = append.previous_term;
    for (const Entry& entry : append.entries) {
      if (entry.term > message.term || entry.view().size() > kEntryBytesLimit || flaw(entry, last, term)) return false;
      last = entry.index;
      term = entry.term;
    }
    return fit(last);
  }
  bool operator()(const AppendReply& reply) const { return fit(reply.match, reply.hint, reply.hint_term); }
  bool operator()(const Commit& told) const { return fit(told.index); }
  bool operator()(const Heartbeat& beat) const {
    return fit(beat.commit, beat.round) && beat.quiet >= base::Duration::zero() && beat.quiet <= kQuietMax;
  }
  bool operator()(const HeartbeatReply& reply) const { return fit(reply.round, reply.durable); }
  bool operator()(const InstallSnapshot& install) const {
    const Snapshot& of = install.snapshot;
    return of.index.value > 0 && pair(of.index, of.term) && of.term <= message.term &&
           of.configuration.seats.size() <= kMembersMax &&
           decode_configuration(encode(of.configuration)) == of.configuration;
  }
  bool operator()(const TimeoutNow&) const { return true; }
  bool operator()(const Wake&) const { return true; }
  bool operator()(const ReadRequest&) const { return true; }
  bool operator()(const ReadReply& reply) const { return fit(reply.index); }
};

}  // namespace

std::optional<Rejected> flaw(const Message& message, const MemberId& self, Epoch epoch) {
  if (message.to != self || message.from == self || message.from.node == base::NodeId{}) return Rejected::other_member;
  if (message.epoch != epoch) return Rejected::other_epoch;
  if (message.term.value == 0 || !fit(message.term) || !std::visit(WellFormed{message}, message.body))
    return Rejected::malformed;
  return std::nullopt;
}

}  // namespace troupe::raft
