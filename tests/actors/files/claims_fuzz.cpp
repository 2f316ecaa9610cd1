// Rows of claims, owners and days, whatever lies on the disk: each is taken or refused, and what was taken is written
// again as it was read.
#include <cstddef>
#include <cstdint>

#include "actors/files/logic/claims.hpp"
#include "runtime/base/ensure.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  using namespace troupe::files;
  Claims claims(ClaimsLimits{.kept_days = 2});
  base::ByteView rest(data, size);
  while (rest.size() >= 2) {  // a row: length of the key, length of the value, both
    const std::size_t key = std::min<std::size_t>(rest[0], rest.size() - 2);
    const std::size_t value = std::min<std::size_t>(rest[1], rest.size() - 2 - key);
    const base::ByteView row = rest.subspan(2);
    const auto taken = claims.load(
        {{row.begin(), row.begin() + static_cast<std::ptrdiff_t>(key)},
         {row.begin() + static_cast<std::ptrdiff_t>(key), row.begin() + static_cast<std::ptrdiff_t>(key + value)}},
        base::Instant{});
    static_cast<void>(taken);
    rest = row.subspan(key + value);
  }
  claims.owners().begin_day(20'000);
  claims.check(0);
  ClaimPlan rows;
  rows.change = claims.owners().plan_rows(1'000'000);
  claims.apply(rows);
  base::ensure(claims.owners().plan_rows(1'000'000).empty(), "what is written is written once");
  Claims again(ClaimsLimits{.kept_days = 2});
  for (const Row& row : rows.change.save) base::ensure(again.load(row, base::Instant{}).ok(), "a row is read again");
  for (auto owner = claims.owners().next_ending({}); owner; owner = claims.owners().next_ending(owner)) {
    const ClaimPlan plan = claims.plan_end(*owner);
    claims.apply(plan);
    claims.check(0);
  }
  return 0;
}
