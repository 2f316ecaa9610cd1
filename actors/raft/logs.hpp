#pragma once
// The logs of all groups of a node on its disk, in records of packs that the logs share. One sync covers all logs.
//
// Record   one write to one log: term and vote, entries, or that the log restarts. It has a number and counts after
//          records with smaller numbers, because packs may copy records out of order.
// Start    all records are read and checked. Acknowledged bytes that cannot be read are a loss.
// Sizes    a file outside the packs' folder (log_sizes.hpp) has the synced size of each pack. A smaller or missing pack
//          was cut, which is also a loss. Without the file, a missing end could be an unsynced end.
// Suspects after a new loss every existing log is damaged(), because any may have had the bytes. The file lists these
//          logs, so that newer logs are not damaged() at the next start. A log is listed until keep() omits it or the
//          lost bytes are back. Until then no pack with a loss is written to.
// Stale    programs that do not know the file write records without a mark (kKeepsSizes). If such a record is newer
//          than the file's last record, the file is ignored.
// Dead     records whose contents no longer count; tidy() frees their space. A log keeps its latest record with term
//          and vote, with a restart, and with an obsolete range. Without these, overwritten entries could come back.
// Failed   after an error of write() or sync() the contents are unknown: reopen.
// Owner    one thread; calls block on the device.
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/raft/log_sizes.hpp"
#include "actors/raft/logic/saves.hpp"
#include "actors/raft/logic/settings.hpp"
#include "runtime/store/pack.hpp"

namespace troupe::raft {

inline constexpr std::size_t kLogRecordBytesMax = std::size_t{3'500} << 10;  // below a pack's limit
/// Part of store::kReserveBytes. Below it commands that need space are refused; removals and elections continue.
inline constexpr std::uint64_t kLogReserveBytes = store::kReserveBytes / 4;
inline constexpr std::uint64_t kLogPackBytesMax = std::uint64_t{32} << 20;  // our choice: the most that one move copies

class Logs {
 public:
  static store::StoreResult<std::unique_ptr<Logs>> open(ports::Disk& disk, const std::string& directory,
                                                        std::uint64_t seed,
                                                        std::uint64_t pack_bytes_max = kLogPackBytesMax);

  struct Found {
    HardState state;
    Index first, last;  ///< of the entries; there are no entries if `last` is before `first`
  };
  /// Returns nullopt if there is no such log.
  std::optional<Found> find(Incarnation log) const;
  /// Returns whether the log may lack something that its member acknowledged.
  bool damaged(Incarnation log) const { return all_suspect_ ? !begun_.contains(log) : suspects_.contains(log); }
  /// Returns what was lost, for people; empty if nothing was.
  const std::string& loss() const { return loss_; }

  /// Writes a save, which is durable after sync(). Of `save.restart` it stores only that all earlier entries are void.
  store::StoreResult<void> write(Incarnation log, const Save& save);
  store::StoreResult<void> sync();
  /// Writes an empty record, which shows that all earlier records were durable. Otherwise they could be taken for
  /// records that were being written when the node ended. Durable after sync().
  store::StoreResult<void> cover();
  /// Notes the packs' current sizes durably, if everything is synced. After a new loss the old sizes stay until keep()
  /// has named the logs. They also stay after an error; then a cut of newer bytes is not noticed.
  store::StoreResult<void> note_sizes();
  /// Returns why the sizes were not noted at the last attempt.
  const std::optional<store::StoreError>& not_noted() const { return not_noted_; }
  /// Returns entries from `from` to `to`: as many as fit into `bytes_max`, but at least one if there are any.
  store::StoreResult<std::vector<Entry>> read(Incarnation log, Index from, Index to, std::size_t bytes_max);
  /// Marks entries up to `to` as obsolete.
  store::StoreResult<void> compact(Incarnation log, Index to);
  /// Erases all other logs.
  void keep(const std::set<Incarnation>& logs);
  /// Frees the space of dead records, one step at a time. Returns false if nothing can be done now.
  store::StoreResult<bool> tidy();

  struct Usage {
    std::size_t logs = 0;
    std::uint64_t entries = 0, bytes = 0, dead_bytes = 0;
  };
  Usage usage() const;

 private:
  using Number = std::uint64_t;  // of a record
  struct Record {
    Incarnation log;
    base::Digest id;
    store::Location where;
    std::uint64_t live = 0;  ///< entries and marks that count
  };
  struct Place {
    Term term;
    Number record = 0;
    std::uint32_t bytes = 0;
  };
  struct Held {
    HardState state;
    Number state_record = 0, restart_record = 0, floor_record = 0;  // 0: none
    Index first{1};
    std::deque<Place> entries;
    Index last() const { return Index{first.value + entries.size() - 1}; }
  };
  struct Content;

  Logs(ports::Disk& disk, const std::string& directory, std::unique_ptr<store::Packs> packs,
       std::uint64_t pack_bytes_max);
  store::StoreResult<void> read_sizes();
  store::StoreResult<void> check_sizes();
  LogSizes sizes() const;
  store::StoreResult<void> write_sizes(const LogSizes& sizes);
  store::StoreResult<bool> forget_size(std::uint32_t pack);
  store::StoreResult<void> start();
  store::StoreResult<void> append(Incarnation log, Content content);
  void take(Number number, const Content& content);
  void replay(Number number, const Content& content);
  void settle();
  void mark(Number& mark, Number next);
  void release(Number record);
  static base::Bytes encode(const Content& content);
  static std::optional<Content> decode(base::ByteView bytes);

  ports::Disk& disk_;
  const std::string directory_;
  const std::string sizes_path_;
  std::unique_ptr<store::Packs> packs_;
  const std::uint64_t pack_bytes_max_;
  std::map<Incarnation, Held> logs_;
  std::map<Incarnation, std::map<Index, Place>> replayed_;  // during the start
  std::map<Number, Record> records_;
  std::map<base::Digest, Number> numbers_;
  Number last_ = 0;      // the next record has a larger number
  Number newest_ = 0;    // the newest record in the packs
  Number by_older_ = 0;  // the newest record whose writer kept no sizes
  LogSizes noted_;       // as on disk
  std::optional<store::StoreError> not_noted_;
  std::map<std::uint32_t, LogSizes::Pack> lost_;          // packs with a loss, while there are suspects
  std::map<std::uint32_t, std::uint64_t> damaged_packs_;  // unreadable bytes
  std::string loss_;
  bool all_suspect_ = false;        // a new loss was found, and keep() was not called since
  std::set<Incarnation> suspects_;  // unless all_suspect_
  std::set<Incarnation> begun_;     // logs begun since the start
  std::optional<std::pair<std::uint32_t, std::uint64_t>> moving_;  // a pack, and the position in it
  std::optional<std::pair<Number, std::vector<Entry>>> read_;      // the record read last
};

}  // namespace troupe::raft
