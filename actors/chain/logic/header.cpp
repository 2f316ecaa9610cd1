#include "actors/chain/logic/header.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "actors/chain/logic/canonical.hpp"
#include "actors/chain/logic/merkle_log.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::chain {
namespace {

constexpr unsigned kHeaderWords = 3, kHeaderPointers = 12, kBlockPointers = 5;

/// In the order of the schema, from the third pointer on.
template <class HeaderType>
auto digests_of(HeaderType& header) {
  return std::array{&header.transactions, &header.evidence,        &header.commit,     &header.late,  &header.blocks,
                    &header.validators,   &header.next_validators, &header.parameters, &header.state, &header.receipts};
}

std::vector<base::Bytes> read_entries(CanonReader& in, const CanonReader::Object& from, unsigned pointer) {
  std::vector<base::Bytes> out;
  for (const base::ByteView entry : in.data_list(from, pointer, kBlockEntriesMax, kBlockBytesMax))
    out.emplace_back(entry.begin(), entry.end());
  return out;
}

std::vector<TxId> ids_of(const Block& block) {
  std::vector<TxId> out;
  for (const SignedTransaction& one : block.transactions) out.push_back(id_of(one.content));
  return out;
}

std::vector<TxId> ids_of(std::span<const Approved> transactions) {
  std::vector<TxId> out;
  for (const Approved& one : transactions) out.push_back(one.id());
  return out;
}

/// Encodes the transactions, as entries of a block's list.
std::vector<base::Bytes> entries_of(const Block& block) {
  std::vector<base::Bytes> out;
  for (const SignedTransaction& one : block.transactions) out.push_back(encode(one));
  return out;
}

std::size_t list_bytes(const std::vector<base::Bytes>& entries) {
  std::size_t out = 0;
  for (const base::Bytes& one : entries) out += entry_bytes(one.size());
  return out;
}

/// Returns the size of a block without its transactions.
std::size_t bytes_beside(const Block& block) {
  return kBlockFrameBytes + list_bytes(block.evidence) + list_bytes(block.commit) + list_bytes(block.late);
}

/// Whether the lists fit into a block of at most `bytes`.
bool lists_fit(const Block& block, std::size_t bytes) {
  return list_bytes(block.evidence) <= bytes / kListShare && list_bytes(block.late) <= bytes / kListShare &&
         list_bytes(block.commit) <= kCommitEntriesMax;
}

base::Bytes encode(const Block& block, std::vector<base::Bytes> transactions) {
  CanonStruct out;
  out.data(encode(block.header)).data_list(std::move(transactions)).data_list(block.evidence);
  out.data_list(block.commit).data_list(block.late);
  return out.encode();
}

/// `bytes`: size of the transactions, as entries.
std::optional<BlockError> flaw(const Block& block, std::vector<TxId> ids, std::size_t bytes,
                               const Parameters& parameters) {
  const std::size_t most = parameters[Param::block_bytes];
  if (has_twice(std::move(ids))) return BlockError::repeated;
  if (!lists_fit(block, most)) return BlockError::list;
  if (bytes_beside(block) + bytes > most) return BlockError::too_large;
  return std::nullopt;
}

Header with_roots(const Block& block, const std::vector<TxId>& ids) {
  Header out = block.header;
  out.transactions = root_of(ids);
  out.evidence = log_root(block.evidence);
  out.commit = log_root(block.commit);
  out.late = log_root(block.late);
  return out;
}

}  // namespace

base::Bytes encode(const Header& header) {
  CanonStruct out;
  out.words = {header.height.value, static_cast<std::uint64_t>(header.time.count()),
               std::uint64_t{header.fork.value} << 32 | kHeaderVersion};
  out.data(header.proposer.view()).data(header.parent.view());
  for (const base::Digest* digest : digests_of(header)) out.data(digest->view());
  return out.encode();
}

std::optional<Header> parse_header(base::ByteView bytes) {
  if (bytes.size() != kHeaderBytes) return std::nullopt;
  CanonReader in(bytes);
  const auto root = in.root(kHeaderWords, kHeaderPointers);
  Header out;
  out.height = {in.word(root, 0)};
  const std::uint64_t time = in.word(root, 1);
  out.time = UnixMs(static_cast<std::int64_t>(time & std::numeric_limits<std::int64_t>::max()));
  out.fork = {static_cast<std::uint32_t>(in.word(root, 2) >> 32)};
  out.proposer = in.fixed<base::NodeId>(root, 0);
  out.parent = in.fixed<BlockId>(root, 1);
  unsigned pointer = 2;
  for (base::Digest* digest : digests_of(out)) *digest = in.fixed<base::Digest>(root, pointer++);
  const bool numbers = out.height.value > 0 && time >> 63 == 0 && out.time <= kBlockTimeMax &&
                       (in.word(root, 2) & 0xffff'ffff) == kHeaderVersion;
  if (!in.ended() || !numbers) return std::nullopt;
  return out;
}

BlockId id_of(const Header& header) { return {crypto::sha256(encode(header)).bytes}; }

base::Bytes encode(const Block& block) { return encode(block, entries_of(block)); }

base::Bytes encode(const Block& block, std::span<const Approved> transactions) {
  std::vector<base::Bytes> entries;
  for (const Approved& one : transactions) entries.push_back(one.encoded());
  return encode(block, std::move(entries));
}

base::Result<Block, BlockError> parse_block(base::ByteView bytes) {
  if (bytes.size() > kBlockBytesMax) return BlockError::too_large;
  CanonReader in(bytes);
  const auto root = in.root(0, kBlockPointers);
  const auto header = parse_header(in.data(root, 0, kHeaderBytes));
  const auto transactions = in.data_list(root, 1, kBlockEntriesMax, kTransactionBytesMax);
  Block out;
  out.evidence = read_entries(in, root, 2);
  out.commit = read_entries(in, root, 3);
  out.late = read_entries(in, root, 4);
  if (!in.ended() || !header) return BlockError::malformed;
  if (!lists_fit(out, kBlockBytesMax)) return BlockError::list;
  out.header = *header;
  for (const base::ByteView one : transactions) {
    auto parsed = parse_signed_transaction(one);
    if (!parsed.ok()) return BlockError::transaction;
    out.transactions.push_back(std::move(parsed).value());
  }
  const std::vector<TxId> ids = ids_of(out);
  if (has_twice(ids)) return BlockError::repeated;
  if (with_roots(out, ids) != out.header) return BlockError::root;
  return out;
}

std::optional<BlockError> flaw(const Block& block, const Parameters& parameters) {
  return flaw(block, ids_of(block), list_bytes(entries_of(block)), parameters);
}

std::optional<BlockError> flaw(const Block& block, std::span<const Approved> transactions,
                               const Parameters& parameters) {
  std::size_t bytes = 0;
  for (const Approved& one : transactions) bytes += entry_bytes(one.bytes());
  return flaw(block, ids_of(transactions), bytes, parameters);
}

std::size_t bytes_left(const Block& block, const Parameters& parameters) {
  const std::size_t most = parameters[Param::block_bytes];
  return most - std::min(most, bytes_beside(block) + list_bytes(entries_of(block)));
}

bool has_twice(std::vector<TxId> ids) {
  std::ranges::sort(ids);
  return std::ranges::adjacent_find(ids) != ids.end();
}

base::Digest root_of(const std::vector<TxId>& ids) {
  Frontier frontier;
  for (const TxId& id : ids) frontier.append(id.view());
  return frontier.root();
}

void seal(Block& block) { block.header = with_roots(block, ids_of(block)); }

void seal(Block& block, std::span<const Approved> transactions) {
  block.header = with_roots(block, ids_of(transactions));
}

}  // namespace troupe::chain
