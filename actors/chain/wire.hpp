#pragma once
// Encodes and decodes blocks in messages of messages/chain.capnp. Decoding checks everything that it can without the
// chain: sizes first, then encodings, then that each list matches its root in the header.
#include <optional>
#include <utility>
#include <vector>

#include "actors/chain/logic/header.hpp"
#include "messages/chain.capnp.h"

namespace troupe::chain {

inline constexpr std::size_t kToldAtOnce = 256;     // messages/chain.capnp: HaveTransactions
inline constexpr std::size_t kGivenAtOnce = 2'048;  // messages/chain.capnp: GetTransactions

/// A block without its transactions, and their ids. The roots in its header match its lists and ids.
struct Proposed {
  Block block;
  std::vector<TxId> ids{};
  friend bool operator==(const Proposed&, const Proposed&) = default;
};
/// Writes `ids` instead of the transactions in `block`.
void write(wire::ProposedBlock::Builder out, const Block& block, const std::vector<TxId>& ids);
/// Returns nullopt unless it is the block with that id, and not larger than a block may be.
std::optional<Proposed> read(wire::ProposedBlock::Reader from, const BlockId& id);

/// The bytes of a block, which are not checked, and its commit.
using FinalBytes = std::pair<base::Bytes, Commit>;
void write(wire::FinalBlock::Builder out, base::ByteView block, const Commit& commit);
/// Returns nullopt if the commit is invalid, or the block too large.
std::optional<FinalBytes> read(wire::FinalBlock::Reader from);

void write(capnp::List<capnp::Data>::Builder out, const std::vector<TxId>& ids);
/// Returns nullopt if there are more than `most` ids, or an id is malformed.
std::optional<std::vector<TxId>> read_ids(capnp::List<capnp::Data>::Reader from, std::size_t most);

}  // namespace troupe::chain
