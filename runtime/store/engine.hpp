#pragma once
// LevelDB opened over a Disk, and its errors as ours. Private to database.cpp.
//
// Damage  LevelDB's messages do not name a damaged table. The engine finds its name by reading all tables once, and
//         remembers it. That is slow (the whole database is read), but happens only after damage was reported.
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>

#include <memory>
#include <optional>
#include <string>

#include "runtime/store/database.hpp"
#include "runtime/store/leveldb_env.hpp"

namespace troupe::store {

/// Returns options that verify checksums, for every read.
leveldb::ReadOptions checked();

struct Database::Engine {
  Engine(ports::Disk& disk, std::string path, Background background);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Opens the database, or makes one if no file of a database exists.
  StoreResult<void> open();

  /// Returns the StoreError of a status that is not OK.
  StoreError error(const leveldb::Status& status);

  leveldb::DB& db() { return *db_; }

  ports::Disk& disk;
  std::string path;
  LevelDbEnv env;

 private:
  StoreResult<bool> exists();
  StoreResult<void> check_logs();
  std::string damaged_tables();

  SilentLogger logger_;
  std::unique_ptr<leveldb::Cache> cache_;
  std::unique_ptr<const leveldb::FilterPolicy> filter_;
  leveldb::Options options_;
  std::unique_ptr<leveldb::DB> db_;
  std::optional<std::string> damaged_;  // the result of damaged_tables()
};

}  // namespace troupe::store
