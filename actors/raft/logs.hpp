#pragma once
// The logs of all groups of a node on its disk, in records of packs that they share: one sync for all of them.
//
// Record   what one write changes of one log: term and vote, entries, or that the log begins anew. It has a number, and
//          counts after all records with smaller ones: packs may copy records out of their order.
// Start    all records are read and checked. Bytes that were acknowledged and cannot be read are a loss.
// Sizes    a file outside the packs' folder (log_sizes.hpp) says how large each was when it was synced. A pack that is
//          smaller, or gone, was cut: this is a loss, too. Without the file, the missing end could be an unsynced end.
// Suspects a new loss makes every log damaged() that there is: which log had the bytes cannot be known. The file lists
//          these logs, so that a log which begins later is not damaged() at the next start. A log stays on the list
//          until keep() no longer names it, or what was lost is back: so no pack with a loss is written to again.
// Stale    a program without the file may have had the packs since. Its records lack a mark (kKeepsSizes). Such a record
//          after the last noted record makes the file count for nothing.
// Dead     records of which nothing counts any more; tidy() gives their space back. The latest record with term and
//          vote, the latest that began the log anew, and the latest that says what is of no use any more stay: without
//          them overwritten entries would come back, where the record that replaced them is gone and theirs is not.
// Failed   after an error of write() or sync() it is not known what is there: open anew.
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

inline constexpr std::size_t kLogRecordBytesMax = std::size_t{3'500} << 10;  // below that of a pack
/// Of store::kReserveBytes, below which commands that take room are refused; removals and elections go on.
inline constexpr std::uint64_t kLogReserveBytes = store::kReserveBytes / 4;
inline constexpr std::uint64_t kLogPackBytesMax = std::uint64_t{32} << 20;  // our choice: what a move copies at most

class Logs {
 public:
  static store::StoreResult<std::unique_ptr<Logs>> open(ports::Disk& disk, const std::string& directory,
                                                        std::uint64_t seed,
                                                        std::uint64_t pack_bytes_max = kLogPackBytesMax);

  struct Found {
    HardState state;
    Index first, last;  ///< of the entries; none if `last` is before `first`
  };
  /// Nothing if there is no such log.
  std::optional<Found> find(Incarnation log) const;
  /// Whether something that it acknowledged may be missing.
  bool damaged(Incarnation log) const { return all_suspect_ ? !begun_.contains(log) : suspects_.contains(log); }
  /// What was lost, for people; empty if nothing was.
  const std::string& loss() const { return loss_; }

  /// Durable after sync(). `save.restart` says no more than that all entries before are void.
  store::StoreResult<void> write(Incarnation log, const Save& save);
  store::StoreResult<void> sync();
  /// Writes an empty record: it says of all records before it that they are durable, if they are, so that none of them
  /// passes for one that was being written when the node ended. Durable after sync().
  store::StoreResult<void> cover();
  /// Makes durable how large the packs are now, if all was synced. After a new loss the old sizes stay until keep() has
  /// said which logs there are. After an error the old sizes stay, too: only a cut below the new sizes goes unnoticed.
  store::StoreResult<void> note_sizes();
  /// Why the sizes were not noted the last time.
  const std::optional<store::StoreError>& not_noted() const { return not_noted_; }
  /// Entries from `from` to `to`: as many as fit into `bytes_max`, at least one if there is any.
  store::StoreResult<std::vector<Entry>> read(Incarnation log, Index from, Index to, std::size_t bytes_max);
  /// Entries up to `to` are of no use any more.
  store::StoreResult<void> compact(Incarnation log, Index to);
  /// Erases all logs but these.
  void keep(const std::set<Incarnation>& logs);
  /// Gives back the space of dead records, one step at a time; false if there is nothing that can be done now.
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
  Number newest_ = 0;    // of the records in the packs
  Number by_older_ = 0;  // the newest one whose writer kept no sizes
  LogSizes noted_;       // as the disk has them
  std::optional<store::StoreError> not_noted_;
  std::map<std::uint32_t, LogSizes::Pack> lost_;          // packs with a loss, as long as there are suspects
  std::map<std::uint32_t, std::uint64_t> damaged_packs_;  // bytes that cannot be read
  std::string loss_;
  bool all_suspect_ = false;        // there is a new loss, and keep() was not called since
  std::set<Incarnation> suspects_;  // unless all are
  std::set<Incarnation> begun_;     // since the start
  std::optional<std::pair<std::uint32_t, std::uint64_t>> moving_;  // a pack, and how far
  std::optional<std::pair<Number, std::vector<Entry>>> read_;      // the record that was read last
};

}  // namespace troupe::raft
