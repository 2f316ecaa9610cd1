#pragma once
// A file as a node lists it: read from its message, written into an output.
#include <string>

#include "actors/files/api.hpp"
#include "messages/files.capnp.h"
#include "messages/output/files.capnp.h"

namespace troupe::apps {

struct FileRow {
  files::Cid cid{};
  std::string name{};  ///< as its owner gave it: escape it before it is shown; empty: none
  std::uint64_t bytes = 0;
  std::uint32_t chunks = 0;
  unsigned replicas = 0;  ///< wanted
  unsigned live = 0;      ///< the fewest that any part of it had when the node last looked
  bool pinned = false;
  std::optional<std::uint64_t> expires{};  ///< seconds since 1970

  static FileRow read(files::wire::FileRow::Reader row) {
    FileRow out;
    out.cid = files::Cid::from({row.getCid().begin(), row.getCid().size()}).value_or(files::Cid{});
    out.name.assign(row.getName().begin(), row.getName().size());
    out.bytes = row.getBytes();
    out.chunks = row.getChunks();
    out.replicas = row.getReplicas();
    out.live = row.getReplicasLive();
    out.pinned = row.getPinned();
    if (row.getExpires().isAt()) out.expires = static_cast<std::uint64_t>(row.getExpires().getAt());
    return out;
  }

  void write(output::wire::File::Builder out) const {
    out.setCid({cid.bytes.data(), cid.bytes.size()});
    if (!name.empty()) out.setName(name);
    out.setBytes(bytes);
    out.setChunks(chunks);
    out.setPinned(pinned);
    if (expires) out.getExpires().setValue(*expires);
  }

  /// "2 of 3"
  std::string copies() const { return std::to_string(live) + " of " + std::to_string(replicas); }
};

}  // namespace troupe::apps
