#pragma once
// What LevelDB needs of an operating system, made from the Disk port.
//
// Background  `thread`: LevelDB's own background thread, one for the process. `here`: work is queued and done by
//             drain() in the caller's thread, so that a whole database runs in one thread and replays. LevelDB calls
//             Schedule() holding its lock, so it cannot be done at once; it never waits for its background thread
//             as long as drain() is called after each of its calls, and before the database is closed.
// Durable     LevelDB expects a synced file to keep its name, and a renamed CURRENT to be there after a crash: both
//             sync the directory here.
// Logs        LevelDB goes on to a new log while the old one may be unsynced; then a crash could lose a write and keep
//             a later, synced one. So a log is synced as LevelDB lets go of it; if that fails, later syncs fail.
// Manifests   LevelDB takes a failed rename of CURRENT for one that has not happened, and removes the manifest that
//             CURRENT was to name. But with the sync in it, a rename that failed may have happened, now or after the
//             next crash. So until one has worked, no manifest is removed; LevelDB removes old ones as it opens later.
// Failed      a file that failed to be written takes no more bytes: LevelDB's log would go on behind a torn record
//             and not be readable beyond it. The database must be opened anew (database.hpp does).
// Time        with `here` it is a counter. LevelDB uses it for statistics alone.
#include <leveldb/env.h>

#include <cstdint>
#include <deque>
#include <string>

#include "runtime/ports/disk.hpp"
#include "runtime/store/background.hpp"

namespace troupe::store {

class LevelDbEnv final : public leveldb::EnvWrapper {
 public:
  LevelDbEnv(ports::Disk& disk, Background background);
  ~LevelDbEnv() override;

  /// Does the queued background work, and what it queues in turn. Nothing to do with Background::thread.
  void drain();

  /// The file that was last read from its start: while a database is opened, the one that LevelDB fails on.
  const std::string& last_sequential() const { return last_sequential_; }

  leveldb::Status NewSequentialFile(const std::string& name, leveldb::SequentialFile** out) override;
  leveldb::Status NewRandomAccessFile(const std::string& name, leveldb::RandomAccessFile** out) override;
  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** out) override;
  leveldb::Status NewAppendableFile(const std::string& name, leveldb::WritableFile** out) override;
  bool FileExists(const std::string& name) override;
  leveldb::Status GetChildren(const std::string& directory, std::vector<std::string>* out) override;
  leveldb::Status RemoveFile(const std::string& name) override;
  leveldb::Status CreateDir(const std::string& name) override;
  leveldb::Status RemoveDir(const std::string& name) override;
  leveldb::Status GetFileSize(const std::string& name, std::uint64_t* out) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;
  leveldb::Status LockFile(const std::string& name, leveldb::FileLock** out) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;
  leveldb::Status NewLogger(const std::string& name, leveldb::Logger** out) override;
  void Schedule(void (*work)(void*), void* argument) override;
  std::uint64_t NowMicros() override;
  void SleepForMicroseconds(int micros) override;

 private:
  leveldb::Status open_writable(const std::string& name, ports::OpenMode mode, leveldb::WritableFile** out);

  struct Work {
    void (*run)(void*);
    void* argument;
  };

  ports::Disk& disk_;
  Background background_;
  std::deque<Work> queued_;  // with Background::here
  std::uint64_t micros_ = 0;
  leveldb::Status unsynced_log_;  // only the thread that writes to the database reads or sets it
  std::string last_sequential_;
  bool current_known_ = true;  // no rename of CURRENT has failed; set while LevelDB opens, before its background works
};

/// Says nothing: LevelDB's own log would be a file that grows, and its lines are not ours.
class SilentLogger final : public leveldb::Logger {
 public:
  void Logv(const char*, std::va_list) override {}
};

/// The status of a failed disk operation on `name`; its text ends in ports::name(error).
leveldb::Status to_status(ports::DiskError error, const std::string& name);

}  // namespace troupe::store
