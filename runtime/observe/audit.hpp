#pragma once
// The audit log of a node: a JSON line for each action of an operator, in `DIR/audit.log` or nowhere.
//
//     {"at":"2026-11-20T07:33:00.123Z","who":"9f3c…","act":"kill","what":"/files/get-1","outcome":"done"}
//
// Who      the id of the operator's key, "local" for an operator on this machine, or "node" for the node's own actions.
//          If a pause ends because its operator's link ended, the line names that operator.
// Failure  a line that cannot be written is lost, and the log warns of it; the action still happens.
// Safety   any thread.
#include <functional>
#include <memory>
#include <string_view>

#include "runtime/base/time.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/log_sink.hpp"

namespace troupe::observe {

inline constexpr std::uint64_t kAuditBytesMax = 1u << 20;  // our choice: some 6,000 actions per file
inline constexpr std::uint64_t kAuditFilesMax = 8;

class Audit {
 public:
  /// `sink` may be null: then nothing is kept. `log` outlives this object; if it is null, lost lines are not reported.
  Audit(std::unique_ptr<LogSink> sink, std::function<base::WallTime()> wall, Log* log)
      : sink_(std::move(sink)), wall_(std::move(wall)), log_(log) {}

  void write(std::string_view who, std::string_view act, std::string_view what, std::string_view outcome);

 private:
  std::unique_ptr<LogSink> sink_;
  std::function<base::WallTime()> wall_;
  Log* log_;
};

}  // namespace troupe::observe
