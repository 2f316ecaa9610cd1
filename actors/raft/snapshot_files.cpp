#include "actors/raft/snapshot_files.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "runtime/base/fields.hpp"

namespace troupe::raft {

using store::StoreError;
using store::StoreResult;

namespace {

constexpr std::size_t kCheckBytes = 8;  // of the SHA-256 of the preceding bytes in the trailer
constexpr std::size_t kTrailerMax = 8 + 8 + 4 + kConfigurationBytesMax + 8 + base::Digest::kBytes + kCheckBytes + 4;
constexpr std::string_view kEnding = ".snapshot", kNewEnding = ".new";

base::Bytes trailer_of(const Snapshot& snapshot) {
  const base::Bytes configuration = encode(snapshot.configuration);
  base::Bytes out;
  base::append_number(out, snapshot.index.value);
  base::append_number(out, snapshot.term.value);
  base::append_number(out, static_cast<std::uint32_t>(configuration.size()));
  base::append(out, configuration);
  base::append_number(out, snapshot.bytes);
  base::append(out, snapshot.digest.view());
  base::append(out, crypto::sha256(out).view().first(kCheckBytes));
  base::append_number(out, static_cast<std::uint32_t>(out.size() + 4));
  return out;
}

StoreError broken(const std::string& path, const char* why) { return {StoreError::corrupt, path + ": " + why}; }

/// Returns the parts of "INCARNATION-INDEX.snapshot", or nullopt for any other name.
std::optional<std::pair<Incarnation, Index>> parse(std::string_view name) {
  if (!name.ends_with(kEnding)) return std::nullopt;
  name.remove_suffix(kEnding.size());
  Incarnation member = 0;
  std::uint64_t index = 0;
  const char* end = name.data() + name.size();
  const auto first = std::from_chars(name.data(), end, member, 16);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, index);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return std::pair(member, Index{index});
}

std::string hex(Incarnation member) {
  char out[17];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(member));
  return out;
}

}  // namespace

std::string SnapshotFiles::path(Incarnation member, Index index) const {
  return directory_ + "/" + hex(member) + "-" + std::to_string(index.value) + std::string(kEnding);
}
std::string SnapshotFiles::path_of_new(Incarnation member) const {
  return directory_ + "/" + hex(member) + std::string(kNewEnding);
}

StoreResult<void> SnapshotFiles::open() { return store::make_durable_directory(disk_, directory_); }

// -- find ------------------------------------------------------------------------------------------------------------

StoreResult<std::optional<Snapshot>> SnapshotFiles::find(Incarnation member) {
  const auto names = disk_.list(directory_);
  if (!names.ok()) return store::disk_failure(names.error(), directory_);
  std::optional<Index> newest;
  for (const std::string& name : names.value())
    if (const auto found = parse(name); found && found->first == member)
      newest = std::max(newest.value_or(Index{}), found->second);
  if (!newest) return std::optional<Snapshot>();
  const std::string at = path(member, *newest);
  auto file = disk_.open(at, ports::OpenMode::read);
  if (!file.ok()) return store::disk_failure(file.error(), at);
  auto snapshot = load(member, *newest, *file.value());
  if (!snapshot.ok()) return snapshot.error();
  known_.insert_or_assign(member, Known{snapshot.value(), std::move(file).value()});
  return std::optional(std::move(snapshot).value());
}

StoreResult<Snapshot> SnapshotFiles::load(Incarnation member, Index index, ports::File& file) const {
  const std::string at = path(member, index);
  const auto size = file.size();
  if (!size.ok()) return store::disk_failure(size.error(), at);
  const std::uint64_t tail = std::min<std::uint64_t>(size.value(), kTrailerMax);
  base::Bytes bytes(tail);
  if (const auto got = file.read(size.value() - tail, bytes); !got.ok()) return store::disk_failure(got.error(), at);
  else if (got.value() != tail || tail < 4) return broken(at, "it has no trailer");
  const auto length = base::load<std::uint32_t>(bytes, tail - 4);
  if (length > tail || length < 4 + kCheckBytes) return broken(at, "its trailer is corrupted");
  const base::ByteView fields = base::ByteView(bytes).subspan(tail - length, length - 4 - kCheckBytes);
  const base::ByteView check = base::ByteView(bytes).subspan(tail - 4 - kCheckBytes, kCheckBytes);
  if (!std::ranges::equal(crypto::sha256(fields).view().first(kCheckBytes), check))
    return broken(at, "its trailer is corrupted");
  base::FieldReader in(fields);
  Snapshot out;
  out.index = Index{in.number<std::uint64_t>()};
  out.term = Term{in.number<std::uint64_t>()};
  const auto configured = in.number<std::uint32_t>();
  const auto configuration =
      configured <= kConfigurationBytesMax ? decode_configuration(in.take(configured)) : std::nullopt;
  out.bytes = in.number<std::uint64_t>();
  out.digest = in.fixed<base::Digest>();
  if (!in.ended() || !configuration || out.index != index || out.bytes != size.value() - length)
    return broken(at, "its trailer is corrupted");
  out.configuration = *configuration;
  crypto::Sha256 hash;
  base::Bytes part(kSnapshotChunkBytes);
  for (std::uint64_t from = 0; from < out.bytes;) {
    const std::size_t want = std::min<std::uint64_t>(part.size(), out.bytes - from);
    const auto got = file.read(from, std::span(part).first(want));
    if (!got.ok()) return store::disk_failure(got.error(), at);
    if (got.value() == 0) return broken(at, "it is cut off");
    hash.update(base::ByteView(part).first(got.value()));
    from += got.value();
  }
  if (hash.finish() != out.digest) return broken(at, "its checksum is wrong");
  return out;
}

// -- write -----------------------------------------------------------------------------------------------------------

StoreResult<SnapshotFiles::Writing*> SnapshotFiles::begin(Incarnation member, Index index) {
  writing_.erase(member);
  const std::string at = path_of_new(member);
  auto file = disk_.open(at, ports::OpenMode::replace);
  if (!file.ok()) return store::disk_failure(file.error(), at);
  Writing writing{.index = index, .file = std::move(file).value()};
  return &writing_.insert_or_assign(member, std::move(writing)).first->second;
}

StoreResult<void> SnapshotFiles::append(Writing& writing, Incarnation member, base::ByteView bytes) {
  if (const auto free = disk_.free_bytes(); free.ok() && free.value() < kSnapshotReserveBytes + bytes.size()) {
    writing_.erase(member);
    return store::nearly_full(path_of_new(member), free.value(), kSnapshotReserveBytes);
  }
  if (const auto written = writing.file->append(bytes); !written.ok()) {
    const auto why = store::disk_failure(written.error(), path_of_new(member));
    writing_.erase(member);
    return why;
  }
  writing.hash.update(bytes);
  writing.bytes += bytes.size();
  return {};
}

StoreResult<void> SnapshotFiles::write(Incarnation member, Index index, bool first, base::ByteView chunk) {
  if (first)
    if (const auto begun = begin(member, index); !begun.ok()) return begun.error();
  const auto found = writing_.find(member);
  if (found == writing_.end() || found->second.index != index)
    return broken(path_of_new(member), "another snapshot is being written");
  base::Bytes head;
  base::append_number(head, static_cast<std::uint32_t>(chunk.size()));
  if (auto written = append(found->second, member, head); !written.ok()) return written;
  return append(found->second, member, chunk);
}

StoreResult<void> SnapshotFiles::receive(Incarnation member, Index index, std::uint64_t offset, base::ByteView bytes) {
  if (offset == 0)
    if (const auto begun = begin(member, index); !begun.ok()) return begun.error();
  const auto found = writing_.find(member);
  if (found == writing_.end() || found->second.index != index || found->second.bytes != offset)
    return broken(path_of_new(member), "bytes received earlier are missing");
  received_ += bytes.size();
  return append(found->second, member, bytes);
}

StoreResult<Snapshot> SnapshotFiles::end(Incarnation member, Snapshot snapshot, bool received) {
  const auto found = writing_.find(member);
  const std::string fresh = path_of_new(member), at = path(member, snapshot.index);
  if (found == writing_.end() || found->second.index != snapshot.index) return broken(fresh, "it was never begun");
  Writing writing = std::move(found->second);
  writing_.erase(found);
  const base::Digest digest = writing.hash.finish();
  // A newly founded group has a snapshot without bytes.
  if (received && (writing.bytes != snapshot.bytes || (writing.bytes > 0 && digest != snapshot.digest)))
    return broken(fresh, "its size or digest differs from the leader's");
  snapshot.bytes = writing.bytes;
  snapshot.digest = digest;
  if (const auto written = writing.file->append(trailer_of(snapshot)); !written.ok())
    return store::disk_failure(written.error(), fresh);
  if (const auto synced = writing.file->sync(); !synced.ok()) return store::disk_failure(synced.error(), fresh);
  if (const auto named = disk_.rename(fresh, at); !named.ok()) return store::disk_failure(named.error(), at);
  if (const auto synced = disk_.sync_directory(directory_); !synced.ok())
    return store::disk_failure(synced.error(), directory_);
  known_.erase(member);
  const auto names = disk_.list(directory_);
  if (names.ok())
    for (const std::string& name : names.value())
      if (const auto old = parse(name); old && old->first == member && old->second < snapshot.index)
        (void)disk_.remove(directory_ + "/" + name);  // the next start retries
  ++written_;
  auto file = disk_.open(at, ports::OpenMode::read);
  if (!file.ok()) return store::disk_failure(file.error(), at);
  known_.insert_or_assign(member, Known{snapshot, std::move(file).value()});
  return snapshot;
}

// -- read ------------------------------------------------------------------------------------------------------------

StoreResult<const SnapshotFiles::Known*> SnapshotFiles::known(Incarnation member, Index index) const {
  const auto found = known_.find(member);
  if (found == known_.end() || found->second.snapshot.index != index)
    return StoreError{StoreError::not_found, path(member, index) + ": it is not the newest snapshot"};
  return &found->second;
}

StoreResult<base::Bytes> SnapshotFiles::read(Incarnation member, Index index, std::uint64_t offset) {
  const auto found = known(member, index);
  if (!found.ok()) return found.error();
  const std::uint64_t end = found.value()->snapshot.bytes;
  base::Bytes out(offset < end ? std::min<std::uint64_t>(kSnapshotChunkBytes, end - offset) : 0);
  const auto got = found.value()->file->read(offset, out);
  if (!got.ok()) return store::disk_failure(got.error(), path(member, index));
  out.resize(got.value());
  return out;
}

StoreResult<SnapshotFiles::Chunk> SnapshotFiles::read_chunk(Incarnation member, Index index, std::uint64_t offset) {
  const auto found = known(member, index);
  if (!found.ok()) return found.error();
  const std::string at = path(member, index);
  const std::uint64_t end = found.value()->snapshot.bytes;
  std::uint8_t head[4];
  if (offset > end || end - offset < sizeof head) return broken(at, "a chunk is cut off");
  const auto& file = *found.value()->file;
  if (const auto got = file.read(offset, head); !got.ok()) return store::disk_failure(got.error(), at);
  const auto length = base::load<std::uint32_t>(base::ByteView(head, sizeof head));
  const std::uint64_t begin = offset + sizeof head;
  if (length > kSnapshotChunkMax || length > end - begin) return broken(at, "a chunk is cut off");
  Chunk out{.bytes = base::Bytes(length), .next = begin + length == end ? 0 : begin + length};
  const auto got = file.read(begin, out.bytes);
  if (!got.ok()) return store::disk_failure(got.error(), at);
  if (got.value() != length) return broken(at, "a chunk is cut off");
  return out;
}

void SnapshotFiles::keep(const std::set<Incarnation>& members) {
  const auto names = disk_.list(directory_);
  if (!names.ok()) return;
  for (const std::string& name : names.value()) {
    const auto file = parse(name);
    const bool fresh = name.ends_with(kNewEnding);
    Incarnation member = 0;
    if (fresh) std::from_chars(name.data(), name.data() + name.size(), member, 16);
    const bool stays = file ? members.contains(file->first) : fresh && writing_.contains(member);
    if (!stays && (file || fresh)) (void)disk_.remove(directory_ + "/" + name);
  }
  std::erase_if(known_, [&](const auto& one) { return !members.contains(one.first); });
}

}  // namespace troupe::raft
