#pragma once
// A Spec, a Usage and an Outcome as bytes, between two processes of one node. Both run the same program, so the bytes
// have no version.
#include "runtime/base/bytes.hpp"
#include "runtime/sandbox/spec.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kTextsMax = 65'536;  // arguments, variables or binds of one spec
inline constexpr std::size_t kUsageBytes = 48;    // of each Usage

/// Writes all of `spec` except `inside`, which only this process can run.
base::Bytes write(const Spec& spec);
base::Bytes write(const Usage& usage);
base::Bytes write(const Outcome& outcome);
/// Returns nullopt unless the bytes are exactly the result of write().
std::optional<Spec> read_spec(base::ByteView bytes);
std::optional<Usage> read_usage(base::ByteView bytes);
std::optional<Outcome> read_outcome(base::ByteView bytes);

}  // namespace troupe::sandbox
