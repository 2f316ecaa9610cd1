#pragma once
// A block: its header, on which validators vote, and the lists whose roots the header contains.
//
// Bytes   canonical Cap'n Proto of `Header` and `Block` in messages/chain.capnp. The block's id is the SHA-256 of the
//         header's bytes.
// Order   the header has the state and receipts after its parent: a block runs once, when it is decided.
// Roots   RFC 6962 (merkle_log.hpp). The root of the transactions is over their ids.
// Limits  a header has kHeaderBytes. A block has at most block.bytes (parameters.hpp). Evidence and late precommits may
//         each use an eighth, the commit as much as kValidatorsMax votes need, and transactions the rest.
#include <optional>
#include <span>
#include <vector>

#include "actors/chain/logic/commit.hpp"
#include "actors/chain/logic/ids.hpp"
#include "actors/chain/logic/parameters.hpp"
#include "actors/chain/logic/place.hpp"
#include "actors/chain/logic/transaction.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::chain {

inline constexpr std::uint16_t kHeaderVersion = 1;
/// In the year 2242: sums with durations stay far below the maximum of UnixMs.
inline constexpr UnixMs kBlockTimeMax = std::chrono::seconds(base::kDateMax);
inline constexpr std::size_t kHeaderBytes = 8 + 3 * 8 + 12 * 8 + 24 + 11 * 32;  // pointer, words, pointers, Data
inline constexpr std::size_t kBlockEntriesMax = kBlockBytesMax / 8;             // each entry has a pointer

/// Returns the bytes that a list entry uses in a block: whole words, and the pointer to them.
constexpr std::size_t entry_bytes(std::size_t bytes) { return (bytes + 7) / 8 * 8 + 8; }
inline constexpr std::size_t kBlockFrameBytes = 8 + 5 * 8 + kHeaderBytes;  // without entries: pointers and header
/// Our choice: evidence and late precommits may each use this fraction (one eighth) of a block.
inline constexpr std::size_t kListShare = 8;
inline constexpr std::size_t kCommitEntriesMax =
    entry_bytes(kCommitHeadBytesMax) + kValidatorsMax * entry_bytes(kCommitVoteBytes);
static_assert(kBlockFrameBytes + kCommitEntriesMax + 2 * (kBlockBytesMin / kListShare) +
                  entry_bytes(kTransactionBytesMax) <=
              kBlockBytesMin);

struct Header {
  Fork fork;
  Height height;  ///< at least 1
  UnixMs time{};  ///< 0 to kBlockTimeMax
  base::NodeId proposer;
  BlockId parent;
  base::Digest transactions;
  base::Digest evidence;
  base::Digest commit;
  base::Digest late;
  base::Digest blocks;  ///< root of all earlier block ids, genesis first
  base::Digest validators;
  base::Digest next_validators;
  base::Digest parameters;
  base::Digest state;
  base::Digest receipts;
  friend bool operator==(const Header&, const Header&) = default;
};

base::Bytes encode(const Header& header);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<Header> parse_header(base::ByteView bytes);
BlockId id_of(const Header& header);

/// Entries of evidence, commit and late precommits are opaque bytes here; their own modules decode and verify them.
struct Block {
  Header header;
  std::vector<SignedTransaction> transactions{};
  std::vector<base::Bytes> evidence{};
  std::vector<base::Bytes> commit{};
  std::vector<base::Bytes> late{};
  friend bool operator==(const Block&, const Block&) = default;
};

enum class BlockError : std::uint8_t {
  malformed,    ///< not the canonical encoding of a block
  too_large,    ///< more bytes in total than allowed
  transaction,  ///< one of its transactions has a flaw
  repeated,     ///< a transaction appears twice, even with different approvals
  list,         ///< evidence, late precommits or the commit exceed their limits
  root,         ///< a list does not match its root in the header
};

base::Bytes encode(const Block& block);
/// Encodes the block with `transactions` instead of its own transactions.
base::Bytes encode(const Block& block, std::span<const Approved> transactions);
/// Accepts only the canonical encoding of a block whose roots match its lists, and which has no flaw if block.bytes is
/// kBlockBytesMax.
base::Result<Block, BlockError> parse_block(base::ByteView bytes);
/// Returns `repeated`, `list`, `too_large` or nullopt. Does not check roots.
std::optional<BlockError> flaw(const Block& block, const Parameters& parameters);
std::optional<BlockError> flaw(const Block& block, std::span<const Approved> transactions,
                               const Parameters& parameters);
/// Returns how many bytes further entries may use; 0 if the block is already too large.
std::size_t bytes_left(const Block& block, const Parameters& parameters);
bool has_twice(std::vector<TxId> ids);
/// Returns the root of transaction ids.
base::Digest root_of(const std::vector<TxId>& ids);
/// Writes the roots of the four lists into the header.
void seal(Block& block);
void seal(Block& block, std::span<const Approved> transactions);

}  // namespace troupe::chain
