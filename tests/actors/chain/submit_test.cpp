// Transactions that a command submits at its node.
#include <doctest/doctest.h>

#include "tests/actors/chain/hostile_chain.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

enum class Fresh : std::uint8_t { no, yes };

/// The code with which node 0 refuses it, if it does.
std::optional<base::Code> submitted(HostileChain& world, const SignedTransaction& transaction, Fresh fresh) {
  const auto out = std::make_shared<std::optional<base::Code>>(base::Code::timeout);
  world.net.inside(0, [&](test::Scripted& self) {
    self.ask<wire::SubmitTransaction, wire::TransactionInfo>(
        self.node().find(kPath), self.now() + std::chrono::seconds(20),
        [&](wire::SubmitTransaction::Builder ask) {
          ask.setTransaction(data_of(encode(transaction)));
          ask.setFresh(fresh == Fresh::yes);
        },
        [out](const runtime::Answer<wire::TransactionInfo>& answer) {
          *out = answer.ok() ? std::nullopt : std::optional(answer.error().code);
        });
  });
  return *out;
}

SignedTransaction payment(const HostileChain& world, std::uint64_t nonce, Salt salt, std::uint64_t fee_max) {
  Transaction content = world.transfer(nonce).content;
  content.salt = salt;
  content.fee_max = Amount::of(fee_max);
  return sign(with_gas(content, 1), Fork{}, 1);
}

}  // namespace

TEST_CASE("chain submit: two equal payments of two requests get two numbers, or the second is refused") {
  HostileChain world(HostileChain::Votes::at_peer);
  const SignedTransaction first = payment(world, 0, Salt{1}, 1'000'000), second = payment(world, 0, Salt{2}, 1'000'000);
  CHECK(submitted(world, first, Fresh::yes) == std::nullopt);
  CHECK(submitted(world, first, Fresh::yes) == std::nullopt);  // a repeated command
  CHECK(submitted(world, second, Fresh::yes) == base::Code::conflict);
  CHECK(world.pending() == 1);
  CHECK(submitted(world, payment(world, 1, Salt{2}, 1'000'000), Fresh::yes) == std::nullopt);
  CHECK(world.pending() == 2);
}

TEST_CASE("chain submit: a fresh payment replaces none that waits, whatever fee it offers") {
  HostileChain world(HostileChain::Votes::at_peer);
  REQUIRE(submitted(world, payment(world, 0, Salt{1}, 1'000'000), Fresh::yes) == std::nullopt);
  const SignedTransaction dearer = payment(world, 0, Salt{2}, 2'000'000);
  CHECK(submitted(world, dearer, Fresh::yes) == base::Code::conflict);
  CHECK(submitted(world, dearer, Fresh::no) == std::nullopt);
}

TEST_CASE("chain submit: a payment is final although the device failed while its block was kept") {
  for (std::uint64_t after = 0; after < 8; ++after) {
    CAPTURE(after);
    HostileChain world(HostileChain::Votes::here);
    const SignedTransaction transaction = payment(world, 0, Salt{1}, 1'000'000);
    world.net[0].disk.fail(sim::DiskOperation::sync, ports::DiskError::io, after);
    CHECK(submitted(world, transaction, Fresh::yes) == std::nullopt);
    world.net.stage.run_for(std::chrono::seconds(60));
    CHECK(world.pending() == 0);
    CHECK(submitted(world, transaction, Fresh::yes) == std::nullopt);
    CHECK(world.pending() == 0);
  }
}
