#pragma once
// A store without its actor on small packs, and commits that a plain state tells the outcome of.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "runtime/store/store.hpp"
#include "tests/runtime/store/packing.hpp"

namespace troupe::store {

/// No reserve, packs of a few records, and each dead byte is worth a compaction.
inline constexpr StoreOptions kSmall{
    .pack_bytes_max = 3'000, .reserve_bytes = 0, .tidy_bytes_min = 1, .ballast_bytes = 0};

inline StoreResult<std::unique_ptr<Store>> try_open(ports::Disk& disk, StoreOptions options = kSmall) {
  return Store::open(disk, "node", Background::here, 7, options);
}

inline std::unique_ptr<Store> open_store(ports::Disk& disk, StoreOptions options = kSmall) {
  auto out = try_open(disk, options);
  if (!out.ok()) FAIL(out.error().message);
  return std::move(out).value();
}

inline Tidied tidy_up(Store& store) {
  Tidied last = Tidied::more;
  for (int i = 0; i < 10'000 && last == Tidied::more; ++i) last = store.tidy();
  return last;
}

/// What a store holds: rows of one keyspace, and which blobs.
struct State {
  std::map<std::string, std::string> rows;
  std::set<std::uint64_t> blobs;
  friend bool operator==(const State&, const State&) = default;
};

inline std::size_t blob_bytes(std::uint64_t number) { return number * 37 % 700; }

/// A commit with the bytes that it views.
struct Order {
  std::vector<std::pair<std::string, std::optional<std::string>>> rows;
  std::vector<std::uint64_t> keep;
  std::vector<std::uint64_t> drop;
  std::vector<base::Bytes> payloads;

  Commit view() {
    Commit out;
    for (const auto& [key, value] : rows) {
      out.rows.push_back(
          {"test", base::as_bytes(key), value ? std::optional<base::ByteView>(base::as_bytes(*value)) : std::nullopt});
    }
    payloads.clear();
    for (const std::uint64_t number : keep) payloads.push_back(payload_of(number, blob_bytes(number)));
    for (std::size_t i = 0; i < keep.size(); ++i) out.keep.push_back({id_of(keep[i]), payloads[i]});
    for (const std::uint64_t number : drop) out.drop.push_back(id_of(number));
    return out;
  }
  void perform(State& state) const {
    for (const auto& [key, value] : rows) {
      if (value) state.rows[key] = *value;
      else state.rows.erase(key);
    }
    for (const std::uint64_t number : drop) state.blobs.erase(number);
    state.blobs.insert(keep.begin(), keep.end());
  }
};

inline constexpr std::uint64_t kBlobs = 12;

inline Order random_order(base::Random& random) {
  Order out;
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    const std::string key = "key" + std::to_string(random.below(5));
    if (random.chance(1, 3)) out.rows.emplace_back(key, std::nullopt);
    else out.rows.emplace_back(key, std::to_string(random.next()));
  }
  for (std::uint64_t i = random.below(3); i > 0; --i) out.keep.push_back(random.below(kBlobs));
  for (std::uint64_t i = random.below(3); i > 0; --i) out.drop.push_back(random.below(kBlobs));
  return out;
}

inline State state_of(Store& store) {
  State out;
  const auto slice = store.scan("test", {}, 1000, 1'000'000, {});
  REQUIRE(slice.ok());
  for (const Row& row : slice.value().rows) {
    out.rows[std::string(base::as_text(row.key))] = std::string(base::as_text(row.value));
  }
  for (std::uint64_t number = 0; number < kBlobs; ++number) {
    const auto got = store.read(id_of(number));
    if (!got.ok()) {
      REQUIRE(got.error().code == base::Code::not_found);
      continue;
    }
    REQUIRE(got.value() == payload_of(number, blob_bytes(number)));
    out.blobs.insert(number);
  }
  return out;
}

/// Bytes of the files of all packs.
inline std::uint64_t pack_bytes(ports::Disk& disk) {
  const auto names = disk.list("node/packs");
  std::uint64_t sum = 0;
  for (const std::string& name : names.value()) sum += disk.size("node/packs/" + name).value();
  return sum;
}

/// The counts are those of what is there, and what is not there is dead.
inline void check_counts(Store& store, ports::Disk& disk, const State& state) {
  REQUIRE(tidy_up(store) == Tidied::done);
  const StoreUsage usage = store.usage();
  CHECK(usage.counted);
  CHECK(usage.blobs == state.blobs.size());
  CHECK(usage.damages == 0);
  CHECK(usage.failure == "");
  std::uint64_t live = 0;
  for (const std::uint64_t number : state.blobs) live += record_bytes(blob_bytes(number));
  CHECK(pack_bytes(disk) == live + usage.dead_bytes + kPackHeaderBytes * disk.list("node/packs").value().size());
}

}  // namespace troupe::store
