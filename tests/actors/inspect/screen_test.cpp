#include "actors/inspect/screen.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "runtime/base/random.hpp"

using namespace troupe;
using namespace troupe::inspect;
using namespace std::chrono_literals;

namespace {

using Paths = std::vector<std::string>;

observe::Filter parsed(std::string_view text) {
  auto filter = observe::Filter::parse(text);
  REQUIRE(filter.ok());
  return std::move(filter).value();
}

observe::ActorRow row_at(std::string_view path, std::uint64_t mailbox = 0) {
  observe::ActorRow row;
  row.path = path;
  row.mailbox = mailbox;
  return row;
}

Screen screen(std::string_view filter, std::string_view top, std::size_t limit) {
  const observe::Field* column = top.empty() ? nullptr : observe::find_field(top);
  REQUIRE((top.empty() || column != nullptr));
  return Screen(parsed(filter), column, limit);
}

/// What is left, by path; each row says the same path as what keeps it.
Paths paths_of(Screen shown) {
  Paths out;
  for (const auto& one : std::move(shown).rows()) {
    CHECK(one.row.path == one.path);
    CHECK(one.row.path.data() == one.path.data());
    out.push_back(one.path);
  }
  return out;
}

Paths shown(Screen screen, const std::vector<observe::ActorRow>& rows) {
  for (const auto& row : rows) screen.show(row, nullptr);
  return paths_of(std::move(screen));
}

/// Few different values, so that there are many ties; short and long paths, for they lie in different places.
observe::ActorRow random_row(base::Random& random, std::string_view path) {
  static constexpr std::string_view kWords[] = {"", "peer", "links", "timeout", "unavailable"};
  const auto word = [&] { return kWords[random.below(std::size(kWords))]; };
  observe::ActorRow row;
  row.path = path;
  row.kind = word();
  row.state = word();
  row.mailbox = random.below(4);
  row.oldest = std::chrono::milliseconds(random.below(4));
  row.handled = random.chance(1, 10) ? ~std::uint64_t{0} - random.below(3) : random.below(1'000);
  row.per_second_thousandths = random.below(4);
  row.busy_thousandths = random.below(1'001);
  row.p99 = std::chrono::microseconds(random.below(4));
  row.restarts = random.below(3);
  row.last_error = word();
  return row;
}

}  // namespace

TEST_CASE("screen: numbers come with the largest first, texts in their order, and ties by path") {
  const std::vector<std::string> names{"/c", "/a", "/d", "/b"};
  std::vector<observe::ActorRow> rows;
  for (const auto& name : names) rows.push_back(row_at(name));
  const auto by = [&](std::string_view column) { return shown(screen("", column, 10), rows); };
  const Paths all{"/a", "/b", "/c", "/d"};
  SUBCASE("by path, if nothing is said") { CHECK(by("") == all); }
  SUBCASE("by path, if it is said") { CHECK(by("path") == all); }
  SUBCASE("a text") {
    rows[0].kind = "peer", rows[1].kind = "store", rows[2].kind = "files", rows[3].kind = "peer";
    CHECK(by("kind") == Paths{"/d", "/b", "/c", "/a"});
  }
  SUBCASE("an empty text comes first") {
    rows[1].last_error = "timeout";
    CHECK(by("lastError") == Paths{"/b", "/c", "/d", "/a"});
  }
  SUBCASE("a number") {
    rows[0].mailbox = 1, rows[2].mailbox = 3, rows[3].mailbox = 1;
    CHECK(by("mailbox") == Paths{"/d", "/b", "/c", "/a"});
  }
  SUBCASE("a share") {
    rows[0].busy_thousandths = 999, rows[3].busy_thousandths = 1'000;
    CHECK(by("busy") == Paths{"/b", "/c", "/a", "/d"});
  }
  SUBCASE("times") {
    rows[0].oldest = 2ms, rows[1].oldest = 1s, rows[2].p99 = 1us, rows[3].p99 = 2us;
    CHECK(by("oldestMs") == Paths{"/a", "/c", "/b", "/d"});
    CHECK(by("p99Us") == Paths{"/b", "/d", "/a", "/c"});
  }
}

TEST_CASE("screen: reversed, the smallest numbers come first and texts from the last, ties still by path") {
  const std::vector<observe::ActorRow> rows{row_at("/b", 7), row_at("/a", 7), row_at("/c", 1)};
  const auto by = [&](std::string_view column) {
    return shown(Screen(parsed(""), observe::find_field(column), 2, Screen::Order::reversed), rows);
  };
  CHECK(by("mailbox") == Paths{"/c", "/a"});
  CHECK(by("path") == Paths{"/c", "/b"});
}

TEST_CASE("screen: it keeps as many as it may, and counts all") {
  const Paths names{"/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"};
  for (const std::size_t limit : {1u, 2u, 8u, 9u, 10u, 10'000u}) {
    CAPTURE(limit);
    Screen first = screen("mailbox>0", "mailbox", limit);
    for (std::size_t i = 0; i < names.size(); ++i) first.show(row_at(names[i], i), nullptr);
    CHECK(first.total() == 9);
    CHECK(first.matched() == 8);
    Paths wanted{"/9", "/8", "/7", "/6", "/5", "/4", "/3", "/2"};
    wanted.resize(std::min(limit, wanted.size()));
    CHECK(paths_of(std::move(first)) == wanted);
  }
}

TEST_CASE("screen: without actors, or with none that is meant, it is empty") {
  CHECK(paths_of(screen("", "", 5)).empty());
  Screen none = screen("kind=peer", "busy", 5);
  none.show(row_at("/a"), nullptr);
  CHECK(none.total() == 1);
  CHECK(none.matched() == 0);
  CHECK(paths_of(std::move(none)).empty());
}

TEST_CASE("screen: a row keeps the record of its actor") {
  const auto record = std::make_shared<runtime::Record>();
  Screen one = screen("", "", 1);
  one.show(row_at("/b"), std::make_shared<runtime::Record>());
  one.show(row_at("/a"), record);
  const auto rows = std::move(one).rows();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].record == record);
}

TEST_CASE("screen: whatever comes in whatever order, it shows what sorting everything would") {
  const bool held = rc::check([] {
    base::Random random(*rc::gen::arbitrary<std::uint64_t>());
    static constexpr std::string_view kFilters[] = {"", "mailbox>1", "not kind=peer", "restarts=0 busy<50%", "/far/**"};
    const observe::Field& column = observe::fields()[random.below(observe::fields().size())];
    const std::size_t limit = 1 + random.below(random.chance(1, 2) ? 4 : 40);
    const observe::Filter filter = parsed(kFilters[random.below(std::size(kFilters))]);
    Paths names(random.below(random.chance(1, 4) ? 200 : 20));
    for (std::size_t i = 0; i < names.size(); ++i)
      names[i] = (random.chance(1, 2) ? "/" : "/far/away/from/the/others/") + std::to_string(i);
    random.shuffle(names);

    Screen screen(filter, &column, limit);
    std::vector<observe::ActorRow> all;
    for (const std::string& name : names) {
      std::string gone = name;  // what is shown does not outlive the call
      observe::ActorRow row = random_row(random, gone);
      screen.show(row, nullptr);
      row.path = name;
      if (filter.holds(row)) all.push_back(row);
      gone.assign(gone.size(), '?');
    }
    std::ranges::sort(all, [&](const observe::ActorRow& a, const observe::ActorRow& b) {
      if (column.text != nullptr && column.text(a) != column.text(b)) return column.text(a) < column.text(b);
      if (column.text == nullptr && column.thousandths(a) != column.thousandths(b))
        return column.thousandths(a) > column.thousandths(b);
      return a.path < b.path;
    });
    RC_ASSERT(screen.total() == names.size());
    RC_ASSERT(screen.matched() == all.size());
    all.resize(std::min(all.size(), limit));
    const auto rows = std::move(screen).rows();
    RC_ASSERT(rows.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) RC_ASSERT(rows[i].path == all[i].path);
  });
  CHECK(held);
}
