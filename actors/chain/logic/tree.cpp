#include "actors/chain/logic/tree.hpp"

#include <algorithm>
#include <deque>
#include <span>

#include "runtime/base/ensure.hpp"

namespace troupe::chain {
namespace {

/// Reads rows. Records the first damaged row, and reads it as empty.
class RowReader {
 public:
  explicit RowReader(const TreeRows& rows) : rows_(rows) {}

  /// Never returns null.
  RowBytes bytes(const RowKey& key) {
    static const RowBytes kNone = std::make_shared<const base::Bytes>();
    RowBytes found = rows_.row(key);
    if (found) return found;
    damaged(key);
    return kNone;
  }
  /// The cells point into `bytes`, the result of bytes(key).
  Row row(const RowKey& key, const RowBytes& bytes) {
    const auto row = decode_row(*bytes);
    if (!row) damaged(key);
    return row.value_or(Row{});
  }
  std::shared_ptr<base::Bytes> buffer(std::size_t bytes) const { return rows_.buffer(bytes); }
  void damaged(const RowKey& key) {
    if (!damage_) damage_ = TreeDamage{key};
  }
  const std::optional<TreeDamage>& damage() const { return damage_; }

 private:
  const TreeRows& rows_;
  std::optional<TreeDamage> damage_;
};

bool tree_empty(const TreeRoot& root) { return root.hash == base::Digest{}; }

RowKey top_row(const TreeRoot& root) { return {root.version, 0, {}}; }

struct PlacedChange {
  Path path;
  base::ByteView key;
  std::optional<base::ByteView> value;
};
using PlacedChanges = std::span<const PlacedChange>;

std::vector<PlacedChange> placed(const TreeChanges& changes) {
  std::vector<PlacedChange> out;
  out.reserve(changes.size());
  for (const auto& [key, value] : changes) {
    base::ensure(!key.empty() && key.size() <= kTreeKeyBytesMax, "a key of the state is within its limits");
    base::ensure(!value || (!value->empty() && value->size() <= kTreeValueBytesMax),
                 "a value of the state is within its limits");
    out.push_back({path_of(key), key, value ? std::optional<base::ByteView>(*value) : std::nullopt});
  }
  std::ranges::sort(out, {}, &PlacedChange::path);
  return out;
}

Cell leaf_cell(const PlacedChange& change) {
  Cell out;
  out.kind = Cell::Kind::leaf;
  out.hash = leaf_hash(change.path, *change.value);
  out.key = change.key;
  out.value = *change.value;
  return out;
}

class TreeUpdater {
 public:
  TreeUpdater(RowReader& rows, Height height) : rows_(rows), height_(height) {}

  TreeUpdate run(const TreeRoot& root, PlacedChanges changes) {
    out_.root = root;
    RowKey key = top_row(root);
    RowBytes bytes;
    Row row;
    if (!tree_empty(root)) {
      base::ensure(root.version < height_, "a height writes the tree once");
      bytes = rows_.bytes(key);
      row = rows_.row(key, bytes);
    }
    if (!change_row(key, row, changes)) return std::move(out_);
    if (!tree_empty(root)) out_.stale.push_back(key);
    out_.root = {fold(row), Height{0}};
    if (tree_empty(out_.root)) return std::move(out_);
    out_.root.version = height_;
    write(key, row);
    std::ranges::sort(out_.rows, {}, &std::pair<RowKey, RowBytes>::first);
    return std::move(out_);
  }

 private:
  /// Applies the changes to a row. Returns false if it stays the same.
  bool change_row(const RowKey& key, Row& row, PlacedChanges changes) {
    bool changed = false;
    while (!changes.empty()) {
      const std::size_t at = nibble(changes.front().path, key.nibbles);
      std::size_t count = 1;
      while (count < changes.size() && nibble(changes[count].path, key.nibbles) == at) ++count;
      changed |= change_cell(key, at, row[at], changes.first(count));
      changes = changes.subspan(count);
    }
    return changed;
  }

  /// Applies at least one change to everything below a cell.
  bool change_cell(const RowKey& above, std::size_t at, Cell& cell, PlacedChanges changes) {
    if (!cell.child() && changes.size() == 1) {
      const PlacedChange& change = changes.front();
      const bool same_key = cell.leaf() && std::ranges::equal(cell.key, change.key);
      if (!change.value) {
        if (same_key) cell = Cell{};
        return same_key;
      }
      if (cell.empty() || same_key) {
        const Cell next = leaf_cell(change);
        const bool changed = next.hash != cell.hash;
        if (changed) cell = next;
        return changed;
      }
    }
    return change_below(above, at, cell, changes);
  }

  bool change_below(const RowKey& above, std::size_t at, Cell& cell, PlacedChanges changes) {
    if (above.nibbles + 1u >= kNibblesMax) {  // two keys never share their SHA-256
      rows_.damaged(above);
      return false;
    }
    const RowKey key = above.child(at, cell.written);
    RowBytes bytes;
    Row row;
    if (cell.child()) {
      bytes = rows_.bytes(key);
      row = rows_.row(key, bytes);
    } else if (cell.leaf()) {
      row[nibble(path_of(cell.key), key.nibbles)] = cell;
    }
    if (!change_row(key, row, changes)) return false;
    if (cell.child()) out_.stale.push_back(key);
    const base::Digest hash = fold(row);
    const Cell* leaf = lone_leaf(row, 0, kRowCells);
    if (hash == base::Digest{}) {
      cell = Cell{};
    } else if (leaf != nullptr) {
      cell = kept(*leaf);
    } else {
      write(key, row);
      cell = Cell{Cell::Kind::child, hash, height_, {}, {}};
    }
    return true;
  }

  void write(RowKey key, const Row& row) {
    key.height = height_;
    auto bytes = rows_.buffer(encoded_bytes(row));
    encode(row, *bytes);
    out_.rows.emplace_back(key, std::move(bytes));
  }

  /// Copies a leaf that moves up, because the bytes that it was read from go away.
  Cell kept(const Cell& leaf) {
    Cell out = leaf;
    kept_.emplace_back(leaf.key.begin(), leaf.key.end());
    out.key = kept_.back();
    kept_.emplace_back(leaf.value.begin(), leaf.value.end());
    out.value = kept_.back();
    return out;
  }

  RowReader& rows_;
  Height height_;
  TreeUpdate out_;
  std::deque<base::Bytes> kept_;
};

/// Adds the steps inside a row, from the top down. Returns the cell at their end, which may be empty.
const Cell& steps_down(const Row& row, std::size_t at, std::vector<ProofStep>& down) {
  std::size_t first = 0, count = kRowCells;
  while (count > 1 && lone_leaf(row, first, count) == nullptr) {
    count /= 2;
    const bool right = at >= first + count;
    const base::Digest sibling = fold(row, right ? first : first + count, count);
    ProofStep step{{1}, {}};
    base::Bytes& beside = right ? step.prefix : step.suffix;
    beside.insert(beside.end(), sibling.bytes.begin(), sibling.bytes.end());
    down.push_back(std::move(step));
    if (right) first += count;
  }
  const Cell* leaf = lone_leaf(row, first, count);
  return leaf == nullptr ? row[at] : *leaf;
}

/// Returns the proof of an existing key.
ExistenceProof exist(RowReader& rows, const TreeRoot& root, base::ByteView key) {
  const Path path = path_of(key);
  ExistenceProof out{{key.begin(), key.end()}, {}, {}};
  for (RowKey at = top_row(root); at.nibbles < kNibblesMax;) {
    const RowBytes bytes = rows.bytes(at);
    const Row row = rows.row(at, bytes);
    const std::size_t cell_at = nibble(path, at.nibbles);
    const Cell& cell = steps_down(row, cell_at, out.path);
    if (!cell.child()) {
      out.value.assign(cell.value.begin(), cell.value.end());
      break;
    }
    at = at.child(cell_at, cell.written);
  }
  std::ranges::reverse(out.path);
  return out;
}

/// Calls `take` for leaves in rising or falling order of path, starting at a path.
class LeafWalk {
 public:
  enum class Order : std::uint8_t { rising, falling };

  LeafWalk(RowReader& rows, Order order, const Path& from, const std::function<bool(const Cell&)>& take)
      : rows_(rows), order_(order), from_(from), take_(take) {}

  /// `edge`: the row is on the path of `from_`, so some of its leaves may be before it. Returns false to stop.
  bool below(const RowKey& key, bool edge) {
    const RowBytes bytes = rows_.bytes(key);
    const Row row = rows_.row(key, bytes);
    const std::size_t first = nibble(from_, key.nibbles);
    for (std::size_t i = 0; i < kRowCells; ++i) {
      const std::size_t at = order_ == Order::rising ? i : kRowCells - 1 - i;
      if (edge && (order_ == Order::rising ? at < first : at > first)) continue;
      const Cell& cell = row[at];
      if (cell.child() && !deeper(key, at, cell, edge && at == first)) return false;
      if (cell.leaf() && !(edge && at == first && before(cell)) && !take_(cell)) return false;
    }
    return true;
  }

 private:
  bool deeper(const RowKey& key, std::size_t at, const Cell& cell, bool edge) {
    if (key.nibbles + 1u < kNibblesMax) return below(key.child(at, cell.written), edge);
    rows_.damaged(key);
    return false;
  }
  bool before(const Cell& leaf) const {
    const Path path = path_of(leaf.key);
    return order_ == Order::rising ? path < from_ : path > from_;
  }

  RowReader& rows_;
  Order order_;
  Path from_;
  const std::function<bool(const Cell&)>& take_;
};

std::optional<ExistenceProof> neighbour(RowReader& rows, const TreeRoot& root, const Path& path,
                                        LeafWalk::Order order) {
  std::optional<base::Bytes> key;
  const std::function<bool(const Cell&)> take = [&](const Cell& leaf) {
    key.emplace(leaf.key.begin(), leaf.key.end());
    return false;
  };
  LeafWalk(rows, order, path, take).below(top_row(root), true);
  if (!key || rows.damage()) return std::nullopt;
  return exist(rows, root, *key);
}

class TreeDiff {
 public:
  TreeDiff(RowReader& a, RowReader& b) : a_(a), b_(b) {}

  /// Returns the first key that differs below two cells. Both are at index `at` of the row at `above`'s position.
  std::optional<base::Bytes> cells(const RowKey& above, std::size_t at, const Cell& a, const Cell& b) {
    if (a.hash == b.hash) return std::nullopt;
    if (!a.child() && !b.child()) return first_of(a, b);
    if (above.nibbles + 1u >= kNibblesMax) {
      (a.child() ? a_ : b_).damaged(above);
      return std::nullopt;
    }
    return rows(above.child(at, a.written), a, above.child(at, b.written), b);
  }

  std::optional<base::Bytes> rows(const RowKey& key_a, const Cell& a, const RowKey& key_b, const Cell& b) {
    RowBytes bytes_a, bytes_b;
    const Row row_a = opened(a_, key_a, a, bytes_a), row_b = opened(b_, key_b, b, bytes_b);
    if (a_.damage() || b_.damage()) return std::nullopt;
    for (std::size_t i = 0; i < kRowCells; ++i)
      if (auto found = cells(key_a, i, row_a[i], row_b[i])) return found;
    return std::nullopt;
  }

 private:
  static std::optional<base::Bytes> first_of(const Cell& a, const Cell& b) {
    const bool first = b.empty() || (a.leaf() && path_of(a.key) <= path_of(b.key));
    const Cell& out = first ? a : b;
    return base::Bytes(out.key.begin(), out.key.end());
  }

  /// Returns a child's row. A leaf is placed into an otherwise empty row, at the position that it would have there.
  static Row opened(RowReader& reader, const RowKey& key, const Cell& cell, RowBytes& bytes) {
    Row out;
    if (cell.child()) {
      bytes = reader.bytes(key);
      out = reader.row(key, bytes);
    } else if (cell.leaf()) {
      out[nibble(path_of(cell.key), key.nibbles)] = cell;
    }
    return out;
  }

  RowReader& a_;
  RowReader& b_;
};

Cell top_cell(const TreeRoot& root) {
  return tree_empty(root) ? Cell{} : Cell{Cell::Kind::child, root.hash, root.version, {}, {}};
}

}  // namespace

base::Result<TreeUpdate, TreeDamage> update(const TreeRows& rows, const TreeRoot& root, Height height,
                                            const TreeChanges& changes) {
  RowReader reader(rows);
  const std::vector<PlacedChange> sorted = placed(changes);
  TreeUpdate out = TreeUpdater(reader, height).run(root, sorted);
  if (reader.damage()) return *reader.damage();
  return out;
}

base::Result<std::optional<base::Bytes>, TreeDamage> find(const TreeRows& rows, const TreeRoot& root,
                                                          base::ByteView key) {
  using Found = std::optional<base::Bytes>;
  if (tree_empty(root)) return Found();
  const Path path = path_of(key);
  for (RowKey at = top_row(root); at.nibbles < kNibblesMax;) {
    const RowBytes bytes = rows.row(at);
    const std::size_t cell_at = nibble(path, at.nibbles);
    const auto cell = bytes ? decode_cell(*bytes, cell_at) : std::nullopt;
    if (!cell) return TreeDamage{at};
    if (!cell->child()) {
      if (!cell->leaf() || !std::ranges::equal(cell->key, key)) return Found();
      return Found(base::Bytes(cell->value.begin(), cell->value.end()));
    }
    if (at.nibbles + 1u == kNibblesMax) return TreeDamage{at};
    at = at.child(cell_at, cell->written);
  }
  return Found();
}

base::Result<TreeProof, TreeDamage> prove(const TreeRows& rows, const TreeRoot& root, base::ByteView key) {
  base::ensure(!key.empty(), "a key of the state has at least one byte");
  const auto value = find(rows, root, key);
  if (!value.ok()) return value.error();
  RowReader reader(rows);
  TreeProof out;
  if (value.value()) {
    out.exist = exist(reader, root, key);
  } else {
    out.nonexist = NonexistenceProof{{key.begin(), key.end()}, {}, {}};
    if (!tree_empty(root)) {
      out.nonexist->left = neighbour(reader, root, path_of(key), LeafWalk::Order::falling);
      out.nonexist->right = neighbour(reader, root, path_of(key), LeafWalk::Order::rising);
    }
  }
  if (reader.damage()) return *reader.damage();
  return out;
}

base::Result<void, TreeDamage> each_leaf(const TreeRows& rows, const TreeRoot& root, const Path& from,
                                         const std::function<bool(const Cell&)>& take) {
  RowReader reader(rows);
  if (!tree_empty(root)) LeafWalk(reader, LeafWalk::Order::rising, from, take).below(top_row(root), true);
  if (reader.damage()) return *reader.damage();
  return {};
}

base::Result<std::optional<base::Bytes>, TreeDamage> diff(const TreeRows& rows_a, const TreeRoot& a,
                                                          const TreeRows& rows_b, const TreeRoot& b) {
  if (a.hash == b.hash) return std::optional<base::Bytes>();
  RowReader reader_a(rows_a), reader_b(rows_b);
  auto found = TreeDiff(reader_a, reader_b).rows(top_row(a), top_cell(a), top_row(b), top_cell(b));
  if (reader_a.damage()) return *reader_a.damage();
  if (reader_b.damage()) return *reader_b.damage();
  return found;
}

}  // namespace troupe::chain
