#pragma once
// Gives the logs on the disk to the groups of this node. Blocks on its device: it has a thread of its own.
//
// Write   all waiting writes become durable by one sync, and are answered after it.
// Cover   a while after the last write, an empty record is written after it. Otherwise a start could take the last
//         write for an unsynced end.
// Failed  after an error, waiting writes fail, and logs and groups are reopened. Until then every request is refused.
// Sizes   if the sizes (log_sizes.hpp) cannot be noted, the logs stay open: health reports it, and the actor retries.
// Limits  the mailbox's, because each group waits for its saves.
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/raft/logs.hpp"
#include "actors/raft/settings.hpp"
#include "messages/common.capnp.h"
#include "messages/raft.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::raft {

class LogActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "raft log";
  static constexpr std::size_t kWritesAtOnce = 4'096;              // our choice: writes answered after one sync
  static constexpr std::chrono::milliseconds kReopenDelay{1'000};  // our choice: for a device that failed
  static constexpr std::chrono::seconds kRoomDelay{30};            // our choice: for a full device
  static constexpr std::chrono::milliseconds kRoomPeriod{500};     // our choice: between checks of free space
  static constexpr std::chrono::milliseconds kTidyDelay{200};      // our choice: commands go first
  static constexpr std::chrono::seconds kCoverDelay{1};            // our choice: not between the writes of a burst
  static constexpr std::chrono::seconds kNoteDelay{10};            // our choice: retry if sizes cannot be noted
  static constexpr std::string_view kHealthSource = "raft.log";

  /// `log_open` in the settings is shared by all users of the directory: only one at a time may open it. The actor
  /// keeps `short_of_room` up to date: whether less than store::kReserveBytes is free.
  LogActor(std::string directory, SharedSettings settings)
      : directory_(std::move(directory)), settings_(std::move(settings)) {}
  ~LogActor() override {
    if (holds_) *settings_->log_open = false;
  }
  void receive(runtime::Handlers& on) override;
  void start() override { open(); }
  void stop() override;
  /// Returns the number of syncs since its start. A sync covers all earlier writes.
  std::uint64_t syncs() const { return syncs_; }

 private:
  struct Flush {};
  struct Tidy {};
  struct Reopen {};
  struct LookAtRoom {};
  struct Cover {};
  struct NoteSizes {};
  using Done = runtime::Reply<messages::wire::Nothing>;

  template <class Q, class A>
  void serve(runtime::Handlers& on, void (LogActor::*handler)(typename Q::Reader, runtime::Reply<A>));
  void open();
  void open_log(wire::OpenLog::Reader ask, runtime::Reply<wire::LogOpened> reply);
  void write_log(wire::WriteLog::Reader ask, Done reply);
  void read_log(wire::ReadLog::Reader ask, runtime::Reply<wire::LogEntries> reply);
  void keep(wire::KeepMembers::Reader told);
  void flush();
  void fail(const store::StoreError& why);
  void tidy();
  void look_at_room();
  void cover();
  void note_sizes();
  void judge_sizes();
  void describe(wire::LogState::Builder state) const;

  const std::string directory_;
  const SharedSettings settings_;
  bool holds_ = false, looking_ = false, covering_ = false;
  std::optional<std::set<Incarnation>> kept_;
  std::unique_ptr<Logs> logs_;
  base::Error closed_;
  std::set<Incarnation> asked_;  // logs whose owners have asked for their contents since the opening
  std::vector<Done> waiting_;
  std::uint64_t syncs_ = 0, writes_ = 0, writes_looked_at_ = 0, writes_covered_ = 0;
};

}  // namespace troupe::raft
