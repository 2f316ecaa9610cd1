#pragma once
// Converts this domain's values from and to messages/files.capnp and messages/store.capnp.
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "actors/files/logic/catalogue.hpp"
#include "actors/files/logic/claims.hpp"
#include "actors/files/logic/fetch.hpp"
#include "actors/files/logic/pace.hpp"
#include "messages/borrow.hpp"
#include "messages/codec.hpp"
#include "messages/files.capnp.h"
#include "messages/store.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::files {

inline constexpr std::size_t kBlobBytesMax = 2u << 20;  // messages/store.capnp: Blob

/// Error: `malformed` unless it has the length of an `Id`.
template <class Id>
base::Outcome<Id> read_id(capnp::Data::Reader data) {
  if (const auto id = Id::from(bytes_of(data))) return *id;
  return base::Error{base::Code::malformed, "malformed id: its length is wrong"};
}
/// Returns the ids with the right length; a list from this node has only such ids.
std::vector<base::NodeId> read_nodes(capnp::List<capnp::Data>::Reader list);
template <class Nodes>
void write_nodes(capnp::List<capnp::Data>::Builder out, const Nodes& nodes) {
  unsigned i = 0;
  for (const base::NodeId& node : nodes) out.set(i++, data_of(node.view()));
}

/// Writes what `pace` knows about the first of these nodes, as many as `out` has places.
void write_pace(capnp::List<wire::NodeTook>::Builder out, const std::set<base::NodeId>& nodes, const Pace& pace,
                base::Instant now);

/// Errors: `malformed`, `unsupported`, as in messages/files.capnp.
base::Outcome<ContentKey> read_content(wire::Content::Reader content);
void write(wire::Content::Builder out, const ContentKey& key);
void write_owner(wire::ContentOwner::Builder out, const base::NodeId& owner, const base::AddressGroup& group);
/// Reads an owner as Announced counts it; a message from this node is never malformed. `self`: this node.
base::User<base::NodeId> read_owner(wire::ContentOwner::Reader owner, const base::NodeId& self);
base::Outcome<Claim> read_claim(wire::Claim::Reader claim, const base::NodeId& owner);
void write(wire::Claim::Builder out, ClaimKind kind, const base::Digest& name);
void write(wire::FileRow::Builder out, const Entry& entry, std::size_t replicas_live);

/// Responds with the result of a commit.
template <class Reply>
auto answer_with(Reply reply) {
  return [reply = std::move(reply)](const base::Outcome<void>& done) mutable {
    if (done.ok()) reply.done();
    else reply.refuse(done.error());
  };
}

/// Returns the name of a part of an object in the store, and the number of parts: a manifest above kBlobBytesMax takes
/// two blobs.
base::Digest blob_id(const ContentKey& key, std::uint8_t part);
std::size_t blob_parts(const ContentKey& key);

base::Error to_error(ClaimError error);
base::Error to_error(CatalogueError error);
base::Error to_error(FetchEnd end);

}  // namespace troupe::files
