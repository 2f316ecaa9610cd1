#include "runtime/store/leveldb_env.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace troupe::store {
namespace {

using leveldb::Status;
using ports::DiskError;
using ports::OpenMode;

constexpr const char* kStillRequired = "the record of synced files requires it, and cannot be changed";
constexpr std::size_t kFileBufferBytes = 64 * 1024;  // as LevelDB's own files buffer

std::span<std::uint8_t> room(char* scratch, std::size_t bytes) {
  return {reinterpret_cast<std::uint8_t*>(scratch), bytes};
}

base::ByteView view(const leveldb::Slice& data) {
  return {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()};
}

std::string directory_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? "." : name.substr(0, slash);
}

std::string_view file_of(std::string_view name) { return name.substr(name.rfind('/') + 1); }

class FileForSequence final : public leveldb::SequentialFile {
 public:
  FileForSequence(std::string name, std::unique_ptr<ports::File> file)
      : name_(std::move(name)), file_(std::move(file)) {}

  Status Read(std::size_t bytes, leveldb::Slice* out, char* scratch) override {
    const auto got = file_->read(offset_, room(scratch, bytes));
    if (!got.ok()) return to_status(got.error(), name_);
    offset_ += got.value();
    *out = leveldb::Slice(scratch, got.value());
    return Status::OK();
  }

  Status Skip(std::uint64_t bytes) override {
    const auto size = file_->size();
    if (!size.ok()) return to_status(size.error(), name_);
    offset_ = std::max(offset_, std::min(size.value(), offset_ + bytes));
    return Status::OK();
  }

 private:
  std::string name_;
  std::unique_ptr<ports::File> file_;
  std::uint64_t offset_ = 0;
};

class FileForRandomAccess final : public leveldb::RandomAccessFile {
 public:
  FileForRandomAccess(std::string name, std::unique_ptr<ports::File> file)
      : name_(std::move(name)), file_(std::move(file)) {}

  Status Read(std::uint64_t offset, std::size_t bytes, leveldb::Slice* out, char* scratch) const override {
    const auto got = file_->read(offset, room(scratch, bytes));
    if (!got.ok()) return to_status(got.error(), name_);
    *out = leveldb::Slice(scratch, got.value());
    return Status::OK();
  }

 private:
  std::string name_;
  std::unique_ptr<ports::File> file_;
};

class FileForWriting final : public leveldb::WritableFile {
 public:
  /// The file has `bytes` already. `unsynced` receives the failure to sync a file that LevelDB has released.
  FileForWriting(ports::Disk& disk, SyncedFiles& synced, std::string name, std::unique_ptr<ports::File> file,
                 std::uint64_t bytes, Status& unsynced)
      : disk_(disk),
        synced_(synced),
        name_(std::move(name)),
        file_(std::move(file)),
        bytes_(bytes),
        unsynced_(unsynced) {
    buffer_.reserve(kFileBufferBytes);
  }
  ~FileForWriting() override { static_cast<void>(Close()); }
  FileForWriting(const FileForWriting&) = delete;
  FileForWriting& operator=(const FileForWriting&) = delete;

  Status Append(const leveldb::Slice& data) override {
    const base::ByteView bytes = view(data);
    dirty_ = true;
    bytes_ += bytes.size();
    if (buffer_.size() + bytes.size() > kFileBufferBytes) {
      if (Status flushed = Flush(); !flushed.ok()) return flushed;
      if (bytes.size() >= kFileBufferBytes) return note(file_->append(bytes));
    }
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return failed_;
  }

  Status Flush() override {
    if (!failed_.ok() || buffer_.empty()) return failed_;
    const Status written = note(file_->append(buffer_));
    buffer_.clear();
    return written;
  }

  Status Sync() override {
    if (is_log() && !unsynced_.ok()) return unsynced_;
    if (Status flushed = Flush(); !flushed.ok()) return flushed;
    if (!name_synced_) {
      if (const auto synced = disk_.sync_directory(directory_of(name_)); !synced.ok()) return note(synced);
      name_synced_ = true;
    }
    dirty_ = false;
    const Status synced = note(file_->sync());
    if (synced.ok()) synced_.synced(name_, bytes_);
    return synced;
  }

  Status Close() override {
    if (!file_) return failed_;
    if (is_log() && dirty_) {
      const Status synced = Sync();
      if (!synced.ok() && unsynced_.ok()) unsynced_ = synced;
    }
    const Status flushed = Flush();
    file_.reset();
    return flushed;
  }

 private:
  bool is_log() const { return name_.ends_with(".log"); }

  Status note(const ports::DiskResult<void>& done) {
    if (!done.ok()) failed_ = to_status(done.error(), name_);
    return failed_;
  }

  ports::Disk& disk_;
  SyncedFiles& synced_;
  std::string name_;
  std::unique_ptr<ports::File> file_;  // none once closed
  std::uint64_t bytes_;                // including the buffered bytes
  base::Bytes buffer_;
  Status failed_;  // the first failure; the file accepts nothing after it
  Status& unsynced_;
  bool name_synced_ = false;
  bool dirty_ = false;  // data was added since the last sync
};

class HeldLock final : public leveldb::FileLock {
 public:
  explicit HeldLock(std::unique_ptr<ports::DiskLock> lock) : lock_(std::move(lock)) {}

 private:
  std::unique_ptr<ports::DiskLock> lock_;
};

}  // namespace

Status to_status(DiskError error, const std::string& name) {
  const std::string what(ports::name(error));
  return error == DiskError::not_found ? Status::NotFound(name, what) : Status::IOError(name, what);
}

LevelDbEnv::LevelDbEnv(ports::Disk& disk, std::string database, Background background)
    : EnvWrapper(leveldb::Env::Default()), disk_(disk), synced_(disk, std::move(database)), background_(background) {}

LevelDbEnv::~LevelDbEnv() = default;

void LevelDbEnv::drain() {
  while (!queued_.empty()) {
    const Work work = queued_.front();
    queued_.pop_front();
    work.run(work.argument);
  }
}

Status LevelDbEnv::NewSequentialFile(const std::string& name, leveldb::SequentialFile** out) {
  *out = nullptr;
  last_sequential_ = name;
  // The names of these files come from CURRENT: a damaged name must not look like a failed device.
  if (!ports::path_ok(name)) return Status::Corruption(directory_of(name), "CURRENT does not name a file");
  auto file = disk_.open(name, OpenMode::read);
  if (!file.ok()) return to_status(file.error(), name);
  *out = new FileForSequence(name, std::move(file).value());
  return Status::OK();
}

Status LevelDbEnv::NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** out) {
  *out = nullptr;
  auto file = disk_.open(name, OpenMode::read);
  // LevelDB would report a missing table as a missing key.
  if (!file.ok() && file.error() == DiskError::not_found) return Status::Corruption(name, "the file is missing");
  if (!file.ok()) return to_status(file.error(), name);
  *out = new FileForRandomAccess(name, std::move(file).value());
  return Status::OK();
}

Status LevelDbEnv::open_writable(const std::string& name, OpenMode mode, leveldb::WritableFile** out) {
  *out = nullptr;
  if (mode == OpenMode::replace && !synced_.forget(name)) return Status::IOError(name, kStillRequired);
  auto file = disk_.open(name, mode);
  if (!file.ok()) return to_status(file.error(), name);
  std::uint64_t bytes = 0;
  if (mode == OpenMode::append) {
    const auto size = file.value()->size();
    if (!size.ok()) return to_status(size.error(), name);
    bytes = size.value();
  }
  *out = new FileForWriting(disk_, synced_, name, std::move(file).value(), bytes, unsynced_log_);
  return Status::OK();
}

Status LevelDbEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** out) {
  return open_writable(name, OpenMode::replace, out);
}

Status LevelDbEnv::NewAppendableFile(const std::string& name, leveldb::WritableFile** out) {
  return open_writable(name, OpenMode::append, out);
}

bool LevelDbEnv::FileExists(const std::string& name) { return disk_.size(name).ok(); }

Status LevelDbEnv::GetChildren(const std::string& directory, std::vector<std::string>* out) {
  out->clear();
  auto names = disk_.list(directory);
  if (!names.ok()) return to_status(names.error(), directory);
  *out = std::move(names).value();
  return Status::OK();
}

Status LevelDbEnv::RemoveFile(const std::string& name) {
  if (!current_known_ && file_of(name).starts_with("MANIFEST-")) {
    return Status::IOError(name, "CURRENT may name it, and is not known to be on the device");
  }
  if (!synced_.forget(name)) return Status::IOError(name, kStillRequired);
  const auto removed = disk_.remove(name);
  return removed.ok() ? Status::OK() : to_status(removed.error(), name);
}

Status LevelDbEnv::CreateDir(const std::string& name) {
  const auto made = disk_.make_directory(name);
  return made.ok() ? Status::OK() : to_status(made.error(), name);
}

Status LevelDbEnv::RemoveDir(const std::string& name) { return RemoveFile(name); }

Status LevelDbEnv::GetFileSize(const std::string& name, std::uint64_t* out) {
  const auto size = disk_.size(name);
  *out = size.ok() ? size.value() : 0;
  return size.ok() ? Status::OK() : to_status(size.error(), name);
}

Status LevelDbEnv::RenameFile(const std::string& from, const std::string& to) {
  const bool current = file_of(to) == "CURRENT";
  if (current) current_known_ = false;
  if (const auto renamed = disk_.rename(from, to); !renamed.ok()) return to_status(renamed.error(), from);
  if (const auto synced = disk_.sync_directory(directory_of(to)); !synced.ok()) return to_status(synced.error(), to);
  if (current) current_known_ = true;
  return Status::OK();
}

Status LevelDbEnv::LockFile(const std::string& name, leveldb::FileLock** out) {
  *out = nullptr;
  auto lock = disk_.lock(name);
  if (!lock.ok()) return to_status(lock.error(), name);
  *out = new HeldLock(std::move(lock).value());
  return Status::OK();
}

Status LevelDbEnv::UnlockFile(leveldb::FileLock* lock) {
  delete lock;
  return Status::OK();
}

Status LevelDbEnv::NewLogger(const std::string&, leveldb::Logger** out) {
  *out = new SilentLogger;
  return Status::OK();
}

void LevelDbEnv::Schedule(void (*work)(void*), void* argument) {
  if (background_ == Background::thread) return EnvWrapper::Schedule(work, argument);
  queued_.push_back({work, argument});
}

std::uint64_t LevelDbEnv::NowMicros() {
  return background_ == Background::thread ? EnvWrapper::NowMicros() : ++micros_;
}

void LevelDbEnv::SleepForMicroseconds(int micros) {
  // LevelDB sleeps without its lock, to let the background catch up.
  if (background_ == Background::here) return drain();
  EnvWrapper::SleepForMicroseconds(micros);
}

}  // namespace troupe::store
