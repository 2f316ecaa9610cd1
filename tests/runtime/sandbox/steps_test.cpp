#include "runtime/sandbox/steps.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::sandbox;
using troupe::test::contains;

namespace {

namespace fs = std::filesystem;

class Host {
 public:
  Host() {
    std::string pattern = (fs::temp_directory_path() / "troupe-steps-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Host() { fs::remove_all(path); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  std::string path;
};

const Step* find(const std::vector<Step>& steps, Step::Kind kind, const std::string& to) {
  const auto at = std::ranges::find_if(steps, [&](const Step& one) { return one.kind == kind && one.to == to; });
  return at == steps.end() ? nullptr : &*at;
}

std::string wrong_with(Spec spec) {
  const auto steps = steps_of(spec);
  return steps.ok() ? "" : steps.error();
}

}  // namespace

TEST_CASE("sandbox tree: an empty root has /task, /tmp, /dev and /proc, and is sealed at the end") {
  const auto steps = steps_of({});
  REQUIRE(steps.ok());
  for (const char* ours : {"task", "tmp", "dev", "proc"})
    CHECK(find(steps.value(), Step::Kind::folder, ours) != nullptr);
  CHECK(find(steps.value(), Step::Kind::folder, "sys") == nullptr);
  CHECK(steps.value().back().kind == Step::Kind::seal);
  CHECK(std::ranges::none_of(steps.value(), [](const Step& one) { return one.kind == Step::Kind::bind; }));
  const Step* const disk = find(steps.value(), Step::Kind::disk, "task");
  REQUIRE(disk != nullptr);
  CHECK(contains(disk->from, "size=67108864"));
  CHECK(contains(disk->from, "nr_inodes=1027"));
}

TEST_CASE("sandbox tree: of a root each entry is shown, but for those that are the sandbox's own") {
  const Host host;
  for (const char* folder : {"/usr", "/proc", "/dev", "/sys", "/run", "/tmp", "/task"})
    fs::create_directory(host.path + folder);
  std::ofstream(host.path + "/file") << "x";
  fs::create_symlink("usr/bin", host.path + "/bin");
  Spec spec;
  spec.root = host.path;
  const auto steps = steps_of(spec);
  REQUIRE(steps.ok());
  REQUIRE(find(steps.value(), Step::Kind::bind, "usr") != nullptr);
  CHECK(find(steps.value(), Step::Kind::bind, "usr")->from == host.path + "/usr");
  CHECK(find(steps.value(), Step::Kind::bind, "file") != nullptr);
  REQUIRE(find(steps.value(), Step::Kind::link, "bin") != nullptr);
  CHECK(find(steps.value(), Step::Kind::link, "bin")->from == "usr/bin");
  for (const char* own : {"proc", "dev", "sys", "run", "tmp", "task"})
    CHECK(find(steps.value(), Step::Kind::bind, own) == nullptr);
}

TEST_CASE("sandbox tree: a root has at most 4,096 entries in its top folder, with /etc where hosts are granted") {
  const Host host;
  fs::create_directories(host.path + "/etc");
  for (int i = 0; i < 2'100; ++i) {
    std::ofstream(host.path + "/etc/" + std::to_string(i)) << "x";
    std::ofstream(host.path + '/' + std::to_string(i)) << "x";
  }
  Spec spec;
  spec.root = host.path;
  CHECK(wrong_with(spec) == "");
  spec.hosts = {{"a.org", 80}};
  CHECK(contains(wrong_with(spec), "and its etc together have more than 4096 entries"));
}

TEST_CASE("sandbox tree: a folder that leads to several inputs is made once") {
  const Host host;
  std::ofstream(host.path + "/file") << "x";
  Spec spec;
  for (const char* to : {"/task/in/deep/1", "/task/in/deep/2"}) spec.binds.push_back({host.path + "/file", to});
  const auto steps = steps_of(spec);
  REQUIRE(steps.ok());
  CHECK(std::ranges::count_if(steps.value(), [](const Step& one) {
          return one.kind == Step::Kind::folder && one.to == "task/in/deep";
        }) == 1);
}

TEST_CASE("sandbox tree: where hosts are granted, /etc is that of the root but for what finds names") {
  const Host host;
  fs::create_directories(host.path + "/etc/ssl");
  for (const char* file : {"/etc/hosts", "/etc/resolv.conf", "/etc/passwd"}) std::ofstream(host.path + file) << "x";
  Spec spec;
  spec.root = host.path;
  auto steps = steps_of(spec);
  REQUIRE(steps.ok());
  CHECK(find(steps.value(), Step::Kind::bind, "etc") != nullptr);
  spec.hosts = {{"a.org", 80}};
  for (const bool rooted : {true, false}) {
    if (!rooted) spec.root.reset();
    steps = steps_of(spec);
    REQUIRE(steps.ok());
    CHECK(find(steps.value(), Step::Kind::bind, "etc") == nullptr);
    CHECK((find(steps.value(), Step::Kind::bind, "etc/passwd") != nullptr) == rooted);
    CHECK((find(steps.value(), Step::Kind::bind, "etc/ssl") != nullptr) == rooted);
    CHECK(find(steps.value(), Step::Kind::bind, "etc/hosts") == nullptr);
    CHECK(find(steps.value(), Step::Kind::bind, "etc/resolv.conf") == nullptr);
    REQUIRE(find(steps.value(), Step::Kind::text, "etc/hosts") != nullptr);
    CHECK(contains(find(steps.value(), Step::Kind::text, "etc/hosts")->from, "127.1.0.1 a.org"));
  }
}

TEST_CASE("sandbox tree: an input lies below /task, in folders that are the program's") {
  const Host host;
  std::ofstream(host.path + "/file") << "x";
  Spec spec;
  spec.binds = {{host.path + "/file", "/task/in/deep/file"}};
  const auto steps = steps_of(spec);
  REQUIRE(steps.ok());
  CHECK(find(steps.value(), Step::Kind::folder, "task/in/deep") != nullptr);
  CHECK(find(steps.value(), Step::Kind::give, "task/in") != nullptr);
  CHECK(find(steps.value(), Step::Kind::file, "task/in/deep/file") != nullptr);
  const auto kind_at = [&](Step::Kind kind, const char* to) {
    return find(steps.value(), kind, to) - steps.value().data();
  };
  CHECK(kind_at(Step::Kind::bind, "task/in/deep/file") > kind_at(Step::Kind::shift, "task"));
}

TEST_CASE("sandbox tree: what is no place inside, or nothing on the host, is refused before there is a sandbox") {
  const Host host;
  std::ofstream(host.path + "/file") << "x";
  const auto bind = [&](std::string to, std::string from = "/file") {
    Spec spec;
    spec.binds = {{host.path + from, std::move(to)}};
    return wrong_with(spec);
  };
  CHECK(bind("/task/ok").empty());
  for (const char* to : {"", "/", "task/file", "/task/../etc", "/task/./x", "/.."})
    CHECK_MESSAGE(contains(bind(to), "not a valid path inside"), to);
  for (const char* to : {"/proc/x", "/dev/null", "/tmp/x", "/sys/x", "/run/x"})
    CHECK_MESSAGE(contains(bind(to), "below /task"), to);
  CHECK(contains(bind("/task/x", "/absent"), "cannot be shown"));
  CHECK(contains(wrong_with({.root = host.path + "/absent"}), "cannot be read"));
  CHECK(contains(wrong_with({.root = host.path + "/file"}), "cannot be read"));
  CHECK(contains(wrong_with({.root = "relative"}), "not an absolute path"));
}
