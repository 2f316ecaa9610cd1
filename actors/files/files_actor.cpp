#include "actors/files/files_actor.hpp"

#include <algorithm>
#include <iterator>

#include "actors/files/announce_actor.hpp"
#include "actors/files/holder_actor.hpp"
#include "actors/files/placement_actor.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/base/ensure.hpp"
#include "runtime/observe/describe_counters.hpp"
#include "runtime/store/store_actor.hpp"

namespace troupe::files {
namespace {

using base::Code;
using base::Error;

constexpr const char* kStorePath = "/files/store";
constexpr const char* kMend = "owners restore it over time; run `troupe file verify` on this node to repair it now";

}  // namespace

template <class Q, class A, class F>
void FilesActor::serve(runtime::Handlers& on, F handler) {
  on.ask<Q, A>([this, handler](typename Q::Reader question, runtime::Reply<A> reply) {
    if (catalogue_) (this->*handler)(question, std::move(reply));
    else reply.refuse(rows_.refusal());
  });
}

void FilesActor::receive(runtime::Handlers& on) {
  serve<wire::RemoveFile, wire::FileRemoved>(on, &FilesActor::remove);
  serve<wire::PinFile, messages::wire::Nothing>(on, &FilesActor::pin);
  serve<wire::PutHeld, messages::wire::Nothing>(on, &FilesActor::take_held);
  serve<wire::PutBinds, messages::wire::Nothing>(on, &FilesActor::take_binds);
  serve<wire::PutEnds, wire::PutListed>(on, &FilesActor::take_ends);
  serve<wire::PutFails, messages::wire::Nothing>(on, &FilesActor::take_fails);
  serve<wire::CopyMade, messages::wire::Nothing>(on, &FilesActor::take_copy);
  on.tell<wire::StoresTook>([this](wire::StoresTook::Reader told) { take_pace(told); });
  on.tell<wire::CopyRefused>([this](wire::CopyRefused::Reader refused) {
    const auto node = read_id<base::NodeId>(refused.getNode());
    if (watch_ && node.ok()) watch_->refused(node.value());
  });
  on.intake<wire::PutFile, wire::PutPiece, wire::PutDone>([this](wire::PutFile::Reader question, auto intake) {
    if (catalogue_) put(question, std::move(intake));
    else intake.refuse(rows_.refusal());
  });
  on.stream<wire::ListFiles, wire::FileRow>([this](auto, auto sink) {
    if (catalogue_) list(std::move(sink));
    else sink.fail(rows_.refusal());
  });
  receive_streams(on);
  on.ask<runtime::wire::AwaitReady, messages::wire::Nothing>([this](runtime::wire::AwaitReady::Reader, Nothing reply) {
    rows_.when_settled([this, reply = std::move(reply)]() mutable { tell_ready(std::move(reply)); });
  });
  rows_.receive<RowsAgain>(on);
  on.timer<WatchNow>([this] { watch_now(); });
  on.timer<ReleaseNow>([this] { release_now(); });
  on.describe<wire::FilesState>([this](wire::FilesState::Builder state) { describe(state); });
}

void FilesActor::start() {
  spawn("store",
        [settings = settings_] {
          const store::StoreTold told{settings.health, kMend};
          return std::make_unique<store::StoreActor>(settings.store_directory, settings.store, told);
        },
        {.kind = store::StoreActor::kName, .placement = ports::Placement::own_thread});
  spawn<AnnounceActor>("announce", settings_);
  spawn<PlacementActor>(PlacementActor::kName, settings_);
  holder_ = spawn<HolderActor>("holder", settings_, std::string(kStorePath));
  node()
      .publish<wire::PutFile, wire::GetFile, wire::ListFiles, wire::ViewFile, wire::VerifyFile, wire::RemoveFile,
               wire::PinFile>(kPath, self());
  load();
}

base::WallTime FilesActor::today() const { return base::WallTime(std::chrono::seconds(base::unix_seconds(wall()))); }

// -- reading rows ----------------------------------------------------------------------------------------------------

store::Rows::Setup FilesActor::rows_setup(const FilesSettings& settings) {
  static constexpr std::uint8_t kBehindClaims = 'd';  // rows.hpp: rows of claims begin with a 'c'
  return {.store = kStorePath,
          .keyspace = kKeyspace,
          .what = "the catalogue of files",
          .source = "files.catalogue",
          .health = settings.health,
          .doubt = store::Doubt::ends_owner,
          .first = {kBehindClaims}};
}

/// A row that the catalogue cannot use is kept, because a later version of this program may have written it.
void FilesActor::load() {
  loading_ = std::make_unique<Catalogue>(settings_.catalogue);
  rows_.load(
      [this](base::ByteView key, base::ByteView value) {
        if (!loading_->load({{key.begin(), key.end()}, {value.begin(), value.end()}}).ok())
          world().mutations.sometimes("files: a row of the catalogue was broken");
        return store::Use::keep;
      },
      [this](const base::Outcome<void>& read) {
        if (read.ok()) loaded();
      });
}

/// A put asks this node's holder at once, so the holder must have read its rows as well.
void FilesActor::tell_ready(Nothing reply) {
  ask<runtime::wire::AwaitReady, messages::wire::Nothing>(
      holder_, now() + kReadTimeout, [](runtime::wire::AwaitReady::Builder) {},
      [reply = std::move(reply)](const runtime::Answer<messages::wire::Nothing>& answer) mutable {
        reply.forward(answer.envelope());
      });
}

void FilesActor::loaded() {
  catalogue_ = std::move(loading_);
  watch_ = std::make_unique<Watch>(settings_.watch, now(), world().mutations);
  change([this]() -> Planned { return catalogue_->leftovers(); }, [](base::Outcome<void>) {});
  show_counts();
  settings_.log.info("the catalogue has been read", {{"files", catalogue_->entries().size()}});
  if (!catalogue_->puts().empty()) {
    settings_.log.warn("puts were interrupted by a restart; their claims are released",
                       {{"puts", catalogue_->puts().size()}});
    world().mutations.sometimes("files: a put was cut off by a restart");
  }
  after<WatchNow>(base::Duration::zero());
  after<ReleaseNow>(base::Duration::zero());
}

/// Releases puts whose row is left: a restart interrupted them, or their end could not be written. It is unknown where
/// they have claims. So each node that may have one is asked to end it, including nodes that become known later. After
/// put_idle_max a holder ends them itself.
void FilesActor::release_cut_off_puts() {
  for (const auto& [id, begun] : catalogue_->puts())
    if (!puts_.contains(id)) cut_off_.try_emplace(id, CutOff{now(), {}});
  std::erase_if(cut_off_, [&](const auto& put) {
    return now() - put.second.since >= settings_.claims.put_idle_max && !catalogue_->puts().contains(put.first);
  });
  if (cut_off_.empty()) return;
  find_candidates([this](const std::vector<base::NodeId>& nodes) {
    for (const auto& [id, cut] : cut_off_) {
      std::vector<base::NodeId> fresh;
      std::set_difference(nodes.begin(), nodes.end(), cut.told.begin(), cut.told.end(), std::back_inserter(fresh));
      if (!fresh.empty()) release_cut_off_put(id, std::move(fresh));
    }
  });
}

void FilesActor::release_cut_off_put(const PutId& id, std::vector<base::NodeId> nodes) {
  change(
      [this, id, nodes]() -> Planned {
        const bool first = cut_off_[id].told.empty();
        if (first && !catalogue_->puts().contains(id)) return Change{};  // its end was still to be written
        return catalogue_->plan_abandon(id, nodes, today());
      },
      [this, id, nodes](base::Outcome<void> done) {
        if (!done.ok()) return;
        cut_off_[id].told.insert(nodes.begin(), nodes.end());
        after<ReleaseNow>(base::Duration::zero());
      });
}

// -- rows, written ---------------------------------------------------------------------------------------------------

void FilesActor::change(base::Callback<Planned()> plan, Done done) {
  work_.push_back({std::move(plan), std::move(done)});
  if (!working_) work();
}

void FilesActor::change(base::Callback<Planned()> plan, Nothing reply) {
  change(std::move(plan), answer_with(std::move(reply)));
}

void FilesActor::work() {
  while (!working_ && !work_.empty()) {
    Work next = std::move(work_.front());
    work_.pop_front();
    working_ = true;  // the plan must not begin another change
    auto planned = next.plan();
    if (planned.ok() && !planned.value().empty()) {
      save(std::move(planned).value(), std::move(next.done));
      return;
    }
    if (planned.ok()) next.done({});
    else next.done(planned.error());
    working_ = false;
  }
}

void FilesActor::save(Change planned, Done done) {
  const auto change = std::make_shared<const Change>(std::move(planned));
  rows_.save(change, [this, change, done = std::move(done)](const base::Outcome<void>& saved) mutable {
    if (saved.ok()) catalogue_->apply(*change);
    else world().mutations.sometimes("files: a change of the catalogue came to nothing");
    done(saved);
    working_ = false;
    work();
  });
}

void FilesActor::check() const {
  base::ensure(!catalogue_ || (watch_ && !loading_), "a catalogue that serves has been read, and once");
  base::ensure(catalogue_ || (puts_.empty() && work_.empty() && releasing_.empty() && copiers_.empty()),
               "no work begins before the catalogue is read");
  base::ensure(puts_.size() <= settings_.catalogue.puts_max && streams_.size() <= settings_.streams_max &&
                   listings_.size() <= settings_.streams_max,
               "puts and streams stay within their limits");
  base::ensure(working_ || work_.empty(), "a waiting change of the catalogue waits for a change that is being written");
  base::ensure(asked_ > 0 || questions_.empty(), "a round of the watch with requests left waits for a response");
  base::ensure(asked_ == 0 || watch_->in_round(), "the watch asks during its rounds");
  base::ensure(copiers_.size() <= kCopiersMax && (copiers_.empty() || !watch_->in_round()),
               "few copies are made at once, between the rounds of the watch");
  base::ensure(releasing_.size() <= kReleasesAtOnce, "few claims are ended at once");
  base::ensure(after_releases_.empty() || !releasing_.empty(), "a put waits for a running release");
  if (!catalogue_ || catalogue_->contents_count() == contents_checked_) return;
  catalogue_->check();
  contents_checked_ = catalogue_->contents_count();
}

/// For describe(), and for metrics, which another thread reads.
void FilesActor::show_counts() {
  Counters& counts = *settings_.counters;
  counts.puts_under_way = puts_.size();
  counts.streams_under_way = streams_.size();
  if (!catalogue_) return;
  counts.files = catalogue_->entries().size();
  counts.contents_owned = catalogue_->contents_count();
}

void FilesActor::describe(wire::FilesState::Builder state) {
  show_counts();
  observe::describe(files_table(*settings_.counters), state);
  state.setLoading(!catalogue_);
  state.setCopiesUnderWay(!copiers_.empty());
  if (catalogue_) state.setReleases(static_cast<std::uint32_t>(catalogue_->releases_count()));
}

}  // namespace troupe::files
