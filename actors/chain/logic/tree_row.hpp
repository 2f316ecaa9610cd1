#pragma once
// A row of the state tree: four of its levels, and 16 cells with the content below them.
//
// Key     height (8, big-endian) || number of nibbles (1) || the nibbles of the path above the row, two per byte.
// Cell    empty; a leaf, the only one below its nibble; or a child row, which has at least two leaves.
// Bytes   which cells are leaves (2) || which are children (2) || the cells; little-endian. Leaf: hash (32), bytes of
//         key (1), bytes of value (2), key, value. Child: hash (32), the height at which it was written (8).
// Hashes  inside a row are computed, never stored: at most 15 for a row of 16 cells.
// Limits  kTreeKeyBytesMax, kTreeValueBytesMax: a row fits into a value of the store (runtime/store/batch.hpp).
#include <array>
#include <compare>
#include <optional>

#include "actors/chain/logic/place.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::chain {

inline constexpr std::size_t kTreeKeyBytesMax = 255;          // its length takes one byte
inline constexpr std::size_t kTreeValueBytesMax = 32 * 1024;  // our choice: a set of 500 validators
inline constexpr std::size_t kRowCells = 16;                  // four levels
inline constexpr std::size_t kNibblesMax = 64;                // of SHA-256
inline constexpr std::size_t kRowBytesMax = 4 + kRowCells * (32 + 3 + kTreeKeyBytesMax + kTreeValueBytesMax);
static_assert(kRowBytesMax < 1024 * 1024, "a row fits into a value of the store");

/// The position of a key: SHA-256(key), highest bit first.
using Path = base::FixedBytes<struct PathTag, 32>;

Path path_of(base::ByteView key);

/// SHA-256(00 || SHA-256(key) || SHA-256(value)).
base::Digest leaf_hash(const Path& path, base::ByteView value);
/// SHA-256(01 || left || right).
base::Digest inner_hash(const base::Digest& left, const base::Digest& right);

inline std::size_t nibble(const Path& path, std::size_t at) { return path.bytes[at / 2] >> (at % 2 == 0 ? 4 : 0) & 15; }

struct RowKey {
  Height height;             ///< at which it was written
  std::uint8_t nibbles = 0;  ///< above it, at most 63
  Path path{};               ///< those nibbles, then zeros

  friend auto operator<=>(const RowKey&, const RowKey&) = default;
  /// The key of the row below cell `cell`, which was written at `written`.
  RowKey child(std::size_t cell, Height written) const;
  static constexpr std::size_t kBytesMax = 8 + 1 + Path::kBytes;
  std::size_t bytes() const { return 8 + 1 + (nibbles + 1u) / 2; }  ///< of encode()
  void append_to(base::Bytes& out) const;
  base::Bytes encode() const;
  static std::optional<RowKey> decode(base::ByteView bytes);
};

struct Cell {
  enum class Kind : std::uint8_t { empty, leaf, child };
  Kind kind = Kind::empty;
  base::Digest hash{};   ///< zeros: empty
  Height written{};      ///< of a child
  base::ByteView key{};  ///< of a leaf; key and value point into the encoded row
  base::ByteView value{};

  bool empty() const { return kind == Kind::empty; }
  bool leaf() const { return kind == Kind::leaf; }
  bool child() const { return kind == Kind::child; }
};

using Row = std::array<Cell, kRowCells>;

std::size_t encoded_bytes(const Row& row);
base::Bytes encode(const Row& row);
/// Replaces the content of `out` by the encoded row.
void encode(const Row& row, base::Bytes& out);
/// Returns nullopt unless the bytes are the canonical encoding. The cells point into `bytes`.
std::optional<Row> decode_row(base::ByteView bytes);
/// Decodes one cell without checking later cells. Returns nullopt if the bytes end before it.
std::optional<Cell> decode_cell(base::ByteView bytes, std::size_t cell);

/// Returns the hash of the node above `count` cells from `first`; `count` is 1, 2, 4, 8 or 16.
base::Digest fold(const Row& row, std::size_t first = 0, std::size_t count = kRowCells);
/// Returns the only occupied cell of these if it is a leaf, which then represents all of them; otherwise null.
const Cell* lone_leaf(const Row& row, std::size_t first, std::size_t count);

}  // namespace troupe::chain
