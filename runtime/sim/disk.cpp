#include "runtime/sim/disk.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

namespace troupe::sim {
namespace {

using ports::DiskError;
using ports::DiskResult;
using ports::OpenMode;

struct Node;
using NodePtr = std::shared_ptr<Node>;
using Names = std::map<std::string, NodePtr, std::less<>>;

/// A file or a directory.
struct Node {
  bool directory = false;
  std::uint64_t lock_epoch = 0;  // the epoch in which it was locked; zero if nobody holds it

  base::Bytes content;     // as programs see it
  std::size_t stable = 0;  // leading bytes of `content` that are on the device
  base::Bytes cut;         // what the device holds beyond `stable`: an unsynced truncate removed it

  Names names;      // as programs see them
  Names on_device;  // as a crash leaves them, but for pending changes

  void shorten(std::size_t bytes) {
    if (bytes < stable) {
      cut.insert(cut.begin(), content.begin() + static_cast<std::ptrdiff_t>(bytes),
                 content.begin() + static_cast<std::ptrdiff_t>(stable));
      stable = bytes;
    }
    content.resize(bytes);
  }
  void settle() {
    stable = content.size();
    cut.clear();
  }
};

/// A change of names that no sync has confirmed: `from` goes away, `to` means `what`. Either may be absent.
struct NameChange {
  struct Entry {
    NodePtr directory;
    std::string name;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::optional<Entry> from;
  std::optional<Entry> to;
  NodePtr what;

  void perform() const {
    if (from) {
      Names& names = from->directory->on_device;
      if (const auto found = names.find(from->name); found != names.end() && found->second == what) names.erase(found);
    }
    if (to) to->directory->on_device[to->name] = what;
  }
};

/// The directory that holds the last part of a path, and that part.
struct Place {
  NodePtr directory;
  std::string name;

  NodePtr node() const {
    const auto found = directory->names.find(name);
    return found == directory->names.end() ? nullptr : found->second;
  }
};

std::uint64_t bytes_below(const Node& node) {
  std::uint64_t sum = node.content.size();
  for (const auto& [name, child] : node.names) sum += bytes_below(*child);
  return sum;
}

/// What is left of a file when the power fails.
void survive(Node& file, base::Random& random) {
  const std::size_t unsynced = file.content.size() - file.stable;
  if (unsynced > 0 || !file.cut.empty()) {
    switch (random.below(3)) {
      case 0:  // the device's state
        file.content.resize(file.stable);
        file.content.insert(file.content.end(), file.cut.begin(), file.cut.end());
        break;
      case 1: file.content.resize(file.stable + random.below(unsynced + 1)); break;  // a part
      default: break;                                                                // all of it
    }
  }
  file.settle();
}

void survive_below(Node& directory, base::Random& random) {
  directory.names = directory.on_device;
  for (const auto& [name, child] : directory.names) {
    if (child->directory) survive_below(*child, random);
    else survive(*child, random);
  }
}

struct Fault {
  DiskError error;
  std::uint64_t after;
};

}  // namespace

struct Disk::State {
  NodePtr root = std::make_shared<Node>();
  std::uint64_t capacity = 0;
  std::uint64_t epoch = 1;  // counts crashes: what was opened in an older one is dead
  std::vector<NameChange> pending;
  std::array<std::optional<Fault>, 3> faults;
  std::optional<std::uint64_t> halt_in;
  std::uint64_t operations = 0;
  std::function<void(base::ByteView)> told;  // of what is written

  enum class Effect : std::uint8_t { looks, changes };

  /// Every operation begins here: counts it, and says whether the device still answers.
  DiskResult<void> admit(Effect effect) {
    if (halt_in && *halt_in == 0 && effect == Effect::changes) halted = true;
    if (halted) return DiskError::io;
    if (effect == Effect::looks) return {};
    ++operations;
    if (halt_in) --*halt_in;
    return {};
  }

  /// The fault planned for this operation, if it is its turn.
  std::optional<DiskError> fault(DiskOperation what) {
    std::optional<Fault>& planned = faults[static_cast<std::size_t>(what)];
    if (!planned || planned->after-- > 0) return std::nullopt;
    return std::exchange(planned, std::nullopt)->error;
  }

  std::uint64_t room() const {
    const std::uint64_t used = bytes_below(*root);
    return used < capacity ? capacity - used : 0;
  }

  DiskResult<Place> locate(std::string_view path) const {
    if (!ports::path_ok(path)) return DiskError::denied;
    NodePtr at = root;
    for (;;) {
      const std::size_t slash = path.find('/');
      Place place{at, std::string(path.substr(0, slash))};
      if (slash == std::string_view::npos) return place;
      at = place.node();
      if (!at || !at->directory) return DiskError::not_found;
      path.remove_prefix(slash + 1);
    }
  }

  DiskResult<NodePtr> directory(std::string_view path) const {
    if (path == ".") return root;
    const auto place = locate(path);
    if (!place.ok()) return place.error();
    NodePtr node = place.value().node();
    if (!node || !node->directory) return DiskError::not_found;
    return node;
  }

  void change(std::optional<Place> from, std::optional<Place> to, const NodePtr& what) {
    NameChange change{std::nullopt, std::nullopt, what};
    if (from) {
      from->directory->names.erase(from->name);
      change.from = {std::move(from->directory), std::move(from->name)};
    }
    if (to) {
      to->directory->names[to->name] = what;
      change.to = {std::move(to->directory), std::move(to->name)};
    }
    pending.push_back(std::move(change));
  }

  NodePtr make(const Place& place, bool directory) {
    auto node = std::make_shared<Node>();
    node->directory = directory;
    change(std::nullopt, place, node);
    return node;
  }

  /// Confirms the changes of one directory's names, and those before them that they build on.
  void settle(const NodePtr& directory) {
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

  bool halted = false;
};

namespace {

class SimFile final : public ports::File {
 public:
  SimFile(std::shared_ptr<Disk::State> state, NodePtr node, OpenMode mode)
      : state_(std::move(state)), node_(std::move(node)), epoch_(state_->epoch), mode_(mode) {}

  DiskResult<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (const auto may = admit(Disk::State::Effect::looks); !may.ok()) return may.error();
    if (const auto fault = state_->fault(DiskOperation::read)) return *fault;
    const base::Bytes& content = node_->content;
    if (offset >= content.size()) return std::size_t{0};
    const auto from = content.begin() + static_cast<std::ptrdiff_t>(offset);
    const std::size_t bytes = std::min<std::size_t>(out.size(), content.size() - offset);
    std::copy_n(from, bytes, out.begin());
    return bytes;
  }

  DiskResult<void> append(base::ByteView bytes) override {
    if (mode_ == OpenMode::read) return DiskError::denied;
    if (const auto may = admit(Disk::State::Effect::changes); !may.ok()) return may.error();
    if (state_->told) state_->told(bytes);
    std::optional<DiskError> error = state_->fault(DiskOperation::write);
    if (error) bytes = bytes.first(bytes.size() / 2);
    if (const std::uint64_t room = state_->room(); bytes.size() > room) {
      bytes = bytes.first(room);
      if (!error) error = DiskError::no_space;
    }
    node_->content.insert(node_->content.end(), bytes.begin(), bytes.end());
    if (error) return *error;
    return {};
  }

  DiskResult<void> sync() override {
    if (const auto may = admit(Disk::State::Effect::changes); !may.ok()) return may.error();
    if (const auto fault = state_->fault(DiskOperation::sync)) return *fault;
    node_->settle();
    return {};
  }

  DiskResult<void> truncate(std::uint64_t bytes) override {
    if (mode_ == OpenMode::read || bytes > node_->content.size()) return DiskError::denied;
    if (const auto may = admit(Disk::State::Effect::changes); !may.ok()) return may.error();
    node_->shorten(bytes);
    return {};
  }

  DiskResult<std::uint64_t> size() const override {
    if (const auto may = admit(Disk::State::Effect::looks); !may.ok()) return may.error();
    return std::uint64_t{node_->content.size()};
  }

 private:
  DiskResult<void> admit(Disk::State::Effect effect) const {
    if (epoch_ != state_->epoch) return DiskError::io;
    return state_->admit(effect);
  }

  std::shared_ptr<Disk::State> state_;
  NodePtr node_;
  std::uint64_t epoch_;
  OpenMode mode_;
};

class SimLock final : public ports::DiskLock {
 public:
  SimLock(NodePtr node, std::uint64_t epoch) : node_(std::move(node)), epoch_(epoch) { node_->lock_epoch = epoch; }
  ~SimLock() override {
    if (node_->lock_epoch == epoch_) node_->lock_epoch = 0;
  }
  SimLock(const SimLock&) = delete;
  SimLock& operator=(const SimLock&) = delete;

 private:
  NodePtr node_;
  std::uint64_t epoch_;
};

}  // namespace

using Effect = Disk::State::Effect;

Disk::Disk(std::uint64_t capacity) : state_(std::make_shared<State>()) {
  state_->root->directory = true;
  state_->capacity = capacity;
}

Disk::~Disk() = default;

DiskResult<std::unique_ptr<ports::File>> Disk::open(std::string_view path, OpenMode mode) {
  const auto place = state_->locate(path);
  if (!place.ok()) return place.error();
  NodePtr node = place.value().node();
  if (node && mode == OpenMode::create) return DiskError::exists;
  if (node && node->directory) return DiskError::denied;
  if (!node && mode == OpenMode::read) return DiskError::not_found;
  const bool changes = !node || mode == OpenMode::replace;
  if (const auto may = state_->admit(changes ? Effect::changes : Effect::looks); !may.ok()) return may.error();
  if (!node) node = state_->make(place.value(), false);
  else if (mode == OpenMode::replace) node->shorten(0);
  return std::unique_ptr<ports::File>(std::make_unique<SimFile>(state_, std::move(node), mode));
}

DiskResult<void> Disk::rename(std::string_view from, std::string_view to) {
  const auto source = state_->locate(from);
  if (!source.ok()) return source.error();
  const auto target = state_->locate(to);
  if (!target.ok()) return target.error();
  const NodePtr node = source.value().node();
  if (!node) return DiskError::not_found;
  const NodePtr replaced = target.value().node();
  if (node == replaced) return {};
  if (replaced && (replaced->directory != node->directory || !replaced->names.empty())) return DiskError::denied;
  if (to.substr(0, from.size()) == from && to.substr(from.size(), 1) == "/") return DiskError::denied;
  if (const auto may = state_->admit(Effect::changes); !may.ok()) return may.error();
  state_->change(source.value(), target.value(), node);
  return {};
}

DiskResult<void> Disk::remove(std::string_view path) {
  const auto place = state_->locate(path);
  if (!place.ok()) return place.error();
  const NodePtr node = place.value().node();
  if (!node) return DiskError::not_found;
  if (!node->names.empty()) return DiskError::denied;
  if (const auto may = state_->admit(Effect::changes); !may.ok()) return may.error();
  state_->change(place.value(), std::nullopt, node);
  return {};
}

DiskResult<void> Disk::make_directory(std::string_view path) {
  if (!ports::path_ok(path)) return DiskError::denied;
  if (const auto may = state_->admit(Effect::changes); !may.ok()) return may.error();
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const auto place = state_->locate(path.substr(0, end));
    if (!place.ok()) return place.error();
    const NodePtr node = place.value().node();
    if (node && !node->directory) return DiskError::exists;
    if (!node) state_->make(place.value(), true);
    if (end == std::string_view::npos) return {};
  }
}

DiskResult<void> Disk::sync_directory(std::string_view path) {
  const auto node = state_->directory(path);
  if (!node.ok()) return node.error();
  if (const auto may = state_->admit(Effect::changes); !may.ok()) return may.error();
  if (const auto fault = state_->fault(DiskOperation::sync)) return *fault;
  state_->settle(node.value());
  return {};
}

DiskResult<std::vector<std::string>> Disk::list(std::string_view path) {
  const auto node = state_->directory(path);
  if (!node.ok()) return node.error();
  if (const auto may = state_->admit(Effect::looks); !may.ok()) return may.error();
  std::vector<std::string> names;
  for (const auto& [name, child] : node.value()->names) names.push_back(name);
  return names;
}

DiskResult<std::uint64_t> Disk::size(std::string_view path) {
  const auto place = state_->locate(path);
  if (!place.ok()) return place.error();
  const NodePtr node = place.value().node();
  if (!node) return DiskError::not_found;
  if (node->directory) return DiskError::denied;
  if (const auto may = state_->admit(Effect::looks); !may.ok()) return may.error();
  return std::uint64_t{node->content.size()};
}

DiskResult<std::unique_ptr<ports::DiskLock>> Disk::lock(std::string_view path) {
  const auto place = state_->locate(path);
  if (!place.ok()) return place.error();
  NodePtr node = place.value().node();
  if (node && node->directory) return DiskError::denied;
  if (const auto may = state_->admit(node ? Effect::looks : Effect::changes); !may.ok()) return may.error();
  if (!node) node = state_->make(place.value(), false);
  if (node->lock_epoch == state_->epoch) return DiskError::locked;
  return std::unique_ptr<ports::DiskLock>(std::make_unique<SimLock>(std::move(node), state_->epoch));
}

DiskResult<std::uint64_t> Disk::free_bytes() {
  if (const auto may = state_->admit(Effect::looks); !may.ok()) return may.error();
  return state_->room();
}

void Disk::set_capacity(std::uint64_t bytes) { state_->capacity = bytes; }

void Disk::fail(DiskOperation what, DiskError error, std::uint64_t after) {
  state_->faults[static_cast<std::size_t>(what)] = Fault{error, after};
}

void Disk::halt_after(std::uint64_t operations) { state_->halt_in = operations; }

std::uint64_t Disk::operations() const { return state_->operations; }

void Disk::revoke() { ++state_->epoch; }

void Disk::on_write(std::function<void(base::ByteView)> told) { state_->told = std::move(told); }

void Disk::crash(base::Random& random) {
  std::vector<NodePtr> lost;  // what happened to a file later needs what happened to it before
  for (const NameChange& change : state_->pending) {
    const bool possible = std::find(lost.begin(), lost.end(), change.what) == lost.end();
    if (possible && random.chance(1, 2)) change.perform();
    else lost.push_back(change.what);
  }
  state_->pending.clear();
  survive_below(*state_->root, random);
  state_->faults = {};
  state_->halt_in.reset();
  state_->halted = false;
  ++state_->epoch;
}

bool Disk::corrupt(std::string_view path, std::uint64_t offset, std::uint8_t mask) {
  const auto place = state_->locate(path);
  const NodePtr node = place.ok() ? place.value().node() : nullptr;
  if (!node || offset >= node->content.size()) return false;
  node->content[offset] ^= mask;
  return true;
}

}  // namespace troupe::sim
