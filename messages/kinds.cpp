#include "messages/kinds.hpp"

#include <algorithm>

namespace troupe::messages {
namespace {

template <class Info>
const Info* find(std::span<const Info> table, std::uint64_t id) {
  const auto at = std::ranges::lower_bound(table, id, {}, &Info::id);
  return at != table.end() && at->id == id ? &*at : nullptr;
}

}  // namespace

const KindInfo* find_kind(std::uint64_t id) { return find(all_kinds(), id); }

base::ByteView schema_bytes(std::uint64_t id) {
  const SchemaInfo* const schema = find(all_schemas(), id);
  return schema == nullptr ? base::ByteView{} : schema->node;
}

}  // namespace troupe::messages
