#include "actors/chain/logic/tree_proof.hpp"

#include <rapidcheck.h>

#include "actors/chain/logic/tree.hpp"
#include "tests/actors/chain/ics23_vectors.hpp"
#include "tests/actors/chain/trees.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

/// As much of protobuf as the vectors need: fields of a length, and numbers below 128.
class ProtoFields {
 public:
  explicit ProtoFields(base::ByteView message) : rest_(message) {}
  bool next() {
    if (rest_.empty()) return false;
    const std::uint8_t tag = take();
    field = tag >> 3;
    if ((tag & 7) == 0) {
      number = take();
      return true;
    }
    REQUIRE((tag & 7) == 2);
    std::size_t length = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::uint8_t byte = take();
      length |= std::size_t{byte & 127u} << shift;
      if (byte < 128) break;
    }
    REQUIRE(length <= rest_.size());
    bytes = rest_.first(length);
    rest_ = rest_.subspan(length);
    return true;
  }
  unsigned field = 0;
  unsigned number = 0;
  base::ByteView bytes;

 private:
  std::uint8_t take() {
    REQUIRE(!rest_.empty());
    const std::uint8_t out = rest_.front();
    rest_ = rest_.subspan(1);
    return out;
  }
  base::ByteView rest_;
};

base::Bytes owned(base::ByteView bytes) { return {bytes.begin(), bytes.end()}; }

ExistenceProof existence_of(base::ByteView bytes) {
  ExistenceProof out;
  for (ProtoFields in(bytes); in.next();) {
    if (in.field == 1) out.key = owned(in.bytes);
    if (in.field == 2) out.value = owned(in.bytes);
    if (in.field == 3) CHECK(base::hex(in.bytes) == "0801100118012a0100");  // SHA-256 thrice, no length, prefix 00
    if (in.field != 4) continue;
    ProofStep step;
    for (ProtoFields inner(in.bytes); inner.next();) {
      if (inner.field == 1) CHECK(inner.number == 1);  // SHA-256
      if (inner.field == 2) step.prefix = owned(inner.bytes);
      if (inner.field == 3) step.suffix = owned(inner.bytes);
    }
    out.path.push_back(step);
  }
  return out;
}

TreeProof proof_of(base::ByteView bytes) {
  TreeProof out;
  ProtoFields in(bytes);
  REQUIRE(in.next());
  if (in.field == 1) {
    out.exist = existence_of(in.bytes);
    return out;
  }
  REQUIRE(in.field == 2);
  out.nonexist.emplace();
  for (ProtoFields inner(in.bytes); inner.next();) {
    if (inner.field == 1) out.nonexist->key = owned(inner.bytes);
    if (inner.field == 2) out.nonexist->left = existence_of(inner.bytes);
    if (inner.field == 3) out.nonexist->right = existence_of(inner.bytes);
  }
  return out;
}

bool proves(const TreeProof& proof, const base::Digest& root) {
  return proof.exist ? chain::proves(*proof.exist, root) : chain::proves(*proof.nonexist, root);
}

Content some_content() {
  Content out;
  const auto count = *rc::gen::element<std::uint64_t>(0, 1, 2, 3, 20, 200);
  for (std::uint64_t i = 0; i < count; ++i) out[key_of(i)] = key_of(1000 + i);
  return out;
}

}  // namespace

TEST_CASE("chain proof: the published vectors of ICS-23 hold, and do not after a change") {
  for (const Ics23Vector& vector : kIcs23Smt) {
    CAPTURE(vector.name);
    const base::Digest root = *base::Digest::from_hex(vector.root);
    const base::Bytes key = test::bytes_of_hex(vector.key);
    TreeProof proof = proof_of(test::bytes_of_hex(vector.proof));
    CHECK(proof.exist.has_value() == !vector.value.empty());
    if (proof.exist) {
      CHECK(proof.exist->key == key);
      CHECK(proof.exist->value == test::bytes_of_hex(vector.value));
    } else {
      CHECK(base::hex(proof.nonexist->key) == crypto::sha256(key).hex());  // the vectors name the path of the key
      proof.nonexist->key = key;
    }
    CHECK(proves(proof, root));
    base::Digest other = root;
    other.bytes[31] ^= 1;
    CHECK_FALSE(proves(proof, other));
    auto& some = proof.exist ? *proof.exist : proof.nonexist->left ? *proof.nonexist->left : *proof.nonexist->right;
    some.value.back() ^= 1;
    CHECK_FALSE(proves(proof, root));
  }
}

TEST_CASE("chain proof: each key is proven to be there with its value, each other one not to be there") {
  CHECK(rc::check([] {
    const Content content = some_content();
    const TestTree tree = tree_of(content);
    const base::Digest root = dumb_root(content);
    for (std::uint64_t i = 0; i < 30; ++i) {
      const base::Bytes key = key_of(*rc::gen::inRange<std::uint64_t>(0, 400));
      const auto proof = prove(tree.rows, tree.root, key);
      RC_ASSERT(proof.ok());
      const auto at = content.find(key);
      RC_ASSERT(proof.value().exist.has_value() == (at != content.end()));
      RC_ASSERT(proof.value().nonexist.has_value() == (at == content.end()));
      RC_ASSERT(proves(proof.value(), root));
      if (proof.value().exist) RC_ASSERT(proof.value().exist->value == at->second);
    }
  }));
}

TEST_CASE("chain proof: no neighbours of another place prove that a key is missing") {
  // All pairs of leaves as neighbours of each key: only a proof of what is true holds.
  Content content;
  for (std::uint64_t i = 0; i < 12; ++i) content[key_of(i)] = key_of(i);
  const TestTree tree = tree_of(content);
  std::vector<std::optional<ExistenceProof>> leaves{std::nullopt};
  for (const auto& [key, value] : content) leaves.push_back(prove(tree.rows, tree.root, key).value().exist);
  for (std::uint64_t i = 0; i < 40; ++i) {
    std::size_t held = 0;
    for (const auto& left : leaves)
      for (const auto& right : leaves) held += chain::proves({key_of(i), left, right}, tree.root.hash);
    CHECK(held == (content.contains(key_of(i)) ? 0 : 1));
  }
}

TEST_CASE("chain proof: a changed proof proves nothing, unless it is the same statement") {
  CHECK(rc::check([] {
    const Content content = some_content();
    const TestTree tree = tree_of(content);
    const base::Bytes key = key_of(*rc::gen::inRange<std::uint64_t>(0, 400));
    TreeProof proof = prove(tree.rows, tree.root, key).value();
    ExistenceProof* one = proof.exist             ? &*proof.exist
                          : proof.nonexist->left  ? &*proof.nonexist->left
                          : proof.nonexist->right ? &*proof.nonexist->right
                                                  : nullptr;
    const bool any = one != nullptr;
    RC_PRE(any);
    const auto change = [](base::Bytes& bytes) {
      switch (*rc::gen::inRange(0, 3)) {
        case 0: bytes.push_back(0); break;
        case 1: bytes.empty() ? bytes.push_back(1) : bytes.pop_back(); break;
        default: bytes.empty() ? bytes.push_back(1) : void(bytes.front() ^= 0x80);
      }
    };
    switch (*rc::gen::inRange(0, 5)) {
      case 0: change(one->key); break;
      case 1: change(one->value); break;
      case 2: one->path.empty() ? change(one->key) : change(one->path.front().prefix); break;
      case 3: one->path.empty() ? change(one->key) : change(one->path.back().suffix); break;
      default: one->path.push_back({{1}, base::Bytes(32)});
    }
    RC_ASSERT(!proves(proof, tree.root.hash));
  }));
}

TEST_CASE("chain proof: the empty state is proven by its root, and by no other") {
  CHECK(chain::proves(NonexistenceProof{key_of(1), {}, {}}, base::Digest{}));
  CHECK_FALSE(chain::proves(NonexistenceProof{{}, {}, {}}, base::Digest{}));
  CHECK_FALSE(chain::proves(NonexistenceProof{key_of(1), {}, {}}, crypto::sha256(key_of(1))));
  CHECK_FALSE(chain::proves(ExistenceProof{}, base::Digest{}));
}
