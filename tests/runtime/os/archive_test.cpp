#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/base/random.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/os/archive_reader.hpp"
#include "runtime/os/folder_archive.hpp"
#include "tests/runtime/os/archive_bytes.hpp"
#include "tests/runtime/store/disks.hpp"
#include "tests/support.hpp"

namespace troupe {
namespace {

using namespace test;
namespace fs = std::filesystem;

std::string corpus(const std::string& name) {
  std::ifstream in(std::string(TROUPE_CORPUS) + "/archive/" + name, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A disk with an archive, which is unpacked to `root`.
struct Unpacked {
  explicit Unpacked(const std::string& archive) {
    write(on.disk(), "archive", archive);
    write(on.disk(), "outside", "untouched");
    auto begun = on.disk().unpack("archive", "root");
    REQUIRE(begun.ok());
    for (;;) {
      const auto step = begun.value()->step();
      if (!step.ok()) {
        why = step.error();
        return;
      }
      bytes = step.value().bytes;
      ++steps;
      if (step.value().whole) break;
    }
    whole = true;
  }
  /// What lies beside the folder is as it was.
  bool harmless() {
    return on.disk().list(".").value() == std::vector<std::string>{"archive", "outside", "root"} &&
           contents(on.disk(), "outside") == "untouched";
  }
  fs::path at(const std::string& path) const { return fs::path(on.root()) / "root" / path; }
  std::string text(const std::string& path) const {
    std::ifstream in(at(path), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  unsigned mode(const std::string& path) const {
    struct stat status {};
    REQUIRE(::lstat(at(path).c_str(), &status) == 0);
    return status.st_mode & 07777;
  }

  OnLinux on;
  base::Error why;
  std::uint64_t bytes = 0;
  std::size_t steps = 0;
  bool whole = false;
};

const std::string kLong(120, 'n');

TEST_CASE("archive: what tar has written becomes the folder that it was made of") {
  for (const char* name : {"tar-gnu", "tar-pax", "tar-ustar"}) {
    CAPTURE(name);
    const mode_t before = ::umask(0077);
    Unpacked unpacked(corpus(name));
    ::umask(before);
    CHECK_MESSAGE(unpacked.whole, unpacked.why.message);
    CHECK(unpacked.text("bin/prog") == "#!/bin/sh\necho hi\n");
    CHECK(fs::hard_link_count(unpacked.at("bin/prog")) == 2);
    CHECK(fs::equivalent(unpacked.at("bin/prog"), unpacked.at("bin/again")));
    CHECK(fs::read_symlink(unpacked.at("bin/link")) == "prog");
    CHECK(fs::read_symlink(unpacked.at("etc/outside")) == "/etc/passwd");
    CHECK(unpacked.text("etc/conf") == "conf\n");
    CHECK(unpacked.text("lib/gr\xc3\xbcn") == "umlaut\n");
    CHECK(fs::file_size(unpacked.at("lib/empty")) == 0);
    // Everybody may read it, and execute what could be executed, whatever the archive and the umask say.
    CHECK(unpacked.mode("bin/prog") == 0755);
    CHECK(unpacked.mode("etc/conf") == 0644);
    CHECK(unpacked.mode("etc") == 0755);
    // Left out.
    CHECK_FALSE(fs::exists(fs::symlink_status(unpacked.at("lib/pipe"))));
    CHECK_FALSE(fs::exists(fs::symlink_status(unpacked.at("lib/null"))));
    if (std::string(name) == "tar-ustar") continue;  // it has no room for long names
    CHECK(unpacked.text("etc/deep/" + kLong) == "long\n");
    CHECK(fs::read_symlink(unpacked.at("etc/deep/to-long")) == "../deep/" + kLong);
  }
}

TEST_CASE("archive: what would leave the folder, or is ambiguous, is refused, and nothing outside is touched") {
  const std::string deep = [] {
    std::string out;
    for (std::size_t i = 0; i <= ports::kArchiveDepthMax; ++i) out += "d/";
    return out;
  }();
  const std::string link = tar_header("l", '2', 0, "..");
  const std::pair<std::string, std::string> attacks[] = {
      {tar_file("../outside", "x"), "\"../outside\" has a \"..\""},
      {tar_file("a/../../outside", "x"), "has a \"..\""},
      {tar_file("/outside", "x"), "begins with /"},
      {link + tar_file("l/outside", "x"), "\"l/outside\" is below a link"},
      {link + tar_header("l/made/", '5'), "is below a link"},
      {link + tar_file("l/made/x", "x"), "is below a link"},
      {link + tar_file("l", "x"), "\"l\" is a duplicate"},
      {link + tar_header("l/", '5'), "\"l\" is a duplicate"},
      {tar_header("l", '2', 0, "../outside") + tar_file("l", "x"), "is a duplicate"},
      {tar_file("a", "x") + tar_file("a", "y"), "\"a\" is a duplicate"},
      {tar_file("a", "x") + tar_file("./a", "y"), "\"a\" is a duplicate"},
      {tar_file("a", "x") + tar_header("a/", '5'), "is a duplicate"},
      {tar_header("a/", '5') + tar_file("a", "x"), "is a duplicate"},
      {tar_file("a", "x") + tar_file("a/b", "x"), "is below a file"},
      {tar_header("h", '1', 0, "../outside"), "has a \"..\""},
      {tar_header("h", '1', 0, "/etc/passwd"), "begins with /"},
      {tar_header("h", '1', 0, "absent"), "not an earlier file"},
      {link + tar_header("h", '1', 0, "l/outside"), "not an earlier file"},
      {tar_header("l", '2', 0, "../outside") + tar_header("h", '1', 0, "l"), "not an earlier file"},
      {tar_header("d/", '5') + tar_header("h", '1', 0, "d"), "not an earlier file"},
      {tar_header(".", '0'), "is the folder itself"},
      {tar_header("l", '2'), "is a link to an empty path"},
      {tar_file("a\nb", "x"), "control characters"},
      {tar_named(std::string(256, 'a'), tar_file("a", "x")), "control characters, or a part of more than 255"},
      {tar_named(deep + "x", tar_file("a", "x")), "more than 64 folders deep"},
      {tar_named(kLong + '/' + kLong + '/' + kLong + '/' + kLong + '/' + kLong + '/' + kLong + '/' + kLong,
                 tar_file("a", "x")),
       "a path of more than 800 bytes"},
      {tar_header("a", '0', ports::kArchiveBytesMax + 1), "makes it larger than"},
      {tar_header("a", '0', 5'000), "broken after entry 1"},
      {"\x1f\x8b\x08" + std::string(1'000, 'x'), "not a tar archive, or it is compressed"},
      {std::string(10, 'x'), "not a tar archive"},
      {corpus("sparse-gnu").substr(0, 1'536), "sparse"},
      {corpus("sparse-pax"), "sparse"},
  };
  for (const auto& [archive, wanted] : attacks) {
    Unpacked unpacked(archive + tar_end());
    CHECK_FALSE(unpacked.whole);
    CHECK(unpacked.why.code == base::Code::refused);
    CHECK_MESSAGE(contains(unpacked.why.message, wanted), unpacked.why.message << ", not: " << wanted);
    CHECK(unpacked.harmless());
    CHECK(ports::remove_tree(unpacked.on.disk(), "root").ok());
  }
}

TEST_CASE("archive: a hard link has no bytes of its own, and what is at a limit is taken") {
  std::string deep;
  for (std::size_t i = 0; i + 1 < ports::kArchiveDepthMax; ++i) deep += "d/";
  const Unpacked unpacked(tar_file("a", "x", 06755) + tar_header("h", '1', 0, "./a") +
                          tar_named(deep + "x", tar_file("x", "deep")) +
                          tar_named(std::string(255, 'n'), tar_file("n", "")) + tar_header("./", '5') + tar_end());
  CHECK_MESSAGE(unpacked.whole, unpacked.why.message);
  CHECK(unpacked.text("h") == "x");
  CHECK(unpacked.mode("a") == 0755);
  CHECK(unpacked.text(deep + "x") == "deep");
  // a, h, the deep one with its folders, and the one with the long name; 5 bytes in all.
  CHECK(unpacked.bytes == (2 + ports::kArchiveDepthMax + 1) * ports::kEntryBytes + 5);
  CHECK(Unpacked(tar_end()).whole);
  const std::string large(ports::kUnpackStepBytes + 1, 'x');
  const Unpacked long_one(tar_file("large", large) + tar_end());
  CHECK(long_one.whole);
  CHECK(long_one.steps == 2);
  CHECK(long_one.text("large") == large);
}

// A map of holes was read as a whole, and took twelve times its size of memory; rights were compared with each other.
TEST_CASE("archive: a header that makes more work and memory than it has bytes is refused") {
  std::string holes = "500000\n";
  for (int i = 0; i < 500'000; ++i) holes += "0\n0\n";
  const std::string is_sparse = pax_record("GNU.sparse.major", "1") + pax_record("GNU.sparse.minor", "0") +
                                pax_record("GNU.sparse.name", "f") + pax_record("GNU.sparse.realsize", "5");
  std::string rights = "user::rwx,group::r-x,other::r-x,mask::r-x";
  const std::string some_rights = rights + ",user:name:rwx:1000";
  for (int i = 0; i < 50'000; ++i) rights += ",user:name:rwx:" + std::to_string(i);
  const std::string few_holes = "1\n4\n1\n";
  const std::pair<std::string, std::string> attacks[] = {
      {tar_pax(is_sparse, tar_file("f", holes)), "takes more than 16384 bytes"},
      {tar_pax(is_sparse, tar_file("f", tar_padded(few_holes) + "x")), "is sparse"},
      {tar_pax(pax_record("SCHILY.acl.access", rights), tar_file("f", "x")), "takes more than 16384 bytes"},
      {tar_pax(pax_record("SCHILY.acl.access", some_rights), tar_file("f", "x")), "has access control lists"},
  };
  for (const auto& [archive, why] : attacks) {
    Unpacked unpacked(archive + tar_end());
    CHECK_FALSE(unpacked.whole);
    CHECK(unpacked.why.code == base::Code::refused);
    CHECK_MESSAGE(contains(unpacked.why.message, why), unpacked.why.message);
    CHECK(unpacked.harmless());
  }
}

TEST_CASE("archive: a folder that is there already is work, so that other archives have their turns") {
  std::string same;
  for (int i = 0; i < 10'000; ++i) same += tar_header("a/", '5');
  const Unpacked unpacked(same + tar_end());
  CHECK(unpacked.whole);
  CHECK(unpacked.steps > 2);
}

TEST_CASE("archive: more entries than a root may have are refused") {
  class Endless final : public ports::File {
    ports::DiskResult<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
      static const std::string header = tar_header("d/", '5');
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::uint8_t>(header[(offset + i) % header.size()]);
      return out.size();
    }
    ports::DiskResult<void> append(base::ByteView) override { return {}; }
    ports::DiskResult<void> sync() override { return {}; }
    ports::DiskResult<void> truncate(std::uint64_t) override { return {}; }
    ports::DiskResult<std::uint64_t> size() const override { return std::uint64_t{1} << 40; }
  };
  const Endless file;
  os::ArchiveReader reader(file);
  for (std::uint64_t i = 0; i < ports::kArchiveEntriesMax; ++i) REQUIRE(reader.next().ok());
  const auto more = reader.next();
  REQUIRE_FALSE(more.ok());
  CHECK(contains(more.error().message, "more than 200000 entries"));
}

TEST_CASE("archive: a device that fails is not called a broken archive") {
  class Failing final : public ports::File {
    ports::DiskResult<std::size_t> read(std::uint64_t, std::span<std::uint8_t>) const override {
      return ports::DiskError::io;
    }
    ports::DiskResult<void> append(base::ByteView) override { return {}; }
    ports::DiskResult<void> sync() override { return {}; }
    ports::DiskResult<void> truncate(std::uint64_t) override { return {}; }
    ports::DiskResult<std::uint64_t> size() const override { return 1'024; }
  };
  const Failing file;
  os::ArchiveReader reader(file);
  CHECK(reader.next().error().code == base::Code::unavailable);
}

TEST_CASE("archive: one whose bytes were changed does no harm, and takes no more than it says") {
  base::Random random(2);
  const std::string originals[] = {corpus("tar-gnu"), corpus("tar-pax"), corpus("below-link"), corpus("sparse-pax")};
  std::size_t whole = 0;
  for (std::uint64_t round = 0; round < rounds(500, 100); ++round) {
    std::string archive = originals[random.below(4)];
    for (std::uint64_t i = 0, count = 1 + random.below(6); i < count; ++i) {
      const std::size_t block = random.below(archive.size() / kTarBlockBytes) * kTarBlockBytes;
      // Where names, kinds and links are, more often than elsewhere; and a path of another entry.
      const std::size_t places[] = {0, 100, 124, 156, 157, 345, random.below(kTarBlockBytes)};
      const std::size_t at = block + places[random.below(7)];
      const char* const texts[] = {"../", "/", "l", "bin", "\xff", "5", "2", "1"};
      const std::string text = random.below(2) == 0 ? std::string(1, static_cast<char>(random.below(256)))
                                                    : std::string(texts[random.below(8)]);
      if (at + text.size() <= archive.size()) archive.replace(at, text.size(), text);
      auto* const bytes = reinterpret_cast<std::uint8_t*>(archive.data() + block);
      if (archive.compare(block + 257, 5, "ustar") == 0 && random.below(8) > 0) sum_header(bytes);
    }
    CAPTURE(round);
    Unpacked unpacked(archive);
    CHECK(unpacked.harmless());
    CHECK(unpacked.bytes <= archive.size() + archive.size() / kTarBlockBytes * 8 * ports::kEntryBytes);
    CHECK((unpacked.whole || !unpacked.why.message.empty()));
    CHECK(ports::remove_tree(unpacked.on.disk(), "root").ok());
    whole += unpacked.whole;
  }
  CHECK(whole > 10);
}

// -- from a folder

std::string archive_of(const std::string& folder) {
  auto archive = os::FolderArchive::open(folder);
  REQUIRE(archive.ok());
  std::string out;
  base::Bytes piece(1'000);
  for (;;) {
    const auto got = archive.value().read(piece);
    REQUIRE(got.ok());
    out.append(reinterpret_cast<const char*>(piece.data()), got.value());
    if (got.value() < piece.size()) break;
  }
  CHECK(archive.value().bytes() == out.size());
  return out;
}

TEST_CASE("archive: a folder becomes the bytes that it always becomes, and these the same folder") {
  const OnLinux on;
  const fs::path root = on.root();
  fs::create_directories(root / "bin");
  std::ofstream(root / "bin/prog") << std::string(600, 'p');
  fs::permissions(root / "bin/prog", fs::perms(04700));
  fs::create_hard_link(root / "bin/prog", root / "bin/twin");
  fs::create_symlink("bin", root / "link");
  fs::create_symlink(std::string(300, 't'), root / "far");
  std::ofstream(root / kLong) << "long";
  REQUIRE(::mkfifo((root / "pipe").c_str(), 0600) == 0);
  const std::string archive = archive_of(on.root());
  CHECK(crypto::sha256(base::as_bytes(archive)).hex() ==
        "f71abd002973f7ddf0c9ca05aeb75f9bae0ddcb6b6bafa8b3a5be3faf2a79b8f");
  fs::last_write_time(root / "bin/prog", fs::file_time_type::min());
  fs::permissions(root / kLong, fs::perms(0600));
  CHECK(archive_of(on.root()) == archive);

  const Unpacked unpacked(archive);
  CHECK_MESSAGE(unpacked.whole, unpacked.why.message);
  CHECK(unpacked.text("bin/prog") == std::string(600, 'p'));
  CHECK(unpacked.mode("bin/prog") == 0755);
  CHECK(fs::hard_link_count(unpacked.at("bin/twin")) == 2);
  CHECK(fs::read_symlink(unpacked.at("link")) == "bin");
  CHECK(fs::read_symlink(unpacked.at("far")) == std::string(300, 't'));
  CHECK(unpacked.text(kLong) == "long");
  CHECK_FALSE(fs::exists(unpacked.at("pipe")));
  CHECK(archive_of(unpacked.at("")) == archive);
}

TEST_CASE("archive: a folder that cannot be read, or changes, is no archive") {
  const OnLinux on;
  CHECK(os::FolderArchive::open(on.root() + "/absent").error().code == base::Code::not_found);
  std::ofstream(on.root() + "/file") << "content";
  base::Bytes piece(10'000);
  SUBCASE("a file grows before it is read") {
    auto archive = os::FolderArchive::open(on.root());
    std::ofstream(on.root() + "/file") << "another content";
    CHECK(archive.value().read(piece).error().code == base::Code::conflict);
  }
  SUBCASE("a file grows while it is read") {
    auto archive = os::FolderArchive::open(on.root());
    base::Bytes head(kTarBlockBytes + 1);
    REQUIRE(archive.value().read(head).ok());
    std::ofstream(on.root() + "/file", std::ios::app) << "more";
    CHECK(archive.value().read(piece).error().code == base::Code::conflict);
  }
  SUBCASE("a file is gone") {
    auto archive = os::FolderArchive::open(on.root());
    fs::remove(on.root() + "/file");
    CHECK(archive.value().read(piece).error().code == base::Code::not_found);
  }
  SUBCASE("a name that no node would take") {
    std::ofstream(on.root() + "/a\nb") << "x";
    CHECK(os::FolderArchive::open(on.root()).error().code == base::Code::unsupported);
  }
}

TEST_CASE("archive: a loader is looked for as a program inside would find it") {
  const OnLinux on;
  const fs::path root = on.root();
  fs::create_directories(root / "usr/lib");
  std::ofstream(root / "usr/lib/loader") << "x";
  fs::create_symlink("/usr/lib", root / "lib");
  fs::create_symlink("../../../../../../etc/passwd", root / "usr/lib/passwd");
  CHECK(os::has_file(on.root(), "/lib/loader"));
  CHECK(os::has_file(on.root(), "/usr/lib/loader"));
  CHECK_FALSE(os::has_file(on.root(), "/usr/lib"));
  CHECK_FALSE(os::has_file(on.root(), "/etc/passwd"));
  CHECK_FALSE(os::has_file(on.root(), "/usr/lib/passwd"));
  CHECK_FALSE(os::has_file(on.root(), "/usr/lib/absent"));
}

}  // namespace
}  // namespace troupe
