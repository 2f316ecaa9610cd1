// What a command says of a data directory whose socket nobody serves.
#include <fcntl.h>
#include <sys/file.h>

#include "apps/cli/directory_access.hpp"
#include "runtime/os/sockets.hpp"
#include "tests/apps/harness.hpp"

namespace troupe::apps {

TEST_CASE("client: a directory without a node is exit 7 and says what to do, also after a crash") {
  const TemporaryFolder folder;
  const auto seen = troupe_with({"status", "--data", folder.path()});
  CHECK(seen.exit == Exit::unavailable);
  CHECK(seen.err.starts_with("error: no node runs in " + folder.path()));
  CHECK(seen.err.find("\ntry: troupe node --data " + folder.path()) != std::string::npos);
  // A descriptor that is closed leaves the name, as a process that is killed does.
  REQUIRE(os::listen_local(folder.path() + '/' + kControlSocket).ok());
  const auto crashed = troupe_with({"status", "--json", "--data", folder.path()});
  CHECK(crashed.exit == Exit::unavailable);
  CHECK(crashed.err.starts_with("{\"error\":{\"code\":\"unavailable\",\"message\":\"no node runs in "));
  CHECK(crashed.err.find(": its socket, control.sock, was left by a node that has ended") != std::string::npos);
  CHECK(crashed.err.find("the link") == std::string::npos);
  CHECK(crashed.err.find("\"try\":\"troupe node --data ") != std::string::npos);
}

TEST_CASE("client: a socket that was not left by a killed node is not said to be") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + '/' + kControlSocket;
  std::string why;
  std::vector<os::Descriptor> open;
  SUBCASE("a file that is no socket") {
    folder.write(kControlSocket, "");
    why = "Connection refused";
  }
  SUBCASE("a listener that has no room for one more") {
    auto listener = os::listen_local(path);
    REQUIRE(listener.ok());
    REQUIRE(::listen(listener.value().get(), 0) == 0);
    open.push_back(std::move(listener).value());
    for (auto caller = os::connect_local(path); caller.ok(); caller = os::connect_local(path))
      open.push_back(std::move(caller).value());
    why = os::reason(EAGAIN);
  }
  const auto seen = troupe_with({"status", "--data", folder.path()});
  CHECK(seen.exit == Exit::unavailable);
  CHECK_MESSAGE(seen.err.find(why) != std::string::npos, seen.err);
  CHECK(seen.err.find("was left by") == std::string::npos);

  folder.write("LOCK", "");
  const os::Descriptor lock(::open((folder.path() + "/LOCK").c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
  const auto locked = troupe_with({"status", "--data", folder.path()});
  CHECK(locked.exit == Exit::unavailable);
  CHECK_MESSAGE(locked.err.starts_with("error: the node in " + folder.path() + " (process "), locked.err);
  CHECK(locked.err.find("\ntry: again\n") != std::string::npos);
}

}  // namespace troupe::apps
