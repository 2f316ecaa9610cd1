#include "runtime/store/engine.hpp"

#include <leveldb/table.h>

#include <algorithm>
#include <utility>

#include "runtime/store/log_check.hpp"

namespace troupe::store {
namespace {

constexpr int kFilterBitsPerKey = 10;  // LevelDB's advice: 1 in 100 reads of an absent key reads a block

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// Reads a table from end to end. That does not need LevelDB's order of keys.
leveldb::Status check_table(LevelDbEnv& env, const leveldb::Options& options, const std::string& name) {
  std::uint64_t bytes = 0;
  if (leveldb::Status sized = env.GetFileSize(name, &bytes); !sized.ok()) return sized;
  leveldb::RandomAccessFile* raw_file = nullptr;
  if (leveldb::Status opened = env.NewRandomAccessFile(name, &raw_file); !opened.ok()) return opened;
  const std::unique_ptr<leveldb::RandomAccessFile> file(raw_file);
  leveldb::Table* raw_table = nullptr;
  if (leveldb::Status opened = leveldb::Table::Open(options, file.get(), bytes, &raw_table); !opened.ok()) {
    return opened;
  }
  const std::unique_ptr<leveldb::Table> table(raw_table);
  const std::unique_ptr<leveldb::Iterator> row(table->NewIterator(checked()));
  for (row->SeekToFirst(); row->Valid(); row->Next()) continue;
  return row->status();
}

}  // namespace

Database::Engine::Engine(ports::Disk& on, std::string at, Background background)
    : disk(on),
      path(std::move(at)),
      env(disk, path, background),
      cache_(leveldb::NewLRUCache(kBlockCacheBytes)),
      filter_(leveldb::NewBloomFilterPolicy(kFilterBitsPerKey)) {
  options_.env = &env;
  options_.info_log = &logger_;
  options_.paranoid_checks = true;
  options_.write_buffer_size = kWriteBufferBytes;
  options_.max_open_files = kTablesOpenMax;
  options_.block_cache = cache_.get();
  options_.filter_policy = filter_.get();
  // Most values are ids, hashes and signatures, which do not compress. Also, the bytes on the disk do not depend on how
  // LevelDB was built.
  options_.compression = leveldb::kNoCompression;
}

Database::Engine::~Engine() {
  env.drain();  // its destructor waits for the background
  db_.reset();
}

leveldb::ReadOptions checked() {
  leveldb::ReadOptions options;
  options.verify_checksums = true;
  return options;
}

StoreResult<bool> Database::Engine::exists() {
  const auto names = disk.list(path);
  if (!names.ok()) return disk_failure(names.error(), path);
  const auto has = [&](auto matches) { return std::any_of(names.value().begin(), names.value().end(), matches); };
  if (has([](const std::string& name) { return name == "CURRENT"; })) return true;
  // LevelDB would start an empty database over the remains. The very first manifest does not count: it is written
  // before CURRENT, and a crash in between has lost nothing.
  if (has([](const std::string& name) {
        return ends_with(name, ".ldb") || ends_with(name, ".log") ||
               (name.starts_with("MANIFEST-") && name != "MANIFEST-000001");
      })) {
    return StoreError{StoreError::corrupt,
                      path + "/CURRENT: the file is missing, although the database has other files"};
  }
  return false;
}

StoreResult<void> Database::Engine::check_logs() {
  const auto names = disk.list(path);
  if (!names.ok()) return disk_failure(names.error(), path);
  for (const std::string& name : names.value()) {
    if (!ends_with(name, ".log") && !name.starts_with("MANIFEST-")) continue;
    const std::string at = path + "/" + name;
    const auto file = disk.open(at, ports::OpenMode::read);
    if (!file.ok()) return disk_failure(file.error(), at);
    const auto altered = length_altered(*file.value());
    if (!altered.ok()) return disk_failure(altered.error(), at);
    if (altered.value()) return StoreError{StoreError::corrupt, at + ": the length of a record is damaged"};
  }
  return {};
}

StoreResult<void> Database::Engine::open() {
  // First, because it knows the expected files even if the directory is empty or CURRENT is missing.
  if (const auto checked = env.check_synced(); !checked.ok()) return checked;
  const auto there = exists();
  if (!there.ok()) return there.error();
  if (const auto checked = check_logs(); !checked.ok()) return checked;
  options_.create_if_missing = !there.value();
  leveldb::DB* raw = nullptr;
  const leveldb::Status status = leveldb::DB::Open(options_, path, &raw);
  db_.reset(raw);
  env.drain();
  if (status.ok()) return {};
  StoreError error = this->error(status);
  // LevelDB reads these files one after another as it opens, and stops at the first bad file.
  if (error == StoreError::corrupt && error.message.find(path + "/0") == std::string::npos) {
    error.message = env.last_sequential() + ": " + error.message;
  }
  return error;
}

StoreError Database::Engine::error(const leveldb::Status& status) {
  const std::string text = status.ToString();
  if (status.IsIOError()) {
    for (const auto& [error, kind] : {std::pair{ports::DiskError::no_space, StoreError::no_space},
                                      std::pair{ports::DiskError::locked, StoreError::locked}}) {
      if (ends_with(text, ports::name(error))) return {kind, text};
    }
    return {StoreError::io, text};
  }
  // A missing or unreadable file of LevelDB is damage: absent keys never come here.
  std::string where;
  if (db_) where = damaged_tables();
  return {StoreError::corrupt, where.empty() ? text : where + ": " + text};
}

std::string Database::Engine::damaged_tables() {
  if (damaged_) return *damaged_;
  damaged_ = "";
  const auto names = disk.list(path);
  if (!names.ok()) return *damaged_;
  for (const std::string& name : names.value()) {
    if (!ends_with(name, ".ldb")) continue;
    const std::string file = path + "/" + name;
    if (check_table(env, options_, file).ok()) continue;
    if (!damaged_->empty()) *damaged_ += ", ";
    *damaged_ += file;
  }
  return *damaged_;
}

}  // namespace troupe::store
