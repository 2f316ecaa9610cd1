#include "runtime/os/archive_reader.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>

#include "runtime/base/text.hpp"

namespace troupe::os {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kArchiveBlockBytes = 65'536;
constexpr std::size_t kHeaderBytesMax = 16'384;  // our choice: two paths of 4 KiB, and attributes
constexpr std::size_t kTargetBytesMax = 4'095;   // PATH_MAX of Linux, without the zero
constexpr std::size_t kShownMax = 120;

/// Returns the path below the folder, without "." and slashes at its end; empty for the folder itself.
base::Outcome<std::string> path_of(const std::string& name) {
  if (name.starts_with('/')) return at_fault(name, "begins with /: it leaves the folder");
  std::string out;
  std::size_t depth = 0;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") return at_fault(name, "has a \"..\": it leaves the folder");
    if (++depth > ports::kArchiveDepthMax)
      return at_fault(name, "is more than " + std::to_string(ports::kArchiveDepthMax) + " folders deep");
    out += (out.empty() ? "" : "/") + part;
  }
  if (out.size() > ports::kArchivePathBytesMax)
    return at_fault(name, "has a path of more than " + std::to_string(ports::kArchivePathBytesMax) + " bytes");
  if (!out.empty() && !ports::path_ok(out))
    return at_fault(name, "has control characters, or a part of more than 255 bytes");
  return out;
}

Error sparse(const std::string& name) { return at_fault(name, "is sparse: make the archive without --sparse"); }

std::string copied(const char* from) { return from == nullptr ? "" : from; }

}  // namespace

Error at_fault(const std::string& name, const std::string& why) {
  return {Code::refused, '"' + base::shortened(name, kShownMax) + "\" " + why};
}

/// The input of libarchive.
struct ArchiveReader::Source {
  explicit Source(const ports::File& of) : file(of) {}
  ~Source() { ::archive_read_free(archive); }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  static la_ssize_t read(::archive*, void* self, const void** out) {
    auto& source = *static_cast<Source*>(self);
    std::span<std::uint8_t> room(source.block);
    if (source.header_left) {
      room = room.first(std::min(room.size(), *source.header_left));
      source.long_header = room.empty();
      if (source.long_header) return -1;
    }
    const auto got = source.file.read(source.at, room);
    if (!got.ok()) {
      source.failed = got.error();
      return -1;
    }
    source.at += got.value();
    if (source.header_left) *source.header_left -= got.value();
    *out = source.block.data();
    return static_cast<la_ssize_t>(got.value());
  }
  static la_int64_t skip(::archive*, void* self, la_int64_t bytes) {
    auto& source = *static_cast<Source*>(self);
    const std::uint64_t wanted = bytes < 0 ? 0 : static_cast<std::uint64_t>(bytes);
    const std::uint64_t skipped = std::min(wanted, source.size - std::min(source.at, source.size));
    source.at += skipped;
    return static_cast<la_int64_t>(skipped);
  }

  const ports::File& file;
  std::uint64_t size = 0, at = 0;
  std::array<std::uint8_t, kArchiveBlockBytes> block;
  std::optional<ports::DiskError> failed;
  /// The remaining size of a header: libarchive reads sparse maps and ACLs as a whole, allocates more memory for them,
  /// and compares each ACL entry with all before it.
  std::optional<std::size_t> header_left = kHeaderBytesMax;
  bool long_header = false;
  ::archive* archive = ::archive_read_new();
};

ArchiveReader::ArchiveReader(const ports::File& file) : source_(std::make_unique<Source>(file)) {
  base::ensure(source_->archive != nullptr, "there is memory for an archive");
  const auto size = file.size();
  if (!size.ok()) source_->failed = size.error();
  else source_->size = size.value();
  ::archive_read_support_format_tar(source_->archive);
  ::archive_read_open2(source_->archive, source_.get(), nullptr, Source::read, Source::skip, nullptr);
}

ArchiveReader::~ArchiveReader() = default;

std::uint64_t ArchiveReader::at() const { return source_->at; }

Error ArchiveReader::fault() const {
  if (source_->failed)
    return {Code::unavailable, "the archive could not be read: " + std::string(ports::name(*source_->failed))};
  if (source_->long_header)
    return {Code::refused, "the header of entry " + std::to_string(entries_ + 1) + " takes more than " +
                               std::to_string(kHeaderBytesMax) +
                               " bytes: make the archive without --sparse, --acls and --xattrs"};
  const std::string why = copied(::archive_error_string(source_->archive));
  if (entries_ == 0) return {Code::refused, "it is not a tar archive, or it is compressed"};
  return {Code::refused, "it is broken after entry " + std::to_string(entries_) + (why.empty() ? "" : ": " + why)};
}

base::Outcome<std::optional<ArchiveEntry>> ArchiveReader::next() {
  using Kind = ArchiveEntry::Kind;
  if (source_->failed) return fault();
  size_ = read_ = 0;
  ::archive_entry* from = nullptr;
  source_->header_left = kHeaderBytesMax;
  const int got = ::archive_read_next_header(source_->archive, &from);
  source_->header_left.reset();
  if (got == ARCHIVE_EOF) return std::optional<ArchiveEntry>();
  // A warning means a name in an unknown character set, which is used as bytes, or an unknown attribute.
  if (got != ARCHIVE_OK && got != ARCHIVE_WARN) return fault();
  if (++entries_ > ports::kArchiveEntriesMax)
    return Error{Code::refused, "it has more than " + std::to_string(ports::kArchiveEntriesMax) + " entries"};
  const std::string name = copied(::archive_entry_pathname(from));
  if (name.empty()) return Error{Code::refused, "its entry " + std::to_string(entries_) + " has no name"};
  if (::archive_entry_acl_types(from) != 0)
    return at_fault(name, "has access control lists: make the archive without --acls");
  if (::archive_entry_sparse_count(from) > 0) return sparse(name);
  auto path = path_of(name);
  if (!path.ok()) return path.error();
  ArchiveEntry out{.path = std::move(path).value()};
  if (const char* const same = ::archive_entry_hardlink(from)) {
    auto target = path_of(same);
    if (!target.ok()) return target.error();
    out.kind = Kind::same;
    out.target = std::move(target).value();
  } else {
    switch (::archive_entry_filetype(from)) {
      case AE_IFREG: out.kind = Kind::file; break;
      case AE_IFDIR: out.kind = Kind::folder; break;
      case AE_IFLNK: out.kind = Kind::link; break;
      case AE_IFCHR:
      case AE_IFBLK:
      case AE_IFIFO:
      case AE_IFSOCK: out.kind = Kind::none; return std::optional(std::move(out));
      default: return at_fault(name, "has an unknown entry type");
    }
  }
  if (out.path.empty()) {
    if (out.kind == Kind::folder) {
      out.kind = Kind::none;
      return std::optional(std::move(out));
    }
    return at_fault(name, "is the folder itself, but its type is not a folder");
  }
  if (out.kind == Kind::link) {
    out.target = copied(::archive_entry_symlink(from));
    if (out.target.empty() || out.target.size() > kTargetBytesMax)
      return at_fault(name, "is a link to an empty path, or to a path that is too long");
  }
  if (out.kind == Kind::file) {
    const auto bytes = ::archive_entry_size(from);
    if (bytes < 0 || static_cast<std::uint64_t>(bytes) > ports::kArchiveBytesMax - bytes_)
      return at_fault(name, "makes it larger than " + std::to_string(ports::kArchiveBytesMax) + " bytes");
    out.bytes = static_cast<std::uint64_t>(bytes);
    out.executable = (::archive_entry_perm(from) & 0111) != 0;
    bytes_ += out.bytes;
  }
  name_ = name;
  size_ = out.bytes;
  read_ = 0;
  return std::optional(std::move(out));
}

base::Outcome<base::ByteView> ArchiveReader::read() {
  if (read_ == size_) return base::ByteView();
  const void* at = nullptr;
  std::size_t bytes = 0;
  la_int64_t offset = 0;
  const int got = ::archive_read_data_block(source_->archive, &at, &bytes, &offset);
  if (got != ARCHIVE_OK && got != ARCHIVE_WARN && got != ARCHIVE_EOF) return fault();
  const bool hole = got == ARCHIVE_EOF || bytes == 0 || offset < 0 || static_cast<std::uint64_t>(offset) != read_;
  if (hole || bytes > size_ - read_) return sparse(name_);
  read_ += bytes;
  return base::ByteView(static_cast<const std::uint8_t*>(at), bytes);
}

}  // namespace troupe::os
