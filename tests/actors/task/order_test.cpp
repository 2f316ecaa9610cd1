#include "actors/task/logic/order.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "runtime/base/random.hpp"
#include "runtime/ports/disk.hpp"
#include "tests/actors/task/orders.hpp"

using namespace troupe;
using namespace troupe::task;

TEST_CASE("order: what was signed is read back, with all of its parts and with none") {
  for (const Order& order : {small_order(), large_order()}) {
    REQUIRE_FALSE(fault(order));
    const base::Bytes bytes = sign(order, submitter().key());
    const auto read = read_order(bytes, 0);
    REQUIRE(read.ok());
    CHECK(read.value() == order);
    CHECK(id_of(read.value()) == id_of(order));
  }
  CHECK(id_of(small_order()) != id_of(large_order()));
}

TEST_CASE("order: what is not signed yet is read back too, and nothing else") {
  for (const Order& order : {small_order(), large_order()}) {
    const base::Bytes bytes = encode(order);
    CHECK(decode(bytes) == order);
    for (std::size_t i = 0; i < bytes.size(); ++i) CHECK_FALSE(decode(base::ByteView(bytes).first(i)));
  }
  Order wrong = small_order();
  wrong.replicas = 0;
  CHECK_FALSE(decode(encode(wrong)));
}

TEST_CASE("order: each changed byte, and each cut, is refused") {
  const base::Bytes bytes = sign(large_order(), submitter().key());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    base::Bytes changed = bytes;
    changed[i] ^= 1;
    CHECK_FALSE(read_order(changed, 0).ok());
    CHECK_FALSE(read_order(base::ByteView(bytes).first(i), 0).ok());
  }
  base::Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(read_order(longer, 0).ok());
}

TEST_CASE("order: a submitter without the network's work is refused") {
  const auto read = read_order(sign(small_order(), submitter().key()), 24);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error() == ReadError::lacks_work);
}

TEST_CASE("order: what no sandbox or quorum can keep is refused before it is signed") {
  const auto wrong = [](auto change) {
    Order order = large_order();
    change(order);
    return fault(order);
  };
  CHECK(wrong([](Order& one) { one.inputs[0].path = "../secret"; }) == OrderError::path);
  CHECK(wrong([](Order& one) { one.inputs[0].path = "/etc/passwd"; }) == OrderError::path);
  CHECK(wrong([](Order& one) { one.inputs.push_back(one.inputs[0]); }) == OrderError::path);
  CHECK(wrong([](Order& one) { one.inputs[1].path = one.inputs[0].path + "/below"; }) == OrderError::path);
  CHECK(wrong([](Order& one) { one.outputs = {"b", "a"}; }) == OrderError::path);
  CHECK(wrong([](Order& one) { one.inputs[1].path = "program"; }) == OrderError::path);
  CHECK(wrong([](Order& one) { one.inputs[1].path = "program/part"; }) == OrderError::path);
  CHECK(wrong([](Order& one) { one.limits.memory_bytes = 0; }) == OrderError::limits);
  CHECK(wrong([](Order& one) { one.limits.time = std::chrono::microseconds(1'500); }) == OrderError::limits);
  CHECK(wrong([](Order& one) { one.limits.cpu.thousandths = 1; }) == OrderError::limits);
  CHECK(wrong([](Order& one) { one.quorum = 4; }) == OrderError::replicas);
  CHECK(wrong([](Order& one) { one.quorum = 0; }) == OrderError::replicas);
  CHECK(wrong([](Order& one) { one.deterministic = false; }) == OrderError::replicas);
  CHECK(wrong([](Order& one) { one.replicas = 16; }) == OrderError::replicas);
  CHECK(wrong([](Order& one) { one.need = "memory>"; }) == OrderError::need);
  CHECK(wrong([](Order& one) { one.hosts = {"example.org"}; }) == OrderError::host);
  CHECK(wrong([](Order& one) { one.hosts = {"b:1", "a:1"}; }) == OrderError::host);
  CHECK(wrong([](Order& one) { one.priority = 10; }) == OrderError::size);
  CHECK(wrong([](Order& one) { one.arguments = {std::string("a\0b", 3)}; }) == OrderError::size);
  CHECK(wrong([](Order& one) { one.arguments = {std::string(kArgumentsBytesMax, 'a')}; }) == OrderError::size);
  CHECK(wrong([](Order& one) { one.arguments.assign(kArgumentsMax + 1, ""); }) == OrderError::size);
  CHECK(wrong([](Order& one) { one.arguments.assign(kArgumentsMax, "a"); }) == std::nullopt);
}

TEST_CASE("order: a file below another one is found, whatever stands between the two, and nothing else is") {
  base::Random random(1);
  constexpr std::string_view kLetters = "a-/b0";  // before and behind the slash
  std::size_t found = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::set<std::string> paths;
    for (int i = 0; i < 8; ++i) {
      std::string path;
      for (std::uint64_t length = 1 + random.below(5); path.size() < length;) path += kLetters[random.below(5)];
      if (ports::path_ok(path)) paths.insert(path);
    }
    Order order = small_order();
    for (const std::string& path : paths) order.inputs.push_back({Cid{}, path});
    const bool below = std::ranges::any_of(paths, [&](const std::string& file) {
      return std::ranges::any_of(paths, [&](const std::string& other) { return other.starts_with(file + '/'); });
    });
    REQUIRE((fault(order) == OrderError::path) == below);
    found += below;
  }
  CHECK(found > 100);
  CHECK(found < 1'900);
}

TEST_CASE("order: a request gives the same nonce, another one another") {
  const base::PublicKey& key = submitter().public_key();
  CHECK(nonce_of(key, "a") == nonce_of(key, "a"));
  CHECK(nonce_of(key, "a") != nonce_of(key, "b"));
  CHECK(nonce_of(base::PublicKey{}, "a") != nonce_of(key, "a"));
}

TEST_CASE("order: the members of an array differ by index, id and arguments") {
  Order array = small_order();
  array.arguments = {"part-{index}-of-{index}", "{inde}", "x"};
  const Order third = member_of(array, 3), fourth = member_of(array, 4);
  CHECK(third.arguments == std::vector<std::string>{"part-3-of-3", "{inde}", "x"});
  CHECK(third.index == 3);
  CHECK(id_of(third) != id_of(fourth));
  CHECK(id_of(member_of(array, 3)) == id_of(third));
  CHECK_FALSE(fault(third));
}
