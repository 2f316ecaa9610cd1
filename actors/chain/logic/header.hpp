#pragma once
// A block: its header, which is what is voted on, and the lists whose roots the header has.
//
// Bytes   canonical Cap'n Proto of `Header` and `Block` in messages/chain.capnp. The block's id is the SHA-256 of the
//         header's bytes.
// Order   state and receipts are those after the parent: a block runs once, when it is decided.
// Roots   RFC 6962 (merkle_log.hpp). That of the transactions is over their ids.
// Limits  kHeaderBytes, always. A block has at most block.bytes (parameters.hpp), of which evidence and late precommits
//         have an eighth each at most, and the commit what kValidatorsMax votes need. Transactions have what is left.
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
/// In the year 2242: sums with spans of time stay far below the end of UnixMs.
inline constexpr UnixMs kBlockTimeMax = std::chrono::seconds(base::kDateMax);
inline constexpr std::size_t kHeaderBytes = 8 + 3 * 8 + 12 * 8 + 24 + 11 * 32;  // pointer, words, pointers, Data
inline constexpr std::size_t kBlockEntriesMax = kBlockBytesMax / 8;             // each entry has a pointer

/// What an entry of a list takes of a block: whole words, and the pointer to them.
constexpr std::size_t entry_bytes(std::size_t bytes) { return (bytes + 7) / 8 * 8 + 8; }
inline constexpr std::size_t kBlockFrameBytes = 8 + 5 * 8 + kHeaderBytes;  // without entries: pointers and header
/// Our choice: evidence and late precommits have a share of one in that many each.
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
  base::Digest blocks;  ///< of all earlier ids, the genesis first
  base::Digest validators;
  base::Digest next_validators;
  base::Digest parameters;
  base::Digest state;
  base::Digest receipts;
  friend bool operator==(const Header&, const Header&) = default;
};

base::Bytes encode(const Header& header);
/// Nothing unless the bytes are what encode() gives.
std::optional<Header> parse_header(base::ByteView bytes);
BlockId id_of(const Header& header);

/// Entries of evidence, commit and late precommits are the bytes of those who judge them.
struct Block {
  Header header;
  std::vector<SignedTransaction> transactions{};
  std::vector<base::Bytes> evidence{};
  std::vector<base::Bytes> commit{};
  std::vector<base::Bytes> late{};
  friend bool operator==(const Block&, const Block&) = default;
};

enum class BlockError : std::uint8_t {
  malformed,    ///< not the one encoding of a block
  too_large,    ///< more bytes in all than it may have
  transaction,  ///< one of its transactions has a flaw
  repeated,     ///< it has a transaction twice, whatever the approvals
  list,         ///< evidence, late precommits or the commit have more bytes than they may have
  root,         ///< a list is not that of the header
};

base::Bytes encode(const Block& block);
/// Of a block with these transactions in place of its own.
base::Bytes encode(const Block& block, std::span<const Approved> transactions);
/// Takes what encode() gives of a block whose roots are those of its lists, and which has no flaw where block.bytes is
/// kBlockBytesMax.
base::Result<Block, BlockError> parse_block(base::ByteView bytes);
/// `repeated`, `list` or `too_large`. Roots are not looked at.
std::optional<BlockError> flaw(const Block& block, const Parameters& parameters);
std::optional<BlockError> flaw(const Block& block, std::span<const Approved> transactions,
                               const Parameters& parameters);
/// What entries may still take beside those that it has; 0 if it has too many.
std::size_t bytes_left(const Block& block, const Parameters& parameters);
bool has_twice(std::vector<TxId> ids);
/// The root of the ids of transactions.
base::Digest root_of(const std::vector<TxId>& ids);
/// Writes the roots of the four lists into the header.
void seal(Block& block);
void seal(Block& block, std::span<const Approved> transactions);

}  // namespace troupe::chain
