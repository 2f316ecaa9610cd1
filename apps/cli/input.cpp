#include "apps/cli/input.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "apps/cli/file_source.hpp"

namespace troupe::apps {
namespace {

Failure unread(const std::string& name, int number) { return {system_error("cannot read " + name, number), ""}; }

}  // namespace

base::Result<void, Failure> read_rest(std::istream& in, const std::string& name, std::size_t bytes_max,
                                      std::string& out) {
  errno = 0;
  const std::size_t most = out.size() + bytes_max;
  for (char part[65'536]; out.size() <= most;) {
    in.read(part, static_cast<std::streamsize>(std::min(sizeof part, most + 1 - out.size())));
    if (in.gcount() == 0) break;
    out.append(part, static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) return unread(name, errno == 0 ? EIO : errno);
  return {};
}

base::Result<std::string, Failure> file_text(const std::string& path, std::size_t bytes_max, const Failure& unread) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return unread;
  std::string out;
  if (const auto whole = read_rest(file, path, bytes_max, out); !whole.ok()) return whole.error();
  if (out.size() > bytes_max)
    return usage_failure(path + " is larger than " + std::to_string(bytes_max >> 20) + " MiB", unread.try_);
  return out;
}

base::Result<std::optional<std::string>, Failure> LineReader::next() {
  errno = 0;
  std::string line;
  bool any = false, ended = false;
  for (char next = 0; !ended && line.size() <= line_bytes_max_ + 1 && in_.get(next); any = true) {
    ended = next == '\n';
    if (!ended) line += next;
    if (number_ == 0 && line == kByteOrderMark) line.clear();
  }
  if (in_.bad()) return unread(name_, errno == 0 ? EIO : errno);
  if (!any) return std::optional<std::string>();
  if (line.ends_with('\r') && (ended || in_.eof())) line.pop_back();
  cut_ = line.size() > line_bytes_max_;
  ++number_;
  return std::optional(std::move(line));
}

}  // namespace troupe::apps
