#include "runtime/sandbox/closer.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::sandbox;

TEST_CASE("sandbox closer: what it is given is closed, at its end all of it") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const base::Descriptor reads(ends[0]);
  base::Descriptor writes(ends[1]);
  std::vector<base::Descriptor> more;
  for (int i = 0; i < 100; ++i) more.emplace_back(::fcntl(writes.get(), F_DUPFD_CLOEXEC, 0));
  std::optional<Closer> closer(std::in_place);
  closer->close({});
  closer->close(std::move(writes));
  for (base::Descriptor& one : more) closer->close(std::move(one));
  closer.reset();
  pollfd closed{reads.get(), POLLIN, 0};
  REQUIRE(::poll(&closed, 1, 0) == 1);
  CHECK((closed.revents & POLLHUP) != 0);
}
