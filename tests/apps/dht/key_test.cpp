// What a person types for a key of the DHT.
#include "apps/dht/key.hpp"

#include <doctest/doctest.h>

#include "apps/commands.hpp"

using namespace troupe;
using namespace troupe::apps;
using dht_command::parse_key;

TEST_CASE("dht key: a name is this node's own value, with or without its space") {
  for (const char* const typed : {"orders", "/kv/orders"}) {
    const auto key = parse_key(typed);
    REQUIRE(key);
    CHECK(key->space == dht::Space::kv);
    CHECK(key->name == "orders");
    CHECK_FALSE(key->key);
  }
  CHECK(parse_key("orders/17")->name == "orders/17");
  CHECK(parse_key("/kv/orders/17")->name == "orders/17");
  CHECK(parse_key(std::string(64, 'n')));
  CHECK_FALSE(parse_key(std::string(65, 'n')));
}

TEST_CASE("dht key: a name is another node's with that node's id behind it") {
  const std::string id(40, 'a');
  for (const std::string& typed : {"orders@" + id, "/kv/orders@" + id}) {
    const auto key = parse_key(typed);
    REQUIRE(key);
    CHECK(key->name == "orders");
    CHECK(key->owner == base::NodeId::from_hex(id));
  }
  CHECK(parse_key("a@b@" + id)->name == "a@b");
  CHECK(parse_key(std::string(64, 'n') + '@' + id));
  CHECK_FALSE(parse_key(std::string(65, 'n') + '@' + id));
  CHECK_FALSE(parse_key('@' + id));
  for (const std::string& typed : {"orders@" + id + 'a', "orders@" + id.substr(1), std::string("orders@host")}) {
    CHECK(parse_key(typed)->name == typed);
    CHECK_FALSE(parse_key(typed)->owner);
  }
}

TEST_CASE("dht key: digits are a key, of as many as its space has") {
  const std::string id(40, 'a'), digest(64, 'b');
  CHECK(parse_key("/kv/" + id)->key == dht::Key::from_hex(id));
  CHECK(parse_key(id)->key == dht::Key::from_hex(id));
  CHECK(parse_key("/pk/" + id)->space == dht::Space::pk);
  CHECK(parse_key("/pk/" + id)->key == dht::Key::from_hex(id));
  CHECK(parse_key("/cid/" + digest)->digest == base::Digest::from_hex(digest));
  for (const std::string& typed : {"/cid/" + id, "/pk/" + digest, "/pk/" + id + '0', "/cid/" + digest + '0'})
    CHECK_FALSE(parse_key(typed));
}

TEST_CASE("dht key: a space alone names what is to be put, and nonsense names nothing") {
  for (const char* const typed : {"/pk", "/pk/"}) CHECK(parse_key(typed)->space == dht::Space::pk);
  for (const char* const typed : {"/cid", "/cid/"}) CHECK(parse_key(typed)->space == dht::Space::cid);
  for (const char* const typed : {"", "/", "//", "/kv", "/kv/", "/other/x", "/KV/x", "/cid/xyz", "/pk/xyz"})
    CHECK_FALSE(parse_key(typed));
}

TEST_CASE("dht key: a name that is too long is told its limit, and nothing else is") {
  for (const std::string space : {"", "/kv/"}) {
    CHECK_FALSE(dht_command::long_name(space + std::string(64, 'n')));
    const auto wrong = dht_command::long_name(space + std::string(65, 'n'));
    REQUIRE(wrong);
    CHECK(wrong->starts_with("a name has at most 64 bytes, got 65: "));
  }
  CHECK_FALSE(dht_command::long_name("/cid/" + std::string(70, '1')));
  CHECK_FALSE(dht_command::long_name(""));
}

TEST_CASE("dht key: a key that has lost or won a digit is told how many it has, and is no name") {
  const auto wrong = [](const std::string& typed) {
    CHECK(parse_key(typed).has_value() != dht_command::wrong_digits(typed).has_value());
    return dht_command::wrong_digits(typed).value_or("");
  };
  CHECK(wrong("/kv/" + std::string(39, 'a')) ==
        "after /kv/ come 40 hexadecimal digits, got 39; for a name of such digits leave out /kv/");
  CHECK(wrong("/pk/" + std::string(41, '1')) == "after /pk/ come 40 hexadecimal digits, got 41");
  CHECK(wrong("/cid/" + std::string(63, 'F')) == "after /cid/ come 64 hexadecimal digits, got 63");
  CHECK(wrong("/kv/" + std::string(64, '0')).starts_with("after /kv/ come 40"));
  CHECK(wrong("/kv/" + std::string(21, '0')).starts_with("after /kv/ come 40"));
  for (const std::string& name : {"/kv/" + std::string(20, '0'), std::string("/kv/cafe"), std::string(39, 'a'),
                                  "/kv/" + std::string(39, 'a') + "/x", std::string("/cid/"), std::string("orders")})
    CHECK(wrong(name).empty());
}
