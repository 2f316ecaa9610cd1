#include "actors/task/book.hpp"

#include <doctest/doctest.h>

#include "tests/actors/task/orders.hpp"

using namespace troupe;
using namespace troupe::task;

namespace {

Entry entry_of(const Order& order) {
  Entry out{.order = order, .signed_order = sign(order, submitter().key()), .task = Task(order, 1'000)};
  out.parts[7] = {{kStandardPart, 12, {}}, {0, 5, {}}};
  out.parts[9] = {};
  out.text_bytes = 17;
  return out;
}

}  // namespace

TEST_CASE("book: a task is read back from its row") {
  for (const Order& order : {small_order(), large_order()}) {
    const Entry entry = entry_of(order);
    const auto read = Entry::decode(entry.encode());
    REQUIRE(read);
    CHECK(read->order == order);
    CHECK(read->signed_order == entry.signed_order);
    CHECK(read->task == entry.task);
    CHECK(read->parts == entry.parts);
    CHECK(read->text_bytes == 17);
  }
}

TEST_CASE("book: a row that was cut is none") {
  const base::Bytes bytes = entry_of(large_order()).encode();
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(Entry::decode(base::ByteView(bytes).first(size)));
  base::Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(Entry::decode(longer));
}

TEST_CASE("book: texts of an attempt lie in the order in which they came, attempts in that of their tokens") {
  const TaskId id{};
  CHECK(text_key(id, 1, 255) < text_key(id, 1, 256));
  CHECK(text_key(id, 1, UINT32_MAX) < text_key(id, 256, 0));
  const Text text{kErrorsPart, 1'234, base::as_bytes("oops")};
  const base::Bytes row = encode(text);
  const auto read = decode_text(row);
  REQUIRE(read);
  CHECK(read->part == kErrorsPart);
  CHECK(read->unix_ms == 1'234);
  CHECK(base::as_text(read->bytes) == "oops");
  CHECK_FALSE(decode_text(base::ByteView(row).first(9)));
}

TEST_CASE("book: two answers are the same if program and parts came to the same, whatever they have used") {
  Ended how;
  how.exit_status = 0;
  const Parts parts{{kStandardPart, 3, {}}, {0, 5, {}}};
  Ended other = how;
  other.usage.cpu = std::chrono::seconds{9};
  CHECK(answer_of(how, parts) == answer_of(other, parts));
  other.exit_status = 1;
  CHECK(answer_of(how, parts) != answer_of(other, parts));
  Parts longer = parts;
  longer[0].bytes = 4;
  CHECK(answer_of(how, parts) != answer_of(how, longer));
  longer.pop_back();
  CHECK(answer_of(how, parts) != answer_of(how, longer));
}
