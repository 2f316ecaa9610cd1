// The example of the README, as it is printed there.
#include "tests/cluster/program.hpp"

using namespace troupe::test;

namespace {

/// The first block of shell commands.
std::string example() {
  const std::string text = content(TROUPE_README);
  const std::string begin = "```sh\n";
  const auto from = text.find(begin);
  const auto to = text.find("```", from + begin.size());
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  return text.substr(from + begin.size(), to - from - begin.size());
}

// A person takes a while from one line to the next; a script has to look whether the nodes have found each other.
constexpr const char* kBefore = R"(set -e
cd "$1"; PATH=$2:$PATH
trap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT
troupe() {
  if [ "$1" = node ]; then exec troupe "$@" 2>>log; fi
  if [ "$1" = peers ]; then
    for each in a b c; do
      for ((look = 0; look < 300; ++look)); do
        found=$(command troupe peers --healthy --data $each 2>/dev/null | grep -c healthy || true)
        if [ "$found" = 2 ]; then break; else sleep 0.1; fi
      done
    done
  fi
  command troupe "$@"
}
date() { echo the words that were stored; }
)";

}  // namespace

TEST_CASE("cluster: the example of the README does what it says") {
  const Folder folder;
  std::ofstream(folder / "example.sh") << kBefore << example();
  const std::string programs = std::filesystem::path(binary()).parent_path();
  const std::string command = "timeout 100 bash " + (folder / "example.sh") + ' ' + (folder / ".") + ' ' + programs +
                              " >" + (folder / "out") + " 2>" + (folder / "err");
  CHECK(std::system(command.c_str()) == 0);
  CHECK_MESSAGE(content(folder / "out").ends_with("\nthe words that were stored\n"), content(folder / "out"),
                content(folder / "err"));
}
