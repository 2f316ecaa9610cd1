#pragma once
// The error that crosses a boundary: between actors, between nodes, and to the command line.
//
// Inside a domain's logic an error is that domain's own small enum. It becomes a base::Error where it leaves the
// domain. Add codes only at the end, because their numbers are sent to other nodes.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/result.hpp"

namespace troupe::base {

enum class Code : std::uint8_t {
  not_found = 1,         ///< the requested thing does not exist here
  malformed = 2,         ///< the input breaks its format; the same input will fail again
  unsupported = 3,       ///< a kind, version or setting that this side does not know
  refused = 4,           ///< known and well-formed, but not allowed
  conflict = 5,          ///< the state differs from the state that the caller expected
  overloaded = 6,        ///< a limit is reached; a later attempt may work
  no_space = 7,          ///< the disk or a quota is full
  unavailable = 8,       ///< the other side is gone or not ready; earlier requests to it may have been done
  timeout = 9,           ///< the deadline passed without a response
  unknown_outcome = 10,  ///< the request may or may not have been done
  dropped = 11,          ///< the receiver dropped the request without a response
  corrupt = 12,          ///< stored or received bytes fail their checksum
  internal = 13,         ///< an invariant broke on the other side; its supervisor acts
};

struct Error {
  Code code = Code::internal;
  std::string message;                       ///< for people: what happened and what it means
  std::chrono::milliseconds retry_after{0};  ///< zero: the other side suggests no time

  friend bool operator==(const Error&, const Error&) = default;
};

/// Returns the name in scripts and logs, such as "not_found".
std::string_view name(Code code);

/// Returns the code with that number, or `internal` if this version does not know the number.
Code code_of(std::uint16_t number);

/// Whether the same request may succeed later although the caller changes nothing.
bool transient(Code code);

/// Whether the refusal ends the attempt: nothing was done, and the caller decides whether to try again. A final refusal
/// by the ledger ends a deposit, but a payout is sent again until it is posted.
bool is_final(Code code);

template <class T>
using Outcome = Result<T, Error>;

}  // namespace troupe::base
