#include "actors/files/sim_clients.hpp"

#include <algorithm>
#include <utility>

#include "messages/common.capnp.h"

namespace troupe::files {

using base::Code;

SimClients::Client& SimClients::begin(std::size_t node, std::string what) {
  Client& client = Clients::begin(node, std::move(what));
  client.from = ledger_.now();
  if (const auto id = nodes_.id(node)) client.owner = *id;
  return client;
}

void SimClients::died(std::size_t node) {
  Clients::died(node, [this](Client& client) {
    if (client.deed) ledger_.ended(*client.deed);
  });
}

bool SimClients::excused(const base::NodeId& id) const {
  const auto node = nodes_.find(id);
  return !node || excused(*node);
}

// -- puts ------------------------------------------------------------------------------------------------------------

/// A put whose client disconnects never says that all bytes were sent, so it must not be listed: it is not recorded.
void SimClients::put(std::size_t node, const SimFile& file, unsigned replicas, std::optional<std::size_t> after) {
  Client& client = begin(node, (after ? "a cut-off put of " : "a put of ") + file.name);
  client.stops = after.has_value();
  client.stop_at = std::min(after.value_or(file.bytes.size()), file.bytes.size());
  if (!after) client.deed = ledger_.begin(SimLedger::What::put, {client.owner, file.cid});
  nodes_.inside(node, [this, &client, &file, replicas](Inside& actor) {
    client.sink = actor.feed<wire::PutFile, wire::PutPiece, wire::PutDone>(
        actor.node().find(kPath), kSimPutIdle,
        [&](wire::PutFile::Builder out) {
          out.setName(text_of(file.name));
          out.setReplicas(static_cast<std::uint8_t>(replicas));
        },
        [this, &client, &file, replicas](runtime::Answer<wire::PutDone> answer) {
          if (!client.over) put_ended(client, file, replicas, answer);
        });
    client.sink.on_ready([this, &actor, &client, &file] { feed(actor, client, file); });
    feed(actor, client, file);
  });
}

void SimClients::feed(Inside& actor, Client& client, const SimFile& file) {
  while (client.sink.ready() && client.sent < client.stop_at) {
    const std::size_t size = std::min(kSimPieceBytes, client.stop_at - client.sent);
    client.sink.push([&](wire::PutPiece::Builder out) { out.setBytes({file.bytes.data() + client.sent, size}); });
    client.sent += size;
  }
  if (client.sent < client.stop_at || !client.sink) return;
  if (!client.stops) return client.sink.end();
  if (!std::exchange(client.lingers, true)) linger(actor, client, file, 1 + file.number % 3);
}

/// The put continues while its client sends another node a request, and so takes as long as one to three stores.
void SimClients::linger(Inside& actor, Client& client, const SimFile& file, std::int64_t rounds) {
  const auto other = nodes_.id((client.node + 1) % nodes_.size());
  if (rounds > 0 && other && *other != client.owner) {
    return actor.ask<wire::HasContents, wire::Has>(
        actor.node().remote(*other, kHolderPath), actor.now() + kSimLinger,
        [&](wire::HasContents::Builder out) { files::write(out.initContents(1)[0], ContentKey::manifest(file.cid)); },
        [this, &actor, &client, &file, rounds](const runtime::Answer<wire::Has>&) {
          if (!client.over) linger(actor, client, file, rounds - 1);
        });
  }
  client.sink.fail({Code::dropped, "the client disconnected"});
  client.over = true;
  nodes_.tell(client.text() + " was given up by its client after " + std::to_string(client.sent) + " bytes");
}

void SimClients::put_ended(Client& client, const SimFile& file, unsigned replicas,
                           runtime::Answer<wire::PutDone>& answer) {
  if (!answer.ok()) return end(client, answer.error());
  const auto done = answer.value();
  const auto cid = Cid::from(bytes_of(done.getCid()));
  const unsigned reached = done.getReplicasReached();
  if (client.deed) ledger_.acknowledged(*client.deed, reached);
  nodes_.tell(client.text() + " was acknowledged with " + std::to_string(reached) + " copies");
  end(client, {});
  if (client.stops) return violated("list", client, "was acknowledged, though its client had disconnected");
  if (cid != file.cid || done.getBytes() != file.bytes.size() || done.getChunks() != file.chunks.size())
    return violated("one-name", client, "was acknowledged with an id that does not match its bytes");
  if (reached == 0 || (replicas > 0 && reached > replicas))
    return violated("kept", client, "reached " + std::to_string(reached) + " nodes");
  // Now is the best moment to check that the copies are where they should be.
  if (file.bytes.size() <= kSimPieceBytes) verify(client.node, file, {});
}

// -- gets ------------------------------------------------------------------------------------------------------------

void SimClients::get(std::size_t node, const SimFile& file, std::optional<Range> range, Ended ended) {
  Client& client = begin(node, "a get of " + file.name);
  client.count = file.bytes.size();
  const bool outside = range && (range->first >= file.bytes.size() || range->first > range->last);
  if (range && !outside) {
    client.first = static_cast<std::size_t>(range->first);
    client.count = static_cast<std::size_t>(std::min<std::uint64_t>(range->last, file.bytes.size() - 1)) + 1;
    client.count -= client.first;
  }
  subscribe<wire::GetFile, wire::GetItem>(
      client, kPath, kSimGetIdle,
      [&file, range](wire::GetFile::Builder question) {
        question.setCid(data_of(file.cid.view()));
        if (!range) return;
        question.getPart().initRange().setFirst(range->first);
        question.getPart().getRange().setLast(range->last);
      },
      [this, &client, &file](wire::GetItem::Reader item) { take(client, file, item); },
      [this, &client, outside, ended = std::move(ended)](const Error& error) {
        if (!error && (outside || client.got != client.count))
          violated("bytes", client,
                   "ended well after " + std::to_string(client.got) + " bytes of " + std::to_string(client.count));
        if (ended) ended(error);
      });
}

void SimClients::take(Client& client, const SimFile& file, wire::GetItem::Reader item) {
  if (item.isStart()) {
    if (item.getStart().getFileBytes() == file.bytes.size() && item.getStart().getPartBytes() == client.count) return;
    return violated("bytes", client,
                    "announced " + std::to_string(item.getStart().getPartBytes()) + " bytes of " +
                        std::to_string(item.getStart().getFileBytes()));
  }
  const base::ByteView piece = bytes_of(item.getPiece());
  const base::ByteView all(file.bytes);
  const std::size_t at = client.first + client.got;
  client.got += piece.size();
  const bool fits = client.got <= client.count && std::ranges::equal(piece, all.subspan(at, piece.size()));
  if (!fits) violated("bytes", client, "gave wrong bytes after byte " + std::to_string(at));
}

// -- lists -----------------------------------------------------------------------------------------------------------

void SimClients::list(std::size_t node, std::function<void(const Error&, const std::vector<SimRow>&)> ended) {
  Client& client = begin(node, "a list");
  subscribe<wire::ListFiles, wire::FileRow>(
      client, kPath, kSimGetIdle, [](wire::ListFiles::Builder) {},
      [this, &client](wire::FileRow::Reader row) { take(client, row); },
      [this, &client, ended = std::move(ended)](const Error& error) {
        if (!error) check_list(client);
        if (ended) ended(error, client.rows);
      });
}

void SimClients::take(Client& client, wire::FileRow::Reader row) {
  const auto cid = Cid::from(bytes_of(row.getCid()));
  const SimFile* file = cid ? files_.find(*cid) : nullptr;
  if (file == nullptr) return violated("list", client, "shows a file that no client put");
  client.rows.push_back({*cid, row.getReplicas(), row.getReplicasLive()});
  if (!client.listed.insert(*cid).second) violated("list", client, "shows " + file->name + " twice");
  const bool same = text_of(row.getName()) == file->name && row.getBytes() == file->bytes.size() &&
                    row.getChunks() == file->chunks.size();
  if (!same) violated("list", client, "shows " + file->name + " with another name or size");
}

void SimClients::check_list(Client& client) {
  if (excused(client.node)) return;
  const SimLedger::Moment to = ledger_.now();
  for (const auto& [cid, file] : files_.all()) {
    const auto verdict = ledger_.listed({client.owner, cid}, client.from, to);
    const bool shown = client.listed.contains(cid);
    if (verdict == SimLedger::Verdict::listed && !shown)
      return violated("list", client, "lacks " + file->name + ", whose put was acknowledged there");
    if (verdict == SimLedger::Verdict::absent && shown)
      return violated("list", client, "shows " + file->name + ", which was removed or never put there");
  }
}

// -- verify and view -------------------------------------------------------------------------------------------------

void SimClients::verify(std::size_t node, const SimFile& file,
                        std::function<void(const Error&, const SimVerified&)> ended) {
  Client& client = begin(node, "a verify of " + file.name);
  subscribe<wire::VerifyFile, wire::VerifyItem>(
      client, kPath, kSimGetIdle,
      [&file](wire::VerifyFile::Builder question) { question.setCid(data_of(file.cid.view())); },
      [&client](wire::VerifyItem::Reader item) {
        SimVerified& seen = client.verified;
        if (item.isSum()) {
          const auto sum = item.getSum();
          seen.copies = sum.getCopies();
          seen.sound = sum.getSound();
          seen.lacking = sum.getLacking();
          seen.damaged = sum.getDamaged();
          seen.unknown = sum.getUnknown();
        } else if (item.isCopy()) {
          const auto at = base::NodeId::from(bytes_of(item.getCopy().getNode()));
          if (at && item.getCopy().getState() == wire::CopyState::LACKING) seen.lacking_at.push_back(*at);
          if (at && item.getCopy().getState() == wire::CopyState::DAMAGED) seen.damaged_at.push_back(*at);
        }
      },
      [this, &client, &file, ended = std::move(ended)](const Error& error) {
        if (!error) check_verified(client, file);
        if (ended) ended(error, client.verified);
      });
}

/// The holders that a list of objects names have confirmed that they stored it. Unless a client removes the file they
/// keep it, whatever happens to them.
void SimClients::check_verified(Client& client, const SimFile& file) {
  const auto broken = [&](const std::vector<base::NodeId>& at, const char* how) {
    const auto one = std::ranges::find_if(at, [this](const base::NodeId& id) { return !excused(id); });
    if (one == at.end()) return;
    nodes_.violated("kept", sim::node_name(*nodes_.find(*one)) + how + file.name + " that it confirmed for " +
                                sim::node_name(client.node));
  };
  broken(client.verified.damaged_at, " has a corrupted copy of a part of ");
  if (excused(client.node) || listed(client, file) != SimLedger::Verdict::listed) return;
  broken(client.verified.lacking_at, " lacks a part of ");
}

void SimClients::view(std::size_t node, const SimFile& file) {
  Client& client = begin(node, "a view of " + file.name);
  subscribe<wire::ViewFile, wire::ViewItem>(
      client, kPath, kSimGetIdle,
      [&file](wire::ViewFile::Builder question) { question.setCid(data_of(file.cid.view())); },
      [this, &client, &file](wire::ViewItem::Reader item) {
        if (!item.isContent()) return;
        const auto key = read_content(item.getContent().getContent());
        const auto right = client.got == 0                    ? ContentKey::manifest(file.cid)
                           : client.got <= file.chunks.size() ? file.chunks[client.got - 1]
                                                              : ContentKey{};
        ++client.got;
        if (!key.ok() || key.value() != right) violated("bytes", client, "shows a different object");
      },
      [this, &client, &file](const Error& error) {
        if (!error && client.got != file.chunks.size() + 1) violated("bytes", client, "ended well before its end");
      });
}

// -- what changes a list ---------------------------------------------------------------------------------------------

void SimClients::remove(std::size_t node, const SimFile& file) {
  Client& client = begin(node, "a removal of " + file.name);
  client.deed = ledger_.begin(SimLedger::What::removal, {client.owner, file.cid});
  ask<wire::RemoveFile, wire::FileRemoved>(
      client, kPath, kSimAnswer, [&file](wire::RemoveFile::Builder out) { out.setCid(data_of(file.cid.view())); },
      [this, &client, &file](const Error& error, wire::FileRemoved::Reader) { removed(client, file, error); });
}

void SimClients::removed(Client& client, const SimFile& file, const Error& error) {
  const bool missing = error && error->code == Code::not_found;
  const bool nothing_done = missing || (error && error->code == Code::conflict);
  if (!error) ledger_.acknowledged(*client.deed);
  else if (nothing_done) ledger_.refused(*client.deed);
  if (!error) nodes_.tell(client.text() + " was acknowledged");
  if (missing && !excused(client.node) && listed(client, file) == SimLedger::Verdict::listed)
    violated("list", client, "found nothing, though its put was acknowledged there");
}

void SimClients::pin(std::size_t node, const SimFile& file, bool pinned) {
  Client& client = begin(node, (pinned ? "a pin of " : "an unpin of ") + file.name);
  ask<wire::PinFile, messages::wire::Nothing>(
      client, kPath, kSimAnswer,
      [&file, pinned](wire::PinFile::Builder out) {
        out.setCid(data_of(file.cid.view()));
        out.setPinned(pinned);
      },
      [this, &client, &file](const Error& error, messages::wire::Nothing::Reader) {
        const auto verdict = excused(client.node) ? SimLedger::Verdict::either : listed(client, file);
        if (error && error->code == Code::not_found && verdict == SimLedger::Verdict::listed)
          violated("list", client, "found nothing, though its put was acknowledged there");
        if (!error && verdict == SimLedger::Verdict::absent)
          violated("list", client, "found a file that was removed or never put there");
      });
}

}  // namespace troupe::files
