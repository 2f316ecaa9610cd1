// Deposits and payments that the ledger puts off, refuses or posts.
#include "actors/wallet/ledger_client.hpp"

#include <doctest/doctest.h>

#include "actors/wallet/api.hpp"
#include "messages/codec.hpp"
#include "tests/actors/wallet/keys.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::wallet;
using namespace std::chrono_literals;
using base::Code;
using base::Error;

namespace {

/// An owner of a client, with a ledger that answers as a test says.
struct OneClient : test::ActorFixture {
  struct DepositAgain {};
  struct PayAgain {};
  explicit OneClient(std::shared_ptr<std::atomic<std::uint32_t>> unknown = nullptr) {
    start("wallet", [this](test::Scripted&, runtime::Handlers& on) {
      const auto answer = [this](auto, auto reply) {
        ++asked;
        if (refusal) return reply.refuse(*refusal);
        reply.send([](wire::Posted::Builder out) { out.setSequence(7); });
      };
      on.ask<wire::PostTransfer, wire::Posted>(answer);
      on.ask<wire::PayFrom, wire::Posted>(answer);
    });
    owner = start("owner", [this, unknown](test::Scripted& self, runtime::Handlers& on) {
      client.emplace(self, LedgerClient::Settings{.unknown = unknown});
      client->receive<DepositAgain, PayAgain>(on);
      on.tell<messages::wire::Nothing>([this](messages::wire::Nothing::Reader) { std::exchange(what, {})(); });
    });
    stage.settle();
  }
  /// In a handler of the owner.
  void with_client(std::function<void()> does) {
    what = std::move(does);
    inside([&](test::Scripted& self) { self.tell<messages::wire::Nothing>(owner, [](auto) {}); });
  }
  static SignedBytes transfer(std::uint64_t number) {
    const base::Bytes bytes = encode(Transfer{{}, test_address(1), {number}, {{test_address(2), Amount::of(5)}}, ""});
    return {bytes, Policy::of_key(test_key(1).public_key()), {approval(test_key(1), bytes)}};
  }
  void deposit(std::uint64_t number, std::optional<runtime::Caller> asker = runtime::Caller{}) {
    with_client([this, number, asker] {
      CHECK(client->deposit(transfer(number), asker, [this](const base::Outcome<std::uint64_t>& how) {
        ended.push_back(how.ok() ? Code{} : how.error().code);
        if (how.ok()) CHECK(how.value() == 7);
      }));
    });
  }
  void pay() {
    with_client([this] {
      client->pay(
          "escrow", base::Digest{}.view(), *decode_transfer(transfer(1).bytes),
          [this](const base::Outcome<std::uint64_t>& how) { ended.push_back(how.ok() ? Code{} : how.error().code); });
    });
  }

  runtime::Handle owner;
  std::optional<LedgerClient> client;
  std::function<void()> what;
  std::optional<Error> refusal;
  std::size_t asked = 0;
  std::vector<Code> ended;  // 0: posted
};

}  // namespace

TEST_CASE("ledger client: a deposit that is posted, or refused for good, ends, and is sent once") {
  OneClient it;
  SUBCASE("posted") {}
  SUBCASE("refused") { it.refusal = {Code::refused, "it has less"}; }
  SUBCASE("malformed") { it.refusal = {Code::malformed, "it breaks its format"}; }
  it.deposit(1);
  it.stage.run_for(5min);
  CHECK(it.asked == 1);
  CHECK(it.ended == std::vector{it.refusal ? it.refusal->code : Code{}});
}

TEST_CASE("ledger client: deposits that are put off have turns, and the first that is posted sends the rest") {
  OneClient it;
  it.refusal = {Code::unavailable, "not now"};
  for (std::uint64_t number = 1; number <= 20; ++number) it.deposit(number);
  it.deposit(20);  // it is being sent
  CHECK(it.asked == 20);
  it.stage.run_for(5min);
  CHECK(it.asked > 20 + 5);
  CHECK(it.asked <= 20 + 11);  // one every 30 s
  CHECK(it.ended.empty());
  it.refusal.reset();
  it.stage.run_for(31s);
  CHECK(it.ended == std::vector<Code>(20));
}

TEST_CASE("ledger client: deposits whose asker is not known have turns, and a limit where each costs a fee") {
  const auto unknown = std::make_shared<std::atomic<std::uint32_t>>(LedgerClient::kUnknownAMinute - 1);
  OneClient it(unknown);
  it.deposit(1, std::nullopt);
  it.deposit(2, std::nullopt);
  CHECK(it.asked == 0);
  it.stage.run_for(2s);
  CHECK(it.ended.size() == 1);  // the other is beyond the limit
  it.deposit(3);
  CHECK(it.ended.size() == 2);
  it.stage.run_for(50s);
  CHECK(it.ended.size() == 2);
  unknown->store(0);
  it.stage.run_for(1min);
  CHECK(it.ended.size() == 3);
}

TEST_CASE("ledger client: a deposit that its asker asks for again is sent at once") {
  const auto unknown = std::make_shared<std::atomic<std::uint32_t>>(LedgerClient::kUnknownAMinute);
  OneClient it(unknown);
  it.deposit(1, std::nullopt);
  it.stage.run_for(2s);
  CHECK(it.asked == 0);  // beyond the limit of the minute
  it.deposit(1);
  CHECK(it.asked == 1);
  CHECK(it.ended == std::vector<Code>(1));
}

TEST_CASE("ledger client: a deposit that waits for long delays none that waits for less") {
  const auto unknown = std::make_shared<std::atomic<std::uint32_t>>(LedgerClient::kUnknownAMinute);
  OneClient it(unknown);
  it.refusal = {Code::unavailable, "not now"};
  it.deposit(1);
  it.deposit(2, std::nullopt);
  it.stage.run_for(500ms);
  it.refusal.reset();
  it.deposit(3, std::nullopt);
  it.stage.run_for(10s);
  CHECK(it.ended.size() == 1);  // the first
}

TEST_CASE("ledger client: a payment is sent until it is posted, whatever the ledger answers before") {
  OneClient it;
  it.refusal = {Code::refused, "the account has less"};
  it.pay();
  it.pay();  // it is being sent
  it.stage.run_for(5min);
  CHECK(it.asked > 5);
  CHECK(it.ended.empty());
  SUBCASE("it is posted") {
    it.refusal.reset();
    it.stage.run_for(31s);
    CHECK(it.ended.size() == 1);
  }
  SUBCASE("its owner reads its rows again") {
    const std::size_t asked = it.asked;
    it.with_client([&] { it.client->forget(); });
    it.stage.run_for(5min);
    CHECK(it.asked == asked);
  }
}
