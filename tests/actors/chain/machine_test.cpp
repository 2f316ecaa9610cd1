#include "actors/chain/logic/machine.hpp"

#include <rapidcheck.h>

#include "tests/actors/chain/chains.hpp"
#include "tests/actors/chain/golden.hpp"
#include "tests/actors/chain/trees.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

/// A chain of one genesis, whose blocks have what a test asks for.
struct TestChain {
  explicit TestChain(const Genesis& genesis) : chain(id_of(genesis)), now(genesis.time) {
    commit(update(tree.rows, tree.root, Height{0}, state_of(genesis)));
  }
  template <class Update>
  void commit(const Update& made) {
    REQUIRE(made.ok());
    tree.rows.commit(made.value());
    tree.root = made.value().root;
  }

  Transaction transfer(std::uint8_t from, std::vector<wallet::Credit> credits, std::uint64_t fee_max = 100'000,
                       std::uint64_t tip = 0) {
    Transaction out{chain, test_address(from), {}, {1'000}, {}, Amount::of(fee_max), Amount::of(tip), {}, {}};
    out.nonce = account(from).nonce;
    out.body = Transfer{std::move(credits), {}};
    return out;
  }
  Transaction faucet(std::uint8_t from) {
    Transaction out = transfer(from, {}, 0);
    out.body = Faucet{};
    return out;
  }
  /// With the gas that it needs if it has none.
  static Approved approved(Transaction content, std::uint8_t from, std::uint8_t payer = 0) {
    if (content.gas == Gas{}) content = with_gas(std::move(content), from, payer);
    auto out = Approved::verify(sign(content, {}, from, payer), content.chain, {});
    REQUIRE(out.ok());
    return std::move(out).value();
  }

  Executed run(const std::vector<Approved>& transactions, const std::vector<base::NodeId>& out = {}) {
    ++height.value;
    now += std::chrono::seconds(10);
    BlockId id;
    id.bytes.fill(static_cast<std::uint8_t>(height.value));
    auto done = execute(tree.rows, tree.root, {id, height, now, test_address(9), out}, transactions);
    REQUIRE(done.ok());
    tree.rows.commit(done.value().tree);
    tree.root = done.value().tree.root;
    REQUIRE(done.value().receipts.size() == transactions.size());
    REQUIRE(sums_of(tree.rows, tree.root).value().exact());
    return std::move(done).value();
  }
  Receipt run_one(const Approved& transaction) { return run({transaction}).receipts.front(); }
  Outcome outcome(const Transaction& content, std::uint8_t from, std::uint8_t payer = 0) {
    return run_one(approved(content, from, payer)).outcome;
  }

  Account account(std::uint8_t number) {
    StateView view(tree.rows, tree.root);
    return view.account(test_address(number));
  }
  std::uint64_t balance(std::uint8_t number) { return account(number).balance.units(); }

  ChainId chain;
  UnixMs now;
  Height height;
  TestTree tree;
};

/// Founder 1 with 1,000 staked and 1,000,000 free, 500 for address 3; base fee 1, a pot for three turns.
Genesis small_genesis(Purpose purpose = Purpose::test) {
  Parameters parameters;
  CHECK(parameters.set(Param::faucet_amount, 100));
  CHECK(parameters.set(Param::faucet_pot, 350));
  CHECK(parameters.set(Param::block_gas, 100'000));
  Genesis out =
      found("small", UnixMs(1'700'000'000'000), purpose, parameters, {{founder(1, 1'000), Amount::of(1'000'000)}})
          .value();
  out.balances[test_address(3)] = Amount::of(500);
  return out;
}

}  // namespace

TEST_CASE("chain machine: values of the state and receipts are those of another program") {
  CHECK(base::hex(encode(Account{Amount::of(480), {3}, Amount::of(1'000), {}, {}, {}})) == golden::kAccount);
  CHECK(base::hex(encode(Totals{Amount::of(2'000), Amount::of(5), {}, {1}})) == golden::kTotals);
  Frontier log;
  for (const char* entry : {"a", "b", "c"}) log.append(test::bytes_of(entry));
  CHECK(base::hex(encode_log(log)) == golden::kBlockLog);
  CHECK(parse_log(encode_log(log)) == log);
  const Receipt receipt{id_of(golden_transfer()), static_cast<Outcome>(3), {4'000}, Amount::of(4'000), Amount::of(10)};
  CHECK(base::hex(encode(receipt)) == golden::kReceipt);
}

TEST_CASE("chain machine: the root of the genesis is the one that another program computes") {
  TestTree tree;
  const auto made = update(tree.rows, tree.root, Height{0}, state_of(golden_genesis()));
  REQUIRE(made.ok());
  CHECK(made.value().root.hash.hex() == golden::kGenesisStateRoot);
}

TEST_CASE("chain machine: validators and rotation are those of another program") {
  const ValidatorSet set = validators_of(golden_genesis());
  CHECK(base::hex(encode(set)) == golden::kValidators);
  CHECK(hash_of(set) == crypto::sha256(test::bytes_of_hex(golden::kValidators)));
  const Rotation second = Rotation(set).next_height(set, set);
  CHECK(base::hex(encode(second)) == golden::kRotation);
  CHECK(parse_rotation(test::bytes_of_hex(golden::kRotation), set) == second);
}

TEST_CASE("chain machine: what is taken for a value of the state is what encode gives") {
  CHECK(rc::check([] {
    base::Bytes bytes = *rc::gen::arbitrary<base::Bytes>();
    if (*rc::gen::arbitrary<bool>()) {
      bytes = encode(Receipt{{}, Outcome::funds, {1}, Amount::of(2), Amount::of(3)});
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
    }
    if (const auto one = parse_account(bytes)) RC_ASSERT(encode(*one) == bytes);
    if (const auto one = parse_totals(bytes)) RC_ASSERT(encode(*one) == bytes);
    if (const auto one = parse_log(bytes)) RC_ASSERT(encode_log(*one) == bytes);
    if (const auto one = parse_receipt(bytes)) RC_ASSERT(encode(*one) == bytes);
  }));
}

TEST_CASE("chain machine: a transfer moves its sum, burns the base fee and tips the proposer") {
  TestChain chain(small_genesis());
  const Approved one = TestChain::approved(chain.transfer(1, {pay(2, 60), pay(3, 40)}, 100'000, 7), 1);
  const std::uint64_t gas = one.gas_needed().value;
  const Executed done = chain.run({one});
  CHECK(done.receipts == std::vector<Receipt>{{one.id(), Outcome::done, {gas}, Amount::of(gas), Amount::of(7)}});
  CHECK(done.totals.burnt.units() == gas);
  CHECK(chain.balance(1) == 1'000'000 - 100 - gas - 7);
  CHECK(chain.balance(2) == 60);
  CHECK(chain.balance(3) == 540);
  CHECK(chain.balance(9) == 7);
  CHECK(chain.account(1).nonce == Nonce{1});
  CHECK(chain.account(1).staked == Amount::of(1'000));
  CHECK(chain.account(2).nonce == Nonce{0});
}

TEST_CASE("chain machine: a transfer that is not covered fails, pays its fee and takes its nonce") {
  TestChain chain(small_genesis());
  const Receipt receipt = chain.run_one(TestChain::approved(chain.transfer(1, {pay(2, 1'000'000)}, 100'000, 7), 1));
  CHECK(receipt.outcome == Outcome::funds);
  CHECK(receipt.tip == Amount::of(7));
  CHECK(chain.balance(1) == 1'000'000 - receipt.burnt.units() - 7);
  CHECK(chain.balance(2) == 0);
  CHECK(chain.account(1).nonce == Nonce{1});
  // The fee comes first: what is left of it decides.
  const std::uint64_t gas = receipt.gas.value;
  const std::uint64_t left = chain.balance(1);
  CHECK(chain.outcome(chain.transfer(1, {pay(2, left - gas + 1)}), 1) == Outcome::funds);
  CHECK(chain.outcome(chain.transfer(1, {pay(2, left - 2 * gas)}), 1) == Outcome::done);
  CHECK(chain.balance(1) == 0);
}

TEST_CASE("chain machine: what is refused changes no account and leaves its nonce free") {
  TestChain chain(small_genesis());
  Transaction one = chain.transfer(1, {pay(2, 5)});
  std::uint8_t from = 1, payer = 0;
  Outcome expected{};
  SUBCASE("a nonce ahead") {
    one.nonce = {1};
    expected = Outcome::nonce;
  }
  SUBCASE("the last nonce") {
    one.nonce = {~std::uint64_t{0}};
    expected = Outcome::nonce;
  }
  SUBCASE("expired") {
    chain.run({});
    one.last_height = {1};
    expected = Outcome::expired;
  }
  SUBCASE("less gas than it needs") {
    one.gas = {TestChain::approved(one, 1).gas_needed().value - 1};
    expected = Outcome::gas;
  }
  SUBCASE("more gas than it needs") {
    one.gas = {TestChain::approved(one, 1).gas_needed().value + 1};
    expected = Outcome::gas;
  }
  SUBCASE("a faucet with more gas than it needs") {
    one = chain.faucet(1);
    one.gas = {TestChain::approved(one, 1).gas_needed().value + 1};
    expected = Outcome::gas;
  }
  SUBCASE("price") {
    one.fee_max = Amount::of(TestChain::approved(one, 1).gas_needed().value - 1);
    expected = Outcome::price;
  }
  SUBCASE("a sender without money") {
    one.from = test_address(4);
    from = 4;
    expected = Outcome::fee_funds;
  }
  SUBCASE("a payer without money") {
    one.fee_payer = test_address(4);
    payer = 4;
    expected = Outcome::fee_funds;
  }
  SUBCASE("a faucet that is empty") {
    TestChain real(small_genesis(Purpose::real));
    CHECK(real.outcome(real.faucet(4), 4) == Outcome::faucet_empty);
    CHECK(real.balance(4) == 0);
    CHECK(real.account(4).nonce == Nonce{0});
    return;
  }
  const Receipt receipt = chain.run_one(TestChain::approved(one, from, payer));
  CHECK(receipt.outcome == expected);
  CHECK(receipt.gas == Gas{0});
  CHECK(receipt.burnt == Amount());
  CHECK(chain.balance(1) == 1'000'000);
  CHECK(chain.balance(2) == 0);
  CHECK(chain.account(1).nonce == Nonce{0});
  CHECK(chain.outcome(chain.transfer(1, {pay(2, 5)}), 1) == Outcome::done);
}

TEST_CASE("chain machine: the nonce is asked last, so that a pool can ask but for it") {
  TestChain chain(small_genesis());
  Transaction one = chain.transfer(1, {pay(2, 5)});
  std::uint8_t from = 1;
  Outcome expected = Outcome::nonce;
  SUBCASE("nothing else") {}
  SUBCASE("a sum that is not covered, which only fails") { one = chain.transfer(1, {pay(2, 2'000'000)}); }
  SUBCASE("gas") {
    one.gas = {1};
    expected = Outcome::gas;
  }
  SUBCASE("price") {
    one.fee_max = Amount::of(1);
    expected = Outcome::price;
  }
  SUBCASE("no money for the fee") {
    one = chain.transfer(4, {pay(2, 5)});
    from = 4;
    expected = Outcome::fee_funds;
  }
  SUBCASE("a second turn at the faucet") {
    REQUIRE(chain.outcome(chain.faucet(4), 4) == Outcome::done);
    one = chain.faucet(4);
    from = 4;
    expected = Outcome::faucet_early;
  }
  one.nonce = {7};
  CHECK(chain.outcome(one, from) == expected);
}

TEST_CASE("chain machine: a transaction is in a block once, and in a second block it counts no more") {
  TestChain chain(small_genesis());
  const Approved one = TestChain::approved(chain.transfer(1, {pay(2, 5)}), 1);
  const Approved other = TestChain::approved(chain.transfer(3, {pay(2, 5)}), 3);
  const BlockContext block{{}, {1}, chain.now, test_address(9)};
  const auto twice = execute(chain.tree.rows, chain.tree.root, block, std::vector{one, other, one});
  REQUIRE_FALSE(twice.ok());
  CHECK(std::get<BlockError>(twice.error()) == BlockError::repeated);
  CHECK_FALSE(fits(small_genesis().parameters, std::vector{one, other, one}));
  CHECK(fits(small_genesis().parameters, std::vector{one, other}));
  CHECK(chain.run_one(one).outcome == Outcome::done);
  CHECK(chain.run_one(one).outcome == Outcome::nonce);
  CHECK(chain.balance(2) == 5);
}

TEST_CASE("chain machine: another account may pay the fee, and the sender keeps it all for the transfer") {
  TestChain chain(small_genesis());
  Transaction one = chain.transfer(3, {pay(2, 500)});
  one.fee_payer = test_address(1);
  const Receipt receipt = chain.run_one(TestChain::approved(one, 3, 1));
  CHECK(receipt.outcome == Outcome::done);
  CHECK(chain.balance(3) == 0);
  CHECK(chain.balance(1) == 1'000'000 - receipt.burnt.units());
  CHECK(chain.account(3).nonce == Nonce{1});
  CHECK(chain.account(1).nonce == Nonce{0});
}

TEST_CASE("chain machine: the faucet gives each address its amount once a period, until the pot is empty") {
  TestChain chain(small_genesis());
  CHECK(chain.outcome(chain.faucet(4), 4) == Outcome::done);
  CHECK(chain.balance(4) == 100);
  CHECK(chain.outcome(chain.faucet(4), 4) == Outcome::faucet_early);
  CHECK(chain.balance(4) == 100);
  const UnixMs first = chain.account(4).faucet;
  chain.now = first + std::chrono::seconds(3'600 - 10) - UnixMs(1);
  CHECK(chain.outcome(chain.faucet(4), 4) == Outcome::faucet_early);
  chain.now = first + std::chrono::seconds(3'600 - 10);
  CHECK(chain.outcome(chain.faucet(4), 4) == Outcome::done);
  CHECK(chain.outcome(chain.faucet(5), 5) == Outcome::done);
  CHECK(chain.outcome(chain.faucet(6), 6) == Outcome::faucet_empty);
  StateView view(chain.tree.rows, chain.tree.root);
  CHECK(view.totals().faucet_pot == Amount::of(50));
}

TEST_CASE("chain machine: the largest amounts neither overflow nor end anything") {
  Parameters parameters;
  const Genesis genesis =
      found("rich", {}, Purpose::real, parameters, {{founder(1, 1), Amount::of(Amount::kMax - 1)}}).value();
  TestChain chain(genesis);
  CHECK(chain.outcome(chain.transfer(1, {pay(2, Amount::kMax)}, Amount::kMax, Amount::kMax), 1) == Outcome::price);
  CHECK(chain.outcome(chain.transfer(1, {pay(2, Amount::kMax)}, Amount::kMax, Amount::kMax - 2'000), 1) ==
        Outcome::funds);
  CHECK(chain.balance(9) == Amount::kMax - 2'000);
  CHECK(chain.outcome(chain.transfer(9, {pay(2, Amount::kMax - 10'000)}), 9) == Outcome::done);
}

TEST_CASE("chain machine: the base fee follows the load by an eighth at most and by 1 at least") {
  Parameters parameters;
  REQUIRE(parameters.set(Param::block_gas, 1'000'000));
  REQUIRE(parameters.set(Param::fee_base, 5));
  const auto next = [&](std::uint64_t now, std::uint64_t used) {
    return next_base_fee({now}, {used}, parameters).value;
  };
  CHECK(next(800, 500'000) == 800);
  CHECK(next(800, 1'000'000) == 900);
  CHECK(next(800, 750'000) == 850);
  CHECK(next(800, 0) == 700);
  CHECK(next(800, 500'001) == 801);
  CHECK(next(800, 499'999) == 799);
  CHECK(next(6, 0) == 5);
  CHECK(next(5, 0) == 5);
  CHECK(next(5, 1'000'000) == 6);
  CHECK(next(800, ~std::uint64_t{0}) == 900);
  CHECK(next(kBaseFeeMax, 1'000'000) == kBaseFeeMax);
  CHECK(next(kBaseFeeMax - 1, 1'000'000) == kBaseFeeMax);
  REQUIRE(parameters.set(Param::fee_base, 0));
  CHECK(next(0, 0) == 0);
  CHECK(next(0, 1'000'000) == 1);
}

TEST_CASE("chain machine: the fee rises within a chain while blocks are full, and is paid at the block's rate") {
  TestChain chain(small_genesis());
  std::vector<Approved> full;
  for (std::uint64_t i = 0; i < 95; ++i) {
    Transaction one = chain.transfer(1, {pay(2, 1)});
    one.nonce = {i};
    full.push_back(TestChain::approved(one, 1));
  }
  const Executed done = chain.run(full);
  CHECK(done.gas.value > 50'000);
  CHECK(done.totals.base_fee == BaseFee{2});
  CHECK(chain.run({}).totals.base_fee == BaseFee{1});
}

TEST_CASE("chain machine: a block's transactions fit by the gas they need and by their bytes") {
  TestChain chain(small_genesis());
  Transaction one = chain.transfer(1, {pay(2, 1)});
  const Approved half = TestChain::approved(one, 1);
  one.gas = {~std::uint64_t{0}};
  const Approved greedy = TestChain::approved(one, 1);
  CHECK(greedy.gas_needed() == half.gas_needed());
  CHECK(chain.run({greedy}).gas == Gas{});  // refused: it takes no place that it does not pay for
  const auto some = [&](std::size_t count, Gas gas) {
    std::vector<Approved> out;
    for (std::uint64_t i = 0; i < count; ++i) {
      Transaction next = one;
      next.nonce = {i};
      next.gas = gas;
      out.push_back(TestChain::approved(next, 1));
    }
    return out;
  };
  Parameters parameters = small_genesis().parameters;
  const std::size_t most = 100'000 / half.gas_needed().value;
  CHECK(fits(parameters, some(most, {})));
  CHECK_FALSE(fits(parameters, some(most + 1, {})));
  CHECK(fits(parameters, some(most, {~std::uint64_t{0}})));
  REQUIRE(parameters.set(Param::block_gas, kBlockGasMax));
  REQUIRE(parameters.set(Param::block_bytes, kBlockBytesMin));
  const std::size_t room = (kBlockBytesMin - kBlockFrameBytes) / entry_bytes(half.bytes());
  CHECK(fits(parameters, some(room, {})));
  CHECK_FALSE(fits(parameters, some(room + 1, {})));
}

TEST_CASE("chain machine: the ids of all blocks are in the state, and the same block gives the same root") {
  TestChain one(small_genesis()), two(small_genesis());
  Frontier log;
  log.append(one.chain.view());
  for (std::uint8_t height = 1; height < 5; ++height) {
    const auto a = one.run({TestChain::approved(one.transfer(1, {pay(2, height)}), 1)});
    const auto b = two.run({TestChain::approved(two.transfer(1, {pay(2, height)}), 1)});
    CHECK(a.tree.root == b.tree.root);
    CHECK(a.receipts_root == b.receipts_root);
    log.append(base::Bytes(32, height));
    StateView view(one.tree.rows, one.tree.root);
    CHECK(view.log() == log);
  }
}

TEST_CASE("chain machine: who is out votes for one more height, and each height's rotation follows from the last") {
  std::vector<Founding> foundings;
  for (std::uint8_t number = 1; number <= 4; ++number) foundings.push_back({founder(number, number * 10u), {}});
  TestChain chain(found("votes", {}, Purpose::real, {}, foundings).value());
  const auto node = [](std::uint8_t number) { return founder(number, 1).node(); };
  const std::vector<std::vector<base::NodeId>> outs{
      {}, {node(2)}, {}, {node(2), node(9)}, {node(1), node(3), node(4)}, {node(4)}, {}};
  std::vector<ValidatorSet> sets;
  std::vector<Rotation> rotations;
  for (std::size_t done = 0; done <= outs.size(); ++done) {
    StateView view(chain.tree.rows, chain.tree.root);
    const auto now = view.validators(), next = view.next_validators();
    const auto rotation = view.rotation();
    REQUIRE((now && next && rotation));
    if (done == 0) {
      CHECK(now->size() == 4);
      CHECK(*next == *now);
      CHECK(*rotation == Rotation(*now));
    } else {
      CHECK(*now == sets[done]);
      CHECK(*next == sets[done].without(outs[done - 1]));
      CHECK(*rotation == rotations.back().next_height(sets[done - 1], sets[done]));
    }
    if (sets.empty()) sets.push_back(*now);
    sets.push_back(*next);
    rotations.push_back(*rotation);
    if (done < outs.size()) chain.run({}, outs[done]);
  }
  CHECK(sets.back() == ValidatorSet::from({sets[0].at(*sets[0].index_of(node(4)))}).value());
}

TEST_CASE("chain machine: a state whose rows are damaged is no state") {
  TestChain chain(small_genesis());
  const Approved one = TestChain::approved(chain.transfer(1, {pay(2, 5)}), 1);
  const BlockContext block{{}, {1}, chain.now, test_address(9)};
  SUBCASE("a row is missing") { chain.tree.rows.rows.clear(); }
  SUBCASE("an account is none") {
    chain.commit(update(chain.tree.rows, chain.tree.root, {1}, {{account_key(test_address(1)), base::Bytes{1}}}));
    CHECK_FALSE(sums_of(chain.tree.rows, chain.tree.root).ok());
  }
  SUBCASE("validators or their rotation are none") {
    for (const StateKind kind : {StateKind::validators, StateKind::next_validators, StateKind::rotation}) {
      TestChain other(small_genesis());
      other.commit(update(other.tree.rows, other.tree.root, {1}, {{state_key(kind), base::Bytes{1}}}));
      CHECK_FALSE(execute(other.tree.rows, other.tree.root, block, {}).ok());
    }
    return;
  }
  CHECK_FALSE(execute(chain.tree.rows, chain.tree.root, block, std::vector{one}).ok());
}

TEST_CASE("chain machine: whatever blocks have, money is neither made nor lost, and a ledger of lists agrees") {
  CHECK(rc::check([] {
    TestChain chain(small_genesis());
    std::map<std::uint8_t, std::int64_t> balances{{1, 1'000'000}, {3, 500}};
    std::map<std::uint8_t, std::uint64_t> nonces;
    std::int64_t base_fee = 1;
    const auto blocks = *rc::gen::inRange(1, 5);
    for (int b = 0; b < blocks; ++b) {
      std::vector<Approved> block;
      const auto count = *rc::gen::inRange<std::size_t>(0, 6);
      for (std::size_t i = 0; i < count; ++i) {
        const auto from = *rc::gen::element<std::uint8_t>(1, 1, 3, 4), to = *rc::gen::element<std::uint8_t>(2, 5, 9);
        const auto amount = *rc::gen::element<std::uint64_t>(1, 200, 400'000, 2'000'000);
        const auto fee_max = *rc::gen::element<std::uint64_t>(100, 5'000),
                   tip = *rc::gen::element<std::uint64_t>(0, 50);
        Transaction one = chain.transfer(from, {pay(to, amount)}, fee_max, tip);
        one.nonce = {nonces[from] + *rc::gen::element<std::uint64_t>(0, 0, 0, 1)};
        const Approved approved = TestChain::approved(one, from);
        if (std::ranges::count(block, approved.id(), &Approved::id) > 0) continue;
        block.push_back(approved);
        const auto gas = static_cast<std::int64_t>(block.back().gas_needed().value);
        const std::int64_t fee = gas * base_fee + static_cast<std::int64_t>(tip);
        if (one.nonce.value != nonces[from] || fee > static_cast<std::int64_t>(fee_max) || fee > balances[from])
          continue;
        ++nonces[from];
        balances[from] -= fee;
        balances[9] += static_cast<std::int64_t>(tip);
        if (static_cast<std::int64_t>(amount) > balances[from]) continue;
        balances[from] -= static_cast<std::int64_t>(amount);
        balances[to] += static_cast<std::int64_t>(amount);
      }
      base_fee = static_cast<std::int64_t>(chain.run(block).totals.base_fee.value);
    }
    for (const auto& [number, balance] : balances)
      RC_ASSERT(chain.balance(number) == static_cast<std::uint64_t>(balance));
    for (const auto& [number, nonce] : nonces) RC_ASSERT(chain.account(number).nonce == Nonce{nonce});
  }));
}
