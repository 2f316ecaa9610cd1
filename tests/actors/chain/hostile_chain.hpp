#pragma once
// A node of a chain among peers that say what a test wants, in virtual time.
#include <optional>

#include "actors/chain/chain_actor.hpp"
#include "actors/chain/validator_actor.hpp"
#include "messages/codec.hpp"
#include "runtime/store/store_actor.hpp"
#include "tests/actors/chain/chains.hpp"
#include "tests/runtime/net/net_cluster.hpp"

namespace troupe::chain {

/// Node 0 has the chain; 1 to 3 are peers. The only validator is node 0, or peer 1, whose keys the test has; or node 0
/// has no chain, and the peers have one.
class HostileChain {
 public:
  static constexpr std::size_t kNodes = 4;
  /// `at_peers`: peer 2 is a validator as well, with less than a third of the power.
  enum class Votes : std::uint8_t { here, at_peer, at_peers, no_chain };

  /// What a peer answers, and what it was asked.
  struct Peer {
    std::function<void(runtime::Reply<wire::FinalBlocks>)> blocks = [](auto) {};
    std::function<std::vector<base::Bytes>(const std::vector<TxId>&)> transactions = [](const auto&) {
      return std::vector<base::Bytes>();
    };
    std::function<void(runtime::Reply<wire::Forks>)> forks;  // none: leaves questions for them unanswered
    std::size_t blocks_asked = 0, proposed_asked = 0, forks_asked = 0, pushed = 0;
    std::uint32_t fork_told = 0;  // by node 0
    std::vector<TxId> transactions_asked, told;
    bool silent = false;  // leaves questions for blocks unanswered
    bool keeps = false;   // leaves questions for transactions unanswered
  };

  explicit HostileChain(Votes votes) : net(kNodes, 1, {}, {}, true), peers(kNodes) {
    const std::size_t validator = votes == Votes::here ? 0 : 1;
    first = identity(validator).id();
    Parameters parameters;
    REQUIRE(parameters.set(Param::block_empty_ms, 1'000));
    const Founding founding{{.node_key = identity(validator).public_key(),
                             .node_nonce = 0,
                             .consensus_key = key.public_key(),
                             .address = test_address(1),
                             .stake = Amount::of(1'000)},
                            Amount::of(1'000'000'000)};
    std::vector<Founding> foundings{founding};
    if (votes == Votes::at_peers)
      foundings.push_back({{.node_key = identity(2).public_key(),
                            .node_nonce = 0,
                            .consensus_key = other_key.public_key(),
                            .address = test_address(2),
                            .stake = Amount::of(1)},
                           Amount::of(1)});
    auto made = found("hostile", UnixMs{1}, Purpose::real, parameters, foundings);
    REQUIRE(made.ok());
    auto genesis = std::make_shared<SignedGenesis>(std::move(made).value());
    const base::Bytes message = signed_bytes(genesis->genesis());
    REQUIRE(genesis->sign(identity(validator).id(),
                          {key.sign(message), identity(validator).key().sign(message), authority(1, message)}));
    if (votes == Votes::at_peers)
      REQUIRE(genesis->sign(identity(2).id(),
                            {other_key.sign(message), identity(2).key().sign(message), authority(2, message)}));
    chain = id_of(genesis->genesis());
    settings.links = net[0].pool;
    settings.identity = net[0].pool->setup().identity;
    if (votes != Votes::no_chain) settings.genesis = genesis;
    if (votes == Votes::here) settings.signer = std::make_shared<const crypto::SecretKey>(test_key(40));
    settings.counters = std::make_shared<Counters>();
    settings.health = &health;
    runtime::Node& node = net[0].node;
    node.start("store", [] { return std::make_unique<store::StoreActor>("store"); }, {.kind = "store"});
    node.start("validator", [this] { return std::make_unique<ValidatorActor>(settings); }, {.kind = "validator"});
    const auto make = [this] {
      auto out = std::make_unique<ChainActor>(settings);
      actor = out.get();
      return out;
    };
    node.start("chain", make, {.kind = ChainActor::kName});
    for (std::size_t i = 1; i < kNodes; ++i) serve(i);
    net.stage.run_for(std::chrono::seconds(5));
  }

  const crypto::Identity& identity(std::size_t node) { return *net[node].pool->setup().identity; }
  base::NodeId validator() const { return first; }

  /// What a peer tells node 0.
  template <class T, class Fill>
  void tell(std::size_t peer, Fill fill, base::Duration then = std::chrono::seconds(1)) {
    net.inside(
        peer, [&](test::Scripted& self) { self.tell<T>(self.node().remote(identity(0).id(), kPath), fill); }, then);
  }
  /// The code with which node 0 refuses it; nothing if it answers.
  template <class Q, class A, class Fill>
  std::optional<base::Code> ask(std::size_t peer, Fill fill, base::Duration then = std::chrono::seconds(1)) {
    const auto out = std::make_shared<std::optional<base::Code>>(base::Code::timeout);  // may come later
    net.inside(
        peer,
        [&](test::Scripted& self) {
          self.ask<Q, A>(self.node().remote(identity(0).id(), kPath), self.now() + std::chrono::seconds(20), fill,
                         [out](const runtime::Answer<A>& answer) {
                           *out = answer.ok() ? std::nullopt : std::optional(answer.error().code);
                         });
        },
        then);
    return *out;
  }
  /// Makes a peer a neighbour that has that many blocks.
  void meet(std::size_t peer, std::uint64_t height = 0, std::uint32_t fork = 0,
            base::Duration then = std::chrono::seconds(1)) {
    tell<wire::ChainHead>(
        peer,
        [&](wire::ChainHead::Builder out) {
          out.setChain(data_of(chain.view()));
          out.setHeight(height);
          out.setFork(fork);
          out.setBlock(data_of(chain.view()));
        },
        then);
  }
  void have(std::size_t peer, const std::vector<TxId>& ids, base::Duration then = std::chrono::seconds(1)) {
    tell<wire::HaveTransactions>(
        peer,
        [&](wire::HaveTransactions::Builder out) {
          out.setChain(data_of(chain.view()));
          auto list = out.initIds(size32(ids));
          for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(ids[i].view()));
        },
        then);
  }
  void push_vote(std::size_t peer, base::ByteView vote, const ChainId& of) {
    tell<wire::PushVote>(peer, [&](wire::PushVote::Builder out) {
      out.setChain(data_of(of.view()));
      out.setVote(data_of(vote));
    });
  }
  /// As the validator signs it, if its keys are the test's.
  SignedVote vote(const Vote& content) const { return {content, validator(), key.sign(signed_bytes(chain, content))}; }
  SignedVote vote_of_other(const Vote& content) {
    return {content, identity(2).id(), other_key.sign(signed_bytes(chain, content))};
  }
  /// The next block as the validator decides it, if its keys are the test's.
  FinalRow next_block(std::vector<SignedTransaction> transactions = {},
                      const std::vector<Evidence>& evidence = {}) const {
    Block block = actor->next_block(actor->head()->time + UnixMs{1});
    block.header.proposer = validator();
    block.transactions = std::move(transactions);
    for (const Evidence& one : evidence) block.evidence.push_back(encode(one));
    seal(block);
    const Place place{block.header.fork, block.header.height, Round{0}};
    const BlockId id = id_of(block.header);
    const SignedVote precommit = vote({place, Step::precommit, id});
    return {encode(block), {place, id, {{precommit.validator, precommit.signature}}}};
  }
  SignedTransaction transfer(std::uint64_t nonce, std::uint64_t amount = 1) const {
    Transaction content{.chain = chain,
                        .from = test_address(1),
                        .nonce = {nonce},
                        .last_height = {1'000},
                        .fee_max = Amount::of(1'000'000),
                        .body = Transfer{{pay(2, amount)}}};
    return sign(with_gas(content, 1), Fork{}, 1);
  }

  std::size_t accused(std::size_t peer, net::wire::Violation how) {
    return static_cast<std::size_t>(std::ranges::count(net.accused, std::pair(identity(peer).id(), how)));
  }
  std::uint64_t height() const { return settings.counters->height; }
  std::uint64_t pending() const { return settings.counters->pending; }

  test::NetCluster net;
  std::vector<Peer> peers;
  observe::Health health;
  ChainSettings settings;
  ChainId chain{};
  base::NodeId first;  // validator
  const crypto::SecretKey key = test_key(40), other_key = test_key(41);
  const ChainActor* actor = nullptr;  // of node 0

 private:
  void serve(std::size_t i) {
    Peer& peer = peers[i];
    net.serve<wire::GetChainHead, wire::ChainHead, wire::GetBlocks, wire::HaveTransactions, wire::GetTransactions,
              wire::PushVote, wire::PushProposal, wire::GetProposed, wire::HeldVotes, wire::GetForks>(
        i, "chain", [this, &peer](test::Scripted&, runtime::Handlers& on) {
          on.ask<wire::GetChainHead, wire::ChainHead>([](auto, auto reply) {
            reply.refuse({base::Code::unavailable, "it says nothing by itself"});
          });
          on.tell<wire::ChainHead>([&peer](auto head) { peer.fork_told = head.getFork(); });
          on.ask<wire::GetForks, wire::Forks>(
              [&peer, held = std::vector<runtime::Reply<wire::Forks>>()](auto, auto reply) mutable {
                ++peer.forks_asked;
                if (peer.forks) peer.forks(std::move(reply));
                else held.push_back(std::move(reply));
              });
          on.tell<wire::HaveTransactions>([&peer](auto have) {
            for (const auto id : have.getIds()) peer.told.push_back(*TxId::from(bytes_of(id)));
          });
          on.tell<wire::PushVote>([](auto) {});
          on.tell<wire::PushProposal>([&peer](auto) { ++peer.pushed; });
          on.tell<wire::HeldVotes>([](auto) {});
          on.ask<wire::GetBlocks, wire::FinalBlocks>(
              [&peer, held = std::vector<runtime::Reply<wire::FinalBlocks>>()](auto, auto reply) mutable {
                ++peer.blocks_asked;
                if (peer.silent) held.push_back(std::move(reply));
                else peer.blocks(std::move(reply));
              });
          on.ask<wire::GetProposed, wire::PushProposal>([&peer](auto, auto reply) {
            ++peer.proposed_asked;
            reply.refuse({base::Code::not_found, "it is not here"});
          });
          on.ask<wire::GetTransactions, wire::Transactions>(
              [&peer, held = std::vector<runtime::Reply<wire::Transactions>>()](auto ask, auto reply) mutable {
                std::vector<TxId> ids;
                for (const auto id : ask.getIds()) ids.push_back(*TxId::from(bytes_of(id)));
                peer.transactions_asked.insert(peer.transactions_asked.end(), ids.begin(), ids.end());
                if (peer.keeps) return held.push_back(std::move(reply));
                const auto list = peer.transactions(ids);
                reply.send([&](wire::Transactions::Builder out) {
                  auto rows = out.initList(size32(list));
                  for (unsigned k = 0; k < rows.size(); ++k) rows.set(k, data_of(list[k]));
                });
              });
        });
  }
};

}  // namespace troupe::chain
