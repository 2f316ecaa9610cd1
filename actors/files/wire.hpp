#pragma once
// This domain's values in the words of messages/files.capnp and messages/store.capnp, there and back.
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "actors/files/logic/catalogue.hpp"
#include "actors/files/logic/claims.hpp"
#include "actors/files/logic/fetch.hpp"
#include "actors/files/logic/pace.hpp"
#include "messages/borrow.hpp"
#include "messages/files.capnp.h"
#include "messages/store.capnp.h"
#include "messages/words.hpp"
#include "runtime/base/error.hpp"

namespace troupe::files {

inline constexpr std::size_t kBlobBytesMax = 2u << 20;  // messages/store.capnp: Blob

/// Errors: `malformed` unless it has the length of an `Id`.
template <class Id>
base::Outcome<Id> read_id(capnp::Data::Reader data) {
  if (const auto id = Id::from(bytes_of(data))) return *id;
  return base::Error{base::Code::malformed, "an id has another length"};
}
/// Those of the right length; a list from this node has no others.
std::vector<base::NodeId> read_nodes(capnp::List<capnp::Data>::Reader list);
template <class Nodes>
void write_nodes(capnp::List<capnp::Data>::Builder out, const Nodes& nodes) {
  unsigned i = 0;
  for (const base::NodeId& node : nodes) out.set(i++, data_of(node.view()));
}

/// What `pace` knows of the first of these nodes.
void write_pace(capnp::List<wire::NodeTook>::Builder out, const std::set<base::NodeId>& nodes, const Pace& pace,
                base::Instant now);

/// Errors: `malformed`, `unsupported`, as messages/files.capnp says.
base::Outcome<ContentKey> read_content(wire::Content::Reader content);
void write(wire::Content::Builder out, const ContentKey& key);
void write_owner(wire::ContentOwner::Builder out, const base::NodeId& owner, const base::AddressGroup& group);
/// As Announced counts it; a message from this node has no malformed ones. `self`: this node.
base::User<base::NodeId> read_owner(wire::ContentOwner::Reader owner, const base::NodeId& self);
base::Outcome<Claim> read_claim(wire::Claim::Reader claim, const base::NodeId& owner);
void write(wire::Claim::Builder out, ClaimKind kind, const base::Digest& name);
void write(wire::FileRow::Builder out, const Entry& entry, std::size_t replicas_live);

/// Answers with how a commit ended.
template <class Reply>
auto answer_with(Reply reply) {
  return [reply = std::move(reply)](const base::Outcome<void>& done) mutable {
    if (done.ok()) reply.done();
    else reply.refuse(done.error());
  };
}

/// The names of a content's bytes in the store: a manifest above kBlobBytesMax takes two blobs.
base::Digest blob_id(const ContentKey& key, std::uint8_t part);
std::size_t blob_parts(const ContentKey& key);

base::Error to_error(ClaimError error);
base::Error to_error(CatalogueError error);
base::Error to_error(FetchEnd end);

}  // namespace troupe::files
