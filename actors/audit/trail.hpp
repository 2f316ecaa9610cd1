#pragma once
// The files of the audit trail: DIR/audit/NNNNNNNNNNNNNNNN.jsonl, each named after its first record.
//
// Write   append() collects lines; sync() makes them durable. After an error, reset() removes what was not synced.
// Start   open() continues the chain where the files end. An unfinished last line was never acknowledged and is cut. If
//         the files end before the head that the store knows, or contain other records, the chain continues from that
//         head, and damage() says so: verification then finds the gap.
// Doubt   an earlier process may have written lines that no sync can make durable any longer. Therefore a last file
//         with lines after the stored head is copied.
// Limits  a file ends once it has `file_bytes`; above `bytes_max` the oldest files are given up.
// Blocks  on the disk: for an actor with its own thread.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/audit/logic/head.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::audit {

inline constexpr std::uint64_t kFileBytes = 8u << 20;  // our choice: read whole at the start
inline constexpr std::size_t kPageBytes = 256u << 10;  // our choice: some milliseconds of reading
inline constexpr std::size_t kPageLines = 1'024;       // our choice: 256 bytes each; a changed file may have more
inline constexpr std::size_t kPositionBytes = 16;      // of a page

struct TrailLimits {
  std::uint64_t bytes_max = 1u << 30;
  std::uint64_t file_bytes = kFileBytes;
};

class Trail {
 public:
  /// `head`: what the store knows; nullopt if it knows nothing, so that the files alone count. `disk` and `mutations`
  /// outlive the result.
  static ports::DiskResult<std::unique_ptr<Trail>> open(ports::Disk& disk, std::string directory,
                                                        const std::optional<Head>& head, TrailLimits limits,
                                                        const base::Mutations& mutations = base::kNoMutations);

  /// Appends a record; durable after sync().
  Mark append(const Record& record);
  /// After an error, nothing more can be appended until reset() has succeeded.
  ports::DiskResult<void> sync();
  /// Removes the records that were not synced.
  ports::DiskResult<void> reset();
  /// Removes files whose records are before `first`, the first record of a head that the store has.
  void remove_before(std::uint64_t first);
  const Head& head() const { return head_; }
  /// Returns the latest time of a record, or zero.
  std::uint64_t last_ms() const { return last_ms_; }
  /// Returns what is wrong with the files, or an empty text.
  const std::string& damage() const { return damage_; }

  /// A part of the trail, at most kPageBytes and kPageLines of it.
  struct Page {
    std::vector<std::string> lines;
    base::Bytes next;  ///< where the next page begins; empty: at the end
  };
  /// Reads the lines from `position`, an earlier Page::next or empty, that `wanted` keeps. A position whose file was
  /// removed counts as the oldest record. Errors: a disk error.
  ports::DiskResult<Page> read(base::ByteView position, std::uint64_t since,
                               const std::function<bool(std::string_view line)>& wanted) const;
  std::size_t files() const { return files_.size(); }
  std::uint64_t bytes() const;

 private:
  using Files = std::map<std::uint64_t, std::uint64_t>;  // first record, synced bytes
  struct Scan;

  Trail(ports::Disk& disk, std::string directory, TrailLimits limits, const base::Mutations& mutations)
      : disk_(disk), directory_(std::move(directory)), limits_(limits), mutations_(mutations) {}
  ports::DiskResult<void> find_files();
  ports::DiskResult<void> find_end(const std::optional<Head>& stored);
  ports::DiskResult<void> begin_append(std::string_view text, std::size_t whole, bool doubtful);
  ports::DiskResult<void> copy_last(std::string_view text);
  ports::DiskResult<void> begin_file();
  void move_first();
  std::string path_of(std::uint64_t first) const;
  ports::DiskResult<std::string> text_of(std::uint64_t first, std::uint64_t offset, std::size_t bytes) const;
  ports::DiskResult<std::optional<Line>> first_line(std::uint64_t first, std::string& text) const;

  ports::Disk& disk_;
  const std::string directory_;
  const TrailLimits limits_;
  const base::Mutations& mutations_;
  Files files_;
  std::unique_ptr<ports::File> file_;  // the last of them; null: the next record begins a file
  Head head_, synced_;
  std::uint64_t last_ms_ = 0;
  std::string waiting_;  // lines that are not written yet
  std::uint64_t waiting_first_ = 0;
  std::string damage_;
};

}  // namespace troupe::audit
