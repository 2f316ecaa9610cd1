#pragma once
// What operators have done to a node, a JSON line an act: `DIR/audit.log`, or nowhere.
//
//     {"at":"2026-11-20T07:33:00.123Z","who":"9f3c…","act":"kill","what":"/files/get-1","outcome":"done"}
//
// Who      the id of the operator's key, "local" for an operator at this machine, or "node" for what the node did.
//          A pause that ends with its operator's link is resumed in the operator's name.
// Failure  a line that cannot be written is lost, and the act is done all the same; the log warns of it.
// Safety   any thread.
#include <functional>
#include <memory>
#include <string_view>

#include "runtime/base/time.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/log_sink.hpp"

namespace troupe::observe {

inline constexpr std::uint64_t kAuditBytesMax = 1u << 20;  // our choice: some 6,000 acts a file
inline constexpr std::uint64_t kAuditFilesMax = 8;

class Audit {
 public:
  /// `sink` may be null: then nothing is kept. `log` outlives it; null: lost lines are not told.
  Audit(std::unique_ptr<LogSink> sink, std::function<base::WallTime()> wall, Log* log)
      : sink_(std::move(sink)), wall_(std::move(wall)), log_(log) {}

  void write(std::string_view who, std::string_view act, std::string_view what, std::string_view outcome);

 private:
  std::unique_ptr<LogSink> sink_;
  std::function<base::WallTime()> wall_;
  Log* log_;
};

}  // namespace troupe::observe
