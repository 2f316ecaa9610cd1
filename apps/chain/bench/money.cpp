#include "apps/chain/bench/money.hpp"

#include <algorithm>
#include <ctime>
#include <limits>

#include "runtime/os/disk.hpp"

namespace troupe::bench {
namespace {

constexpr std::uint64_t kMoneyOfEach = 1'000'000'000'000;  // more than is spent
constexpr std::uint64_t kStakeOfEach = 1'000;
constexpr std::uint64_t kFeeMax = 1'000'000;  // a transfer needs some thousand units of gas, at one coin each
constexpr std::uint64_t kLastHeight = 90'000;
constexpr int kVerifyRounds = 9;
constexpr int kVerifyEach = 500;

crypto::SecretKey chain_key(const std::string& what, std::size_t node) {
  const base::Digest drawn = crypto::sha256(base::as_bytes("bench chain " + what + ' ' + std::to_string(node)));
  return crypto::SecretKey(crypto::Seed(drawn.bytes));
}

double thread_seconds() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

chain::Parameters large_blocks() {
  chain::Parameters out;
  const bool set = out.set(chain::Param::block_gas, chain::kBlockGasMax) &&
                   out.set(chain::Param::block_bytes, chain::kBlockBytesMax);
  base::ensure(set, "the largest blocks are within their limits");
  return out;
}

}  // namespace

ChainMoney::ChainMoney(const std::string& name, std::size_t accounts) {
  purses_.reserve(accounts);
  for (std::size_t i = 0; i < accounts; ++i) purses_.emplace_back("chain " + name + ' ' + std::to_string(i));
}

void ChainMoney::fund(chain::Genesis& genesis) const {
  for (const Purse& one : purses_) genesis.balances[one.policy.address()] = wallet::Amount::of(kMoneyOfEach);
}

chain::SignedTransaction ChainMoney::pay(std::size_t from, std::vector<wallet::Credit> credits) {
  Purse& purse = purses_[from];
  chain::SignedTransaction out{.content = {.chain = chain_,
                                           .from = purse.policy.address(),
                                           .nonce = {purse.debits++},
                                           .last_height = chain::Height{kLastHeight},
                                           .fee_max = wallet::Amount::of(kFeeMax),
                                           .body = chain::Transfer{std::move(credits)}},
                               .from = {purse.policy, {{purse.key.public_key(), crypto::Signature{}}}}};
  out.content.gas = chain::gas_of(out);
  out.from.approvals[0] = purse.sign(chain::signed_bytes(out.content, chain::Fork{}));
  return out;
}

Payment ChainMoney::pay(std::size_t from) {
  const chain::SignedTransaction one = pay(from, {{address((from + 1) % accounts()), wallet::Amount::of(1)}});
  return {chain::id_of(one.content), chain::encode(one)};
}

crypto::Identity chain_identity(std::size_t node) {
  auto out = crypto::Identity::from(chain_key("node", node), 0, 0);
  base::ensure(out.has_value(), "without proof of work each key has an id");
  return std::move(*out);
}

crypto::SecretKey chain_consensus_key(std::size_t node) { return chain_key("vote", node); }

std::shared_ptr<const chain::SignedGenesis> found_chain(std::size_t validators,
                                                        const std::vector<std::shared_ptr<ChainMoney>>& money) {
  std::vector<chain::Founding> foundings;
  for (std::size_t i = 0; i < validators; ++i)
    foundings.push_back({{.node_key = chain_key("node", i).public_key(),
                          .consensus_key = chain_consensus_key(i).public_key(),
                          .address = wallet::address_of(chain_key("wallet", i).public_key()),
                          .stake = wallet::Amount::of(kStakeOfEach)},
                         wallet::Amount::of(kMoneyOfEach)});
  // Earlier than any clock.
  auto genesis = chain::found("bench", chain::UnixMs{1}, chain::Purpose::real, large_blocks(), foundings);
  base::ensure(genesis.ok(), "a chain for a bench can be created");
  for (const auto& one : money) one->fund(genesis.value());
  base::ensure(!chain::flaw(genesis.value()), "a genesis can fund the accounts of a bench");
  for (const auto& one : money) one->use(chain::id_of(genesis.value()));
  auto out = std::make_shared<chain::SignedGenesis>(std::move(genesis).value());
  const base::Bytes message = chain::signed_bytes(out->genesis());
  for (std::size_t i = 0; i < validators; ++i) {
    const crypto::SecretKey owner = chain_key("wallet", i);
    const crypto::Identity identity = chain_identity(i);
    const bool taken = out->sign(
        identity.id(), {chain_consensus_key(i).sign(message),
                        identity.key().sign(message),
                        {wallet::Policy::of_key(owner.public_key()), {{owner.public_key(), owner.sign(message)}}}});
    base::ensure(taken, "founders sign");
  }
  return out;
}

Measurement<void> settle_chain_node(const std::string& data, const chain::SignedGenesis& genesis, std::size_t node,
                                    std::size_t validators) {
  const auto refused = [&data](ports::DiskError why) {
    return Failure{{base::Code::internal, "cannot write below " + data + ": " + std::string(ports::name(why))},
                   "nothing was measured",
                   "--dir with a directory that you may write to",
                   Exit::failed};
  };
  const auto disk = os::open_own_disk(data);
  if (!disk.ok()) return refused(disk.error());
  const auto write = [&](std::string_view name, base::ByteView bytes) {
    return ports::write_durably(*disk.value(), name, bytes);
  };
  base::Bytes identity = chain_identity(node).encode();
  if (auto written = write(crypto::kIdentityFile, identity); !written.ok()) return refused(written.error());
  if (auto written = write(chain::kChainFile, genesis.encode()); !written.ok()) return refused(written.error());
  if (node >= validators) return {};
  crypto::Seed seed;
  chain_consensus_key(node).copy_seed(seed);
  const std::string line = base::Digest{seed.bytes}.hex() + '\n';
  if (auto written = write(chain::kValidatorFile, base::as_bytes(line)); !written.ok()) return refused(written.error());
  return {};
}

double verify_seconds() {
  ChainMoney money("verified", 2);
  const chain::SignedTransaction one = money.pay(0, {{money.address(1), wallet::Amount::of(1)}});
  const base::Bytes message = chain::signed_bytes(one.content, chain::Fork{});
  const wallet::Approval& by = one.from.approvals.front();
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < kVerifyRounds; ++round) {
    const double from = thread_seconds();
    bool good = true;
    for (int i = 0; i < kVerifyEach; ++i) good = crypto::verify(by.key, message, by.signature) && good;
    base::ensure(good, "a key's own signature is valid");
    best = std::min(best, (thread_seconds() - from) / kVerifyEach);
  }
  return best;
}

}  // namespace troupe::bench
