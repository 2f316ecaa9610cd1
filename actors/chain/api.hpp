#pragma once
// The ledger as other parts of the program reach it: `/chain` and `/validator` (messages/chain.capnp).
#include "actors/chain/logic/transaction.hpp"

namespace troupe::chain {

inline constexpr const char* kPath = "/chain";
inline constexpr const char* kValidatorPath = "/validator";

/// The chain of `--chain dev`: of one node, which is its only founder.
inline constexpr std::string_view kDevName = "dev";

/// The source in a node's health while its account lacks the fees for what its escrows have to pay.
inline constexpr const char* kBookFeesHealth = "chain.book_fees";
inline constexpr const char* kBookCreditsHealth = "chain.book_credits";

/// Files of the data directory, as node::DomainParts::kept names them.
inline constexpr const char* kChainFile = "chain";          ///< a SignedGenesis
inline constexpr const char* kValidatorFile = "validator";  ///< the seed of the consensus key: 64 hex digits

}  // namespace troupe::chain
