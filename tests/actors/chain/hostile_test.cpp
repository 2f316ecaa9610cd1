// A peer's messages about a chain may be forged, foreign, false, or excessive. Each is refused, reported to /peers, and
// delays nothing.
#include <doctest/doctest.h>

#include "actors/chain/logic/header.hpp"
#include "runtime/observe/date.hpp"
#include "tests/actors/chain/hostile_chain.hpp"

using namespace troupe;
using namespace troupe::chain;
using namespace std::chrono_literals;
using net::wire::Violation;

namespace {

const Vote kFirst{{Fork{}, Height{1}, Round{0}}, Step::prevote, {}};

std::vector<base::Bytes> bytes_of_all(const std::vector<SignedTransaction>& list) {
  std::vector<base::Bytes> out;
  for (const SignedTransaction& one : list) out.push_back(encode(one));
  return out;
}

/// One row of an answer with blocks.
void answer_blocks(runtime::Reply<wire::FinalBlocks>& reply, base::ByteView block,
                   const std::vector<base::Bytes>& commit) {
  reply.send([&](wire::FinalBlocks::Builder out) {
    auto row = out.initRows(1)[0];
    row.setBlock(data_of(block));
    auto entries = row.initCommit(size32(commit));
    for (unsigned i = 0; i < entries.size(); ++i) entries.set(i, data_of(commit[i]));
  });
}

}  // namespace

TEST_CASE("chain hostile: votes that are forged, foreign or nothing are a violation; a stranger's say nothing") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  const auto accusations = [&] { return world.net.accused.size(); };

  SUBCASE("a vote that its validator has signed is none") {
    world.push_vote(2, encode(world.vote(kFirst)), world.chain);
    CHECK(accusations() == 0);
  }
  SUBCASE("the same signature under another vote is forged") {
    SignedVote forged = world.vote(kFirst);
    forged.content.step = Step::precommit;
    world.push_vote(2, encode(forged), world.chain);
    CHECK(world.accused(2, Violation::BAD_RECORD) == 1);
  }
  SUBCASE("a vote for another chain is not signed for this one") {
    ChainId other = world.chain;
    other.bytes[0] ^= 1;
    const SignedVote replayed{kFirst, world.validator(), world.key.sign(signed_bytes(other, kFirst))};
    world.push_vote(2, encode(replayed), world.chain);
    CHECK(world.accused(2, Violation::BAD_RECORD) == 1);
  }
  SUBCASE("a message that names another chain") {
    ChainId other = world.chain;
    other.bytes[0] ^= 1;
    world.push_vote(2, encode(world.vote(kFirst)), other);
    CHECK(world.accused(2, Violation::MALFORMED) == 1);
  }
  SUBCASE("bytes that are not the one encoding of a vote") {
    base::Bytes bytes = encode(world.vote(kFirst));
    bytes.insert(bytes.end(), 8, 0);
    world.push_vote(2, bytes, world.chain);
    world.push_vote(2, {}, world.chain);
    CHECK(world.accused(2, Violation::MALFORMED) == 2);
  }
  SUBCASE("a stranger's vote is not verified, and its sender may have got it from others") {
    const crypto::SecretKey stranger = test_key(50);
    const SignedVote vote{kFirst, crypto::node_id(stranger.public_key(), 0),
                          stranger.sign(signed_bytes(world.chain, kFirst))};
    world.push_vote(2, encode(vote), world.chain);
    CHECK(accusations() == 0);
  }
  SUBCASE("heights that are far away, other forks and late rounds are no violation") {
    for (const Place& place : {Place{Fork{}, Height{900}, Round{0}}, Place{Fork{3}, Height{1}, Round{0}},
                               Place{Fork{}, Height{1}, Round{1'000}}})
      world.push_vote(2, encode(world.vote({place, Step::prevote, {}})), world.chain);
    CHECK(accusations() == 0);
    CHECK(world.height() == 0);
  }
}

TEST_CASE("chain hostile: a node without a chain heeds no vote and no proposal") {
  HostileChain world(HostileChain::Votes::no_chain);
  const SignedVote vote{kFirst, world.identity(1).id(), world.key.sign(signed_bytes(world.chain, kFirst))};
  world.push_vote(2, encode(vote), world.chain);
  world.tell<wire::PushProposal>(2,
                                 [&](wire::PushProposal::Builder out) { out.setChain(data_of(world.chain.view())); });
  CHECK(world.height() == 0);
  CHECK(world.net.accused.empty());
}

TEST_CASE("chain hostile: what is given for an id is what was asked for, or its sender lies") {
  HostileChain world(HostileChain::Votes::at_peer);
  const SignedTransaction one = world.transfer(0);
  const TxId id = id_of(one.content);
  world.meet(2);
  world.meet(3);

  SUBCASE("a transaction that is true waits here") {
    world.peers[2].transactions = [&](const auto&) { return bytes_of_all({one}); };
    world.have(2, {id});
    CHECK(world.peers[2].transactions_asked == std::vector{id});
    CHECK(world.pending() == 1);
    CHECK(world.net.accused.empty());
    SUBCASE("and is not fetched again") {
      world.have(3, {id});
      CHECK(world.peers[3].transactions_asked.empty());
    }
  }
  SUBCASE("another one than was asked for") {
    world.peers[2].transactions = [&](const auto&) { return bytes_of_all({world.transfer(1)}); };
    world.have(2, {id});
    CHECK(world.accused(2, Violation::BAD_RECORD) == 1);
    CHECK(world.pending() == 0);
  }
  SUBCASE("one that no key has signed") {
    SignedTransaction forged = one;
    forged.from.approvals[0].signature.bytes[5] ^= 1;
    world.peers[2].transactions = [&](const auto&) { return bytes_of_all({forged}); };
    world.have(2, {id});
    CHECK(world.accused(2, Violation::BAD_RECORD) == 1);
    CHECK(world.pending() == 0);
    SUBCASE("and the same id is asked of the next that tells it") {
      world.peers[3].transactions = [&](const auto&) { return bytes_of_all({one}); };
      world.have(3, {id});
      CHECK(world.pending() == 1);
    }
  }
  SUBCASE("one that was signed for a fork which is next to this one: its sender may be further") {
    const SignedTransaction ahead = sign(one.content, Fork{1}, 1);
    world.peers[2].transactions = [&](const auto&) { return bytes_of_all({ahead}); };
    world.have(2, {id});
    CHECK(world.net.accused.empty());
    CHECK(world.pending() == 0);
  }
  SUBCASE("one that was signed for a later fork: its sender is there") {
    const SignedTransaction ahead = sign(one.content, Fork{3}, 1);
    world.peers[2].transactions = [&](const auto&) { return bytes_of_all({ahead}); };
    world.tell<wire::ChainHead>(2, [&](wire::ChainHead::Builder out) {
      out.setChain(data_of(world.chain.view()));
      out.setBlock(data_of(world.chain.view()));
      out.setFork(3);
    });
    world.have(2, {id});
    CHECK(world.peers[2].transactions_asked == std::vector{id});
    CHECK(world.net.accused.empty());
    CHECK(world.pending() == 0);
  }
  SUBCASE("bytes that are no transaction") {
    world.peers[2].transactions = [&](const auto&) { return std::vector<base::Bytes>{base::Bytes(64, 7)}; };
    world.have(2, {id});
    CHECK(world.accused(2, Violation::MALFORMED) == 1);
  }
  SUBCASE("copies of one are looked at once") {
    const SignedTransaction other = world.transfer(1);
    SignedTransaction forged = one;
    forged.from.approvals[0].signature.bytes[5] ^= 1;
    world.peers[2].transactions = [&](const auto&) { return bytes_of_all({one, forged}); };
    world.have(2, {id, id_of(other.content)});
    CHECK(world.pending() == 1);
    CHECK(world.net.accused.empty());
  }
  SUBCASE("more of them than were asked for: none is looked at") {
    world.peers[2].transactions = [&](const auto&) { return bytes_of_all({one, one}); };
    world.have(2, {id});
    CHECK(world.accused(2, Violation::MALFORMED) == 1);
    CHECK(world.pending() == 0);
  }
  SUBCASE("one that does not give what it tells keeps nothing away: the other that told it is asked") {
    world.peers[3].transactions = [&](const auto&) { return bytes_of_all({one}); };
    world.have(2, {id}, 1ms);
    world.have(3, {id});
    CHECK(world.peers[2].transactions_asked == std::vector{id});
    CHECK(world.pending() == 1);
  }
  SUBCASE("more ids at once than are told, or an id that is none") {
    world.have(2, std::vector<TxId>(257, id));
    CHECK(world.accused(2, Violation::MALFORMED) == 1);
  }
}

TEST_CASE("chain hostile: transactions that can be in no block are fetched once, and wait nowhere") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  // Each is signed by its own key, which has no money.
  std::map<TxId, SignedTransaction> poor;
  for (std::uint64_t nonce = 0; nonce < 2'000; ++nonce) {
    Transaction content = world.transfer(nonce).content;
    content.from = test_address(9);
    const SignedTransaction one = sign(with_gas(content, 9), Fork{}, 9);
    poor.emplace(id_of(one.content), one);
  }
  world.peers[2].transactions = [&](const std::vector<TxId>& ids) {
    std::vector<SignedTransaction> out;
    for (const TxId& id : ids) out.push_back(poor.at(id));
    return bytes_of_all(out);
  };
  std::vector<TxId> some;
  for (const auto& [id, one] : poor) {
    some.push_back(id);
    if (some.size() == 200) world.have(2, std::exchange(some, {}), 100ms);
  }
  CHECK(world.pending() == 0);
  const std::size_t asked = world.peers[2].transactions_asked.size();
  CHECK(asked == poor.size());
}

TEST_CASE("chain hostile: what may not be checked now is asked for twice at most") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  std::map<TxId, SignedTransaction> poor;
  for (std::uint64_t nonce = 0; nonce < 4'000; ++nonce) {
    Transaction content = world.transfer(nonce).content;
    content.from = test_address(9);
    const SignedTransaction one = sign(with_gas(content, 9), Fork{}, 9);
    poor.emplace(id_of(one.content), one);
  }
  world.peers[2].transactions = [&](const std::vector<TxId>& ids) {
    std::vector<SignedTransaction> out;
    for (const TxId& id : ids) out.push_back(poor.at(id));
    return bytes_of_all(out);
  };
  std::vector<TxId> some;
  for (const auto& [id, one] : poor) {
    some.push_back(id);
    if (some.size() == 250) world.have(2, std::exchange(some, {}), 5ms);
  }
  world.net.stage.run_for(5s);
  const auto& asked = world.peers[2].transactions_asked;
  CHECK(std::set<TxId>(asked.begin(), asked.end()).size() == poor.size());
  CHECK(asked.size() <= 2 * poor.size());
}

TEST_CASE("chain hostile: of transactions with many signatures fewer are checked, and none is lost for it") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  const auto signer = [](std::uint8_t i) { return test_key(static_cast<std::uint8_t>(60 + i)); };
  std::vector<wallet::Address> signers;
  for (std::uint8_t i = 0; i < 16; ++i) signers.push_back(wallet::Policy::of_key(signer(i).public_key()).address());
  const auto policy = wallet::Policy::of_signers(16, signers);
  REQUIRE(policy.ok());
  std::map<TxId, SignedTransaction> poor;
  for (std::uint64_t nonce = 0; nonce < 400; ++nonce) {
    SignedTransaction one{world.transfer(nonce).content, {policy.value(), {}}};
    one.content.from = policy.value().address();
    const auto approve = [&] {
      const base::Bytes message = signed_bytes(one.content, Fork{});
      one.from.approvals.clear();
      for (std::uint8_t i = 0; i < 16; ++i) {
        one.from.approvals.push_back({signer(i).public_key(), signer(i).sign(message)});
      }
      std::ranges::sort(one.from.approvals, {}, [](const wallet::Approval& by) { return by.key; });
    };
    approve();
    one.content.gas = gas_of(one);
    approve();
    REQUIRE(Approved::verify(one, world.chain, Fork{}).ok());
    poor.emplace(id_of(one.content), one);
  }
  world.peers[2].transactions = [&](const std::vector<TxId>& ids) {
    std::vector<SignedTransaction> out;
    for (const TxId& id : ids) out.push_back(poor.at(id));
    return bytes_of_all(out);
  };
  std::vector<TxId> ids;
  for (const auto& [id, one] : poor) {
    ids.push_back(id);
    if (ids.size() == 200) world.have(2, std::exchange(ids, {}), 0ms);
  }
  world.net.stage.run_for(1s);
  const auto& asked = world.peers[2].transactions_asked;
  world.net.stage.run_for(30s);
  // Once as what may have one signature; then those for which more had to be awaited.
  CHECK(asked.size() >= poor.size() + 100);
  CHECK(std::set<TxId>(asked.begin(), asked.end()).size() == poor.size());
  CHECK(asked.size() <= 2 * poor.size());
  CHECK(world.net.accused.empty());
  CHECK(world.pending() == 0);
}

TEST_CASE("chain hostile: what stands behind a missing nonce is told to others once that is there") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  world.meet(3);
  std::map<TxId, SignedTransaction> good;
  std::vector<TxId> first, later;
  for (std::uint64_t nonce = 0; nonce < 6; ++nonce) {
    const SignedTransaction one = world.transfer(nonce);
    (nonce == 0 ? first : later).push_back(id_of(one.content));
    good.emplace(id_of(one.content), one);
  }
  world.peers[2].transactions = [&](const std::vector<TxId>& ids) {
    std::vector<SignedTransaction> out;
    for (const TxId& id : ids) out.push_back(good.at(id));
    return bytes_of_all(out);
  };
  world.have(2, later, 5s);
  CHECK(world.pending() == later.size());
  CHECK(world.peers[3].told.empty());
  world.have(2, first, 5s);
  CHECK(world.peers[3].told.size() == good.size());
}

TEST_CASE("chain hostile: what its sender cannot pay beside what goes before it is told to no one") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  world.meet(3);
  std::map<TxId, SignedTransaction> all;
  std::vector<TxId> ids;
  for (std::uint64_t nonce = 0; nonce < 6; ++nonce) {
    const SignedTransaction one = world.transfer(nonce, nonce < 2 ? 1 : 998'000'000);
    ids.push_back(id_of(one.content));
    all.emplace(ids.back(), one);
  }
  world.peers[2].transactions = [&](const std::vector<TxId>& asked) {
    std::vector<SignedTransaction> out;
    for (const TxId& id : asked) out.push_back(all.at(id));
    return bytes_of_all(out);
  };
  world.have(2, ids, 5s);
  CHECK(world.pending() == ids.size());
  CHECK(world.peers[3].told.size() == 2);
}

TEST_CASE("chain hostile: who answers with blocks that it was not asked for keeps no transaction away") {
  HostileChain world(HostileChain::Votes::at_peer);
  const Commit old{{Fork{}, Height{0}, Round{0}}, {}, {{world.validator(), {}}}};
  world.peers[2].blocks = [&](auto reply) { answer_blocks(reply, base::Bytes(40, 1), commit_entries(old)); };
  world.meet(2, 1'000);
  world.meet(3);
  const SignedTransaction one = world.transfer(0);
  world.peers[3].transactions = [&](const auto&) { return bytes_of_all({one}); };
  world.have(3, {id_of(one.content)}, 5s);
  CHECK(world.pending() == 1);
  world.net.stage.run_for(60s);
  CHECK(world.peers[2].blocks_asked <= 8);
}

TEST_CASE("chain hostile: who comes anew is told what waits, and others are not told it again") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  std::map<TxId, SignedTransaction> good;
  for (std::uint64_t nonce = 0; nonce < kSenderMax; ++nonce) {
    const SignedTransaction one = world.transfer(nonce);
    good.emplace(id_of(one.content), one);
  }
  world.peers[2].transactions = [&](const std::vector<TxId>& ids) {
    std::vector<SignedTransaction> out;
    for (const TxId& id : ids) out.push_back(good.at(id));
    return bytes_of_all(out);
  };
  std::vector<TxId> ids;
  for (const auto& [id, one] : good) ids.push_back(id);
  world.have(2, ids, 5s);
  REQUIRE(world.pending() == good.size());
  world.meet(3);
  world.net.stage.run_for(5s);
  const auto& told = world.peers[3].told;
  CHECK(told.size() == good.size());
  CHECK(std::set<TxId>(told.begin(), told.end()).size() == good.size());
  CHECK(world.peers[2].told.empty());
}

TEST_CASE("chain hostile: who tells transactions that it does not give is asked for few of them") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  world.meet(3);
  std::uint32_t count = 0;
  for (int i = 0; i < 40; ++i) {
    std::vector<TxId> ids(250);
    for (TxId& id : ids) {
      ++count;
      for (std::size_t at = 0; at < 4; ++at) id.bytes[at] = static_cast<std::uint8_t>(count >> 8 * at);
    }
    world.have(2, ids, 25ms);
  }
  const std::size_t asked = world.peers[2].transactions_asked.size();
  constexpr base::Rate kUngiven = Conduct::kUngiven;
  CHECK(asked >= kUngiven.burst);
  CHECK(asked <= kUngiven.burst + 2 * kUngiven.per_second);
  world.net.stage.run_for(2s);
  CHECK(world.peers[2].transactions_asked.size() <= asked + 3 * kUngiven.per_second);
  // And that of another one comes at once.
  const SignedTransaction one = world.transfer(0);
  world.peers[3].transactions = [&](const auto&) { return bytes_of_all({one}); };
  world.have(3, {id_of(one.content)}, 1s);
  CHECK(world.pending() == 1);
  CHECK(world.net.accused.empty());
}

TEST_CASE("chain hostile: strangers that tell a transaction first keep it from no node for long") {
  HostileChain world(HostileChain::Votes::at_peer);
  for (const std::size_t peer : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) world.meet(peer);
  const SignedTransaction one = world.transfer(0);
  const std::vector<TxId> ids{id_of(one.content)};
  for (const std::size_t stranger : {std::size_t{2}, std::size_t{3}}) {
    world.peers[stranger].keeps = true;
    world.have(stranger, ids, 1ms);
  }
  world.peers[1].transactions = [&](const auto&) { return bytes_of_all({one}); };  // the validator
  world.have(1, ids, 500ms);
  CHECK(world.peers[1].transactions_asked.empty());
  world.net.stage.run_for(1s);
  CHECK(world.peers[1].transactions_asked == ids);
  CHECK(world.pending() == 1);
  CHECK(world.net.accused.empty());
}

TEST_CASE("chain hostile: an id that is told again and again is asked for once") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  const SignedTransaction one = world.transfer(0);
  world.peers[2].transactions = [&](const auto&) { return bytes_of_all({one}); };
  world.have(2, std::vector<TxId>(250, id_of(one.content)), 0ms);
  for (int i = 0; i < 10; ++i) world.have(2, {}, 0ms);
  world.net.stage.run_for(2s);
  CHECK(world.peers[2].transactions_asked.size() == 1);
  CHECK(world.pending() == 1);
}

TEST_CASE("chain: blocks follow once a wrong date is set right, and health names the date") {
  HostileChain world(HostileChain::Votes::here);
  const auto names_date = [&](std::string_view date) {
    return std::ranges::any_of(world.health.reasons(), [&](const observe::HealthReason& one) {
      return one.source == kDateSource && one.text.find(date) != std::string::npos;
    });
  };
  sim::Clock& clock = world.net[0].ports.clock();
  clock.step(24h);
  world.net.stage.run_for(5s);
  const std::uint64_t ahead = world.height();
  const std::string date = observe::date_text(base::WallTime(world.actor->head()->time)).substr(0, 16);
  CHECK_FALSE(names_date(date));

  clock.step(-24h);
  world.net.stage.run_for(10s);
  CHECK(world.height() >= ahead + 5);
  CHECK(names_date(date));

  clock.step(24h);  // the day is over
  world.net.stage.run_for(5s);
  CHECK(world.height() >= ahead + 7);
  CHECK_FALSE(names_date("the date of the last block"));
}

TEST_CASE("chain: a validator that evidence has put out is listed as out, with its evidence") {
  HostileChain world(HostileChain::Votes::at_peers);
  const Vote one{{Fork{}, Height{1}, Round{0}}, Step::prevote, {}}, other{one.place, one.step, BlockId{{1}}};
  const auto lie =
      parse_evidence(encode(Evidence{Evidence::Pair<Vote>{world.vote_of_other(one), world.vote_of_other(other)}}));
  REQUIRE(lie.has_value());
  for (std::uint64_t height = 1; height <= 4; ++height) {
    const FinalRow row = world.next_block({}, height == 1 ? std::vector{*lie} : std::vector<Evidence>());
    world.peers[1].blocks = [&](auto reply) { answer_blocks(reply, row.block, commit_entries(row.commit)); };
    world.meet(1, height);
    REQUIRE(world.height() == height);
  }
  REQUIRE(world.actor->ledger().next().validators->size() == 1);

  std::map<base::NodeId, std::pair<std::string, std::size_t>> listed;  // state, and pieces of evidence
  world.net.inside(0, [&](test::Scripted& self) {
    self.ask<wire::ListValidators, wire::ValidatorInfos>(
        self.node().find(kPath), self.now() + 10s, [](wire::ListValidators::Builder) {},
        [&](runtime::Answer<wire::ValidatorInfos> answer) {
          REQUIRE(answer.ok());
          for (const auto row : answer.value().getRows())
            listed[*base::NodeId::from(bytes_of(row.getNode()))] = {text_of(row.getState()), row.getEvidence().size()};
        });
  });
  CHECK(listed.size() == 2);
  CHECK(listed[world.validator()] == std::pair(std::string("active"), std::size_t{0}));
  CHECK(listed[world.identity(2).id()] == std::pair(std::string("out"), std::size_t{1}));
}

TEST_CASE("chain hostile: a block that is false, or is not given, holds up no height") {
  SUBCASE("bytes that are no block, under a commit that can be read") {
    HostileChain world(HostileChain::Votes::at_peer);
    const Commit commit{{Fork{}, Height{1}, Round{0}}, {}, {{world.validator(), {}}}};
    world.peers[2].blocks = [&](auto reply) { answer_blocks(reply, base::Bytes(40, 1), commit_entries(commit)); };
    world.meet(2, 5);
    CHECK(world.accused(2, Violation::MALFORMED) == 1);
    CHECK(world.height() == 0);
  }
  SUBCASE("a commit that is none") {
    HostileChain world(HostileChain::Votes::at_peer);
    world.peers[2].blocks = [&](auto reply) { answer_blocks(reply, base::Bytes(40, 1), {base::Bytes(3, 1)}); };
    world.meet(2, 5);
    CHECK(world.accused(2, Violation::MALFORMED) == 1);
  }
  SUBCASE("a block whose validators have not decided it") {
    HostileChain world(HostileChain::Votes::at_peer);
    Block block;
    block.header.height = Height{1};
    block.header.time = UnixMs{2};
    block.header.proposer = world.validator();
    block.header.parent = {world.chain.bytes};
    seal(block);
    const Commit forged{{Fork{}, Height{1}, Round{0}}, id_of(block.header), {{world.validator(), {}}}};
    world.peers[2].blocks = [&](auto reply) { answer_blocks(reply, encode(block), commit_entries(forged)); };
    world.meet(2, 5);
    CHECK(world.accused(2, Violation::BAD_RECORD) == 1);
    CHECK(world.height() == 0);
  }
  SUBCASE("heights that are promised and not given: the validator goes on, and asks ever more rarely") {
    HostileChain world(HostileChain::Votes::here);
    world.peers[2].silent = true;
    world.peers[3].blocks = [](auto reply) { reply.send([](wire::FinalBlocks::Builder) {}); };
    for (int second = 0; second < 60; ++second)
      for (const std::size_t peer : {std::size_t{2}, std::size_t{3}}) world.meet(peer, 1u << 30);
    CHECK(world.height() >= 20);  // an empty block a second, and a second's patience each time
    CHECK(world.peers[2].blocks_asked <= 12);
    CHECK(world.peers[3].blocks_asked <= 12);
  }
  SUBCASE("blocks of a later fork, and not its statement: the same") {
    HostileChain world(HostileChain::Votes::here);
    world.peers[2].blocks = [&](auto reply) {
      Block block;
      block.header.fork = Fork{1};
      block.header.height = Height{world.height() + 1};
      block.header.time = UnixMs{2};
      block.header.proposer = world.validator();
      block.header.parent = {world.chain.bytes};
      seal(block);
      const Commit commit{{Fork{1}, block.header.height, Round{0}}, id_of(block.header), {{world.validator(), {}}}};
      answer_blocks(reply, encode(block), commit_entries(commit));
    };
    for (int second = 0; second < 60; ++second) world.meet(2, 1u << 30);
    CHECK(world.height() >= 20);
    CHECK(world.peers[2].blocks_asked >= 2);
    CHECK(world.peers[2].blocks_asked <= 12);
    CHECK(world.peers[2].forks_asked >= 1);
  }
}

TEST_CASE("chain hostile: who is always busy is asked ever more rarely, and after others") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.peers[2].blocks = [](auto reply) { reply.refuse({base::Code::overloaded, "it does much", 100ms}); };
  for (int second = 0; second < 60; ++second) world.meet(2, 5);
  CHECK(world.peers[2].blocks_asked >= 4);  // a few times at once
  CHECK(world.peers[2].blocks_asked <= 12);
  world.net.stage.run_for(64s);  // it may be asked again
  world.peers[3].silent = true;
  world.meet(3, 5);
  CHECK(world.peers[3].blocks_asked == 1);
  CHECK(world.net.accused.empty());
}

TEST_CASE("chain hostile: neighbours that are silent hold up no sync: others are asked beside") {
  HostileChain world(HostileChain::Votes::at_peer);
  for (const std::size_t peer : {std::size_t{2}, std::size_t{3}}) {
    world.peers[peer].silent = true;
    world.meet(peer, 5);
    CHECK(world.peers[peer].blocks_asked == 1);
  }
  world.peers[1].blocks = [&](auto reply) {
    const FinalRow row = world.next_block();
    answer_blocks(reply, row.block, commit_entries(row.commit));
  };
  world.meet(1, 5);
  world.net.stage.run_for(3s);
  CHECK(world.height() == 5);
  CHECK(world.net.accused.empty());
}

TEST_CASE("chain hostile: a block that has only the ends of what waits here puts none of that out of the pool") {
  HostileChain world(HostileChain::Votes::at_peer);
  std::vector<SignedTransaction> queue;
  std::vector<TxId> ids;
  for (std::uint64_t nonce = 0; nonce < 4; ++nonce) {
    queue.push_back(world.transfer(nonce));
    ids.push_back(id_of(queue.back().content));
  }
  world.peers[1].transactions = [&](const auto&) { return bytes_of_all(queue); };
  FinalRow row;
  world.peers[1].blocks = [&](auto reply) { answer_blocks(reply, row.block, commit_entries(row.commit)); };
  world.meet(1);
  world.have(1, ids);
  REQUIRE(world.pending() == 4);
  row = world.next_block({queue[1], queue[3]});
  world.meet(1, 1);
  CHECK(world.height() == 1);
  CHECK(world.pending() == 4);
  SUBCASE("one that has all of it leaves none") {
    row = world.next_block({queue[0], queue[1], queue[2], queue[3]});
    world.meet(1, 2);
    CHECK(world.pending() == 0);
  }
  SUBCASE("one that has another transaction in the place of the first leaves the others") {
    row = world.next_block({world.transfer(0, 2)});
    world.meet(1, 2);
    CHECK(world.height() == 2);
    CHECK(world.pending() == 3);
    row = world.next_block({queue[0], queue[1]});  // the first is refused for good
    world.meet(1, 3);
    CHECK(world.height() == 3);
    CHECK(world.pending() == 2);
  }
}

TEST_CASE("chain hostile: who has given blocks is asked for the next ones before neighbours that were never asked") {
  HostileChain world(HostileChain::Votes::at_peer);
  for (const std::size_t peer : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) world.meet(peer);
  std::vector<runtime::Reply<wire::FinalBlocks>> held;
  world.peers[1].blocks = [&](auto reply) { held.push_back(std::move(reply)); };
  for (const std::size_t peer : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) world.meet(peer, 9, 0, 100ms);
  for (int given = 0; given < 5; ++given) {
    REQUIRE(held.size() == 1);
    const FinalRow row = world.next_block();
    answer_blocks(held.front(), row.block, commit_entries(row.commit));
    held.clear();
    world.net.stage.run_for(100ms);
  }
  CHECK(world.height() == 5);
  CHECK(world.peers[2].blocks_asked + world.peers[3].blocks_asked == 0);
}

TEST_CASE("chain hostile: a new link does not make a liar trusted again") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.peers[2].blocks = [](auto reply) { reply.send([](wire::FinalBlocks::Builder) {}); };
  for (int second = 0; second < 40; ++second) world.meet(2, 5);
  const std::size_t asked = world.peers[2].blocks_asked;
  CHECK(asked >= 3);
  const base::NodeId liar = world.identity(2).id();
  world.net.inside(0, [&](auto& self) {
    self.template tell<net::wire::HangUp>(self.node().find("/links"), [&](net::wire::HangUp::Builder out) {
      out.setNode(data_of(liar.view()));
      out.setReason("banned");
    });
  });
  CHECK(std::ranges::none_of(world.net[0].pool->rows(), [&](const auto& link) { return link.node == liar; }));
  for (int second = 0; second < 10; ++second) world.meet(2, 5);
  CHECK(std::ranges::any_of(world.net[0].pool->rows(), [&](const auto& link) { return link.node == liar; }));
  CHECK(world.peers[2].blocks_asked == asked);
  SUBCASE("a while later it may show that it is none") {
    world.net.stage.run_for(64s);
    world.meet(2, 5);
    CHECK(world.peers[2].blocks_asked > asked);
  }
}

TEST_CASE("chain hostile: what one peer is given in a second has a limit") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  const std::vector<TxId> ids(2'048);
  const auto fill = [&](std::size_t count) {
    return [&, count](wire::GetTransactions::Builder out) {
      out.setChain(data_of(world.chain.view()));
      auto list = out.initIds(static_cast<unsigned>(count));
      for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(TxId{}.view()));
    };
  };
  SUBCASE("as many ids as a node asks for, and one more") {
    CHECK_FALSE(world.ask<wire::GetTransactions, wire::Transactions>(2, fill(2'048)).has_value());
    CHECK(world.ask<wire::GetTransactions, wire::Transactions>(2, fill(2'049)) == base::Code::malformed);
    CHECK(world.accused(2, Violation::MALFORMED) == 1);
  }
  SUBCASE("many questions at once: some are refused, and later there is an answer again") {
    for (int i = 0; i < 120; ++i)
      static_cast<void>(world.ask<wire::GetTransactions, wire::Transactions>(2, fill(2'048), 1ms));
    world.net.stage.run_for(100ms);
    CHECK(world.settings.counters->refused > 0);
    world.net.stage.run_for(10s);
    CHECK_FALSE(world.ask<wire::GetTransactions, wire::Transactions>(2, fill(1)).has_value());
    CHECK(world.net.accused.empty());
  }
}

TEST_CASE("chain hostile: votes that no round waits for are checked as far as the share of who tells them") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  SignedVote forged = world.vote(kFirst);
  world.net.inside(2, [&](test::Scripted& self) {
    for (std::uint32_t i = 0; i < 2'000; ++i) {
      forged.content.place = {Fork{}, Height{0}, Round{1 + i}};
      self.tell<wire::PushVote>(self.node().remote(world.net[0].id(), kPath), [&](wire::PushVote::Builder out) {
        out.setChain(data_of(world.chain.view()));
        out.setVote(data_of(encode(forged)));
      });
    }
  });
  CHECK(world.settings.counters->refused > 0);
  CHECK(world.net.accused.empty());  // it may come from one who knows other keys of that validator
}

TEST_CASE("chain hostile: statements, rows of the state and latest votes are of what a peer is given in a second") {
  HostileChain world(HostileChain::Votes::at_peer);
  world.meet(2);
  const auto forks = [&](wire::GetForks::Builder out) {
    out.setChain(data_of(world.chain.view()));
    out.setFrom(1);
  };
  const auto row = [&](wire::GetTreeRow::Builder out) { out.setChain(data_of(world.chain.view())); };
  const auto latest = [&](wire::GetLatestVote::Builder out) {
    const base::NodeId validator = world.validator();
    out.setChain(data_of(world.chain.view()));
    out.setValidator(data_of(validator.view()));
  };
  CHECK_FALSE(world.ask<wire::GetForks, wire::Forks>(2, forks).has_value());
  CHECK_FALSE(world.ask<wire::GetTreeRow, wire::TreeRow>(2, row).has_value());
  CHECK_FALSE(world.ask<wire::GetLatestVote, wire::LatestVote>(2, latest).has_value());
  CHECK(world.settings.counters->refused == 0);
  // It takes its share by other questions; then there is nothing for these either.
  const std::vector<TxId> ids(2'048);
  const auto transactions = [&](wire::GetTransactions::Builder out) {
    out.setChain(data_of(world.chain.view()));
    auto list = out.initIds(size32(ids));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(ids[i].view()));
  };
  for (int i = 0; i < 120; ++i)
    static_cast<void>(world.ask<wire::GetTransactions, wire::Transactions>(2, transactions, 1ms));
  world.net.stage.run_for(100ms);
  const std::uint64_t before = world.settings.counters->refused;
  CHECK(before > 0);
  const auto refused = [&](auto question) {
    for (int i = 0; i < 60; ++i) question();
    world.net.stage.run_for(100ms);
    return world.settings.counters->refused > before;
  };
  SUBCASE("statements") {
    CHECK(refused([&] { static_cast<void>(world.ask<wire::GetForks, wire::Forks>(2, forks, 1us)); }));
  }
  SUBCASE("rows") {
    CHECK(refused([&] { static_cast<void>(world.ask<wire::GetTreeRow, wire::TreeRow>(2, row, 1us)); }));
  }
  SUBCASE("latest votes") {
    CHECK(refused([&] { static_cast<void>(world.ask<wire::GetLatestVote, wire::LatestVote>(2, latest, 1us)); }));
  }
}

namespace {

/// A proposal of peer 1, the only validator, that others pass on; node 0 has two of them as neighbours.
struct Relayed {
  enum class Has : std::uint8_t { nothing, a_transfer };
  explicit Relayed(Has has = Has::nothing)
      : world(HostileChain::Votes::at_peer),
        block(parse_block(world.next_block(of(has)).block).value()),
        proposal(sign(block)) {
    world.meet(2);
    world.meet(3);
  }
  std::vector<SignedTransaction> of(Has has) const {
    if (has == Has::nothing) return {};
    return {world.transfer(0)};
  }
  SignedProposal sign(const Block& it) const {
    const Proposal content{.place = {Fork{}, Height{1}, Round{0}}, .block = id_of(it.header), .time = it.header.time};
    return {content, world.validator(), world.key.sign(signed_bytes(world.chain, content))};
  }
  enum class Body : std::uint8_t { right, other };
  void push(std::size_t peer, Body body, base::Duration then = 50ms) {
    Block given = block;
    if (body == Body::other) given.header.time = given.header.time + UnixMs{1};
    world.tell<wire::PushProposal>(
        peer,
        [&](wire::PushProposal::Builder out) {
          const base::Bytes bytes = encode(proposal), header = encode(given.header);
          out.setChain(data_of(world.chain.view()));
          out.setProposal(data_of(bytes));
          base::Bytes ids;
          for (const SignedTransaction& one : block.transactions) base::append(ids, id_of(one.content).view());
          auto to = out.initBody();
          to.setHeader(data_of(header));
          to.setTransactions(data_of(ids));
        },
        then);
  }
  /// Whether node 0 has the block: it gives it.
  bool here() {
    return !world.ask<wire::GetProposed, wire::PushProposal>(
        2,
        [&](wire::GetProposed::Builder out) {
          out.setChain(data_of(world.chain.view()));
          out.setBlock(data_of(proposal.content.block.view()));
        },
        50ms);
  }

  HostileChain world;
  Block block;
  SignedProposal proposal;
};

}  // namespace

TEST_CASE("chain hostile: a proposal with a false body is heard, its body is not, and not passed on") {
  Relayed it;
  it.push(2, Relayed::Body::other, 2s);
  CHECK(it.world.accused(2, Violation::BAD_RECORD) == 1);
  CHECK(it.world.peers[2].proposed_asked + it.world.peers[3].proposed_asked > 0);
}

TEST_CASE("chain hostile: a false body that came first keeps the true one out of nothing") {
  Relayed it;
  it.push(2, Relayed::Body::other);
  CHECK_FALSE(it.here());

  SUBCASE("it is heard from any other node") {
    it.push(3, Relayed::Body::right);
    CHECK(it.here());
    CHECK(it.world.accused(3, Violation::BAD_RECORD) == 0);
    CHECK(it.world.peers[3].pushed == 0);
    CHECK(it.world.peers[2].pushed == 1);
  }
  SUBCASE("each false one is a violation, until the true one is there") {
    it.push(2, Relayed::Body::other);
    CHECK(it.world.accused(2, Violation::BAD_RECORD) == 2);
    it.push(3, Relayed::Body::right);
    it.push(2, Relayed::Body::other);
    CHECK(it.here());
    CHECK(it.world.accused(2, Violation::BAD_RECORD) == 2);
  }
}

TEST_CASE("chain hostile: who passes on a block and keeps its transactions keeps them from no one") {
  Relayed it(Relayed::Has::a_transfer);
  REQUIRE(it.block.transactions.size() == 1);
  it.world.meet(1);
  it.world.peers[2].keeps = true;
  it.world.peers[1].transactions = [&](const auto&) { return bytes_of_all(it.block.transactions); };
  it.push(2, Relayed::Body::right);
  CHECK_FALSE(it.here());
  it.push(3, Relayed::Body::right);
  CHECK(it.world.peers[3].transactions_asked.empty());
  it.push(1, Relayed::Body::right, 100ms);
  CHECK(it.world.peers[1].transactions_asked.size() == 1);
  CHECK(it.here());
}

TEST_CASE("chain hostile: who tells of a later fork and does not answer keeps no statement away") {
  HostileChain world(HostileChain::Votes::at_peer);
  const ForkStatement statement{Fork{1}, Height{0}, BlockId{world.chain.bytes}};
  const SignedFork fork{statement, {{world.validator(), world.key.sign(signed_bytes(world.chain, statement))}}};
  world.peers[3].forks = [&](auto reply) {
    reply.send([&](wire::Forks::Builder out) {
      const base::Bytes bytes = encode(fork);
      out.initList(1).set(0, data_of(bytes));
    });
  };
  world.meet(1, 0, 1);
  world.meet(2, 0, 1);
  CHECK(world.peers[1].forks_asked == 1);
  CHECK(world.peers[2].forks_asked == 1);

  SUBCASE("another one is asked at once") {
    world.meet(3, 0, 1);
    CHECK(world.peers[3].forks_asked == 1);
    CHECK(world.peers[3].fork_told == 1);
  }
  SUBCASE("they are asked ever more rarely") {
    world.net.stage.run_for(60s);
    CHECK(world.peers[2].forks_asked >= 3);
    CHECK(world.peers[2].forks_asked <= 8);
    CHECK(world.net.accused.empty());
  }
}

TEST_CASE("chain hostile: who tells of another block and does not give its commit keeps no comparison away") {
  HostileChain world(HostileChain::Votes::here);
  world.net.stage.run_for(5s);
  REQUIRE(world.height() >= 2);
  for (const std::size_t peer : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
    world.peers[peer].silent = true;
    world.meet(peer, 1);  // under the id of another block
    CHECK(world.peers[peer].blocks_asked == 1);
  }
  for (int second = 0; second < 120; ++second) world.meet(2, 1);
  CHECK(world.peers[2].blocks_asked >= 3);
  CHECK(world.peers[2].blocks_asked <= 8);
}
