#include "actors/files/put_actor.hpp"

#include <algorithm>
#include <limits>

#include "actors/files/logic/file_name.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::files {
namespace {

using base::Code;
using base::Error;
using runtime::Envelope;

constexpr unsigned kPartShift = 4;  // sixteen parts

/// Returns what a storage node's error says about it.
StoreFailure failure_of(Code code) {
  switch (code) {
    case Code::timeout:
    case Code::unavailable:
    case Code::dropped:
    case Code::internal:
    case Code::unknown_outcome: return StoreFailure::silent;
    default: return StoreFailure::refused;
  }
}

}  // namespace

void PutActor::receive(runtime::Handlers& on) {
  on.intake<wire::PutFile, wire::PutPiece, wire::PutDone>(
      [this](auto question, auto intake) { begin(question, std::move(intake)); });
  on.timer<LookAgain>([this] { look_for_late(); });
  on.timer<BindAgain>([this] {
    for (const auto& [node, tries_left] : std::exchange(bind_again_, {})) bind(node, tries_left);
  });
  on.describe<wire::PutState>([this](wire::PutState::Builder state) { describe(state); });
}

// -- input -----------------------------------------------------------------------------------------------------------

void PutActor::begin(wire::PutFile::Reader question, Intake intake) {
  base::ensure(!intake_, "an actor for each put");
  intake_ = std::move(intake);
  name_ = text_of(question.getName());
  replicas_ = question.getReplicas();
  const auto checked = check_name(name_);
  intake_.on_envelope([this](const Envelope& piece) {
    pieces_.push_back(piece);
    pump();
  });
  intake_.on_end([this](base::Result<void, Error> ended) {
    if (!ended.ok()) return fail(ended.error());
    ended_ = true;
    pump();
  });
  if (!checked.ok()) return fail({Code::refused, "the file name is invalid: " + std::string(explain(checked.error()))});
  if (replicas_ < 1 || replicas_ > kReplicasMax)
    return fail({Code::refused, "invalid number of replicas: expected 1 to 16"});
  find_candidates([this](std::vector<base::NodeId> candidates) {
    if (state_ == State::failing) return;
    for (const base::NodeId& node : pace_.silent_nodes(now())) silent_.insert(node);
    replication_.emplace(std::move(candidates), replicas_, settings_.replication, world().mutations);
    pump();
  });
}

void PutActor::pump() {
  if (state_ != State::collecting || !replication_) return;
  while (state_ == State::collecting && !pieces_.empty() && replication_->room(settings_.chunk_bytes)) {
    if (take_piece()) continue;
    pieces_.pop_front();
    piece_taken_ = 0;
  }
  if (state_ != State::collecting) return;
  if (pieces_.empty()) {
    if (ended_) return end_input();
    intake_.resume();
  } else {
    intake_.pause();
  }
  advance();
}

/// Takes bytes from the first piece. Returns false once it is used up.
bool PutActor::take_piece() {
  const Envelope envelope = pieces_.front();
  Envelope::Reading<wire::PutPiece> reading(envelope);
  const base::ByteView piece = bytes_of(reading.root().getBytes()).subspan(piece_taken_);
  if (piece.empty()) return false;
  const bool whole_chunk = chunker_.empty() && piece.size() >= settings_.chunk_bytes;
  if (whole_chunk) {
    const base::ByteView bytes = piece.first(settings_.chunk_bytes);
    hasher_.update(bytes);
    piece_taken_ += bytes.size();
    bytes_ += bytes.size();
    add_chunk({hasher_.finish(), settings_.chunk_bytes}, bytes);
    return true;
  }
  const std::size_t taken = chunker_.feed(piece);
  piece_taken_ += taken;
  bytes_ += taken;
  if (chunker_.full()) {
    const CutChunk chunk = chunker_.take();
    add_chunk(chunk.ref, chunk.bytes);
  }
  return true;
}

/// Called again while there is no space for the rest.
void PutActor::end_input() {
  if (!chunker_.empty() && replication_->room(settings_.chunk_bytes)) {
    const CutChunk chunk = chunker_.take();
    add_chunk(chunk.ref, chunk.bytes);
  }
  if (state_ == State::collecting && chunker_.empty() &&
      replication_->room(kManifestHeadBytes + chunks_ * kManifestChunkBytes)) {
    state_ = State::storing;
    const base::Bytes manifest = encode(manifest_.finish());
    cid_ = cid_of(manifest);
    add_content(ContentKey::manifest(cid_), manifest);
  }
  advance();
}

void PutActor::add_chunk(const ChunkRef& ref, base::ByteView bytes) {
  if (!manifest_.add(ref).ok()) return fail({Code::refused, "the file is too large: at most 65,536 chunks"});
  ++chunks_;
  add_content(ref.key(), bytes);
}

void PutActor::add_content(const ContentKey& key, base::ByteView bytes) {
  if (!replication_->hold(key, bytes.size())) return;
  if (key.kind == ContentKind::chunk) bytes_fresh_ += bytes.size();
  messages_.emplace(key, store_message(key, bytes));
  place(key);
}

// -- places ----------------------------------------------------------------------------------------------------------

void PutActor::place(const ContentKey& key) {
  if (!in_dht()) return place(key, {});
  if (key.kind == ContentKind::manifest) {
    return find_places(key.position(), [this, key](const std::vector<base::NodeId>& nodes) {
      if (state_ == State::failing) return;
      place(key, nodes);
      advance();
    });
  }
  const auto number = static_cast<std::uint8_t>(key.position().bytes[0] >> kPartShift);
  Part& part = parts_[number];
  if (!part.nodes.empty() && now() - part.as_of < kPlaceFresh) return place(key, part.nodes);
  part.waiting.push_back(key);
  if (std::exchange(part.asked, true)) return;
  find_places(key.position(), [this, number](std::vector<base::NodeId> nodes) { placed(number, std::move(nodes)); });
}

/// Nodes that recently left a store unanswered come last.
void PutActor::place(const ContentKey& key, const std::vector<base::NodeId>& nodes) {
  replication_->place(key, nodes, silent_, sites_);
}

/// If none is found, these objects go to known nodes, and the next object searches again.
void PutActor::placed(std::uint8_t number, std::vector<base::NodeId> nodes) {
  if (state_ == State::failing) return;
  Part& part = parts_.at(number);
  part.asked = false;
  part.as_of = now();
  part.nodes = std::move(nodes);
  for (const ContentKey& key : std::exchange(part.waiting, {})) place(key, part.nodes);
  advance();
  pump();
}

// -- stores ----------------------------------------------------------------------------------------------------------

Envelope PutActor::store_message(const ContentKey& key, base::ByteView bytes) {
  return Envelope::build<wire::StoreContent>({.due = now() + settings_.content_timeout, .trace = trace()},
                                             [&](wire::StoreContent::Builder out) {
                                               write(out.initClaim(), ClaimKind::put, {id_.bytes});
                                               write(out.initContent(), key);
                                               out.adoptBytes(borrow(out, bytes));
                                             });
}

void PutActor::advance() {
  if (!replication_ || state_ == State::failing) return;
  for (const Store& store : replication_->next()) send(store);
  for (const Settled& content : replication_->take_settled()) {
    settled(content);
    if (state_ == State::failing) return;
  }
  if (state_ != State::storing || !replication_->idle()) return;
  state_ = State::binding;
  tell_held();
}

void PutActor::send(const Store& store) {
  const auto message = messages_.find(store.key);
  if (message == messages_.end()) return;  // a mutant counts it before it is stored
  // The message may have waited for its turn: below half of its time it gets the full time again.
  runtime::Header head = message->second.header();
  if (head.due - now() < settings_.content_timeout / 2) {
    head.due = now() + settings_.content_timeout;
    message->second = message->second.with(head);
  }
  maybe_at_.insert(store.node);
  const base::Instant late_at =
      store.node == settings_.self ? base::Instant::max() : now() + pace_.patience(store.node);
  sent_[{store.key, store.node}] = {now(), late_at};
  look_again_at(late_at);
  request(holder(store.node), message->second, [this, store](const Envelope& envelope) {
    runtime::Answer<wire::Stored> answer(envelope);
    answered(store, answer);
  });
}

void PutActor::look_again_at(base::Instant when) {
  if (when >= look_at_) return;
  look_at_ = when;
  after<LookAgain>(when - now());
}

/// The very first put learns from the first response how long a store takes here. It came from the fastest node: the
/// others have four times as long.
void PutActor::be_less_patient(base::Duration took) {
  for (auto& [store, sent] : sent_) {
    if (sent.late_at == base::Instant::max()) continue;
    const base::Duration patience = std::max(pace_.patience(store.second), 4 * took + kPatienceCold);
    sent.late_at = std::min(sent.late_at, std::max(now(), sent.at + patience));
    look_again_at(sent.late_at);
  }
}

/// If a node takes longer than usual, asks the next node as well.
void PutActor::look_for_late() {
  look_at_ = base::Instant::max();
  if (!replication_ || state_ == State::failing) return;
  base::Instant next = base::Instant::max();
  for (auto& [store, sent] : sent_) {
    if (sent.late_at <= now()) {
      sent.late_at = base::Instant::max();
      if (!replication_->late(store.first, store.second)) continue;
      note_silent(store.second);
    }
    next = std::min(next, sent.late_at);
  }
  look_again_at(next);
  advance();
  pump();
}

void PutActor::note_silent(const base::NodeId& node) {
  pace_.silent(node, now());
  silent_.insert(node);
  paced_.insert(node);
}

/// Reports to this node's other puts, however this put ends.
void PutActor::tell_pace() {
  if (paced_.empty()) return;
  tell<wire::StoresTook>(catalogue_, [&](wire::StoresTook::Builder out) {
    write_pace(out.initNodes(static_cast<unsigned>(std::min(paced_.size(), kPaceNodesMax))), paced_, pace_, now());
  });
  paced_.clear();
}

void PutActor::answered(const Store& store, runtime::Answer<wire::Stored>& answer) {
  const auto sent = sent_.find({store.key, store.node});
  const base::Duration took = sent == sent_.end() ? base::Duration::zero() : now() - sent->second.at;
  if (sent != sent_.end()) sent_.erase(sent);
  if (state_ == State::failing) return;
  if (answer.ok() && store.node != settings_.self) {
    pace_.took(store.node, took);
    paced_.insert(store.node);
    be_less_patient(took);
  }
  if (answer.ok()) {
    stored_at_.insert(store.node);
    replication_->stored(store.key, store.node);
  } else {
    refusal_ = answer.error();
    if (refusal_->code == Code::no_space) world().mutations.sometimes("files: a node had no room for a content");
    const StoreFailure why = failure_of(answer.error().code);
    if (why == StoreFailure::silent && store.node != settings_.self) note_silent(store.node);  // asked last from now on
    replication_->failed(store.key, store.node, why);
  }
  advance();
  pump();
}

void PutActor::settled(const Settled& content) {
  messages_.erase(content.key);
  if (content.holders.empty()) {
    Error why{Code::unavailable, "no node stored a part of the file", kPutAgain};
    if (refusal_)
      why = {refusal_->code, "no node stored a part of the file: " + refusal_->message, refusal_->retry_after};
    if (why.code == Code::not_found || why.code == Code::unsupported) why.code = Code::unavailable;
    if (why.code == Code::unavailable)
      why.retry_after = std::max<std::chrono::milliseconds>(why.retry_after, kPutAgain);
    return fail(why);
  }
  held_.push_back({content.key, content.holders});
  if (held_.size() >= kHeldSlice) tell_held();
}

void PutActor::tell_held() {
  ++tells_;
  ask<wire::PutHeld, messages::wire::Nothing>(
      catalogue_, now() + settings_.answer_timeout,
      [&](wire::PutHeld::Builder out) {
        out.setPut(data_of(id_.view()));
        auto contents = out.initContents(size32(held_));
        for (unsigned i = 0; i < held_.size(); ++i) {
          write(contents[i].initContent(), held_[i].key);
          write_nodes(contents[i].initHolders(size32(held_[i].holders)), held_[i].holders);
        }
      },
      [this](runtime::Answer<messages::wire::Nothing> answer) {
        --tells_;
        if (!answer.ok()) return fail(answer.error());
        if (state_ == State::binding && tells_ == 0) bind();
      });
  held_.clear();
}

// -- the end ---------------------------------------------------------------------------------------------------------

void PutActor::bind() {
  ++binds_;
  ask<wire::PutBinds, messages::wire::Nothing>(
      catalogue_, now() + kListTimeout,
      [&](wire::PutBinds::Builder out) {
        out.setPut(data_of(id_.view()));
        out.setCid(data_of(cid_.view()));
        write_nodes(out.initNodes(size32(stored_at_)), stored_at_);
      },
      [this](runtime::Answer<messages::wire::Nothing> answer) {
        if (state_ != State::binding) return;
        if (!answer.ok()) return fail(answer.error());
        binds_ = stored_at_.size();
        bind_until_ = now() + settings_.answer_timeout;
        for (const base::NodeId& node : stored_at_) bind(node, kBindTriesMax);
      });
}

void PutActor::bind(const base::NodeId& node, int tries_left) {
  if (world().mutations.on("files.put_unbound")) return bound(node, true);
  ask<wire::BindClaim, wire::Bound>(
      holder(node), now() + settings_.answer_timeout,
      [&](wire::BindClaim::Builder out) {
        out.setPut(data_of(id_.view()));
        out.setCid(data_of(cid_.view()));
      },
      [this, node, tries_left](runtime::Answer<wire::Bound> answer) {
        if (state_ != State::binding) return;
        if (answer.ok()) return bound(node, true);
        refusal_ = answer.error();
        if (refusal_->code == base::Code::overloaded && now() < bind_until_) {
          world().mutations.sometimes("files: a holder had no place for a bind");
          if (bind_again_.empty())
            after<BindAgain>(std::clamp<base::Duration>(refusal_->retry_after, kBindAgainMax / 20, kBindAgainMax));
          bind_again_[node] = tries_left;
          return;
        }
        if (tries_left > 1 && base::transient(refusal_->code) && now() < bind_until_) {
          world().mutations.sometimes("files: a put asked again for its claims to be bound");
          return bind(node, tries_left - 1);
        }
        // It stored its part, but would delay each put by its silence, or by its lack of slots for binds.
        if (failure_of(refusal_->code) == StoreFailure::silent || refusal_->code == Code::overloaded) note_silent(node);
        bound(node, false);
      });
}

void PutActor::bound(const base::NodeId& node, bool done) {
  if (done) bound_at_.insert(node);
  if (--binds_ == 0) list();
}

void PutActor::list() {
  state_ = State::listing;
  tell_pace();
  std::set<base::NodeId> unbound = maybe_at_;
  for (const base::NodeId& node : bound_at_) unbound.erase(node);
  ask<wire::PutEnds, wire::PutListed>(
      catalogue_, now() + kListTimeout,
      [&](wire::PutEnds::Builder out) {
        out.setPut(data_of(id_.view()));
        out.setCid(data_of(cid_.view()));
        out.setName(text_of(name_));
        out.setBytes(bytes_);
        out.setChunks(chunks_);
        out.setReplicas(static_cast<std::uint8_t>(replicas_));
        write_nodes(out.initUnbound(size32(unbound)), unbound);
      },
      [this](runtime::Answer<wire::PutListed> answer) {
        if (state_ != State::listing) return;
        if (!answer.ok()) return fail(answer.error());
        const std::uint8_t reached = answer.value().getReplicas();
        intake_.reply([&](wire::PutDone::Builder out) {
          out.setCid(data_of(cid_.view()));
          out.setBytes(bytes_);
          out.setChunks(chunks_);
          out.setReplicasAsked(static_cast<std::uint8_t>(replicas_));
          out.setReplicasReached(reached);
          out.setBytesFresh(bytes_fresh_);
          out.setListed(answer.value().getListed());
        });
        finish();
      });
}

void PutActor::fail(const Error& error) {
  if (state_ == State::failing) return;
  state_ = State::failing;
  pieces_.clear();
  messages_.clear();
  tell_pace();
  intake_.refuse(error);
  ask<wire::PutFails, messages::wire::Nothing>(
      catalogue_, now() + kListTimeout,
      [&](wire::PutFails::Builder out) {
        out.setPut(data_of(id_.view()));
        write_nodes(out.initNodes(size32(maybe_at_)), maybe_at_);
      },
      [this](runtime::Answer<messages::wire::Nothing>) { finish(); });
}

void PutActor::check() const {
  base::ensure(stored_at_.size() <= maybe_at_.size() && bound_at_.size() <= stored_at_.size(),
               "the nodes that stored for a put are notified of its end");
  if (state_ == State::failing)
    return base::ensure(pieces_.empty() && messages_.empty(), "a put that has failed holds no bytes");
  base::ensure(!replication_ || messages_.size() == replication_->open(),
               "a put keeps the bytes of only the objects that are not settled");
  if (replication_) replication_->check();
  if (state_ == State::collecting) return;
  base::ensure(ended_ && pieces_.empty() && chunker_.empty(), "a put makes its manifest of the whole file");
  if (state_ == State::storing) return;
  base::ensure(messages_.empty() && held_.empty(), "a put binds when all is stored and reported to the catalogue");
  base::ensure(state_ == State::binding || (tells_ == 0 && binds_ == 0),
               "a put is listed when all nodes that bind have responded");
}

void PutActor::describe(wire::PutState::Builder state) {
  state.setBytes(bytes_);
  state.setReplicasAsked(static_cast<std::uint8_t>(replicas_));
  if (!replication_) return;
  state.setBytesHeld(replication_->bytes_held());
  state.setReplicasReached(static_cast<std::uint8_t>(replication_->reached()));
}

}  // namespace troupe::files
