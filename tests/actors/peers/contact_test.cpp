#include "actors/peers/contact.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "actors/peers/logic/target.hpp"

using namespace troupe;
using namespace troupe::peers;

TEST_CASE("contact: its words are fixed, little-endian, and lead back to it") {
  Contact contact;
  for (std::size_t i = 0; i < 32; ++i) contact.key.bytes[i] = static_cast<std::uint8_t>(i);
  contact.endpoint = *base::Endpoint::parse("1.2.3.4:4000");
  contact.nonce = 0x01020304;
  capnp::MallocMessageBuilder message;
  auto words = message.initRoot<messages::wire::Contact>();
  write(words, contact);
  CHECK(words.getKey0() == 0x0706050403020100u);
  CHECK(words.getKey3() == 0x1f1e1d1c1b1a1918u);
  CHECK(words.getAddress0() == 0);
  CHECK(words.getAddress1() == 0x04030201ffff0000u);
  CHECK(words.getFlags() == 0);
  CHECK(message.getSegmentsForOutput()[0].asBytes().size() == 8 + 56);  // the pointer to it, and DESIGN.md's 56 bytes
  CHECK(read(words.asReader()) == contact);

  SUBCASE("flags of a newer version are ignored, and nonsense is read as it is") {
    words.setFlags(0xffff);
    CHECK(read(words.asReader()) == contact);
    words.setPort(0);
    CHECK_FALSE(read(words.asReader()).endpoint.dialable());
  }
}

TEST_CASE("contact: loopback and networks are told from addresses") {
  for (const char* text : {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1"})
    CHECK(base::Endpoint::parse(text)->is_loopback());
  for (const char* text : {"128.0.0.1:1", "10.0.0.1:1", "[::2]:1", "[1::1]:1"})
    CHECK_FALSE(base::Endpoint::parse(text)->is_loopback());
  const auto same = [](const char* a, const char* b) {
    return subnet_of(*base::Endpoint::parse(a)) == subnet_of(*base::Endpoint::parse(b));
  };
  CHECK(same("10.1.2.3:1", "10.1.9.9:2"));
  CHECK_FALSE(same("10.1.2.3:1", "10.2.2.3:1"));
  CHECK(same("[2001:db8:1::1]:1", "[2001:db8:2::1]:1"));
  CHECK_FALSE(same("[2001:db8::1]:1", "[2001:db9::1]:1"));
  CHECK_FALSE(same("[::1]:1", "0.0.0.1:1"));
}

TEST_CASE("contact: a target is typed as [ID@]HOST:PORT, and nothing else is taken for it") {
  const std::string id(40, 'a');
  for (const std::string& text : {std::string("example.org:80"), id + "@10.0.0.1:4000", std::string("[::1]:4000")}) {
    const auto target = Target::parse(text);
    REQUIRE(target.has_value());
    CHECK(target->text() == text);
    CHECK(target->id.has_value() == (text.size() > 40));
  }
  for (const std::string& text :
       {std::string(), std::string("host"), std::string("host:0"), std::string("@host:1"), id + "host:1@",
        std::string("aa@host:1"), id + "a@host:1", id + "@" + id + "@host:1", id + "@:1"})
    CHECK_FALSE(Target::parse(text).has_value());
  CHECK(rc::check("any text is a target or none, and a target leads back to itself", [](const std::string& text) {
    if (const auto target = Target::parse(text)) RC_ASSERT(Target::parse(target->text()) == target);
  }));
}
