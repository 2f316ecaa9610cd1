#pragma once
// Who may spend from an account: `threshold` of its signers. The address of the account is the hash of the policy.
//
// Address  SHA-256("troupe policy v1" || threshold || signers || list), both numbers as one byte.
// List     of one signer its key, so that the address follows from the words alone; of several, their own addresses,
//          different and ascending. A signer among several signs with the key whose own address is listed.
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
  threshold,  ///< 0, or more than there are signers
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
  /// Whether the key is one of the signers.
  bool lists(const base::PublicKey& key) const;

  /// Whether `threshold` different signers, or more, have signed `message`; an approval that is not of a signer, comes
  /// twice, or is wrong makes it false. Looks at no more than kSignersMax.
  bool approved(base::ByteView message, std::span<const Approval> approvals) const;

  /// The one encoding: threshold, signers, list; 34 to 514 bytes.
  base::Bytes encode() const;
  /// Nothing unless the bytes are what encode() gives.
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
