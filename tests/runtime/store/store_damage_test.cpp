// The store without its actor: what is found damaged, who is told, and what mends it.
#include "tests/runtime/store/orders.hpp"

namespace troupe::store {
namespace {

using base::Code;
using ports::DiskError;
using sim::DiskOperation;

}  // namespace

TEST_CASE("store: a database that is lost costs no pack, and the loss is told") {
  sim::Disk disk;
  {
    const auto store = open_store(disk);
    for (std::uint64_t number = 0; number < 30; ++number) {
      Order order{.keep = {number}};
      REQUIRE(store->add(order.view()).ok());
      REQUIRE(store->flush().ok());
    }
  }
  const std::uint64_t before = pack_bytes(disk);
  const auto files = disk.list("node/db").value();
  for (const auto& file : files) REQUIRE(disk.remove("node/db/" + file).ok());
  CHECK(Store::open(disk, "node", Background::here, 1).error() == StoreError::corrupt);
  REQUIRE(disk.remove("node-db.synced").ok());  // the operator gives it up
  for (int start = 0; start < 2; ++start) {     // the second one finds the marks of the first
    const auto store = open_store(disk);
    tidy_up(*store);
    CHECK(store->usage().damages > 0);
    CHECK(pack_bytes(disk) >= before);
  }
}

TEST_CASE("store: a damaged blob is named, is no longer held, and is good again once it is kept anew") {
  sim::Disk disk;
  auto store = open_store(disk, {.reserve_bytes = 0});
  Order order{{}, {1, 2, 3}, {}, {}};
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  const std::uint64_t second = kPackHeaderBytes + record_bytes(blob_bytes(1)) + kRecordHeaderBytes;
  REQUIRE(disk.corrupt(path_of(1), second + 3, 0x40));
  const auto all = store->check({});
  REQUIRE(all.ok());
  CHECK(all.value().checked == 3);
  CHECK(all.value().damaged == std::vector{id_of(2)});
  CHECK(!all.value().next);
  CHECK(store->read(id_of(2)).error().code == Code::corrupt);
  CHECK(store->has(id_of(2)).value() == false);
  CHECK(store->usage().damages == 1);
  SUBCASE("by a commit that keeps it") {
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
    CHECK(state_of(*store).blobs == std::set<std::uint64_t>{1, 2, 3});
    CHECK(store->usage().dead_bytes == record_bytes(blob_bytes(2)));
  }
  SUBCASE("or when it is dropped") {
    Order drop{{}, {}, {2}, {}};
    REQUIRE(store->add(drop.view()).ok());
    REQUIRE(store->flush().ok());
    CHECK(store->read(id_of(2)).error().code == Code::not_found);
  }
  CHECK(store->usage().damages == 0);
}

TEST_CASE("store: a row whose record is beyond the end of its pack is damage, told and not forgotten") {
  sim::Disk disk;
  Order order{{}, {1, 2, 3}, {}, {}};
  {
    const auto store = open_store(disk);
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
  }
  SUBCASE("the end is gone") {
    auto file = disk.open(path_of(1), ports::OpenMode::append);
    REQUIRE(file.value()->truncate(kPackHeaderBytes + record_bytes(blob_bytes(1))).ok());
    REQUIRE(file.value()->sync().ok());
    const auto store = open_store(disk);
    REQUIRE(tidy_up(*store) == Tidied::done);
    CHECK(store->usage().damages == 2);
    CHECK(store->read(id_of(1)).ok());
    CHECK(store->read(id_of(3)).error().code == Code::corrupt);
    CHECK(store->check({}).value().damaged.size() == 2);
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
    CHECK(store->usage().damages == 0);
    CHECK(store->read(id_of(3)).ok());
  }
  SUBCASE("the pack is gone") {
    REQUIRE(disk.remove(path_of(1)).ok());
    const auto store = open_store(disk);
    CHECK(store->read(id_of(3)).error().code == Code::corrupt);
    REQUIRE(tidy_up(*store) == Tidied::done);
    CHECK(store->usage().damages == 3);
  }
}

TEST_CASE("store: a pack with damage among its live records is left as it is, others are reclaimed") {
  sim::Disk disk;
  const auto store = open_store(disk, {.pack_bytes_max = 3'000, .reserve_bytes = 0, .tidy_bytes_min = 1});
  Order order{{}, {3, 4, 5, 6, 7, 8, 9}, {}, {}};
  REQUIRE(store->add(order.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  const std::uint64_t first = kPackHeaderBytes + kRecordHeaderBytes;
  const bool live = [&] {
    bool out = false;
    SUBCASE("damage in a live record") { out = true; }
    SUBCASE("damage in a dead record") { out = false; }
    return out;
  }();
  REQUIRE(disk.corrupt(path_of(1), first, 1));
  Order drop{
      {}, {}, live ? std::vector<std::uint64_t>{4, 5, 6, 7, 8} : std::vector<std::uint64_t>{3, 4, 5, 6, 7, 8}, {}};
  REQUIRE(store->add(drop.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  CHECK(disk.size(path_of(1)).ok() == live);
  CHECK(store->usage().damages == (live ? 1 : 0));
  CHECK(store->read(id_of(9)).ok());
  if (!live) return;
  Order rest{{}, {}, {3}, {}};
  REQUIRE(store->add(rest.view()).ok());
  REQUIRE(store->flush().ok());
  REQUIRE(tidy_up(*store) == Tidied::done);
  CHECK(!disk.size(path_of(1)).ok());
  CHECK(store->usage().damages == 0);
}

TEST_CASE("store: rot that is found when packs are opened anew is told, by the blobs that it concerns") {
  sim::Disk disk;
  const auto store = open_store(disk, {.reserve_bytes = 0, .ballast_bytes = 0});
  for (const std::uint64_t number : {1, 2, 3}) {
    Order order{.keep = {number}};
    REQUIRE(store->add(order.view()).ok());
    REQUIRE(store->flush().ok());
  }
  REQUIRE(tidy_up(*store) == Tidied::done);
  const std::uint64_t second = kPackHeaderBytes + record_bytes(blob_bytes(1));
  std::uint64_t which = 2;
  SUBCASE("in the midst of the last pack") { REQUIRE(disk.corrupt(path_of(1), second + 3, 0x40)); }
  SUBCASE("at its end, which is cut") {
    which = 3;
    REQUIRE(disk.corrupt(path_of(1), second + record_bytes(blob_bytes(2)) + 3, 0x40));
  }
  Order failing{.keep = {4}};
  disk.fail(DiskOperation::sync, DiskError::io);
  REQUIRE(store->add(failing.view()).ok());
  REQUIRE(!store->flush().ok());
  CHECK(store->damage().places == 0);  // nobody has looked
  CHECK(store->tidy() == Tidied::more);
  CHECK(store->damage().places == 1);
  REQUIRE(tidy_up(*store) == Tidied::done);
  CHECK(store->damage().places == 1);
  CHECK(store->damage().blobs);
  CHECK(store->has(id_of(which)).value() == false);
  Order again{.keep = {which}};
  REQUIRE(store->add(again.view()).ok());
  REQUIRE(store->flush().ok());
  CHECK(store->read(id_of(which)).ok());
  CHECK(store->damage().places == 0);
}

}  // namespace troupe::store
