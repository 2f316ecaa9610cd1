#include "actors/files/wire.hpp"

#include <algorithm>
#include <limits>

#include "actors/files/logic/manifest.hpp"
#include "actors/files/settings.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::files {

using base::Code;
using base::Error;

std::vector<base::NodeId> read_nodes(capnp::List<capnp::Data>::Reader list) {
  std::vector<base::NodeId> out;
  for (const auto one : list)
    if (const auto node = base::NodeId::from(bytes_of(one))) out.push_back(*node);
  return out;
}

namespace {

/// Returns at least 1, which means that it responded.
std::uint32_t micros_of(base::Duration time) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(micros, 1, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

void write_pace(capnp::List<wire::NodeTook>::Builder out, const std::set<base::NodeId>& nodes, const Pace& pace,
                base::Instant now) {
  auto node = nodes.begin();
  for (unsigned i = 0; i < out.size(); ++i, ++node) {
    out[i].setNode(data_of(node->view()));
    if (!pace.is_silent(*node, now)) out[i].setMicros(micros_of(pace.usual(*node).value_or(base::Duration::zero())));
  }
}

base::Outcome<ContentKey> read_content(wire::Content::Reader content) {
  ContentKey out;
  out.id.bytes = base::from_words(content.getId0(), content.getId1(), content.getId2(), content.getId3());
  out.bytes = content.getBytes();
  switch (content.getKind()) {
    case wire::ContentKind::MANIFEST:
      out.kind = ContentKind::manifest;
      if (out.bytes != 0) return Error{Code::malformed, "a manifest is requested without its length"};
      return out;
    case wire::ContentKind::CHUNK:
      out.kind = ContentKind::chunk;
      if (out.bytes == 0 || out.bytes > kChunkBytesMax)
        return Error{Code::malformed, "invalid chunk length: expected 1 byte to 2 MiB"};
      return out;
  }
  return Error{Code::unsupported, "this version does not know that kind of object"};
}

void write(wire::Content::Builder out, const ContentKey& key) {
  const auto id = base::words_of(key.id.bytes);
  out.setId0(id[0]);
  out.setId1(id[1]);
  out.setId2(id[2]);
  out.setId3(id[3]);
  out.setBytes(key.bytes);
  out.setKind(key.kind == ContentKind::chunk ? wire::ContentKind::CHUNK : wire::ContentKind::MANIFEST);
}

void write_owner(wire::ContentOwner::Builder out, const base::NodeId& owner, const base::AddressGroup& group) {
  out.setId(data_of(owner.view()));
  out.setGroup(data_of(group.prefix));
}

base::User<base::NodeId> read_owner(wire::ContentOwner::Reader owner, const base::NodeId& self) {
  base::User<base::NodeId> out;
  if (const auto id = base::NodeId::from(bytes_of(owner.getId()))) out.id = *id;
  const auto group = owner.getGroup();
  if (group.size() == out.group.prefix.size()) std::copy(group.begin(), group.end(), out.group.prefix.begin());
  out.reserved = out.id == self;
  return out;
}

base::Outcome<Claim> read_claim(wire::Claim::Reader claim, const base::NodeId& owner) {
  const auto name = read_id<base::Digest>(claim.getName());
  if (!name.ok()) return name.error();
  switch (claim.getKind()) {
    case wire::ClaimKind::FILE: return Claim{owner, ClaimKind::file, name.value()};
    case wire::ClaimKind::PUT: return Claim{owner, ClaimKind::put, name.value()};
  }
  return Error{Code::unsupported, "this version does not know that kind of claim"};
}

void write(wire::Claim::Builder out, ClaimKind kind, const base::Digest& name) {
  out.setKind(kind == ClaimKind::file ? wire::ClaimKind::FILE : wire::ClaimKind::PUT);
  out.setName(data_of(name.view()));
}

void write(wire::FileRow::Builder out, const Entry& entry, std::size_t replicas_live) {
  out.setCid(data_of(entry.cid.view()));
  out.setName(text_of(entry.name));
  out.setBytes(entry.bytes);
  out.setChunks(entry.chunks);
  out.setReplicas(static_cast<std::uint8_t>(entry.replicas));
  out.setPinned(entry.pinned);
  if (entry.expires) out.getExpires().setAt(base::unix_seconds(*entry.expires));
  out.setAddedAt(base::unix_seconds(entry.added));
  out.setReplicasLive(static_cast<std::uint8_t>(replicas_live));
}

base::Digest blob_id(const ContentKey& key, std::uint8_t part) {
  base::Bytes name;
  name.reserve(kContentKeyBytes + 1);
  append_key(name, key);
  name.push_back(part);
  return crypto::sha256(name);
}

std::size_t blob_parts(const ContentKey& key) {
  static_assert(kChunkBytesMax <= kBlobBytesMax && kManifestBytesMax <= 2 * kBlobBytesMax);
  return key.kind == ContentKind::manifest ? 2 : 1;
}

base::Error to_error(ClaimError error) {
  switch (error) {
    case ClaimError::busy:
      return {Code::overloaded, "another store of that object is in progress: retry", std::chrono::milliseconds(100)};
    case ClaimError::ended: return {Code::conflict, "that put has ended"};
    case ClaimError::absent: return {Code::not_found, "this node does not have the bytes of that object"};
    case ClaimError::quota: return {Code::no_space, "the owner's quota at this node is used up"};
    case ClaimError::space:
      return {Code::no_space,
              "this node's space for other nodes (files.space), or the owner's share of it, is used up"};
    case ClaimError::full:
      return {Code::overloaded, "the limit of claims at this node, or the owner's share of it, is reached"};
    case ClaimError::released:
      return {Code::refused, "the operator of this node removed that owner's data and refuses it for now"};
  }
  return {Code::internal, "unknown"};
}

base::Error to_error(CatalogueError error) {
  switch (error) {
    case CatalogueError::not_found: return {Code::not_found, "this node has no such file"};
    case CatalogueError::full: return {Code::overloaded, "too many files at this node"};
    case CatalogueError::bad_name: return {Code::refused, "the file name is invalid"};
  }
  return {Code::internal, "unknown"};
}

base::Error to_error(FetchEnd end) {
  switch (end) {
    case FetchEnd::not_found: return {Code::not_found, "all nodes that were asked lack a part of the file"};
    case FetchEnd::alone:
      return {Code::unavailable,
              "this node lacks a part of the file and knows no other node; connect it with 'troupe peers connect "
              "HOST:PORT', or start it with --join"};
    case FetchEnd::unavailable:
      return {Code::unavailable, "a node that may have a part of the file did not respond", std::chrono::seconds(5)};
    case FetchEnd::corrupt: return {Code::corrupt, "every copy of a part of the file is corrupted"};
  }
  return {Code::internal, "unknown"};
}

}  // namespace troupe::files
