// Blocks may have transactions that they refuse: what the book of the chain takes for a credit was done where it
// stands.
#include <doctest/doctest.h>

#include "actors/chain/chain_book_actor.hpp"
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
