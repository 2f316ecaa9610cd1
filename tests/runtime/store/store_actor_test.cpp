// The store behind its mailbox: what its askers hear on a disk that works, and what commits cost together.
#include "tests/runtime/store/counter.hpp"

namespace troupe::store {
namespace {

using namespace std::chrono_literals;
using base::Code;
using messages::wire::Nothing;
using runtime::Answer;
using sim::DiskOperation;
using test::Scripted;

}  // namespace

TEST_CASE("store actor: what was committed is read, rows and blobs, also after a restart of the node") {
  Counter counter;
  counter.open();
  REQUIRE(counter.commit("a", "1", std::vector{std::pair{id_of(1), payload_of(1, 300'000)}}).ok);
  REQUIRE(counter.commit("b", "2").ok);
  for (int i = 0; i < 2; ++i) {
    CHECK(counter.row("a") == "1");
    CHECK(counter.holds(1, 300'000));
    std::string none;
    CHECK(counter.get("c", none).code == Code::not_found);
    base::Bytes nothing;
    CHECK(counter.read(2, nothing).code == Code::not_found);
    std::vector<bool> held;
    CHECK(counter
              .ask<wire::Has, wire::Held>(
                  [](wire::Has::Builder question) {
                    auto ids = question.initIds(2);
                    ids.set(0, data_of(id_of(2).view()));
                    ids.set(1, data_of(id_of(1).view()));
                  },
                  [&](wire::Held::Reader answer) {
                    for (const bool one : answer.getHeld()) held.push_back(one);
                  })
              .ok);
    CHECK(held == std::vector{false, true});
    caf::anon_send_exit(counter.store, caf::exit_reason::kill);
    counter.actors.stage.settle();
    counter.open();
  }
}

TEST_CASE("store actor: rows are scanned in order, slice by slice") {
  Counter counter;
  counter.open();
  for (const char* key : {"b2", "a1", "b1", "b3"}) REQUIRE(counter.commit(key, key).ok);
  std::vector<std::string> keys;
  base::Bytes from;
  for (bool more = true; more;) {
    const Heard heard = counter.ask<wire::Scan, wire::Slice>(
        [&](wire::Scan::Builder question) {
          question.setKeyspace("test");
          question.setPrefix(data_of(base::as_bytes("b")));
          question.setFrom(data_of(from));
          question.setRowsMax(2);
        },
        [&](wire::Slice::Reader slice) {
          for (const auto row : slice.getRows()) keys.emplace_back(base::as_text(bytes_of(row.getKey())));
          more = slice.getMore();
          from.assign(slice.getNext().begin(), slice.getNext().end());
        });
    REQUIRE(heard.ok);
  }
  CHECK(keys == std::vector<std::string>{"b1", "b2", "b3"});
}

TEST_CASE("store actor: a scan of the largest rows fits its answer") {
  Counter counter;
  counter.open();
  const std::string largest(kValueBytesMax, 'v');
  for (const char* key : {"1", "2", "3", "4"}) REQUIRE(counter.commit(key, largest).ok);
  std::size_t rows = 0;
  CHECK(counter
            .ask<wire::Scan, wire::Slice>(
                [](wire::Scan::Builder question) {
                  question.setKeyspace("test");
                  question.setRowsMax(UINT32_MAX);
                  question.setBytesMax(UINT32_MAX);
                },
                [&](wire::Slice::Reader slice) {
                  rows = slice.getRows().size();
                  CHECK(slice.getMore());
                })
            .ok);
  CHECK(rows == 2);
}

TEST_CASE("store actor: several rows are answered in the order of their keys, and as many as fit") {
  Counter counter;
  counter.open();
  std::vector<std::string> values;
  const auto ask = [&](const std::vector<std::string>& keys) {
    values.clear();
    return counter.ask<wire::GetRows, wire::FoundRows>(
        [&](wire::GetRows::Builder question) {
          question.setKeyspace("test");
          auto list = question.initKeys(static_cast<unsigned>(keys.size()));
          for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(base::as_bytes(keys[i])));
        },
        [&](wire::FoundRows::Reader answer) {
          for (const auto row : answer.getRows())
            values.emplace_back(row.isValue() ? base::as_text(bytes_of(row.getValue())) : "absent");
        });
  };
  for (const char* key : {"a", "b"}) REQUIRE(counter.commit(key, key).ok);
  CHECK(ask({"b", "none", "a", "b"}).ok);
  CHECK(values == std::vector<std::string>{"b", "absent", "a", "b"});
  CHECK(ask({}).ok);
  CHECK(values.empty());
  const std::string largest(kValueBytesMax, 'v');
  REQUIRE(counter.commit("large", largest).ok);
  CHECK(ask({"a", "large", "a", "large"}).ok);
  CHECK(values == std::vector<std::string>{"a", largest});
  CHECK(ask(std::vector<std::string>(kGetRowsMax + 1, "a")).code == Code::malformed);
}

TEST_CASE("store actor: questions against the rules are malformed, and change nothing") {
  Counter counter;
  counter.open();
  CHECK(counter.commit(std::string(kKeyBytesMax + 1, 'k'), "v").code == Code::malformed);
  const auto id_of_31 = [](capnp::Data::Builder id) { std::fill(id.begin(), id.end(), 1); };
  CHECK(counter
            .ask<wire::Read, wire::Blobbed>([&](wire::Read::Builder out) { id_of_31(out.initId(31)); },
                                            [](wire::Blobbed::Reader) {})
            .code == Code::malformed);
  CHECK(counter
            .ask<wire::Has, wire::Held>([&](wire::Has::Builder out) { id_of_31(out.initIds(1).init(0, 31)); },
                                        [](wire::Held::Reader) {})
            .code == Code::malformed);
  CHECK(counter
            .ask<wire::Commit, Nothing>([&](wire::Commit::Builder out) { id_of_31(out.initDrop(1).init(0, 31)); },
                                        [](Nothing::Reader) {})
            .code == Code::malformed);
  CHECK(counter
            .ask<wire::Commit, Nothing>([&](wire::Commit::Builder out) { id_of_31(out.initKeep(1)[0].initId(31)); },
                                        [](Nothing::Reader) {})
            .code == Code::malformed);
  CHECK(counter
            .ask<wire::Get, wire::Found>([&](wire::Get::Builder out) { out.setKeyspace("No"); },
                                         [](wire::Found::Reader) {})
            .code == Code::malformed);
  CHECK(counter
            .ask<wire::Scan, wire::Slice>([&](wire::Scan::Builder out) { out.setKeyspace(".blobs"); },
                                          [](wire::Slice::Reader) {})
            .code == Code::refused);
  CHECK(counter.used().blobs == 0);
}

TEST_CASE("store actor: commits that wait together cost the device what one costs, and none is answered before") {
  Counter counter;
  counter.open();
  REQUIRE(counter.commit("first", "1").ok);  // the keyspace is there
  counter.actors.stage.run_for(1s);
  REQUIRE(counter.keep(100, 10).ok);
  const std::uint64_t one = counter.cost([&] { REQUIRE(counter.keep(101, 10).ok); });
  const std::uint64_t before = counter.groups();
  std::array<Heard, 64> heard;
  const auto all = [&] {
    counter.actors.inside([&](Scripted& self) {
      for (std::size_t i = 0; i < heard.size(); ++i) {
        counter.commit(self, heard[i], "key" + std::to_string(i), "v", {{id_of(i), payload_of(i, 10)}});
      }
    });
    counter.actors.stage.settle();
  };
  SUBCASE("all are durable") {
    CHECK(counter.cost(all) == one);
    for (const Heard& each : heard) CHECK(each.ok);
    CHECK(counter.groups() == before + 1);
    base::Random power(1);
    counter.crash(power);
    counter.open();
    for (std::size_t i = 0; i < heard.size(); ++i) {
      CHECK(counter.row("key" + std::to_string(i)) == "v");
      CHECK(counter.holds(i, 10));
    }
  }
  SUBCASE("or all are refused, and nothing of them is there") {
    counter.actors.disk.fail(DiskOperation::sync, ports::DiskError::io);
    all();
    for (std::size_t i = 0; i < heard.size(); ++i) {
      CHECK(heard[i].code == Code::unavailable);
      std::string none;
      CHECK(counter.get("key" + std::to_string(i), none).code == Code::not_found);
      CHECK(!counter.holds(i, 10));
    }
    CHECK(counter.used().failure != "");
    REQUIRE(counter.keep(7, 10).ok);
    CHECK(counter.holds(7, 10));
    CHECK(counter.used().failure == "");
  }
}

TEST_CASE("store actor: a read behind a commit that waits sees nothing of it, and does not wait for it") {
  Counter counter;
  counter.open();
  REQUIRE(counter.commit("a", "1").ok);
  Heard committed, read;
  std::string value;
  bool answered_before = false;
  counter.actors.inside([&](Scripted& self) {
    counter.commit(self, committed, "a", "2");
    counter.ask<wire::Get, wire::Found>(
        self, read,
        [](wire::Get::Builder question) {
          question.setKeyspace("test");
          question.setKey(data_of(base::as_bytes("a")));
        },
        [&](wire::Found::Reader found) {
          value = std::string(base::as_text(bytes_of(found.getValue())));
          answered_before = !committed.ok;
        });
  });
  counter.actors.stage.settle();
  CHECK(committed.ok);
  CHECK(value == "1");
  CHECK(answered_before);
  CHECK(counter.row("a") == "2");
}

TEST_CASE("store actor: a blob is stored once, whoever keeps it") {
  Counter counter;
  counter.open();
  std::array<Heard, 3> heard;
  counter.actors.inside([&](Scripted& self) {
    for (Heard& each : heard) counter.commit(self, each, "", "", {{id_of(1), payload_of(1, kMiB)}});
  });
  counter.actors.stage.settle();
  for (const Heard& each : heard) CHECK(each.ok);
  REQUIRE(counter.keep(1, kMiB).ok);
  CHECK(counter.used().blobs == 1);
  CHECK(counter.used().blob_bytes == kMiB);
  CHECK(counter.actors.disk.size(path_of(1)).value() == kPackHeaderBytes + record_bytes(kMiB));
}

TEST_CASE("store actor: what is dropped is dead at once and free soon") {
  Counter counter(1, {.pack_bytes_max = 4 * kMiB, .ballast_bytes = 0});
  counter.open();
  for (std::uint64_t i = 0; i < 8; ++i) REQUIRE(counter.keep(i, kMiB).ok);
  const StoreUsage full = counter.used();
  CHECK(full.dead_bytes == 0);
  REQUIRE(counter.drop({0, 1, 2, 4, 5}).ok);
  CHECK(counter.used().blobs == 3);
  CHECK(counter.used().dead_bytes >= 5 * kMiB);
  counter.actors.stage.run_for(10s);
  CHECK(counter.used().dead_bytes < 2 * kMiB);
  CHECK(counter.used().free_bytes >= full.free_bytes + 4 * kMiB);
  for (const std::uint64_t left : {3, 6, 7}) CHECK(counter.holds(left, kMiB));
}

TEST_CASE("store actor: a corrupt blob is named by a read and by a check, and counted") {
  Counter counter;
  counter.open();
  for (std::uint64_t i = 1; i <= 3; ++i) REQUIRE(counter.keep(i, 10'000).ok);
  const std::uint64_t second = kPackHeaderBytes + record_bytes(10'000);
  REQUIRE(counter.actors.disk.corrupt(path_of(1), second + kRecordHeaderBytes + 5'000, 0x10));
  const bool reads_first = [] {
    bool out = false;
    SUBCASE("read") { out = true; }
    SUBCASE("check") { out = false; }
    return out;
  }();
  base::Bytes bytes;
  if (reads_first) CHECK(counter.read(2, bytes).code == Code::corrupt);
  std::vector<base::Digest> damaged;
  CHECK(counter
            .ask<wire::CheckBlobs, wire::Checked>([](wire::CheckBlobs::Builder) {},
                                                  [&](wire::Checked::Reader checked) {
                                                    CHECK(checked.getChecked() == 3);
                                                    CHECK(!checked.getMore());
                                                    for (const auto id : checked.getDamaged())
                                                      damaged.push_back(read_id(id).value());
                                                  })
            .ok);
  CHECK(damaged == std::vector{id_of(2)});
  CHECK(counter.used().damages == 1);
  CHECK(counter.holds(1, 10'000));
  CHECK(counter.holds(3, 10'000));
  REQUIRE(counter.keep(2, 10'000).ok);
  CHECK(counter.holds(2, 10'000));
  CHECK(counter.used().damages == 0);
}

TEST_CASE("store actor: blobs are checked in slices that together cover all") {
  Counter counter;
  counter.open();
  constexpr std::uint64_t kMany = kCheckBlobsMax * 2 + 7;
  for (std::uint64_t i = 0; i < kMany; ++i) REQUIRE(counter.keep(i, 10).ok);
  std::uint64_t checked = 0;
  int slices = 0;
  base::Bytes from;
  for (bool more = true; more; ++slices) {
    REQUIRE(
        counter
            .ask<wire::CheckBlobs, wire::Checked>([&](wire::CheckBlobs::Builder out) { out.setFrom(data_of(from)); },
                                                  [&](wire::Checked::Reader answer) {
                                                    checked += answer.getChecked();
                                                    more = answer.getMore();
                                                    from.assign(answer.getNext().begin(), answer.getNext().end());
                                                  })
            .ok);
  }
  CHECK(checked == kMany);
  CHECK(slices == 3);
}

}  // namespace troupe::store
