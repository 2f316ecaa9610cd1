// Blocks may contain transactions that are refused. The chain's book counts a transfer as a credit only if its block
// executed it.
#include <doctest/doctest.h>

#include "actors/chain/chain_book_actor.hpp"
#include "actors/chain/wire.hpp"
#include "messages/wallet.capnp.h"
#include "tests/actors/chain/hostile_chain.hpp"

using namespace troupe;
using namespace troupe::chain;
using namespace std::chrono_literals;
namespace money_wire = troupe::wallet::wire;

namespace {

constexpr const char* kKind = "test";
const base::Digest kKept{{7}};

/// The only validator is a peer, which puts into blocks what the test wants. Node 0 follows one kept account.
struct CreditedChain {
  CreditedChain() : world(HostileChain::Votes::at_peer) {
    runtime::Node& node = world.net[0].node;
    node.start("keeper", test::script([this](test::Scripted&, runtime::Handlers& on) {
                 on.ask<money_wire::Credited, messages::wire::Nothing>(
                     [this](money_wire::Credited::Reader credit, auto reply) {
                       told.push_back(credit.getSequence());
                       reply.done();
                     });
               }));
    node.start("chainbook",
               [this] { return std::make_unique<ChainBookActor>(world.settings, ChainBookActor::Use::book); });
    world.net.inside(0, [](test::Scripted& self) {
      self.ask<money_wire::Follow, messages::wire::Nothing>(
          self.node().find(wallet::kChainBookPath), self.now() + 20s,
          [](money_wire::Follow::Builder out) {
            out.setKind(kKind);
            out.setId(data_of(kKept.view()));
            out.setPath("/keeper");
          },
          [](const runtime::Answer<messages::wire::Nothing>& answer) { CHECK(answer.ok()); });
    });
    world.peers[1].blocks = [this](auto reply) {
      reply.send([this](wire::FinalBlocks::Builder out) {
        if (given) return;
        given = true;
        auto row = out.initRows(1)[0];
        chain::write(row, next.block, next.commit);
      });
    };
  }

  /// Pays the kept account.
  SignedTransaction payment(std::uint64_t nonce) const {
    const auto account = wallet::account_of(kKind, kKept.view());
    const auto key = kept_key(world.settings.identity->key(), world.chain, account);
    SignedTransaction one = world.transfer(nonce);
    std::get<Transfer>(one.content.body).credits = {{wallet::address_of(key.public_key()), Amount::of(5)}};
    return sign(with_gas(one.content, 1), Fork{}, 1);
  }
  void block(const std::vector<SignedTransaction>& transactions) {
    next = world.next_block(transactions);
    given = false;
    world.meet(1, world.height() + 1, 0, 15s);
  }

  /// Transfers of a key to the kept account, of these nonces. The codes with which they are refused.
  std::vector<std::optional<base::Code>> post(std::uint8_t key, std::uint64_t first, std::uint64_t count) {
    const auto account = wallet::account_of(kKind, kKept.view());
    const auto own = world.settings.identity;
    const wallet::Policy policy = wallet::Policy::of_key(test_key(key).public_key());
    const auto out = std::make_shared<std::vector<std::optional<base::Code>>>();
    const auto there = [&](const wallet::Address& one) {
      return one == account ? wallet::address_of(kept_key(own->key(), world.chain, one).public_key()) : one;
    };
    const auto fill = [&](std::uint64_t nonce, money_wire::PostTransfer::Builder ask) {
      const wallet::Transfer transfer{book_of(world.chain, own->public_key()),
                                      test_address(key),
                                      {nonce + 1},
                                      {{account, Amount::of(1)}},
                                      memo_with("", {{100}, Amount::of(500'000)})};
      const auto made = transaction_of(transfer, world.chain, policy, there);
      const auto here = wallet::approval(test_key(key), wallet::encode(transfer));
      const auto approval = wallet::approval(test_key(key), signed_bytes(made.value().content, Fork{}));
      ask.setToNoKey(true);
      wallet::write(ask.initTransfer(), transfer, policy, std::span(&here, 1), std::vector{approval});
    };
    world.net.inside(
        0,
        [&](test::Scripted& self) {
          for (std::uint64_t nonce = first; nonce < first + count; ++nonce)
            self.ask<money_wire::PostTransfer, money_wire::Posted>(
                self.node().find(wallet::kChainBookPath), self.now() + 20s,
                [&](money_wire::PostTransfer::Builder ask) { fill(nonce, ask); },
                [out](const runtime::Answer<money_wire::Posted>& answer) {
                  out->push_back(answer.ok() ? std::nullopt : std::optional(answer.error().code));
                });
        },
        100ms);
    return *out;
  }

  HostileChain world;
  FinalRow next;
  bool given = true;
  std::vector<std::uint64_t> told;  // sequences, as the keeper was told them
};

}  // namespace

TEST_CASE("chain book: what a block refused is no credit there, and holds up none of later blocks") {
  CreditedChain it;
  it.block({it.payment(1)});  // its nonce is not the next one yet
  CHECK(it.told.empty());
  it.block({it.payment(0)});
  CHECK(it.told == std::vector{sequence_of(Height{2}, 0)});
  CHECK(it.world.height() == 2);
}

TEST_CASE("chain book: a transaction that blocks have before and after it was done is a credit of its block alone") {
  CreditedChain it;
  it.block({it.payment(1)});
  it.block({it.payment(0), it.payment(1)});
  it.block({it.payment(1), it.payment(2)});  // its nonce is past
  CHECK(it.world.height() == 3);
  CHECK(it.told == std::vector{sequence_of(Height{2}, 0), sequence_of(Height{2}, 1), sequence_of(Height{3}, 1)});
}

TEST_CASE("chain book: what a block refused and waits still is a credit once it is done") {
  CreditedChain it;
  const SignedTransaction later = it.payment(1);
  it.world.peers[1].transactions = [&](const auto&) { return std::vector<base::Bytes>{encode(later)}; };
  it.world.meet(1);
  it.world.have(1, {id_of(later.content)});
  it.block({later});
  CHECK(it.world.pending() == 1);
  it.block({it.payment(0)});
  it.block({later});
  CHECK(it.told == std::vector{sequence_of(Height{2}, 0), sequence_of(Height{3}, 0)});
}

TEST_CASE("chain book: one before it may come, although keys without money wait for none in number") {
  using Codes = std::vector<std::optional<base::Code>>;
  constexpr std::uint64_t kAtOnce = 32;
  CreditedChain it;
  CHECK(it.post(3, 1, 1) == Codes{base::Code::unavailable});
  it.world.net.stage.run_for(25s);
  CHECK(it.post(3, 1, 1) == Codes{base::Code::conflict});  // it has not come for long
  it.world.net.stage.run_for(60s);
  for (std::uint64_t nonce = 5; nonce < 5 + 1'024; nonce += kAtOnce)
    REQUIRE(it.post(2, nonce, kAtOnce) == Codes(kAtOnce, base::Code::unavailable));
  CHECK(it.post(4, 1, 1) == Codes{base::Code::unavailable});
}
