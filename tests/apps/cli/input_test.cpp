#include "apps/cli/input.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <sstream>
#include <vector>

using namespace troupe;
using namespace troupe::apps;

namespace {

std::vector<std::string> lines_of(const std::string& text, std::size_t line_bytes_max = 100) {
  std::istringstream in(text);
  LineReader lines(in, "test", line_bytes_max);
  std::vector<std::string> out;
  while (true) {
    const auto next = lines.next();
    REQUIRE(next.ok());
    if (!next.value()) return out;
    out.push_back(*next.value());
    CHECK(lines.number() == out.size());
    CHECK(lines.cut() == (out.back().size() > line_bytes_max));
  }
}

/// A stream whose device fails, as basic_filebuf does.
struct Broken : std::streambuf {
  int_type underflow() override {
    errno = EBADF;
    throw std::ios_base::failure("underflow");
  }
};

}  // namespace

TEST_CASE("input: lines end with LF or CRLF, and a byte-order mark begins none") {
  using Lines = std::vector<std::string>;
  CHECK(lines_of("").empty());
  CHECK(lines_of("a\nb") == Lines{"a", "b"});
  CHECK(lines_of("a\r\n\r\nb\r\n") == Lines{"a", "", "b"});
  CHECK(lines_of("\xef\xbb\xbf"
                 "a\r\nb\r") == Lines{"a", "b"});
  CHECK(lines_of("a\n\xef\xbb\xbf"
                 "b") == Lines{"a",
                               "\xef\xbb\xbf"
                               "b"});
  CHECK(lines_of("\xef\xbb\xbf\n") == Lines{""});
  CHECK(lines_of("a\rb\r\r\n") == Lines{"a\rb\r"});
}

TEST_CASE("input: a line of the largest size is whole, and a longer line is cut") {
  CHECK(lines_of("abc\r\nd", 3) == std::vector<std::string>{"abc", "d"});
  CHECK(lines_of("abcd\nd", 3).front() == "abcd");
  CHECK(lines_of(std::string(50, 'x'), 3).front().size() <= 5);
}

TEST_CASE("input: a device that fails is an error with the words of the system") {
  Broken broken;
  std::istream in(&broken);
  LineReader lines(in, "the input", 100);
  const auto line = lines.next();
  REQUIRE_FALSE(line.ok());
  CHECK(line.error().error.message == "cannot read the input: Bad file descriptor");
  std::istream again(&broken);
  std::string rest;
  const auto read = read_rest(again, kStandardInput, 100, rest);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().error.message == "cannot read standard input: Bad file descriptor");
}

TEST_CASE("input: of what is left of a stream one byte too many is read, and no more") {
  for (const std::size_t size : {0, 9, 10, 11, 1'000}) {
    std::istringstream in(std::string(size, 'x'));
    std::string out;
    REQUIRE(read_rest(in, kStandardInput, 10, out).ok());
    CHECK(out.size() == std::min<std::size_t>(size, 11));
  }
}
