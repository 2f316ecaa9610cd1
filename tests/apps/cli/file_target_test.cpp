#include "apps/cli/file_target.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "runtime/base/bytes.hpp"
#include "tests/apps/harness.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t files_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

FileTarget opened(const std::string& path) {
  auto target = FileTarget::open(path);
  REQUIRE(target.ok());
  return std::move(target).value();
}

void write(FileTarget& target, const std::string& text) {
  FileTarget::WaitForRoom wait([](int) { return base::Result<void, Failure>(); });
  REQUIRE(target.write(base::as_bytes(text), wait).ok());
}

}  // namespace

TEST_CASE("file target: a file has its name once it is whole, and nothing else is left") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/file";
  auto target = opened(path);
  write(target, "first ");
  write(target, "second");
  CHECK_FALSE(std::filesystem::exists(path));
  REQUIRE(target.commit().ok());
  CHECK(target.bytes() == 12);
  CHECK(content(path) == "first second");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("file target: without a commit the folder is as before") {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", "old");
  {
    auto target = opened(path);
    write(target, "new");
    CHECK(content(path) == "old");
    CHECK(std::string(target.outcome()) == "nothing was written");
  }
  CHECK(content(path) == "old");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("file target: a file of that name is replaced, and a link to one stays a link") {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", "old");
  const std::string link = folder.path() + "/link";
  std::filesystem::create_symlink("file", link);
  auto target = opened(link);
  write(target, "new");
  REQUIRE(target.commit().ok());
  CHECK(std::filesystem::is_symlink(link));
  CHECK(content(path) == "new");
  CHECK(files_in(folder.path()) == 2);
}

TEST_CASE("file target: a file that it makes has the caller's permissions") {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  auto target = opened(folder.path() + "/file");
  ::umask(before);
  write(target, "x");
  REQUIRE(target.commit().ok());
  struct stat made {};
  REQUIRE(::stat((folder.path() + "/file").c_str(), &made) == 0);
  CHECK((made.st_mode & 0777) == 0640);
}

TEST_CASE("file target: a file that it replaces keeps its permissions, and nobody else reads it before") {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", "old");
  for (const mode_t mode : {0600u, 0640u, 0755u, 0444u, 04755u}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    auto target = opened(path);
    for (const auto& one : std::filesystem::directory_iterator(folder.path())) {
      struct stat made {};
      REQUIRE(::stat(one.path().c_str(), &made) == 0);
      CHECK((made.st_mode & 0077 & ~mode) == 0);
    }
    write(target, "new");
    REQUIRE(target.commit().ok());
    struct stat made {};
    REQUIRE(::stat(path.c_str(), &made) == 0);
    CHECK((made.st_mode & 07777) == (mode & 0777));  // never that of another user's rights
  }
}

TEST_CASE("file target: a file that it replaces keeps its group, or nobody but its owner gains by another one") {
  if (::geteuid() != 0) return test::skip("only root can make a file of a group to which it does not belong");
  constexpr gid_t kStrangers = 54'321;
  const TemporaryFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
  const std::string path = folder.write("file", "old");
  const auto replaced = [&](mode_t mode, uid_t by) {
    REQUIRE(::chown(path.c_str(), by, kStrangers) == 0);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    REQUIRE(::seteuid(by) == 0);
    auto target = opened(path);
    write(target, "new");
    const bool done = target.commit().ok();
    REQUIRE(::seteuid(0) == 0);
    CHECK(done);
    struct stat made {};
    REQUIRE(::stat(path.c_str(), &made) == 0);
    return made;
  };
  const struct stat kept = replaced(0640, 0);
  CHECK(kept.st_gid == kStrangers);
  CHECK((kept.st_mode & 07777) == 0640);
  for (const auto& [before, after] : {std::pair{0640u, 0600u}, {0664u, 0604u}, {0604u, 0600u}, {0755u, 0705u}}) {
    const struct stat lost = replaced(before, kNobody);
    CHECK(lost.st_gid != kStrangers);
    CHECK((lost.st_mode & 07777) == after);
  }
}

TEST_CASE("file target: a link through others is followed to the file, in whatever folder that lies") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() + "/away");
  const std::string path = folder.write("away/file", "old");
  std::filesystem::create_symlink("away/file", folder.path() + "/near");
  std::filesystem::create_symlink("near", folder.path() + "/far");
  auto target = opened(folder.path() + "/far");
  CHECK(files_in(folder.path() + "/away") == 2);  // what is written lies beside it: a rename crosses no device
  write(target, "new");
  REQUIRE(target.commit().ok());
  CHECK(content(path) == "new");
  CHECK(files_in(folder.path() + "/away") == 1);
  CHECK(std::filesystem::is_symlink(folder.path() + "/near"));
}

TEST_CASE("file target: a link that leads nowhere is refused, and stays") {
  const TemporaryFolder folder;
  const std::string link = folder.path() + "/link";
  for (const std::string to : {"none", "link"}) {
    std::filesystem::create_symlink(to, link);
    const auto target = FileTarget::open(link);
    REQUIRE_FALSE(target.ok());
    CHECK(exit_of(target.error(), Effect::read) == Exit::refused);
    CHECK(target.error().error.message == "cannot write " + link + ": it is a link to a file that does not exist");
    CHECK(std::filesystem::is_symlink(link));
    CHECK(files_in(folder.path()) == 1);
    std::filesystem::remove(link);
  }
}

TEST_CASE("file target: a link that cannot be followed is told as what it is, and no advice removes it") {
  const TemporaryFolder folder;
  const std::string link = folder.path() + "/link";
  std::filesystem::create_symlink(std::string(256, 'n'), link);
  const auto target = FileTarget::open(link);
  REQUIRE_FALSE(target.ok());
  CHECK(target.error().error.message == "cannot write " + link + ": File name too long");
  CHECK(target.error().outcome == "nothing was written");
  CHECK(target.error().try_.empty());
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("file target: standard output by its other name is written, not replaced") {
  CHECK(FileTarget::is_standard_output("-"));
  CHECK(FileTarget::is_standard_output("/dev/stdout"));
  CHECK(FileTarget::is_standard_output("/dev/fd/1"));
  CHECK(FileTarget::is_standard_output("/proc/self/fd/1"));
  CHECK_FALSE(FileTarget::is_standard_output("stdout"));
  auto target = opened("/dev/stdout");
  CHECK(target.commit().ok());
}

TEST_CASE("file target: the file that standard output is goes on from where it is, and stays that file") {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", "");
  const os::Descriptor before(::dup(STDOUT_FILENO));
  const os::Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(before.valid());
  REQUIRE(::dup2(file.get(), STDOUT_FILENO) == STDOUT_FILENO);
  {
    auto target = FileTarget::open(path);
    FileTarget::WaitForRoom wait([](int) { return base::Result<void, Failure>(); });
    if (target.ok()) static_cast<void>(target.value().write(base::as_bytes("new"), wait));
    if (target.ok()) static_cast<void>(target.value().commit());
  }
  struct stat own {};
  ::fstat(STDOUT_FILENO, &own);
  ::dup2(before.get(), STDOUT_FILENO);
  CHECK(own.st_nlink == 1);
  CHECK(own.st_size == 3);
  CHECK(content(path) == "new");
}

TEST_CASE("file target: a named pipe waits for its reader, and can be given up") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  SUBCASE("nobody comes") {
    int waits = 0;
    const auto target = FileTarget::open(path, [&]() -> base::Result<void, Failure> {
      if (++waits < 3) return {};
      return Failure{{base::Code::dropped, "interrupted"}, {}, {}, Exit::interrupted};
    });
    REQUIRE_FALSE(target.ok());
    CHECK(exit_of(target.error(), Effect::read) == Exit::interrupted);
    CHECK(waits == 3);
  }
  SUBCASE("somebody comes") {
    os::Descriptor reader;
    auto target = FileTarget::open(path, [&]() -> base::Result<void, Failure> {
      reader = os::Descriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
      return {};
    });
    REQUIRE(target.ok());
    write(target.value(), "some");
    std::array<char, 16> room{};
    CHECK(::read(reader.get(), room.data(), room.size()) == 4);
    REQUIRE(target.value().commit().ok());
    CHECK(std::filesystem::is_fifo(path));
  }
}

TEST_CASE("file target: a name as long as names can be is no trouble") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + '/' + std::string(255, 'n');
  auto target = opened(path);
  REQUIRE(target.commit().ok());
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("file target: a device is written directly, and a full one is `no_space`") {
  auto nothing = opened("/dev/null");
  write(nothing, "x");
  CHECK(nothing.commit().ok());
  auto full = opened("/dev/full");
  FileTarget::WaitForRoom wait([](int) { return base::Result<void, Failure>(); });
  const auto written = full.write(base::as_bytes("x"), wait);
  REQUIRE_FALSE(written.ok());
  CHECK(exit_of(written.error(), Effect::read) == Exit::overloaded);
}

TEST_CASE("file target: a wait that is given up ends the write") {
  auto target = opened("/dev/null");
  FileTarget::WaitForRoom wait([](int) -> base::Result<void, Failure> {
    return Failure{{base::Code::dropped, "interrupted"}, {}, {}, Exit::interrupted};
  });
  const auto written = target.write(base::as_bytes("x"), wait);
  REQUIRE_FALSE(written.ok());
  CHECK(exit_of(written.error(), Effect::read) == Exit::interrupted);
}

TEST_CASE("file target: a directory, and a folder that is not there, are refused before anything is asked") {
  const TemporaryFolder folder;
  const auto directory = FileTarget::open(folder.path());
  REQUIRE_FALSE(directory.ok());
  CHECK(directory.error().error.code == base::Code::refused);
  const auto nowhere = FileTarget::open(folder.path() + "/none/file");
  REQUIRE_FALSE(nowhere.ok());
  CHECK(nowhere.error().error.code == base::Code::not_found);
}
