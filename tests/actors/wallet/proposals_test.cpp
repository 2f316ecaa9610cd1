#include "actors/wallet/logic/ledger/proposals.hpp"

#include "tests/actors/wallet/books.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::wallet;

namespace {

/// An account of two of three, with money.
struct Joint {
  TestBook test;
  Policy policy = Policy::of_signers(2, {test_address(1), test_address(2), test_address(3)}).value();
  Proposals proposals;
  UnixMs now{10'000}, later{70'000};
  TransferNumber done{0};

  Joint() {
    const Address issuance = issuance_of(test.book.id());
    REQUIRE(test.book
                .post(Order::issue({test.book.id(), issuance, {1}, {{policy.address(), Amount::of(100)}}},
                                   test_address(TestBook::kOwner)),
                      now)
                .ok());
  }
  Transfer pay(std::uint64_t units, std::uint64_t number = 1) const {
    return {test.book.id(), policy.address(), {number}, {credit(9, units)}};
  }
  auto propose(const Transfer& transfer, std::uint8_t key) {
    return proposals.propose(transfer, policy, approval(test_key(key), encode(transfer)), later, now, done);
  }
  auto sign(const Transfer& transfer, std::uint8_t key) {
    return proposals.sign(id_of(transfer), approval(test_key(key), encode(transfer)), now);
  }
};

}  // namespace

TEST_CASE("wallet proposals: the signature that reaches the threshold orders it, once; one more is refused") {
  Joint joint;
  const Transfer transfer = joint.pay(40);
  CHECK_FALSE(joint.propose(transfer, 1).value());
  CHECK_FALSE(joint.propose(transfer, 1).value());  // again: nothing
  CHECK_FALSE(joint.sign(transfer, 1).value());
  auto order = joint.sign(transfer, 3);
  REQUIRE(order.ok());
  REQUIRE(order.value());
  CHECK(joint.test.book.post(*order.value(), joint.now).ok());
  CHECK(joint.test.balance(9) == 40);
  CHECK(joint.sign(transfer, 2).error() == ProposalError::ordered);
  CHECK(joint.sign(transfer, 3).error() == ProposalError::ordered);
}

TEST_CASE("wallet proposals: of two with one number at most one is paid") {
  Joint joint;
  const Transfer one = joint.pay(40), other = joint.pay(50);
  REQUIRE(joint.propose(one, 1).ok());
  REQUIRE(joint.propose(other, 1).ok());
  const auto first = joint.sign(one, 2), second = joint.sign(other, 2);
  REQUIRE(first.value());
  REQUIRE(second.value());
  CHECK(joint.test.book.post(*second.value(), joint.now).ok());
  CHECK(joint.test.book.post(*first.value(), joint.now).error() == LedgerError::taken);
  CHECK(joint.test.balance(9) == 50);
}

TEST_CASE("wallet proposals: strangers, signatures of other bytes and late ones change nothing") {
  Joint joint;
  const Transfer transfer = joint.pay(40);
  CHECK(joint.propose(transfer, 4).error() == ProposalError::not_signer);
  CHECK(joint.proposals.all().empty());
  REQUIRE(joint.propose(transfer, 1).ok());
  CHECK(joint.sign(transfer, 4).error() == ProposalError::not_signer);
  CHECK(joint.proposals.sign(id_of(transfer), approval(test_key(2), encode(joint.pay(41))), joint.now).error() ==
        ProposalError::not_signer);
  CHECK(joint.sign(joint.pay(41), 2).error() == ProposalError::unknown);
  CHECK(joint.proposals
            .propose(transfer, Policy::of_key(test_key(1).public_key()), approval(test_key(1), encode(transfer)),
                     joint.later, joint.now, joint.done)
            .error() == ProposalError::transfer);
  joint.now = joint.later;
  CHECK(joint.sign(transfer, 2).error() == ProposalError::expired);
  joint.proposals.expire(joint.now);
  CHECK(joint.sign(transfer, 2).error() == ProposalError::unknown);
}

TEST_CASE(
    "wallet proposals: an account has at most 64 that can be paid, in parts, and each lives from 1 s to 30 days") {
  Joint joint;
  constexpr std::uint64_t kPart = kProposalsMax / 3;
  for (std::uint64_t i = 0; i < kPart; ++i) REQUIRE(joint.propose(joint.pay(1 + i), 1).ok());
  CHECK(joint.propose(joint.pay(100), 1).error() == ProposalError::full);
  CHECK(joint.propose(joint.pay(100), 2).ok());   // another signer has a part of its own
  CHECK(joint.propose(joint.pay(1), 2).value());  // one that is there
  CHECK(joint.propose(joint.pay(99), 1).ok());    // what was paid takes no place
  CHECK(joint.propose(joint.pay(98), 1).error() == ProposalError::full);
  joint.done = {1};
  CHECK(joint.propose(joint.pay(98, 2), 1).ok());  // nor does what cannot be paid any more
  joint.now = joint.later;
  CHECK(joint.proposals.expire(joint.now).size() == kPart + 3);
  CHECK(joint.proposals.all().empty());
  joint.later = joint.now + kProposalLifeMax;
  CHECK(joint.propose(joint.pay(100), 1).ok());
  joint.later += UnixMs(1);
  CHECK(joint.propose(joint.pay(99), 1).error() == ProposalError::life);
  joint.later = joint.now + kProposalLifeMin - UnixMs(1);
  CHECK(joint.propose(joint.pay(99), 1).error() == ProposalError::life);
}
