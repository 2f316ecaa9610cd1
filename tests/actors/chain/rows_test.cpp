#include "actors/chain/rows.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::chain;

TEST_CASE("chain rows: a block is in parts of one size but for the last one, which is smaller, and maybe empty") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, rows::kPartBytes - 1, rows::kPartBytes,
                                 rows::kPartBytes + 1, 4 * rows::kPartBytes}) {
    base::Bytes block(size);
    for (std::size_t i = 0; i < size; ++i) block[i] = static_cast<std::uint8_t>(i / 1'000);
    base::Bytes joined;
    std::vector<std::size_t> sizes;
    rows::each_part(block, [&](std::uint8_t number, base::ByteView part) {
      CHECK(number == sizes.size());
      sizes.push_back(part.size());
      joined.insert(joined.end(), part.begin(), part.end());
    });
    CHECK(joined == block);
    REQUIRE(sizes.size() == size / rows::kPartBytes + 1);
    CHECK(sizes.back() < rows::kPartBytes);
    sizes.pop_back();
    CHECK(std::ranges::count(sizes, rows::kPartBytes) == static_cast<std::ptrdiff_t>(sizes.size()));
  }
}
