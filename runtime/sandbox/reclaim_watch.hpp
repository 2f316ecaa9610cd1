#pragma once
// Says when the kernel is slow to take memory back, and which programs are to end for it.
//
// Why    who needs memory, the node too, takes pages of files back; for each it walks all mappings of that page, of all
//        processes, half a microsecond for each. A program that has mapped a file 65,000 times, in each of its
//        processes, pays 250 bytes for a mapping, and a thread of the node did nothing else for two minutes.
// Bound  what a walk over all pages takes follows from the addresses of files that are mapped, each as often as it is.
//        Beyond kMappedMost programs of the site go that has most; but only while memory is waited for, since by
//        themselves they harm nothing.
// Looks  all that is mapped is told at once; how much of it is of files takes as long to read as a program likes. So
//        those with most are read first, within kReadTime in all, the next ones a look later, and those that have been
//        read not again before they map more. One that takes longer by itself counts as too much.
// Where the kernel does not tell of such waits (no PSI) this sees nothing.
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::sandbox {

/// Of programs of others together, our choice: 16 million pages, a walk over all of which takes 8 s.
inline constexpr std::uint64_t kMappedMost = std::uint64_t{64} << 30;
/// Our choice: a mapping takes a microsecond, and 128 processes may have a thousand each.
inline constexpr base::Duration kReadTime = std::chrono::milliseconds{250};

struct Mapped {
  std::uint64_t program;
  std::string site;  ///< where it comes from
  std::uint64_t bytes;
};

class ReclaimWatch {
 public:
  /// `cores` of the machine: the kernel tells the mean of those that are not idle, so one thread that waits all the
  /// time may be a part of as many.
  explicit ReclaimWatch(unsigned cores) : cores_(cores) {}
  /// Whether memory was waited for in most of the last two seconds; then again a second later. `waited` is that of
  /// waited_for_memory().
  bool is_slow(base::Duration waited, base::Instant now);

  /// How much of what a program has mapped is of files, if that can be read in that time.
  using FilesOf = std::function<std::optional<std::uint64_t>(std::uint64_t program, base::Duration time)>;
  /// Of `programs`, which are all of others, and what each has mapped of any kind.
  std::vector<std::uint64_t> those_to_end(std::vector<Mapped> programs, const FilesOf& files_of);

 private:
  struct Read {
    std::uint64_t mapped, of_files;
  };
  unsigned cores_;
  base::Instant looked_{};
  base::Duration waited_{}, beyond_{};  // at the last look; beyond a part of the time
  std::map<std::uint64_t, Read> read_;
};

/// So that the rest has `most` at most: of the site that has most together the program with most, again and again. One
/// site can have dozens of programs, each with a little less than another's only one.
std::vector<std::uint64_t> those_beyond(std::uint64_t most, std::vector<Mapped> programs);

}  // namespace troupe::sandbox
