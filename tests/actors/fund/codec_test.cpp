#include "actors/fund/codec.hpp"

#include <capnp/message.h>

#include "messages/codec.hpp"
#include "tests/actors/fund/funds.hpp"

using namespace troupe;
using namespace troupe::fund;

TEST_CASE("fund codec: a proposal is read as it was written, and only by the book of its id") {
  TestFund it;
  const Content bread = payment(100);
  REQUIRE_FALSE(it.propose(bread));
  REQUIRE_FALSE(it.sign(bread, kAnna));
  capnp::MallocMessageBuilder message;
  auto words = message.initRoot<wire::ProposalIs>();
  write(words, *it.open(bread));
  CHECK(read(test_book(), words.asReader()) == *it.open(bread));
  CHECK_FALSE(read(BookId{}, words.asReader()));

  SUBCASE("another content") { words.setContent(data_of(encode(payment(101)))); }
  SUBCASE("an unknown state") { words.setState("rich"); }
  SUBCASE("a signer of 31 bytes") { words.initSigned(1).set(0, data_of(base::Bytes(31))); }
  SUBCASE("more signers than there can be") {
    auto list = words.initSigned(wallet::kSignersMax + 1);
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(kAnna.view()));
  }
  SUBCASE("a transfer of 31 bytes") { words.setTransfer(data_of(base::Bytes(31))); }
  CHECK_FALSE(read(test_book(), words.asReader()));
}

TEST_CASE("fund codec: an approval is whole, or there is none") {
  capnp::MallocMessageBuilder message;
  auto words = message.initRoot<wallet::wire::Approval>();
  auto by = read_by(words.asReader());
  REQUIRE(by.ok());
  CHECK_FALSE(by.value());
  words.setKey(data_of(base::Bytes(32)));
  CHECK(read_by(words.asReader()).error().code == base::Code::malformed);
  words.setSignature(data_of(base::Bytes(64)));
  by = read_by(words.asReader());
  REQUIRE(by.ok());
  CHECK(by.value() == wallet::Approval{});
}
