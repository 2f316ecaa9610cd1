#include "apps/cli/file_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "runtime/os/waker.hpp"
#include "tests/apps/harness.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

using Read = base::Result<std::string, Failure>;

/// All of it, in reads of `step` bytes; `between` runs after the first one.
Read read_all(
    FileSource& source, std::size_t step, const std::function<void()>& between = [] {}) {
  std::string all;
  std::vector<std::uint8_t> room(step);
  for (bool first = true;; first = false) {
    const auto got = source.read(room);
    if (!got.ok()) return got.error();
    if (got.value() == 0) return all;
    all.append(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(got.value()));
    if (first) between();
  }
}

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

}  // namespace

TEST_CASE("file source: a file is read to its end, whatever the size of the reads") {
  const TemporaryFolder folder;
  for (const std::size_t size : {0u, 1u, 4'095u, 4'096u, 4'097u}) {
    const std::string text(size, 'x');
    const std::string path = folder.write("file", text);
    auto source = FileSource::open(path);
    REQUIRE(source.ok());
    CHECK(source.value().name() == "file");
    CHECK(source.value().bytes() == size);
    CHECK_FALSE(source.value().waits());
    const auto read = read_all(source.value(), 4'096);
    REQUIRE(read.ok());
    CHECK(read.value() == text);
  }
}

TEST_CASE("file source: a file that changes while it is read is an error at its end") {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", std::string(10'000, 'x'));
  const timespec long_ago[2]{{1'000, 0}, {1'000, 0}};  // the clock of a file system is coarse
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), long_ago, 0) == 0);
  auto source = FileSource::open(path);
  REQUIRE(source.ok());

  std::function<void()> change;
  SUBCASE("it grows") {
    change = [&] { append(path, "more"); };
  }
  SUBCASE("it shrinks below what was read") {
    change = [&] { std::filesystem::resize_file(path, 100); };
  }
  SUBCASE("it shrinks to what was read") {
    change = [&] { std::filesystem::resize_file(path, 4'096); };
  }
  SUBCASE("it is written in place") {
    change = [&] { std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << 'y'; };
  }
  SUBCASE("another file takes its name") {
    change = [&] { std::filesystem::rename(folder.write("other", std::string(10'000, 'y')), path); };
  }
  SUBCASE("it is removed") {
    change = [&] { std::filesystem::remove(path); };
  }
  const auto read = read_all(source.value(), 4'096, change);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().error.code == base::Code::conflict);
  CHECK(read.error().error.message == path + " changed while it was read");
  CHECK(exit_of(read.error(), Effect::write) == Exit::refused);
}

TEST_CASE("file source: what cannot be read says so in the words of the system") {
  const TemporaryFolder folder;
  SUBCASE("nothing there") {
    const auto source = FileSource::open(folder.path() + "/none");
    REQUIRE_FALSE(source.ok());
    CHECK(source.error().error.code == base::Code::not_found);
    CHECK(source.error().error.message == "cannot read " + folder.path() + "/none: No such file or directory");
  }
  SUBCASE("a directory") {
    const auto source = FileSource::open(folder.path());
    REQUIRE_FALSE(source.ok());
    CHECK(source.error().error.code == base::Code::unsupported);
    CHECK(source.error().try_ == "tar -c -- " + folder.path() + " | troupe file put -");
    std::filesystem::create_directory(folder.path() + "/it's; here");
    CHECK(FileSource::open(folder.path() + "/it's; here").error().try_ ==
          "tar -c -- '" + folder.path() + "/it'\\''s; here' | troupe file put -");
  }
  SUBCASE("not allowed") {
    const std::string path = folder.write("secret", "x");
    REQUIRE(::chmod(path.c_str(), 0) == 0);
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
    const AsNobody nobody;
    const auto source = FileSource::open(path);
    REQUIRE_FALSE(source.ok());
    CHECK(source.error().error.code == base::Code::refused);
  }
}

TEST_CASE("file source: a named pipe gives what is there, and has no size") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const os::Descriptor both(::open(path.c_str(), O_RDWR | O_CLOEXEC));  // or the next open would wait for a writer
  REQUIRE(::write(both.get(), "some", 4) == 4);
  auto source = FileSource::open(path);
  REQUIRE(source.ok());
  CHECK(source.value().waits());
  CHECK(source.value().bytes() == 0);
  std::vector<std::uint8_t> room(100);
  const auto got = source.value().read(room);
  REQUIRE(got.ok());
  CHECK(got.value() == 4);
}

TEST_CASE("file source: a named pipe without a writer is opened at once, and waited for like a silent one") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  auto source = FileSource::open(path);
  REQUIRE(source.ok());
  CHECK(source.value().waits());
  const os::Waker::Watched waited{source.value().descriptor(), os::Waker::Want::reading};
  CHECK_FALSE(os::Waker::is_ready(waited));  // not the end: nobody has written yet
  {
    const os::Descriptor writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    REQUIRE(::write(writer.get(), "some", 4) == 4);
  }
  CHECK(os::Waker::is_ready(waited));
  const auto all = read_all(source.value(), 100);
  REQUIRE(all.ok());
  CHECK(all.value() == "some");
}
