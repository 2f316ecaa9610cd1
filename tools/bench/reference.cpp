// Runs the reference programs and prints their figures as JSON: `reference actor|link|dht [--seconds S]`.
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
constexpr unsigned kSlackSeconds = 30;  // to start and end; after it the program is stuck, and ends itself
constexpr unsigned kFiguresMax = 4;
constexpr unsigned kJoinSeconds = 120;  // until the nodes of a DHT have joined
constexpr std::size_t kDhtNodes = 64;   // as many nodes and operations at a time as `troupe bench dht` by default
constexpr std::size_t kDhtInFlight = 16;

int usage() {
  std::fputs("usage: reference actor|link|dht [--seconds S]     S of each figure, up to 600\n", stderr);
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
    if (what != "actor" && what != "link" && what != "dht") return usage();
    alarm(static_cast<unsigned>(seconds) * kFiguresMax + kSlackSeconds + (what == "dht" ? kJoinSeconds : 0));
    const std::chrono::milliseconds span(static_cast<std::int64_t>(seconds * 1000));
    const auto rows = what == "actor"  ? bench_actors(span)
                      : what == "link" ? bench_basp(span)
                                       : bench_opendht(span, kDhtNodes, kDhtInFlight);
    bool failed = false;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::printf("%s%s", i == 0 ? "[" : ",\n", json(rows[i]).c_str());
      failed = failed || (what != "dht" && rows[i].errors > 0);  // there a value may not be found in time
    }
    std::puts("]");
    std::fflush(stdout);
    _exit(failed ? 1 : 0);  // the threads of OpenDHT still run, and would use what exit() destroys
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
