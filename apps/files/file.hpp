#pragma once
// Shared parts of the commands `troupe file …`; each is declared here and has its own source, file_put.cpp and so on.
#include "actors/files/api.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "messages/files.capnp.h"
#include "messages/output/files.capnp.h"

namespace troupe::apps {

// How long a stream may be idle before its node counts as lost.
inline constexpr std::chrono::minutes kFileIdle{5};
// How often a put with a silent source sends a keepalive; the node also forgets an idle stream.
inline constexpr std::chrono::minutes kFileAlive{1};
static_assert(2 * kFileAlive < kFileIdle);
// Time limit of a change: one commit, for which a store has a minute (actors/files/settings.hpp), and the steps before
// it.
inline constexpr std::chrono::seconds kFileAnswer{75};

using CommandRun = Ending(const Invocation&, Console&);
CommandRun file_put, file_get, file_list, file_view, file_verify, file_remove, file_pin, file_unpin, file_owners,
    file_release;

/// Returns the argument CID. Fails with usage unless it is 64 hexadecimal digits.
base::Result<files::Cid, Failure> cid_of(const Invocation& invocation);

/// Returns whether a node that has the file was found, in the way of `file view`.
Client::Outcome<bool> has_holder(Client& client, const files::Cid& cid);

/// Stores a file, or standard input for "-", with the node's number of copies, and shows the progress.
Client::Outcome<files::Cid> put_file(Client& client, Console& console, const std::string& path);
/// Does the same for bytes in memory, without a name.
Client::Outcome<files::Cid> put_bytes(Client& client, Console& console, base::ByteView bytes);
/// Does the same for a folder, as a tar archive (runtime/os/folder_archive.hpp).
Client::Outcome<files::Cid> put_folder(Client& client, Console& console, const std::string& path);

/// Returns "2026-11-22", in UTC.
std::string day_text(std::uint64_t seconds);

/// A file as a node lists it.
struct FileRow {
  files::Cid cid{};
  std::string name{};  ///< as its owner gave it: escape it before it is shown; empty: none
  std::uint64_t bytes = 0;
  std::uint32_t chunks = 0;
  unsigned replicas = 0;  ///< the wanted number of copies
  unsigned live = 0;      ///< the lowest number of copies that a part of the file had at the node's last check
  bool pinned = false;
  std::optional<std::uint64_t> expires{};     ///< seconds since 1970
  std::optional<std::uint64_t> copies_end{};  ///< seconds since 1970; only for the list

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
    if (row.getCopiesEndAt() > 0) out.copies_end = static_cast<std::uint64_t>(row.getCopiesEndAt());
    return out;
  }

  void write(output::wire::File::Builder out) const {
    out.setCid(data(cid.view()));
    if (!name.empty()) out.setName(name);
    out.setBytes(bytes);
    out.setChunks(chunks);
    out.setPinned(pinned);
    if (expires) out.getExpires().setValue(*expires);
    if (copies_end) out.getCopiesEnd().setValue(*copies_end);
  }

  /// Returns "2 of 3".
  std::string copies() const { return std::to_string(live) + " of " + std::to_string(replicas); }
};

}  // namespace troupe::apps
