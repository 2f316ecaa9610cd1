#include <doctest/doctest.h>

#include "runtime/base/bytes.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

using namespace troupe::base;
using namespace std::chrono_literals;

TEST_CASE("bytes: hexadecimal text goes there and back, and nothing else is taken for it") {
  const Bytes bytes{0x00, 0x9f, 0xff};
  CHECK(hex(bytes) == "009fff");
  Bytes back(3);
  CHECK(parse_hex("009FfF", back));
  CHECK(back == bytes);
  CHECK_FALSE(parse_hex("009ff", back));
  CHECK_FALSE(parse_hex("009fff00", back));
  CHECK_FALSE(parse_hex("009ffg", back));
  CHECK_FALSE(NodeId::from_hex("00").has_value());
}

TEST_CASE("ids: the distance of an id to itself is zero, and it is symmetric") {
  NodeId a, b;
  a.bytes[0] = 0x81;
  b.bytes[19] = 0x01;
  CHECK(distance(a, a) == NodeId{});
  CHECK(distance(a, b) == distance(b, a));
}

TEST_CASE("time: adding to the end of time stays there") {
  CHECK(Instant::max() + 1s == Instant::max());
  CHECK(Instant(1s) + Duration::max() == Instant::max());
  CHECK(Instant(3s) - Instant(1s) == 2s);
}

TEST_CASE("random: a seed replays, and a bound is kept") {
  Random a(7), b(7);
  bool seen[5] = {};
  for (int i = 0; i < 1000; ++i) {
    const auto draw = a.below(5);
    REQUIRE(draw == b.below(5));
    REQUIRE(draw < 5);
    seen[draw] = true;
  }
  for (const bool one : seen) CHECK(one);
  CHECK_THROWS_AS(a.below(0), InvariantBroken);
}

TEST_CASE("result: reading what is absent is a broken invariant") {
  const Result<int, char> good = 1;
  const Result<int, char> bad = 'e';
  CHECK(good.value() == 1);
  CHECK(bad.error() == 'e');
  CHECK_THROWS_AS(good.error(), InvariantBroken);
  CHECK_THROWS_AS(bad.value(), InvariantBroken);
}

TEST_CASE("endpoint: text goes there and back, and what cannot be dialled is known") {
  for (const char* text : {"127.0.0.1:4000", "[::1]:1", "[2001:db8::5]:65535"}) {
    const auto parsed = Endpoint::parse(text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->text() == text);
    CHECK(parsed->dialable());
  }
  for (const char* text : {"", ":1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:4000", "host:1", "1.2.3.4:x"})
    CHECK_FALSE(Endpoint::parse(text).has_value());
  for (const char* text : {"0.0.0.0:1", "[::]:1", "224.0.0.1:1", "127.0.0.1:0", "[ff02::1]:9"})
    CHECK_FALSE(Endpoint::parse(text)->dialable());
  CHECK(HostPort::parse("example.org:80")->host == "example.org");
  CHECK_FALSE(HostPort::parse("a b:80").has_value());
  CHECK_FALSE(HostPort::parse("[[]]:1").has_value());
  CHECK_FALSE(HostPort::parse(std::string(256, 'a') + ":80").has_value());
}

TEST_CASE("error: a refusal that is final is not transient, and a doubt is neither") {
  for (const Code code : {Code::malformed, Code::unsupported, Code::refused, Code::conflict}) {
    CHECK(is_final(code));
    CHECK_FALSE(transient(code));
  }
  for (const Code code : {Code::overloaded, Code::unavailable, Code::timeout, Code::dropped, Code::no_space,
                          Code::unknown_outcome, Code::not_found, Code::corrupt, Code::internal})
    CHECK_FALSE(is_final(code));
}
