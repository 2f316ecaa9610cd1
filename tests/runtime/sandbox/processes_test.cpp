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

TEST_CASE(
    "sandbox processes: a machine is short of memory when nearly none of it is left, and not where nothing is told") {
  const auto with = [](const std::string& all, const std::string& left) {
    return is_short_of_memory("MemTotal:       " + all + " kB\nMemFree:    5 kB\nMemAvailable:   " + left + " kB\n");
  };
  CHECK(with("3200000", "99999"));
  CHECK(!with("3200000", "100000"));
  CHECK(with("320000000", "1048575"));  // of a large one 1 GiB
  CHECK(!with("320000000", "1048576"));
  CHECK(!is_short_of_memory(""));
  CHECK(!is_short_of_memory(meminfo()));
}

TEST_CASE("sandbox processes: how long memory was waited for is what the kernel tells of some threads, not of all") {
  CHECK(waited_for_memory("some avg10=0.00 avg60=1.50 avg300=0.00 total=1500\nfull avg10=0.00 total=7\n") == 1'500us);
  CHECK(waited_for_memory("some total=18446744073709551615\n") > 0s);
  for (const char* none :
       {"", "some avg10=0.00\nfull total=7\n", "full total=7\n", "some total=x\n", "some total=99999999999999999999\n"})
    CHECK(waited_for_memory(none) == 0s);
  CHECK(waited_for_memory(memory_pressure()) >= 0s);
}

TEST_CASE("sandbox processes: the addresses of a mapping count if they are those of a file") {
  CHECK(file_bytes_of("7f1000-7f3000 r--s 00000000 08:01 1234   /a b") == 0x2000);
  CHECK(file_bytes_of("7f1000-7f3000 rw-s 00001000 00:01 9 /memfd:x (deleted)") == 0x2000);
  CHECK(file_bytes_of("7f1000-7f3000 ---p 00000000 00:00 0 ") == 0);
  CHECK(file_bytes_of("7f1000-7f3000 ---p 00000000 00:00 0    [heap]") == 0);
  CHECK(file_bytes_of("7f3000-7f1000 r--s 00000000 08:01 1 /a") == 0);
  for (const char* none :
       {"", "-", "7f1000-7f3000", "7f1000-7f3000 r--s 0 08:01", "x-y r--s 0 08:01 1", "7f1000 r--s 0 08:01 1 /a"})
    CHECK(file_bytes_of(none) == 0);
}

TEST_CASE("sandbox processes: what a process has mapped counts as often as it has, of all but the init") {
  constexpr std::size_t kBytes = std::size_t{16} << 20, kTimes = 300;
  std::string proc = (std::filesystem::temp_directory_path() / "troupe-proc-XXXXXX").string();
  REQUIRE(::mkdtemp(proc.data()) != nullptr);
  for (const char* process : {"/1", "/2"}) std::filesystem::create_symlink("/proc/self", proc + process);
  const base::Descriptor folder(::open(proc.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto files = [&folder](std::uint64_t most) { return mapped_file_bytes(folder.get(), most, 1h).value(); };
  constexpr std::uint64_t kAll = std::uint64_t{1} << 50;
  const auto all = mapped_bytes(folder.get()), of_files = files(kAll);
  const base::Descriptor file(::memfd_create("mapped", MFD_CLOEXEC));
  REQUIRE(::ftruncate(file.get(), kBytes) == 0);
  std::vector<void*> mappings;
  for (std::size_t i = 0; i < kTimes; ++i)
    mappings.push_back(::mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, file.get(), 0));
  void* const memory = ::mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const auto all_now = mapped_bytes(folder.get()), of_files_now = files(kAll), beyond = files(of_files + 2 * kBytes);
  CHECK_FALSE(mapped_file_bytes(folder.get(), kAll, 0s));
  for (void* const one : mappings) ::munmap(one, kBytes);
  ::munmap(memory, kBytes);
  std::filesystem::remove_all(proc);
  CHECK(of_files_now == of_files + kTimes * kBytes);
  CHECK(beyond > of_files + 2 * kBytes);
  CHECK(beyond < of_files_now);
  CHECK(all_now >= all + (kTimes + 1) * kBytes);
  CHECK(all_now < all + (kTimes + 2) * kBytes);
}
