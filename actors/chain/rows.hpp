#pragma once
// The rows of a chain in its keyspace: their keys, and those values that are not canonical bytes of the ledger.
//
// Keys     one letter, then as named below; heights are big-endian, so rows of one kind are sorted by height.
// Head     the row that is written last: rows above its height do not count, and will be written again.
#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "actors/chain/logic/fork.hpp"
#include "actors/chain/logic/header.hpp"
#include "actors/chain/logic/tree.hpp"
#include "actors/chain/logic/validators.hpp"

namespace troupe::chain::rows {

inline constexpr std::size_t kPartBytes = 512 * 1024;  // our choice: a block takes up to five rows
/// Calls `row(number, part)` for each part of a block, in order. Only the last part, which may be empty, is shorter
/// than kPartBytes, so that readers find the end without knowing the size.
void each_part(base::ByteView block, const auto& row) {
  for (std::size_t part = 0; part <= block.size() / kPartBytes; ++part) {
    const std::size_t from = part * kPartBytes;
    row(static_cast<std::uint8_t>(part), block.subspan(from, std::min(kPartBytes, block.size() - from)));
  }
}

base::Bytes block_key(Height height, std::uint8_t part);
base::Bytes commit_key(Height height);
base::Bytes id_key(const BlockId& id);
base::Bytes transaction_key(const TxId& id);
base::Bytes receipts_key(Height height);
base::Bytes tree_key(const RowKey& row);
/// For part 0 this is the key under which older versions stored the whole list.
base::Bytes stale_key(Height height, std::uint8_t part);
/// Sorts before all stale keys.
base::Bytes stale_prefix();
struct StaleAt {
  Height height;
  std::uint8_t part;
};
std::optional<StaleAt> stale_in(base::ByteView key);
base::Bytes root_key(Height height);
base::Bytes head_key();
base::Bytes fork_key(Fork fork);
/// The two commits of one height that halt the chain.
base::Bytes divergence_key();
/// While rows above the head are being erased: the highest height to erase.
base::Bytes undone_key();
/// The prefix of all rows of the tree that were written at a height.
base::Bytes tree_prefix(Height height);
/// The prefix of an address's transactions, which are sorted by height and index.
base::Bytes history_prefix(const wallet::Address& address);
base::Bytes history_key(const wallet::Address& address, Height height, std::uint32_t index);

struct Head {
  Height height;
  BlockId id;
  UnixMs time{};
  TreeRoot state;         ///< after this block
  base::Digest receipts;  ///< root of this block's receipts
  friend bool operator==(const Head&, const Head&) = default;
};
base::Bytes encode(const Head& head, const ValidatorSet& validators);
struct HeadRow {
  Head head;
  ValidatorSet validators;  ///< the validators that made this block final
};
std::optional<HeadRow> decode_head(base::ByteView bytes);

/// The position of a transaction.
struct Location {
  Height height;
  std::uint32_t index = 0;
  friend bool operator==(const Location&, const Location&) = default;
};
base::Bytes encode(const Location& at);
std::optional<Location> decode_location(base::ByteView bytes);
/// Returns the location that a key of an address's history contains.
std::optional<Location> location_in(base::ByteView history_key);

base::Bytes encode(Height height);
std::optional<Height> decode_height(base::ByteView bytes);

base::Bytes encode(const TreeRoot& root);
std::optional<TreeRoot> decode_root(base::ByteView bytes);

inline constexpr std::size_t kStaleOfPart = 16'384;  // our choice: even with the longest keys, a part is below 1 MiB
inline constexpr std::size_t kStalePartsMax = 255;   // a block of the largest size makes fewer rows stale
/// Calls `row(number, keys)` for each part of a block's list of stale rows. Senders of transactions decide how many
/// there are.
void each_stale_part(std::span<const RowKey> stale, const auto& row) {
  for (std::size_t part = 0; part == 0 || part * kStaleOfPart < stale.size(); ++part) {
    const std::size_t from = part * kStaleOfPart;
    row(static_cast<std::uint8_t>(part), stale.subspan(from, std::min(kStaleOfPart, stale.size() - from)));
  }
}
base::Bytes encode(std::span<const RowKey> stale);
std::optional<std::vector<RowKey>> decode_stale(base::ByteView bytes);

struct ForkRow {
  SignedFork fork;
  Height floor;  ///< the lowest height whose state was kept when the chain went back
};
base::Bytes encode(const ForkRow& row);
std::optional<ForkRow> decode_fork(base::ByteView bytes);

/// A list of byte strings of at most kBlockBytesMax each.
base::Bytes encode_list(const std::vector<base::Bytes>& list);
std::optional<std::vector<base::Bytes>> decode_list(base::ByteView bytes);

}  // namespace troupe::chain::rows
