#include "runtime/sim/disk_state.hpp"

#include <algorithm>

namespace troupe::sim {

using ports::DiskError;
using ports::DiskResult;

void NameChange::perform() const {
  if (from) {
    Names& names = from->directory->on_device;
    if (const auto found = names.find(from->name); found != names.end() && found->second == what) names.erase(found);
  }
  if (to) to->directory->on_device[to->name] = what;
}

Disk::State::State() : root(std::make_shared<Inode>()) { root->directory = true; }

DiskResult<void> Disk::State::admit(Effect effect) {
  if (halt_in && *halt_in == 0 && effect == Effect::changes) halted = true;
  if (halted) return DiskError::io;
  owed += operation;
  if (effect == Effect::looks) return {};
  if (gone) return DiskError::gone;
  ++operations;
  if (halt_in) --*halt_in;
  return {};
}

std::optional<DiskError> Disk::State::fault(DiskOperation what) {
  std::optional<Fault>& planned = faults[static_cast<std::size_t>(what)];
  if (!planned || planned->after-- > 0) return std::nullopt;
  const Fault now = std::move(*planned);
  planned.reset();
  if (now.hit) now.hit();
  return now.error;
}

/// Returns how many of `bytes` can be written, and the error for the rest.
std::pair<std::uint64_t, std::optional<DiskError>> Disk::State::writable(std::uint64_t bytes) {
  std::optional<DiskError> error = fault(DiskOperation::write);
  if (error) bytes /= 2;
  if (bytes <= room()) return {bytes, error};
  return {room(), error ? error : DiskError::no_space};
}

DiskResult<void> Disk::State::append(Inode& file, base::ByteView bytes) {
  if (told) told(bytes);
  const auto [written, error] = writable(bytes.size());
  file.content.append(bytes.first(written));
  if (file.named) used += written;
  if (error) return *error;
  return {};
}

DiskResult<void> Disk::State::fill(Inode& file, std::uint64_t bytes) {
  if (told) {
    std::array<std::uint8_t, 8> said{};
    for (std::size_t i = 0; i < said.size(); ++i) said[i] = static_cast<std::uint8_t>(bytes >> (8 * i));
    told(said);
  }
  const auto [written, error] = writable(bytes);
  file.content.fill(written);
  if (file.named) used += written;
  if (error) return *error;
  return {};
}

void Disk::State::cut(Inode& file, std::uint64_t bytes) {
  if (bytes < file.stable) {
    Content lost = file.content.part(bytes, file.stable);
    lost.append(file.lost);
    file.lost = std::move(lost);
    file.stable = bytes;
  }
  if (file.named) used -= file.content.size() - bytes;
  file.content.cut(bytes);
}

DiskResult<DirectoryEntry> Disk::State::locate(std::string_view path) const {
  if (!ports::path_ok(path)) return DiskError::denied;
  InodePtr at = root;
  for (;;) {
    const std::size_t slash = path.find('/');
    DirectoryEntry place{at, std::string(path.substr(0, slash))};
    if (slash == std::string_view::npos) return place;
    at = place.inode();
    if (!at || !at->directory) return DiskError::not_found;
    path.remove_prefix(slash + 1);
  }
}

DiskResult<InodePtr> Disk::State::directory(std::string_view path) const {
  if (path == ".") return root;
  const auto place = locate(path);
  if (!place.ok()) return place.error();
  InodePtr inode = place.value().inode();
  if (!inode || !inode->directory) return DiskError::not_found;
  return inode;
}

void Disk::State::change(std::optional<DirectoryEntry> from, std::optional<DirectoryEntry> to, const InodePtr& what) {
  const auto forget = [this](Inode& inode) {
    if (std::exchange(inode.named, false)) used -= inode.content.size();
  };
  NameChange change{std::nullopt, std::nullopt, what};
  if (from) {
    from->directory->names.erase(from->name);
    change.from = {std::move(from->directory), std::move(from->name)};
  }
  if (to) {
    if (const InodePtr replaced = to->inode()) forget(*replaced);
    if (!std::exchange(what->named, true)) used += what->content.size();
    to->directory->names[to->name] = what;
    change.to = {std::move(to->directory), std::move(to->name)};
  } else {
    forget(*what);
  }
  pending.push_back(std::move(change));
}

InodePtr Disk::State::make(const DirectoryEntry& place, bool directory) {
  auto inode = std::make_shared<Inode>();
  inode->directory = directory;
  change(std::nullopt, place, inode);
  return inode;
}

void Disk::State::settle(const InodePtr& directory) {
  std::vector<NameChange::Entry> needed;
  std::vector<NameChange> now, later;
  for (auto change = pending.rbegin(); change != pending.rend(); ++change) {
    const auto touches = [&](const std::optional<NameChange::Entry>& entry) {
      return entry &&
             (entry->directory == directory || std::find(needed.begin(), needed.end(), *entry) != needed.end());
    };
    if (touches(change->from) || touches(change->to)) {
      if (change->from) needed.push_back(*change->from);
      if (change->to) needed.push_back(*change->to);
      now.push_back(std::move(*change));
    } else {
      later.push_back(std::move(*change));
    }
  }
  for (auto change = now.rbegin(); change != now.rend(); ++change) change->perform();
  pending.assign(std::make_move_iterator(later.rbegin()), std::make_move_iterator(later.rend()));
}

namespace {

void each_below(const Inode& directory, const std::string& path, const Disk::State::Seen& seen) {
  for (const auto& [name, inode] : directory.names) {
    if (inode->directory) each_below(*inode, path + name + "/", seen);
    else seen(path + name, *inode);
  }
}

}  // namespace

void Disk::State::each(const Seen& seen) const { each_below(*root, "", seen); }

void Disk::State::recount() {
  used = 0;
  each([this](const std::string&, Inode& file) {
    file.named = true;
    used += file.content.size();
  });
}

}  // namespace troupe::sim
