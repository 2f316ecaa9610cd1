// The store without its actor: groups of commits, and what is reclaimed.
#include "tests/runtime/store/orders.hpp"

namespace troupe::store {
namespace {

using base::as_bytes;
using base::Code;

}  // namespace

TEST_CASE("store: a commit is there once its group is flushed, and not before") {
  sim::Disk disk;
  const auto store = open_store(disk);
  Order order{{{"a", "1"}, {"b", "2"}}, {1, 2}, {}, {}};
  REQUIRE(store->add(order.view()).ok());
  CHECK(state_of(*store) == State{});
  REQUIRE(store->flush().ok());
  CHECK(state_of(*store) == State{{{"a", "1"}, {"b", "2"}}, {1, 2}});
}

TEST_CASE("store: later commits of a group win over earlier ones, as their order says") {
  sim::Disk disk;
  const auto store = open_store(disk);
  const std::array<Order, 4> orders{Order{{{"a", "1"}}, {1, 2}, {}, {}}, Order{{{"a", {}}, {"b", "2"}}, {}, {1}, {}},
                                    Order{{{"a", "3"}}, {3}, {2}, {}}, Order{{}, {1}, {}, {}}};
  State expected;
  for (Order order : orders) {
    REQUIRE(store->add(order.view()).ok());
    order.perform(expected);
  }
  REQUIRE(store->flush().ok());
  CHECK(expected == State{{{"a", "3"}, {"b", "2"}}, {1, 3}});
  CHECK(state_of(*store) == expected);
  check_counts(*store, disk, expected);
}

TEST_CASE("store: a blob is written once, however often it is kept") {
  sim::Disk disk;
  const auto store = open_store(disk, {.reserve_bytes = 0});
  Order order{{}, {5, 5}, {}, {}};
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  const std::uint64_t once = pack_bytes(disk);
  CHECK(once == kPackHeaderBytes + record_bytes(blob_bytes(5)));
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  CHECK(pack_bytes(disk) == once);
  CHECK(store->usage().dead_bytes == 0);
}

TEST_CASE("store: a blob that is kept and dropped by one commit stays") {
  sim::Disk disk;
  const auto store = open_store(disk);
  Order order{{}, {1}, {1}, {}};
  for (int i = 0; i < 2; ++i) {
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
    CHECK(state_of(*store).blobs == std::set<std::uint64_t>{1});
  }
}

TEST_CASE("store: a commit above a limit is malformed, and no part of the group") {
  sim::Disk disk;
  const auto store = open_store(disk);
  const std::string key(kKeyBytesMax, 'k'), key_beyond(kKeyBytesMax + 1, 'k');
  const std::string value(kValueBytesMax, 'v'), value_beyond(kValueBytesMax + 1, 'v');
  const base::Bytes blob(kBlobBytesMax), blob_beyond(kBlobBytesMax + 1);
  const auto code = [&](const Commit& commit) -> std::optional<Code> {
    const auto added = store->add(commit);
    if (added.ok()) return std::nullopt;
    return added.error().code;
  };
  const auto row = [](std::string_view space, std::string_view named, std::string_view content) {
    return Commit{{{space, as_bytes(named), as_bytes(content)}}, {}, {}};
  };
  CHECK(code(row("test", key_beyond, "")) == Code::malformed);
  CHECK(code(row("test", "", value_beyond)) == Code::malformed);
  CHECK(code(row("", "a", "b")) == Code::malformed);
  CHECK(code(row("Test", "a", "b")) == Code::malformed);
  CHECK(code(row("123456789012345678901234567890123", "a", "b")) == Code::malformed);
  CHECK(code(row(".blobs", "a", "b")) == Code::refused);
  CHECK(code({{}, {{id_of(1), blob_beyond}}, {}}) == Code::malformed);
  Commit huge{{}, {}, std::vector<base::Digest>(kCommitBytesMax / 60 + 1)};
  CHECK(code(huge) == Code::malformed);
  REQUIRE(store->flush().ok());
  CHECK(state_of(*store) == State{});

  CHECK(code(row("test", key, value)) == std::nullopt);
  CHECK(code({{}, {{id_of(100), blob}}, {}}) == std::nullopt);
  huge.drop.pop_back();
  CHECK(!store->fits(huge));
  REQUIRE(store->flush().ok());
  CHECK(store->fits(huge));
  CHECK(code(huge) == std::nullopt);
  REQUIRE(store->flush().ok());
  CHECK(store->get("test", as_bytes(key)).value().size() == kValueBytesMax);
  CHECK(store->read(id_of(100)).value() == blob);
}

TEST_CASE("store: what is dropped is reclaimed, first what takes no copying") {
  sim::Disk disk;
  const auto store = open_store(disk, {.pack_bytes_max = 3'000, .reserve_bytes = 0, .tidy_bytes_min = 500});
  State state;
  for (std::uint64_t number = 0; number < kBlobs; ++number) {
    Order order{{}, {number}, {}, {}};
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
    order.perform(state);
  }
  REQUIRE(tidy_up(*store) == Tidied::done);
  const std::uint64_t full = pack_bytes(disk);
  Order order{{}, {}, {0, 1, 2, 3, 4, 5, 6, 8, 9}, {}};
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  order.perform(state);
  CHECK(pack_bytes(disk) == full);
  check_counts(*store, disk, state);
  CHECK(pack_bytes(disk) < full / 2);
  CHECK(store->usage().dead_bytes <= 1'200);
  CHECK(state_of(*store) == state);
}

TEST_CASE("store: who drops a part of each pack leaves less dead bytes than half of the live ones") {
  constexpr std::uint64_t kRecords = 60, kPayload = 600;
  sim::Disk disk;
  StoreOptions options = kSmall;
  options.pack_bytes_max = 10'000;
  const auto store = open_store(disk, options);
  for (std::uint64_t number = 0; number < kRecords; ++number) {
    const base::Bytes payload = payload_of(number, kPayload);
    Commit keep;
    keep.keep.push_back({id_of(number), payload});
    REQUIRE(store->add(keep).ok());
    REQUIRE(store->flush().ok());
  }
  Commit drop;
  std::uint64_t live = kRecords;
  SUBCASE("two of five") {
    for (std::uint64_t number = 0; number < kRecords; ++number)
      if (number % 5 < 2) drop.drop.push_back(id_of(number));
  }
  SUBCASE("one of two") {
    for (std::uint64_t number = 0; number < kRecords; number += 2) drop.drop.push_back(id_of(number));
  }
  live -= drop.drop.size();
  REQUIRE(store->add(drop).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  CHECK(store->usage().blobs == live);
  CHECK(store->usage().dead_bytes <= live * record_bytes(kPayload) / 2);
}

TEST_CASE("store: what lives is not copied where that would eat what is reserved") {
  StoreOptions options = kSmall;
  options.reserve_bytes = 2'000'000;
  options.pack_bytes_max = 4'000'000;
  sim::Disk disk;
  const auto store = open_store(disk, options);
  const base::Bytes payload = payload_of(1, 1'000'000);
  for (std::uint64_t number = 0; number < 3; ++number) {
    Commit keep;
    keep.keep.push_back({id_of(number), payload});
    REQUIRE(store->add(keep).ok());
    REQUIRE(store->flush().ok());
  }
  Commit drop;
  drop.drop = {id_of(0), id_of(1)};
  REQUIRE(store->add(drop).ok());
  REQUIRE(store->flush().ok());
  const std::uint64_t free = disk.free_bytes().value();
  disk.set_capacity((std::uint64_t{1} << 40) - free + 2'500'000);  // room for the reserve and half of the copy
  tidy_up(*store);
  CHECK(store->usage().dead_bytes > 1'900'000);
  CHECK(store->has(id_of(2)).value());
  disk.set_capacity(std::uint64_t{1} << 40);
  tidy_up(*store);
  CHECK(store->usage().dead_bytes < 1'000'000);
  CHECK(store->has(id_of(2)).value());
}

}  // namespace troupe::store
