#include "actors/chain/validator_actor.hpp"

#include <doctest/doctest.h>

#include "tests/actors/chain/hostile_chain.hpp"

namespace troupe::chain {
namespace {

constexpr std::size_t kLarge = 1'700'000;  // bytes: two of them are more than one GuardIs holds

using Given = std::pair<std::vector<base::Bytes>, std::uint32_t>;  // blocks, and how many are left

/// About kLarge bytes.
Block large_block(const HostileChain& nodes, std::uint64_t number) {
  Block out;
  out.header.height = Height{1};
  out.header.time = UnixMs{static_cast<std::int64_t>(number)};
  const std::size_t count = kLarge / encode(nodes.transfer(0)).size();
  for (std::size_t i = 0; i < count; ++i) out.transactions.push_back(nodes.transfer(i));
  seal(out);
  return out;
}

/// A validator that only the test asks, at `path` of node 0.
struct Signer {
  HostileChain& nodes;
  std::string path;
  Guard guard{};

  Signer(HostileChain& of, const std::string& name) : nodes(of), path('/' + name) {
    ChainSettings settings = of.settings;
    settings.signer = std::make_shared<const crypto::SecretKey>(test_key(40));
    of.net[0].node.start(name, [settings] { return std::make_unique<ValidatorActor>(settings); },
                         {.kind = "validator"});
    of.net.stage.run_for(std::chrono::seconds(1));
  }

  template <class Q, class A, class Fill, class Then>
  void ask(Fill fill, Then then) {
    bool heard = false;
    nodes.net.inside(
        0,
        [&](test::Scripted& self) {
          self.ask<Q, A>(self.node().find(path), self.now() + std::chrono::seconds(5), fill,
                         [&](runtime::Answer<A> answer) {
                           heard = true;
                           REQUIRE_MESSAGE(answer.ok(), answer.error().message);
                           then(answer.value());
                         });
        },
        std::chrono::seconds(6));
    REQUIRE(heard);
  }
  void sign(const auto& content, const std::optional<Proven>& valid, const base::Bytes& block, auto set) {
    guard.record(content, valid, valid);
    const base::Bytes bytes = encode(content), kept = encode(guard);
    ask<wire::SignContent, wire::SignedIs>(
        [&](wire::SignContent::Builder out) {
          out.setChain(data_of(nodes.chain.view()));
          out.setGuard(data_of(kept));
          set(out.getContent(), bytes);
          out.initBlocks(1).set(0, data_of(block));
        },
        [](const auto&) {});
  }
  /// What is kept from a block on.
  Given blocks(std::uint32_t from) {
    Given out;
    ask<wire::GetGuard, wire::GuardIs>([from](wire::GetGuard::Builder ask) { ask.setBlocksFrom(from); },
                                       [&out](wire::GuardIs::Reader is) {
                                         for (const auto block : is.getBlocks())
                                           out.first.emplace_back(block.begin(), block.end());
                                         out.second = is.getBlocksLeft();
                                       });
    return out;
  }
};

}  // namespace

TEST_CASE("validator: blocks larger than a row and than an answer are kept, and read again") {
  HostileChain nodes(HostileChain::Votes::at_peer);
  const Block own = large_block(nodes, 1), other = large_block(nodes, 2);
  const std::vector<base::Bytes> both = id_of(own.header) < id_of(other.header)
                                            ? std::vector{encode(own), encode(other)}
                                            : std::vector{encode(other), encode(own)};
  const Place place{Fork{}, Height{1}, Round{}};
  const BlockId id = id_of(other.header);
  Signer signer(nodes, "signer");
  signer.sign(Proposal{place, std::nullopt, id_of(own.header), own.header.time}, std::nullopt, encode(own),
              [](auto out, const base::Bytes& bytes) { out.setProposal(data_of(bytes)); });
  signer.sign(Vote{place, Step::precommit, Choice(id)}, Proven{Round{}, id}, encode(other),
              [](auto out, const base::Bytes& bytes) { out.setVote(data_of(bytes)); });
  Signer again(nodes, "again");  // reads the same rows
  for (Signer* one : {&signer, &again}) {
    const auto first = one->blocks(0), second = one->blocks(1), none = one->blocks(UINT32_MAX);
    CHECK(first == Given{{both[0]}, 1});
    CHECK(second == Given{{both[1]}, 0});
    CHECK(none.first.empty());
    CHECK(none.second == 0);
  }
}

}  // namespace troupe::chain
