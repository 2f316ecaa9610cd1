#pragma once
// The hashes that identify chains, blocks and transactions.
#include "runtime/base/bytes.hpp"

namespace troupe::chain {

using BlockId = base::FixedBytes<struct BlockIdTag, 32>;
using ChainId = base::FixedBytes<struct ChainIdTag, 32>;
using TxId = base::FixedBytes<struct TxIdTag, 32>;

}  // namespace troupe::chain
