#include "apps/data_directory.hpp"

#include "tests/apps/harness.hpp"

namespace troupe::apps {
namespace {

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

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

TEST_CASE("data directory: a file instead of a directory is refused") {
  const TemporaryFolder folder;
  CHECK(open_data_directory(folder.write("file", "")).error().exit == Exit::failed);
}

}  // namespace troupe::apps
