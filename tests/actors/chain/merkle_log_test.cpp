#include "actors/chain/logic/merkle_log.hpp"

#include <rapidcheck.h>

#include "runtime/base/ensure.hpp"
#include "runtime/crypto/hash.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

/// The inputs of the test of certificate-transparency (cpp/merkletree/merkle_tree_test.cc), on which RFC 6962 rests.
std::vector<base::Bytes> published_entries() {
  std::vector<base::Bytes> out;
  for (const char* hex :
       {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"})
    out.push_back(test::bytes_of_hex(hex));
  return out;
}

/// MTH of RFC 6962 2.1, as it is written there.
base::Digest dumb_log_root(LogEntries entries) {
  if (entries.empty()) return crypto::sha256({});
  base::Bytes node;
  if (entries.size() == 1) {
    node.push_back(0);
    node.insert(node.end(), entries[0].begin(), entries[0].end());
    return crypto::sha256(node);
  }
  std::size_t left = 1;
  while (left * 2 < entries.size()) left *= 2;
  node.push_back(1);
  for (const auto& half : {dumb_log_root(entries.first(left)), dumb_log_root(entries.subspan(left))})
    node.insert(node.end(), half.bytes.begin(), half.bytes.end());
  return crypto::sha256(node);
}

std::vector<base::Bytes> some_entries() {
  const auto count = *rc::gen::inRange<std::size_t>(1, 40);
  std::vector<base::Bytes> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(*rc::gen::arbitrary<base::Bytes>());
    out.back().push_back(static_cast<std::uint8_t>(i));  // no two are the same
  }
  return out;
}

}  // namespace

TEST_CASE("chain log: roots are the published ones") {
  const char* const roots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                               "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                               "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                               "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                               "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                               "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                               "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                               "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                               "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  const auto entries = published_entries();
  Frontier frontier;
  for (std::size_t size = 0; size <= entries.size(); ++size) {
    CHECK(log_root(LogEntries(entries).first(size)).hex() == roots[size]);
    CHECK(frontier.root().hex() == roots[size]);
    if (size < entries.size()) frontier.append(entries[size]);
  }
}

TEST_CASE("chain log: root, frontier and paths agree with the definition") {
  CHECK(rc::check([] {
    const auto entries = some_entries();
    const base::Digest root = log_root(entries);
    RC_ASSERT(root == dumb_log_root(entries));
    const auto index = *rc::gen::inRange<std::size_t>(0, entries.size());
    const auto path = audit_path(entries, index);
    RC_ASSERT(in_log(entries[index], index, entries.size(), path, root));
  }));
}

TEST_CASE("chain log: a path proves no other entry, place, size or root") {
  CHECK(rc::check([] {
    const auto entries = some_entries();
    const base::Digest root = log_root(entries);
    const auto index = *rc::gen::inRange<std::size_t>(0, entries.size());
    auto path = audit_path(entries, index);
    for (std::size_t other = 0; other < 70; ++other)
      if (other != index) RC_ASSERT(!in_log(entries[index], other, entries.size(), path, root));
    base::Bytes entry = entries[index];
    entry.push_back(0);
    RC_ASSERT(!in_log(entry, index, entries.size(), path, root));
    RC_ASSERT(!in_log(entries[index], index, entries.size(), path, base::Digest{}));
    RC_ASSERT(!in_log(entries[index], index, 0, path, root));
    path.push_back({});
    RC_ASSERT(!in_log(entries[index], index, entries.size(), path, root));
    path.resize(path.size() - 1);
    if (path.empty()) return;
    path.pop_back();
    RC_ASSERT(!in_log(entries[index], index, entries.size(), path, root));
  }));
  CHECK_THROWS_AS((void)audit_path({}, 0), base::InvariantBroken);
}

TEST_CASE("chain log: a frontier that was stored goes on where it was") {
  CHECK(rc::check([] {
    const auto entries = some_entries();
    Frontier frontier;
    for (const base::Bytes& entry : entries) {
      auto again = Frontier::decode(frontier.encode());
      RC_ASSERT(again == frontier);
      frontier = *again;
      frontier.append(entry);
    }
    RC_ASSERT(frontier.root() == log_root(entries));
    const auto noise = *rc::gen::arbitrary<base::Bytes>();
    if (const auto taken = Frontier::decode(noise)) RC_ASSERT(taken->encode() == noise);
  }));
  CHECK(base::hex(Frontier().encode()) == "0000000000000000");
  CHECK_FALSE(Frontier::decode(base::Bytes(8, 255)).has_value());
}
