// Puts: an actor for each, and the catalogue's rows for it.
#include "actors/files/files_actor.hpp"
#include "actors/files/logic/catalogue_rows.hpp"
#include "actors/files/put_actor.hpp"

namespace troupe::files {

using base::Code;
using base::Error;

void FilesActor::put(wire::PutFile::Reader question, runtime::Intake<wire::PutPiece, wire::PutDone> intake) {
  if (puts_.size() >= settings_.catalogue.puts_max)
    return intake.refuse({Code::overloaded, "too many puts in progress", std::chrono::seconds(1)});
  PutId id;
  world().chance.fill(id.bytes);
  Put& put = puts_[id];
  put.relay = std::make_shared<PutRelay>(std::move(intake));
  show_counts();
  change([this, id] { return planned(catalogue_->plan_put(id, today())); },
         [this, id, name = text_of(question.getName()), replicas = question.getReplicas()](base::Outcome<void> done) {
           if (done.ok()) return start_put(id, name, replicas);
           puts_.at(id).relay->refuse(done.error());
           puts_.erase(id);
         });
}

void FilesActor::start_put(const PutId& id, const std::string& name, std::uint8_t replicas) {
  Put& put = puts_.at(id);
  put.actor = spawn_once(PutActor::kName, [settings = settings_, id, catalogue = self(), pace = pace_] {
    return std::make_unique<PutActor>(settings, id, catalogue, pace);
  });
  put.relay->to(feed<wire::PutFile, wire::PutPiece, wire::PutDone>(
      put.actor, kRelayIdle,
      [&](wire::PutFile::Builder out) {
        out.setName(text_of(name));
        out.setReplicas(replicas == 0 ? settings_.replicas : replicas);
      },
      [relay = put.relay](runtime::Answer<wire::PutDone> answer) { relay->answer(answer.envelope()); }));
}

FilesActor::Put* FilesActor::find_put(capnp::Data::Reader name) {
  const auto id = PutId::from(bytes_of(name));
  const auto put = id ? puts_.find(*id) : puts_.end();
  return put == puts_.end() || put->second.ended ? nullptr : &put->second;
}

bool FilesActor::binding(const Cid& cid) const {
  return std::any_of(puts_.begin(), puts_.end(), [&](const auto& put) { return put.second.binding == cid; });
}

namespace {
const Error kNoPut{Code::not_found, "there is no such put in progress"};
}

void FilesActor::take_held(wire::PutHeld::Reader question, Nothing reply) {
  Put* put = find_put(question.getPut());
  if (put == nullptr) return reply.refuse(kNoPut);
  for (const auto content : question.getContents()) {
    const auto key = read_content(content.getContent());
    if (key.ok()) put->held.push_back({key.value(), read_nodes(content.getHolders())});
  }
  reply.done();
}

void FilesActor::take_pace(wire::StoresTook::Reader told) {
  Pace& pace = told.getReads() ? reading_pace_ : pace_;
  for (const auto one : told.getNodes()) {
    const auto node = read_id<base::NodeId>(one.getNode());
    if (!node.ok()) continue;
    if (one.getMicros() == 0) pace.silent(node.value(), now());
    else pace.took(node.value(), std::chrono::microseconds(one.getMicros()));
  }
}

/// From here on the claims belong to the CID, however the put ends. A release of that CID in flight would end the new
/// claims, so its response is awaited.
void FilesActor::take_binds(wire::PutBinds::Reader question, Nothing reply) {
  Put* put = find_put(question.getPut());
  const auto id = read_id<PutId>(question.getPut());
  const auto cid = read_id<Cid>(question.getCid());
  if (put == nullptr || !id.ok() || !cid.ok()) return reply.refuse(kNoPut);
  put->binding = cid.value();
  const auto under_way = [&](const Release& release) {
    return release.kind == ClaimKind::file && release.name.bytes == cid.value().bytes;
  };
  auto write = [this, id = id.value(), cid = cid.value(), nodes = read_nodes(question.getNodes()),
                reply = std::move(reply)]() mutable { write_binding(id, cid, nodes, std::move(reply)); };
  if (std::none_of(releasing_.begin(), releasing_.end(), under_way)) return write();
  world().mutations.sometimes("files: a put waited for the release of what it puts again");
  after_releases_.push_back(std::move(write));
}

void FilesActor::write_binding(const PutId&, const Cid& cid, const std::vector<base::NodeId>& nodes, Nothing reply) {
  change(
      [this, cid, nodes]() -> Planned {
        Change plan;
        for (const base::NodeId& node : nodes) {
          if (catalogue_->claimed_at(cid).contains(node)) continue;  // it keeps its copy, whatever the put's result
          plan.save.push_back(release_row({ClaimKind::file, {cid.bytes}, node}, today()));
        }
        return plan;
      },
      std::move(reply));
}

void FilesActor::take_ends(wire::PutEnds::Reader question, runtime::Reply<wire::PutListed> reply) {
  Put* ending = find_put(question.getPut());
  const auto id = read_id<PutId>(question.getPut());
  const auto cid = read_id<Cid>(question.getCid());
  if (ending == nullptr || !id.ok() || !cid.ok()) return reply.refuse(kNoPut);
  const auto unbound = read_nodes(question.getUnbound());
  std::size_t reached = question.getReplicas();  // a late node may have made one copy too many
  for (HeldContent& content : ending->held) {
    std::erase_if(content.holders, [&](const base::NodeId& node) {
      return std::find(unbound.begin(), unbound.end(), node) != unbound.end();
    });
    reached = std::min(reached, content.holders.size());
  }
  if (reached == 0 || ending->held.empty())
    return reply.refuse({Code::unavailable, "the nodes that stored a part of the file did not confirm it", kPutAgain});
  Entry entry;
  entry.cid = cid.value();
  entry.name = text_of(question.getName());
  entry.bytes = question.getBytes();
  entry.chunks = question.getChunks();
  entry.replicas = question.getReplicas();
  entry.added = today();
  const auto listed = std::make_shared<bool>(false);
  change(
      [this, id = id.value(), entry, unbound, listed]() -> Planned {
        const auto put = puts_.find(id);
        if (put == puts_.end()) return kNoPut;  // its actor has ended
        *listed = catalogue_->find(entry.cid) != nullptr;
        return planned(catalogue_->plan_add(id, entry, put->second.held, unbound, today()));
      },
      [this, id = id.value(), entry, reached, listed, reply = std::move(reply)](base::Outcome<void> done) mutable {
        if (!done.ok()) return reply.refuse(done.error());
        ++settings_.counters->puts_done;
        settings_.log.info("a file was put", {{"cid", entry.cid.hex()}, {"bytes", entry.bytes}, {"copies", reached}});
        if (const auto put = puts_.find(id); put != puts_.end()) {
          put->second.ended = true;
          put->second.binding.reset();
        }
        reply.send([&](wire::PutListed::Builder out) {
          out.setReplicas(static_cast<std::uint8_t>(reached));
          out.setListed(*listed);
        });
        after<ReleaseNow>(base::Duration::zero());
      });
}

void FilesActor::take_fails(wire::PutFails::Reader question, Nothing reply) {
  Put* put = find_put(question.getPut());
  const auto id = read_id<PutId>(question.getPut());
  if (put == nullptr || !id.ok()) return reply.refuse(kNoPut);
  put->ended = true;
  put->binding.reset();
  ++settings_.counters->puts_failed;
  settings_.log.warn("a put has failed; its claims are released", {{"put", id.value().hex()}});
  change(
      [this, id = id.value(), nodes = read_nodes(question.getNodes())]() -> Planned {
        if (world().mutations.on("files.failed_put_keeps_claims")) return catalogue_->plan_abandon(id, {}, today());
        return catalogue_->plan_abandon(id, nodes, today());
      },
      [this, reply = std::move(reply)](base::Outcome<void> done) mutable {
        if (!done.ok()) return reply.refuse(done.error());
        reply.done();
        after<ReleaseNow>(base::Duration::zero());
      });
}

/// A child has ended. A put that reported no result may have left claims at any node that it used.
void FilesActor::down(const runtime::Handle& whom, const std::optional<Error>&) {
  if (copiers_.erase(whom) > 0 && copiers_.empty()) watch_later();
  forget_streams();
  const auto put = std::find_if(puts_.begin(), puts_.end(), [&](const auto& one) { return one.second.actor == whom; });
  if (put == puts_.end()) return;
  const PutId id = put->first;
  const bool ended = put->second.ended;
  puts_.erase(put);
  show_counts();
  if (ended) return;
  ++settings_.counters->puts_failed;
  settings_.log.warn("a put has ended without a result; its claims are released", {{"put", id.hex()}});
  world().mutations.sometimes("files: a put ended without a word");
  find_candidates([this, id](std::vector<base::NodeId> nodes) {
    change([this, id, nodes]() -> Planned { return catalogue_->plan_abandon(id, nodes, today()); },
           [this](base::Outcome<void>) { after<ReleaseNow>(base::Duration::zero()); });
  });
}

}  // namespace troupe::files
