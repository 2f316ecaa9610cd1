#include "actors/files/view_actor.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe::files {

void ViewActor::receive(runtime::Handlers& on) {
  Reading::receive(on);
  on.stream<wire::ViewFile, wire::ViewItem>([this](auto question, auto sink) { begin(question, std::move(sink)); });
}

void ViewActor::begin(wire::ViewFile::Reader question, runtime::Sink<wire::ViewItem> sink) {
  base::ensure(!sink_, "an actor for each view");
  sink_ = std::move(sink);
  sink_.on_cancel([this] {
    close();
    finish();
  });
  sink_.on_ready([this] { show(); });
  const auto cid = read_id<Cid>(question.getCid());
  if (!cid.ok()) return fail(cid.error());
  find_candidates([this, cid = cid.value()](std::vector<base::NodeId> candidates) {
    open(with_hints(std::move(candidates), listed_->hints));
    want(ContentKey::manifest(cid));
    pump();
  });
}

bool ViewActor::take(const ContentKey& key, base::ByteView bytes) {
  auto manifest = parse_manifest(bytes);
  close();
  if (!manifest.ok()) {
    fail(to_error(manifest.error()));
    return false;
  }
  manifest_ = std::move(manifest).value();
  cid_ = Cid{key.id.bytes};
  show();
  return false;
}

void ViewActor::show() {
  if (!cid_) return;
  while (sink_.ready()) {
    if (!row_shown_) {
      row_shown_ = true;
      if (!listed_->entry) continue;
      sink_.push([&](wire::ViewItem::Builder item) { write(item.initRow(), *listed_->entry, listed_->replicas_live); });
    } else if (!manifest_shown_) {
      manifest_shown_ = true;
      show(ContentKey::manifest(*cid_), 0);
    } else if (shown_ < manifest_.chunks.size()) {
      const ChunkRef& chunk = manifest_.chunks[shown_++];
      show(chunk.key(), offset_);
      offset_ += chunk.bytes;
    } else {
      sink_.end();
      return finish();
    }
  }
}

void ViewActor::check() const {
  Reading::check();
  base::ensure(!cid_ || !reading(), "a view reads its manifest once");
  base::ensure(shown_ <= manifest_.chunks.size() && (shown_ == 0 || manifest_shown_),
               "a view shows each chunk once, after the manifest");
}

void ViewActor::show(const ContentKey& key, std::uint64_t offset) {
  sink_.push([&](wire::ViewItem::Builder item) {
    auto content = item.initContent();
    write(content.initContent(), key);
    content.setOffset(offset);
    const auto& holders = listed_->of(key);
    write_nodes(content.initHolders(size32(holders)), holders);
  });
}

void ViewActor::fail(const base::Error& error) {
  sink_.fail(error);
  finish();
}

}  // namespace troupe::files
