#pragma once
// The inspector of a node: lists its actors, shows one actor, follows messages, and warns of faults.
//
// Load    it has its own thread and the reserved priority for its requests, so that it answers while the node is at its
//         limits. Work over many actors is done in slices of kSlice; no mailbox is touched.
// Survey  every `period` it scans all actors (survey.hpp), less often if that takes long. Each finding becomes a reason
//         in the node's health, under the name of its warning.
// Rest    while nothing happens in the node, and no wait could become a warning, there is no survey. The next survey
//         comes a `period` after some actor runs again.
// Limits  kWaitingMax lists at once, kTapsMax streams of messages; rows and messages as in messages/inspect.capnp.
// Restart loses only the streams; reasons of an earlier incarnation are withdrawn.
#include <deque>
#include <list>
#include <memory>

#include "actors/inspect/api.hpp"
#include "actors/inspect/logic/acts.hpp"
#include "actors/inspect/screen.hpp"
#include "actors/inspect/survey.hpp"
#include "actors/node/api.hpp"
#include "messages/common.capnp.h"
#include "messages/runtime.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::inspect {

inline constexpr std::chrono::milliseconds kSlice{5};
inline constexpr std::size_t kWaitingMax = 16;
inline constexpr std::chrono::seconds kPortraitDue{2};         // after that, the actor counts as hanging
inline constexpr std::chrono::milliseconds kFollowPeriod{50};  // our choice: too short to notice
inline constexpr std::chrono::seconds kReaderDue{2};           // for the last items; after that the reader is too slow
inline constexpr std::chrono::seconds kHold{10};               // our choice: a warning does not flicker from survey to
                                                               // survey
inline constexpr std::uint64_t kCircleMs = 1'000;              // minimum wait of each request in a circle
inline constexpr std::chrono::minutes kPauseMax{10};
inline constexpr std::chrono::seconds kPauseBegun{1};  // time in which the actor receives the order
inline constexpr std::chrono::seconds kPauseSaid{20};  // our choice: well within the idle time-outs of both ends
inline constexpr std::size_t kPausedMax = 16;          // our choice: an operator works on a few actors
inline constexpr int kSurveyShare = 50;                // at most 2 % of a core for surveys, or for names

class InspectActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "inspect";
  struct Setup {
    base::NodeId node;
    base::Duration period = std::chrono::seconds(2);
    observe::Health* health = nullptr;                       ///< outlives the actor; may be null
    std::function<node::ProcessUsage()> process_usage = {};  ///< empty: not known
    std::function<void(const Totals&)> surveyed = {};  ///< after each survey, in the actor's own context; may be empty
  };

  explicit InspectActor(Setup setup) : setup_(std::move(setup)) {}
  ~InspectActor() override;

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;

 private:
  struct SurveyDue {};
  struct Stirred {};
  struct NextSlice {};
  struct Follow {};
  struct PauseDue {};

  // A walk over all actors for a list, in slices.
  struct List {
    runtime::Registry::Cursor place;
    std::vector<runtime::Listing> copied;  // before `place`, not yet shown
    base::Instant began;
    Screen screen;
    runtime::Reply<wire::ActorRows> reply;
  };
  struct Followed {
    std::shared_ptr<runtime::Tap> tap;
    runtime::Sink<wire::FollowItem> sink;
    std::uint64_t left = 0;
    base::Instant until;
    std::uint64_t sent = 0;
    std::uint64_t dropped = 0;  // by the tap
    std::deque<runtime::Tapped> waiting;
    std::vector<std::uint64_t> known_kinds;  // kinds whose types were sent
    base::Instant sent_at;
    bool cancelled = false;
  };

  // Lists (inspect_actor.cpp).
  void list(wire::ListActors::Reader question, runtime::Reply<wire::ActorRows> reply);
  void list_ended(wire::ListEnded::Reader question, runtime::Reply<wire::EndedRows> reply);
  void next_slice();
  void list_on(base::Instant until);
  void survey_on();
  void answer(List& done);
  using Names = std::map<std::uint64_t, std::string>;
  Names names_of(std::vector<std::uint64_t> ids);

  // One actor (inspect_actor_look.cpp).
  void look_at(wire::LookAt::Reader question, runtime::Reply<wire::Looked> reply);
  std::string nobody_at(const std::string& path);
  void show(wire::Looked::Builder out, const std::string& path, const runtime::Envelope* portrait,
            const std::string& silent);

  // Warnings (inspect_actor_survey.cpp).
  void begin_survey();
  void end_survey();
  void survey_later();
  void ask_askers();
  void look_for_circle();
  void raise();
  bool at_rest() const;

  // Messages (inspect_actor_follow.cpp).
  void follow(wire::FollowMessages::Reader question, runtime::Sink<wire::FollowItem> sink);
  void pump();
  bool pump(Followed& one);
  bool refill(Followed& one, Names& names);
  bool send(Followed& one, const runtime::Tapped& message, const Names& names);
  void end(Followed& one, const std::string& why);

  // Actions of operators on actors (inspect_actor_act.cpp).
  runtime::Handle target(const std::string& path, Act act, base::Error& why);
  void act_on(wire::ActOn::Reader order, runtime::Reply<messages::wire::Nothing> reply);
  void pause(wire::PauseActor::Reader order, runtime::Sink<wire::PauseItem> sink);
  void look_after_pauses();
  void note(const std::string& who, const char* act, const std::string& path, const std::string& outcome);
  void note(const char* act, const std::string& path, const std::string& outcome) {
    note(caller().who(), act, path, outcome);
  }

  struct Paused {
    std::string who;  // the operator, as the audit trail names it
    std::string path;
    runtime::Handle actor;
    runtime::Sink<wire::PauseItem> sink;
    base::Instant began, until;
    base::Instant say_at;
    bool cancelled = false;
  };

  const Setup setup_;
  std::list<Paused> paused_;
  std::deque<List> lists_;  // the first list is in progress
  std::list<Followed> followed_;
  Names names_;  // of recently seen numbers
  base::Instant names_at_;
  base::Instant names_again_;  // no walk for new names before this time

  Survey survey_;
  std::optional<runtime::Registry::Cursor> surveying_;
  base::Duration survey_took_{0};  // time of its own steps
  bool any_runs_ = false;          // another actor ran when it was visited
  std::uint64_t surveys_ = 0;
  struct Told {
    std::string subject;
    base::Instant said;
    base::Instant last;  // when it was last found
  };
  std::map<Warning, Told> told_;
  std::optional<Finding> circle_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> edges_;
  std::map<std::uint64_t, std::string> askers_;
  std::size_t unanswered_ = 0;
};

}  // namespace troupe::inspect
