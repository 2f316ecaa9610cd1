#include "actors/task/logic/warning.hpp"

#include <doctest/doctest.h>

#include "actors/task/logic/spot.hpp"
#include "runtime/crypto/hash.hpp"
#include "tests/actors/task/orders.hpp"

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;

namespace {

Warning warning(const crypto::Identity& by, const Order& order) {
  return {.by = by.public_key(), .unix_ms = 5, .call = "ptrace", .order_bytes = sign(order, submitter().key())};
}

base::AddressGroup group(std::uint8_t number) {
  base::AddressGroup out;
  out.prefix[0] = number;
  return out;
}

}  // namespace

TEST_CASE("warning: what was signed is read again, with the order and its submitter") {
  const auto by = other_node(1);
  const auto read = read_warning(sign(warning(by, large_order()), by.key()), 0);
  REQUIRE(read.ok());
  CHECK(read.value().warning == warning(by, large_order()));
  CHECK(read.value().warning.witness() == by.id());
  CHECK(read.value().order == id_of(large_order()));
  CHECK(read.value().submitter == submitter().id());
}

TEST_CASE("warning: each changed byte, and each cut, is refused") {
  const auto by = other_node(1);
  const base::Bytes bytes = sign(warning(by, small_order()), by.key());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    base::Bytes changed = bytes;
    changed[i] ^= 1;
    CHECK_FALSE(read_warning(changed, 0).ok());
    CHECK_FALSE(read_warning(base::ByteView(bytes).first(i), 0).ok());
  }
  base::Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(read_warning(longer, 0).ok());
}

TEST_CASE("warning: an order that the submitter has not signed, no work, and a name with a line end are refused") {
  const auto by = other_node(1);
  Warning forged = warning(by, small_order());
  forged.order_bytes = sign(small_order(), by.key());
  CHECK(read_warning(sign(forged, by.key()), 0).error() == ReadError::bad_signature);
  CHECK(read_warning(sign(warning(by, small_order()), by.key()), 24).error() == ReadError::lacks_work);
  Warning lines = warning(by, small_order());
  lines.call = "ptrace\n";
  CHECK(read_warning(sign(lines, by.key()), 0).error() == ReadError::malformed);
  lines.call.clear();
  CHECK(read_warning(sign(lines, by.key()), 0).error() == ReadError::malformed);
}

// Any node is handed one of each node that checks others: three sites denounced them all with it.
TEST_CASE("warning: the order of a check shows nothing of who has signed it") {
  const auto by = other_node(1);
  Order check = order_of(Spot{});
  check.submitter = submitter().public_key();
  CHECK(read_warning(sign(warning(by, check), by.key()), 0).error() == ReadError::malformed);
  check.limits.time += 1s;  // no check any more
  CHECK(read_warning(sign(warning(by, check), by.key()), 0).ok());
}

TEST_CASE("warning: names of 64 bytes and orders of 16 KiB are taken, one more is not") {
  const auto by = other_node(1);
  const auto taken = [&](std::size_t call, std::size_t order) {
    Warning one = warning(by, small_order());
    one.call = std::string(call, 'x');
    one.order_bytes.resize(order);
    return parse_warning(sign(one, by.key())).has_value();
  };
  CHECK(taken(kCallBytesMax, kWarnedOrderBytesMax));
  CHECK_FALSE(taken(kCallBytesMax + 1, 100));
  CHECK_FALSE(taken(1, kWarnedOrderBytesMax + 1));
}

TEST_CASE("warning: its bytes are what they were") {
  const auto by = other_node(1);
  const base::Bytes bytes = sign(warning(by, small_order()), by.key());
  CHECK(crypto::sha256(bytes).hex() == "c534e5daf35d712c6f64595a23840a1e0c751a38764899368673520522046c90");
}

TEST_CASE("warning: three witnesses of different sites have to say it of one order") {
  const auto said = [](std::uint8_t by, const Order& order) {
    const auto one = other_node(by);
    return read_warning(sign(warning(one, order), one.key()), 0).value();
  };
  Order other = small_order();
  other.nonce.bytes[0] = 1;
  Witnesses all;
  all.add(said(1, small_order()), group(1));
  all.add(said(2, small_order()), group(2));
  all.add(said(3, small_order()), group(2));
  all.add(said(4, other), group(3));
  CHECK_FALSE(all.agree());
  all.add(said(4, small_order()), group(3));
  CHECK(all.agree()->call == "ptrace");
  CHECK(all.agree()->unix_ms == 5);
}
