// The watch over the copies of this node's files, and claims of this node that other nodes are to end.
#include <algorithm>

#include "actors/files/copy_actor.hpp"
#include "actors/files/files_actor.hpp"
#include "actors/files/logic/catalogue_rows.hpp"
#include "actors/files/logic/contents.hpp"

namespace troupe::files {

// -- the watch -------------------------------------------------------------------------------------------------------

void FilesActor::watch_now() {
  if (!watch_ || watch_->in_round() || !copiers_.empty()) return;
  release_cut_off_puts();
  for (WatchQuestion& question : watch_->begin(*catalogue_, now()))
    questions_[question.node].push_back(std::move(question));
  if (!watch_->in_round()) return watch_later();
  std::vector<base::NodeId> nodes;
  for (const auto& [node, asked] : questions_) nodes.push_back(node);
  for (const base::NodeId& node : nodes)
    for (std::size_t i = 0; i < kWatchQuestionsPerNode; ++i) ask_next(node);
  if (asked_ == 0) end_round();
}

void FilesActor::watch_later() { after<WatchNow>(std::max<base::Duration>(watch_->due() - now(), base::Duration(1))); }

void FilesActor::ask_next(const base::NodeId& node) {
  const auto waiting = questions_.find(node);
  if (waiting == questions_.end()) return;
  WatchQuestion question = std::move(waiting->second.front());
  waiting->second.pop_front();
  if (waiting->second.empty()) questions_.erase(waiting);
  ++asked_;
  ask<wire::HasContents, wire::Has>(
      holder(node), now() + settings_.answer_timeout,
      [&](wire::HasContents::Builder out) {
        auto contents = out.initContents(size32(question.contents));
        for (unsigned i = 0; i < contents.size(); ++i) files::write(contents[i], question.contents[i]);
        out.setClaimedFor(data_of(question.cid.view()));
      },
      [this, question](runtime::Answer<wire::Has> answer) { question_answered(question, answer); });
}

void FilesActor::question_answered(const WatchQuestion& question, runtime::Answer<wire::Has>& answer) {
  --asked_;
  if (answer.ok()) {
    std::vector<bool> has;
    for (const bool present : answer.value().getPresent()) has.push_back(present);
    watch_->answered(question, has);
    note_kept(question.node, answer.value().getKeptDays());
    ask_next(question.node);
  } else {
    // The remaining requests would only wait for the same.
    if (answer.error().code == base::Code::overloaded) watch_->busy(question);
    else watch_->silent(question);
    questions_.erase(question.node);
  }
  if (asked_ == 0 && questions_.empty()) read_copies();
}

/// A holder may claim objects that it lacks: some holders must return an object before the round ends.
void FilesActor::read_copies() {
  base::Random random(world().chance.seed());
  for (const WatchRead& read : watch_->reads(random)) {
    ++asked_;
    ask<wire::FetchContent, wire::Fetched>(
        holder(read.node), now() + settings_.content_timeout,
        [&](wire::FetchContent::Builder out) { files::write(out.initContent(), read.key); },
        [this, read](runtime::Answer<wire::Fetched> answer) {
          note_read(read, answer);
          if (--asked_ == 0) end_round();
        });
  }
  if (asked_ == 0) end_round();
}

void FilesActor::note_read(const WatchRead& read, runtime::Answer<wire::Fetched>& answer) {
  using base::Code;
  const bool given = answer.ok();
  if (given && verify_content(read.key, bytes_of(answer.value().getBytes()), world().mutations))
    return watch_->was_read(read, WatchReadEnd::sound);
  if (given) accuse(read.node);
  if (catalogue_->find(read.cid) == nullptr) return;  // removed since: the holder no longer has to return it
  const Code code = given ? Code::corrupt : answer.error().code;
  if (code == Code::overloaded) return watch_->was_read(read, WatchReadEnd::busy);
  settings_.log.warn(
      "a storage node did not return an object that it reported as stored; another object is requested soon",
      {{"node", read.node.hex()},
       {"content", read.key.id.hex()},
       {"why", given ? "its bytes do not match its id" : answer.error().message}});
  const bool lacks = code == Code::not_found || code == Code::unsupported || code == Code::corrupt;
  watch_->was_read(read, lacks ? WatchReadEnd::lacks : WatchReadEnd::silent);
  pace_.silent(read.node, now());  // not trusted: the next puts ask it last
}

/// Written once per day and holder, so that `file ls` knows after a restart for how long copies are kept.
void FilesActor::note_kept(const base::NodeId& node, std::uint16_t days) {
  if (days == 0 || node == settings_.self) return;
  const Kept kept{day_of(wall()), days};
  if (catalogue_->plan_kept(node, kept).empty()) return;
  change([this, node, kept]() -> Planned { return catalogue_->plan_kept(node, kept); }, [](base::Outcome<void>) {});
}

/// Copies go to the nodes nearest to their objects: if any copies are wanted, these nodes are searched first.
void FilesActor::end_round() {
  met_ = {};
  find_candidates([this](std::vector<base::NodeId> candidates) {
    const auto wanting = in_dht() ? watch_->wanting(*catalogue_) : std::vector<base::NodeId>();
    if (wanting.empty()) return end_round(candidates, {});
    auto near = std::make_shared<Near>();
    for (const base::NodeId& position : wanting) {
      find_places(position, [this, candidates, near, position, all = wanting.size()](std::vector<base::NodeId> nodes) {
        near->emplace(position, std::move(nodes));
        if (near->size() == all) end_round(candidates, *near);
      });
    }
  });
}

/// Before a copy is made, a row says that its target may get a claim, so that a removal ends that claim, too.
void FilesActor::end_round(const std::vector<base::NodeId>& candidates, const Near& near) {
  auto copies = std::make_shared<std::vector<Restore>>();
  change(
      [this, candidates, near, copies]() -> Planned {
        RoundEnd end = watch_->end(*catalogue_, candidates, now(), near, sites_);
        note_copies(end);
        std::set<std::pair<Cid, base::NodeId>> claimed;
        for (Restore& restore : end.restores) {
          const Release release{ClaimKind::file, {restore.cid.bytes}, restore.target};
          if (releasing_.contains(release)) continue;
          if (claimed.emplace(restore.cid, restore.target).second)
            end.change.add(catalogue_->plan_claim_at(restore.cid, restore.target));
          copies->push_back(std::move(restore));
        }
        end.change.add(catalogue_->plan_give_up(today()));
        return std::move(end.change);
      },
      [this, copies](base::Outcome<void> done) {
        if (done.ok()) make_copies(std::move(*copies));
        if (copiers_.empty()) watch_later();
      });
}

/// Logs what a check has found, if it has changed. Without copies an object is lost unless a holder returns.
void FilesActor::note_copies(const RoundEnd& end) {
  Counters& counts = *settings_.counters;
  const auto lost = counts.contents_lost.exchange(end.contents_lost);
  const auto lacking = counts.contents_short.exchange(end.contents_short);
  if (end.contents_lost > lost)
    settings_.log.error("chunks or manifests have no copy: their storage nodes are away or have lost them",
                        {{"contents", end.contents_lost}, {"before", lost}});
  else if (end.contents_short > lacking)
    settings_.log.warn("chunks or manifests have fewer copies than wanted",
                       {{"contents", end.contents_short}, {"before", lacking}});
  else if (end.contents_short < lacking && end.contents_short == 0)
    settings_.log.info("all chunks and manifests have their copies again");
}

void FilesActor::make_copies(std::vector<Restore> copies) {
  std::vector<std::vector<Restore>> lanes(std::min(copies.size(), kCopiersMax));
  for (std::size_t i = 0; i < copies.size(); ++i) lanes[i % lanes.size()].push_back(std::move(copies[i]));
  for (std::vector<Restore>& lane : lanes) {
    copiers_.insert(spawn_once(CopyActor::kName, [settings = settings_, lane = std::move(lane), met = met_,
                                                  pace = reading_pace_, catalogue = self()] {
      return std::make_unique<CopyActor>(settings, pace, catalogue, lane, met);
    }));
  }
}

void FilesActor::take_copy(wire::CopyMade::Reader made, Nothing reply) {
  const auto cid = read_id<Cid>(made.getCid());
  const auto key = read_content(made.getContent());
  const auto node = read_id<base::NodeId>(made.getNode());
  if (!cid.ok() || !key.ok() || !node.ok())
    return reply.refuse({base::Code::malformed, "malformed copy: the file, object or node is invalid"});
  change(
      [this, cid = cid.value(), key = key.value(), node = node.value()]() -> Planned {
        return catalogue_->plan_held(cid, key, node, watch_->absent(), today());
      },
      [this, cid = cid.value(), reply = std::move(reply)](base::Outcome<void> done) mutable {
        if (!done.ok()) return reply.refuse(done.error());
        world().mutations.sometimes("files: the watch restored a copy");
        ++settings_.counters->copies_made;
        reply.done();
        if (catalogue_->find(cid) == nullptr) after<ReleaseNow>(base::Duration::zero());  // removed since
      });
}

// -- releases --------------------------------------------------------------------------------------------------------

/// Returns whether a finished put may still bind claims there, because messages of an earlier run may arrive late.
bool FilesActor::cut_off_put_may_bind(const base::NodeId& node) const {
  const auto unseen = [this](const auto& put) { return !puts_.contains(put.first) && !cut_off_.contains(put.first); };
  const auto untold = [&](const auto& put) { return !put.second.told.contains(node); };
  return std::ranges::any_of(catalogue_->puts(), unseen) || std::ranges::any_of(cut_off_, untold);
}

/// The claim for a file is ended after claims for puts. Otherwise a bind in between would create it again.
void FilesActor::release_now() {
  if (!releasing_.empty()) return;  // the end of that batch calls this again
  any_released_ = false;
  std::vector<Release> batch = catalogue_->releases(kReleasesAtOnce, released_last_);
  if (!batch.empty()) released_last_ = batch.back();
  const auto puts_at = catalogue_->nodes_with_puts_to_release();
  std::erase_if(batch, [&](const Release& release) {
    return release.kind == ClaimKind::file &&
           (binding({release.name.bytes}) || puts_at.contains(release.node) || cut_off_put_may_bind(release.node));
  });
  releasing_.insert(batch.begin(), batch.end());
  for (const Release& release : batch) {
    ask<wire::ReleaseClaim, wire::Released>(
        holder(release.node), now() + settings_.answer_timeout,
        [&](wire::ReleaseClaim::Builder out) { files::write(out.initClaim(), release.kind, release.name); },
        [this, release](runtime::Answer<wire::Released> answer) {
          const bool ended = answer.ok() || world().mutations.on("files.release_not_repeated");
          if (!ended) return released(release, false);
          change([this, release]() -> Planned { return catalogue_->plan_released(release); },
                 [this, release](base::Outcome<void> done) { released(release, done.ok()); });
        });
  }
  if (batch.empty() && catalogue_->releases_count() > 0) after<ReleaseNow>(settings_.watch.period);
}

/// Continues at once while any node responds, otherwise after a pause.
void FilesActor::released(const Release& release, bool done) {
  releasing_.erase(release);
  if (!done) world().mutations.sometimes("files: a node has to be told again to end a claim");
  any_released_ = any_released_ || done;
  if (!releasing_.empty()) return;
  for (auto& waiting : std::exchange(after_releases_, {})) waiting();
  if (catalogue_->releases_count() == 0) return;
  after<ReleaseNow>(any_released_ ? base::Duration::zero() : settings_.watch.period);
}

}  // namespace troupe::files
