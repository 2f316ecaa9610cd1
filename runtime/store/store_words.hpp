#pragma once
// The store's requests as plain values, with the size rules of messages/store.capnp.
#include "messages/codec.hpp"
#include "messages/store.capnp.h"
#include "runtime/store/commit.hpp"

namespace troupe::store {

inline std::string_view view(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

/// Reads an id. Errors: `malformed` unless it has 32 bytes.
base::Outcome<base::Digest> read_id(capnp::Data::Reader id);

/// Returns views into the message. Errors: `malformed` for an invalid id.
base::Outcome<Commit> read_commit(wire::Commit::Reader commit);

}  // namespace troupe::store
