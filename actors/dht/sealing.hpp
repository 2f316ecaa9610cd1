#pragma once
// Values for named readers, sealed and opened with the keys of nodes.
//
// Wrap  nonce (24) · the content's key (32), sealed under the key that owner and reader agree on (crypto::Agreement)
//       with its tag (16). A reader needs the owner's key to unwrap it, which the record has.
#include "actors/dht/logic/sealed_value.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/ports/chance.hpp"

namespace troupe::dht {

/// `plain` for `readers`, as the value of the record of `own` under `place`.
base::Result<base::Bytes, SealError> seal_for(base::ByteView plain, const std::vector<base::PublicKey>& readers,
                                              const Key& place, const crypto::Identity& own, ports::Chance& chance);

/// The value of a record of `owner`, if `own` is one of its readers or its owner and reader.
base::Result<base::Bytes, OpenError> open_as(base::ByteView container, const Key& place, const base::PublicKey& owner,
                                             const crypto::Identity& own);

}  // namespace troupe::dht
