#include "apps/host/data_directory.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/cli/directory_access.hpp"
#include "runtime/os/sockets.hpp"
#include "tests/apps/harness.hpp"
#include "tests/support.hpp"

namespace troupe::apps {
namespace {

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

using test::contains;

}  // namespace

TEST_CASE("data directory: it is made for its owner alone, with its format, and opened again") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/deep/below";
  {
    const auto opened = open_data_directory(path);
    REQUIRE(opened.ok());
    CHECK(content(path + "/format") == "1\n");
    CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms::owner_all);
  }
  CHECK(open_data_directory(path).ok());
}

TEST_CASE("data directory: the second who wants it is told so, until the first is gone") {
  const TemporaryFolder folder;
  {
    const auto first = open_data_directory(folder.path());
    REQUIRE(first.ok());
    const auto second = open_data_directory(folder.path());
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().exit == Exit::failed);
    CHECK(second.error().error.message.find("another node runs in it") != std::string::npos);
  }
  CHECK(open_data_directory(folder.path()).ok());
}

TEST_CASE("data directory: a newer format and a broken format file are refused, and left as they are") {
  const TemporaryFolder folder;
  for (const char* text : {"2\n", "4294967297", "0\n", "", "one\n", "1 \n", "-1\n", "1\n1\n", "00000000000000001\n"}) {
    folder.write("format", text);
    const auto opened = open_data_directory(folder.path());
    CHECK_MESSAGE(!opened.ok(), text);
    CHECK(content(folder.path() + "/format") == text);
  }
  folder.write("format", "2\n");
  CHECK(open_data_directory(folder.path()).error().error.code == base::Code::unsupported);
  folder.write("format", "one\n");
  CHECK(open_data_directory(folder.path()).error().error.code == base::Code::corrupt);
  folder.write("format", "1");
  CHECK(open_data_directory(folder.path()).ok());
}

TEST_CASE("data directory: one that this user may not use is refused with the name of the one who may") {
  const TemporaryFolder folder;
  const std::string closed = folder.path() + "/closed";
  std::filesystem::create_directories(closed + "/inner");
  using std::filesystem::perms;
  std::filesystem::permissions(folder.path(), perms::owner_all | perms::group_exec | perms::others_exec);
  std::filesystem::permissions(closed, ::geteuid() == 0 ? perms::owner_all : perms::none);
  {
    const AsNobody nobody;
    for (const std::string& path : {closed, closed + "/inner", closed + "/absent/below"}) {
      CAPTURE(path);
      const auto opened = open_data_directory(path);
      REQUIRE_FALSE(opened.ok());
      CHECK(opened.error().error.code == base::Code::refused);
      CHECK(opened.error().exit == Exit::failed);
      CHECK(contains(opened.error().error.message, "cannot use the data directory " + path +
                                                       ": permission denied: " + closed + " belongs to the user "));
      CHECK_FALSE(opened.error().try_.empty());
      const Seen shown = troupe_with({"config", "show", "--data", path});
      CHECK(shown.exit == Exit::failed);
      CHECK(contains(shown.err, "permission denied: " + closed + " belongs to the user "));
      const Seen status = troupe_with({"status", "--data", path});
      CHECK(status.exit == Exit::refused);
      CHECK(contains(status.err, "permission denied: " + closed + " belongs to the user "));
    }
  }
  std::filesystem::permissions(closed, perms::owner_all);
  CHECK_FALSE(kept_out(closed).has_value());
  CHECK_FALSE(kept_out(closed + "/absent").has_value());
}

TEST_CASE("data directory: one to which other users may write is refused with the way to close it") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/open to all";
  std::filesystem::create_directories(path);
  for (const mode_t mode : {0770U, 0702U, 01777U, 0722U}) {
    CAPTURE(mode);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    const auto opened = open_data_directory(path);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().exit == Exit::failed);
    CHECK(opened.error().error.code == base::Code::refused);
    CHECK(contains(opened.error().error.message,
                   "cannot use the data directory " + path + ": other users may write to it: its mode is "));
    CHECK(opened.error().try_ == "chmod go-w '" + path + "'");
    CHECK(std::filesystem::is_empty(path));
  }
  REQUIRE(::chmod(path.c_str(), 0755) == 0);
  CHECK(open_data_directory(path).ok());
}

TEST_CASE("data directory: one whose key others can get at is refused with the way to close it") {
  const TemporaryFolder folder;
  const std::string key = folder.path() + "/identity.key";
  folder.write("identity.key", "as a copy came back");
  REQUIRE(::chmod(key.c_str(), 0644) == 0);
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  const auto opened = open_data_directory(folder.path());
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().exit == Exit::failed);
  CHECK(opened.error().error.message ==
        "cannot use the data directory " + folder.path() +
            ": identity.key, the secret of this node, is open to other users: its mode is 0644");
  CHECK(opened.error().try_ == "chmod 600 " + key);
  SUBCASE("its mode keeps them out") { REQUIRE(::chmod(key.c_str(), 0600) == 0); }
  SUBCASE("the directory keeps them out") { REQUIRE(::chmod(folder.path().c_str(), 0700) == 0); }
  CHECK(open_data_directory(folder.path()).ok());
}

TEST_CASE("data directory: one of another user is refused with the name of that user") {
  if (::geteuid() != 0) return test::skip("only root can make a directory of another user");
  const TemporaryFolder folder;
  REQUIRE(::chown(folder.path().c_str(), kNobody, 0) == 0);
  const auto opened = open_data_directory(folder.path());
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().exit == Exit::failed);
  CHECK(opened.error().error.message == "cannot use the data directory " + folder.path() + ": it belongs to the user " +
                                            user_name(kNobody) + ", and this is the user " + user_name(0));
  CHECK(std::filesystem::is_empty(folder.path()));
  {
    const AsNobody other;
    CHECK(open_data_directory(folder.path()).ok());
  }
}

TEST_CASE("data directory: a command does not talk to a node that another user runs") {
  if (::geteuid() != 0) return test::skip("only root can listen as another user");
  const TemporaryFolder folder;
  REQUIRE(::chown(folder.path().c_str(), kNobody, 0) == 0);
  const auto listening = [&] {
    const AsNobody other;
    return os::listen_local(folder.path() + '/' + kControlSocket);
  }();
  REQUIRE(listening.ok());
  const Seen status = troupe_with({"status", "--data", folder.path()});
  CHECK(status.exit == Exit::refused);
  CHECK(contains(status.err, "the node in " + folder.path() + " is not trusted: it runs as the user " +
                                 user_name(kNobody) + ", and this is the user " + user_name(0)));
}

TEST_CASE("data directory: a read-only file system is told as that, not as another user's") {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  constexpr int kNotAllowed = 77, kWrong = 1;
  if (child == 0) {
    // A view of its own of what is mounted, so that nothing is left of it.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", folder.path().c_str(), "tmpfs", MS_RDONLY, nullptr) != 0)
      ::_exit(kNotAllowed);
    for (const std::string& path : {folder.path(), folder.path() + "/absent"}) {
      const auto opened = open_data_directory(path);
      if (opened.ok() || opened.error().error.message != "cannot use the data directory " + path +
                                                             ": the file system of " + folder.path() + " is read-only")
        ::_exit(kWrong);
      if (opened.error().exit != Exit::failed || kept_out(path)) ::_exit(kWrong);
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNotAllowed) return test::skip("only root may mount a file system");
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("data directory: a setting file that is no file is told as that in a directory closed to writers") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() + "/config.toml");
  using std::filesystem::perms;
  std::filesystem::permissions(folder.path(), perms::owner_read | perms::owner_exec | perms::group_read |
                                                  perms::group_exec | perms::others_read | perms::others_exec);
  {
    const AsNobody nobody;
    const Seen shown = troupe_with({"config", "show", "--data", folder.path()});
    CHECK(shown.exit == Exit::usage);
    CHECK(contains(shown.err, "config.toml: not a regular file"));
  }
  std::filesystem::permissions(folder.path(), perms::owner_all);
}

TEST_CASE("data directory: data without its identity or its format is refused, and nothing is made anew") {
  const TemporaryFolder folder;
  for (const char* name : {"identity.key", "format", "files/db/CURRENT", "store/packs/00000001.pack"}) {
    std::filesystem::create_directories(std::filesystem::path(folder.path() + '/' + name).parent_path());
    folder.write(name, "1\n");
  }
  CHECK(open_data_directory(folder.path()).ok());
  for (const std::string name : {"identity.key", "format"}) {
    CAPTURE(name);
    std::filesystem::remove(folder.path() + '/' + name);
    SUBCASE("a database") { std::filesystem::remove_all(folder.path() + "/store"); }
    SUBCASE("packs") { std::filesystem::remove_all(folder.path() + "/files"); }
    const auto opened = open_data_directory(folder.path());
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().exit == Exit::failed);
    CHECK(opened.error().error.code == base::Code::corrupt);
    CHECK(contains(opened.error().error.message, "it contains data, but "));
    CHECK(contains(opened.error().error.message, name));
    CHECK(contains(opened.error().try_, "mv " + folder.path() + ' ' + folder.path() + ".old"));
    CHECK(open_data_directory(folder.path() + "//").error().try_ == opened.error().try_);
    CHECK_FALSE(std::filesystem::exists(folder.path() + '/' + name));
    folder.write(name, "1\n");
    CHECK(open_data_directory(folder.path()).ok());
  }
}

TEST_CASE("data directory: a start that ended before it had stored anything is begun again") {
  const TemporaryFolder folder;
  folder.write("config.toml", "");
  folder.write("identity.key.new", "half");
  std::filesystem::create_directories(folder.path() + "/log");
  CHECK(open_data_directory(folder.path()).ok());
  std::filesystem::remove(folder.path() + "/format");
  folder.write("identity.key", "brought along from another disk");
  CHECK(open_data_directory(folder.path()).ok());
}

TEST_CASE("data directory: a file instead of a directory is refused") {
  const TemporaryFolder folder;
  CHECK(open_data_directory(folder.write("file", "")).error().exit == Exit::failed);
}

}  // namespace troupe::apps
