#include "runtime/sandbox/hosts.hpp"

#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::sandbox;
using troupe::test::contains;

TEST_CASE("sandbox hosts: each name has one address of the loopback, and a number is itself") {
  const std::vector<base::HostPort> hosts{{"10.0.0.1", 80}, {"a.org", 80}, {"a.org", 443}, {"b.org", 80}, {"::1", 80}};
  std::vector<std::string> inside;
  for (const base::Endpoint& at : inside_of(hosts)) inside.push_back(at.text());
  CHECK(inside == std::vector<std::string>{"10.0.0.1:80", "127.1.0.1:80", "127.1.0.1:443", "127.1.0.2:80", "[::1]:80"});
  CHECK(names_file(hosts) == "127.0.0.1 localhost\n::1 localhost\n127.1.0.1 a.org\n127.1.0.2 b.org\n");
  const std::vector<base::HostPort> local{{"localhost", 80}};
  CHECK(names_file(local) == "127.1.0.1 localhost\n");
  CHECK(inside_of({}).empty());
}
