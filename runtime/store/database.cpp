#include "runtime/store/database.hpp"

#include <leveldb/write_batch.h>

#include <algorithm>
#include <utility>

#include "runtime/store/engine.hpp"

namespace troupe::store {
namespace {

// Keyspace 0 is reserved: the format version and the numbers of the other keyspaces.
constexpr std::string_view kFormatKey{"\0format", 7};
constexpr std::string_view kNamePrefix{"\0name/", 6};

leveldb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
base::Bytes copy_of(std::string_view text) { return {text.begin(), text.end()}; }
std::string_view view_of(const leveldb::Slice& data) { return {data.data(), data.size()}; }

/// Lets LevelDB's background work run when a call ends, in every case.
class Drain {
 public:
  explicit Drain(LevelDbEnv& env) : env_(env) {}
  ~Drain() { env_.drain(); }
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

 private:
  LevelDbEnv& env_;
};

std::string encode(std::uint32_t number) {
  std::string out;
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(number >> shift & 0xff));
  return out;
}

std::optional<std::uint32_t> decode(std::string_view text) {
  if (text.size() != 4) return std::nullopt;
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) out |= std::uint32_t{static_cast<std::uint8_t>(text[i])} << (8 * i);
  return out;
}

bool keyspace_name_ok(std::string_view name) {
  return !name.empty() && name.size() <= kKeyspaceNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

leveldb::WriteOptions synced() {
  leveldb::WriteOptions options;
  options.sync = true;
  return options;
}

}  // namespace

Database::Database(ports::Disk& disk, std::string path, DatabaseOptions options)
    : disk_(disk), path_(std::move(path)), options_(std::move(options)) {}

Database::~Database() = default;

StoreResult<std::unique_ptr<Database>> Database::open(ports::Disk& disk, std::string path, DatabaseOptions options) {
  std::unique_ptr<Database> out(new Database(disk, std::move(path), std::move(options)));
  if (const auto made = make_durable_directory(disk, out->path_); !made.ok()) return made.error();
  if (const auto started = out->start(); !started.ok()) return started.error();
  if (const auto known = out->check_format(); !known.ok()) return known.error();
  return out;
}

StoreResult<void> Database::start() {
  auto engine = std::make_unique<Engine>(disk_, path_, options_.background);
  if (const auto opened = engine->open(); !opened.ok()) return opened.error();
  engine_ = std::move(engine);
  return {};
}

StoreResult<void> Database::check_format() {
  const Drain drain(engine_->env);
  const auto write_format = [&](std::uint32_t format) -> StoreResult<void> {
    const leveldb::Status status = engine_->db().Put(synced(), slice(kFormatKey), encode(format));
    if (!status.ok()) return engine_->error(status);
    return {};
  };
  std::string text;
  const leveldb::Status status = engine_->db().Get(checked(), slice(kFormatKey), &text);
  if (status.IsNotFound()) {
    const std::unique_ptr<leveldb::Iterator> row(engine_->db().NewIterator(checked()));
    row->SeekToFirst();
    if (row->Valid()) return StoreError{StoreError::corrupt, path_ + ": has rows but no format version"};
    if (!row->status().ok()) return engine_->error(row->status());
    return write_format(options_.format);
  }
  if (!status.ok()) return engine_->error(status);
  const auto found = decode(text);
  if (!found) return StoreError{StoreError::corrupt, path_ + ": the format version is not a number"};
  const auto unknown = [&](std::uint32_t format) {
    return StoreError{StoreError::format_newer,
                      path_ + ": stored in format " + std::to_string(format) + "; this version reads format " +
                          std::to_string(options_.format) +
                          (format < options_.format ? " and cannot migrate the stored format" : "")};
  };
  if (*found > options_.format) return unknown(*found);
  for (std::uint32_t format = *found; format < options_.format; ++format) {
    const auto step = std::find_if(options_.migrations.begin(), options_.migrations.end(),
                                   [&](const Migration& migration) { return migration.from == format; });
    if (step == options_.migrations.end()) return unknown(format);
    if (const auto done = step->run(*this); !done.ok()) return done.error();
    if (const auto noted = write_format(format + 1); !noted.ok()) return noted.error();
  }
  return {};
}

StoreResult<Keyspace> Database::keyspace(std::string_view name) {
  base::ensure(keyspace_name_ok(name), "a keyspace is named by a constant of the right letters");
  for (;;) {
    std::set<std::uint8_t> taken;
    const auto known = number_of(name, taken);
    if (!known.ok()) return known.error();
    if (known.value()) return Keyspace(*known.value());
    if (failure_) {
      // The row whose write is in doubt may belong to a keyspace, and is visible once the database is reopened: its
      // number is not free.
      if (const auto revived = revive(); !revived.ok()) return revived.error();
      continue;
    }
    std::uint8_t number = 1;
    while (number <= kKeyspacesMax && taken.contains(number)) ++number;
    if (number > kKeyspacesMax) return StoreError{StoreError::too_large, "no number is left for a new keyspace"};
    Batch batch;
    batch.put(Keyspace(0), base::as_bytes(std::string(kNamePrefix.substr(1)) + std::string(name)), {&number, 1});
    if (const auto noted = write(batch, Sync::yes); !noted.ok()) return noted.error();
    return Keyspace(number);
  }
}

/// Returns the number of a keyspace, or nullopt if there is none. Then `taken` has the numbers of all others.
StoreResult<std::optional<std::uint8_t>> Database::number_of(std::string_view name, std::set<std::uint8_t>& taken) {
  if (const auto is = ready(); !is.ok()) return is.error();
  const Drain drain(engine_->env);
  std::optional<std::uint8_t> out;
  const std::unique_ptr<leveldb::Iterator> row(engine_->db().NewIterator(checked()));
  for (row->Seek(slice(kNamePrefix)); row->Valid() && row->key().starts_with(slice(kNamePrefix)); row->Next()) {
    const std::string_view found = view_of(row->key()).substr(kNamePrefix.size());
    const std::string_view value = view_of(row->value());
    if (value.size() != 1) return StoreError{StoreError::corrupt, path_ + ": a keyspace without a number"};
    const auto number = static_cast<std::uint8_t>(value[0]);
    if (!taken.insert(number).second)
      return StoreError{StoreError::corrupt, path_ + ": " + std::string(found) + " has another keyspace's number"};
    if (found == name) out = number;
  }
  if (!out && !row->status().ok()) return engine_->error(row->status());
  return out;
}

/// Ensures that there is an open database to read from.
StoreResult<void> Database::ready() {
  if (engine_) return {};
  return start();
}

/// Reopens the database after a failed write, once the device proves that it accepts writes again.
StoreResult<void> Database::revive() {
  if (*failure_ == StoreError::corrupt) return *failure_;
  if (engine_) {
    // Without space for the writes of opening, the database would be closed and could not be reopened: no reads either.
    // Free bytes alone are not enough to know, because there may be a quota.
    const std::string probe = path_ + "/probe";
    const auto free = disk_.free_bytes();
    if (!free.ok()) return disk_failure(free.error(), path_);
    if (free.value() < kReviveBytes) return *failure_;
    auto file = disk_.open(probe, ports::OpenMode::replace);
    ports::DiskResult<void> tried;
    if (!file.ok()) {
      tried = file.error();
    } else {
      tried = file.value()->append(base::Bytes(kReviveBytes, 0));
      if (tried.ok()) tried = file.value()->sync();
      if (const auto removed = disk_.remove(probe); tried.ok()) tried = removed;
    }
    if (!tried.ok()) return disk_failure(tried.error(), probe);
    engine_.reset();
  }
  if (const auto started = start(); !started.ok()) return started.error();
  failure_.reset();
  return {};
}

StoreResult<void> Database::write(const Batch& batch, Sync sync) { return commit({&batch, 1}, sync); }

StoreResult<void> Database::write_group(std::span<const Batch> batches) { return commit(batches, Sync::yes); }

StoreResult<void> Database::commit(std::span<const Batch> batches, Sync sync) {
  for (const Batch& batch : batches) {
    if (!batch.beyond_.empty()) return StoreError{StoreError::too_large, batch.beyond_};
  }
  if (failure_) {
    if (const auto revived = revive(); !revived.ok()) return revived.error();
  }
  if (const auto is = ready(); !is.ok()) return is.error();
  const Drain drain(engine_->env);
  leveldb::WriteBatch changes;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    for (const Batch::Change& change : batches[i].changes_) {
      if (change.value) changes.Put(change.key, *change.value);
      else changes.Delete(change.key);
    }
    // As many batches as fit become one record; only the last needs the sync, which covers the earlier batches.
    const bool last = i + 1 == batches.size();
    if (!last && changes.ApproximateSize() + batches[i + 1].bytes() <= kBatchBytesMax) continue;
    leveldb::WriteOptions options;
    options.sync = last && sync == Sync::yes;
    const leveldb::Status status = engine_->db().Write(options, &changes);
    if (!status.ok()) {
      failure_ = engine_->error(status);
      return *failure_;
    }
    changes.Clear();
    engine_->env.drain();
  }
  return {};
}

StoreResult<base::Bytes> Database::get(const Keyspace& where, base::ByteView key) {
  if (const auto is = ready(); !is.ok()) return is.error();
  const Drain drain(engine_->env);
  std::string value;
  const leveldb::Status status = engine_->db().Get(checked(), where.full(key), &value);
  if (status.IsNotFound()) return StoreError{StoreError::not_found, "no such key"};
  if (!status.ok()) return engine_->error(status);
  return copy_of(value);
}

StoreResult<Slice> Database::scan(const Keyspace& where, base::ByteView from, std::size_t rows_max,
                                  std::size_t bytes_max, base::ByteView prefix) {
  if (const auto is = ready(); !is.ok()) return is.error();
  rows_max = std::clamp<std::size_t>(rows_max, 1, kScanRowsMax);
  bytes_max = std::clamp<std::size_t>(bytes_max, 1, kScanBytesMax);
  const Drain drain(engine_->env);
  leveldb::ReadOptions options = checked();
  options.fill_cache = false;  // a scan of everything must not evict rows that are read often
  const std::unique_ptr<leveldb::Iterator> row(engine_->db().NewIterator(options));
  const std::string begin = where.full(prefix);
  Slice out;
  std::size_t bytes = 0;
  for (row->Seek(std::max(begin, where.full(from))); row->Valid() && row->key().starts_with(begin); row->Next()) {
    base::Bytes key = copy_of(view_of(row->key()).substr(1));
    bytes += key.size() + row->value().size();
    if (!out.rows.empty() && (out.rows.size() == rows_max || bytes > bytes_max)) {
      out.next = std::move(key);
      break;
    }
    out.rows.push_back({std::move(key), copy_of(view_of(row->value()))});
  }
  if (!row->status().ok()) return engine_->error(row->status());
  return out;
}

}  // namespace troupe::store
