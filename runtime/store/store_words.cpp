#include "runtime/store/store_words.hpp"

namespace troupe::store {

base::Outcome<base::Digest> read_id(capnp::Data::Reader id) {
  const auto out = base::Digest::from(bytes_of(id));
  if (!out) return base::Error{base::Code::malformed, "invalid blob id: expected 32 bytes"};
  return *out;
}

base::Outcome<Commit> read_commit(wire::Commit::Reader commit) {
  Commit out;
  for (const auto row : commit.getRows()) {
    const auto value = row.getValue();
    switch (value.which()) {
      case wire::Change::Value::ERASE:
        out.rows.push_back({view(row.getKeyspace()), bytes_of(row.getKey()), std::nullopt});
        continue;
      case wire::Change::Value::PUT:
        out.rows.push_back({view(row.getKeyspace()), bytes_of(row.getKey()), bytes_of(value.getPut())});
        continue;
    }
    return base::Error{base::Code::malformed, "invalid row change: neither put nor erase"};
  }
  for (const auto blob : commit.getKeep()) {
    const auto id = read_id(blob.getId());
    if (!id.ok()) return id.error();
    out.keep.push_back({id.value(), bytes_of(blob.getBytes())});
  }
  for (const auto dropped : commit.getDrop()) {
    const auto id = read_id(dropped);
    if (!id.ok()) return id.error();
    out.drop.push_back(id.value());
  }
  return out;
}

}  // namespace troupe::store
