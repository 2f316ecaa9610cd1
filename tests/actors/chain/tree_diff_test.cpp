#include "actors/chain/logic/tree_diff.hpp"

#include <rapidcheck.h>

#include "tests/actors/chain/trees.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

struct Compared {
  std::optional<base::Bytes> key;
  std::size_t asked = 0;
  bool lied = false;
};

/// Compares with a tree of which rows come one by one, each as `give` hands it out.
template <class Give>
Compared compare(const TestTree& here, const TestTree& there, Give give) {
  Compared out;
  RemoteTree remote(there.root);
  for (;;) {
    const auto found = diff(here.rows, here.root, remote, remote.root());
    if (found.ok()) {
      out.key = found.value();
      return out;
    }
    REQUIRE(remote.wanted().has_value());
    REQUIRE(++out.asked <= kNibblesMax);
    const auto at = there.rows.rows.find(*remote.wanted());
    REQUIRE(at != there.rows.rows.end());
    if (remote.take(give(at->second))) continue;
    out.lied = true;
    return out;
  }
}
const auto kTruth = [](const base::Bytes& row) { return row; };

Content numbered(std::uint64_t keys) {
  Content out;
  for (std::uint64_t i = 0; i < keys; ++i) out[key_of(i)] = test::bytes_of("value " + std::to_string(i));
  return out;
}

}  // namespace

TEST_CASE("chain tree diff: rows of another node lead to the key that both trees here would name") {
  CHECK(rc::check([] {
    const auto keys = *rc::gen::element<std::uint64_t>(0, 1, 5, 300, 3'000);
    Content a = numbered(keys), b = a;
    const auto changes = *rc::gen::inRange<std::size_t>(0, 6);
    for (std::size_t i = 0; i < changes; ++i) {
      const auto key = key_of(*rc::gen::inRange<std::uint64_t>(0, keys + 3));
      if (*rc::gen::arbitrary<bool>()) b.erase(key);
      else b[key] = base::Bytes{*rc::gen::inRange<std::uint8_t>(0, 3)};
    }
    const TestTree tree_a = tree_of(a);
    TestTree tree_b = tree_of(a);
    TreeChanges later;  // rows of several heights
    for (const auto& [key, value] : b) later[key] = value;
    for (const auto& [key, value] : a)
      if (!b.contains(key)) later[key] = std::nullopt;
    tree_b.change(later);
    const auto expected = diff(tree_a.rows, tree_a.root, tree_b.rows, tree_b.root).value();
    RC_ASSERT(expected.has_value() == (a != b));
    const Compared one = compare(tree_a, tree_b, kTruth), other = compare(tree_b, tree_a, kTruth);
    RC_ASSERT(!one.lied);
    RC_ASSERT(!other.lied);
    RC_ASSERT(one.key == expected);
    RC_ASSERT(other.key == expected);
    if (a == b) RC_ASSERT(one.asked == 0u);
  }));
}

TEST_CASE("chain tree diff: one path is asked for, not the tree") {
  Content a = numbered(5'000), b = a;
  b[key_of(77)] = base::Bytes{1};
  const Compared found = compare(tree_of(a), tree_of(b), kTruth);
  CHECK(found.key == key_of(77));
  CHECK(found.asked <= 6);
}

TEST_CASE("chain tree diff: a row that is not the one that was named is refused, and changes nothing") {
  Content a = numbered(400), b = a;
  b[key_of(7)] = base::Bytes{1};
  const TestTree tree_a = tree_of(a), tree_b = tree_of(b);
  const base::Bytes top = tree_b.rows.rows.at({tree_b.root.version, 0, {}});

  SUBCASE("no row") {
    CHECK(compare(tree_a, tree_b, [](const auto&) { return base::Bytes(); }).lied);
  }
  SUBCASE("any bit of it turned, unless it says the same") {
    for (std::size_t i = 0; i < top.size(); ++i) {
      RemoteTree remote(tree_b.root);
      CHECK_FALSE(diff(tree_a.rows, tree_a.root, remote, remote.root()).ok());
      base::Bytes turned = top;
      turned[i] = static_cast<std::uint8_t>(turned[i] ^ 1);
      // Where a row was written is not in its hash: it is asked for there, and is not there.
      if (remote.take(turned)) CHECK(fold(*decode_row(turned)) == tree_b.root.hash);
      else CHECK(remote.wanted() == RowKey{tree_b.root.version, 0, {}});
      if (remote.wanted()) CHECK(remote.take(top));
    }
  }
  SUBCASE("a true one of another place") {
    const auto other = [&](const base::Bytes& row) { return row == top ? row : top; };
    CHECK(compare(tree_a, tree_b, other).lied);
  }
  SUBCASE("one that was not asked for") {
    RemoteTree remote(tree_b.root);
    CHECK_FALSE(remote.take(top));
    CHECK_FALSE(diff(tree_a.rows, tree_a.root, remote, remote.root()).ok());
    CHECK(remote.take(top));
    CHECK_FALSE(remote.take(top));
  }
}

TEST_CASE("chain tree diff: a leaf whose value is not that of its hash is refused") {
  TestTree one;
  one.change({{key_of(1), base::Bytes{1}}});
  TestTree other;
  other.change({{key_of(1), base::Bytes{2}}});
  base::Bytes row = other.rows.rows.at({other.root.version, 0, {}});
  RemoteTree remote(other.root);
  CHECK_FALSE(diff(one.rows, one.root, remote, remote.root()).ok());
  base::Bytes false_value = row;
  false_value.back() = 3;
  CHECK_FALSE(remote.take(false_value));
  CHECK(remote.take(row));
  CHECK(diff(one.rows, one.root, remote, remote.root()).value() == key_of(1));
}

TEST_CASE("chain tree diff: with an empty tree all differs, and nothing is asked of it") {
  const TestTree full = tree_of(numbered(3)), empty;
  const Compared found = compare(full, empty, kTruth);
  CHECK(found.key.has_value());
  CHECK(found.asked == 0);
  CHECK(compare(empty, full, kTruth).key == found.key);
  CHECK(compare(empty, empty, kTruth).key == std::nullopt);
}
