#include "actors/catalogue/member_actor.hpp"

#include <algorithm>

#include "actors/raft/api.hpp"
#include "messages/codec.hpp"
#include "messages/common.capnp.h"

namespace troupe::catalogue {
namespace {

using messages::wire::Nothing;

constexpr std::chrono::seconds kDue{30};
constexpr std::size_t kPutBytes = 256 * 1024;  // messages/files.capnp: a piece of GetItem

/// The rows of files. The group has many more rows, which change with each commit of its actors.
std::vector<std::string> sorts() { return {entry_prefix(), held_prefix()}; }

}  // namespace

runtime::Handle MemberActor::raft() const { return node().find(raft::path_of(group_)); }

void MemberActor::receive(runtime::Handlers& on) {
  on.timer<Again>([this] { load(0, {}); });
  on.timer<Go>([this] { go_on(); });
  on.describe<wire::MemberState>([this](wire::MemberState::Builder state) {
    state.setEntries(static_cast<std::uint32_t>(entries_.size()));
    state.setHeld(static_cast<std::uint32_t>(held_.size()));
    if (adopting_) state.setAdopting(data_of(adopting_->cid.view()));
    state.setFailed(failed_);
  });
}

void MemberActor::again(const std::string& why) {
  ++run_;
  loaded_ = false;
  watching_.clear();
  listing_ = {};
  settings_.log.debug("reading a catalogue again", {{"group", group_}, {"why", std::string_view(why)}});
  after<Again>(kRetry);
}

// -- entries of the group ---------------------------------------------------------------------------------------------

void MemberActor::load(std::size_t sort, const std::string& from) {
  const bool first = sort == 0 && from.empty();
  if (first) {
    ++run_;
    entries_.clear();
    held_.clear();
  }
  ask<raft::wire::RangeKeys, raft::wire::KeyRows>(
      raft(), now() + kDue,
      [&](raft::wire::RangeKeys::Builder out) {
        const std::string prefix = sorts()[sort];
        out.setPrefix(data_of(base::as_bytes(prefix)));
        out.setFrom(data_of(base::as_bytes(from)));
        out.setStale(seen_ > 0);  // asking the leader would wake a sleeping group
      },
      [this, run = run_, sort, first](runtime::Answer<raft::wire::KeyRows> answer) {
        if (run != run_) return;
        if (!answer.ok()) return again(answer.error().message);
        const auto page = answer.value();
        if (page.getRevision() < seen_) {
          seen_ = 0;
          return again("this member of the group has restarted");
        }
        if (first) revision_ = page.getRevision();  // changes between two pages are watched
        for (const auto row : page.getRows()) {
          const auto value = bytes_of(row.getValue());
          note(base::as_text(bytes_of(row.getKey())), base::Bytes(value.begin(), value.end()));
        }
        if (page.getMore() && page.getRows().size() > 0) {
          const auto last = page.getRows()[page.getRows().size() - 1].getKey();
          return load(sort, std::string(base::as_text(bytes_of(last))) + '\0');
        }
        seen_ = std::max(seen_, page.getRevision());
        if (sort + 1 < sorts().size()) return load(sort + 1, {});
        std::erase_if(later_,
                      [this](const auto& one) { return !entries_.contains(one.first) && !held_.contains(one.first); });
        list_files();
      });
}

void MemberActor::list_files() {
  own_.clear();
  listing_ = subscribe<files::wire::ListFiles, files::wire::FileRow>(
      files(), kStreamIdle, [](files::wire::ListFiles::Builder) {},
      [this](files::wire::FileRow::Reader row) {
        if (const auto cid = files::Cid::from(bytes_of(row.getCid()))) own_.insert_or_assign(*cid, row.getPinned());
      },
      [this, run = run_](const base::Result<void, base::Error>& ended) {
        if (run != run_) return;
        if (!ended.ok()) return again(ended.error().message);
        loaded_ = true;
        watch_keys();
        go_on();
      });
}

void MemberActor::watch_keys() {
  for (const std::string& prefix : sorts())
    watching_.push_back(subscribe<raft::wire::WatchKeys, raft::wire::KeyChange>(
        raft(), kWatchIdle,
        [&](raft::wire::WatchKeys::Builder out) {
          out.setPrefix(data_of(base::as_bytes(prefix)));
          out.setRevision(revision_ + 1);
        },
        [this](raft::wire::KeyChange::Reader change) {
          const auto value = bytes_of(change.getValue());
          seen_ = std::max(seen_, change.getRevision());
          note(base::as_text(bytes_of(change.getKey())),
               change.getRemoved() ? std::nullopt : std::optional(base::Bytes(value.begin(), value.end())));
          after<Go>(base::Duration::zero());
        },
        [this, run = run_](const base::Result<void, base::Error>& ended) {
          if (run == run_) again(ended.ok() ? "the watch has ended" : ended.error().message);
        }));
}

void MemberActor::note(std::string_view key, const std::optional<base::Bytes>& value) {
  if (const auto cid = read_entry_key(key)) {
    if (loaded_) later_.erase(*cid);
    const auto entry = value ? decode_entry(*value) : std::nullopt;
    if (!entry) entries_.erase(*cid);
    else if (entries_.size() < kEntriesMax || entries_.contains(*cid)) entries_.insert_or_assign(*cid, *entry);
    else settings_.log.warn("a catalogue has more files than a member can maintain", {{"group", group_}});
    return;
  }
  const auto held = read_held_key(key);
  if (!held || held->node != settings_.self) return;
  const auto adopted = value ? decode_held(*value) : std::nullopt;
  if (adopted) held_.insert_or_assign(held->cid, *adopted);
  else held_.erase(held->cid);
}

// -- work of this node ------------------------------------------------------------------------------------------------

/// Takes one step at a time; each step calls this again at its end. A file that cannot be processed now blocks no
/// other.
void MemberActor::go_on() {
  if (!loaded_ || asking_ || adopting_) return;
  if (now() < not_before_) return after<Go>(not_before_ - now());
  for (const auto& [cid, adopted] : held_)
    if (!entries_.contains(cid) && due(cid) <= now()) return forget(cid);
  std::optional<files::Cid> missing;
  for (const auto& [cid, entry] : entries_) {
    if (due(cid) > now()) continue;
    const auto own = own_.find(cid);
    if (own == own_.end()) {
      if (!missing || due(cid) < due(*missing)) missing = cid;
    } else if (own->second != entry.pinned) {
      return pin(cid, entry.pinned);
    } else if (!held_.contains(cid)) {
      return write(held_key(cid, settings_.self), encode_held(adopted_.contains(cid)));
    }
  }
  if (missing) return adopt(*missing, entries_.at(*missing));
  std::erase_if(later_, [this](const auto& one) { return one.second.due <= now(); });  // for these files nothing is
                                                                                       // left to do
  const auto next = std::ranges::min_element(later_, {}, [](const auto& one) { return one.second.due; });
  if (next != later_.end()) after<Go>(next->second.due - now());
}

void MemberActor::put_off(const files::Cid& cid) {
  Later& later = later_[cid];
  later.backoff = std::clamp<base::Duration>(2 * later.backoff, kRetry, kRetryMax);
  later.due = now() + later.backoff;
  not_before_ = now() + kRetry;
}

base::Instant MemberActor::due(const files::Cid& cid) const {
  const auto later = later_.find(cid);
  return later == later_.end() ? base::Instant{} : later->second.due;
}

void MemberActor::pin(const files::Cid& cid, bool pinned) {
  asking_ = true;
  ask<files::wire::PinFile, Nothing>(
      files(), now() + kDue,
      [&](files::wire::PinFile::Builder out) {
        out.setCid(data_of(cid.view()));
        out.setPinned(pinned);
      },
      [this, cid, pinned](const runtime::Answer<Nothing>& answer) {
        asking_ = false;
        if (answer.ok()) own_[cid] = pinned;
        else if (answer.error().code == base::Code::not_found) own_.erase(cid);
        else put_off(cid);
        go_on();
      });
}

void MemberActor::adopt(const files::Cid& cid, const Entry& entry) {
  adopting_ = Adopting{};
  adopting_->cid = cid;
  adopting_->to = feed<files::wire::PutFile, files::wire::PutPiece, files::wire::PutDone>(
      files(), kStreamIdle, [&](files::wire::PutFile::Builder out) { out.setName(entry.name); },
      [this, run = run_](runtime::Answer<files::wire::PutDone> answer) {
        if (!adopting_) return;
        if (!answer.ok()) return adopted(answer.error());
        const auto got = files::Cid::from(bytes_of(answer.value().getCid()));
        if (got == adopting_->cid) return adopted(*got);
        adopted(base::Error{base::Code::corrupt, "the file that was read has another content id"});
      });
  adopting_->to.on_ready([this] { pass_on(); });
  adopting_->from = subscribe<files::wire::GetFile, files::wire::GetItem>(
      files(), kStreamIdle, [&](files::wire::GetFile::Builder out) { out.setCid(data_of(cid.view())); },
      [this](files::wire::GetItem::Reader item) {
        if (!adopting_ || !item.isPiece()) return;
        const auto bytes = bytes_of(item.getPiece());
        adopting_->waiting.emplace_back(bytes.begin(), bytes.end());
        pass_on();
      },
      [this](const base::Result<void, base::Error>& ended) {
        if (!adopting_) return;
        if (!ended.ok()) return adopted(ended.error());
        adopting_->ended = true;
        pass_on();
      });
}

void MemberActor::pass_on() {
  if (!adopting_) return;
  Adopting& it = *adopting_;
  while (it.to.ready() && !it.waiting.empty()) {
    it.to.push([&](files::wire::PutPiece::Builder out) { out.setBytes(data_of(it.waiting.front())); });
    it.waiting.pop_front();
  }
  if (!it.waiting.empty()) it.from.pause();
  else if (it.ended) it.to.end();
  else it.from.resume();
}

void MemberActor::adopted(const base::Outcome<files::Cid>& done) {
  const files::Cid cid = adopting_->cid;
  adopting_.reset();
  if (done.ok()) {
    own_.insert_or_assign(cid, false);
    adopted_.insert(cid);
    later_.erase(cid);
  } else {
    ++failed_;
    put_off(cid);
    settings_.log.info("cannot fetch a file of a catalogue yet",
                       {{"group", group_}, {"cid", cid.hex()}, {"why", std::string_view(done.error().message)}});
  }
  after<Go>(base::Duration::zero());
}

/// Handles an entry that is gone.
void MemberActor::forget(const files::Cid& cid) {
  const auto own = own_.find(cid);
  if (!held_.at(cid) || own == own_.end()) return write(held_key(cid, settings_.self), std::nullopt);
  asking_ = true;
  ask<files::wire::RemoveFile, files::wire::FileRemoved>(
      files(), now() + kDue, [&](files::wire::RemoveFile::Builder out) { out.setCid(data_of(cid.view())); },
      [this, cid](const runtime::Answer<files::wire::FileRemoved>& answer) {
        asking_ = false;
        if (answer.ok() || answer.error().code == base::Code::not_found) own_.erase(cid);
        else put_off(cid);
        go_on();
      });
}

void MemberActor::write(const std::string& key, const std::optional<base::Bytes>& value) {
  asking_ = true;
  ask<raft::wire::Execute, raft::wire::Executed>(
      raft(), now() + kDue,
      [&](raft::wire::Execute::Builder out) {
        auto operation = out.initWhat().initTxn().initOperations(1)[0];
        operation.setKey(data_of(base::as_bytes(key)));
        if (value) operation.setPut(data_of(*value));
        else operation.setRemove();
        out.setDueMs(20'000);
      },
      [this, key, value](const runtime::Answer<raft::wire::Executed>& answer) {
        asking_ = false;
        if (answer.ok()) note(key, value);  // the watch reports the same
        else not_before_ = now() + kRetry;
        go_on();
      });
}

}  // namespace troupe::catalogue
