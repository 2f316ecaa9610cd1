#pragma once
// A state machine as chunks of bytes, written while it goes on, and read back by another member.
//
// Chunks  whole records, in one order: head, leases, rows by key, sessions by request id, end. The sender may write
//         them anew after a break: the same state gives the same chunks.
// Version 2 has the end of each lease; without leases it is 1, which older programs read too.
// Reader  trusts nothing: order, sizes, counts and the end are checked. The caller checks the digest over all bytes.
#include <optional>

#include "actors/raft/logic/kv/machine.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/result.hpp"

namespace troupe::raft::kv {

/// Writes `machine` as it is now. One writer at a time; the machine outlives it and may change meanwhile.
class SnapshotWriter {
 public:
  explicit SnapshotWriter(Machine& machine, const base::Mutations& mutations = base::kNoMutations);
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  Index index() const { return index_; }
  /// The next chunk: records until it has `bytes` or more, so one record more at most. Nothing behind the last one.
  std::optional<base::Bytes> next(std::size_t bytes);

 private:
  enum class Part : std::uint8_t { head, leases, rows, sessions, end, done };
  bool write(base::Bytes& out);

  Machine& machine_;
  Index index_;
  base::Bytes head_;
  std::map<LeaseId, Lease> leases_;
  const bool no_sessions_;  // a planted bug
  Part part_ = Part::head;
  std::optional<LeaseId> lease_;  // the last one written
  std::uint64_t rows_ = 0, sessions_ = 0;
};

enum class SnapshotError : std::uint8_t {
  malformed,   ///< a record that cannot be read, or out of its order
  counts,      ///< fewer or more records than its end says
  unfinished,  ///< chunks are missing at the end
};

class SnapshotReader {
 public:
  /// The next chunk, as next() gave it. After an error the reader is of no use.
  base::Result<void, SnapshotError> feed(base::ByteView chunk);
  /// The machine, once the last chunk was fed.
  base::Result<Machine, SnapshotError> finish() &&;

 private:
  bool record(base::FieldReader& in);
  bool head(base::FieldReader& in);
  bool lease(base::FieldReader& in);
  bool row(base::FieldReader& in);
  bool session(base::FieldReader& in);

  Machine machine_;
  std::uint8_t version_ = 0;
  std::uint8_t last_ = 0;  // kind of the record before
  std::string key_, request_;
  std::uint64_t rows_ = 0, sessions_ = 0;
  bool broken_ = false;
  std::optional<SnapshotError> wrong_;
};

}  // namespace troupe::raft::kv
