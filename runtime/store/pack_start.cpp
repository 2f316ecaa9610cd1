// How packs are opened: which files are packs, and where the last pack ends.
#include <algorithm>
#include <utility>

#include "runtime/store/pack.hpp"
#include "runtime/store/pack_walk.hpp"

namespace troupe::store {

Packs::Packs(ports::Disk& disk, std::string directory, PackOptions options)
    : disk_(disk), directory_(std::move(directory)), options_(options), salts_(options.seed) {}

StoreResult<std::unique_ptr<Packs>> Packs::open(ports::Disk& disk, std::string directory, PackOptions options) {
  base::ensure(options.pack_bytes_max <= kPackBytesMax, "a pack's offsets have 32 bits");
  std::unique_ptr<Packs> out(new Packs(disk, std::move(directory), options));
  if (const auto started = out->start(); !started.ok()) return started.error();
  return out;
}

StoreResult<void> Packs::start() {
  if (const auto made = make_durable_directory(disk_, directory_); !made.ok()) return made;
  const auto names = disk_.list(directory_);
  if (!names.ok()) return disk_failure(names.error(), directory_);
  std::vector<std::uint32_t> numbers;
  for (const std::string& name : names.value()) {
    if (const auto number = parse_pack_name(name)) numbers.push_back(*number);
  }
  // A crash may have left several packs that were begun but never used.
  while (!numbers.empty()) {
    const auto dropped = drop_unfinished(numbers.back());
    if (!dropped.ok()) return dropped.error();
    if (!dropped.value()) break;
    numbers.pop_back();
  }
  for (const std::uint32_t number : numbers) {
    if (const auto looked = look_at(number); !looked.ok()) return looked;
  }
  if (numbers.empty() || !packs_.at(numbers.back()).salt) return {};
  return recover(numbers.back());
}

/// Removes a pack file whose header did not become durable, so that it has never had a record. Returns whether the file
/// was such a pack.
StoreResult<bool> Packs::drop_unfinished(std::uint32_t number) {
  const auto bytes = disk_.size(path(number));
  if (!bytes.ok()) return failure(bytes.error(), number);
  if (bytes.value() > kPackHeaderBytes) return false;
  const auto file = disk_.open(path(number), ports::OpenMode::read);
  if (!file.ok()) return failure(file.error(), number);
  std::array<std::uint8_t, kPackHeaderBytes> front{};
  const auto got = file.value()->read(0, front);
  if (!got.ok()) return failure(got.error(), number);
  if (decode_pack_header({front.data(), got.value()})) return false;
  if (const auto removed = disk_.remove(path(number)); !removed.ok()) return failure(removed.error(), number);
  return true;
}

/// Reads the header of a pack and lists it.
StoreResult<void> Packs::look_at(std::uint32_t number) {
  const auto file = disk_.open(path(number), ports::OpenMode::read);
  if (!file.ok()) return failure(file.error(), number);
  const auto bytes = file.value()->size();
  if (!bytes.ok()) return failure(bytes.error(), number);
  std::array<std::uint8_t, kPackHeaderBytes> front{};
  const auto got = file.value()->read(0, front);
  if (!got.ok()) return failure(got.error(), number);
  const auto header = decode_pack_header({front.data(), got.value()});
  if (header && header->version != kPackVersion) {
    return StoreError{StoreError::format_newer, path(number) + ": a pack of format " + std::to_string(header->version) +
                                                    "; this version reads format " + std::to_string(kPackVersion)};
  }
  Pack pack;
  pack.bytes = std::max<std::uint64_t>(bytes.value(), kPackHeaderBytes);
  if (header && header->number == number) pack.salt = header->salt;
  else note(damages_, {number, 0, kPackHeaderBytes, Damage::rotten});
  packs_[number] = std::move(pack);
  return {};
}

/// Finds the end of the last pack, cuts the bytes after it, and activates the pack.
StoreResult<void> Packs::recover(std::uint32_t number) {
  auto file = disk_.open(path(number), ports::OpenMode::append);
  if (!file.ok()) return failure(file.error(), number);
  Pack& pack = packs_.at(number);
  // First only the headers: the greatest number of synced bytes that any of them has.
  std::uint64_t synced = kPackHeaderBytes;
  PackWalk headers(*file.value(), pack.salt, kPackHeaderBytes, pack.bytes, pack.bytes);
  for (;;) {
    const auto next = headers.next();
    if (!next.ok()) return failure(next.error(), number);
    if (!next.value()) break;
    if (next.value()->record) synced = std::max<std::uint64_t>(synced, next.value()->record->synced);
  }
  // Then all of it, with the payloads that are not known to be synced.
  std::uint64_t end = synced;
  std::vector<Damage> damages;
  PackWalk walk(*file.value(), pack.salt, kPackHeaderBytes, pack.bytes, synced);
  for (;;) {
    const auto next = walk.next();
    if (!next.ok()) return failure(next.error(), number);
    if (!next.value()) break;
    const Stretch& stretch = *next.value();
    if (stretch.record) {
      end = std::max(end, stretch.offset + stretch.bytes);
    } else {
      const auto kind = stretch.offset < synced ? Damage::rotten : Damage::torn;
      note(damages, {number, stretch.offset, stretch.bytes, kind});
    }
  }
  for (Damage& damage : damages) {
    if (damage.offset >= end) continue;
    damage.bytes = std::min(damage.bytes, end - damage.offset);
    note(damages_, damage);
  }
  if (end < pack.bytes) {
    if (const auto cut = file.value()->truncate(end); !cut.ok()) return failure(cut.error(), number);
    cut_bytes_ = pack.bytes - end;
    pack.bytes = end;
  }
  // Bytes that a crash of the process left in memory must be durable before a rebuilt index or a later record relies on
  // them.
  if (const auto done = file.value()->sync(); !done.ok()) return failure(done.error(), number);
  pack.file = std::move(file).value();
  active_ = number;
  written_ = synced_ = pack.bytes;
  return {};
}

}  // namespace troupe::store
