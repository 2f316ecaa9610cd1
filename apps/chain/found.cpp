// troupe chain found | genesis | sign
#include <algorithm>
#include <filesystem>

#include "apps/chain/chain.hpp"
#include "apps/chain/founding.hpp"
#include "apps/chain/own_directory.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/host/data_directory.hpp"
#include "apps/host/settings.hpp"
#include "apps/wallet/book.hpp"
#include "messages/codec.hpp"
#include "messages/output/chain.capnp.h"
#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/config/known.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::apps {
namespace {

using namespace chains;
using namespace wallets;
using base::Code;
using chain::Param;
using chain::SignedGenesis;

constexpr const char* kFoundHelp = "troupe help chain found";
constexpr const char* kGenesisHelp = "troupe help chain genesis";
constexpr const char* kSignHelp = "troupe help chain sign";
constexpr std::size_t kFoundingBytesMax = 1'024;  // our choice: a founder's file has about 200

struct NodeKeys {
  crypto::Identity identity;
  crypto::SecretKey consensus;
};

/// Returns the keys of the directory's node; creates missing keys. Takes the directory's lock only for a new identity,
/// so the node of an existing identity may be running.
base::Result<NodeKeys, Failure> keys_of(const std::string& path, unsigned work_bits) {
  os::Chance chance;
  auto disk = open_here(path);
  if (!disk.ok()) return disk.error();
  std::optional<DataDirectory> held;
  if (disk.value()->size(crypto::kIdentityFile).ok()) {
    work_bits = 0;  // the starting node checks its proof of work
  } else {
    auto made = open_data_directory(path);
    if (!made.ok()) return made.error();
    held = std::move(made).value();
  }
  auto identity = crypto::load_or_make(*disk.value(), chance, work_bits);
  if (!identity.ok()) return cannot_use_directory(path, identity.error());
  auto consensus = load_or_make_consensus_key(*disk.value(), chance);
  if (!consensus.ok()) return cannot_use_directory(path, consensus.error());
  return NodeKeys{std::move(identity).value(), std::move(consensus).value()};
}

/// Returns the address of a wallet with one key.
base::Result<wallet::Address, Failure> founder_address(const Invocation& invocation, const Console& console) {
  const auto name = name_of(*invocation.text("NAME"));
  if (!name.ok()) return name.error();
  const auto directory = Directory::open(console);
  if (!directory.ok()) return directory.error();
  const auto policy = directory.value().find_policy(name.value());
  if (!policy.ok()) return policy.error();
  if (policy.value())
    return Failure{
        {Code::refused, "the account " + name.value() + " has several signers; a founder's account needs one key"},
        "nothing was done",
        "troupe wallet new NAME"};
  const auto chosen = directory.value().choose(name.value());
  if (!chosen.ok()) return chosen.error();
  return chosen.value().keystore.address();
}

base::Result<chain::Parameters, Failure> parameters_typed(const Invocation& invocation) {
  chain::Parameters out;
  for (const std::string& pair : invocation.all("--set")) {
    const auto equals = pair.find('=');
    const std::string shown = base::shortened(pair, 80);
    if (equals == std::string::npos) return usage_failure("--set needs PARAM=V, got \"" + shown + '"', kGenesisHelp);
    const auto param = chain::param_named(std::string_view(pair).substr(0, equals));
    if (!param) return usage_failure("a chain has no parameter of this name: \"" + shown + '"', kGenesisHelp);
    const chain::ParamInfo& about = chain::info(*param);
    const auto value = config::parse_count(std::string_view(pair).substr(equals + 1));
    if (!value || !out.set(*param, *value))
      return usage_failure(std::string(about.name) + " must be a whole number from " + std::to_string(about.min) +
                               " to " + std::to_string(about.max) + ", got \"" + shown + '"',
                           kGenesisHelp);
  }
  return out;
}

const char* explained(chain::GenesisError error) {
  switch (error) {
    case chain::GenesisError::name: return "invalid name: a chain's name has 1 to 32 of a-z, 0-9 and -";
    case chain::GenesisError::time: return "the clock of this machine shows a time before 1970 or after 2242";
    case chain::GenesisError::founders:
      return "invalid founders: expected 1 to 256, each a different node with its own keys";
    case chain::GenesisError::balances: return "a genesis has at most 10,000 balances";
    case chain::GenesisError::supply: return "stakes, balances and the faucet's pot add up to 2^63 or more";
    case chain::GenesisError::malformed: break;
  }
  return "it is malformed";
}

/// Returns the name of the keystore of an address, or nullopt if the caller has none.
base::Result<std::optional<std::string>, Failure> wallet_of(const Console& console, const wallet::Address& address) {
  using Found = std::optional<std::string>;
  const auto directory = Directory::open(console);
  if (!directory.ok()) return directory.error();
  const auto names = directory.value().names();
  if (!names.ok()) return names.error();
  for (const std::string& name : names.value()) {
    const auto one = directory.value().find(name);
    // A damaged wallet with another name does not block this wallet.
    if (one.ok() && one.value() && one.value()->address() == address) return Found(name);
  }
  return Found(std::nullopt);
}

Ending print_signed(const Invocation& invocation, Console& console, const SignedGenesis& genesis) {
  const std::size_t of = genesis.genesis().founders.size(), have = genesis.signatures().size();
  if (invocation.globals.json) {
    JsonLine<output::wire::ChainSigned> line;
    line->setChain(data(id_of(genesis.genesis()).view()));
    line->setSigned(static_cast<std::uint32_t>(have));
    line->setFounders(static_cast<std::uint32_t>(of));
    line->setFounded(genesis.founded());
    line.print(console.out);
    return Exit::done;
  }
  console.out << id_of(genesis.genesis()).hex() << '\n';
  console.err << have << " of " << of << " founders have signed, with "
              << (genesis.founded() ? "more than 2/3 of the stake: nodes accept it\n"
                                    : "2/3 of the stake or less: nodes do not accept it yet\n");
  return Exit::done;
}

Failure no_founder(const std::string& what) {
  return {{Code::refused, what}, "nothing was signed", kSignHelp, Exit::refused};
}

/// Returns the founder's data in the file to be written, or nullopt if there is none.
std::optional<chain::Founding> founding_there(const std::string& file) {
  std::error_code unseen;
  if (!std::filesystem::is_regular_file(file, unseen)) return std::nullopt;
  const auto bytes = bytes_in(file, kFoundingBytesMax);
  return bytes.ok() ? chain::parse_founding(bytes.value()) : std::nullopt;
}

/// Returns the genesis in the file to be written, or nullopt if there is none.
std::optional<SignedGenesis> genesis_there(const std::string& file) {
  std::error_code unseen;
  if (!std::filesystem::is_regular_file(file, unseen)) return std::nullopt;
  auto read = genesis_in(file);
  if (!read.ok()) return std::nullopt;
  return std::move(read).value();
}

/// Returns the failure if two founder's files cannot be used for one chain: they are from one node.
std::optional<Failure> of_one_node(const std::vector<chain::Founding>& foundings,
                                   const std::vector<std::string>& paths) {
  for (std::size_t i = 0; i < foundings.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (foundings[i].founder.node_key == foundings[k].founder.node_key)
        return usage_failure(paths[k] + " and " + paths[i] +
                                 " are from one node: each founder is a different node, with its own directory",
                             "troupe chain found NAME --stake AMOUNT --data DIR -o " + shell_word(paths[i]));
  return std::nullopt;
}

/// Whether they differ only in their time.
bool same_but_time(chain::Genesis one, const chain::Genesis& other) {
  one.time = other.time;
  return one == other;
}

Ending print_genesis(const Invocation& invocation, Console& console, const std::string& file,
                     const chain::Genesis& genesis) {
  const auto supply = supply_of(genesis);
  const auto id = id_of(genesis);
  if (!invocation.globals.json) {
    console.out << "chain   " << id.hex() << "\nsupply  " << supply.text() << '\n';
    if (genesis.balances.empty() && genesis.purpose == chain::Purpose::real)
      console.err << "nobody could pay a fee on it: all its money is staked, and it has no faucet; give `chain found` "
                     "--balance, or `chain genesis` --test\n";
    return Exit::done;
  }
  JsonLine<output::wire::ChainGenesis> line;
  line->setChain(data(id.view()));
  line->setName(genesis.name);
  line->setSupply(supply.text());
  line->setFounders(size32(genesis.founders));
  line->setFile(file);
  line.print(console.out);
  return Exit::done;
}

}  // namespace

Ending chain_found(const Invocation& invocation, Console& console) {
  const auto file = invocation.text("-o");
  if (!file) return usage_failure("give the file to write with -o", kFoundHelp);
  if (!invocation.has("--stake")) return usage_failure("give the validator's stake with --stake", kFoundHelp);
  const auto stake = amount_typed(*invocation.text("--stake"), kFoundHelp);
  if (!stake.ok()) return stake.error();
  wallet::Amount balance;
  if (const auto typed = invocation.text("--balance")) {
    const auto amount = amount_typed(*typed, kFoundHelp);
    if (!amount.ok()) return amount.error();
    balance = amount.value();
  }
  const auto path = directory_of(invocation, console);
  if (!path.ok()) return path.error();
  const auto settings = load_settings(invocation, console, {});
  if (!settings.ok()) return settings.error();
  const auto address = founder_address(invocation, console);
  if (!address.ok()) return address.error();
  const auto keys = keys_of(path.value(), static_cast<unsigned>(settings.value().get(config::kIdentityWorkBits)));
  if (!keys.ok()) return keys.error();
  const crypto::Identity& node = keys.value().identity;
  const chain::Founding founding{
      {node.public_key(), node.nonce(), keys.value().consensus.public_key(), address.value(), stake.value()}, balance};
  if (const auto there = founding_there(*file); there && there->founder.node_key != node.public_key())
    return Failure{{Code::conflict, *file + " is the file of another founder, node " + there->founder.node().hex()},
                   "it was left as it is",
                   "write another file with -o"};
  if (const auto written = write_file(*file, encode(founding)); !written.ok()) return written.error();
  if (!invocation.globals.json) {
    console.out << node.id().hex() << '\n';
    return Exit::done;
  }
  JsonLine<output::wire::ChainFounding> line;
  line->setValidator(data(node.id().view()));
  line->setOperator(text(address.value()));
  line->setStake(stake.value().text());
  line->setBalance(balance.text());
  line->setConsensusKey(data(keys.value().consensus.public_key().view()));
  line->setFile(*file);
  line.print(console.out);
  return Exit::done;
}

Ending chain_genesis(const Invocation& invocation, Console& console) {
  const auto file = invocation.text("-o");
  if (!file) return usage_failure("give the file to write with -o", kGenesisHelp);
  const auto parameters = parameters_typed(invocation);
  if (!parameters.ok()) return parameters.error();
  const auto& paths = invocation.all("F");
  if (paths.size() > chain::kFoundersMax)
    return usage_failure("invalid founders: expected 1 to 256 files", kGenesisHelp);
  std::vector<chain::Founding> foundings;
  for (const std::string& path : paths) {
    const auto bytes = bytes_in(path, kFoundingBytesMax);
    if (!bytes.ok()) return bytes.error();
    const auto one = chain::parse_founding(bytes.value());
    if (!one) return usage_failure(path + " was not written by `chain found`", kFoundHelp);
    foundings.push_back(*one);
  }
  if (auto twice = of_one_node(foundings, paths)) return std::move(*twice);
  const auto purpose = invocation.has("--test") ? chain::Purpose::test : chain::Purpose::real;
  auto genesis = chain::found(*invocation.text("CHAIN"), chain::UnixMs(static_cast<std::int64_t>(unix_now().count())),
                              purpose, parameters.value(), foundings);
  if (!genesis.ok()) return usage_failure(std::string("invalid genesis: ") + explained(genesis.error()), kGenesisHelp);
  if (const auto there = genesis_there(*file)) {
    // A genesis that was signed or handed on keeps its time: a new time would make another chain.
    if (same_but_time(genesis.value(), there->genesis()))
      return print_genesis(invocation, console, *file, there->genesis());
    if (!there->signatures().empty())
      return Failure{{Code::conflict, *file + " contains a different genesis, of chain " + there->genesis().name + ' ' +
                                          id_of(there->genesis()).hex() + ", with " +
                                          std::to_string(there->signatures().size()) + " signatures"},
                     "it was left as it is",
                     "write another file with -o, or remove " + shell_word(*file) + " if its signatures are not needed",
                     Exit::refused};
  }
  const SignedGenesis unsigned_yet(std::move(genesis).value());
  if (const auto written = write_file(*file, unsigned_yet.encode()); !written.ok()) return written.error();
  return print_genesis(invocation, console, *file, unsigned_yet.genesis());
}

Ending chain_sign(const Invocation& invocation, Console& console) {
  const std::string file = *invocation.text("FILE");
  if (auto fork = fork_in(file)) return sign_fork(invocation, console, file, std::move(*fork));
  auto read = genesis_in(file);
  if (!read.ok()) return read.error();
  SignedGenesis& genesis = read.value();
  const auto path = directory_of(invocation, console);
  if (!path.ok()) return path.error();
  std::error_code unseen;
  if (!std::filesystem::exists(path.value() + '/' + std::string(crypto::kIdentityFile), unseen))
    return no_founder("there is no node in " + path.value() + ": its node is not a founder");
  const auto disk = open_here(path.value());
  if (!disk.ok()) return disk.error();
  os::Chance chance;
  const auto identity = crypto::load_or_make(*disk.value(), chance, 0);
  if (!identity.ok()) return cannot_use_directory(path.value(), identity.error());
  const base::NodeId node = identity.value().id();
  const auto& founders = genesis.genesis().founders;
  const auto founder = std::ranges::find(founders, node, &chain::Founder::node);
  if (founder == founders.end()) return no_founder("the node " + node.hex() + " is not a founder in " + file);
  if (genesis.signatures().contains(node)) return print_signed(invocation, console, genesis);
  const auto consensus = load_consensus_key(*disk.value());
  if (!consensus.ok()) return cannot_use_directory(path.value(), consensus.error());
  if (!consensus.value() || consensus.value()->public_key() != founder->consensus_key)
    return no_founder("the consensus key in " + path.value() + "/validator is not the key that the genesis names");
  const auto name = wallet_of(console, founder->address);
  if (!name.ok()) return name.error();
  if (!name.value()) return no_founder("the wallet of " + text(founder->address) + " is not here");
  const auto signer = open_signer(invocation, console, name.value());
  if (!signer.ok()) return signer.error();
  const base::Bytes message = chain::signed_bytes(genesis.genesis());
  const bool taken = genesis.sign(node, {consensus.value()->sign(message),
                                         identity.value().key().sign(message),
                                         {signer.value().policy, {signer.value().approve(message)}}});
  base::ensure(taken, "the three keys belong to the founder");
  if (const auto written = write_file(file, genesis.encode()); !written.ok()) return written.error();
  return print_signed(invocation, console, genesis);
}

}  // namespace troupe::apps
