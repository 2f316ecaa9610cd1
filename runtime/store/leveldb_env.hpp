#pragma once
// LevelDB's environment (its interface to the operating system), made from the Disk port.
//
// Background  `thread`: LevelDB's background thread, one for the process. `here`: work is queued, and drain() does it
//             in the caller's thread, so that a simulation has one thread and replays. Call drain() after each call of
//             LevelDB, and before the database is closed.
// Durable     A created or renamed name is synced with its directory; a log is synced when LevelDB closes it.
// Synced      The synced bytes of each log and manifest are recorded, so that a loss is found (synced_files.hpp).
// Failed      After a failed write a file refuses all bytes. After a failed rename of CURRENT no manifest is
//             removed until a rename has succeeded. README.md, "LevelDB over a Disk", has the reasons.
// Time        A counter with `here`. LevelDB uses time for statistics only.
#include <leveldb/env.h>

#include <cstdint>
#include <deque>
#include <string>

#include "runtime/ports/disk.hpp"
#include "runtime/store/background.hpp"
#include "runtime/store/synced_files.hpp"

namespace troupe::store {

class LevelDbEnv final : public leveldb::EnvWrapper {
 public:
  /// Makes the environment for the database in the directory `database`.
  LevelDbEnv(ports::Disk& disk, std::string database, Background background);
  ~LevelDbEnv() override;

  /// Does the queued background work, and the work which that work queues. Does nothing with Background::thread.
  void drain();

  /// Checks, before the database is opened, that its files still have the synced bytes. Errors: as
  /// SyncedFiles::check().
  StoreResult<void> check_synced() { return synced_.check(); }

  /// Returns the file that was last read from its start. If opening a database fails, LevelDB failed on this file.
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
  SyncedFiles synced_;
  Background background_;
  std::deque<Work> queued_;  // with Background::here
  std::uint64_t micros_ = 0;
  leveldb::Status unsynced_log_;  // only the thread that writes to the database reads or sets it
  std::string last_sequential_;
  bool current_known_ =
      true;  // false after a failed rename of CURRENT; set while LevelDB opens, before background work
};

/// Discards all lines, because LevelDB's log would be a growing file in another format than ours.
class SilentLogger final : public leveldb::Logger {
 public:
  void Logv(const char*, std::va_list) override {}
};

/// Returns the status of a failed disk operation on `name`; its text ends in ports::name(error).
leveldb::Status to_status(ports::DiskError error, const std::string& name);

}  // namespace troupe::store
