// The operations of the Disk port on a simulated disk.
#include "runtime/ports/unpacking.hpp"
#include "runtime/sim/disk_state.hpp"

namespace troupe::sim {
namespace {

using ports::DiskError;
using ports::DiskResult;
using ports::OpenMode;
using Effect = Disk::State::Effect;

class SimFile final : public ports::File {
 public:
  SimFile(std::shared_ptr<Disk::State> state, InodePtr inode, OpenMode mode)
      : state_(std::move(state)), inode_(std::move(inode)), epoch_(state_->epoch), mode_(mode) {}

  DiskResult<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (const auto may = admit(Effect::looks); !may.ok()) return may.error();
    if (const auto fault = state_->fault(DiskOperation::read)) return *fault;
    return inode_->content.read(offset, out);
  }

  DiskResult<void> append(base::ByteView bytes) override {
    if (mode_ == OpenMode::read) return DiskError::denied;
    if (const auto may = admit(Effect::changes); !may.ok()) return may.error();
    return state_->append(*inode_, bytes);
  }

  DiskResult<void> fill(std::uint64_t bytes, std::uint64_t) override {
    if (mode_ == OpenMode::read) return DiskError::denied;
    if (const auto may = admit(Effect::changes); !may.ok()) return may.error();
    return state_->fill(*inode_, bytes);
  }

  DiskResult<void> sync() override {
    if (const auto may = admit(Effect::changes); !may.ok()) return may.error();
    if (const auto fault = state_->fault(DiskOperation::sync)) {
      inode_->content.doubt(inode_->stable);
      return *fault;
    }
    if (!state_->lies) inode_->settle();
    return {};
  }

  DiskResult<void> truncate(std::uint64_t bytes) override {
    if (mode_ == OpenMode::read || bytes > inode_->content.size()) return DiskError::denied;
    if (const auto may = admit(Effect::changes); !may.ok()) return may.error();
    state_->cut(*inode_, bytes);
    return {};
  }

  DiskResult<std::uint64_t> size() const override {
    if (const auto may = admit(Effect::looks); !may.ok()) return may.error();
    return inode_->content.size();
  }

 private:
  DiskResult<void> admit(Effect effect) const {
    if (epoch_ != state_->epoch) return DiskError::io;
    return state_->admit(effect);
  }

  std::shared_ptr<Disk::State> state_;
  InodePtr inode_;
  std::uint64_t epoch_;
  OpenMode mode_;
};

/// Copies the archive, in steps of the maximum size.
class SimUnpacking final : public ports::Unpacking {
 public:
  SimUnpacking(std::unique_ptr<ports::File> from, std::unique_ptr<ports::File> to)
      : from_(std::move(from)), to_(std::move(to)) {}

  base::Outcome<Progress> step() override {
    base::Bytes piece(ports::kUnpackStepBytes);
    const auto read = from_->read(bytes_, piece);
    if (!read.ok()) return failed(read.error());
    piece.resize(read.value());
    if (const auto put = to_->append(piece); !put.ok()) return failed(put.error());
    bytes_ += piece.size();
    const bool whole = piece.size() < ports::kUnpackStepBytes;
    if (whole)
      if (const auto synced = to_->sync(); !synced.ok()) return failed(synced.error());
    return Progress{bytes_ + ports::kEntryBytes, whole};
  }

 private:
  static base::Error failed(DiskError why) {
    return {why == DiskError::no_space ? base::Code::no_space : base::Code::unavailable,
            "the archive could not be copied: " + std::string(ports::name(why))};
  }

  std::unique_ptr<ports::File> from_, to_;
  std::uint64_t bytes_ = 0;
};

class SimLock final : public ports::DiskLock {
 public:
  SimLock(InodePtr inode, std::uint64_t epoch) : inode_(std::move(inode)), epoch_(epoch) { inode_->lock_epoch = epoch; }
  ~SimLock() override {
    if (inode_->lock_epoch == epoch_) inode_->lock_epoch = 0;
  }
  SimLock(const SimLock&) = delete;
  SimLock& operator=(const SimLock&) = delete;

 private:
  InodePtr inode_;
  std::uint64_t epoch_;
};

}  // namespace

DiskView::DiskView(const sim::Disk& disk) : state_(disk.state_), epoch_(disk.state_->epoch) {}

DiskResult<std::unique_ptr<ports::File>> DiskView::open(std::string_view path, OpenMode mode) {
  if (epoch_ != state_->epoch) return DiskError::io;
  const auto place = state_->locate(path);
  if (!place.ok()) return place.error();
  InodePtr inode = place.value().inode();
  if (inode && mode == OpenMode::create) return DiskError::exists;
  if (inode && inode->directory) return DiskError::denied;
  if (!inode && mode == OpenMode::read) return DiskError::not_found;
  const bool changes = !inode || mode == OpenMode::replace;
  if (const auto may = state_->admit(changes ? Effect::changes : Effect::looks); !may.ok()) return may.error();
  if (!inode) inode = state_->make(place.value(), false);
  else if (mode == OpenMode::replace) state_->cut(*inode, 0);
  return std::unique_ptr<ports::File>(std::make_unique<SimFile>(state_, std::move(inode), mode));
}

DiskResult<void> DiskView::rename(std::string_view from, std::string_view to) {
  if (epoch_ != state_->epoch) return DiskError::io;
  const auto source = state_->locate(from);
  if (!source.ok()) return source.error();
  const auto target = state_->locate(to);
  if (!target.ok()) return target.error();
  const InodePtr inode = source.value().inode();
  if (!inode) return DiskError::not_found;
  const InodePtr replaced = target.value().inode();
  if (inode == replaced) return {};
  if (replaced && (replaced->directory != inode->directory || !replaced->names.empty())) return DiskError::denied;
  if (to.substr(0, from.size()) == from && to.substr(from.size(), 1) == "/") return DiskError::denied;
  if (const auto may = state_->admit(Effect::changes); !may.ok()) return may.error();
  state_->change(source.value(), target.value(), inode);
  return {};
}

DiskResult<void> DiskView::remove(std::string_view path) {
  if (epoch_ != state_->epoch) return DiskError::io;
  const auto place = state_->locate(path);
  if (!place.ok()) return place.error();
  const InodePtr inode = place.value().inode();
  if (!inode) return DiskError::not_found;
  if (!inode->names.empty()) return DiskError::denied;
  if (const auto may = state_->admit(Effect::changes); !may.ok()) return may.error();
  state_->change(place.value(), std::nullopt, inode);
  return {};
}

DiskResult<void> DiskView::make_directory(std::string_view path) {
  if (epoch_ != state_->epoch) return DiskError::io;
  if (!ports::path_ok(path)) return DiskError::denied;
  if (const auto may = state_->admit(Effect::changes); !may.ok()) return may.error();
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const auto place = state_->locate(path.substr(0, end));
    if (!place.ok()) return place.error();
    const InodePtr inode = place.value().inode();
    if (inode && !inode->directory) return DiskError::exists;
    if (!inode) state_->make(place.value(), true);
    if (end == std::string_view::npos) return {};
  }
}

DiskResult<void> DiskView::sync_directory(std::string_view path) {
  if (epoch_ != state_->epoch) return DiskError::io;
  const auto inode = state_->directory(path);
  if (!inode.ok()) return inode.error();
  if (const auto may = state_->admit(Effect::changes); !may.ok()) return may.error();
  if (const auto fault = state_->fault(DiskOperation::sync)) return *fault;
  if (!state_->lies) state_->settle(inode.value());
  return {};
}

DiskResult<std::vector<std::string>> DiskView::list(std::string_view path) {
  if (epoch_ != state_->epoch) return DiskError::io;
  const auto inode = state_->directory(path);
  if (!inode.ok()) return inode.error();
  if (const auto may = state_->admit(Effect::looks); !may.ok()) return may.error();
  std::vector<std::string> names;
  for (const auto& [name, child] : inode.value()->names) names.push_back(name);
  return names;
}

DiskResult<std::uint64_t> DiskView::size(std::string_view path) {
  if (epoch_ != state_->epoch) return DiskError::io;
  const auto place = state_->locate(path);
  if (!place.ok()) return place.error();
  const InodePtr inode = place.value().inode();
  if (!inode) return DiskError::not_found;
  if (inode->directory) return DiskError::denied;
  if (const auto may = state_->admit(Effect::looks); !may.ok()) return may.error();
  return inode->content.size();
}

DiskResult<std::unique_ptr<ports::DiskLock>> DiskView::lock(std::string_view path) {
  if (epoch_ != state_->epoch) return DiskError::io;
  const auto place = state_->locate(path);
  if (!place.ok()) return place.error();
  InodePtr inode = place.value().inode();
  if (inode && inode->directory) return DiskError::denied;
  if (const auto may = state_->admit(inode ? Effect::looks : Effect::changes); !may.ok()) return may.error();
  if (!inode) inode = state_->make(place.value(), false);
  if (inode->lock_epoch == state_->epoch) return DiskError::locked;
  return std::unique_ptr<ports::DiskLock>(std::make_unique<SimLock>(std::move(inode), state_->epoch));
}

DiskResult<std::string> DiskView::show(std::string_view path) {
  if (const auto there = size(path); !there.ok())
    if (const auto folder = list(path); !folder.ok()) return there.error();
  return '/' + std::string(path);
}

DiskResult<std::unique_ptr<ports::Unpacking>> DiskView::unpack(std::string_view archive, std::string_view to) {
  auto from = open(archive, OpenMode::read);
  if (!from.ok()) return from.error();
  const auto place = state_->locate(to);
  if (!place.ok()) return place.error();
  if (place.value().inode()) return DiskError::exists;
  if (const auto made = make_directory(to); !made.ok()) return made.error();
  auto copy = open(std::string(to) + "/archive", OpenMode::create);
  if (!copy.ok()) return copy.error();
  if (const auto named = sync_directory(to); !named.ok()) return named.error();
  return std::unique_ptr<ports::Unpacking>(
      std::make_unique<SimUnpacking>(std::move(from).value(), std::move(copy).value()));
}

DiskResult<std::uint64_t> DiskView::free_bytes() {
  if (epoch_ != state_->epoch) return DiskError::io;
  if (const auto may = state_->admit(Effect::looks); !may.ok()) return may.error();
  if (state_->gone) return DiskError::gone;
  return state_->room();
}

std::optional<std::string> DiskView::lost() {
  if (!state_->gone) return std::nullopt;
  return "the data directory";
}

}  // namespace troupe::sim
