#include "runtime/config/forms.hpp"

#include <doctest/doctest.h>

#include "runtime/config/source.hpp"

using namespace troupe;
using namespace troupe::config;
using namespace std::chrono_literals;

TEST_CASE("forms: durations and sizes go there and back, and nothing else is taken for one") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("5m") == 300s);
  CHECK(parse_duration("1d") == 24h);
  for (const char* text : {"", "5", "s", "-5s", "1.5s", "5 s", "5sec", "99999999999999999999s", "9999999d"})
    CHECK_FALSE(parse_duration(text).has_value());
  CHECK(duration_text(60s) == "60s");
  CHECK(duration_text(1500ms) == "1500ms");
  CHECK(duration_text(2h) == "2h");
  CHECK(duration_text(0s) == "0s");

  CHECK(parse_bytes("4 MiB")->value == 4'194'304);
  CHECK(parse_bytes("4MiB")->value == 4'194'304);
  CHECK(parse_bytes("12")->value == 12);
  for (const char* text : {"", "MiB", "4 MB", "4  MiB", "-4", "4.5 MiB", "16777216 TiB"})
    CHECK_FALSE(parse_bytes(text).has_value());
  CHECK(bytes_text({4'194'304}) == "4 MiB");
  CHECK(bytes_text({0}) == "0 B");
  CHECK(bytes_text({1'025}) == "1025 B");
}

TEST_CASE("forms: an address to dial is host and port, with the id before it if it is pinned") {
  const std::string id(40, 'a');
  CHECK(PeerAddress::parse("host:1")->text() == "host:1");
  CHECK(PeerAddress::parse(id + "@[::1]:65535")->text() == id + "@[::1]:65535");
  for (const std::string text : {"", "host", "host:0", "@host:1", "aa@host:1"})
    CHECK_FALSE(PeerAddress::parse(text).has_value());
  CHECK_FALSE(PeerAddress::parse(id + "a@host:1").has_value());
}

TEST_CASE("source: what is not a readable file is an error, and so is a device without end") {
  CHECK(read_text_file("/nonexistent/config.toml").error().code == base::Code::not_found);
  CHECK(read_text_file("/").error().code == base::Code::malformed);
  CHECK(read_text_file("/dev/zero").error().code == base::Code::malformed);
}

TEST_CASE("source: only variables of this program are taken from the environment") {
  const char* environment[] = {"HOME=/root", "TROUPE_A=b=c", "TROUPE_NOTHING", "TROUPE_E=", nullptr};
  const auto taken = troupe_variables(environment);
  REQUIRE(taken.size() == 2);
  CHECK(taken[0] == std::pair<std::string, std::string>("TROUPE_A", "b=c"));
  CHECK(taken[1].second.empty());
  CHECK(troupe_variables(nullptr).empty());
}

TEST_CASE("forms: a port alone is on this machine") {
  for (const char* text : {"9464", ":9464", "127.0.0.1:9464"}) {
    CAPTURE(text);
    CHECK(parse_local_host_port(text) == base::HostPort{"127.0.0.1", 9464});
    CHECK_FALSE(check_local_host_port(text).has_value());
  }
  CHECK(parse_local_host_port("0") == base::HostPort{"127.0.0.1", 0});
  CHECK(parse_local_host_port("[::]:1") == base::HostPort{"::", 1});
  CHECK(parse_local_host_port("name:1") == base::HostPort{"name", 1});
  for (const char* text : {":", "65536", "-1", "1:2:3", "::1", ":1:", "127.0.0.1", "name", " 1", "1 "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_local_host_port(text).has_value());
    CHECK(check_local_host_port(text).has_value());
  }
  CHECK_FALSE(check_local_host_port("").has_value());
}
