#include "actors/task/inputs_actor.hpp"

#include <algorithm>
#include <charconv>

#include "actors/files/api.hpp"
#include "actors/task/logic/spot.hpp"
#include "messages/codec.hpp"
#include "runtime/ports/processes.hpp"
#include "runtime/store/left_free.hpp"

namespace troupe::task {
namespace {

using base::Code;
using base::Error;

constexpr std::string_view kPart = ".part", kNew = ".new", kRoot = ".root", kBytes = ".bytes", kGone = "gone.";

/// Returns what a file of that many bytes uses. A device also has a limited number of entries, so each counts.
constexpr std::uint64_t counted(std::uint64_t bytes) { return bytes + ports::kEntryBytes; }

std::string folder() { return std::string(kDirectory) + "/inputs"; }

/// Removes a path. What stays because of a device fault is checked again at the next start.
void remove(ports::Disk& disk, const std::string& path) {
  [[maybe_unused]] const auto removed = ports::remove_tree(disk, path);
}

Error disk_error(ports::DiskError error) {
  if (error == ports::DiskError::no_space) return {Code::no_space, "the disk is full of other data"};
  return {Code::unavailable, "a file for the task could not be created: " + std::string(ports::name(error))};
}

Error full(std::uint64_t bytes) {
  return {Code::no_space, "this node's space for tasks' files is full (task.inputs_bytes): another file has " +
                              std::to_string(bytes) + " bytes"};
}

const Error kNoShare{Code::no_space,
                     "that submitter's tasks have used its quota of this node's space for inputs "
                     "(task.inputs_bytes)",
                     std::chrono::minutes(1)};

}  // namespace

std::string InputsActor::path_of(const Wanted& wanted) {
  const std::string_view end = wanted.form == Form::folder ? kRoot : wanted.form == Form::bytes ? kBytes : "";
  return folder() + '/' + wanted.content.hex() + std::string(end);
}

std::string InputsActor::path_of(const Wanted& wanted, std::uint64_t bytes) {
  return path_of(wanted) + (wanted.form == Form::folder ? '.' + std::to_string(bytes) : "");
}

void InputsActor::receive(runtime::Handlers& on) {
  on.stream<wire::UseInput, wire::InputAt>([this](wire::UseInput::Reader wanted, runtime::Sink<wire::InputAt> user) {
    const auto cid = Cid::from(bytes_of(wanted.getContent()));
    if (!cid) return user.fail({Code::malformed, "invalid content id: expected 32 bytes"});
    Submitter of{.reserved = true};
    if (const auto node = base::NodeId::from(bytes_of(wanted.getSubmitter()))) of = {.id = *node};
    if (wanted.getGroup().size() == of.group.prefix.size())
      std::ranges::copy(bytes_of(wanted.getGroup()), of.group.prefix.begin());
    const Form form = wanted.getAsBytes() ? Form::bytes : wanted.getUnpacked() ? Form::folder : Form::file;
    use({*cid, form}, of, std::move(user));
  });
  on.timer<StillThere>([this] {
    after<StillThere>(kStillThere);
    make_way();
    for (auto& [wanted, file] : files_)
      for (auto& [number, user] : file.users)
        if (user.to.ready()) user.to.push([&file = file](wire::InputAt::Builder out) { out.setPath(file.path); });
  });
  on.timer<Unpack>([this] { unpack(); });
  on.timer<Pace>([this] {
    for (const Wanted& wanted : std::set(fetches_))
      if (const auto at = files_.find(wanted); at != files_.end() && at->second.owed_kib > 0) pay(wanted);
  });
  on.timer<Late>([this] { end_late(); });
  on.describe<wire::InputsState>([this](wire::InputsState::Builder state) {
    state.setFiles(size32(files_));
    state.setBytes(bytes_);
    state.setUsed(static_cast<std::uint32_t>(used()));
  });
}

std::optional<std::pair<InputsActor::Wanted, std::uint64_t>> InputsActor::read_name(ports::Disk& disk,
                                                                                    const std::string& name) {
  const auto cid = Cid::from_hex(name.substr(0, name.find('.')));
  if (!cid) return std::nullopt;
  Wanted wanted{*cid, name.ends_with(kBytes) ? Form::bytes : Form::file};
  const std::string path = folder() + '/' + name;
  const auto size = disk.size(path);
  if (size.ok())
    return path == path_of(wanted) ? std::optional(std::pair(wanted, counted(size.value()))) : std::nullopt;
  wanted.form = Form::folder;
  std::uint64_t bytes = 0;
  const char* const number = name.data() + (name.rfind('.') + 1);
  const bool read = std::from_chars(number, name.data() + name.size(), bytes).ec == std::errc();
  if (!read || path != path_of(wanted, bytes)) return std::nullopt;
  return std::pair(wanted, bytes);
}

void InputsActor::start() {
  after<StillThere>(kStillThere);
  auto& disk = world().disk;
  if (!disk.make_directory(folder()).ok()) return;  // each use then reports why
  const auto names = disk.list(folder());
  if (!names.ok()) return;
  for (const std::string& name : names.value()) {
    const std::string path = folder() + '/' + name;
    const auto whole = read_name(disk, name);
    const auto shown = whole ? disk.show(path) : ports::DiskError::denied;
    if (!shown.ok()) {
      let_go(path);
      continue;
    }
    File& file = files_[whole->first];
    file.path = shown.value();
    file.bytes = whole->second;
    bytes_ += file.bytes;
    file.idle = idle_.insert(idle_.end(), whole->first);
    make_room(0);  // after each entry, so memory stays bounded for a very large folder
  }
}

void InputsActor::check() const {
  std::uint64_t bytes = 0, shared = 0;
  std::size_t used = 0, held = 0, of_others = 0;
  for (const auto& [wanted, file] : files_) {
    base::ensure(file.holder.has_value() == !file.users.empty(), "a file with users has a holder");
    shared += file.holder ? file.bytes : 0;
    bytes += file.bytes;
    used += !file.users.empty();
    held += file.users.size();
    for (const auto& [number, user] : file.users) of_others += user.of.reserved ? 0 : 1;
  }
  base::ensure(held == held_ && of_others == places_.used(), "each user is counted");
  base::ensure(bytes == bytes_, "the bytes of all files are counted");
  base::ensure(shared == shares_.used(), "the bytes of files in use are charged to their holders");
  base::ensure(idle_.size() + used == files_.size(), "a file without a user is idle");
  base::ensure(idle_.size() <= kFilesMax, "at most kFilesMax idle files are kept");
  base::ensure(fetches_.size() <= kFetchesMax, "at most kFetchesMax fetches are in progress");
}

void InputsActor::use(const Wanted& wanted, const Submitter& by, runtime::Sink<wire::InputAt> user) {
  if (held_ >= kUsersMax || (!by.reserved && !places_.fits(by, 1)))
    return user.fail({Code::overloaded, "too many inputs are in use", std::chrono::seconds(10)});
  if (const auto there = files_.find(wanted);
      there != files_.end() && !there->second.holder && !shares_.fits(by, there->second.bytes))
    return user.fail(kNoShare);
  ++held_;
  if (!by.reserved) places_.hold(by, 1);
  const auto [at, fresh] = files_.try_emplace(wanted);
  File& file = at->second;
  if (!fresh && file.users.empty()) idle_.erase(file.idle);
  const std::uint64_t number = ++users_;
  user.on_cancel([this, wanted, number] { left(wanted, number); });
  User& one = file.users[number];
  one.of = by;
  one.to = std::move(user);
  // A file that another node's task wanted first no longer waits for other nodes' fetches.
  const bool taken_over = file.holder && by.reserved && !file.holder->reserved;
  if (!file.holder || taken_over) hold(file, by);
  one.to.on_ready([this, wanted, number] { tell(wanted, number); });
  if (fresh) waiting_.push_back(wanted);
  if (taken_over && file.owed_kib > 0) return pay(wanted);
  if (file.path.empty()) return fetch_next();  // the other users may wait for it
  tell(wanted, number);
}

/// Makes that user, one of the file's, its holder.
void InputsActor::hold(File& file, const Submitter& by) {
  if (file.holder) shares_.release(*file.holder, file.bytes);
  file.holder = by;
  shares_.hold(by, file.bytes);
}

void InputsActor::left(const Wanted& wanted, std::uint64_t user) {
  if (world().mutations.on("task.inputs_held")) return;
  const auto at = files_.find(wanted);
  if (at == files_.end()) return;
  File& file = at->second;
  const auto one = file.users.find(user);
  if (one == file.users.end()) return;
  if (!one->second.of.reserved) places_.release(one->second.of, 1);
  file.users.erase(one);
  --held_;
  hand_over(file);
  if (!file.users.empty()) return;
  if (file.path.empty()) return forget(wanted);
  file.idle = idle_.insert(idle_.end(), wanted);
}

/// Makes another of its users the holder, or releases the file if it has none.
void InputsActor::hand_over(File& file) {
  if (!file.holder) return;
  const auto same = [&](const auto& user) {
    return user.second.of.id == file.holder->id && user.second.of.reserved == file.holder->reserved;
  };
  if (std::ranges::any_of(file.users, same)) return;
  if (!file.users.empty()) return hold(file, file.users.begin()->second.of);
  shares_.release(*file.holder, file.bytes);
  file.holder.reset();
}

/// Returns whether one of its users has quota for that many more bytes; that user becomes its holder.
bool InputsActor::share_with(File& file, std::uint64_t bytes) {
  if (shares_.fits(*file.holder, bytes)) return true;
  shares_.release(*file.holder, file.bytes);
  const auto other = std::ranges::find_if(
      file.users, [&](const auto& user) { return shares_.fits(user.second.of, file.bytes + bytes); });
  if (other != file.users.end()) file.holder = other->second.of;
  shares_.hold(*file.holder, file.bytes);
  return other != file.users.end();
}

std::optional<Error> InputsActor::grow(File& file, std::uint64_t bytes) {
  // Checked first, so that a refused file evicts no other file.
  const bool own = !file.holder || file.holder->reserved;
  const std::uint64_t leave = own ? store::kInputsLeave : store::kGuestsInputsLeave;
  if (!could_fit(bytes, leave)) return full(file.bytes + bytes);
  if (file.holder && !share_with(file, bytes)) return kNoShare;
  if (!make_room(bytes, leave)) return full(file.bytes + bytes);
  if (file.holder) shares_.hold(*file.holder, bytes);
  file.bytes += bytes;
  bytes_ += bytes;
  return std::nullopt;
}

void InputsActor::shrink(File& file, std::uint64_t bytes) {
  if (file.holder) shares_.release(*file.holder, bytes);
  file.bytes -= bytes;
  bytes_ -= bytes;
}

/// Returns the free bytes of the device, less what current fetches were promised and have not written yet.
std::uint64_t InputsActor::free_bytes() const {
  const auto free = world().disk.free_bytes();
  if (!free.ok()) return 0;
  std::uint64_t promised = 0;
  for (const Wanted& wanted : fetches_) {
    const File& file = files_.at(wanted);
    promised += file.bytes - std::min(file.bytes, file.written + file.unpacked);
  }
  return free.value() - std::min(free.value(), promised);
}

bool InputsActor::could_fit(std::uint64_t bytes, std::uint64_t leave) const {
  const std::uint64_t in_use = shares_.used(), most = settings_.inputs_bytes - std::min(in_use, settings_.inputs_bytes);
  return bytes <= most && (bytes == 0 || free_bytes() + (bytes_ - in_use) >= bytes + leave);
}

bool InputsActor::make_room(std::uint64_t bytes, std::uint64_t leave) {
  const auto fits = [&] {
    return files_.size() <= kFilesMax && bytes_ + bytes <= settings_.inputs_bytes &&
           (bytes == 0 || free_bytes() >= bytes + leave);
  };
  while (!fits() && !idle_.empty()) forget(idle_.front());
  return fits();
}

/// Evicts unused files if other data of nodes needs the space: they can be fetched again.
void InputsActor::make_way() {
  const auto short_of_room = [this] {
    const auto free = world().disk.free_bytes();
    return free.ok() && free.value() < store::kFilesLeave;
  };
  while (!idle_.empty() && short_of_room()) forget(idle_.front());
}

void InputsActor::forget(const Wanted& wanted) {
  const auto at = files_.find(wanted);
  File& file = at->second;
  auto& disk = world().disk;
  if (file.path.empty()) {
    std::erase(waiting_, wanted);
    fetches_.erase(wanted);
    remove(disk, path_of(wanted) + std::string(kPart));
    std::erase(unpacking_, wanted);
    if (wanted.form == Form::folder) let_go(path_of(wanted) + std::string(kNew));
  } else if (wanted.form == Form::folder) {
    let_go(path_of(wanted, file.bytes));
  } else {
    remove(disk, path_of(wanted, file.bytes));
  }
  if (file.users.empty() && !file.path.empty()) idle_.erase(file.idle);
  shrink(file, file.bytes);
  files_.erase(at);
  fetch_next();
}

/// Removes a path. A folder may have many entries: it is renamed at once, and its entries are removed in steps.
void InputsActor::let_go(const std::string& path) {
  auto& disk = world().disk;
  const std::string gone = folder() + '/' + std::string(kGone) + std::to_string(base::unix_milliseconds(wall())) + '.' +
                           std::to_string(++gone_);
  if (!disk.rename(path, gone).ok()) return remove(disk, path);
  leaving_.emplace_back(gone);
  after<Unpack>(base::Duration{0});
}

// -- from the content store

void InputsActor::fetch_next() {
  if (std::exchange(fetching_next_, true)) return;  // a fetch that fails at once frees its slot for the next
  while (const auto best = next()) {
    const auto& [wanted, by] = *best;
    hold(files_.at(wanted), by);
    std::erase(waiting_, wanted);
    fetches_.insert(wanted);
    fetch(wanted);
  }
  fetching_next_ = false;
}

/// Local tasks' objects come first. Among other nodes', the user whose group, and then itself, has the fewest fetches
/// in progress is next, and becomes the holder instead of the first user.
std::optional<std::pair<InputsActor::Wanted, InputsActor::Submitter>> InputsActor::next() const {
  if (fetches_.size() >= kFetchesMax) return std::nullopt;
  std::map<base::NodeId, std::size_t> of_submitter;
  std::map<base::AddressGroup, std::size_t> of_group;
  std::size_t of_others = 0;
  for (const Wanted& one : fetches_) {
    const Submitter& by = *files_.at(one).holder;
    if (by.reserved) continue;
    ++of_others, ++of_submitter[by.id], ++of_group[by.group];
  }
  std::optional<std::pair<Wanted, Submitter>> best;
  std::pair<std::size_t, std::size_t> fewest;
  for (const Wanted& one : waiting_) {
    const File& file = files_.at(one);
    if (file.holder->reserved || is_program(one)) return std::pair(one, *file.holder);
    if (of_others >= kFetchesOfOthers) continue;
    for (const auto& [number, user] : file.users) {
      const std::pair has{of_group[user.of.group], of_submitter[user.of.id]};
      if (has.first >= kFetchesOfGroup || has.second >= kFetchesOfSubmitter || (best && has >= fewest)) continue;
      best.emplace(one, user.of);
      fewest = has;
    }
  }
  return best;
}

/// Returns whether it is the program of checks, which each node has without a fetch.
bool InputsActor::is_program(const Wanted& wanted) {
  return wanted.form == Form::file && wanted.content == spot_program_id();
}

bool InputsActor::write_program(const Wanted& wanted) {
  if (!is_program(wanted)) return false;
  File& file = files_.at(wanted);
  if (const auto why = grow(file, counted(spot_program().size()))) return fail(wanted, *why), true;
  if (const auto put = file.part->append(spot_program()); !put.ok()) return fail(wanted, disk_error(put.error())), true;
  fetched(wanted, {});
  return true;
}

void InputsActor::fetch(const Wanted& wanted) {
  File& file = files_.at(wanted);
  auto part = world().disk.open(path_of(wanted) + std::string(kPart), ports::OpenMode::replace);
  if (!part.ok()) return fail(wanted, disk_error(part.error()));
  file.part = std::move(part).value();
  if (write_program(wanted)) return;
  file.due = now() + kFetchWithin;
  if (fetches_.size() == 1) after<Late>(kLateEvery);
  file.fetching = subscribe<files::wire::GetFile, files::wire::GetItem>(
      node().find(settings_.files), kFetchIdle,
      [&](files::wire::GetFile::Builder out) {
        out.setCid(data_of(wanted.content.view()));
        out.getPart().setWhole();
      },
      [this, wanted](files::wire::GetItem::Reader item) { take(wanted, item); },
      [this, wanted](const base::Result<void, Error>& end) { fetched(wanted, end); });
}

void InputsActor::take(const Wanted& wanted, files::wire::GetItem::Reader item) {
  const auto at = files_.find(wanted);
  if (at == files_.end() || !at->second.part) return;
  File& file = at->second;
  if (item.isStart()) {
    const std::uint64_t bytes = item.getStart().getFileBytes();
    if (const auto why = grow(file, counted(bytes))) return fail(wanted, *why);
    file.due = file.due + std::chrono::seconds(bytes / kFetchedPerSecond);
    return;
  }
  const auto piece = bytes_of(item.getPiece());
  // Other actors write as well, so the space that was free at the start may be gone.
  const auto free = world().disk.free_bytes();
  const std::uint64_t least = file.holder->reserved ? store::kOrdersLeave : store::kGuestsInputsLeave;
  if (free.ok() && free.value() < piece.size() + least) return fail(wanted, disk_error(ports::DiskError::no_space));
  if (const auto put = file.part->append(piece); !put.ok()) return fail(wanted, disk_error(put.error()));
  file.written += piece.size();
  if (file.holder->reserved) return;
  file.owed_kib += static_cast<std::uint32_t>(piece.size() / 1024 + 1);
  pay(wanted);
}

/// Charges written bytes to one of its users; the fetch is paused until one has quota.
void InputsActor::pay(const Wanted& wanted) {
  File& file = files_.at(wanted);
  base::Duration wait = kPaceMax;
  const auto paid = [&](const auto& user) {
    const auto later = user.second.of.reserved ? std::nullopt : written_.take(user.second.of, now(), file.owed_kib);
    wait = std::min<base::Duration>(wait, later.value_or(base::Duration{0}));
    return !later;
  };
  if (!std::ranges::any_of(file.users, paid)) {
    file.fetching.pause();
    return after<Pace>(wait);
  }
  file.owed_kib = 0;
  if (file.came) return whole(wanted);
  file.fetching.resume();
}

void InputsActor::end_late() {
  for (const Wanted& wanted : std::set(fetches_)) {
    const auto at = files_.find(wanted);
    if (at == files_.end() || at->second.came || now() < at->second.due) continue;
    if (std::ranges::any_of(at->second.users, [](const auto& one) { return one.second.of.reserved; })) continue;
    fail(wanted, {Code::unavailable, "the content " + wanted.content.hex() + " arrives too slowly"});
  }
  if (!fetches_.empty()) after<Late>(kLateEvery);
}

void InputsActor::fetched(const Wanted& wanted, const base::Result<void, Error>& end) {
  const auto at = files_.find(wanted);
  if (at == files_.end() || !at->second.part) return;
  if (!end.ok()) {
    Error why = end.error();
    why.message = "the content " + wanted.content.hex() + " could not be fetched: " + why.message;
    if (why.code == Code::unavailable) why.code = Code::timeout;  // it did not arrive, and the disk is healthy
    return fail(wanted, why);
  }
  const auto bytes = at->second.part->size();
  if (!bytes.ok() || counted(bytes.value()) != at->second.bytes)
    return fail(wanted, {Code::unavailable, "a part of the content " + wanted.content.hex() + " is missing"});
  at->second.came = true;
  if (at->second.owed_kib == 0) whole(wanted);
}

void InputsActor::whole(const Wanted& wanted) {
  if (wanted.form == Form::folder) return begin_unpacking(wanted);
  // Synced before its rename: a file with that name is complete after a crash.
  if (const auto synced = files_.at(wanted).part->sync(); !synced.ok()) return fail(wanted, disk_error(synced.error()));
  settle(wanted, path_of(wanted) + std::string(kPart));
}

/// Gives a complete file its name.
void InputsActor::settle(const Wanted& wanted, const std::string& from) {
  File& file = files_.at(wanted);
  auto& disk = world().disk;
  const std::string path = path_of(wanted, file.bytes);
  if (const auto named = disk.rename(from, path); !named.ok()) return fail(wanted, disk_error(named.error()));
  const auto shown = disk.show(path);
  if (!shown.ok()) return fail(wanted, disk_error(shown.error()));
  file.part.reset();
  file.path = shown.value();
  fetches_.erase(wanted);
  std::vector<std::uint64_t> users;
  for (const auto& [number, user] : file.users) users.push_back(number);
  for (const std::uint64_t number : users) tell(wanted, number);
  fetch_next();
}

// -- archives

void InputsActor::begin_unpacking(const Wanted& wanted) {
  File& file = files_.at(wanted);
  file.part.reset();
  unpacking_.push_back(wanted);
  auto begun = world().disk.unpack(path_of(wanted) + std::string(kPart), path_of(wanted) + std::string(kNew));
  if (!begun.ok()) return fail(wanted, disk_error(begun.error()));
  file.unpacking = std::move(begun).value();
  after<Unpack>(base::Duration{0});
}

void InputsActor::unpack() {
  if (unpacking_.empty() && leaving_.empty()) return;
  after<Unpack>(base::Duration{0});
  // Local tasks first; other nodes' archives are unpacked in turn, so that none waits for all of a large one.
  const auto own = std::ranges::find_if(unpacking_, [this](const Wanted& one) {
    const auto& holder = files_.at(one).holder;
    return holder && holder->reserved;
  });
  // As many entries as one step of unpacking creates, so that removal keeps up.
  constexpr std::size_t kLeavesAtOnce = ports::kUnpackStepBytes / ports::kEntryBytes;
  if (own == unpacking_.end() && !leaving_.empty() && leaving_.front().step(world().disk, kLeavesAtOnce))
    leaving_.pop_front();
  if (unpacking_.empty()) return;
  const Wanted wanted = own == unpacking_.end() ? unpacking_.front() : *own;
  std::erase(unpacking_, wanted);
  unpacking_.push_back(wanted);
  File& file = files_.at(wanted);
  const auto made = file.unpacking->step();
  if (!made.ok()) {
    Error why = made.error();
    why.message = "the root " + wanted.content.hex() + " cannot be unpacked: " + why.message;
    if (why.code == Code::refused) why.code = Code::malformed;  // on any node, not only on this one
    return fail(wanted, why);
  }
  const auto [bytes, whole] = made.value();
  if (const auto why = grow(file, bytes - file.unpacked)) return fail(wanted, *why);
  file.unpacked = bytes;
  if (!whole) return;
  file.unpacking.reset();
  unpacking_.pop_back();
  remove(world().disk, path_of(wanted) + std::string(kPart));
  shrink(file, file.bytes - bytes);
  settle(wanted, path_of(wanted) + std::string(kNew));
}

void InputsActor::tell(const Wanted& wanted, std::uint64_t number) {
  const auto at = files_.find(wanted);
  if (at == files_.end() || at->second.path.empty()) return;
  const File& file = at->second;
  const auto found = at->second.users.find(number);
  if (found == at->second.users.end()) return;
  User& user = found->second;
  if (user.told || !user.to.ready()) return;
  user.told = true;
  if (wanted.form != Form::bytes) {
    user.to.push([&](wire::InputAt::Builder out) { out.setPath(file.path); });
    return;
  }
  auto bytes = bytes_at(wanted, file.bytes - ports::kEntryBytes);
  if (bytes.ok()) {
    user.to.push([&](wire::InputAt::Builder out) { out.setBytes(data_of(bytes.value())); });
    return;
  }
  auto to = std::move(user.to);
  left(wanted, number);
  to.fail(bytes.error());
}

base::Outcome<base::Bytes> InputsActor::bytes_at(const Wanted& wanted, std::uint64_t size) {
  if (size > ports::kInputBytesMax)
    return Error{Code::malformed, "a standard input has at most " + std::to_string(ports::kInputBytesMax) +
                                      " bytes: use an input file for more"};
  base::Bytes out(size);
  const auto file = world().disk.open(path_of(wanted), ports::OpenMode::read);
  if (!file.ok()) return disk_error(file.error());
  const auto read = file.value()->read(0, out);
  if (!read.ok()) return disk_error(read.error());
  if (read.value() != size) return Error{Code::unavailable, "the file of a standard input is incomplete"};
  return out;
}

void InputsActor::fail(const Wanted& wanted, const Error& why) {
  auto users = std::exchange(files_.at(wanted).users, {});
  held_ -= users.size();
  for (const auto& [number, user] : users)
    if (!user.of.reserved) places_.release(user.of, 1);
  hand_over(files_.at(wanted));
  forget(wanted);
  for (auto& [number, user] : users) user.to.fail(why);
}

}  // namespace troupe::task
