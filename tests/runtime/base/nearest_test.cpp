#include "runtime/base/nearest.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace troupe;

TEST_CASE("nearest: the distance counts letters, and the first of equals wins") {
  CHECK(base::edit_distance("", "") == 0);
  CHECK(base::edit_distance("kitten", "sitting") == 3);
  CHECK(base::edit_distance("abc", "") == 3);
  const std::string_view known[] = {"peers", "status", "statue"};
  CHECK(base::nearest("statuz", known) == "status");
  CHECK(base::nearest("x", {}).empty());
  CHECK(base::edit_distance(std::string(1 << 20, 'a'), "a") == base::kComparedBytesMax - 1);
}
