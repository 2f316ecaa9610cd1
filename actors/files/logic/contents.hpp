#pragma once
// Whether received or stored bytes are what their key says. Every byte that is stored or given out passes here.
#include "actors/files/api.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/mutations.hpp"

namespace troupe::files {

/// Whether a content of that key may have that length.
bool length_fits(const ContentKey& key, std::size_t bytes);

/// Whether `bytes` hash to the id of `key` and, for a chunk, have its length. Cost: one SHA-256 over `bytes`.
/// A manifest is compared with its CID only; parse_manifest says whether it is one.
/// Planted bug: `files.digest_unchecked`.
bool verify_content(const ContentKey& key, base::ByteView bytes, const base::Mutations& mutations = base::kNoMutations);

}  // namespace troupe::files
