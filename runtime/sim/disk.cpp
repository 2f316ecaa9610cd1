#include "runtime/sim/disk.hpp"

#include <algorithm>

#include "runtime/ports/unpacking.hpp"
#include "runtime/sim/disk_state.hpp"

namespace troupe::sim {
namespace {

using ports::DiskError;
using ports::DiskResult;

constexpr std::uint64_t kTailBytes = 256;  // our choice: the last records of most files

/// Decides what is left of a file when the power fails.
void survive(Inode& file, base::Random& random) {
  const std::uint64_t unsynced = file.content.size() - file.stable;
  if (unsynced > 0 || file.lost.size() > 0) {
    switch (random.below(3)) {
      case 0:  // the device's state
        file.content.cut(file.stable);
        file.content.append(file.lost);
        break;
      case 1: file.content.cut(file.stable + random.below(unsynced + 1)); break;  // a part
      default: break;                                                             // all of it
    }
  }
  file.content.decide(random);
  file.settle();
}

void survive_below(Inode& directory, base::Random& random) {
  directory.names = directory.on_device;
  for (const auto& [name, child] : directory.names) {
    if (child->directory) survive_below(*child, random);
    else survive(*child, random);
  }
}

InodePtr copy_of(const Inode& inode) {
  auto out = std::make_shared<Inode>();
  out->directory = inode.directory;
  out->content = inode.content;
  out->settle();
  for (const auto& [name, child] : inode.names) out->names[name] = copy_of(*child);
  out->on_device = out->names;
  return out;
}

}  // namespace

Disk::Disk(std::uint64_t capacity) : state_(std::make_shared<State>()) { state_->capacity = capacity; }

Disk::~Disk() = default;

DiskResult<std::unique_ptr<ports::File>> Disk::open(std::string_view path, ports::OpenMode mode) {
  return DiskView(*this).open(path, mode);
}
DiskResult<void> Disk::rename(std::string_view from, std::string_view to) { return DiskView(*this).rename(from, to); }
DiskResult<void> Disk::remove(std::string_view path) { return DiskView(*this).remove(path); }
DiskResult<void> Disk::make_directory(std::string_view path) { return DiskView(*this).make_directory(path); }
DiskResult<void> Disk::sync_directory(std::string_view path) { return DiskView(*this).sync_directory(path); }
DiskResult<std::vector<std::string>> Disk::list(std::string_view path) { return DiskView(*this).list(path); }
DiskResult<std::uint64_t> Disk::size(std::string_view path) { return DiskView(*this).size(path); }
DiskResult<std::unique_ptr<ports::DiskLock>> Disk::lock(std::string_view path) { return DiskView(*this).lock(path); }
DiskResult<std::string> Disk::show(std::string_view path) { return DiskView(*this).show(path); }
DiskResult<std::unique_ptr<ports::Unpacking>> Disk::unpack(std::string_view archive, std::string_view to) {
  return DiskView(*this).unpack(archive, to);
}
DiskResult<std::uint64_t> Disk::free_bytes() { return DiskView(*this).free_bytes(); }
std::optional<std::string> Disk::lost() { return DiskView(*this).lost(); }

void Disk::set_capacity(std::uint64_t bytes) { state_->capacity = bytes; }

void Disk::limit(std::uint64_t bytes) { state_->limits.insert(bytes); }

void Disk::lift(std::uint64_t bytes) {
  if (const auto one = state_->limits.find(bytes); one != state_->limits.end()) state_->limits.erase(one);
}

std::uint64_t Disk::used_bytes() const { return state_->used; }

std::uint64_t Disk::real_bytes() const {
  std::uint64_t sum = 0;
  state_->each([&](const std::string&, Inode& file) { sum += file.content.real(); });
  return sum;
}

void Disk::fail(DiskOperation what, DiskError error, std::uint64_t after, std::function<void()> hit) {
  state_->faults[static_cast<std::size_t>(what)] = State::Fault{error, after, std::move(hit)};
}

void Disk::halt_after(std::uint64_t operations) { state_->halt_in = operations; }

bool Disk::halting() const { return state_->halt_in.has_value(); }

bool Disk::halted() const { return state_->halted; }

std::uint64_t Disk::operations() const { return state_->operations; }

void Disk::forgive() { state_->faults = {}; }

void Disk::lie(bool lies) { state_->lies = lies; }

bool Disk::lying() const { return state_->lies; }

void Disk::slow(base::Duration longer) { state_->operation += longer; }

base::Duration Disk::owed() const { return state_->owed; }

base::Duration Disk::take_owed() { return std::exchange(state_->owed, base::Duration::zero()); }

void Disk::lose() { state_->gone = true; }

void Disk::revoke() {
  state_->gone = false;
  ++state_->epoch;
}

void Disk::on_write(std::function<void(base::ByteView)> told) { state_->told = std::move(told); }

void Disk::crash(base::Random& random) {
  std::vector<InodePtr> lost;  // later changes of a file need its earlier changes
  for (const NameChange& change : state_->pending) {
    const bool possible = std::find(lost.begin(), lost.end(), change.what) == lost.end();
    if (possible && random.chance(1, 2)) change.perform();
    else lost.push_back(change.what);
  }
  state_->pending.clear();
  survive_below(*state_->root, random);
  state_->recount();
  state_->faults = {};
  state_->halt_in.reset();
  state_->halted = false;
  state_->lies = false;
  state_->gone = false;
  ++state_->epoch;
}

void Disk::wipe() {
  const State empty;
  state_->root = empty.root;
  state_->pending.clear();
  state_->used = 0;
  ++state_->epoch;
}

std::unique_ptr<Disk> Disk::copy() const {
  auto out = std::make_unique<Disk>(state_->capacity);
  out->state_->root = copy_of(*state_->root);
  out->state_->recount();
  return out;
}

void Disk::swap(Disk& other) {
  std::swap(state_->root, other.state_->root);
  std::swap(state_->pending, other.state_->pending);
  std::swap(state_->used, other.state_->used);
  // A lock on either disk must not count on the other, which has its own epochs.
  for (State* state : {state_.get(), other.state_.get()}) {
    ++state->epoch;
    state->each([](const std::string&, Inode& file) { file.lock_epoch = 0; });
  }
}

std::optional<std::string> Disk::cut(base::Random& random, std::uint64_t per_mille,
                                     const std::function<bool(std::string_view path)>& wanted) {
  std::vector<std::pair<std::string, Inode*>> candidates;
  state_->each([&](const std::string& path, Inode& file) {
    if (file.stable > 0 && wanted(path)) candidates.emplace_back(path, &file);
  });
  if (candidates.empty()) return std::nullopt;
  const auto& [path, file] = candidates[random.below(candidates.size())];
  state_->cut(*file, file->stable * std::min<std::uint64_t>(per_mille, 999) / 1'000);
  file->settle();
  return path;
}

bool Disk::corrupt(std::string_view path, std::uint64_t offset, std::uint8_t mask) {
  const auto place = state_->locate(path);
  const InodePtr inode = place.ok() ? place.value().inode() : nullptr;
  return inode && inode->content.flip(offset, mask);
}

std::optional<Disk::Rotten> Disk::rot(std::uint64_t which, const std::function<bool(std::string_view path)>& exempt) {
  struct Candidate {
    std::string path;
    Inode* file;
    std::uint64_t bytes;
  };
  std::vector<Candidate> candidates;
  state_->each([&](const std::string& path, Inode& file) {
    const std::uint64_t bytes = std::min(file.stable, file.content.real());
    if (bytes > 0 && !(exempt && exempt(path))) candidates.push_back({path, &file, bytes});
  });
  if (candidates.empty()) return std::nullopt;
  base::Random random(which);
  Candidate& hit = candidates[random.below(candidates.size())];
  // Often at the end: there a changed byte may look like a torn write.
  const std::uint64_t tail = std::min(hit.bytes, kTailBytes);
  const std::uint64_t offset = random.chance(1, 4) ? hit.bytes - 1 - random.below(tail) : random.below(hit.bytes);
  hit.file->content.flip(offset, static_cast<std::uint8_t>(1 + random.below(255)));
  return Rotten{hit.path, offset};
}

}  // namespace troupe::sim
