// troupe chain account | accounts | state
#include <algorithm>
#include <map>

#include "apps/chain/chain.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/wallet/on_chain.hpp"
#include "messages/codec.hpp"
#include "messages/output/chain.capnp.h"

namespace troupe::apps {
namespace {

using namespace wallets;
using base::Code;
using wallet::Amount;
namespace state_wire = chain::wire;

constexpr std::uint32_t kProofWaitMs = 30'000;    // empty blocks come every 10 s unless a genesis says otherwise
constexpr std::size_t kAccountsMax = 10'000'000;  // our choice: 1.5 GiB here; they are sorted before they are printed

/// Returns the sum of all money, which a lying node could make larger than any integer type.
std::string wide_text(wallet::Wide value) {
  std::string out;
  do out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
  while ((value /= 10) > 0);
  return out;
}

// --- account

void write_existence(output::wire::ChainExistence::Builder out, const chain::ExistenceProof& proof) {
  out.setKey(data_of(proof.key));
  out.setValue(data_of(proof.value));
  constexpr std::pair<const char*, const char*> kLeaf[] = {{"hash", "SHA256"},
                                                           {"prehash_key", "SHA256"},
                                                           {"prehash_value", "SHA256"},
                                                           {"length", "NO_PREFIX"},
                                                           {"prefix", "00"}};
  auto leaf = out.initLeaf().initEntries(std::size(kLeaf));
  for (unsigned i = 0; i < leaf.size(); ++i) {
    leaf[i].setName(kLeaf[i].first);
    leaf[i].getValue().setText(kLeaf[i].second);
  }
  auto path = out.initPath(size32(proof.path));
  for (unsigned i = 0; i < path.size(); ++i) {
    path[i].setPrefix(data_of(proof.path[i].prefix));
    path[i].setSuffix(data_of(proof.path[i].suffix));
    path[i].setHash("SHA256");
  }
}

chain::ExistenceProof read_existence(state_wire::Existence::Reader from) {
  const auto bytes = [](capnp::Data::Reader data) { return base::Bytes(data.begin(), data.end()); };
  chain::ExistenceProof out{bytes(from.getKey()), bytes(from.getValue()), {}};
  for (const auto step : from.getPath()) out.path.push_back({bytes(step.getPrefix()), bytes(step.getSuffix())});
  return out;
}

/// An account as a node reports it, decoded.
struct SeenAccount {
  wallet::Address address;
  chain::Account account;
  std::uint64_t height = 0, next_nonce = 0;
  base::Digest root{};
  base::Bytes header{};  ///< empty, like the proof: no proof was requested
  chain::TreeProof proof{};
};

base::Result<SeenAccount, Failure> read_account_of(const wallet::Address& address,
                                                   state_wire::ChainAccount::Reader is) {
  const auto account = read_chain_account(is.getAccount());
  if (!account) return odd_answer("an amount is 2^63 or more");
  SeenAccount out{address, *account, is.getHeight(), is.getNextNonce()};
  const auto header = bytes_of(is.getHeader());
  if (header.empty()) return out;
  const auto root = base::Digest::from(bytes_of(is.getRoot()));
  if (!root) return odd_answer("a root is not 32 bytes long");
  out.root = *root;
  out.header.assign(header.begin(), header.end());
  if (is.hasExist()) out.proof.exist = read_existence(is.getExist());
  if (is.hasNonexist()) {
    const auto none = is.getNonexist();
    const auto key = bytes_of(none.getKey());
    out.proof.nonexist = chain::NonexistenceProof{{key.begin(), key.end()}, {}, {}};
    if (none.hasLeft()) out.proof.nonexist->left = read_existence(none.getLeft());
    if (none.hasRight()) out.proof.nonexist->right = read_existence(none.getRight());
  }
  return out;
}

/// Whether header and proof confirm what the node reports about the address.
bool is_proven(const SeenAccount& seen) {
  const auto header = chain::parse_header(seen.header);
  if (!header || header->state != seen.root || header->height.value != seen.height + 1) return false;
  const base::Bytes key = chain::account_key(seen.address);
  if (const auto& exist = seen.proof.exist)
    return exist->key == key && chain::parse_account(exist->value) == seen.account && proves(*exist, seen.root);
  const auto& none = seen.proof.nonexist;
  return none && none->key == key && seen.account == chain::Account() && proves(*none, seen.root);
}

template <class Builder>
void write_fields(Builder out, std::uint64_t height, const chain::Account& account) {
  out.setHeight(height);
  out.setBalance(account.balance.text());
  out.setNonce(account.nonce.value);
  out.setStaked(account.staked.text());
  out.setUnbonding(account.unbonding.text());
  out.setRewards(account.rewards.text());
}

/// Fills the fields with the same names at two places of the output.
template <class Builder>
void write_proof(Builder out, const SeenAccount& seen) {
  out.setRoot(data(seen.root.view()));
  out.setHeader(data_of(seen.header));
  if (seen.proof.exist) write_existence(out.initExist(), *seen.proof.exist);
  if (const auto& proof = seen.proof.nonexist) {
    auto none = out.initNonexist();
    none.setKey(data_of(proof->key));
    if (proof->left) write_existence(none.initLeft(), *proof->left);
    if (proof->right) write_existence(none.initRight(), *proof->right);
  }
}

void print_account_json(std::ostream& out, const SeenAccount& seen) {
  JsonLine<output::wire::ChainAccount> line;
  line->setAddress(text(seen.address));
  write_fields(*line, seen.height, seen.account);
  line->setNextNonce(seen.next_nonce);
  const auto faucet = seen.account.faucet.count();
  if (faucet > 0) line->getFaucetTime().setValue(static_cast<std::uint64_t>(faucet));
  if (!seen.header.empty()) {
    write_fields(line->initAccount(), seen.height, seen.account);
    write_proof(*line, seen);
    write_proof(line->initProof(), seen);
  }
  line.print(out);
}

void print_account_text(std::ostream& out, const SeenAccount& seen) {
  const chain::Account& account = seen.account;
  out << "account     " << text(seen.address) << "\nheight      " << seen.height << "\nbalance     "
      << account.balance.text() << "\nnonce       " << account.nonce.value;
  if (seen.next_nonce > account.nonce.value) out << "; " << seen.next_nonce << " after the waiting transactions";
  out << "\nstaked      " << account.staked.text() << "\nunbonding   " << account.unbonding.text() << "\nrewards     "
      << account.rewards.text() << '\n';
  if (!seen.header.empty())
    out << "proof       " << (seen.proof.exist ? "it is in the state with root " : "it is not in the state with root ")
        << seen.root.hex() << ", which block " << seen.height + 1 << " names; --json prints it\n";
}

// --- accounts

class Sums {
 public:
  void add(const chain::Account& account) {
    ++count_;
    balances_ += account.balance.units();
    staked_ += account.staked.units();
    unbonding_ += account.unbonding.units();
    rewards_ += account.rewards.units();
  }
  void add(const chain::Totals& totals) { totals_ = totals; }
  bool exact() const {
    return totals_ &&
           balances_ + staked_ + unbonding_ + rewards_ + totals_->faucet_pot.units() == totals_->supply.units();
  }
  void print(const Invocation& invocation, Console& console, std::uint64_t height) const {
    const chain::Totals totals = totals_.value_or(chain::Totals());
    if (!invocation.globals.json) {
      console.out << count_ << " accounts at height " << height << ": balances " << wide_text(balances_) << ", staked "
                  << wide_text(staked_) << ", unbonding " << wide_text(unbonding_) << ", rewards "
                  << wide_text(rewards_) << ", pots " << totals.faucet_pot.text() << "; supply " << totals.supply.text()
                  << '\n';
      return;
    }
    JsonLine<output::wire::ChainAccountsSum> line;
    line->setSummary(true);
    line->setAccounts(count_);
    line->setBalances(wide_text(balances_));
    line->setStaked(wide_text(staked_));
    line->setUnbonding(wide_text(unbonding_));
    line->setRewards(wide_text(rewards_));
    line->setPots(totals.faucet_pot.text());
    line->setSupply(totals.supply.text());
    line->setHeight(height);
    line.print(console.out);
  }

 private:
  std::uint64_t count_ = 0;
  wallet::Wide balances_ = 0, staked_ = 0, unbonding_ = 0, rewards_ = 0;
  std::optional<chain::Totals> totals_;
};

void print_row(const Invocation& invocation, Console& console, const wallet::Address& address,
               const chain::Account& account) {
  if (!invocation.globals.json) {
    console.out << text(address) << ' ' << account.balance.text() << ' ' << account.staked.text() << ' '
                << account.unbonding.text() << ' ' << account.rewards.text() << '\n';
    return;
  }
  JsonLine<output::wire::ChainAccountRow> line;
  line->setAddress(text(address));
  line->setBalance(account.balance.text());
  line->setStaked(account.staked.text());
  line->setUnbonding(account.unbonding.text());
  line->setRewards(account.rewards.text());
  line.print(console.out);
}

}  // namespace

Ending chain_account(const Invocation& invocation, Console& console) {
  const auto address = account_typed(console, *invocation.text("NAME|ADDRESS"), "troupe help chain account");
  if (!address.ok()) return address.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const bool proof = invocation.has("--proof");
  std::optional<Client::Awaited> awaited;
  if (proof) awaited.emplace(*client.value(), "the next block, whose header the proof needs");
  auto answer = ask_chain<state_wire::GetChainAccount, state_wire::ChainAccount>(
      *client.value(),
      [&](state_wire::GetChainAccount::Builder out) {
        out.setAddress(data_of(address.value().view()));
        out.setProof(proof);
        out.setWaitMs(kProofWaitMs);
      },
      proof ? kChainAnswer + std::chrono::milliseconds(kProofWaitMs) : base::Duration(kChainAnswer));
  if (!answer.ok()) return answer.error();
  const auto seen = read_account_of(address.value(), answer.value().root());
  if (!seen.ok()) return seen.error();
  if (proof && !is_proven(seen.value()))
    return Failure{
        {Code::corrupt, "the node's proof does not confirm what the node reports about " + text(address.value())},
        "nothing was printed",
        "again, at another node"};
  if (invocation.globals.json) print_account_json(console.out, seen.value());
  else print_account_text(console.out, seen.value());
  return Exit::done;
}

Ending chain_accounts(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  std::map<wallet::Address, chain::Account> accounts;  // the tree has them in the order of their hashes
  Sums sums;
  const auto height =
      walk_state(*client.value(), invocation.number("--at").value_or(0),
                 [&](base::ByteView key, base::ByteView value) -> Client::Outcome<void> {
                   if (key.size() == 1 && key.front() == static_cast<std::uint8_t>(chain::StateKind::totals)) {
                     const auto totals = chain::parse_totals(value);
                     if (!totals) return odd_answer("a leaf of the state is malformed");
                     sums.add(*totals);
                   }
                   const auto leaf = account_in(key, value);
                   if (!leaf.ok()) return leaf.error();
                   if (!leaf.value()) return {};
                   if (accounts.size() == kAccountsMax) return odd_answer("it has more than 10,000,000 accounts");
                   if (accounts.emplace(leaf.value()->address, leaf.value()->account).second)
                     sums.add(leaf.value()->account);
                   return {};
                 });
  if (!height.ok()) return height.error();
  if (!invocation.globals.json) console.out << "ACCOUNT BALANCE STAKED UNBONDING REWARDS\n";
  for (const auto& [address, account] : accounts) print_row(invocation, console, address, account);
  sums.print(invocation, console, height.value());
  if (sums.exact()) return Exit::done;
  return Failure{{Code::corrupt, "the sum of balances, stakes and pots differs from the supply"},
                 "the state was read, and not changed",
                 "troupe chain verify"};
}

Ending chain_state(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto height = walk_state(*client.value(), invocation.number("--at").value_or(0),
                                 [&](base::ByteView key, base::ByteView value) -> Client::Outcome<void> {
                                   if (invocation.globals.json) {
                                     JsonLine<output::wire::ChainLeaf> line;
                                     line->setKey(data(key));
                                     line->setValue(data(value));
                                     line.print(console.out);
                                   } else {
                                     console.out << base::hex(key) << ' ' << base::hex(value) << '\n';
                                   }
                                   return {};
                                 });
  if (!height.ok()) return height.error();
  return Exit::done;
}

}  // namespace troupe::apps
