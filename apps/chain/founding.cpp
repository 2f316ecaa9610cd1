#include "apps/chain/founding.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "apps/cli/shell_word.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps::chains {
namespace {

using base::Code;
using chain::SignedGenesis;
using ports::DiskError;

constexpr const char* kValidatorLock = "validator.lock";  // held while the key is created
constexpr const char* kForksLock = "forks.lock";          // held while a statement is added
constexpr const char* kChainHelp = "troupe help chain genesis";

base::Error file_error(const std::string& doing, std::string_view name, DiskError why) {
  const Code code = why == DiskError::no_space ? Code::no_space
                    : why == DiskError::denied ? Code::refused
                                               : Code::internal;
  return {code, doing + ' ' + std::string(name) + ": " + std::string(ports::name(why))};
}

/// Reads digits and a line end, and nothing else.
std::optional<crypto::SecretKey> key_in(base::ByteView file) {
  crypto::Seed seed;
  if (file.size() != kValidatorBytes || file.back() != '\n') return std::nullopt;
  if (!base::parse_hex(base::as_text(file.first(file.size() - 1)), seed.bytes)) return std::nullopt;
  return crypto::SecretKey(seed);
}

base::Bytes file_of(const crypto::SecretKey& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  crypto::Seed seed;
  key.copy_seed(seed);
  base::Bytes out;
  out.reserve(kValidatorBytes);  // the exact size, so that growth leaves no unwiped copy in memory
  for (const std::uint8_t byte : seed.bytes) {
    out.push_back(static_cast<std::uint8_t>(kDigits[byte >> 4]));
    out.push_back(static_cast<std::uint8_t>(kDigits[byte & 15]));
  }
  out.push_back('\n');
  return out;
}

Failure kept_badly(const std::string& path, const base::Error& why) {
  return {{why.code, "cannot use the chain of " + path + ": " + why.message}, "nothing was started", "", Exit::failed};
}

bool is_dev_of(const chain::Genesis& genesis, const crypto::Identity& identity) {
  return genesis.name == kDev && genesis.purpose == chain::Purpose::test && genesis.founders.size() == 1 &&
         genesis.founders.front().node_key == identity.public_key() &&
         genesis.founders.front().address == wallet::address_of(identity.public_key());
}

SignedGenesis dev_chain(const crypto::Identity& identity, const crypto::SecretKey& consensus, chain::UnixMs now) {
  const chain::Founding founding{{identity.public_key(), identity.nonce(), consensus.public_key(),
                                  wallet::address_of(identity.public_key()), wallet::Amount::of(kDevStake)},
                                 {}};
  auto genesis = chain::found(kDev, now, chain::Purpose::test, {}, {founding});
  base::ensure(genesis.ok(), "a dev chain is valid");
  const base::Bytes message = chain::signed_bytes(genesis.value());
  SignedGenesis out(std::move(genesis).value());
  const crypto::Signature by_node = identity.key().sign(message);
  const chain::Authority wallet{wallet::Policy::of_key(identity.public_key()), {{identity.public_key(), by_node}}};
  const bool taken = out.sign(identity.id(), {consensus.sign(message), by_node, wallet});
  base::ensure(taken && out.founded(), "the only founder has signed");
  return out;
}

base::Bytes id_line(const SignedGenesis& genesis) {
  const std::string line = id_of(genesis.genesis()).hex() + '\n';
  return {line.begin(), line.end()};
}

std::string told_id(base::ByteView line) { return base::printable(base::as_text(line).substr(0, kChainIdBytes - 1)); }

/// Returns the genesis that the directory remembers. Its store contains the blocks of that chain.
base::Outcome<std::optional<SignedGenesis>> remembered(ports::Disk& disk) {
  using Found = std::optional<SignedGenesis>;
  const auto bytes = kept_file(disk, kChainFile, chain::kGenesisBytesMax);
  if (!bytes.ok()) return bytes.error();
  const auto id = kept_file(disk, kChainIdFile, kChainIdBytes);
  if (!id.ok()) return id.error();
  if (!bytes.value() && id.value())
    return base::Error{Code::corrupt,
                       "its file `chain` is missing; restore it from a copy, or from another node of the chain " +
                           told_id(*id.value())};
  if (!bytes.value()) return Found(std::nullopt);
  auto genesis = SignedGenesis::parse(*bytes.value());
  if (!genesis.ok() || !genesis.value().founded())
    return base::Error{Code::corrupt, "its file `chain` is not a complete genesis; restore it from a copy"};
  if (id.value() && *id.value() != id_line(genesis.value()))
    return base::Error{Code::corrupt, "its file `chain` does not match its blocks, which belong to chain " +
                                          told_id(*id.value()) + "; restore it from a copy"};
  return Found(std::move(genesis).value());
}

/// Writes the id next to the genesis, so that a missing or different genesis is noticed.
std::optional<base::Error> remember_id(ports::Disk& disk, const SignedGenesis& genesis) {
  const auto id = kept_file(disk, kChainIdFile, kChainIdBytes);
  if (!id.ok()) return id.error();
  if (id.value()) return std::nullopt;
  const auto written = ports::write_durably(disk, kChainIdFile, id_line(genesis));
  if (!written.ok()) return file_error("cannot write", kChainIdFile, written.error());
  return std::nullopt;
}

Failure other_chain(const std::string& path, const SignedGenesis& kept) {
  return {{Code::conflict, "the directory " + path + " has the chain " + kept.genesis().name + ' ' +
                               id_of(kept.genesis()).hex() + ", not the given chain"},
          "nothing was started",
          "use another --data, or leave --chain out",
          Exit::usage};
}

}  // namespace

KeptFiles::~KeptFiles() {
  if (validator) crypto::wipe(*validator);
}

base::Outcome<std::optional<crypto::SecretKey>> load_consensus_key(ports::Disk& disk) {
  using Found = std::optional<crypto::SecretKey>;
  auto bytes = kept_file(disk, kValidatorFile, kValidatorBytes);
  if (!bytes.ok()) return bytes.error();
  if (!bytes.value()) return Found(std::nullopt);
  auto key = key_in(*bytes.value());
  crypto::wipe(*bytes.value());
  if (!key)
    return base::Error{Code::corrupt, "its file `validator` is damaged and was left unchanged: restore it from a copy"};
  return Found(std::move(*key));
}

base::Outcome<crypto::SecretKey> load_or_make_consensus_key(ports::Disk& disk, ports::Chance& chance) {
  auto there = load_consensus_key(disk);
  if (!there.ok()) return there.error();
  if (there.value()) return std::move(*there.value());
  const auto lock = disk.lock(kValidatorLock);
  if (!lock.ok() && lock.error() == DiskError::locked)
    return base::Error{Code::unavailable, "another process is creating this node's consensus key; try again"};
  if (!lock.ok()) return file_error("cannot lock", kValidatorLock, lock.error());
  there = load_consensus_key(disk);  // another process may have created it by this time
  if (!there.ok()) return there.error();
  if (there.value()) return std::move(*there.value());
  crypto::SecretKey key = crypto::SecretKey::generate(chance);
  base::Bytes bytes = file_of(key);
  const auto written = ports::write_durably(disk, kValidatorFile, bytes);
  crypto::wipe(bytes);
  if (!written.ok()) return file_error("cannot write", kValidatorFile, written.error());
  return key;
}

base::Outcome<void> pledge_fork(ports::Disk& disk, const chain::ForkStatement& statement) {
  const auto lock = disk.lock(kForksLock);
  if (!lock.ok() && lock.error() == DiskError::locked)
    return base::Error{Code::unavailable, "another process is signing a statement; try again"};
  if (!lock.ok()) return file_error("cannot lock", kForksLock, lock.error());
  const auto bytes = kept_file(disk, kForksFile, chain::ForkPledges::kBytesMax);
  if (!bytes.ok()) return bytes.error();
  auto pledges = bytes.value() ? chain::ForkPledges::parse(*bytes.value()) : std::optional(chain::ForkPledges());
  if (!pledges) return base::Error{Code::corrupt, "its file `forks` is damaged; restore it from a copy"};
  if (const chain::ForkStatement* before = pledges->against(statement))
    return base::Error{Code::refused, "this key is bound to another statement of fork " +
                                          std::to_string(before->fork.value) + ", that block " + before->block.hex() +
                                          " of height " + std::to_string(before->height.value) +
                                          " stays: it signs no second statement of that fork"};
  const std::size_t known = pledges->all().size();
  if (!pledges->add(statement)) return base::Error{Code::refused, "it is bound to as many forks as a chain may have"};
  if (pledges->all().size() == known) return {};
  const auto written = ports::write_durably(disk, kForksFile, pledges->encode());
  if (!written.ok()) return file_error("cannot write", kForksFile, written.error());
  return {};
}

base::Result<base::Bytes, Failure> bytes_in(const std::string& path, std::size_t bytes_max) {
  std::error_code why;
  if (std::filesystem::is_directory(path, why)) return usage_failure(path + " is a directory", kChainHelp);
  if (why) return usage_failure("cannot read " + path + ": " + why.message(), kChainHelp);
  std::ifstream file(path, std::ios::binary);
  if (!file) return usage_failure("cannot read " + path, kChainHelp);
  base::Bytes bytes(bytes_max + 1);  // one extra byte, to detect a file that is too long
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (file.bad() || (file.fail() && !file.eof())) return usage_failure("cannot read " + path, kChainHelp);
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  if (bytes.size() > bytes_max)
    return usage_failure(path + " is larger than " + std::to_string(bytes_max) + " bytes", kChainHelp);
  return bytes;
}

base::Result<SignedGenesis, Failure> genesis_in(const std::string& path) {
  const auto bytes = bytes_in(path, chain::kGenesisBytesMax);
  if (!bytes.ok()) return bytes.error();
  auto genesis = SignedGenesis::parse(bytes.value());
  if (genesis.ok()) return std::move(genesis).value();
  return usage_failure(
      path + " is not a genesis: it was not written by `chain genesis`, is truncated, or has an invalid signature",
      kChainHelp);
}

base::Result<ChainTyped, Failure> chain_typed(const std::string& typed) {
  if (typed == kDev) return ChainTyped{};
  auto genesis = genesis_in(typed);
  if (!genesis.ok()) return genesis.error();
  if (!genesis.value().founded())
    return usage_failure("the genesis in " + typed + " is not signed by founders with more than 2/3 of its stake",
                         "troupe chain sign " + shell_word(typed) + ", at other founders");
  return ChainTyped{std::move(genesis).value()};
}

base::Result<KeptFiles, Failure> settle_chain(ports::Disk& disk, const std::string& path,
                                              const crypto::Identity& identity, std::optional<ChainTyped> typed,
                                              chain::UnixMs now, ports::Chance& chance) {
  auto kept = remembered(disk);
  if (!kept.ok()) return kept_badly(path, kept.error());
  std::optional<SignedGenesis>& genesis = kept.value();
  if (genesis && typed) {
    const bool same = typed->genesis ? id_of(typed->genesis->genesis()) == id_of(genesis->genesis())
                                     : is_dev_of(genesis->genesis(), identity);
    if (!same) return other_chain(path, *genesis);
  } else if (typed) {
    if (!typed->genesis) {
      const auto consensus = load_or_make_consensus_key(disk, chance);
      if (!consensus.ok()) return kept_badly(path, consensus.error());
      typed->genesis = dev_chain(identity, consensus.value(), now);
    }
    genesis = std::move(typed->genesis);
    const auto written = ports::write_durably(disk, kChainFile, genesis->encode());
    if (!written.ok()) return kept_badly(path, file_error("cannot write", kChainFile, written.error()));
  }
  if (genesis)
    if (const auto failed = remember_id(disk, *genesis)) return kept_badly(path, *failed);
  KeptFiles out;
  auto validator = kept_file(disk, kValidatorFile, kValidatorBytes);
  if (!validator.ok()) return kept_badly(path, validator.error());
  out.validator = std::move(validator.value());
  const auto consensus = load_consensus_key(disk);  // checked here, so that no actor reads a damaged file
  if (!consensus.ok()) return kept_badly(path, consensus.error());
  if (!genesis) return out;
  out.chain = genesis->encode();
  const auto& founders = genesis->genesis().founders;
  const auto self = std::ranges::find(founders, identity.id(), &chain::Founder::node);
  out.lacks_key =
      self != founders.end() && (!consensus.value() || consensus.value()->public_key() != self->consensus_key);
  return out;
}

}  // namespace troupe::apps::chains
