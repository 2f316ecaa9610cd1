// What every disk promises, checked on both.
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "tests/runtime/store/disks.hpp"

namespace troupe {
namespace {

using ports::DiskError;
using ports::OpenMode;

template <class Result>
bool fails(const Result& result, DiskError with) {
  return !result.ok() && result.error() == with;
}

TEST_CASE_TEMPLATE("disk: the mode of opening says what must be there", On, OnLinux, InSimulation) {
  On on;
  ports::Disk& disk = on.disk();
  CHECK(fails(disk.open("a", OpenMode::read), DiskError::not_found));
  write(disk, "a", "old");

  SUBCASE("create wants a new file") { CHECK(fails(disk.open("a", OpenMode::create), DiskError::exists)); }
  SUBCASE("append keeps what is there") {
    REQUIRE(disk.open("a", OpenMode::append).value()->append(base::as_bytes("+new")).ok());
    CHECK(contents(disk, "a") == "old+new");
  }
  SUBCASE("append and create make a file") {
    REQUIRE(disk.open("b", OpenMode::append).ok());
    REQUIRE(disk.open("c", OpenMode::create).ok());
    CHECK(disk.list(".").value() == std::vector<std::string>{"a", "b", "c"});
  }
  SUBCASE("replace empties it") {
    REQUIRE(disk.open("a", OpenMode::replace).ok());
    CHECK(disk.size("a").value() == 0);
  }
  SUBCASE("what is open for reading cannot be changed") {
    const auto file = disk.open("a", OpenMode::read);
    CHECK(fails(file.value()->append(base::as_bytes("x")), DiskError::denied));
    CHECK(fails(file.value()->truncate(0), DiskError::denied));
    CHECK(contents(disk, "a") == "old");
  }
  SUBCASE("a directory is not a file") {
    REQUIRE(disk.make_directory("d").ok());
    CHECK(fails(disk.open("d", OpenMode::read), DiskError::denied));
    CHECK(fails(disk.open("d", OpenMode::replace), DiskError::denied));
    CHECK(fails(disk.open("d", OpenMode::create), DiskError::exists));
    CHECK(fails(disk.size("d"), DiskError::denied));
    CHECK(fails(disk.lock("d"), DiskError::denied));
    CHECK(fails(disk.open("a/b", OpenMode::append), DiskError::not_found));
    CHECK(fails(disk.open("missing/b", OpenMode::append), DiskError::not_found));
  }
}

TEST_CASE_TEMPLATE("disk: filler takes the room that was asked for, behind what is there", On, OnLinux, InSimulation) {
  On on;
  write(on.disk(), "a", "abc");
  const auto file = on.disk().open("a", OpenMode::append);
  REQUIRE(file.value()->fill(10'000, 7).ok());
  REQUIRE(file.value()->fill(0, 7).ok());
  CHECK(file.value()->size().value() == 10'003);
  CHECK(contents(on.disk(), "a").substr(0, 3) == "abc");
  CHECK(fails(on.disk().open("a", OpenMode::read).value()->fill(1, 7), DiskError::denied));
  REQUIRE(file.value()->truncate(2).ok());
  CHECK(contents(on.disk(), "a") == "ab");
}

TEST_CASE_TEMPLATE("disk: a read gives what lies in the file and no more", On, OnLinux, InSimulation) {
  On on;
  write(on.disk(), "a", "0123456789");
  const auto file = on.disk().open("a", OpenMode::read);
  std::array<std::uint8_t, 4> out{};
  const auto read = [&](std::uint64_t offset, std::size_t bytes) {
    const auto got = file.value()->read(offset, std::span(out).first(bytes));
    REQUIRE(got.ok());
    return std::string(base::as_text(std::span(out).first(got.value())));
  };
  CHECK(read(0, 4) == "0123");
  CHECK(read(8, 4) == "89");
  CHECK(read(10, 4).empty());
  CHECK(read(std::uint64_t{1} << 40, 4).empty());
  CHECK(read(3, 0).empty());
}

TEST_CASE_TEMPLATE("disk: truncate cuts the end, and appending goes on from there", On, OnLinux, InSimulation) {
  On on;
  auto file = on.disk().open("a", OpenMode::append);
  REQUIRE(file.value()->append(base::as_bytes("abcdef")).ok());
  CHECK(fails(file.value()->truncate(7), DiskError::denied));
  REQUIRE(file.value()->truncate(6).ok());
  REQUIRE(file.value()->truncate(2).ok());
  CHECK(file.value()->size().value() == 2);
  REQUIRE(file.value()->append({}).ok());
  REQUIRE(file.value()->append(base::as_bytes("X")).ok());
  CHECK(contents(on.disk(), "a") == "abX");
}

TEST_CASE_TEMPLATE("disk: rename replaces a file and nothing else", On, OnLinux, InSimulation) {
  On on;
  ports::Disk& disk = on.disk();
  write(disk, "a", "A");
  write(disk, "b", "B");
  REQUIRE(disk.make_directory("d").ok());
  write(disk, "d/c", "C");
  CHECK(fails(disk.rename("missing", "b"), DiskError::not_found));
  CHECK(fails(disk.rename("a", "missing/b"), DiskError::not_found));
  CHECK(fails(disk.rename("a", "d"), DiskError::denied));
  CHECK(fails(disk.rename("d", "a"), DiskError::denied));
  CHECK(fails(disk.rename("d", "d/e"), DiskError::denied));
  REQUIRE(disk.rename("a", "a").ok());
  REQUIRE(disk.rename("a", "b").ok());
  CHECK(contents(disk, "b") == "A");
  REQUIRE(disk.rename("b", "d/c").ok());
  CHECK(contents(disk, "d/c") == "A");
  REQUIRE(disk.rename("d", "e").ok());
  CHECK(contents(disk, "e/c") == "A");
  REQUIRE(disk.make_directory("full").ok());
  write(disk, "full/x", "");
  CHECK(fails(disk.rename("e", "full"), DiskError::denied));
  CHECK(disk.list(".").value() == std::vector<std::string>{"e", "full"});
}

TEST_CASE_TEMPLATE("disk: a removed file is gone by name and stays readable where it is open", On, OnLinux,
                   InSimulation) {
  On on;
  ports::Disk& disk = on.disk();
  write(disk, "a", "A");
  const auto open = disk.open("a", OpenMode::read);
  REQUIRE(disk.remove("a").ok());
  CHECK(fails(disk.remove("a"), DiskError::not_found));
  CHECK(fails(disk.open("a", OpenMode::read), DiskError::not_found));
  CHECK(open.value()->size().value() == 1);
  REQUIRE(disk.make_directory("d/e").ok());
  CHECK(fails(disk.remove("d"), DiskError::denied));
  REQUIRE(disk.remove("d/e").ok());
  REQUIRE(disk.remove("d").ok());
  CHECK(disk.list(".").value().empty());
}

TEST_CASE_TEMPLATE("disk: directories are made with their parents and list their names sorted", On, OnLinux,
                   InSimulation) {
  On on;
  ports::Disk& disk = on.disk();
  REQUIRE(disk.make_directory("p/q/r").ok());
  REQUIRE(disk.make_directory("p/q").ok());
  for (const char* name : {"p/b", "p/a", "p/\xc3\xa4", "p/B", "p/.hidden"}) write(disk, name, "");
  CHECK(disk.list("p").value() == std::vector<std::string>{".hidden", "B", "a", "b", "q", "\xc3\xa4"});
  CHECK(disk.list("p/q/r").value().empty());
  CHECK(fails(disk.list("p/a"), DiskError::not_found));
  CHECK(fails(disk.list("missing"), DiskError::not_found));
  CHECK(fails(disk.sync_directory("missing"), DiskError::not_found));
  CHECK(fails(disk.make_directory("p/a"), DiskError::exists));
  CHECK(fails(disk.make_directory("p/a/b"), DiskError::exists));
  CHECK(disk.sync_directory("p").ok());
  CHECK(disk.sync_directory(".").ok());
}

TEST_CASE_TEMPLATE("disk: a lock has one holder at a time", On, OnLinux, InSimulation) {
  On on;
  auto first = on.disk().lock("LOCK");
  REQUIRE(first.ok());
  CHECK(fails(on.disk().lock("LOCK"), DiskError::locked));
  CHECK(on.disk().lock("other").ok());
  std::move(first).value().reset();
  CHECK(on.disk().lock("LOCK").ok());
}

TEST_CASE_TEMPLATE("disk: a path that leaves the root or is no path is denied", On, OnLinux, InSimulation) {
  On on;
  ports::Disk& disk = on.disk();
  write(disk, "file", "kept");
  REQUIRE(disk.make_directory("d").ok());
  const std::string long_name(ports::kNameBytesMax + 1, 'n');
  std::string long_path = "d";
  while (long_path.size() <= ports::kPathBytesMax) long_path += "/dddd";
  const std::vector<std::string> bad = {"",
                                        ".",
                                        "..",
                                        "../x",
                                        "d/..",
                                        "d/../../x",
                                        "/etc/passwd",
                                        "/",
                                        "d//x",
                                        "d/",
                                        "./x",
                                        "d/./x",
                                        "new\n",
                                        "tab\tx",
                                        "del\x7f",
                                        long_name,
                                        long_path,
                                        "d/" + long_name,
                                        std::string("nul\0l", 5)};
  for (const std::string& path : bad) {
    CAPTURE(path);
    CHECK_FALSE(ports::path_ok(path));
    for (const OpenMode mode : {OpenMode::read, OpenMode::append, OpenMode::create, OpenMode::replace}) {
      CHECK(fails(disk.open(path, mode), DiskError::denied));
    }
    CHECK(fails(disk.rename(path, "x"), DiskError::denied));
    CHECK(fails(disk.rename("file", path), DiskError::denied));
    CHECK(fails(disk.remove(path), DiskError::denied));
    CHECK(fails(disk.make_directory(path), DiskError::denied));
    CHECK(fails(disk.size(path), DiskError::denied));
    CHECK(fails(disk.lock(path), DiskError::denied));
    if (path == ".") continue;  // the root may be listed and synced
    CHECK(fails(disk.list(path), DiskError::denied));
    CHECK(fails(disk.sync_directory(path), DiskError::denied));
  }
  const std::string longest(ports::kNameBytesMax, 'n');
  write(disk, longest, "");
  write(disk, "..d", "");
  CHECK(disk.list(".").value() == std::vector<std::string>{"..d", "d", "file", longest});
}

TEST_CASE("disk: on Linux files are 0600 and directories 0700 whatever the umask") {
  OnLinux on;
  const mode_t before = ::umask(0177);
  REQUIRE(on.disk().make_directory("d/e").ok());
  write(on.disk(), "d/e/f", "x");
  ::umask(0);
  write(on.disk(), "g", "x");
  auto made = os::open_disk(on.root() + "/new/root/");
  ::umask(before);
  REQUIRE(made.ok());
  const auto mode = [&](const std::string& path) {
    struct stat status {};
    REQUIRE(::stat((on.root() + "/" + path).c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  CHECK(mode("d") == 0700);
  CHECK(mode("d/e") == 0700);
  CHECK(mode("d/e/f") == 0600);
  CHECK(mode("g") == 0600);
  CHECK(mode("new") == 0700);
  CHECK(mode("new/root") == 0700);
}

TEST_CASE("disk: on Linux no symbolic link, pipe or device below the root is followed or opened") {
  OnLinux on;
  OnLinux outside;
  write(outside.disk(), "secret", "s");
  REQUIRE(::symlink(outside.root().c_str(), (on.root() + "/link").c_str()) == 0);
  REQUIRE(::symlink((outside.root() + "/secret").c_str(), (on.root() + "/file").c_str()) == 0);
  REQUIRE(::mkfifo((on.root() + "/pipe").c_str(), 0600) == 0);
  ports::Disk& disk = on.disk();
  CHECK(fails(disk.open("link/secret", OpenMode::read), DiskError::denied));
  CHECK(fails(disk.open("link/new", OpenMode::append), DiskError::denied));
  CHECK(fails(disk.make_directory("link/d"), DiskError::denied));
  CHECK(fails(disk.list("link"), DiskError::denied));
  CHECK(fails(disk.remove("link/secret"), DiskError::denied));
  CHECK(fails(disk.rename("pipe", "link/x"), DiskError::denied));
  CHECK(fails(disk.open("file", OpenMode::read), DiskError::denied));
  CHECK(fails(disk.open("file", OpenMode::replace), DiskError::denied));
  CHECK(fails(disk.size("file"), DiskError::denied));
  CHECK(fails(disk.lock("file"), DiskError::denied));
  CHECK(fails(disk.open("pipe", OpenMode::read), DiskError::denied));
  CHECK(fails(disk.open("pipe", OpenMode::append), DiskError::denied));
  CHECK(fails(disk.lock("pipe"), DiskError::denied));
  CHECK(contents(outside.disk(), "secret") == "s");
  // A link as such may be removed; what it points to stays.
  CHECK(disk.remove("link").ok());
  CHECK(contents(outside.disk(), "secret") == "s");
}

TEST_CASE("disk: on Linux the root must be a directory, and stays the one that was opened") {
  OnLinux on;
  write(on.disk(), "file", "x");
  CHECK(fails(os::open_disk(on.root() + "/file"), DiskError::denied));
  CHECK_FALSE(os::open_disk(on.root() + "/file/below").ok());
  CHECK(fails(os::open_disk(""), DiskError::denied));
  auto moved = os::open_disk(on.root() + "/one");
  REQUIRE(moved.ok());
  std::filesystem::rename(on.root() + "/one", on.root() + "/two");
  write(*moved.value(), "x", "here");
  CHECK(contents(on.disk(), "two/x") == "here");
  CHECK(on.disk().free_bytes().value() > 0);
}

TEST_CASE("disk: on Linux a file in use that others remove or replace is lost, and no change is made after it") {
  OnLinux on;
  ports::Disk& disk = on.disk();
  REQUIRE(disk.make_directory("db").ok());
  write(disk, "db/read", "r");
  const auto read = disk.open("db/read", OpenMode::read);
  auto file = disk.open("db/000003.log", OpenMode::create);
  REQUIRE(file.ok());
  REQUIRE(file.value()->append(base::as_bytes("x")).ok());
  REQUIRE(file.value()->sync().ok());
  const auto held = disk.lock("LOCK");
  CHECK_FALSE(disk.lost().has_value());

  std::string path = on.root() + "/db/000003.log";
  SUBCASE("removed") {
    std::filesystem::remove(path);
    SUBCASE("which its next sync finds") { CHECK(fails(file.value()->sync(), DiskError::gone)); }
    SUBCASE("which a check finds") {}
  }
  SUBCASE("replaced") {
    std::filesystem::copy_file(path, path + ".new");
    std::filesystem::rename(path + ".new", path);
  }
  SUBCASE("with its directory") { std::filesystem::remove_all(on.root() + "/db"); }
  SUBCASE("with its directory, which has moved") { std::filesystem::rename(on.root() + "/db", on.root() + "/away"); }
  SUBCASE("a lock") {
    path = on.root() + "/LOCK";
    std::filesystem::remove(path);
  }
  CHECK(disk.lost() == path);
  CHECK(fails(file.value()->append(base::as_bytes("x")), DiskError::gone));
  CHECK(fails(file.value()->sync(), DiskError::gone));
  CHECK(fails(file.value()->truncate(0), DiskError::gone));
  CHECK(fails(disk.open("new", OpenMode::append), DiskError::gone));
  CHECK(fails(disk.make_directory("db"), DiskError::gone));
  CHECK(fails(disk.rename("LOCK", "new"), DiskError::gone));
  CHECK(fails(disk.remove("LOCK"), DiskError::gone));
  CHECK(fails(disk.lock("LOCK"), DiskError::gone));
  CHECK(fails(disk.free_bytes(), DiskError::gone));
  std::array<std::uint8_t, 1> byte{};
  CHECK(read.value()->read(0, byte).ok());

  std::filesystem::create_directories(on.root() + "/db");
  CHECK(disk.lost() == path);  // for good
}

TEST_CASE("disk: on Linux a file that is closed after others moved its directory is lost, and no new one is made") {
  OnLinux on;
  ports::Disk& disk = on.disk();
  REQUIRE(disk.make_directory("log").ok());
  auto file = disk.open("log/1.pack", OpenMode::create);
  REQUIRE(file.ok());
  std::filesystem::rename(on.root() + "/log", on.root() + "/away");
  file.value().reset();
  CHECK(fails(disk.make_directory("log"), DiskError::gone));
  CHECK(disk.lost() == on.root() + "/log/1.pack");
}

TEST_CASE("disk: on Linux a root that others move or replace is lost") {
  OnLinux on;
  auto root = os::open_disk(on.root() + "/one");
  REQUIRE(root.ok());
  REQUIRE_FALSE(root.value()->lost().has_value());
  std::filesystem::rename(on.root() + "/one", on.root() + "/two");
  SUBCASE("moved") {}
  SUBCASE("replaced") { std::filesystem::create_directory(on.root() + "/one"); }
  CHECK(root.value()->lost() == on.root() + "/one");
  CHECK(fails(root.value()->open("x", OpenMode::create), DiskError::gone));
}

TEST_CASE("disk: on Linux a file that this disk itself renames, replaces or removes is not lost") {
  OnLinux on;
  ports::Disk& disk = on.disk();
  REQUIRE(disk.make_directory("d").ok());
  write(disk, "d/old", "old");
  auto old = disk.open("d/old", OpenMode::append);
  auto next = disk.open("d/new", OpenMode::create);
  REQUIRE(disk.rename("d/new", "d/old").ok());
  CHECK_FALSE(disk.lost().has_value());
  CHECK(old.value()->sync().ok());
  CHECK(fails(disk.rename("d/none", "d/old"), DiskError::not_found));
  REQUIRE(disk.rename("d", "e").ok());
  CHECK_FALSE(disk.lost().has_value());
  SUBCASE("removed") { REQUIRE(disk.remove("e/old").ok()); }
  SUBCASE("removed with its directory") { REQUIRE(ports::remove_tree(disk, "e").ok()); }
  CHECK_FALSE(disk.lost().has_value());
  CHECK(next.value()->append(base::as_bytes("x")).ok());
  CHECK(next.value()->sync().ok());
  CHECK_FALSE(disk.lost().has_value());
  SUBCASE("a change that failed takes no file from those that are checked") {
    auto kept = disk.open("kept", OpenMode::create);
    CHECK(fails(disk.rename("kept", "none/kept"), DiskError::not_found));
    std::filesystem::remove(on.root() + "/kept");
    CHECK(disk.lost() == on.root() + "/kept");
  }
}

TEST_CASE("disk: on Linux a lock is held against another opening of the same root") {
  OnLinux on;
  const auto again = os::open_disk(on.root());
  auto held = on.disk().lock("LOCK");
  REQUIRE(held.ok());
  CHECK(fails(again.value()->lock("LOCK"), DiskError::locked));
}

}  // namespace
}  // namespace troupe
