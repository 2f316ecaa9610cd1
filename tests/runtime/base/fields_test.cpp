#include "runtime/base/fields.hpp"

#include <doctest/doctest.h>

#include "runtime/base/ids.hpp"

using namespace troupe::base;
using namespace std::chrono_literals;

TEST_CASE("fields: what is appended is read back, numbers little-endian") {
  Bytes out;
  append_number(out, std::uint8_t{1});
  append_number(out, std::uint32_t{0x05040302});
  append(out, Bytes{6, 7});
  append_date(out, WallTime(9s));
  CHECK(out == Bytes{1, 2, 3, 4, 5, 6, 7, 9, 0, 0, 0, 0, 0, 0, 0});
  FieldReader from(out);
  CHECK(from.number<std::uint8_t>() == 1);
  CHECK(from.number<std::uint32_t>() == 0x05040302);
  CHECK(from.array<2>() == std::array<std::uint8_t, 2>{6, 7});
  CHECK_FALSE(from.ended());
  CHECK(from.date() == WallTime(9s));
  CHECK(from.ended());
  CHECK(load<std::uint16_t>(out, 1) == 0x0302);
}

TEST_CASE("fields: a field that is missing makes its reader useless for good") {
  const Bytes three{1, 2, 3};
  FieldReader from(three);
  CHECK(from.number<std::uint32_t>() == 0);
  CHECK_FALSE(from.ok());
  CHECK(from.number<std::uint8_t>() == 0);
  CHECK(from.rest().empty());
  CHECK_FALSE(from.ended());

  FieldReader short_of(three);
  CHECK(short_of.all_but(4).empty());
  CHECK_FALSE(short_of.ok());
  FieldReader enough(three);
  CHECK(enough.all_but(1).size() == 2);
  CHECK(enough.fixed<NodeId>() == NodeId{});
  CHECK_FALSE(enough.ok());
}

TEST_CASE("fields: a date before 1970 is 1970, and a date beyond the latest one is refused") {
  Bytes out;
  append_date(out, WallTime(-5s));
  append_number(out, kDateMax);
  append_number(out, kDateMax + 1);
  FieldReader from(out);
  CHECK(from.date() == WallTime(0s));
  CHECK(from.date() == WallTime(std::chrono::seconds(kDateMax)));
  CHECK(from.ok());
  from.date();
  CHECK_FALSE(from.ok());
}

TEST_CASE("fields: fixed bytes are words in a message, and come back") {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i + 1);
  const auto words = words_of(bytes);
  CHECK(words[0] == 0x0807060504030201);
  CHECK(from_words(words[0], words[1]) == bytes);
}
