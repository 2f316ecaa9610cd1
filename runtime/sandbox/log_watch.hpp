#pragma once
// Says which program fills the log of the kernel.
//
// Why    Linux writes a line, with no limit of a rate, for each start of an ELF file whose place is taken
//        (fs/binfmt_elf.c, "Uhuuh"). A file of 120 bytes is enough, and one core makes 6,000 lines a second.
// Who    each line takes a process that ends with it, and so says nothing of who made it. So, while there are too many,
//        that program ends which makes the most processes; then the next one.
// Where the log may not be read, as by a node that is not root, this sees nothing.
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/base/descriptor.hpp"
#include "runtime/base/time.hpp"

namespace troupe::sandbox {

/// The log of the kernel, /dev/kmsg.
class KernelLog {
 public:
  KernelLog();
  /// How many of the lines that came since the last call programs can have made, as far as is_of_programs() knows them.
  /// Not of all, if there are very many.
  std::size_t lines_of_programs();

 private:
  base::Descriptor file_;
};

/// Of a record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg).
bool is_of_programs(std::string_view record);

class LogWatch {
 public:
  /// Our choice: 50 a second are 0.5 GB a day.
  static constexpr std::size_t kLinesMost = 1'000, kLinesASecond = 50;
  /// The numbers of its processes now; those made later are larger, as long as there are larger ones.
  using Processes = std::function<std::vector<std::uint64_t>(std::uint64_t program)>;

  /// After that number of lines more: which of `programs`, of others, is to end, if one is.
  std::optional<std::uint64_t> one_to_end(std::size_t lines, base::Instant now,
                                          const std::vector<std::uint64_t>& programs, const Processes& processes_of);

 private:
  base::Instant looked_{};
  std::size_t beyond_ = 0;                                   // lines, beyond those that may be
  std::map<std::uint64_t, std::vector<std::uint64_t>> had_;  // processes of each program at the last look, by number
};

}  // namespace troupe::sandbox
