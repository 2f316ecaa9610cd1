#pragma once
// The catalogue of one group at one of its members: what the group has agreed to keep, this node keeps up, too.
//
// Load    all rows of files, then a watch of them from there; again when a watch ends, at the latest after kWatchIdle
//         without a change: then as this member knows them, if that is no older than what it has acted on.
// Adopt   a file that this node does not own yet is read from whichever nodes have it, and put here: this node becomes
//         an owner of it, and its watch repairs copies. One at a time, those first that were never tried.
// Retry   kRetry after a failure something is tried: the same file again after kRetry, later each time, unless its rows
//         change before.
// Say     once it is owned here, a row of the group says so.
// Remove  an entry that is gone: a file that was adopted is removed, and the row.
// Limits  kEntriesMax; further ones are passed over, and logged.
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
inline constexpr std::chrono::minutes kRetryMax{10};    // our choice: of a file that cannot be had for long
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
  /// The rows of a sort, from a key on, and of the sorts behind it.
  void load(std::size_t sort, const std::string& from);
  void list_files();
  void watch_keys();
  void note(std::string_view key, const std::optional<base::Bytes>& value);
  void go_on();
  /// What was tried of this file has failed.
  void put_off(const files::Cid& cid);
  /// Not before then; zero: it was never put off.
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
  std::uint64_t run_ = 0;       // what an earlier load asked is ignored
  std::uint64_t revision_ = 0;  // of the rows that were loaded
  std::uint64_t seen_ = 0;      // the highest; 0: none yet, or the member has begun anew
  bool loaded_ = false, asking_ = false;
  std::map<files::Cid, Entry> entries_;
  std::map<files::Cid, bool> held_;  // by this node, as the group knows; whether it was adopted
  std::map<files::Cid, bool> own_;   // files of this node; whether they are pinned
  std::set<files::Cid> adopted_;     // since this actor began
  struct Later {
    base::Instant due;
    base::Duration backoff;
  };
  std::map<files::Cid, Later> later_;  // put off
  runtime::Subscription listing_;
  std::vector<runtime::Subscription> watching_;  // one of each sort of rows
  std::optional<Adopting> adopting_;
  base::Instant not_before_{};  // the next try of anything
  std::uint64_t failed_ = 0;
};

}  // namespace troupe::catalogue
