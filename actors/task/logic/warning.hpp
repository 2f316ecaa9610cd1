#pragma once
// A signed warning: a submitter's program made a forbidden system call at the signing node, the witness.
//
// Bytes    "troupe malice v1" || key of the witness (32) || its work nonce (4) || Unix ms (8) || length of the call's
//          name (1) and the name || length of the order (4) and its bytes, as its submitter signed them || signature
//          (64) of all before it, by the witness. Numbers are little-endian.
// Counts   the order has the submitter's signature, but only the witness says that the program was malicious. So
//          kWitnesses witnesses in different address groups have to report the same order.
// Old      a warning expires after task.malice_refused.
#include <map>
#include <optional>
#include <set>

#include "actors/task/logic/order.hpp"
#include "runtime/base/address_group.hpp"

namespace troupe::task {

inline constexpr std::size_t kWitnesses = 3;
inline constexpr std::size_t kCallBytesMax = 64;                 // our choice: names of system calls are shorter
inline constexpr std::size_t kWarnedOrderBytesMax = 16 * 1'024;  // our choice: larger orders cause no warning
inline constexpr std::size_t kWarningBytesMax = kWarnedOrderBytesMax + 256;

struct Warning {
  base::PublicKey by;
  std::uint32_t by_nonce = 0;
  std::uint64_t unix_ms = 0;
  std::string call;         ///< the system call
  base::Bytes order_bytes;  ///< as signed by the submitter

  base::NodeId witness() const { return crypto::node_id(by, by_nonce); }
  friend bool operator==(const Warning&, const Warning&) = default;
};

base::Bytes sign(const Warning& what, const crypto::SecretKey& key);
/// Parses bytes that were verified before; only the format is checked.
std::optional<Warning> parse_warning(base::ByteView bytes);

struct Warned {
  Warning warning;
  TaskId order;
  base::NodeId submitter;
};
/// Reads what sign() made, and the order in it, with the cheap checks first.
base::Result<Warned, ReadError> read_warning(base::ByteView bytes, unsigned work_bits);

/// Returns the DHT key where the witnesses against a submitter are listed.
base::NodeId place_of_warnings(const base::NodeId& submitter);

/// Counts the witnesses of each order of one submitter.
class Witnesses final {
 public:
  void add(const Warned& what, const base::AddressGroup& group);
  struct Agreed {
    std::string call;           ///< as the first witness names it
    std::uint64_t unix_ms = 0;  ///< the earliest time of these warnings
  };
  /// Returns what kWitnesses in different groups report about one order, or nullopt if there are fewer.
  std::optional<Agreed> agree() const;

 private:
  struct Seen {
    std::set<base::AddressGroup> groups;
    Agreed agreed;
  };
  std::map<TaskId, Seen> orders_;
};

}  // namespace troupe::task
