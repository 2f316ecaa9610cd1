#pragma once
// The ledger's files in a data directory: the key with which the node votes, the genesis that the node follows, and the
// statements by which the chain may resume.
//
// Files   validator: the seed of the consensus key (Ed25519), 64 hexadecimal digits and a line end. chain: the bytes of
//         a SignedGenesis (actors/chain/logic/genesis.hpp), at most kGenesisBytesMax. forks: the ForkPledges of the
//         consensus key (actors/chain/logic/fork.hpp).
// Key     the consensus key is not the node's identity, so it can be moved and replaced separately. The program creates
//         it when it is first needed, and never replaces it, because two nodes or two keys that vote for one validator
//         are evidence against it.
// Dev     a chain with one founder, this node, whose money belongs to the node's own key.
#include <optional>
#include <string>

#include "actors/chain/logic/fork.hpp"
#include "actors/chain/logic/genesis.hpp"
#include "apps/host/data_directory.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::apps::chains {

inline constexpr std::string_view kChainFile = "chain";
inline constexpr std::string_view kChainIdFile = "chain.id";  // hexadecimal, and a line end
inline constexpr std::size_t kChainIdBytes = 2 * 32 + 1;
inline constexpr std::string_view kValidatorFile = "validator";
inline constexpr std::string_view kForksFile = "forks";
inline constexpr std::size_t kValidatorBytes = 2 * 32 + 1;
inline constexpr const char* kDev = "dev";             // value of --chain, and the name of the chain
inline constexpr std::uint64_t kDevStake = 1'000'000;  // our choice: any amount, because it is all the stake

/// Returns the consensus key, or nullopt if there is no file. Errors: `corrupt`, and errors of the device.
base::Outcome<std::optional<crypto::SecretKey>> load_consensus_key(ports::Disk& disk);
/// Creates the key if there is none; it is durable when this returns. Also `unavailable` while another process creates
/// it.
base::Outcome<crypto::SecretKey> load_or_make_consensus_key(ports::Disk& disk, ports::Chance& chance);

/// Binds the consensus key of a directory to a statement; durable when this returns. Errors: `refused` if the key is
/// bound to another statement of that fork, which the message names; `corrupt`; `unavailable` while another process
/// does the same; errors of the device. After an error nothing has changed.
base::Outcome<void> pledge_fork(ports::Disk& disk, const chain::ForkStatement& statement);

/// Reads a file that `chain genesis` wrote. Fails with usage.
base::Result<chain::SignedGenesis, Failure> genesis_in(const std::string& path);
/// Reads a file of the caller; checks its size first. Fails with usage.
base::Result<base::Bytes, Failure> bytes_in(const std::string& path, std::size_t bytes_max);

/// The value of `--chain`.
struct ChainTyped {
  std::optional<chain::SignedGenesis> genesis;  ///< nullopt: dev
};
/// Reads the value of `--chain`. Fails with usage, also if too few founders have signed the genesis.
base::Result<ChainTyped, Failure> chain_typed(const std::string& typed);

/// The chain and the consensus key of a node. Both are nullopt if the node has no chain; then it does not vote.
struct KeptFiles {
  std::optional<base::Bytes> chain;
  std::optional<base::Bytes> validator;
  bool lacks_key = false;  ///< the genesis names a consensus key for this node that the directory lacks

  KeptFiles() = default;
  KeptFiles(KeptFiles&&) = default;
  KeptFiles& operator=(KeptFiles&&) = default;
  ~KeptFiles();  // wipes the seed
};
/// Finds the chain of a node, or creates the chain of `dev`, and records it in the directory; durable when this
/// returns. The caller holds the lock of the directory. Fails with usage if the directory `path` already has another
/// chain.
base::Result<KeptFiles, Failure> settle_chain(ports::Disk& disk, const std::string& path,
                                              const crypto::Identity& identity, std::optional<ChainTyped> typed,
                                              chain::UnixMs now, ports::Chance& chance);

}  // namespace troupe::apps::chains
