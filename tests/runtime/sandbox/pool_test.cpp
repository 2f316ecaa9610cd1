#include "runtime/sandbox/pool.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "runtime/sandbox/identity.hpp"
#include "runtime/sandbox/order.hpp"
#include "tests/runtime/sandbox/launched.hpp"

using namespace troupe;
using namespace troupe::sandbox;
using troupe::test::contains;

namespace {

namespace fs = std::filesystem;

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> out;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");
    std::string line;
    if (!std::getline(file, line)) continue;
    int of = 0;
    // The name, in brackets, may have blanks.
    if (std::sscanf(line.c_str() + line.rfind(')') + 1, " %*c %d", &of) == 1 && of == parent)
      out.push_back(std::stoi(entry.path().filename().string()));
  }
  return out;
}

class Pooled : public Launched {
 public:
  /// False where there is no pool.
  bool works() {
    if (mappable() != Ids::two) {
      test::skip("sandboxes are made ahead only for who may map two ids");
      return false;
    }
    return Launched::works();
  }

  std::string run(const Spec& spec) {
    Flow output = flow();
    REQUIRE(launcher->make({++last_}, spec, copies_of({nothing.get(), output.write.get(), output.write.get()})));
    output.write.reset();
    std::string out;
    std::array<char, 4'096> bytes{};
    for (ssize_t got = 0; (got = ::read(output.read.get(), bytes.data(), bytes.size())) > 0;)
      out.append(bytes.data(), static_cast<std::size_t>(got));
    ended = outcome_of(last_);
    return out;
  }

  /// Until as many sandboxes wait for a program.
  void await_ready(std::size_t count = kReadyEach) {
    constexpr std::chrono::milliseconds kLook{20};
    for (auto left = kPatience; children_of(launcher->process()).size() != count; left -= kLook) {
      REQUIRE(left > base::Duration::zero());
      launcher->wait(kLook);
    }
  }

  Outcome ended;

 private:
  std::uint64_t last_ = 100;
};

struct Folder {
  Folder() : path((fs::temp_directory_path() / "troupe-pool-XXXXXX").string()) {
    REQUIRE(::mkdtemp(path.data()) != nullptr);  // mode 0700
  }
  ~Folder() { fs::remove_all(path); }
  std::string path;
};

}  // namespace

TEST_CASE("sandbox pool: a program in a sandbox that was made ahead finds what it finds in a new one") {
  Pooled here;
  if (!here.works()) return;
  const Folder folder;
  std::ofstream(folder.path + "/words") << "as they are\n";
  Spec spec = shell(
      "pwd; echo $0 $1; ls -A / /task /task/in; cat /task/in/words; env | sort; id; grep -E "
      "'Cap|NoNew|Seccomp|NSpid' /proc/self/status; ls /proc/self/fd; cat /proc/self/limits; echo on >kept; "
      "echo more >in/words || echo refused; cat /proc/self/oom_score_adj; echo $$; ls -l /proc/1/exe; exit 3");
  spec.command.insert(spec.command.end(), {"zero", "one two"});
  spec.environment.push_back("MORE=than usual");
  spec.directory = "/task";
  spec.outputs = {"kept", "none"};
  spec.binds = {{folder.path + "/words", "/task/in/words"}};
  const std::string fresh = here.run(spec);
  const Outcome first = here.ended;
  CHECK(contains(fresh, "as they are\n"));
  CHECK(contains(fresh, "refused\n"));
  here.run(spec);
  here.await_ready();
  CHECK(here.run(spec) == fresh);
  CHECK(here.ended.how == Ended::exited);
  CHECK(here.ended.status == 3);
  CHECK(here.ended.outputs == first.outputs);
  CHECK(here.ended.outputs == std::vector<std::uint32_t>{0});
}

TEST_CASE("sandbox pool: what a program may use is what its order says, made ahead or not") {
  Pooled here;
  if (!here.works()) return;
  Spec spec = shell("while :; do :; done");
  spec.limits.time = std::chrono::milliseconds{300};
  for (int i = 0; i < 2; ++i) here.run(spec);
  here.await_ready();
  here.run(spec);
  CHECK(here.ended.limit == Limit::time);
  CHECK(here.ended.usage.wall >= spec.limits.time);
  Spec more = spec;
  more.limits.time *= 2;  // another shape
  here.run(more);
  CHECK(here.ended.usage.wall >= more.limits.time);
  Spec unknown = spec;
  unknown.command = {"no-such-program"};
  here.await_ready();
  here.run(unknown);
  CHECK(here.ended.how == Ended::not_started);
  CHECK(contains(here.ended.why, "no-such-program"));
  unknown = spec;
  unknown.directory = "/no/such/folder";
  here.await_ready();
  here.run(unknown);
  CHECK(here.ended.how == Ended::not_started);
  CHECK(contains(here.ended.why, "/no/such/folder"));
}

TEST_CASE("sandbox pool: a root that is another one by now is seen as it is") {
  Pooled here;
  if (!here.works()) return;
  const Folder folder;
  Spec spec = shell("cat /marks/*");
  spec.root = folder.path + "/root";
  for (const std::string name : {"usr", "bin", "lib", "lib64"})
    spec.binds.push_back({name == "usr" ? "/usr" : "/usr/" + name, '/' + name});
  const auto make_root = [&](const std::string& mark) {
    fs::remove_all(*spec.root);
    fs::create_directories(*spec.root + "/marks");
    std::ofstream(*spec.root + "/marks/one") << mark;
  };
  make_root("old");
  for (int i = 0; i < 2; ++i) CHECK(here.run(spec) == "old");
  here.await_ready();
  make_root("new");
  CHECK(here.run(spec) == "new");
}

TEST_CASE("sandbox pool: those that wait end with their launcher, and only shapes that come again are made ahead") {
  Pooled here;
  if (!here.works()) return;
  for (int i = 1; i <= 4; ++i) {
    Spec spec = shell("true");
    spec.limits.time = std::chrono::seconds{i};
    here.run(spec);
  }
  here.await_ready(0);  // an end is told before the last of its processes is gone
  for (int i = 0; i < 2; ++i) here.run(shell("true"));
  here.await_ready();
  const auto waiting = children_of(here.launcher->process());
  here.launcher.reset();
  for (const pid_t one : waiting) CHECK(::kill(one, 0) != 0);
}

TEST_CASE("sandbox pool: an order that is too large, or cut by a zero, is none") {
  Spec spec = shell("true");
  const std::vector<std::string> paths{"/bin/sh"};
  CHECK(write_order(spec, {}, paths).has_value());
  spec.command.push_back(std::string(kOrderBytesMax, 'x'));
  CHECK_FALSE(write_order(spec, {}, paths).has_value());
  spec.command.back() = std::string("a\0b", 3);
  CHECK_FALSE(write_order(spec, {}, paths).has_value());
  spec.command.assign(kOrderTextsMax, "x");
  CHECK_FALSE(write_order(spec, {}, paths).has_value());
  spec = shell("true");
  CHECK_FALSE(write_order(spec, std::vector<Step>(kOrderTreesMax + 1, Step{Step::Kind::bind, "/a", "task/a"}), paths));
  CHECK_FALSE(write_order(spec, std::vector<Step>{{Step::Kind::disk, "", "task"}}, paths).has_value());
}
