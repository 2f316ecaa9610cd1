#pragma once
// Reads text from standard input or a file: all of it, or line by line.
//
// Lines  end with LF or CRLF; the last line may lack its end. A byte-order mark (UTF-8) before the first line is
//        skipped.
// Errors  a device or a closed descriptor that cannot be read gives the error of the system; std::istreambuf_iterator
//         would throw instead.
#include <istream>
#include <optional>
#include <string>

#include "apps/cli/failure.hpp"
#include "runtime/base/result.hpp"

namespace troupe::apps {

inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

inline constexpr const char* kStandardInput = "standard input";

/// Appends the rest of `in`: at most `bytes_max` bytes, plus one byte if there is more. `name` is the stream's name in
/// errors, such as kStandardInput.
base::Result<void, Failure> read_rest(std::istream& in, const std::string& name, std::size_t bytes_max,
                                      std::string& out);

/// Returns the text of a file. Errors: `unread` if it cannot be opened, a usage error if it is larger than `bytes_max`.
base::Result<std::string, Failure> file_text(const std::string& path, std::size_t bytes_max, const Failure& unread);

class LineReader {
 public:
  LineReader(std::istream& in, std::string name, std::size_t line_bytes_max)
      : in_(in), name_(std::move(name)), line_bytes_max_(line_bytes_max) {}

  /// Returns the next line without its end, or nullopt after the last line. A line of more than `line_bytes_max` bytes
  /// is cut, and the next call returns what follows.
  base::Result<std::optional<std::string>, Failure> next();
  /// Whether the line that next() has returned was cut.
  bool cut() const { return cut_; }

  /// The number of the line that next() has returned; the first is 1.
  std::size_t number() const { return number_; }

 private:
  std::istream& in_;
  const std::string name_;
  const std::size_t line_bytes_max_;
  std::size_t number_ = 0;
  bool cut_ = false;
};

}  // namespace troupe::apps
