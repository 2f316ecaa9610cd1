#pragma once
// The files of this node: operators' requests, the catalogue, and the watch over copies. Root of the domain, at kPath.
//
// Serves  operators; its children: PutHeld, PutBinds, PutEnds, PutFails, CopyMade, CopyRefused.
// Spawns  `store` (a thread of its own), `holder`, `announce` and `places`; an actor for each put, get, view and
//         verify, whose streams pass through this actor; copy actors for each round of the watch.
// Rows    one change of the catalogue at a time: planned, written, synced, applied. A change with an unknown outcome
//         ends the actor. Until the rows are read, and while they are corrupted, all requests are refused.
// Crash   a put writes its id before it stores anything, and the claims to release before it binds to a CID. Rows of
//         puts that a start finds belong to interrupted puts: their claims are released.
// Limits  CatalogueLimits::puts_max, FilesSettings::streams_max; beyond them `overloaded`.
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "actors/files/files_part.hpp"
#include "actors/files/listed.hpp"
#include "actors/files/logic/pace.hpp"
#include "messages/common.capnp.h"
#include "runtime/actor/relay.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::files {

inline constexpr std::size_t kReleasesAtOnce = 64;        // our choice
inline constexpr std::size_t kWatchQuestionsPerNode = 4;  // our choice: far below what a link admits
inline constexpr std::size_t kCopiersMax = 4;             // our choice: 4 MiB in memory
inline constexpr std::chrono::minutes kRelayIdle{20};     // both ends of a relayed stream have shorter time-outs

class FilesActor final : public FilesPart {
 public:
  static constexpr const char* kName = "files";
  explicit FilesActor(FilesSettings settings) : FilesPart(std::move(settings)), rows_(*this, rows_setup(settings_)) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;
  void down(const runtime::Handle& whom, const std::optional<base::Error>& why) override;

 private:
  struct RowsAgain {};
  struct WatchNow {};
  struct ReleaseNow {};
  using Nothing = runtime::Reply<messages::wire::Nothing>;
  using Planned = base::Outcome<Change>;
  using Done = base::Callback<void(base::Outcome<void>)>;
  using PutRelay = runtime::IntakeRelay<wire::PutPiece, wire::PutDone>;
  struct Put {
    runtime::Handle actor;  // null until its id is written
    std::shared_ptr<PutRelay> relay;
    std::vector<HeldContent> held;
    std::optional<Cid> binding;
    bool ended = false;  // listed or abandoned
  };
  struct Work {
    base::Callback<Planned()> plan;
    Done done;
  };
  struct Listing;

  // Rows (files_actor.cpp).
  static store::Rows::Setup rows_setup(const FilesSettings& settings);
  void load();
  void loaded();
  void tell_ready(Nothing reply);
  void release_cut_off_puts();
  bool cut_off_put_may_bind(const base::NodeId& node) const;
  void release_cut_off_put(const PutId& id, std::vector<base::NodeId> nodes);
  void change(base::Callback<Planned()> plan, Done done);
  void change(base::Callback<Planned()> plan, Nothing reply);
  static Planned planned(base::Result<Change, CatalogueError> plan) {
    return plan.ok() ? Planned(std::move(plan).value()) : Planned(to_error(plan.error()));
  }
  void work();
  void save(Change planned, Done done);
  base::WallTime today() const;
  template <class Q, class A, class F>
  void serve(runtime::Handlers& on, F handler);
  void show_counts();
  void describe(wire::FilesState::Builder state);

  // Operators (files_actor_operators.cpp).
  void list(runtime::Sink<wire::FileRow> sink);
  void show(Listing& listing);
  void remove(wire::RemoveFile::Reader question, runtime::Reply<wire::FileRemoved> reply);
  void pin(wire::PinFile::Reader question, Nothing reply);
  ListedPointer listed(capnp::Data::Reader cid) const;
  std::size_t replicas_live(const Cid& cid) const;
  void receive_streams(runtime::Handlers& on);
  /// Serves streams requested by `Q`, with children of type `T`.
  template <class T, class Q, class Item>
  void serve_by(runtime::Handlers& on);
  runtime::Handle spawn_once(const char* kind, runtime::Factory factory);

  // Puts (files_actor_puts.cpp).
  void put(wire::PutFile::Reader question, runtime::Intake<wire::PutPiece, wire::PutDone> intake);
  void start_put(const PutId& id, const std::string& name, std::uint8_t replicas);
  void take_held(wire::PutHeld::Reader held, Nothing reply);
  void take_binds(wire::PutBinds::Reader binds, Nothing reply);
  void write_binding(const PutId& id, const Cid& cid, const std::vector<base::NodeId>& nodes, Nothing reply);
  void take_ends(wire::PutEnds::Reader ends, runtime::Reply<wire::PutListed> reply);
  void take_fails(wire::PutFails::Reader fails, Nothing reply);
  void take_pace(wire::StoresTook::Reader told);
  Put* find_put(capnp::Data::Reader id);
  bool binding(const Cid& cid) const;

  // The watch and releases (files_actor_watch.cpp).
  void watch_now();
  void ask_next(const base::NodeId& node);
  void question_answered(const WatchQuestion& question, runtime::Answer<wire::Has>& answer);
  void read_copies();
  void note_read(const WatchRead& read, runtime::Answer<wire::Fetched>& answer);
  void note_kept(const base::NodeId& node, std::uint16_t days);
  void end_round();
  void end_round(const std::vector<base::NodeId>& candidates, const Near& near);
  void note_copies(const RoundEnd& end);
  void make_copies(std::vector<Restore> copies);
  void take_copy(wire::CopyMade::Reader made, Nothing reply);
  void watch_later();
  void release_now();
  void released(const Release& release, bool done);

  std::unique_ptr<Catalogue> catalogue_;  // null while loading
  std::unique_ptr<Catalogue> loading_;    // what was read so far
  store::Rows rows_;
  runtime::Handle holder_;
  std::deque<Work> work_;
  bool working_ = false;
  std::uint64_t children_ = 0;  // total ever started, for their names

  std::map<PutId, Put> puts_;
  Pace pace_;          // as reported by puts
  Pace reading_pace_;  // as reported by readings
  struct CutOff {
    base::Instant since;
    std::set<base::NodeId> told;  ///< nodes asked to end its claims
  };
  std::map<PutId, CutOff> cut_off_;  // interrupted puts that this incarnation found
  std::vector<std::shared_ptr<Listing>> listings_;
  struct Stream {
    std::shared_ptr<void> relay;
    base::Callback<bool()> over;
  };
  void forget_streams();
  std::vector<Stream> streams_;  // gets, views and verifies

  std::unique_ptr<Watch> watch_;
  std::map<base::NodeId, std::deque<WatchQuestion>> questions_;  // questions of this round that are not sent yet
  std::size_t asked_ = 0;                                        // questions of this round without an answer
  std::set<runtime::Handle> copiers_;
  std::set<Release> releasing_;  // sent, not answered
  std::optional<Release> released_last_;
  bool any_released_ = false;  // a release of the current batch succeeded
  std::vector<base::Callback<void()>> after_releases_;
  mutable std::size_t contents_checked_ = 0;  // number of objects at the last full check
};

}  // namespace troupe::files
