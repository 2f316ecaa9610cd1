#include "actors/chain/wire.hpp"

#include "actors/chain/logic/merkle_log.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using BytesList = std::vector<base::Bytes>;

constexpr std::size_t kPointerBytes = 8;

BytesList read_list(capnp::List<capnp::Data>::Reader list) {
  BytesList out;
  for (const auto one : list) out.emplace_back(one.begin(), one.end());
  return out;
}

/// Returns the encoded size of a list.
std::size_t bytes_of_list(capnp::List<capnp::Data>::Reader list) {
  std::size_t out = 0;
  for (const auto one : list) out += kPointerBytes + (one.size() + kPointerBytes - 1) / kPointerBytes * kPointerBytes;
  return out;
}

void write_list(capnp::List<capnp::Data>::Builder out, const BytesList& list) {
  for (unsigned i = 0; i < out.size(); ++i) out.set(i, data_of(list[i]));
}

}  // namespace

void write(wire::ProposedBlock::Builder out, const Block& block, const std::vector<TxId>& ids) {
  const base::Bytes header = encode(block.header);
  base::Bytes id_bytes;
  for (const TxId& id : ids) base::append(id_bytes, id.view());
  out.setHeader(data_of(header));
  out.setTransactions(data_of(id_bytes));
  write_list(out.initEvidence(size32(block.evidence)), block.evidence);
  write_list(out.initCommit(size32(block.commit)), block.commit);
  write_list(out.initLate(size32(block.late)), block.late);
}

std::optional<Proposed> read(wire::ProposedBlock::Reader from, const BlockId& id) {
  const auto header = parse_header(bytes_of(from.getHeader()));
  const base::ByteView ids = bytes_of(from.getTransactions());
  if (!header || id_of(*header) != id || ids.size() % TxId::kBytes != 0 || ids.size() > kBlockBytesMax)
    return std::nullopt;
  if (from.getEvidence().size() > kBlockEntriesMax || from.getCommit().size() > kBlockEntriesMax ||
      from.getLate().size() > kBlockEntriesMax)
    return std::nullopt;
  // Entries may share bytes in the received message; here, and when it is forwarded, each has its own.
  const std::size_t bytes = from.getHeader().size() + ids.size() + bytes_of_list(from.getEvidence()) +
                            bytes_of_list(from.getCommit()) + bytes_of_list(from.getLate());
  if (bytes > kBlockBytesMax) return std::nullopt;
  Proposed out;
  out.block.header = *header;
  for (std::size_t at = 0; at < ids.size(); at += TxId::kBytes)
    out.ids.push_back(*TxId::from(ids.subspan(at, TxId::kBytes)));
  out.block.evidence = read_list(from.getEvidence());
  out.block.commit = read_list(from.getCommit());
  out.block.late = read_list(from.getLate());
  const bool right = root_of(out.ids) == header->transactions && log_root(out.block.evidence) == header->evidence &&
                     log_root(out.block.commit) == header->commit && log_root(out.block.late) == header->late;
  if (!right) return std::nullopt;
  return out;
}

void write(wire::FinalBlock::Builder out, base::ByteView block, const Commit& commit) {
  out.setBlock(data_of(block));
  const BytesList entries = commit_entries(commit);
  write_list(out.initCommit(size32(entries)), entries);
}

std::optional<FinalBytes> read(wire::FinalBlock::Reader from) {
  if (from.getBlock().size() > kBlockBytesMax || from.getCommit().size() > kValidatorsMax + 1) return std::nullopt;
  auto commit = commit_of(read_list(from.getCommit()));
  if (!commit) return std::nullopt;
  return FinalBytes({from.getBlock().begin(), from.getBlock().end()}, std::move(*commit));
}

void write(capnp::List<capnp::Data>::Builder out, const std::vector<TxId>& ids) {
  for (unsigned i = 0; i < out.size(); ++i) out.set(i, data_of(ids[i].view()));
}

std::optional<std::vector<TxId>> read_ids(capnp::List<capnp::Data>::Reader from, std::size_t most) {
  if (from.size() > most) return std::nullopt;
  std::vector<TxId> out;
  for (const auto bytes : from) {
    const auto id = TxId::from(bytes_of(bytes));
    if (!id) return std::nullopt;
    out.push_back(*id);
  }
  return out;
}

}  // namespace troupe::chain
