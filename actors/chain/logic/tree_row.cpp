#include "actors/chain/logic/tree_row.hpp"

#include <algorithm>

#include "runtime/base/big_endian.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::chain {
namespace {

constexpr std::size_t kRowHeadBytes = 4;
constexpr std::size_t kChildCellBytes = 32 + 8;

/// Reads a cell. Each cell begins at the end of the previous one.
Cell take_cell(base::FieldReader& in, Cell::Kind kind) {
  Cell out;
  out.kind = kind;
  if (kind == Cell::Kind::empty) return out;
  out.hash = in.fixed<base::Digest>();
  if (kind == Cell::Kind::child) {
    out.written.value = in.number<std::uint64_t>();
    return out;
  }
  const std::size_t key = in.number<std::uint8_t>(), value = in.number<std::uint16_t>();
  if (key == 0 || value == 0 || value > kTreeValueBytesMax) in.fail();
  out.key = in.take(key);
  out.value = in.take(value);
  return out;
}

struct CellKinds {
  std::uint16_t leaves;
  std::uint16_t children;

  Cell::Kind of(std::size_t cell) const {
    if ((leaves >> cell & 1) != 0) return Cell::Kind::leaf;
    return (children >> cell & 1) != 0 ? Cell::Kind::child : Cell::Kind::empty;
  }
};

CellKinds take_kinds(base::FieldReader& in) {
  CellKinds out{};
  out.leaves = in.number<std::uint16_t>();
  out.children = in.number<std::uint16_t>();
  if ((out.leaves & out.children) != 0 || (out.leaves | out.children) == 0) in.fail();
  return out;
}

}  // namespace

Path path_of(base::ByteView key) { return {crypto::sha256(key).bytes}; }

base::Digest leaf_hash(const Path& path, base::ByteView value) {
  static constexpr std::uint8_t kMark[] = {0};
  return crypto::sha256(kMark, path.view(), crypto::sha256(value).view());
}

base::Digest inner_hash(const base::Digest& left, const base::Digest& right) {
  static constexpr std::uint8_t kMark[] = {1};
  return crypto::sha256(kMark, left.view(), right.view());
}

RowKey RowKey::child(std::size_t cell, Height written) const {
  RowKey out{written, static_cast<std::uint8_t>(nibbles + 1), path};
  const auto shifted = static_cast<std::uint8_t>(nibbles % 2 == 0 ? cell << 4 : cell);
  out.path.bytes[nibbles / 2] = static_cast<std::uint8_t>(out.path.bytes[nibbles / 2] | shifted);
  return out;
}

void RowKey::append_to(base::Bytes& out) const {
  base::append_big_endian(out, height.value);
  out.push_back(nibbles);
  base::append(out, path.view().first((nibbles + 1u) / 2));
}

base::Bytes RowKey::encode() const {
  base::Bytes out;
  out.reserve(bytes());
  append_to(out);
  return out;
}

std::optional<RowKey> RowKey::decode(base::ByteView bytes) {
  base::FieldReader in(bytes);
  RowKey out;
  for (int i = 0; i < 8; ++i) out.height.value = out.height.value << 8 | in.number<std::uint8_t>();
  out.nibbles = in.number<std::uint8_t>();
  if (!in.ok() || out.nibbles >= kNibblesMax) return std::nullopt;
  std::ranges::copy(in.take((out.nibbles + 1u) / 2), out.path.bytes.begin());
  if (!in.ended() || (out.nibbles % 2 == 1 && nibble(out.path, out.nibbles) != 0)) return std::nullopt;
  return out;
}

base::Bytes encode(const Row& row) {
  base::Bytes out;
  encode(row, out);
  return out;
}

std::size_t encoded_bytes(const Row& row) {
  std::size_t out = kRowHeadBytes;
  for (const Cell& cell : row)
    out += cell.leaf() ? 32 + 3 + cell.key.size() + cell.value.size() : cell.child() ? kChildCellBytes : 0;
  return out;
}

void encode(const Row& row, base::Bytes& out) {
  CellKinds kinds{};
  for (std::size_t i = 0; i < kRowCells; ++i) {
    const auto bit = static_cast<std::uint16_t>(1u << i);
    if (row[i].leaf()) kinds.leaves = static_cast<std::uint16_t>(kinds.leaves | bit);
    if (row[i].child()) kinds.children = static_cast<std::uint16_t>(kinds.children | bit);
  }
  out.clear();
  out.reserve(encoded_bytes(row));
  base::append_number(out, kinds.leaves);
  base::append_number(out, kinds.children);
  for (const Cell& cell : row) {
    if (cell.empty()) continue;
    base::append(out, cell.hash.view());
    if (cell.child()) {
      base::append_number(out, cell.written.value);
      continue;
    }
    base::append_number(out, static_cast<std::uint8_t>(cell.key.size()));
    base::append_number(out, static_cast<std::uint16_t>(cell.value.size()));
    base::append(out, cell.key);
    base::append(out, cell.value);
  }
}

std::optional<Row> decode_row(base::ByteView bytes) {
  base::FieldReader in(bytes);
  const CellKinds kinds = take_kinds(in);
  Row out;
  for (std::size_t i = 0; i < kRowCells; ++i) out[i] = take_cell(in, kinds.of(i));
  if (!in.ended()) return std::nullopt;
  return out;
}

std::optional<Cell> decode_cell(base::ByteView bytes, std::size_t cell) {
  base::FieldReader in(bytes);
  const CellKinds kinds = take_kinds(in);
  for (std::size_t i = 0; i < cell && in.ok(); ++i) take_cell(in, kinds.of(i));
  const Cell out = take_cell(in, kinds.of(cell));
  if (!in.ok()) return std::nullopt;
  return out;
}

const Cell* lone_leaf(const Row& row, std::size_t first, std::size_t count) {
  const Cell* found = nullptr;
  for (std::size_t i = first; i < first + count; ++i) {
    if (row[i].empty()) continue;
    if (found != nullptr || row[i].child()) return nullptr;
    found = &row[i];
  }
  return found;
}

base::Digest fold(const Row& row, std::size_t first, std::size_t count) {
  if (count == 1) return row[first].hash;
  const auto begin = row.begin() + static_cast<std::ptrdiff_t>(first);
  if (std::all_of(begin, begin + static_cast<std::ptrdiff_t>(count), [](const Cell& cell) { return cell.empty(); }))
    return {};
  if (const Cell* leaf = lone_leaf(row, first, count); leaf != nullptr) return leaf->hash;
  return inner_hash(fold(row, first, count / 2), fold(row, first + count / 2, count / 2));
}

}  // namespace troupe::chain
