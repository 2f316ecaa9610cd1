// What other nodes repeat of what is public costs a fund nothing that stays.
#include <doctest/doctest.h>

#include "actors/escrow/api.hpp"
#include "actors/fund/codec.hpp"
#include "actors/fund/fund_actor.hpp"
#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"
#include "messages/escrow.capnp.h"
#include "messages/store.capnp.h"
#include "tests/actors/wallet/keys.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::fund;
using namespace std::chrono_literals;
using base::Code;
using wallet::test_address;
using wallet::test_key;

namespace {

constexpr std::size_t kBook = 0, kGuest = 1;
constexpr std::uint8_t kSigner = 1, kOtherSigner = 2, kOnChain = 8;  // where the fund stands on a chain

/// A fund of two signers, both of which have to sign; and another node.
struct Funds {
  explicit Funds(durable::Place book = {.kind = durable::Place::Kind::self}) {
    auto& home = cluster[kBook];
    home.node.start(
        "store", test::script([this](test::Scripted&, runtime::Handlers& on) {
          on.ask<store::wire::Get, store::wire::Found>([this](store::wire::Get::Reader ask, auto reply) {
            const auto row = rows.find(bytes(ask.getKey()));
            if (row == rows.end()) return reply.refuse({Code::not_found, "there is no row"});
            reply.send([&](store::wire::Found::Builder out) { out.setValue(data_of(row->second)); });
          });
          on.ask<store::wire::Commit, messages::wire::Nothing>([this](store::wire::Commit::Reader ask, auto reply) {
            ++commits;
            for (const auto row : ask.getRows()) rows[bytes(row.getKey())] = bytes(row.getValue().getPut());
            reply.done();
          });
        }));
    home.node.start("wallet", test::script([](test::Scripted&, runtime::Handlers& on) {
                      on.ask<wallet::wire::GetBook, wallet::wire::BookIs>([](auto, auto reply) {
                        reply.send([](wallet::wire::BookIs::Builder out) {
                          out.setBook(data_of(BookId{}.view()));
                          out.setOwner(data_of(test_address(9).view()));
                        });
                      });
                      on.ask<wallet::wire::GetAccount, wallet::wire::AccountIs>([](auto, auto reply) {
                        reply.send([](wallet::wire::AccountIs::Builder out) {
                          out.initChain().setAddress(data_of(test_address(kOnChain).view()));
                        });
                      });
                    }));
    home.node.start("escrow", test::script([](test::Scripted&, runtime::Handlers& on) {
                      on.ask<escrow::wire::GetTerms, escrow::wire::TermsAre>([](auto, auto reply) {
                        reply.send([](escrow::wire::TermsAre::Builder out) { out.setNow(1'700'000'000'000); });
                      });
                    }));
    const FundSettings settings{.links = home.pool,
                                .book = std::move(book),
                                .signers = {test_address(kSigner), test_address(kOtherSigner)},
                                .threshold = 2};
    home.node.start("fund", [settings] { return std::make_unique<FundActor>(settings); });
    cluster.stage.run_for(1s);
    content.what = Payment{test_address(3), Amount::of(1), "food"};
    content.reason = "bread";
    content.expiry.value = std::chrono::hours(1);
    REQUIRE(propose().at(Code{}) == 1);
  }

  static base::Bytes bytes(capnp::Data::Reader data) { return {data.begin(), data.end()}; }

  /// How often each answer came; Code{}: it was fine.
  using Heard = std::map<Code, std::size_t>;
  template <class Q, class Fill>
  Heard ask(std::size_t count, Fill fill, std::size_t from = kGuest) {
    const auto heard = std::make_shared<Heard>();
    cluster.inside(
        from,
        [&](test::Scripted& self) {
          const auto fund = from == kBook ? self.node().find(kPath) : self.node().remote(cluster[kBook].id(), kPath);
          for (std::size_t i = 0; i < count; ++i)
            self.ask<Q, wire::ProposalIs>(
                fund, self.now() + 10s, [&](typename Q::Builder out) { fill(out, i); },
                [this, heard](runtime::Answer<wire::ProposalIs> answer) {
                  ++(*heard)[answer.ok() ? Code{} : answer.error().code];
                  if (answer.ok()) signatures = answer.value().getSigned().size();
                  else CHECK((answer.error().code != Code::overloaded || answer.error().retry_after > 0ms));
                });
        },
        300ms);
    return *heard;
  }
  Heard propose() {
    const auto by = wallet::approval(test_key(kSigner), propose_bytes({}, content));
    return ask<wire::Propose>(1, [&](wire::Propose::Builder out, std::size_t) {
      out.setContent(data_of(encode(content)));
      wallet::write(out.initBy(), by);
    });
  }
  /// A signer's approval, under as many requests as were not there before.
  Heard sign(std::uint8_t signer, std::size_t count, std::size_t from = kGuest) {
    const auto by = wallet::approval(test_key(signer), sign_bytes({}, content));
    return ask<wire::SignProposal>(
        count,
        [&](wire::SignProposal::Builder out, std::size_t) {
          Nonce request;
          ++requests;
          for (std::size_t i = 0; i < sizeof requests; ++i)
            request.bytes[i] = static_cast<std::uint8_t>(requests >> (8 * i));
          out.setId(data_of(id_of({}, content).view()));
          wallet::write(out.initBy(), by);
          out.setRequest(data_of(request.view()));
        },
        from);
  }

  std::map<base::Bytes, base::Bytes> rows;
  std::size_t commits = 0, signatures = 0;
  std::uint64_t requests = 0;
  Content content;
  test::NetCluster cluster{2};
};

}  // namespace

TEST_CASE("fund: a signature that is there is answered alike under any request, and neither commits nor leaves a row") {
  constexpr std::size_t kTimes = 20;
  Funds funds;
  REQUIRE(funds.sign(kSigner, 1).at(Code{}) == 1);
  CHECK(funds.signatures == 1);
  const auto rows = funds.rows;
  const std::size_t commits = funds.commits;
  CHECK(funds.sign(kSigner, kTimes) == Funds::Heard{{Code{}, kTimes}});
  CHECK(funds.signatures == 1);
  CHECK(funds.commits == commits);
  CHECK(funds.rows == rows);
}

TEST_CASE("fund: other nodes sign at a rate, and those of the fund's own node are not counted in it") {
  constexpr std::size_t kAtOnce = 100, kBatches = 4;
  static_assert(kAtOnce * kBatches > FundActor::kOrdered.burst);
  Funds funds;
  REQUIRE(funds.sign(kSigner, 1).at(Code{}) == 1);
  Funds::Heard heard, own;
  for (std::size_t i = 0; i < kBatches; ++i)
    for (const auto& [code, count] : funds.sign(kSigner, kAtOnce)) heard[code] += count;
  CHECK(heard[Code{}] >= FundActor::kOrdered.burst / 4);
  CHECK(heard[Code::overloaded] > 0);
  CHECK(heard[Code{}] + heard[Code::overloaded] == kAtOnce * kBatches);
  for (std::size_t i = 0; i < kBatches; ++i)
    for (const auto& [code, count] : funds.sign(kSigner, kAtOnce, kBook)) own[code] += count;
  CHECK(own == Funds::Heard{{Code{}, kAtOnce * kBatches}});
  funds.cluster.stage.run_for(30s);
  CHECK(funds.sign(kSigner, 10) == Funds::Heard{{Code{}, 10}});
}

TEST_CASE("fund: it does not pay itself, nor to where it stands on a chain") {
  const auto pay = [](Funds& funds, const Address& to) {
    funds.content.what = Payment{to, Amount::of(1), "food"};
    ++funds.content.nonce.bytes[0];
    return funds.propose();
  };
  Funds on_chain(*durable::Place::parse("chain")), funds;
  CHECK(pay(on_chain, test_address(kOnChain)) == Funds::Heard{{Code::refused, 1}});
  CHECK(pay(on_chain, account_of({})) == Funds::Heard{{Code::refused, 1}});
  CHECK(pay(on_chain, test_address(3)) == Funds::Heard{{Code{}, 1}});
  CHECK(pay(funds, test_address(kOnChain)) == Funds::Heard{{Code{}, 1}});
  // One that was approved stopped the fund for ever: no ledger takes it, and each later payment waited behind it.
  CHECK(pay(funds, wallet::issuance_of({})) == Funds::Heard{{Code::refused, 1}});
}
