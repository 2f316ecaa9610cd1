#pragma once
// The sweep over what is published, in tests: what it is given, and what it leaves on disk.
#include <doctest/doctest.h>

#include <map>

#include "actors/dht/logic/republish.hpp"
#include "tests/actors/dht/records.hpp"

namespace troupe::dht::test {

inline constexpr std::chrono::minutes kPeriod = std::chrono::hours(22);
using Disk = std::map<base::Bytes, base::Bytes>;

inline Item item(int first, int second = 0, Published what = Published::provider) { return {key(first, second), what}; }
inline void save(Disk& disk, const store::Row& row) { disk[row.key] = row.value; }
inline void save(Disk& disk, const RowChange& rows) {
  for (const base::Bytes& key : rows.erase) disk.erase(key);
  for (const store::Row& row : rows.save) save(disk, row);
}
inline Republish restarted(const Disk& disk, base::WallTime wall, RepublishSettings settings = {}) {
  Republish out(settings, wall);
  for (const auto& [row_key, row] : disk) REQUIRE(out.load(row_key, row, wall).ok());
  return out;
}
/// The items of the region that is due, which then is done.
inline std::vector<Item> publish(Republish& sweep, base::WallTime wall, Disk* disk = nullptr) {
  const auto region = sweep.next(wall);
  if (!region) return {};
  const RowChange rows = sweep.done(wall);
  if (disk != nullptr) save(*disk, rows);
  return region->items;
}

}  // namespace troupe::dht::test
