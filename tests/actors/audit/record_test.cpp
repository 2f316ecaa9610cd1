#include "actors/audit/logic/record.hpp"

#include <doctest/doctest.h>

#include "runtime/base/text.hpp"
#include "tests/actors/audit/records.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::audit;

TEST_CASE("audit record: the first line of a trail has these bytes") {
  Mark last;
  const Record record{.unix_ms = 1'700'000'000'000,
                      .key = "token",
                      .address = "127.0.0.1:40000",
                      .command = "kv put",
                      .name = "a",
                      .purpose = "",
                      .status = 200,
                      .rule = ""};
  CHECK(encode(record, last) ==
        R"({"seq":1,"time":1700000000000,"key":"token","address":"127.0.0.1:40000","command":"kv put","name":"a",)"
        R"("purpose":"","status":200,"rule":"",)"
        R"("prev":"0000000000000000000000000000000000000000000000000000000000000000",)"
        R"("hash":"b657e8fbad049a1faf911e0b5fb3a8af471254e1be6f312c1b88a088366cb4da"})");
  CHECK(last.seq == 1);
  CHECK(last.hash.hex() == "b657e8fbad049a1faf911e0b5fb3a8af471254e1be6f312c1b88a088366cb4da");
}

TEST_CASE("audit record: a parsed line has the place and the key of its record, and follows the one before") {
  const Lines trail(3);
  Mark before;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const auto line = parse_line(trail.lines[i - 1]);
    REQUIRE(line);
    CHECK(line->mark == trail.marks[i - 1]);
    CHECK(line->mark.seq == i);
    CHECK(line->prev == before.hash);
    CHECK(line->unix_ms == record_of(i).unix_ms);
    CHECK(line->key == record_of(i).key);
    before = line->mark;
  }
}

TEST_CASE("audit record: odd texts stay one line of valid UTF-8 that can be parsed") {
  const std::string odd[] = {"",
                             "\"",
                             "\\",
                             "\n\r\t",
                             std::string("\0", 1),
                             "\",\"hash\":\"",
                             "\"}",
                             "\xff\xfe",
                             "\xc3",
                             "caf\xc3\xa9 \xf0\x9f\x8e\xa9",
                             "\xe2\x80\xa8",
                             std::string(100'000, 'x'),
                             std::string(100'000, '\n'),
                             std::string(100'000, '\xff')};
  for (const std::string& text : odd) {
    Mark last;
    const Record record{.unix_ms = ~std::uint64_t{0},
                        .key = text,
                        .address = text,
                        .command = text,
                        .name = text,
                        .purpose = text,
                        .status = 65'535,
                        .rule = text};
    const std::string line = encode(record, last);
    CHECK(line.size() <= kLineBytesMax);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(base::is_utf8(line));
    const auto parsed = parse_line(line);
    REQUIRE(parsed);
    CHECK(parsed->mark == last);
    CHECK(parsed->unix_ms == record.unix_ms);
  }
}

TEST_CASE("audit record: a text of the largest size is kept, and a longer text is shortened") {
  const auto line_of = [](std::size_t bytes) {
    Mark last;
    return encode({.name = std::string(bytes, 'n')}, last);
  };
  CHECK(test::contains(line_of(kPartBytesMax), '"' + std::string(kPartBytesMax, 'n') + '"'));
  CHECK(!test::contains(line_of(kPartBytesMax + 1), std::string(kPartBytesMax, 'n')));
  CHECK(line_of(kPartBytesMax + 1).size() <= line_of(kPartBytesMax).size());
}

TEST_CASE("audit record: a line with any changed byte is refused") {
  const std::string line = Lines(2).lines[1];
  for (std::size_t at = 0; at < line.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = line;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      CHECK_MESSAGE(!parse_line(changed), changed);
    }
}

TEST_CASE("audit record: a line with a missing or added byte is refused") {
  const std::string line = Lines(1).lines[0];
  CHECK(parse_line(line));
  for (std::size_t at = 0; at <= line.size(); ++at) {
    CHECK(!parse_line(std::string(line).insert(at, "0")));
    CHECK(!parse_line(line.substr(0, at == line.size() ? 0 : at)));
    if (at < line.size()) CHECK(!parse_line(std::string(line).erase(at, 1)));
  }
  CHECK(!parse_line(line + line));
  CHECK(!parse_line(line + '\n'));
  CHECK(!parse_line(std::string(kLineBytesMax, '{') + line));
}
