#pragma once
// Seals values for named readers, and opens them, with nodes' keys.
//
// Wrap  nonce (24) · the content key (32), sealed with its tag (16) under the key that owner and reader agree on
//       (crypto::Agreement). To unwrap it, a reader needs the owner's key, which the record contains.
#include "actors/dht/logic/sealed_value.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/ports/chance.hpp"

namespace troupe::dht {

/// Seals `plain` for `readers`, as the value of `own`'s record under `place`.
base::Result<base::Bytes, SealError> seal_for(base::ByteView plain, const std::vector<base::PublicKey>& readers,
                                              const Key& place, const crypto::Identity& own, ports::Chance& chance);

/// Opens the value of a record of `owner`. Succeeds only if `own` is among its readers.
base::Result<base::Bytes, OpenError> open_as(base::ByteView container, const Key& place, const base::PublicKey& owner,
                                             const crypto::Identity& own);

}  // namespace troupe::dht
