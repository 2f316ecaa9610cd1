#include "runtime/observe/logic/row.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace troupe::observe;

TEST_CASE("row: each field is found by its name, and is either a text or a number") {
  CHECK(field_names() ==
        "path, kind, state, mailbox, oldestMs, handled, perSecond, busy, p99Us, restarts, asking, "
        "lastError");
  for (const Field& field : fields()) {
    CHECK(find_field(field.name) == &field);
    CHECK((field.text != nullptr) == (field.kind == FieldKind::text));
    CHECK((field.thousandths == nullptr) == (field.kind == FieldKind::text));
  }
  CHECK(find_field("mailBox") == nullptr);
  CHECK(find_field("") == nullptr);
}

TEST_CASE("row: a field is found by its heading too, as it is printed or in small letters") {
  for (const auto& [heading, name] : {std::pair{"OLDEST", "oldestMs"},
                                      {"oldest", "oldestMs"},
                                      {"PER SECOND", "perSecond"},
                                      {"per second", "perSecond"},
                                      {"rate", "perSecond"},
                                      {"P99", "p99Us"},
                                      {"p99", "p99Us"},
                                      {"LAST ERROR", "lastError"},
                                      {"MAILBOX", "mailbox"}}) {
    CAPTURE(heading);
    CHECK(find_field(heading) == find_field(name));
  }
  CHECK(find_field("Per Second") == nullptr);
}

TEST_CASE("row: a mistyped field has a nearest one") {
  CHECK(nearest_field("mailbx") == "mailbox");
  CHECK(nearest_field("p99") == "p99Us");
  CHECK(!nearest_field("").empty());
}

TEST_CASE("row: each field reads what its name says") {
  ActorRow row{"/p", "k", "s", 1, std::chrono::milliseconds{2}, 3, 4, 5, std::chrono::microseconds{6}, 7, "e", 8};
  const auto text = [&](std::string_view name) { return find_field(name)->text(row); };
  const auto thousandths = [&](std::string_view name) { return find_field(name)->thousandths(row); };
  CHECK(text("path") == "/p");
  CHECK(text("kind") == "k");
  CHECK(text("state") == "s");
  CHECK(text("lastError") == "e");
  CHECK(thousandths("mailbox") == 1'000);
  CHECK(thousandths("oldestMs") == 2'000);
  CHECK(thousandths("handled") == 3'000);
  CHECK(thousandths("perSecond") == 4);
  CHECK(thousandths("busy") == 5);
  CHECK(thousandths("p99Us") == 6'000);
  CHECK(thousandths("restarts") == 7'000);
  CHECK(thousandths("asking") == 8'000);
}

TEST_CASE("row: what does not fit counts as the largest, what is below zero as zero") {
  ActorRow row;
  row.handled = std::numeric_limits<std::uint64_t>::max();
  row.oldest = std::chrono::milliseconds{-1};
  CHECK(find_field("handled")->thousandths(row) == std::numeric_limits<std::uint64_t>::max());
  CHECK(find_field("oldestMs")->thousandths(row) == 0);
}
