#include "actors/raft/snapshots_actor.hpp"

#include "actors/raft/wire.hpp"

namespace troupe::raft {
namespace {

using messages::wire::Nothing;

template <class Result, class Reply, class Fill>
void answer(const Result& result, Reply& reply, Fill fill) {
  if (!result.ok()) reply.refuse(to_error(result.error()));
  else reply.send([&](auto out) { fill(out, result.value()); });
}
void answer(const store::StoreResult<void>& result, runtime::Reply<Nothing>& reply) {
  if (result.ok()) reply.done();
  else reply.refuse(to_error(result.error()));
}

}  // namespace

template <class Reply>
SnapshotFiles* SnapshotsActor::files(Reply& reply) {
  if (files_) return files_.get();
  auto made = std::make_unique<SnapshotFiles>(world().disk, directory_);
  if (const auto opened = made->open(); !opened.ok()) {
    reply.refuse(to_error(opened.error()));
    return nullptr;
  }
  files_ = std::move(made);
  return files_.get();
}

template <class Q, class A, class F>
void SnapshotsActor::serve(runtime::Handlers& on, F handler) {
  on.ask<Q, A>([this, handler](typename Q::Reader ask, runtime::Reply<A> reply) {
    if (SnapshotFiles* at = files(reply)) handler(*at, ask, reply);
  });
}

void SnapshotsActor::receive(runtime::Handlers& on) {
  serve<wire::FindSnapshot, wire::SnapshotFound>(on, [](SnapshotFiles& files, auto ask, auto& reply) {
    const auto found = files.find(ask.getIncarnation());
    if (!found.ok() && !(found.error() == store::StoreError::corrupt)) return reply.refuse(to_error(found.error()));
    reply.send([&](wire::SnapshotFound::Builder out) {
      out.setDamaged(!found.ok());
      if (!found.ok() || !found.value()) return;
      out.setFound(true);
      write(out.initSnapshot(), *found.value());
    });
  });
  serve<wire::WriteSnapshot, Nothing>(on, [](SnapshotFiles& files, auto ask, auto& reply) {
    answer(files.write(ask.getIncarnation(), Index{ask.getIndex()}, ask.getFirst(), bytes_of(ask.getChunk())), reply);
  });
  serve<wire::ReceiveSnapshot, Nothing>(on, [](SnapshotFiles& files, auto ask, auto& reply) {
    answer(files.receive(ask.getIncarnation(), Index{ask.getIndex()}, ask.getOffset(), bytes_of(ask.getBytes())),
           reply);
  });
  serve<wire::EndSnapshot, wire::SnapshotFound>(on, [](SnapshotFiles& files, auto ask, auto& reply) {
    auto snapshot = read(ask.getSnapshot());
    base::ensure(snapshot.has_value(), "a group names a snapshot that can be read");
    answer(files.end(ask.getIncarnation(), std::move(*snapshot), ask.getReceived()), reply,
           [](wire::SnapshotFound::Builder out, const Snapshot& made) {
             out.setFound(true);
             write(out.initSnapshot(), made);
           });
  });
  serve<wire::ReadSnapshot, wire::SnapshotBytes>(on, [](SnapshotFiles& files, auto ask, auto& reply) {
    answer(files.read(ask.getIncarnation(), Index{ask.getIndex()}, ask.getOffset()), reply,
           [](wire::SnapshotBytes::Builder out, const base::Bytes& bytes) { out.setBytes(data_of(bytes)); });
  });
  serve<wire::ReadChunk, wire::SnapshotChunk>(on, [](SnapshotFiles& files, auto ask, auto& reply) {
    answer(files.read_chunk(ask.getIncarnation(), Index{ask.getIndex()}, ask.getOffset()), reply,
           [](wire::SnapshotChunk::Builder out, const SnapshotFiles::Chunk& chunk) {
             out.setChunk(data_of(chunk.bytes));
             out.setNext(chunk.next);
           });
  });
  on.tell<wire::KeepMembers>([this](wire::KeepMembers::Reader told) {
    const auto members = told.getIncarnations();
    struct {
      void refuse(const base::Error&) {}  // the next call retries
    } reply;
    if (SnapshotFiles* at = files(reply)) at->keep({members.begin(), members.end()});
  });
  on.describe<wire::SnapshotsState>([this](wire::SnapshotsState::Builder state) {
    if (!files_) return;
    state.setWritten(files_->written());
    state.setReceived(files_->received());
  });
}

}  // namespace troupe::raft
