#pragma once
// Block 0: the initial content of a chain, with the signatures of its founders.
//
// Bytes   canonical Cap'n Proto of `Genesis` and `SignedGenesis` in messages/chain.capnp. The SHA-256 of the Genesis is
//         the id of the chain and of block 0.
// Signed  "troupe genesis v1" || chain || fork 0, by a founder's three keys: consensus key, node key and wallet. A
//         chain is founded once founders with more than 2/3 of the stake have signed.
// Supply  all stakes and balances, and the faucet's pot, which is 0 except on test chains. Below 2^63.
// Limits  kFoundersMax, kBalancesMax, kGenesisBytesMax.
#include <map>

#include "actors/chain/logic/authority.hpp"
#include "actors/chain/logic/parameters.hpp"

namespace troupe::chain {

inline constexpr std::uint16_t kGenesisVersion = 1;
inline constexpr std::size_t kChainNameMax = 32;
inline constexpr std::size_t kFoundersMax = 256;
inline constexpr std::size_t kBalancesMax = 10'000;           // our choice: send more money by transactions
inline constexpr std::size_t kGenesisBytesMax = 1024 * 1024;  // 256 x 144 and 10,000 x 48 bytes, and signatures

/// A validator at genesis. Its stake is its power.
struct Founder {
  base::PublicKey node_key;
  std::uint32_t node_nonce = 0;
  base::PublicKey consensus_key;
  wallet::Address address;
  wallet::Amount stake;  ///< at least 1

  base::NodeId node() const;
  friend bool operator==(const Founder&, const Founder&) = default;
};

/// The data that a founder sends to the author of the genesis: its validator, and the balance of its address.
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
  std::vector<Founder> founders;                       ///< sorted by node id
  std::map<wallet::Address, wallet::Amount> balances;  ///< each at least 1
  friend bool operator==(const Genesis&, const Genesis&) = default;
};

enum class GenesisError : std::uint8_t {
  malformed,  ///< not the canonical encoding of a genesis
  name,       ///< not a valid chain name
  time,       ///< outside 0 to kBlockTimeMax (header.hpp)
  founders,   ///< none, too many, unsorted, a repeated key, or a founder without stake
  balances,   ///< too many, or one of 0
  supply,     ///< 2^63 or more
};

std::optional<GenesisError> flaw(const Genesis& genesis);
/// Returns the supply. The genesis has no flaw.
wallet::Amount supply_of(const Genesis& genesis);

/// Returns the genesis of these founders. The balances of foundings with the same address add up. Errors: a flaw.
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

/// Returns the bytes that the three keys sign.
base::Bytes signed_bytes(const Genesis& genesis);
/// Whether all three signatures belong to this founder.
bool verify(const Genesis& genesis, const Founder& founder, const GenesisSignature& signature);

/// A genesis with the signatures collected so far, all of which are valid.
class SignedGenesis {
 public:
  explicit SignedGenesis(Genesis genesis) : genesis_(std::move(genesis)), message_(signed_bytes(genesis_)) {}

  /// Returns false unless it is a valid signature of the founder with this node. If that founder has signed already,
  /// its first signature stays, even if other wallet signers approved the new signature, so that the same signers
  /// give the same file.
  bool sign(const base::NodeId& node, GenesisSignature signature);
  /// Whether over 2/3 of the stake has signed.
  bool founded() const;

  const Genesis& genesis() const { return genesis_; }
  const std::map<base::NodeId, GenesisSignature>& signatures() const { return signatures_; }

  base::Bytes encode() const;
  /// Errors: flaws of the genesis; `malformed` also if a signature is invalid.
  static base::Result<SignedGenesis, GenesisError> parse(base::ByteView bytes);

 private:
  Genesis genesis_;
  base::Bytes message_;  // the bytes that all founders sign; kept because a genesis of up to 1 MiB is hashed for it
  std::map<base::NodeId, GenesisSignature> signatures_;
};

}  // namespace troupe::chain
