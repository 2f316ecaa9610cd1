#include "runtime/sandbox/limits.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cstdint>
#include <string>

#include "runtime/sandbox/processes.hpp"

using namespace troupe;
using namespace troupe::sandbox;

namespace {

std::uint32_t thousandths(std::string_view text) {
  const auto cores = parse_cores(text);
  return cores ? cores->thousandths : 0;
}

}  // namespace

TEST_CASE("sandbox limits: cores are whole or have up to three decimals") {
  CHECK(thousandths("1") == 1'000);
  CHECK(thousandths("0.5") == 500);
  CHECK(thousandths("2.25") == 2'250);
  CHECK(thousandths("0.125") == 125);
  CHECK(thousandths("0.01") == 10);
  CHECK(thousandths("1024") == 1'024'000);
  CHECK(thousandths("1024.0") == 1'024'000);
  for (const char* refused : {"", "0", "0.0", "0.009", "1024.001", "1025", "0.1234", ".5", "1.", "-1", "+1", "1e3",
                              "1,5", " 1", "1 ", "0x1", "99999999999999999999"})
    CHECK_MESSAGE(!parse_cores(refused), refused);
}

TEST_CASE("sandbox limits: a size is bytes, or a number with K, M or G") {
  CHECK(parse_size("1") == 1);
  CHECK(parse_size("4K") == 4'096);
  CHECK(parse_size("256M") == std::uint64_t{256} << 20);
  CHECK(parse_size("2G") == std::uint64_t{2} << 30);
  CHECK(parse_size("256MiB") == parse_size("256M"));
  CHECK(parse_size("1048576G") == kBytesMax);
  for (const char* refused : {"", "0", "0K", "K", "-1", "1.5G", "1T", "1k", "1KB", "1 K", "1048577G",
                              "99999999999999999999", "18446744073709551615G"})
    CHECK_MESSAGE(!parse_size(refused), refused);
}

TEST_CASE("sandbox limits: what is typed as a number is read as that number, and nothing above the bounds is") {
  CHECK(rc::check("sizes", [](std::uint64_t number) {
    const auto read = parse_size(std::to_string(number));
    RC_ASSERT(read.has_value() == (number > 0 && number <= kBytesMax));
    if (read) RC_ASSERT(*read == number);
  }));
  CHECK(rc::check("any text", [](const std::string& text) {
    const auto cores = parse_cores(text);
    if (cores) RC_ASSERT(cores->thousandths >= 10 && cores->thousandths <= kCoresMax * 1'000);
    const auto bytes = parse_size(text);
    if (bytes) RC_ASSERT(*bytes > 0 && *bytes <= kBytesMax);
  }));
}

TEST_CASE("sandbox limits: without a cgroup a socket counts as what it may hold, open or under way") {
  const char* const some =
      "sockets: used 25\nTCP: inuse 2 orphan 0 tw 0 alloc 4 mem 128\nUDP: inuse 0 mem 142\nUDPLITE: inuse 0\n";
  CHECK(bytes_of_sockets(some, "TCP6: inuse 1\nUDP6: inuse 0\n") == 22 * kSocketBytes + 3 * kTcpSocketBytes);
  CHECK(bytes_of_sockets("sockets: used 0\n", "") == 0);
  CHECK(bytes_of_sockets("sockets: used 1\nTCP: inuse 2\n", "") == 2 * kTcpSocketBytes);
  CHECK(bytes_of_sockets("", "") == 0);  // it has ended
}

TEST_CASE("sandbox limits: each limit has the name that scripts know") {
  std::string all;
  for (const Limit one :
       {Limit::time, Limit::cpu, Limit::memory, Limit::pids, Limit::disk, Limit::files, Limit::output})
    all += std::string(name(one)) + ' ';
  CHECK(all == "time cpu memory pids disk files output ");
}
