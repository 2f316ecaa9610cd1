#pragma once
// The interface of the ledger for other parts of the program: `/chain` and `/validator` (messages/chain.capnp).
#include "actors/chain/logic/transaction.hpp"

namespace troupe::chain {

inline constexpr const char* kPath = "/chain";
inline constexpr const char* kValidatorPath = "/validator";

/// The chain of `--chain dev`, whose only founder is the node.
inline constexpr std::string_view kDevName = "dev";

/// Health source that is raised while this node's account lacks the fees for payments of escrows.
inline constexpr const char* kBookFeesHealth = "chain.book_fees";
inline constexpr const char* kBookCreditsHealth = "chain.book_credits";

/// File names in the data directory, for node::DomainParts::kept.
inline constexpr const char* kChainFile = "chain";          ///< a SignedGenesis
inline constexpr const char* kValidatorFile = "validator";  ///< the seed of the consensus key: 64 hex digits

}  // namespace troupe::chain
