#pragma once
// Block 0: what a chain begins with, and the signatures of those who begin it.
//
// Bytes   canonical Cap'n Proto of `Genesis` and `SignedGenesis` in messages/chain.capnp. The chain's id is the SHA-256
//         of the Genesis, and so is the id of block 0.
// Signed  "troupe genesis v1" || chain || fork 0, by the three keys of a founder: that of consensus, that of the node,
//         and the wallet. A chain counts as founded once founders with more than 2/3 of the stake have signed.
// Supply  all stakes and balances and the faucet's pot, which is 0 unless the chain is one for tests. Below 2^63.
// Limits  kFoundersMax, kBalancesMax, kGenesisBytesMax.
#include <map>

#include "actors/chain/logic/authority.hpp"
#include "actors/chain/logic/parameters.hpp"

namespace troupe::chain {

inline constexpr std::uint16_t kGenesisVersion = 1;
inline constexpr std::size_t kChainNameMax = 32;
inline constexpr std::size_t kFoundersMax = 256;
inline constexpr std::size_t kBalancesMax = 10'000;           // our choice: more money is sent, not founded
inline constexpr std::size_t kGenesisBytesMax = 1024 * 1024;  // 256 x 144 and 10,000 x 48 bytes, and signatures

/// A validator from the beginning. Its stake is its power.
struct Founder {
  base::PublicKey node_key;
  std::uint32_t node_nonce = 0;
  base::PublicKey consensus_key;
  wallet::Address address;
  wallet::Amount stake;  ///< at least 1

  base::NodeId node() const;
  friend bool operator==(const Founder&, const Founder&) = default;
};

/// What a founder hands to the one who writes the genesis.
struct Founding {
  Founder founder;
  wallet::Amount balance;
  friend bool operator==(const Founding&, const Founding&) = default;
};
base::Bytes encode(const Founding& founding);
std::optional<Founding> parse_founding(base::ByteView bytes);

enum class Purpose : std::uint8_t {
  real,
  test,  ///< has a faucet
};

struct Genesis {
  std::string name;  ///< a-z, 0-9 and -
  UnixMs time{};
  Purpose purpose = Purpose::real;
  Parameters parameters;
  std::vector<Founder> founders;                       ///< by rising id of the node
  std::map<wallet::Address, wallet::Amount> balances;  ///< each at least 1
  friend bool operator==(const Genesis&, const Genesis&) = default;
};

enum class GenesisError : std::uint8_t {
  malformed,  ///< not the one encoding of a genesis
  name,       ///< no name of a chain
  time,       ///< not from 0 to kBlockTimeMax (header.hpp)
  founders,   ///< none, too many, not in order, a key twice, or one without stake
  balances,   ///< too many, or one of 0
  supply,     ///< 2^63 or more
};

std::optional<GenesisError> flaw(const Genesis& genesis);
/// Of a genesis without a flaw.
wallet::Amount supply_of(const Genesis& genesis);

/// The genesis of these founders; several foundings of one address add up. Errors: a flaw.
base::Result<Genesis, GenesisError> found(std::string name, UnixMs time, Purpose purpose, const Parameters& parameters,
                                          const std::vector<Founding>& foundings);

base::Bytes encode(const Genesis& genesis);
base::Result<Genesis, GenesisError> parse_genesis(base::ByteView bytes);
ChainId id_of(const Genesis& genesis);

struct GenesisSignature {
  crypto::Signature consensus;
  crypto::Signature node;
  Authority wallet;
  friend bool operator==(const GenesisSignature&, const GenesisSignature&) = default;
};

/// What the three keys sign.
base::Bytes signed_bytes(const Genesis& genesis);
/// Whether all three are of this founder.
bool verify(const Genesis& genesis, const Founder& founder, const GenesisSignature& signature);

/// A genesis with the signatures that it has so far, all of which are valid.
class SignedGenesis {
 public:
  explicit SignedGenesis(Genesis genesis) : genesis_(std::move(genesis)), message_(signed_bytes(genesis_)) {}

  /// False if it is not the signature of a founder with this node. Again: the first one stays, also where others of the
  /// wallet's signers approved, so that the file of the same signers is the same.
  bool sign(const base::NodeId& node, GenesisSignature signature);
  /// Whether over 2/3 of the stake has signed.
  bool founded() const;

  const Genesis& genesis() const { return genesis_; }
  const std::map<base::NodeId, GenesisSignature>& signatures() const { return signatures_; }

  base::Bytes encode() const;
  /// Errors: those of the genesis; `malformed` also for a signature that is not valid.
  static base::Result<SignedGenesis, GenesisError> parse(base::ByteView bytes);

 private:
  Genesis genesis_;
  base::Bytes message_;  // what all sign: a genesis may have 1 MiB, which is hashed once
  std::map<base::NodeId, GenesisSignature> signatures_;
};

}  // namespace troupe::chain
