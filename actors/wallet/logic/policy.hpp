#pragma once
// The policy of an account: `threshold` of its signers may spend. The account's address is the hash of its policy.
//
// Address  SHA-256("troupe policy v1" || threshold || signers || list), both numbers as one byte.
// List     for one signer its key, so that the address follows from the recovery phrase; for several signers their own
//          addresses, ascending, without duplicates. A signer among several signs with the key of the listed address.
// Limits   kSignersMax signers; a threshold from 1 to their number.
#include <optional>
#include <span>
#include <vector>

#include "actors/wallet/logic/address.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::wallet {

inline constexpr std::size_t kSignersMax = 16;

enum class PolicyError : std::uint8_t {
  signers,    ///< fewer than 2 or more than kSignersMax
  repeated,   ///< a signer is listed twice
  threshold,  ///< 0, or more than the number of signers
};

/// A signature by one signer of a policy.
struct Approval {
  base::PublicKey key;
  crypto::Signature signature;

  friend bool operator==(const Approval&, const Approval&) = default;
};

class Policy {
 public:
  /// The policy of one key.
  static Policy of_key(const base::PublicKey& key);
  /// The policy of several signers, in any order.
  static base::Result<Policy, PolicyError> of_signers(std::size_t threshold, std::vector<Address> signers);

  const Address& address() const { return address_; }
  std::size_t threshold() const { return threshold_; }
  std::size_t signers() const { return list_.size(); }
  /// Returns whether the key is one of the signers.
  bool lists(const base::PublicKey& key) const;

  /// Returns whether at least `threshold` different signers have signed `message`. Returns false if an approval is
  /// invalid, repeated, or not from a signer. Checks at most kSignersMax approvals.
  bool approved(base::ByteView message, std::span<const Approval> approvals) const;

  /// Returns the canonical encoding: threshold, signers, list; 34 to 514 bytes.
  base::Bytes encode() const;
  /// Returns nullopt unless the bytes are the canonical encoding.
  static std::optional<Policy> decode(base::ByteView bytes);

  friend bool operator==(const Policy&, const Policy&) = default;

 private:
  Policy(std::size_t threshold, std::vector<base::Digest> list);

  std::size_t threshold_;
  std::vector<base::Digest> list_;  // one key, or the addresses of several signers
  Address address_;
};

/// The address of an account of one key.
inline Address address_of(const base::PublicKey& key) { return Policy::of_key(key).address(); }

}  // namespace troupe::wallet
