#pragma once
// Serves rows and blobs of the node's store to its domains, as messages/store.capnp says. Blocks on its device: spawn
// it with SpawnOptions{.placement = ports::Placement::own_thread}.
//
// Commit  Commits that wait in the mailbox become one group: up to kGroupCommitsMax commits or about kGroupBytesMax of
//         blobs. No commit is acknowledged before the whole group is durable.
// Read    Reads see durable data: no waiting commit is visible, and no read waits for a sync. To see its commit, a
//         caller must read after the commit's response.
// Open    While the store cannot be opened, every request is answered with the reason and the file: `corrupt` and
//         `unsupported` stay, all other errors may pass and are retried.
// Idle    The store's tidy() runs in steps between messages, less often while there are messages.
// Faults  Faults are reported as they begin and end (store_report.hpp), under the actor's path: "files.store".
// Limits  The limit of the mailbox, the size of a group, and the slices of store.hpp.
#include <memory>
#include <string>
#include <vector>

#include "messages/common.capnp.h"
#include "messages/store.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/store/store.hpp"
#include "runtime/store/store_report.hpp"

namespace troupe::store {

// Our choice: a device that takes 25 ms for a sync still accepts 40,000 commits per second, more than untrusted nodes
// may request.
inline constexpr std::size_t kGroupCommitsMax = 1'024;
inline constexpr std::uint64_t kGroupBytesMax = 4 * 1024 * 1024;  // our choice: some milliseconds of writing
inline constexpr std::uint32_t kSliceBytesMax = 3 * 1024 * 1024;  // with 4096 rows it fits the kind's 4 MiB
inline constexpr std::size_t kFailureBytesMax = 1024;             // messages/store.capnp: Used
inline constexpr std::chrono::milliseconds kTidyDelay{100};       // our choice: drops come in bursts
inline constexpr std::chrono::milliseconds kTidyPauseIdle{10};    // our choice: between two steps
inline constexpr std::chrono::milliseconds kTidyPauseBusy{200};   // our choice: a step takes about 50 ms of the device
inline constexpr std::chrono::seconds kRoomDelay{30};  // our choice: interval between checks of the free space
inline constexpr std::chrono::milliseconds kRetryDelayMin{1'000};   // our choice: a failed device, doubled each time
inline constexpr std::chrono::milliseconds kRetryDelayMax{60'000};  // our choice

class StoreActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "store";
  /// Keeps all data in `directory` of the node's disk.
  explicit StoreActor(std::string directory, StoreOptions options = {}, StoreTold told = {})
      : directory_(std::move(directory)), options_(options), told_(std::move(told)) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;

 private:
  struct Flush {};
  struct Tidy {};
  struct Reopen {};
  using Done = runtime::Reply<messages::wire::Nothing>;

  /// Sets a handler that runs only while the store is open; otherwise the request is refused.
  template <class Q, class A>
  void serve(runtime::Handlers& on, void (StoreActor::*handler)(typename Q::Reader, runtime::Reply<A>)) {
    on.ask<Q, A>([this, handler](typename Q::Reader question, runtime::Reply<A> reply) {
      busy_ = true;
      if (store_) (this->*handler)(question, std::move(reply));
      else reply.refuse(closed_);
    });
  }
  void commit(wire::Commit::Reader question, Done reply);
  void get(wire::Get::Reader question, runtime::Reply<wire::Found> reply);
  void get_rows(wire::GetRows::Reader question, runtime::Reply<wire::FoundRows> reply);
  void scan(wire::Scan::Reader question, runtime::Reply<wire::Slice> reply);
  void read(wire::Read::Reader question, runtime::Reply<wire::Blobbed> reply);
  void has(wire::Has::Reader question, runtime::Reply<wire::Held> reply);
  void used(wire::Usage::Reader question, runtime::Reply<wire::Used> reply);
  void check_blobs(wire::CheckBlobs::Reader question, runtime::Reply<wire::Checked> reply);
  void describe(wire::StoreState::Builder state);

  void open();
  void flush();
  void refused(const base::Error& why, std::size_t blob_bytes);
  void tidy();
  void tidy_in(base::Duration delay);
  base::Duration next_retry();

  std::string directory_;
  StoreOptions options_;
  StoreTold told_;
  std::optional<StoreReport> report_;  // from start() on
  std::unique_ptr<Store> store_;
  base::Error closed_;  // why the store is not open

  std::vector<Done> waiting_;  // the commits of the current group
  std::size_t largest_ = 0;    // bytes of blobs of the largest commit of the group
  bool deletes_ = false;       // whether one of these commits leaves dead blobs, or may have used the ballast
  bool busy_ = false;          // a request has arrived since the last step of tidy()
  base::Instant tidy_at_ = base::Instant::max();
  base::Duration retry_ = kRetryDelayMin;
  std::uint64_t commits_ = 0;
  std::uint64_t groups_ = 0;
};

}  // namespace troupe::store
