#include "actors/files/verify_actor.hpp"

#include "actors/files/logic/contents.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::files {

using base::Code;
using base::Error;

namespace {
constexpr std::size_t kAskedAtOnce = 1024;  // messages/files.capnp: HasContents
}

void VerifyActor::receive(runtime::Handlers& on) {
  Reading::receive(on);
  on.stream<wire::VerifyFile, wire::VerifyItem>([this](auto question, auto sink) { begin(question, std::move(sink)); });
}

void VerifyActor::begin(wire::VerifyFile::Reader question, runtime::Sink<wire::VerifyItem> sink) {
  base::ensure(!sink_, "an actor for each verify");
  sink_ = std::move(sink);
  sink_.on_cancel([this] {
    state_ = State::ended;
    close();
    finish();
  });
  sink_.on_ready([this] { show(); });
  progress_due_ = now() + kProgressPeriod;
  all_ = question.getCid().size() == 0;
  const auto cid = all_ ? base::Outcome<Cid>(Cid{}) : read_id<Cid>(question.getCid());
  if (!cid.ok()) return fail(cid.error());
  find_candidates([this, cid = cid.value()](std::vector<base::NodeId> candidates) {
    if (state_ == State::ended) return;
    candidates_ = with_hints(std::move(candidates), listed_->hints);
    if (all_) {
      sum_.bytes_total = settings_.counters->held_bytes;
      state_ = State::copies;
      return list_all();
    }
    open(candidates_);
    want(ContentKey::manifest(cid));
    pump();
  });
}

// -- what to read ----------------------------------------------------------------------------------------------------

bool VerifyActor::take_manifest(const ContentKey& key, base::ByteView bytes) {
  const auto manifest = parse_manifest(bytes);
  close();
  if (!manifest.ok()) {
    fail(to_error(manifest.error()));
    return false;
  }
  contents_.push_back(key);
  sum_.bytes_total = bytes.size();
  std::set<ContentKey> seen;
  for (const ChunkRef& chunk : manifest.value().chunks) {
    if (!seen.insert(chunk.key()).second) continue;
    contents_.push_back(chunk.key());
    sum_.bytes_total += chunk.bytes;
  }
  if (listed_->entry) begin_copies();
  else find_own(0);
  return false;
}

/// Finds which objects this node stores of a file that it does not claim.
void VerifyActor::find_own(std::size_t from) {
  const std::size_t count = std::min(kAskedAtOnce, contents_.size() - from);
  ask<wire::HasContents, wire::Has>(
      holder(settings_.self), now() + settings_.answer_timeout,
      [&](wire::HasContents::Builder out) {
        auto list = out.initContents(static_cast<unsigned>(count));
        for (unsigned i = 0; i < count; ++i) files::write(list[i], contents_[from + i]);
      },
      [this, from, count](runtime::Answer<wire::Has> answer) {
        if (state_ == State::ended) return;
        if (!answer.ok()) return fail(answer.error());
        const auto present = answer.value().getPresent();
        for (unsigned i = 0; i < count && i < present.size(); ++i)
          if (present[i]) own_.insert(contents_[from + i]);
        if (from + count < contents_.size()) return find_own(from + count);
        if (own_.empty()) return fail({Code::not_found, "this node neither claims nor stores the file"});
        begin_copies();
      });
}

/// Requests the next page of this node's stored objects.
void VerifyActor::list_all() {
  listing_ = true;
  ask<wire::ListHeld, wire::HeldContents>(
      holder(settings_.self), now() + settings_.answer_timeout,
      [&](wire::ListHeld::Builder out) {
        if (!contents_.empty()) files::write(out.initBehind(), contents_.back());
      },
      [this](runtime::Answer<wire::HeldContents> answer) {
        if (state_ == State::ended) return;
        listing_ = false;
        if (!answer.ok()) return fail(answer.error());
        contents_.clear();
        begun_ = 0;
        for (const auto content : answer.value().getContents())
          if (const auto key = read_content(content); key.ok()) contents_.push_back(key.value());
        more_ = answer.value().getMore() && !contents_.empty();
        go_on();
        show();
      });
}

const std::vector<base::NodeId>& VerifyActor::nodes_of(const ContentKey& key) const {
  static const std::vector<base::NodeId> kNobody;
  if (all_) return only_self_;
  if (listed_->entry) return listed_->of(key);
  return own_.contains(key) ? only_self_ : kNobody;
}

// -- copies ----------------------------------------------------------------------------------------------------------

void VerifyActor::begin_copies() {
  state_ = State::copies;
  go_on();
}

void VerifyActor::go_on() {
  while (state_ == State::copies && reading_ < kContentsAtOnce && begun_ < contents_.size() &&
         items_.size() < kItemsWaitingMax) {
    ++reading_;
    read(contents_[begun_++], 0);
  }
  if (state_ == State::copies && begun_ == contents_.size() && reading_ == 0 && !listing_) {
    if (std::exchange(more_, false)) return list_all();
    state_ = State::mending;
    repair();
  }
}

void VerifyActor::read(const ContentKey& key, std::size_t nth) {
  const auto& nodes = nodes_of(key);
  if (nth >= nodes.size()) {
    --reading_;
    return;
  }
  const base::NodeId node = nodes[nth];
  ask<wire::FetchContent, wire::Fetched>(
      holder(node), now() + settings_.content_timeout,
      [&](wire::FetchContent::Builder out) { files::write(out.initContent(), key); },
      [this, key, nth, node](runtime::Answer<wire::Fetched> answer) {
        if (state_ == State::ended) return;
        Copy copy = Copy::unknown;
        if (answer.ok()) {
          const base::ByteView bytes = bytes_of(answer.value().getBytes());
          copy = verify_content(key, bytes, world().mutations) ? Copy::sound : Copy::damaged;
          if (copy == Copy::damaged) accuse(node);
          if (nth == 0) sum_.bytes += bytes.size();
        } else if (answer.error().code == Code::not_found || answer.error().code == Code::unsupported) {
          copy = Copy::lacking;
        } else if (answer.error().code == Code::corrupt) {
          copy = Copy::damaged;
        }
        judge(key, node, copy);
        read(key, nth + 1);
        go_on();
        show();
      });
}

void VerifyActor::judge(const ContentKey& key, const base::NodeId& node, Copy copy) {
  ++sum_.copies;
  switch (copy) {
    case Copy::sound: ++sum_.sound; return;
    case Copy::lacking: ++sum_.lacking; break;
    case Copy::unknown: ++sum_.unknown; break;
    case Copy::damaged:
      ++sum_.damaged;
      if (node == settings_.self) damaged_.push_back(key);
      break;
    case Copy::repaired: break;
  }
  items_.push_back({key, node, copy, {}});
}

// -- repairs ---------------------------------------------------------------------------------------------------------

void VerifyActor::repair() {
  if (damaged_.empty()) {
    items_.push_back({{}, {}, std::nullopt, sum_});
    state_ = State::ended;
    return show();
  }
  std::vector<base::NodeId> others = candidates_;
  std::erase(others, settings_.self);
  open(std::move(others));
  want(damaged_.front());
  pump();
}

bool VerifyActor::take(const ContentKey& key, base::ByteView bytes) {
  if (state_ == State::manifest) return take_manifest(key, bytes);
  close();
  ask<wire::MendContent, messages::wire::Nothing>(
      holder(settings_.self), now() + kCommitTimeout,
      [&](wire::MendContent::Builder out) {
        files::write(out.initContent(), key);
        out.adoptBytes(borrow(out, bytes));
      },
      [this, key](runtime::Answer<messages::wire::Nothing> answer) {
        if (state_ == State::ended) return;
        if (answer.ok()) {
          ++sum_.repaired;
          items_.push_back({key, settings_.self, Copy::repaired, {}});
        }
        damaged_.pop_front();
        repair();
        show();
      });
  return false;
}

void VerifyActor::failed(FetchEnd why) {
  if (state_ == State::manifest) return fail(to_error(why));
  damaged_.pop_front();
  repair();
}

// -- what the operator sees ------------------------------------------------------------------------------------------

void VerifyActor::show() {
  if (!sink_) return;
  if (state_ != State::ended && now() >= progress_due_ && items_.size() < kItemsWaitingMax) {
    progress_due_ = now() + kProgressPeriod;
    items_.push_back({{}, {}, std::nullopt, sum_});
  }
  while (sink_.ready() && !items_.empty()) {
    const Item item = items_.front();
    items_.pop_front();
    sink_.push([&](wire::VerifyItem::Builder out) { write(out, item); });
  }
  if (state_ == State::ended && items_.empty()) {
    sink_.end();
    return finish();
  }
  go_on();
}

/// The sum that is written after the end is the last.
void VerifyActor::write(wire::VerifyItem::Builder out, const Item& item) const {
  if (!item.copy) {
    const bool last = state_ == State::ended && items_.empty();
    return write(last ? out.initSum() : out.initProgress(), item.sum);
  }
  auto copy = out.initCopy();
  files::write(copy.initContent(), item.key);
  copy.setNode(data_of(item.node.view()));
  switch (*item.copy) {
    case Copy::sound: return copy.setState(wire::CopyState::SOUND);
    case Copy::lacking: return copy.setState(wire::CopyState::LACKING);
    case Copy::damaged: return copy.setState(wire::CopyState::DAMAGED);
    case Copy::unknown: return copy.setState(wire::CopyState::UNKNOWN);
    case Copy::repaired: return copy.setState(wire::CopyState::REPAIRED);
  }
}

void VerifyActor::write(wire::VerifySum::Builder out, const Sum& sum) {
  out.setCopies(sum.copies);
  out.setSound(sum.sound);
  out.setLacking(sum.lacking);
  out.setDamaged(sum.damaged);
  out.setUnknown(sum.unknown);
  out.setRepaired(sum.repaired);
  out.setBytes(sum.bytes);
  out.setBytesTotal(sum.bytes_total);
}

void VerifyActor::check() const {
  Reading::check();
  base::ensure(reading_ <= kContentsAtOnce && reading_ <= begun_ && begun_ <= contents_.size(),
               "a verify reads few objects at once, each of them once");
  base::ensure(sum_.sound + sum_.lacking + sum_.damaged + sum_.unknown == sum_.copies,
               "each checked copy has one result");
  base::ensure(sum_.repaired + damaged_.size() <= sum_.damaged, "only corrupted objects are repaired");
  switch (state_) {
    case State::manifest: return base::ensure(begun_ == 0, "a verify reads no copy before its manifest");
    case State::copies:
      return base::ensure(reading_ > 0 || listing_ || items_.size() >= kItemsWaitingMax,
                          "a verify waits for a copy or its reader");
    case State::mending:
      return base::ensure(reading_ == 0 && begun_ == contents_.size() && !damaged_.empty(),
                          "a verify repairs when all copies were read, and an object is corrupted");
    case State::ended: return base::ensure(!items_.empty(), "a verify that is done waits for its reader only");
  }
}

void VerifyActor::fail(const Error& error) {
  state_ = State::ended;
  close();
  sink_.fail(error);
  finish();
}

}  // namespace troupe::files
