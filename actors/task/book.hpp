#pragma once
// The data that a submitter stores about a task, in memory and as a row.
//
// Row     version (1) || signed order (4 and bytes) || Task::encode() (4 and bytes) || bytes of texts (8) || number of
//         attempts with parts (1) || for each attempt: token (8), number of parts (1), and for each part: output (2),
//         bytes (8), digest (32) || debt (1), which rows of version 1 lack. Numbers are little-endian.
// Texts   the output of attempts is in separate rows. Key: id of the task || token (8) || number (4), both big-endian,
//         so a scan returns the output in order of arrival. Value: part (2) || Unix ms (8) || bytes.
#include <map>
#include <vector>

#include "actors/task/api.hpp"

namespace troupe::task {

/// A part of an attempt's output: the standard output, or an output file.
struct Part {
  std::uint16_t output = kStandardPart;
  std::uint64_t bytes = 0;
  base::Digest digest;
  friend bool operator==(const Part&, const Part&) = default;
};
using Parts = std::vector<Part>;

/// Whether attempts were engaged in an escrow, and whether the escrow is settled.
enum class Debt : std::uint8_t { none, owed, settled };

struct Entry {
  Order order;
  base::Bytes signed_order;
  Task task;
  std::map<std::uint64_t, Parts> parts;  ///< of attempts with a result, by token
  std::uint64_t text_bytes = 0;          ///< in rows of texts
  Debt debt = Debt::none;

  base::Bytes encode() const;
  static std::optional<Entry> decode(base::ByteView row);
};

/// Returns the hash that is compared between replicas.
Answer answer_of(const Ended& how, const Parts& parts);

struct Text {
  std::uint16_t part = kStandardPart;
  std::uint64_t unix_ms = 0;
  base::ByteView bytes;
};
// Keys of the rows of tasks, arrays and records of nodes: one byte, and the id. The value of a record is one byte: the
// node's number of right results in a row.
inline constexpr std::uint8_t kTaskRow = 't', kArrayRow = 'a', kRecordRow = 'w';
inline constexpr std::size_t kRecordsMax = 20'000;  // our choice: as many nodes as the registry watches
base::Bytes task_key(const TaskId& id);
base::Bytes record_key(const base::NodeId& node);
base::Bytes array_key(const TaskId& id);

base::Bytes text_prefix(const TaskId& id);
base::Bytes text_prefix(const TaskId& id, std::uint64_t token);
base::Bytes text_key(const TaskId& id, std::uint64_t token, std::uint32_t number);
base::Bytes encode(const Text& text);
/// Decodes a row. The returned bytes point into `row`.
std::optional<Text> decode_text(base::ByteView row);

}  // namespace troupe::task
