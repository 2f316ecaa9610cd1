// How the commands of many values end.
#include <algorithm>

#include "apps/dht/dht.hpp"
#include "tests/apps/harness.hpp"

using namespace troupe;
using namespace troupe::apps;
using base::Code;
using dht_command::Tally;

namespace {

constexpr const char* kPrinted = "the printed results are valid";
constexpr const char* kDoubt = "the printed results are valid; other values may be stored as well";

/// A Tally of `dht get` or `dht put`.
struct Told {
  explicit Told(const std::string& name)
      : invocation(*std::ranges::find(table, name, &Command::name), table, {}, {}),
        console{out, err, in, false, false, &no_environment},
        tally(invocation, console) {}

  Exit exit(const Ending& ending) const {
    return ending.ok() ? ending.value() : exit_of(ending.error(), invocation.command().effect);
  }

  const Commands table = commands();
  std::ostringstream out, err;
  std::istringstream in;
  const char* no_environment = nullptr;
  Invocation invocation;
  Console console;
  Tally tally;
};

const base::Error kLate{Code::timeout, "late"};
const base::Error kFull{Code::overloaded, "too much at once"};

}  // namespace

TEST_CASE("dht tally: a batch that fails after others were done leaves what was printed, exit 3") {
  Told get("dht get"), put("dht put");
  get.tally.good();
  put.tally.good();
  for (const auto& why : {kLate, kFull}) {
    const Failure stopped = get.tally.stopped({why});
    CHECK(stopped.outcome == kPrinted);
    CHECK(get.exit(stopped) == Exit::partly);
  }
  const Failure full = put.tally.stopped({kFull}, 64);
  CHECK(full.outcome == kDoubt);
  CHECK(put.exit(full) == Exit::partly);
}

TEST_CASE("dht tally: where the answer to a put is lost the exit says that its outcome is not known") {
  Told put("dht put");
  put.tally.good();
  const Failure late = put.tally.stopped({kLate}, 64);
  CHECK(late.outcome == kDoubt);
  CHECK(put.exit(late) == Exit::unknown);
}

TEST_CASE("dht tally: a failure before anything was done, and one with an exit of its own, keep theirs") {
  Told put("dht put");
  CHECK(put.tally.stopped({kFull}, 64).outcome.empty());
  CHECK(put.exit(put.tally.stopped({kFull}, 64)) == Exit::overloaded);
  put.tally.good();
  const Failure line = put.tally.stopped(usage_failure("line 2: it has no value", ""));
  CHECK(line.outcome == kPrinted);
  CHECK(put.exit(line) == Exit::usage);
}

TEST_CASE("dht tally: a value that was not acknowledged may be stored, one that was not found is nothing") {
  for (const std::string name : {"dht put", "dht get"}) {
    Told some(name);
    some.tally.good();
    some.tally.bad("orders", {Code::unknown_outcome, "only 1 of 3"});
    CHECK(some.err.str() == "orders: only 1 of 3\n");
    const Ending ending = some.tally.end("done", "troupe help");
    REQUIRE_FALSE(ending.ok());
    CHECK(ending.error().error.message == "1 of 2 values were done");
    CHECK(ending.error().outcome == (name == "dht put" ? kDoubt : kPrinted));
    CHECK(some.exit(ending) == Exit::partly);
    CHECK(ending.error().try_.starts_with(name == "dht put" ? "again; " : "troupe help"));
  }
}

TEST_CASE("dht tally: what was put is summed up by the value that the fewest nodes have") {
  Told put("dht put");
  CHECK(put.tally.stored_note().empty());
  put.tally.stored(20);
  CHECK(put.tally.stored_note() == "1 value, stored at 20 nodes or more\n");
  put.tally.stored(3);
  CHECK(put.tally.stored_note() == "2 values, stored at 3 nodes or more\n");
  put.tally.stored(1);
  CHECK(put.tally.stored_note() ==
        "3 values, stored at 1 node or more\nnote: a value that only one node has is published again as soon as this "
        "node has peers\n");
  put.invocation.globals.json = true;
  CHECK(put.tally.stored_note().empty());
}
