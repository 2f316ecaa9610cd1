#include "actors/raft/wire.hpp"

#include <algorithm>

namespace troupe::raft {

void write(wire::Member::Builder out, const MemberId& member) {
  out.setNode(data_of(member.node.view()));
  out.setIncarnation(member.incarnation);
}

std::optional<MemberId> read(wire::Member::Reader from) {
  const auto node = node_of(from.getNode());
  if (!node) return std::nullopt;
  return MemberId{*node, from.getIncarnation()};
}

void write(capnp::List<wire::Entry>::Builder out, const std::vector<Entry>& entries) {
  for (unsigned i = 0; i < entries.size(); ++i) {
    out[i].setTerm(entries[i].term.value);
    out[i].setKind(static_cast<std::uint8_t>(entries[i].kind));
    if (const auto data = entries[i].view(); !data.empty()) out[i].setData(data_of(data));
  }
}

std::optional<std::vector<Entry>> read_entries(capnp::List<wire::Entry>::Reader from, Index first) {
  if (from.size() > kAppendEntriesMax || first.value > kNumberMax) return std::nullopt;
  std::vector<Entry> out;
  out.reserve(from.size());
  Index index = first;
  for (const auto one : from) {
    const base::ByteView data = bytes_of(one.getData());
    if (one.getKind() > kEntryKindMax || data.size() > kEntryBytesLimit) return std::nullopt;
    Entry entry{.index = index, .term = Term{one.getTerm()}, .kind = static_cast<EntryKind>(one.getKind())};
    if (!data.empty()) entry.data = std::make_shared<const base::Bytes>(data.begin(), data.end());
    out.push_back(std::move(entry));
    index = index.next();
  }
  return out;
}

void write(wire::SnapshotMark::Builder out, const Snapshot& snapshot) {
  out.setIndex(snapshot.index.value);
  out.setTerm(snapshot.term.value);
  if (!snapshot.configuration.seats.empty()) out.setConfiguration(data_of(encode(snapshot.configuration)));
  out.setBytes(snapshot.bytes);
  out.setDigest(data_of(snapshot.digest.view()));
}

std::optional<Snapshot> read(wire::SnapshotMark::Reader from) {
  Snapshot out{.index = Index{from.getIndex()}, .term = Term{from.getTerm()}, .bytes = from.getBytes()};
  if (from.getConfiguration().size() > kConfigurationBytesMax) return std::nullopt;
  if (from.getConfiguration().size() > 0) {
    auto configuration = decode_configuration(bytes_of(from.getConfiguration()));
    if (!configuration) return std::nullopt;
    out.configuration = std::move(*configuration);
  }
  const auto digest = base::Digest::from(bytes_of(from.getDigest()));
  if (!digest && from.getDigest().size() > 0) return std::nullopt;
  if (digest) out.digest = *digest;
  return out;
}

void write(wire::Vote::Builder out, const HardState& state) {
  out.setTerm(state.term.value);
  out.setCommit(state.commit.value);
  if (!state.vote) return;
  out.setVoted(true);
  write(out.initVote(), *state.vote);
}

std::optional<HardState> read(wire::Vote::Reader from) {
  HardState out{.term = Term{from.getTerm()}, .commit = Index{from.getCommit()}};
  if (!from.getVoted()) return out;
  out.vote = read(from.getVote());
  if (!out.vote) return std::nullopt;
  return out;
}

// -- messages between members ----------------------------------------------------------------------------------------

namespace {

using Words = wire::Talk::Body::Builder;

void write(Words out, const VoteRequest& ask) {
  auto to = out.initVoteRequest();
  to.setCampaign(static_cast<std::uint8_t>(ask.campaign));
  to.setLast(ask.last.value);
  to.setLastTerm(ask.last_term.value);
}
void write(Words out, const VoteReply& reply) {
  auto to = out.initVoteReply();
  to.setPre(reply.pre);
  to.setGranted(reply.granted);
}
void write(Words out, const Append& append) {
  auto to = out.initAppend();
  to.setPrevious(append.previous.value);
  to.setPreviousTerm(append.previous_term.value);
  to.setCommit(append.commit.value);
  to.setSequence(append.sequence);
  raft::write(to.initEntries(size32(append.entries)), append.entries);
}
void write(Words out, const AppendReply& reply) {
  auto to = out.initAppendReply();
  to.setAccepted(reply.accepted);
  to.setMatch(reply.match.value);
  to.setHint(reply.hint.value);
  to.setHintTerm(reply.hint_term.value);
  to.setSequence(reply.sequence);
}
void write(Words out, const Commit& told) { out.setCommit(told.index.value); }
void write(Words out, const Heartbeat& beat) {
  auto to = out.initHeartbeat();
  to.setCommit(beat.commit.value);
  to.setRound(beat.round.value);
  to.setSequence(beat.sequence);
  to.setQuietMs(static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(beat.quiet).count()));
}
void write(Words out, const HeartbeatReply& reply) {
  auto to = out.initHeartbeatReply();
  to.setRound(reply.round.value);
  to.setDurable(reply.durable.value);
  to.setClock(reply.clock.count());
  to.setSequence(reply.sequence);
  to.setShortOfRoom(reply.short_of_room);
}
void write(Words out, const InstallSnapshot& install) {
  auto to = out.initInstallSnapshot();
  raft::write(to.initSnapshot(), install.snapshot);
  to.setSequence(install.sequence);
}
void write(Words out, const TimeoutNow&) { out.setTimeoutNow(); }
void write(Words out, const Wake&) { out.setWake(); }
void write(Words out, const ReadRequest& ask) { out.setReadRequest(ask.id.value); }
void write(Words out, const ReadReply& reply) {
  auto to = out.initReadReply();
  to.setId(reply.id.value);
  to.setIndex(reply.index.value);
}

std::optional<Body> read_body(wire::Talk::Body::Reader from) {
  switch (from.which()) {
    case wire::Talk::Body::VOTE_REQUEST: {
      const auto ask = from.getVoteRequest();
      if (ask.getCampaign() > kCampaignMax) return std::nullopt;
      return VoteRequest{static_cast<Campaign>(ask.getCampaign()), Index{ask.getLast()}, Term{ask.getLastTerm()}};
    }
    case wire::Talk::Body::VOTE_REPLY: {
      const auto reply = from.getVoteReply();
      return VoteReply{reply.getPre(), reply.getGranted()};
    }
    case wire::Talk::Body::APPEND: {
      const auto append = from.getAppend();
      const Index previous{append.getPrevious()};
      if (previous.value > kNumberMax) return std::nullopt;
      auto entries = read_entries(append.getEntries(), previous.next());
      if (!entries) return std::nullopt;
      return Append{previous, Term{append.getPreviousTerm()}, Index{append.getCommit()}, append.getSequence(),
                    std::move(*entries)};
    }
    case wire::Talk::Body::APPEND_REPLY: {
      const auto reply = from.getAppendReply();
      return AppendReply{reply.getAccepted(), Index{reply.getMatch()}, Index{reply.getHint()},
                         Term{reply.getHintTerm()}, reply.getSequence()};
    }
    case wire::Talk::Body::HEARTBEAT: {
      const auto beat = from.getHeartbeat();
      return Heartbeat{Index{beat.getCommit()}, Round{beat.getRound()}, beat.getSequence(),
                       std::chrono::milliseconds(beat.getQuietMs())};
    }
    case wire::Talk::Body::HEARTBEAT_REPLY: {
      const auto reply = from.getHeartbeatReply();
      return HeartbeatReply{Round{reply.getRound()}, Index{reply.getDurable()}, base::Duration{reply.getClock()},
                            reply.getSequence(), reply.getShortOfRoom()};
    }
    case wire::Talk::Body::INSTALL_SNAPSHOT: {
      auto snapshot = read(from.getInstallSnapshot().getSnapshot());
      if (!snapshot) return std::nullopt;
      return InstallSnapshot{std::move(*snapshot), from.getInstallSnapshot().getSequence()};
    }
    case wire::Talk::Body::TIMEOUT_NOW: return TimeoutNow{};
    case wire::Talk::Body::WAKE: return Wake{};
    case wire::Talk::Body::COMMIT: return Commit{Index{from.getCommit()}};
    case wire::Talk::Body::READ_REQUEST: return ReadRequest{ReadId{from.getReadRequest()}};
    case wire::Talk::Body::READ_REPLY: {
      const auto reply = from.getReadReply();
      return ReadReply{ReadId{reply.getId()}, Index{reply.getIndex()}};
    }
  }
  return std::nullopt;
}

}  // namespace

void write(wire::Talk::Builder out, const Message& message) {
  write(out.initFrom(), message.from);
  write(out.initTo(), message.to);
  out.setEpoch(message.epoch.value);
  out.setTerm(message.term.value);
  std::visit([&](const auto& body) { write(out.getBody(), body); }, message.body);
}

std::optional<Message> read(wire::Talk::Reader from) {
  const auto sender = read(from.getFrom()), receiver = read(from.getTo());
  if (!sender || !receiver) return std::nullopt;
  auto body = read_body(from.getBody());
  if (!body) return std::nullopt;
  return Message{*sender, *receiver, Epoch{from.getEpoch()}, Term{from.getTerm()}, std::move(*body)};
}

}  // namespace troupe::raft
