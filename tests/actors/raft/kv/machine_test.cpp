#include "actors/raft/logic/kv/machine.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/actors/raft/kv/commands.hpp"

using namespace troupe;
using namespace troupe::raft;
using raft_test::Store;

namespace {

/// The same rules, written down as slowly as possible.
struct KvModel {
  std::map<std::string, kv::Row> rows;
  std::map<std::uint64_t, std::uint64_t> leases;
  std::vector<std::tuple<std::string, std::int64_t, kv::Answer>> sessions;
  std::uint64_t revision = 0, kept = 3'600'000, rows_max = 1'000'000, bytes_max = std::uint64_t{256} << 20;
  std::int64_t time = 0;

  kv::Answer answer(const kv::Command& command) {
    time = std::max(time, command.time_ms);
    std::erase_if(sessions,
                  [&](const auto& session) { return static_cast<std::uint64_t>(time - std::get<1>(session)) >= kept; });
    std::uint64_t bytes = 0;
    for (const auto& [request, at, answer] : sessions) {
      if (!command.request.empty() && request == command.request) return answer;
      bytes += kv::session_bytes(request, answer);
    }
    const bool keeps = !command.request.empty();
    if (keeps && (sessions.size() >= rows_max || bytes >= bytes_max))
      return {.outcome = kv::Outcome::sessions_full, .revision = {revision}};
    kv::Answer out = perform(command);
    out.revision = {revision};
    if (keeps) sessions.emplace_back(command.request, time, out);
    return out;
  }

  kv::Answer perform(const kv::Command& command) {
    if (const auto* grant = std::get_if<kv::GrantLease>(&command.what)) {
      if (!leases.emplace(grant->id.value, grant->ttl_ms).second) return {.outcome = kv::Outcome::lease_exists};
    } else if (const auto* drop = std::get_if<kv::DropLease>(&command.what)) {
      if (leases.erase(drop->id.value) == 0) return {.outcome = kv::Outcome::no_lease};
      if (std::erase_if(rows, [&](const auto& row) { return row.second.lease == drop->id; }) > 0) ++revision;
    } else if (const auto* keep = std::get_if<kv::KeepLeases>(&command.what)) {
      const auto has = [&](kv::LeaseId id) { return leases.contains(id.value); };
      if (std::ranges::none_of(keep->ids, has)) return {.outcome = kv::Outcome::no_lease};
    } else if (const auto* limits = std::get_if<kv::LimitSessions>(&command.what)) {
      kept = limits->kept_ms, rows_max = limits->rows_max, bytes_max = limits->bytes_max;
    } else if (const auto* txn = std::get_if<kv::Txn>(&command.what)) {
      return perform(*txn);
    }
    return {};
  }

  kv::Answer perform(const kv::Txn& txn) {
    const auto here = [&](const std::string& key) { return rows.contains(key) ? rows[key].value : kv::Value{}; };
    for (const kv::Condition& condition : txn.conditions) {
      const bool there = rows.contains(condition.key);
      const std::uint64_t changed = there ? rows[condition.key].changed.value : 0;
      const bool holds = condition.kind == kv::Condition::Kind::absent ? !there
                         : condition.kind == kv::Condition::Kind::equals
                             ? there && *here(condition.key) == *condition.value
                             : changed == condition.revision.value;
      if (!holds) return {.outcome = kv::Outcome::conflict, .values = {here(condition.key)}};
    }
    for (const kv::Operation& operation : txn.operations)
      if (operation.lease.value != 0 && !leases.contains(operation.lease.value))
        return {.outcome = kv::Outcome::no_lease};
    kv::Answer out;
    bool changed = false;
    for (const kv::Operation& operation : txn.operations) {
      if (operation.kind == kv::Operation::Kind::get) {
        out.values.push_back(here(operation.key));
      } else if (operation.kind == kv::Operation::Kind::remove) {
        changed = rows.erase(operation.key) > 0 || changed;
      } else {
        const kv::Revision created =
            rows.contains(operation.key) ? rows[operation.key].created : kv::Revision{revision + 1};
        rows[operation.key] = {operation.value, created, {revision + 1}, operation.lease};
        changed = true;
      }
    }
    revision += changed;
    return out;
  }
};

}  // namespace

TEST_CASE("kv: put, get, remove, and what a revision is") {
  Store store;
  CHECK(store.txn({}, {raft_test::put("a", "1")}).answer.revision.value == 1);
  CHECK(
      store.txn({}, {raft_test::put("b", "2"), raft_test::put("c", "3"), raft_test::get("a")}).answer.revision.value ==
      2);
  const auto applied = store.txn({}, {raft_test::removal("a"), raft_test::get("a"), raft_test::get("b")});
  CHECK(applied.answer.revision.value == 3);
  REQUIRE(applied.answer.values.size() == 2);
  CHECK(raft_test::shown(applied.answer.values[0]) == "absent");
  CHECK(raft_test::shown(applied.answer.values[1]) == "2");
  REQUIRE(applied.changes.size() == 1);
  CHECK(applied.changes[0].key == "a");
  CHECK(applied.changes[0].value == nullptr);
  CHECK(store.txn({}, {raft_test::removal("a")}).answer.revision.value == 3);  // nothing was there
  CHECK(store.txn({}, {raft_test::get("b")}).answer.revision.value == 3);
  CHECK(store.machine.get("b")->created.value == 2);
}

TEST_CASE("kv: a condition that does not hold names the present value, and changes nothing") {
  Store store;
  store.txn({}, {raft_test::put("a", "1")});
  const auto refused = store.txn({raft_test::absent("b"), raft_test::equals("a", "2")}, {raft_test::put("b", "x")});
  CHECK(refused.answer.outcome == kv::Outcome::conflict);
  REQUIRE(refused.answer.values.size() == 1);
  CHECK(raft_test::shown(refused.answer.values[0]) == "1");
  CHECK(store.machine.get("b") == nullptr);
  CHECK(store.txn({raft_test::equals("a", "1")}, {raft_test::put("a", "2")}).answer.outcome == kv::Outcome::done);
  CHECK(store.txn({raft_test::absent("a")}, {}).answer.outcome == kv::Outcome::conflict);
}

TEST_CASE("kv: a request is done once and answered alike, until its session is too old") {
  Store store;
  store.apply({.what = kv::LimitSessions{.kept_ms = 1'000, .rows_max = 2, .bytes_max = 10'000}});
  const auto first = store.txn({raft_test::absent("a")}, {raft_test::put("a", "1")}, "r", 5'000);
  const auto again = store.txn({raft_test::absent("a")}, {raft_test::put("a", "1")}, "r", 5'999);
  CHECK(again.repeated);
  CHECK(again.answer == first.answer);
  CHECK(again.changes.empty());
  SUBCASE("as many as may be kept, and one more") {
    CHECK(store.txn({}, {raft_test::put("b", "1")}, "s", 5'999).answer.outcome == kv::Outcome::done);
    CHECK(store.txn({}, {raft_test::put("c", "1")}, "t", 5'999).answer.outcome == kv::Outcome::sessions_full);
    CHECK(store.machine.get("c") == nullptr);
    CHECK(store.txn({}, {raft_test::put("c", "1")}, "", 5'999).answer.outcome == kv::Outcome::done);
    CHECK(store.txn({}, {raft_test::put("d", "1")}, "r", 5'999).repeated);
    CHECK(store.txn({}, {raft_test::put("c", "1")}, "t", 6'000).answer.outcome == kv::Outcome::done);
  }
  SUBCASE("age is the leader's time alone, which does not go back") {
    store.txn({}, {raft_test::put("x", "1")}, "", 1'000);
    CHECK(store.txn({}, {raft_test::put("a", "9")}, "r", 1'000).repeated);
    CHECK_FALSE(store.txn({}, {raft_test::put("a", "9")}, "r", 6'000).repeated);
    CHECK(raft_test::shown(store.machine.get("a")->value) == "9");
  }
}

TEST_CASE("kv: a lease ends its whole time after the command that kept it") {
  Store store;
  store.apply({.time_ms = 5'000, .what = kv::GrantLease{{7}, 1'000}});
  CHECK(store.machine.leases().at({7}).end_ms == 0);  // the leader keeps it next
  const auto kept = store.apply({.time_ms = 5'200, .what = kv::KeepLeases{{{7}, {8}}}});
  CHECK(kept.answer.outcome == kv::Outcome::done);
  CHECK(store.machine.leases().at({7}).end_ms == 6'200);
  store.apply({.time_ms = 5'100, .what = kv::KeepLeases{{{7}}}});  // a leader that does not know the time yet
  CHECK(store.machine.leases().at({7}).end_ms == 6'200);
  CHECK(store.apply({.what = kv::KeepLeases{{{8}}}}).answer.outcome == kv::Outcome::no_lease);
  store.apply({.what = kv::GrantLease{{9}, ~std::uint64_t{0}}});
  store.apply({.time_ms = std::numeric_limits<std::int64_t>::max(), .what = kv::KeepLeases{{{9}}}});
  CHECK(store.machine.leases().at({9}).end_ms > 0);
}

TEST_CASE("kv: keys go with their lease") {
  Store store;
  CHECK(store.txn({}, {raft_test::put("a", "1", 7)}).answer.outcome == kv::Outcome::no_lease);
  CHECK(store.apply({.what = kv::GrantLease{{7}, 1'000}}).answer.outcome == kv::Outcome::done);
  CHECK(store.apply({.what = kv::GrantLease{{7}, 1'000}}).answer.outcome == kv::Outcome::lease_exists);
  store.txn({}, {raft_test::put("a", "1", 7), raft_test::put("b", "2", 7), raft_test::put("c", "3", 7)});
  store.txn({}, {raft_test::put("b", "4")});  // put without it: stays
  const auto dropped = store.apply({.what = kv::DropLease{{7}}});
  REQUIRE(dropped.changes.size() == 2);
  CHECK(dropped.changes[0].key == "a");
  CHECK(dropped.changes[1].key == "c");
  CHECK(store.machine.get("b") != nullptr);
  CHECK(store.machine.get("a") == nullptr);
  CHECK(store.apply({.what = kv::DropLease{{7}}}).answer.outcome == kv::Outcome::no_lease);
}

TEST_CASE("kv: a range comes in pages, in the order of bytes") {
  Store store;
  for (const char* key : {"a", "b/1", "b/2", "b/\xff", "c"}) store.txn({}, {raft_test::put(key, "0123456789")});
  const auto first = store.machine.range("b/", "", 2, 1'000);
  REQUIRE(first.rows.size() == 2);
  CHECK(first.rows[1].first == "b/2");
  CHECK(first.more);
  const auto rest = store.machine.range("b/", "b/2\x01", 2, 1'000);
  REQUIRE(rest.rows.size() == 1);
  CHECK_FALSE(rest.more);
  CHECK(store.machine.range("", "", 10, 1).rows.size() == 1);  // at least one, whatever its size
  CHECK(store.machine.range("", "", 10, 30).rows.size() == 2);
  CHECK(store.machine.range("x", "", 10, 30).rows.empty());
}

TEST_CASE("kv: an answer has a bound, in which gets see the operations before them") {
  Store store;
  const std::string large(kv::kValueBytesMax, 'x');
  store.txn({}, {raft_test::put("a", large)});
  const auto get = raft_test::get("a");
  CHECK(store.txn({}, {get, get}).answer.outcome == kv::Outcome::done);
  CHECK(store.txn({}, {raft_test::put("b", "1"), get, get, get}).answer.outcome == kv::Outcome::answer_too_large);
  CHECK(store.machine.get("b") == nullptr);
  CHECK(store.txn({}, {get, get, raft_test::put("a", ""), get, get}).answer.outcome == kv::Outcome::done);
}

TEST_CASE("kv: any commands agree with a dumb model") {
  CHECK(rc::check("answers, rows and sessions", [](std::uint64_t seed) {
    base::Random random(seed);
    Store store, twin;
    KvModel model;
    std::int64_t time = 0;
    for (int step = 0; step < 150; ++step) {
      const kv::Command command = raft_test::drawn(random, time);
      const auto applied = store.apply(command);
      (void)twin.apply(command);
      RC_ASSERT(applied.answer == model.answer(command));
      RC_ASSERT(store.machine.revision().value == model.revision);
      RC_ASSERT(store.machine.sessions() == model.sessions.size());
      const auto page = store.machine.range("", "", 1'000, 1'000'000);
      const std::vector<std::pair<std::string, kv::Row>> rows(model.rows.begin(), model.rows.end());
      RC_ASSERT((page.rows == rows));
      std::uint64_t bytes = 0;
      for (const auto& [key, row] : rows) bytes += kv::kRowBytes + key.size() + row.value->size();
      RC_ASSERT(store.machine.row_bytes() == bytes);
      RC_ASSERT(store.machine.hash() == twin.machine.hash());
    }
  }));
}

TEST_CASE("kv: bytes of rows are counted for each kind of actors, until the last of them is removed") {
  Store store;
  const std::string key = std::string(kActorKeys) + "wallet/a", other = std::string(kActorKeys) + "fund/a";
  store.txn({}, {raft_test::put(key, "12345"), raft_test::put(other, "1"), raft_test::put("free", "1")});
  store.txn({}, {raft_test::put(key, "123")});
  const auto& kinds = store.machine.kind_bytes();
  REQUIRE(kinds.size() == 2);
  CHECK(kinds.find("wallet")->second == kv::kRowBytes + key.size() + 3);
  CHECK(kinds.find("fund")->second == kv::kRowBytes + other.size() + 1);
  store.txn({}, {raft_test::removal(key)});
  CHECK_FALSE(kinds.contains("wallet"));
}

TEST_CASE("kv: a command has one encoding, and no bytes break the decoder") {
  CHECK(rc::check("there and back", [](std::uint64_t seed) {
    base::Random random(seed);
    std::int64_t time = 0;
    const base::Bytes bytes = kv::encode(raft_test::drawn(random, time));
    const auto read = kv::decode_command(bytes);
    RC_ASSERT(read.has_value());
    RC_ASSERT(kv::encode(*read) == bytes);
    RC_ASSERT(!kv::decode_command(base::ByteView(bytes).first(random.below(bytes.size()))));
    base::Bytes changed = bytes;
    changed[random.below(changed.size())] = static_cast<std::uint8_t>(random.next());
    const auto other = kv::decode_command(changed);
    RC_ASSERT((!other || kv::encode(*other) == changed));
  }));
}

TEST_CASE("kv: the bytes of a command, and the hash of its effects, stay what they are") {
  const kv::Command command{
      1'700'000'000'000, "r-1",
      kv::Txn{{raft_test::absent("a"), raft_test::equals("b", "x"), {"c", kv::Condition::Kind::revision, {}, {3}}},
              {raft_test::put("a", "1", 7), raft_test::removal("b"), raft_test::get("c")}}};
  CHECK(base::hex(kv::encode(command)) ==
        "01000068e5cf8b01000003000000722d3103000000000100000061010100000062010000007802010000006303000000000000"
        "000300000000010000006101000000310700000000000000010100000062020100000063");
  Store store;
  store.txn({}, {raft_test::put("a", "1"), raft_test::put("b", "")});
  store.txn({}, {raft_test::removal("a")});
  CHECK(store.machine.hash() == 6'374'143'677'303'231'493ULL);
}

TEST_CASE("kv: each limit of a command, and one beyond") {
  const auto passes = [](std::string key, std::size_t value, std::string request) {
    return kv::decode_command(kv::encode({0, std::move(request),
                                          kv::Txn{{}, {raft_test::put(std::move(key), std::string(value, 'v'))}}}))
        .has_value();
  };
  CHECK(passes(std::string(kv::kKeyBytesMax, 'k'), kv::kValueBytesMax, std::string(kv::kRequestBytesMax, 'r')));
  CHECK_FALSE(passes(std::string(kv::kKeyBytesMax + 1, 'k'), 1, ""));
  CHECK_FALSE(passes("", 1, ""));
  CHECK_FALSE(passes("k", kv::kValueBytesMax + 1, ""));
  CHECK_FALSE(passes("k", 1, std::string(kv::kRequestBytesMax + 1, 'r')));
  kv::Txn many;
  many.operations.assign(kv::kOperationsMax, raft_test::get("a"));
  CHECK(kv::decode_command(kv::encode({0, "", many})).has_value());
  many.operations.push_back(raft_test::get("a"));
  CHECK_FALSE(kv::decode_command(kv::encode({0, "", many})).has_value());
  Store store;
  CHECK(store.machine.apply(Index{1}, base::Bytes{9}).answer.outcome == kv::Outcome::malformed);
  CHECK_THROWS_AS((void)store.machine.apply(Index{1}, base::Bytes{9}), base::InvariantBroken);
}
