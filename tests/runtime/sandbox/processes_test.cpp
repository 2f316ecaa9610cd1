#include "runtime/sandbox/processes.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/base/descriptor.hpp"

using namespace troupe;
using namespace troupe::sandbox;
using namespace std::chrono_literals;

TEST_CASE("sandbox processes: memory, threads and time are those of the kernel's text") {
  ProcessesUsage sum;
  const std::string stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 97 0 0 0 " + std::to_string(::sysconf(_SC_CLK_TCK)) +
                           " 0 0 0 20 0 3 0 83 2981888 0 0";
  add_process(sum,
              "Name:\tRssAnon: 5\nVmRSS:\t  99 kB\nRssAnon:\t     100 kB\nRssFile:\t 7 kB\nRssShmem:\t 20 kB\nVmPTE:\t "
              "8 kB\nThreads:\t3\n",
              stat);
  CHECK(sum.memory_bytes == 128 * 1'024);
  CHECK(sum.threads == 3);
  CHECK(sum.cpu == 1s);
  add_process(sum, "RssAnon:\t1 kB\nThreads:\t1\n", stat);
  CHECK(sum.memory_bytes == 129 * 1'024);
  CHECK(sum.threads == 4);
  CHECK(sum.cpu == 2s);
}

TEST_CASE("sandbox processes: fields behind the name of a process are found, whatever it is called") {
  CHECK(stat_field("7 (a) D 9 (b) S 1 7\n", kFirstStatField) == "S");
  CHECK(stat_field("7 (a) D 9 (b) S 1 7\n", 5) == "7");
  for (const char* const none : {"", "7 (a", "7 (a)", "7 (a) S 1 7\n", ")"}) CHECK(stat_field(none, 6).empty());
}

TEST_CASE("sandbox processes: a process that has just ended counts nothing") {
  ProcessesUsage sum;
  add_process(sum, "", "");
  add_process(sum, "Name:\tx", "1 (x");
  CHECK(sum.memory_bytes == 0);
  CHECK(sum.threads == 0);
  CHECK(sum.cpu == 0s);
}
