#pragma once
// The catalogue of one group at one member: this node maintains the files that the group has agreed to keep.
//
// Load    the actor loads all rows of files, then watches them from that revision. It loads them again when a watch
//         ends, at the latest kWatchIdle after the last change: from this member's state, unless that state is older
//         than a revision on which the actor has acted.
// Adopt   a file that this node does not own yet is read from any nodes that have it, and put here. Then this node owns
//         it, and its watch repairs copies. One file at a time, files that were never tried first.
// Retry   kRetry after a failure the next file is tried. The failed file is tried again after kRetry, then with
//         back-off up to kRetryMax, or as soon as its rows change.
// Report  once this node owns a file, it writes a row of the group that says so.
// Remove  once an entry is gone, this node removes an adopted file, and its row.
// Limits  kEntriesMax; further entries are skipped, and logged.
#include <deque>
#include <map>
#include <set>

#include "actors/catalogue/catalogue_actor.hpp"
#include "messages/files.capnp.h"
#include "messages/raft.capnp.h"

namespace troupe::catalogue {

inline constexpr std::size_t kEntriesMax = 100'000;     // our choice: 30 MiB
inline constexpr std::chrono::seconds kWatchIdle{600};  // our choice, below runtime::kServedIdle
inline constexpr std::chrono::seconds kRetry{5};        // our choice
inline constexpr std::chrono::minutes kRetryMax{10};    // our choice: for a file that stays unavailable
inline constexpr std::chrono::seconds kStreamIdle{60};

class MemberActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "catalogue member";
  MemberActor(CatalogueSettings settings, std::string group)
      : settings_(std::move(settings)), group_(std::move(group)) {}

  void receive(runtime::Handlers& on) override;
  void start() override { load(0, {}); }

 private:
  struct Again {};
  struct Go {};
  struct Adopting {
    files::Cid cid;
    runtime::Subscription from;
    runtime::Sink<files::wire::PutPiece> to;
    std::deque<base::Bytes> waiting;
    bool ended = false;
  };
  /// Loads the rows of a sort from a key on, then the following sorts.
  void load(std::size_t sort, const std::string& from);
  void list_files();
  void watch_keys();
  void note(std::string_view key, const std::optional<base::Bytes>& value);
  void go_on();
  /// Postpones a file after a failed attempt.
  void put_off(const files::Cid& cid);
  /// Returns when a file may be tried again; zero if it was never postponed.
  base::Instant due(const files::Cid& cid) const;
  void pin(const files::Cid& cid, bool pinned);
  void adopt(const files::Cid& cid, const Entry& entry);
  void pass_on();
  void adopted(const base::Outcome<files::Cid>& done);
  void forget(const files::Cid& cid);
  void write(const std::string& key, const std::optional<base::Bytes>& value);
  void again(const std::string& why);
  runtime::Handle raft() const;
  runtime::Handle files() const { return node().find(files::kPath); }

  const CatalogueSettings settings_;
  const std::string group_;
  std::uint64_t run_ = 0;       // number of the load; answers to earlier loads are ignored
  std::uint64_t revision_ = 0;  // revision of the loaded rows
  std::uint64_t seen_ = 0;      // the highest revision seen; 0: none yet, or the member has restarted
  bool loaded_ = false, asking_ = false;
  std::map<files::Cid, Entry> entries_;
  std::map<files::Cid, bool> held_;  // files that the group knows to be here; whether each was adopted
  std::map<files::Cid, bool> own_;   // files of this node; whether each is pinned
  std::set<files::Cid> adopted_;     // files adopted since this actor started
  struct Later {
    base::Instant due;
    base::Duration backoff;
  };
  std::map<files::Cid, Later> later_;  // postponed files
  runtime::Subscription listing_;
  std::vector<runtime::Subscription> watching_;  // one per sort of rows
  std::optional<Adopting> adopting_;
  base::Instant not_before_{};  // no file is tried before this time
  std::uint64_t failed_ = 0;
};

}  // namespace troupe::catalogue
