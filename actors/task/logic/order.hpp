#pragma once
// What a task is to do, as its submitter signs it: the program, what it is given, what it may use, and the terms.
//
// Bytes   "troupe task v1" || the fields of Order in their order || signature (64) of all bytes before it, by the
//         submitter's key. A text is its length (2) and its bytes. A list is its count (2) and its items. An optional
//         value is 1 byte (0 or 1), and the value if the byte is 1. Numbers are little-endian. An order has exactly one
//         encoding.
// Id      SHA-256 of the bytes before the signature. The nonce makes it unique: 16 random bytes, or with a request
//         the first 16 of SHA-256("troupe task request v1" || submitter's key || request).
// Paths   below /task: parts of 1 to 255 bytes without "." and "..", at most 1,023 bytes (ports::path_ok). The program
//         is there as kProgramName.
// Limits  kOrderBytesMax in all, and the constants below.
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/fields.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/sandbox/spec.hpp"

namespace troupe::task {

inline constexpr std::string_view kProgramName = "program";
inline constexpr std::size_t kOrderBytesMax = 128 * 1'024;
inline constexpr std::size_t kArgumentsMax = 1'024;
inline constexpr std::size_t kArgumentsBytesMax = 64 * 1'024;
inline constexpr std::size_t kInputsMax = 256;
inline constexpr std::size_t kOutputsMax = sandbox::kOutputsMax;
inline constexpr std::size_t kHostsMax = sandbox::kHostsMax;
inline constexpr std::size_t kHostBytesMax = 261;  // a name of 255, ':' and a port
inline constexpr std::size_t kNeedBytesMax = 1'024;
inline constexpr std::uint8_t kPriorityMax = 9;
inline constexpr std::uint8_t kReplicasMax = 15;
inline constexpr std::uint8_t kRetriesMax = 100;
inline constexpr std::uint32_t kArrayMax = 10'000;

using TaskId = base::FixedBytes<struct TaskIdTag, 32>;
using Nonce = base::FixedBytes<struct TaskNonceTag, 16>;
using Cid = base::Digest;

/// A file that a program can read in its sandbox.
struct Input {
  Cid content;
  std::string path;
  friend bool operator==(const Input&, const Input&) = default;
};

/// How providers are paid: not at all, or through an escrow (actors/escrow).
enum class Payment : std::uint8_t { free, escrow };

struct Order {
  base::PublicKey submitter;  ///< key of the node that coordinates the task
  std::uint32_t submitter_nonce = 0;
  Nonce nonce;
  Cid program;
  std::vector<std::string> arguments;
  std::optional<Cid> standard_input;
  std::vector<Input> inputs;         ///< in rising order of their paths
  std::vector<std::string> outputs;  ///< paths, in rising order
  std::optional<Cid> root;           ///< an archive; nullopt: an empty root
  std::vector<std::string> hosts;    ///< HOST:PORT that it may connect to, in rising order
  sandbox::Limits limits;
  std::string need;  ///< as typed: actors/registry/logic/capability.hpp; empty: none
  std::uint8_t priority = 5;
  std::uint8_t replicas = 1;  ///< at first; doubt raises it
  std::uint8_t quorum = 1;    ///< equal results that decide
  bool deterministic = false;
  std::uint8_t retries = 2;                ///< attempts beyond the replicas
  std::uint32_t queue_max_s = 3'600;       ///< the task expires if it has not started by then
  std::optional<std::uint64_t> price_max;  ///< for the whole task, per provider
  Payment payment = Payment::free;
  std::optional<TaskId> after;         ///< begins once that task is done
  std::optional<std::uint32_t> index;  ///< of an array's member

  friend bool operator==(const Order&, const Order&) = default;
};

enum class OrderError : std::uint8_t {
  size,      ///< larger than kOrderBytesMax, or a part above its limit
  path,      ///< leaves /task, is given twice, or is the program's path
  limits,    ///< outside the range of sandbox limits
  replicas,  ///< invalid quorum, or replicas of a nondeterministic task
  need,      ///< not a list of conditions
  host,      ///< not HOST:PORT
};
std::string_view name(OrderError error);

/// Returns what is wrong with an unsigned order, or nullopt if it is valid.
std::optional<OrderError> fault(const Order& order);

/// Returns the bytes before the signature. `order` has no fault().
base::Bytes encode(const Order& order);
/// Returns nullopt unless the bytes are the encoding of an order without a fault.
std::optional<Order> decode(base::ByteView bytes);
TaskId id_of(const Order& order);
base::Bytes sign(const Order& order, const crypto::SecretKey& key);
Nonce nonce_of(const base::PublicKey& submitter, std::string_view request);

enum class ReadError : std::uint8_t { malformed, lacks_work, bad_signature };
std::string_view name(ReadError error);
/// Reads what sign() made, with the cheap checks first.
base::Result<Order, ReadError> read_order(base::ByteView bytes, unsigned work_bits);

/// Returns the order of member `index` of an array, with its own nonce; `{index}` in each argument is replaced.
Order member_of(const Order& array, std::uint32_t index);

}  // namespace troupe::task
