#pragma once
// Checks that received or stored bytes match their key. Every byte that is stored or returned passes through here.
#include "actors/files/api.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/mutations.hpp"

namespace troupe::files {

/// Returns whether an object with that key may have that length.
bool length_fits(const ContentKey& key, std::size_t bytes);

/// Returns whether `bytes` hash to the id of `key` and, for a chunk, have its length. Cost: one SHA-256 over `bytes`. A
/// manifest is only compared with its CID; parse_manifest checks its form. Mutant: `files.digest_unchecked`.
bool verify_content(const ContentKey& key, base::ByteView bytes, const base::Mutations& mutations = base::kNoMutations);

}  // namespace troupe::files
