#include "actors/files/logic/file_name.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace troupe::files;

TEST_CASE("file name: ordinary names of any script are fine, and so is none") {
  for (const char* name : {"", "a", "report..final.txt", "...", ".hidden", "two words", "r\xc3\xa9sum\xc3\xa9",
                           "\xe6\x96\x87\xe4\xbb\xb6", "\xf0\x9f\x93\x81"}) {
    CAPTURE(name);
    CHECK(check_name(name).ok());
  }
  CHECK(check_name(std::string(kFileNameBytesMax, 'a')).ok());
}

TEST_CASE("file name: what is not one is refused for its own reason") {
  const auto error = [](std::string_view name) {
    const auto checked = check_name(name);
    REQUIRE_FALSE(checked.ok());
    CHECK_FALSE(explain(checked.error()).empty());
    return checked.error();
  };
  CHECK(error(std::string(kFileNameBytesMax + 1, 'a')) == NameError::too_long);
  for (const char* name : {".", "..", "../x", "a/b", "/"}) CHECK(error(name) == NameError::not_a_name);
  for (const char* name :
       {"a\nb", "\x1b[2J", "\x7f", "\xc2\x85", "\xe2\x80\xa8", "gpj.\xe2\x80\xae exe", "\xe2\x81\xa6"}) {
    CHECK(error(name) == NameError::control);
  }
  CHECK(error(std::string_view("a\0b", 3)) == NameError::control);
  // A lone continuation, a cut sequence, overlong forms, a surrogate, beyond U+10FFFF, a byte that never occurs.
  for (const char* name :
       {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
    CHECK(error(name) == NameError::not_utf8);
  }
}
