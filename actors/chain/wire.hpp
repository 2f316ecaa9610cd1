#pragma once
// Blocks in the words of messages/chain.capnp, there and back. What is read is checked as far as it can be without the
// chain: sizes first, then forms, then that lists are those of their header.
#include <optional>
#include <utility>
#include <vector>

#include "actors/chain/logic/header.hpp"
#include "messages/chain.capnp.h"

namespace troupe::chain {

inline constexpr std::size_t kToldAtOnce = 256;     // messages/chain.capnp: HaveTransactions
inline constexpr std::size_t kGivenAtOnce = 2'048;  // messages/chain.capnp: GetTransactions

/// A block without its transactions, which have these ids. Its roots are those of its lists.
struct Proposed {
  Block block;
  std::vector<TxId> ids{};
  friend bool operator==(const Proposed&, const Proposed&) = default;
};
/// The transactions that the block itself has are left out.
void write(wire::ProposedBlock::Builder out, const Block& block, const std::vector<TxId>& ids);
/// Nothing unless it is the block of that id, and no larger than any.
std::optional<Proposed> read(wire::ProposedBlock::Reader from, const BlockId& id);

/// The bytes of a block, which are not looked at, and what proves it.
using FinalBytes = std::pair<base::Bytes, Commit>;
void write(wire::FinalBlock::Builder out, base::ByteView block, const Commit& commit);
/// Nothing if the commit is none, or the block larger than any.
std::optional<FinalBytes> read(wire::FinalBlock::Reader from);

void write(capnp::List<capnp::Data>::Builder out, const std::vector<TxId>& ids);
/// Nothing if there are more than `most`, or one of them is none.
std::optional<std::vector<TxId>> read_ids(capnp::List<capnp::Data>::Reader from, std::size_t most);

}  // namespace troupe::chain
