#pragma once
// A state machine as chunks of bytes, written while it changes, and read by another member.
//
// Chunks  whole records, in one order: head, leases, rows by key, sessions by request id, end. The same state gives the
//         same chunks, so the sender may write them again after a break.
// Version 2 has the end of each lease. A snapshot without leases has version 1, which older programs also read.
// Reader  trusts nothing: it checks order, sizes, counts and the end. The caller checks the digest over all bytes.
#include <optional>

#include "actors/raft/logic/kv/machine.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/result.hpp"

namespace troupe::raft::kv {

/// Writes the current state of `machine`, which outlives it and may change while it writes. One writer at a time.
class SnapshotWriter {
 public:
  explicit SnapshotWriter(Machine& machine, const base::Mutations& mutations = base::kNoMutations);
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  Index index() const { return index_; }
  /// Returns the next chunk, or nullopt after the last: records until the chunk has at least `bytes`.
  std::optional<base::Bytes> next(std::size_t bytes);

 private:
  enum class Part : std::uint8_t { head, leases, rows, sessions, end, done };
  bool write(base::Bytes& out);

  Machine& machine_;
  Index index_;
  base::Bytes head_;
  std::map<LeaseId, Lease> leases_;
  const bool no_sessions_;  // a mutant
  Part part_ = Part::head;
  std::optional<LeaseId> lease_;  // the last lease written
  std::uint64_t rows_ = 0, sessions_ = 0;
};

enum class SnapshotError : std::uint8_t {
  malformed,   ///< an unreadable record, or a record out of order
  counts,      ///< fewer or more records than the end says
  unfinished,  ///< chunks are missing at the end
};

class SnapshotReader {
 public:
  /// Reads the next chunk, as next() returned it. After an error the reader is unusable.
  base::Result<void, SnapshotError> feed(base::ByteView chunk);
  /// Returns the machine, after the last chunk.
  base::Result<Machine, SnapshotError> finish() &&;

 private:
  bool record(base::FieldReader& in);
  bool head(base::FieldReader& in);
  bool lease(base::FieldReader& in);
  bool row(base::FieldReader& in);
  bool session(base::FieldReader& in);

  Machine machine_;
  std::uint8_t version_ = 0;
  std::uint8_t last_ = 0;  // kind of the previous record
  std::string key_, request_;
  std::uint64_t rows_ = 0, sessions_ = 0;
  bool broken_ = false;
  std::optional<SnapshotError> wrong_;
};

}  // namespace troupe::raft::kv
