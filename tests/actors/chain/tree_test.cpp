#include "actors/chain/logic/tree.hpp"

#include <rapidcheck.h>

#include "runtime/base/ensure.hpp"
#include "tests/actors/chain/trees.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

TreeChanges some_changes(std::uint64_t keys) {
  TreeChanges out;
  const auto count = *rc::gen::inRange<std::size_t>(0, 30);
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = key_of(*rc::gen::inRange<std::uint64_t>(0, keys));
    if (*rc::gen::inRange(0, 3) == 0) out[key] = std::nullopt;
    else out[key] = base::Bytes{*rc::gen::inRange<std::uint8_t>(0, 4)};
  }
  return out;
}

std::vector<Leaf> leaves_of(const TestTree& tree, const TreeRoot& root, const Path& from = {}) {
  std::vector<Leaf> out;
  REQUIRE(each_leaf(tree.rows, root, from, [&](const Cell& leaf) {
            out.push_back({{leaf.key.begin(), leaf.key.end()}, {leaf.value.begin(), leaf.value.end()}});
            return true;
          }).ok());
  return out;
}

std::vector<Leaf> sorted_by_path(const Content& content) {
  std::map<Path, Leaf> sorted;
  for (const auto& [key, value] : content) sorted[path_of(key)] = {key, value};
  std::vector<Leaf> out;
  for (const auto& [path, leaf] : sorted) out.push_back(leaf);
  return out;
}

Content content_of(std::uint64_t keys) {
  Content out;
  for (std::uint64_t i = 0; i < keys; ++i) out[key_of(i)] = test::bytes_of("value " + std::to_string(i));
  return out;
}

}  // namespace

TEST_CASE("chain tree: after any history the root is that of the content, at each height that is kept") {
  CHECK(rc::check([] {
    TestTree tree;
    Content content;
    std::map<Height, std::pair<TreeRoot, Content>> history;
    const auto keys = *rc::gen::element<std::uint64_t>(3, 40, 2000);
    const auto heights = *rc::gen::inRange<std::uint64_t>(1, 12);
    for (std::uint64_t h = 0; h < heights; ++h) {
      const TreeChanges changes = some_changes(keys);
      change(content, changes);
      const TreeRoot root = tree.change(changes);
      RC_ASSERT(root.hash == dumb_root(content));
      history[tree.height] = {root, content};
    }
    const Height kept{*rc::gen::inRange<std::uint64_t>(1, heights + 1)};
    tree.prune(kept);
    for (const auto& [height, then] : history) {
      if (height < kept) continue;
      RC_ASSERT(leaves_of(tree, then.first) == sorted_by_path(then.second));
      for (const auto& [key, value] : then.second) RC_ASSERT(find(tree.rows, then.first, key).value() == value);
    }
  }));
}

TEST_CASE("chain tree: pruned to one height, the store has the rows of that height and no others") {
  TestTree tree;
  Content content;
  for (std::uint64_t i = 0; i < 50; ++i) {
    TreeChanges changes;
    for (std::uint64_t k = 0; k < 20; ++k) {
      auto& value = changes[key_of((i * 7 + k * k) % 200)];
      if (k % 3 != 0) value = base::Bytes{static_cast<std::uint8_t>(i)};
    }
    change(content, changes);
    tree.change(changes);
  }
  tree.prune(tree.height);
  const TestTree fresh = tree_of(content);
  CHECK(tree.root.hash == fresh.root.hash);
  CHECK(tree.rows.rows.size() == fresh.rows.rows.size());
}

TEST_CASE("chain tree: an update that changes nothing writes nothing") {
  TestTree tree = tree_of(content_of(100));
  TreeChanges same{{key_of(5), test::bytes_of("value 5")}, {key_of(1000), std::nullopt}};
  const auto made = update(tree.rows, tree.root, Height{2}, same);
  REQUIRE(made.ok());
  CHECK(made.value().root == tree.root);
  CHECK(made.value().rows.empty());
  CHECK(made.value().stale.empty());
}

TEST_CASE("chain tree: one leaf that changes rewrites the rows above it alone") {
  TestTree tree = tree_of(content_of(1000));
  const auto made = update(tree.rows, tree.root, Height{2}, {{key_of(5), base::Bytes{1}}});
  REQUIRE(made.ok());
  CHECK(made.value().rows.size() <= 5);
  CHECK(made.value().rows.size() == made.value().stale.size());
}

TEST_CASE("chain tree: an empty tree has a root of zeros and no rows, also after its last leaf is gone") {
  TestTree tree;
  tree.change({{key_of(1), base::Bytes{1}}});
  CHECK(tree.root.hash == leaf_hash(path_of(key_of(1)), base::Bytes{1}));
  tree.change({{key_of(1), std::nullopt}});
  CHECK(tree.root == TreeRoot{});
  tree.prune(tree.height);
  CHECK(tree.rows.rows.empty());
  CHECK(find(tree.rows, tree.root, key_of(1)).value() == std::nullopt);
}

TEST_CASE("chain tree: leaves come in order of path, from where they are asked for") {
  const Content content = content_of(300);
  const TestTree tree = tree_of(content);
  auto sorted = sorted_by_path(content);
  CHECK(leaves_of(tree, tree.root) == sorted);
  const Path from = path_of(sorted[120].key);
  sorted.erase(sorted.begin(), sorted.begin() + 120);
  CHECK(leaves_of(tree, tree.root, from) == sorted);
}

TEST_CASE("chain tree: diff names the first key in order of path that the two do not share") {
  CHECK(rc::check([] {
    Content a = content_of(*rc::gen::element<std::uint64_t>(0, 1, 5, 300)), b = a;
    change(b, some_changes(*rc::gen::element<std::uint64_t>(2, 300)));
    const TestTree tree_a = tree_of(a);
    TestTree tree_b = tree_of(b);
    std::optional<base::Bytes> first;
    Content both = a;
    both.insert(b.begin(), b.end());
    for (const Leaf& leaf : sorted_by_path(both)) {
      const auto in_a = a.find(leaf.key), in_b = b.find(leaf.key);
      if (in_a == a.end() || in_b == b.end() || in_a->second != in_b->second) {
        first = leaf.key;
        break;
      }
    }
    RC_ASSERT(diff(tree_a.rows, tree_a.root, tree_b.rows, tree_b.root).value() == first);
    RC_ASSERT(diff(tree_b.rows, tree_b.root, tree_a.rows, tree_a.root).value() == first);
  }));
}

TEST_CASE("chain tree: a row that is missing or cut is named, and nothing is made of the rest") {
  TestTree tree = tree_of(content_of(1000));
  const RowKey below = std::next(tree.rows.rows.begin(), 1)->first;
  REQUIRE(below.nibbles == 1);
  base::Bytes& bytes = tree.rows.rows.at(below);
  SUBCASE("missing") { tree.rows.rows.erase(below); }
  SUBCASE("cut") { bytes.pop_back(); }
  SUBCASE("a tail") { bytes.push_back(0); }
  SUBCASE("a cell that is leaf and child") { bytes[0] = bytes[2] = bytes[1] = bytes[3] = 255; }
  TreeChanges all;
  for (const auto& [key, value] : content_of(1000)) all[key] = base::Bytes{1};
  const auto made = update(tree.rows, tree.root, Height{2}, all);
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().row == below);
  std::optional<RowKey> damaged;
  for (const auto& [key, value] : all) {
    const auto proof = prove(tree.rows, tree.root, key);
    if (!proof.ok()) damaged = proof.error().row;
  }
  CHECK(damaged == below);
}

TEST_CASE("chain tree: keys and values are within their limits") {
  TestTree tree;
  const base::Bytes key(kTreeKeyBytesMax, 1), value(kTreeValueBytesMax, 2);
  tree.change({{key, value}, {key_of(1), value}});
  CHECK(find(tree.rows, tree.root, key).value() == value);
  const auto refused = [&](const base::Bytes& bad_key, const base::Bytes& bad_value) {
    CHECK_THROWS_AS((void)update(tree.rows, tree.root, Height{9}, {{bad_key, bad_value}}), base::InvariantBroken);
  };
  refused(base::Bytes(kTreeKeyBytesMax + 1, 1), value);
  refused({}, value);
  refused(key, {});
  refused(key, base::Bytes(kTreeValueBytesMax + 1, 1));
}

TEST_CASE("chain tree: the bytes of a row and of its key never change") {
  Row row;
  const base::Bytes key{0xaa, 0xbb}, value{0xcc};
  row[1] = {Cell::Kind::leaf, {}, {}, key, value};
  row[1].hash.bytes.fill(0x11);
  row[15] = {Cell::Kind::child, {}, Height{0x0102}, {}, {}};
  row[15].hash.bytes.fill(0x22);
  const base::Bytes bytes = encode(row);
  CHECK(base::hex(bytes) ==
        "02000080" + std::string(64, '1') + "020100aabbcc" + std::string(64, '2') + "0201000000000000");
  REQUIRE(decode_row(bytes).has_value());
  CHECK(encode(*decode_row(bytes)) == bytes);
  CHECK(base::hex(RowKey{Height{258}, 0, {}}.encode()) == "000000000000010200");
  const RowKey below = RowKey{}.child(0xa, Height{1}).child(0xb, Height{2}).child(0xc, Height{3});
  CHECK(base::hex(below.encode()) == "000000000000000303abc0");
  CHECK(RowKey::decode(below.encode()) == below);
}

TEST_CASE("chain tree: what is taken for a row or for its key is what encode gives") {
  CHECK(rc::check([] {
    base::Bytes bytes = *rc::gen::arbitrary<base::Bytes>();
    if (*rc::gen::arbitrary<bool>()) {
      const TestTree tree = tree_of(content_of(20));
      bytes = tree.rows.rows.begin()->second;
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
    }
    if (const auto row = decode_row(bytes)) RC_ASSERT(encode(*row) == bytes);
    if (const auto key = RowKey::decode(bytes)) RC_ASSERT(key->encode() == bytes);
    for (std::size_t i = 0; i < kRowCells; ++i) (void)decode_cell(bytes, i);
  }));
}
