#pragma once
// What a data directory keeps of the ledger: the key with which its node votes, the genesis that its node follows, and
// the statements by which its chain may go on.
//
// Files   validator: the seed of the consensus key (Ed25519), 64 hexadecimal digits and the end of the line.
//         chain: the bytes of a SignedGenesis (actors/chain/logic/genesis.hpp), at most kGenesisBytesMax.
//         forks: the ForkPledges of the consensus key (actors/chain/logic/fork.hpp).
// Key     one of its own, so that it can be moved, and replaced, without the node's identity. It is made where it is
//         needed first, and never replaced: two nodes, or two keys, that vote for one validator are evidence against
//         it.
// Dev     a chain of one founder, this node, whose money belongs to the key of the node itself.
#include <optional>
#include <string>

#include "actors/chain/logic/fork.hpp"
#include "actors/chain/logic/genesis.hpp"
#include "apps/host/data_directory.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::apps::chains {

inline constexpr std::string_view kChainFile = "chain";
inline constexpr std::string_view kChainIdFile = "chain.id";  // hexadecimal, and the end of the line
inline constexpr std::size_t kChainIdBytes = 2 * 32 + 1;
inline constexpr std::string_view kValidatorFile = "validator";
inline constexpr std::string_view kForksFile = "forks";
inline constexpr std::size_t kValidatorBytes = 2 * 32 + 1;
inline constexpr const char* kDev = "dev";             // of --chain, and the name of the chain
inline constexpr std::uint64_t kDevStake = 1'000'000;  // our choice: alone it decides, however much it is

/// Nothing if there is no file. Errors: `corrupt`; the device's.
base::Outcome<std::optional<crypto::SecretKey>> load_consensus_key(ports::Disk& disk);
/// Makes the key where there is none; it is durable before this returns. Also `unavailable`: another process makes it.
base::Outcome<crypto::SecretKey> load_or_make_consensus_key(ports::Disk& disk, ports::Chance& chance);

/// Binds the consensus key of a directory to a statement: durable before this returns. Errors: `refused`: it is bound
/// to another one of that fork, which the message names; `corrupt`; `unavailable`: another process does the same; the
/// device's. Then nothing has changed.
base::Outcome<void> pledge_fork(ports::Disk& disk, const chain::ForkStatement& statement);

/// A file as `chain genesis` writes it. Fails with usage.
base::Result<chain::SignedGenesis, Failure> genesis_in(const std::string& path);
/// A file of the caller; its size is looked at before it is read. Fails with usage.
base::Result<base::Bytes, Failure> bytes_in(const std::string& path, std::size_t bytes_max);

/// What `--chain` says.
struct ChainTyped {
  std::optional<chain::SignedGenesis> genesis;  ///< none: dev
};
/// Fails with usage, also for a genesis that too few have signed.
base::Result<ChainTyped, Failure> chain_typed(const std::string& typed);

/// The two files as they are once the node has its chain; both none: it has no chain, and votes in none.
struct KeptFiles {
  std::optional<base::Bytes> chain;
  std::optional<base::Bytes> validator;
  bool lacks_key = false;  ///< the genesis names another consensus key for this node than the directory has

  KeptFiles() = default;
  KeptFiles(KeptFiles&&) = default;
  KeptFiles& operator=(KeptFiles&&) = default;
  ~KeptFiles();  // wipes the seed
};
/// Finds the chain of a node, makes that of `dev`, and remembers it: durable before this returns. The caller holds the
/// lock of the directory. Fails with usage if the directory, `path`, remembers another one.
base::Result<KeptFiles, Failure> settle_chain(ports::Disk& disk, const std::string& path,
                                              const crypto::Identity& identity, std::optional<ChainTyped> typed,
                                              chain::UnixMs now, ports::Chance& chance);

}  // namespace troupe::apps::chains
