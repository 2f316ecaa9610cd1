#include "actors/audit/trail.hpp"

#include <algorithm>
#include <charconv>

#include "runtime/base/fields.hpp"

namespace troupe::audit {
namespace {

using ports::DiskError;
using ports::DiskResult;

constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kDigits = 16;

std::optional<std::uint64_t> first_of(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t out = 0;
  const auto read = std::from_chars(name.data(), name.data() + kDigits, out);
  if (read.ec != std::errc{} || read.ptr != name.data() + kDigits) return std::nullopt;
  return out;
}

/// Calls `what` with each whole line, `lines_max` at most, and returns the bytes of these lines.
template <class F>
std::size_t each_line(std::string_view text, std::size_t lines_max, F what) {
  std::size_t at = 0;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos && lines_max-- > 0; end = text.find('\n', at)) {
    what(text.substr(at, end - at));
    at = end + 1;
  }
  return at;
}

}  // namespace

std::string Trail::path_of(std::uint64_t first) const {
  std::string digits = std::to_string(first);
  digits.insert(0, kDigits - std::min(kDigits, digits.size()), '0');
  return directory_ + '/' + digits + std::string(kSuffix);
}

DiskResult<std::unique_ptr<Trail>> Trail::open(ports::Disk& disk, std::string directory,
                                               const std::optional<Head>& head, TrailLimits limits,
                                               const base::Mutations& mutations) {
  std::unique_ptr<Trail> out(new Trail(disk, std::move(directory), limits, mutations));
  if (const auto found = out->find_files(); !found.ok()) return found.error();
  if (const auto found = out->find_end(head); !found.ok()) return found.error();
  out->synced_ = out->head_;
  return out;
}

DiskResult<void> Trail::find_files() {
  if (const auto made = disk_.make_directory(directory_); !made.ok()) return made;
  if (const auto synced = disk_.sync_directory("."); !synced.ok()) return synced;
  const auto names = disk_.list(directory_);
  if (!names.ok()) return names.error();
  for (const std::string& name : names.value()) {
    const auto first = first_of(name);
    if (!first) continue;
    const auto bytes = disk_.size(path_of(*first));
    if (!bytes.ok()) return bytes.error();
    files_.insert_or_assign(*first, bytes.value());
  }
  return {};
}

/// Follows the lines of the files, from the record that the store knows or from the oldest record.
struct Trail::Scan {
  Head& head;
  std::uint64_t& last_ms;
  bool anchored;         // whether `head.last` is known; otherwise the first line tells
  bool reached;          // whether `head.last` was found
  bool stopped = false;  // a line does not follow `head.last`: later lines do not count
  bool changed = false;
  bool added = false;  // a line of this file followed

  void take(std::string_view text) {
    const auto line = parse_line(text);
    if (!line) {
      changed = true;
      stopped = stopped || reached;
      return;
    }
    last_ms = std::max(last_ms, line->unix_ms);
    if (!std::exchange(anchored, true)) {
      head.last = {line->mark.seq - 1, line->prev};
      reached = true;
      stopped = false;
    }
    if (line->mark == head.last) {
      reached = true;
      stopped = false;
    } else if (reached && !stopped && line->mark.seq == head.last.seq + 1 && line->prev == head.last.hash) {
      head.last = line->mark;
      added = true;
    } else if (reached || line->mark.seq >= head.last.seq) {
      changed = true;
      stopped = stopped || reached;
    }
  }
};

DiskResult<void> Trail::find_end(const std::optional<Head>& stored) {
  head_ = stored.value_or(Head{});
  if (files_.empty()) {
    if (head_.last.seq >= head_.first) damage_ = "the files of the trail are missing";
    return {};
  }
  const std::uint64_t oldest = files_.begin()->first;
  if (!stored) {
    std::string kept;
    const auto line = first_line(oldest, kept);
    if (!line.ok()) return line.error();
    head_ = {.first = std::max<std::uint64_t>(oldest, 1)};  // a changed first line is found by verification
    if (line.value()) head_.first = line.value()->mark.seq, head_.first_prev = line.value()->prev;
    head_.last = {head_.first - 1, head_.first_prev};
  }
  auto file = files_.upper_bound(head_.last.seq);
  if (file != files_.begin()) --file;
  Scan scan{.head = head_,
            .last_ms = last_ms_,
            .anchored = stored.has_value(),
            .reached = head_.last.seq + 1 == file->first,
            .changed = oldest > head_.first};
  std::string text;
  std::size_t whole = 0;
  for (; file != files_.end(); ++file) {
    auto read = text_of(file->first, 0, file->second);
    if (!read.ok()) return read.error();
    text = std::move(read).value();
    scan.added = false;
    whole = each_line(text, std::string::npos, [&](std::string_view line) { scan.take(line); });
  }
  if (scan.changed) damage_ = "records of the trail were changed";
  else if (!scan.reached) damage_ = "the last records of the trail are missing";
  if (whole < text.size()) mutations_.sometimes("audit: an unfinished line was cut");
  if (scan.added && stored) mutations_.sometimes("audit: a record after the stored head was found");
  if (mutations_.on("audit.head_only") && stored) head_ = *stored;
  return begin_append(text, whole, scan.added);
}

/// Opens the last file, which contains `text`, for new records after its first `whole` bytes.
DiskResult<void> Trail::begin_append(std::string_view text, std::size_t whole, bool doubtful) {
  auto& [first, bytes] = *files_.rbegin();
  if (doubtful)
    if (const auto copied = copy_last(text.substr(0, whole)); !copied.ok()) return copied;
  auto file = disk_.open(path_of(first), ports::OpenMode::append);
  if (!file.ok()) return file.error();
  if (!doubtful && whole < bytes)
    if (const auto cut = file.value()->truncate(whole); !cut.ok()) return cut;
  if (const auto synced = file.value()->sync(); !synced.ok()) return synced;
  if (const auto synced = disk_.sync_directory(directory_); !synced.ok()) return synced;
  bytes = whole;
  file_ = std::move(file).value();
  return {};
}

DiskResult<void> Trail::copy_last(std::string_view text) {
  const std::string copy = directory_ + "/copy";
  {
    const auto file = disk_.open(copy, ports::OpenMode::replace);
    if (!file.ok()) return file.error();
    if (const auto written = file.value()->append(base::as_bytes(text)); !written.ok()) return written;
    if (const auto synced = file.value()->sync(); !synced.ok()) return synced;
  }
  return disk_.rename(copy, path_of(files_.rbegin()->first));
}

Mark Trail::append(const Record& record) {
  if (waiting_.empty()) waiting_first_ = head_.last.seq + 1;
  waiting_ += encode(record, head_.last) + '\n';
  last_ms_ = std::max(last_ms_, record.unix_ms);
  return head_.last;
}

DiskResult<void> Trail::begin_file() {
  auto file = disk_.open(path_of(waiting_first_), ports::OpenMode::replace);
  if (!file.ok()) return file.error();
  if (const auto synced = disk_.sync_directory(directory_); !synced.ok()) return synced;
  move_first();
  files_.insert_or_assign(waiting_first_, 0);
  file_ = std::move(file).value();
  return {};
}

DiskResult<void> Trail::sync() {
  if (waiting_.empty()) return {};
  // In a changed trail, later files may have earlier records: then the last file continues.
  const bool full = file_ && files_.rbegin()->second >= limits_.file_bytes && waiting_first_ > files_.rbegin()->first;
  if (!file_ || full)
    if (const auto begun = begin_file(); !begun.ok()) return begun;
  if (const auto written = file_->append(base::as_bytes(waiting_)); !written.ok()) return written;
  if (!mutations_.on("audit.unsynced"))
    if (const auto synced = file_->sync(); !synced.ok()) return synced;
  files_.rbegin()->second += waiting_.size();
  waiting_.clear();
  synced_ = head_;
  return {};
}

DiskResult<void> Trail::reset() {
  head_ = synced_;
  waiting_.clear();
  file_ = nullptr;
  if (files_.empty()) return {};
  const auto& [first, bytes] = *files_.rbegin();
  auto file = disk_.open(path_of(first), ports::OpenMode::append);
  if (!file.ok()) return file.error();
  if (const auto cut = file.value()->truncate(bytes); !cut.ok()) return cut;
  if (const auto synced = file.value()->sync(); !synced.ok()) return synced;
  file_ = std::move(file).value();
  return {};
}

/// Gives up the oldest files above the limit.
void Trail::move_first() {
  std::uint64_t bytes = this->bytes() + limits_.file_bytes;
  for (auto file = files_.begin(); bytes > limits_.bytes_max && std::next(file) != files_.end(); ++file) {
    std::string kept;
    const auto next = first_line(std::next(file)->first, kept);
    if (!next.ok()) break;  // tried again with the next file
    bytes -= std::min(bytes, file->second);
    if (next.value()) head_.first = next.value()->mark.seq, head_.first_prev = next.value()->prev;
    else head_.first = std::next(file)->first, head_.first_prev = {};  // changed: verification names it
  }
  synced_.first = head_.first;
  synced_.first_prev = head_.first_prev;
}

void Trail::remove_before(std::uint64_t first) {
  while (files_.size() > 1 && std::next(files_.begin())->first <= first) {
    if (!disk_.remove(path_of(files_.begin()->first)).ok()) return;  // tried again later
    files_.erase(files_.begin());
  }
}

DiskResult<std::string> Trail::text_of(std::uint64_t first, std::uint64_t offset, std::size_t bytes) const {
  const auto file = disk_.open(path_of(first), ports::OpenMode::read);
  if (!file.ok()) return file.error();
  std::string out(bytes, '\0');
  std::size_t got = 0;
  while (got < bytes) {
    const auto read =
        file.value()->read(offset + got, {reinterpret_cast<std::uint8_t*>(out.data()) + got, bytes - got});
    if (!read.ok()) return read.error();
    if (read.value() == 0) break;
    got += read.value();
  }
  out.resize(got);
  return out;
}

DiskResult<std::optional<Line>> Trail::first_line(std::uint64_t first, std::string& text) const {
  auto read = text_of(first, 0, kLineBytesMax);
  if (!read.ok()) return read.error();
  text = std::move(read).value();
  return parse_line(std::string_view(text).substr(0, text.find('\n')));
}

DiskResult<Trail::Page> Trail::read(base::ByteView position, std::uint64_t since,
                                    const std::function<bool(std::string_view)>& wanted) const {
  Page out;
  if (files_.empty()) return out;
  std::uint64_t offset = 0;
  auto file = files_.begin();
  if (position.size() == kPositionBytes) {
    file = files_.lower_bound(base::load<std::uint64_t>(position));
    if (file == files_.end()) return out;
    if (file->first == base::load<std::uint64_t>(position)) offset = base::load<std::uint64_t>(position, 8);
  } else {
    // Records are in the order of their times: begins in the last file whose first record is older than `since`.
    for (auto later = std::next(file); since > 0 && later != files_.end(); ++later) {
      std::string kept;
      const auto line = first_line(later->first, kept);
      if (!line.ok()) return line.error();
      if (line.value() && line.value()->unix_ms < since) file = later;
    }
  }
  const std::uint64_t left = file->second > offset ? file->second - offset : 0;
  const auto text = text_of(file->first, offset, static_cast<std::size_t>(std::min<std::uint64_t>(left, kPageBytes)));
  if (!text.ok()) return text.error();
  const auto take = [&](std::string_view line) {
    if (wanted(line)) out.lines.emplace_back(line);
  };
  std::size_t whole = each_line(text.value(), kPageLines, take);
  if (whole == 0 && !text.value().empty()) {  // an unfinished line, or a line larger than a page: not a record
    take(std::string_view(text.value()).substr(0, kLineBytesMax));
    whole = text.value().size();
  }
  offset += whole;
  if (offset >= file->second && ++file != files_.end()) offset = 0;
  if (file == files_.end()) return out;
  base::append_number(out.next, file->first);
  base::append_number(out.next, offset);
  return out;
}

std::uint64_t Trail::bytes() const {
  std::uint64_t out = 0;
  for (const auto& [first, bytes] : files_) out += bytes;
  return out;
}

}  // namespace troupe::audit
