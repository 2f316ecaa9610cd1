#include <doctest/doctest.h>

#include "actors/durable/api.hpp"

using namespace troupe;
using durable::Place;

TEST_CASE("durable place: is written as it is read, and nothing else is one") {
  const std::string id(40, 'a');
  for (const std::string& text :
       {std::string(), std::string("self"), std::string("chain"), id, std::string("group:main")}) {
    const auto place = Place::parse(text);
    REQUIRE(place);
    CHECK(place->text() == text);
  }
  for (const char* text : {"Self", "group:", "group:A", "group:a b", "aa", "node", "group"}) CHECK(!Place::parse(text));
  CHECK(Place::parse("chain")->kind == Place::Kind::self);
  for (const char* text : {"chain", "group:main"}) CHECK(Place::parse(text)->has_shares());
  for (const char* text : {"self", ""}) CHECK(!Place::parse(text)->has_shares());
  CHECK(Place::parse(id)->at(*base::NodeId::from_hex(id)).kind == Place::Kind::self);
}

TEST_CASE("durable keys: numbers keep their order") {
  base::Bytes small, large;
  durable::append_ordered(small, 255);
  durable::append_ordered(large, 256);
  CHECK(small < large);
  CHECK(durable::ordered_at(large, 0) == 256);
}
