#include "actors/task/inputs_actor.hpp"

#include "actors/files/api.hpp"
#include "messages/words.hpp"

namespace troupe::task {
namespace {

using base::Code;
using base::Error;

constexpr std::string_view kPart = ".part";
constexpr std::uint64_t kLeaves = 256u << 20;  // our choice: of the device, for all else that the node writes

std::string folder() { return std::string(kDirectory) + "/inputs"; }

/// What stays for a fault of the device is looked at again at the next start.
void remove(ports::Disk& disk, const std::string& path) { [[maybe_unused]] const auto removed = disk.remove(path); }

Error disk_error(ports::DiskError error) {
  if (error == ports::DiskError::no_space) return {Code::no_space, "the disk is full of other things"};
  return {Code::unavailable, "a file for the task could not be made: " + std::string(ports::name(error))};
}

}  // namespace

std::string InputsActor::path_of(const Cid& cid) { return folder() + '/' + cid.hex(); }

void InputsActor::receive(runtime::Handlers& on) {
  on.stream<wire::UseInput, wire::InputAt>([this](wire::UseInput::Reader wanted, runtime::Sink<wire::InputAt> user) {
    const auto cid = Cid::from(bytes_of(wanted.getContent()));
    if (!cid) return user.fail({Code::malformed, "a content id has 32 bytes"});
    use(*cid, std::move(user));
  });
  on.timer<StillThere>([this] {
    after<StillThere>(kStillThere);
    for (auto& [cid, file] : files_)
      for (auto& [number, user] : file.users)
        if (user.to.ready()) user.to.push([&](wire::InputAt::Builder out) { out.setPath(file.path); });
  });
  on.describe<wire::InputsState>([this](wire::InputsState::Builder state) {
    state.setFiles(size32(files_));
    state.setBytes(bytes_);
    state.setUsed(static_cast<std::uint32_t>(used()));
  });
}

void InputsActor::start() {
  after<StillThere>(kStillThere);
  auto& disk = world().disk;
  if (!disk.make_directory(folder()).ok()) return;  // each use then says why
  const auto names = disk.list(folder());
  if (!names.ok()) return;
  for (const std::string& name : names.value()) {
    const std::string path = folder() + '/' + name;
    const auto cid = Cid::from_hex(name);
    const auto bytes = disk.size(path);
    const auto shown = cid && bytes.ok() ? disk.show(path) : ports::DiskError::denied;
    if (!shown.ok()) {
      remove(disk, path);
      continue;
    }
    File& file = files_[*cid];
    file.path = shown.value();
    file.bytes = bytes.value();
    bytes_ += file.bytes;
    file.idle = idle_.insert(idle_.end(), *cid);
  }
  make_room(0);
}

void InputsActor::check() const {
  std::uint64_t bytes = 0;
  std::size_t used = 0, held = 0;
  for (const auto& [cid, file] : files_) {
    bytes += file.bytes;
    used += !file.users.empty();
    held += file.users.size();
  }
  base::ensure(held == held_, "each user is counted");
  base::ensure(bytes == bytes_, "the bytes of all files are counted");
  base::ensure(idle_.size() + used == files_.size(), "a file without a user is idle");
  base::ensure(fetches_ <= kFetchesMax, "as many fetches as may be");
}

void InputsActor::use(const Cid& cid, runtime::Sink<wire::InputAt> user) {
  if (held_ >= kUsersMax)
    return user.fail({Code::overloaded, "as many inputs are in use as may be", std::chrono::seconds(10)});
  ++held_;
  const auto [at, fresh] = files_.try_emplace(cid);
  File& file = at->second;
  if (!fresh && file.users.empty()) idle_.erase(file.idle);
  const std::uint64_t number = ++users_;
  user.on_cancel([this, cid, number] { left(cid, number); });
  User& one = file.users[number];
  one.to = std::move(user);
  one.to.on_ready([this, cid, number] {
    File& of = files_.at(cid);
    tell(of, of.users.at(number));
  });
  if (fresh) {
    waiting_.push_back(cid);
    return fetch_next();
  }
  tell(file, one);
}

void InputsActor::left(const Cid& cid, std::uint64_t user) {
  if (world().mutations.on("task.inputs_held")) return;
  const auto at = files_.find(cid);
  if (at == files_.end() || at->second.users.erase(user) == 0) return;
  --held_;
  if (!at->second.users.empty()) return;
  File& file = at->second;
  if (file.path.empty()) return forget(cid);
  file.idle = idle_.insert(idle_.end(), cid);
}

bool InputsActor::make_room(std::uint64_t bytes) {
  const auto fits = [&] {
    const auto free = world().disk.free_bytes();
    return bytes_ + bytes <= settings_.inputs_bytes && (bytes == 0 || (free.ok() && free.value() >= bytes + kLeaves));
  };
  while (!fits() && !idle_.empty()) forget(idle_.front());
  return fits();
}

void InputsActor::forget(const Cid& cid) {
  const auto at = files_.find(cid);
  File& file = at->second;
  auto& disk = world().disk;
  if (file.path.empty()) {
    const bool begun = std::erase(waiting_, cid) == 0;
    remove(disk, path_of(cid) + std::string(kPart));
    if (begun) --fetches_;
  } else {
    remove(disk, path_of(cid));
  }
  if (file.users.empty() && !file.path.empty()) idle_.erase(file.idle);
  bytes_ -= file.bytes;
  files_.erase(at);
  fetch_next();
}

// -- from the content store

void InputsActor::fetch_next() {
  if (std::exchange(fetching_next_, true)) return;  // one that fails at once makes room for the next
  while (fetches_ < kFetchesMax && !waiting_.empty()) {
    const Cid cid = waiting_.front();
    waiting_.pop_front();
    ++fetches_;
    fetch(cid);
  }
  fetching_next_ = false;
}

void InputsActor::fetch(const Cid& cid) {
  File& file = files_.at(cid);
  auto part = world().disk.open(path_of(cid) + std::string(kPart), ports::OpenMode::replace);
  if (!part.ok()) return fail(cid, disk_error(part.error()));
  file.part = std::move(part).value();
  file.fetching = subscribe<files::wire::GetFile, files::wire::GetItem>(
      node().find(settings_.files), kFetchIdle,
      [&](files::wire::GetFile::Builder out) {
        out.setCid(data_of(cid.view()));
        out.getPart().setWhole();
      },
      [this, cid](files::wire::GetItem::Reader item) { take(cid, item); },
      [this, cid](const base::Result<void, Error>& end) { fetched(cid, end); });
}

void InputsActor::take(const Cid& cid, files::wire::GetItem::Reader item) {
  const auto at = files_.find(cid);
  if (at == files_.end() || !at->second.part) return;
  File& file = at->second;
  if (item.isStart()) {
    const std::uint64_t bytes = item.getStart().getFileBytes();
    if (!make_room(bytes))
      return fail(cid, {Code::no_space, "its files for tasks are full (task.inputs_bytes): one more has " +
                                            std::to_string(bytes) + " bytes"});
    file.bytes = bytes;
    bytes_ += bytes;
    return;
  }
  if (const auto put = file.part->append(bytes_of(item.getPiece())); !put.ok()) fail(cid, disk_error(put.error()));
}

void InputsActor::fetched(const Cid& cid, const base::Result<void, Error>& end) {
  const auto at = files_.find(cid);
  if (at == files_.end() || !at->second.part) return;
  if (!end.ok()) {
    Error why = end.error();
    why.message = "the content " + cid.hex() + " could not be fetched: " + why.message;
    return fail(cid, why);
  }
  auto& disk = world().disk;
  const auto bytes = at->second.part->size();
  if (!bytes.ok() || bytes.value() != at->second.bytes)
    return fail(cid, {Code::unavailable, "a part of the content " + cid.hex() + " is missing"});
  // Synced before it gets its name: what has that name after a crash is whole.
  if (const auto synced = at->second.part->sync(); !synced.ok()) return fail(cid, disk_error(synced.error()));
  const std::string path = path_of(cid);
  if (const auto named = disk.rename(path + std::string(kPart), path); !named.ok())
    return fail(cid, disk_error(named.error()));
  const auto shown = disk.show(path);
  if (!shown.ok()) return fail(cid, disk_error(shown.error()));
  File& file = at->second;
  file.part.reset();
  file.path = shown.value();
  --fetches_;
  for (auto& [number, user] : file.users) tell(file, user);
  fetch_next();
}

void InputsActor::tell(const File& file, User& user) {
  if (file.path.empty() || user.told || !user.to.ready()) return;
  user.told = true;
  user.to.push([&](wire::InputAt::Builder out) { out.setPath(file.path); });
}

void InputsActor::fail(const Cid& cid, const Error& why) {
  auto users = std::exchange(files_.at(cid).users, {});
  held_ -= users.size();
  forget(cid);
  for (auto& [number, user] : users) user.to.fail(why);
}

}  // namespace troupe::task
