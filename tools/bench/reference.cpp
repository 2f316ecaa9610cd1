// Runs the reference programs and prints their figures as JSON: `reference actor|link [--seconds S]`.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "tools/bench/programs.hpp"
#include "tools/bench/row.hpp"

namespace {

constexpr double kSecondsDefault = 2;
constexpr double kSecondsMax = 600;
constexpr unsigned kSlackSeconds = 30;  // to start and end; then the program is stuck and ends itself
constexpr unsigned kFiguresMax = 3;

int usage() {
  std::fputs("usage: reference actor|link [--seconds S]     S of each figure, up to 600\n", stderr);
  return 2;
}

}  // namespace

int main(int count, char** words) {
  using namespace troupe::bench;
  const std::string_view what = count > 1 ? words[1] : "";
  double seconds = kSecondsDefault;
  if (count == 4 && std::string_view(words[2]) == "--seconds") {
    char* end = nullptr;
    seconds = std::strtod(words[3], &end);
    if (*end != '\0') return usage();
  } else if (count != 2) {
    return usage();
  }
  if (!(seconds > 0 && seconds <= kSecondsMax)) return usage();
  try {
    if (what == "serve") return serve_basp();
    if (what != "actor" && what != "link") return usage();
    alarm(static_cast<unsigned>(seconds) * kFiguresMax + kSlackSeconds);
    const std::chrono::milliseconds span(static_cast<std::int64_t>(seconds * 1000));
    const auto rows = what == "actor" ? bench_actors(span) : bench_basp(span);
    bool failed = false;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::printf("%s%s", i == 0 ? "[" : ",\n", json(rows[i]).c_str());
      failed = failed || rows[i].errors > 0;
    }
    std::puts("]");
    return failed ? 1 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
