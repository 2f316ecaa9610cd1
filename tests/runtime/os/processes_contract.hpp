#pragma once
// What every Processes promises, as one body of tests for the real one and the simulated one.
//
// A `Place` gives: works(), false where no sandbox can be made, which skips the case; system(), processes(),
// until(claim) which is true once the claim holds and false if it does not within a bound, settle(), programs(), the
// number of programs that run, and spec_of(Does). Write TROUPE_PROCESSES_CONTRACT(Place) in namespace troupe::test,
// once a program.
#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <set>

#include "runtime/base/random.hpp"
#include "runtime/ports/output_window.hpp"
#include "tests/runtime/os/process_probe.hpp"
#include "tests/support.hpp"

namespace troupe::test {

/// What the programs of a Place do.
enum class Does : std::uint8_t {
  speak,  ///< prints "out\n", and "err\n" to the errors; exits with 0
  fail,   ///< exits with 7
  crash,  ///< ends itself by SIGTERM
  hang,
  copy,   ///< prints its input
  flood,  ///< prints kFloodBytes zeros
  leave,  ///< leaves the file "in/left", which holds "kept\n", and "link", a link to another place
};
inline constexpr std::size_t kFloodBytes = 1'000'000;

/// One owner and its processes.
template <class Place>
struct OwnedProcesses {
  Place place;
  ProcessProbe owner{place.system()};
  std::map<std::uint64_t, std::unique_ptr<ports::Process>> processes;  // by ticket

  bool works() { return place.works(); }
  sandbox::Spec spec_of(Does what) { return place.spec_of(what); }
  ports::Process& start(std::uint64_t ticket, sandbox::Spec spec, base::Bytes input = {}) {
    auto& one = processes[ticket];
    one = place.processes().start({std::move(spec), std::move(input), ticket}, owner.actor());
    return *one;
  }
  ports::Process& start(std::uint64_t ticket, Does what) { return start(ticket, spec_of(what)); }
  /// Grants what it was told, until that process has ended. Its outcome.
  sandbox::Outcome end_of(std::uint64_t ticket) {
    REQUIRE(place.until([&] {
      if (const std::size_t bytes = owner.take_ungranted(ticket)) processes[ticket]->grant(bytes);
      return owner.ended(ticket);
    }));
    return owner.of(ticket).ends.front();
  }
  /// Nothing more is told of it, whatever its owner does.
  void check_over(std::uint64_t ticket) {
    processes[ticket]->grant(SIZE_MAX);
    processes[ticket]->end(sandbox::Limit::time);
    place.settle();
    CHECK(owner.of(ticket).ends.size() == 1);
    CHECK(owner.of(ticket).after_end == 0);
  }
};

TEST_CASE_TEMPLATE_DEFINE("processes: what a program prints comes before its end, which comes once", Place,
                          processes_speak) {
  OwnedProcesses<Place> here;
  if (!here.works()) return;
  here.start(17, Does::speak);
  const sandbox::Outcome outcome = here.end_of(17);
  CHECK(outcome.how == sandbox::Ended::exited);
  CHECK(outcome.status == 0);
  CHECK_FALSE(outcome.limit.has_value());
  CHECK(outcome.usage.output_bytes == 8);
  CHECK(outcome.usage.wall > base::Duration::zero());
  CHECK(here.owner.of(17).out == "out\n");
  CHECK(here.owner.of(17).err == "err\n");
  here.check_over(17);
}

TEST_CASE_TEMPLATE_DEFINE("processes: the end says how the program ended", Place, processes_end) {
  OwnedProcesses<Place> here;
  if (!here.works()) return;
  here.start(1, Does::fail);
  here.start(2, Does::crash);
  sandbox::Spec absent = here.spec_of(Does::fail);
  absent.command = {"no-such-program"};
  here.start(3, absent);
  CHECK(here.end_of(1).how == sandbox::Ended::exited);
  CHECK(here.end_of(1).status == 7);
  CHECK(here.end_of(2).how == sandbox::Ended::signalled);
  CHECK(here.end_of(2).status == SIGTERM);
  CHECK(here.end_of(3).how == sandbox::Ended::not_started);
  CHECK(here.end_of(3).status == ENOENT);
  CHECK(contains(here.end_of(3).why, "no-such-program"));
  for (const std::uint64_t ticket : {1, 2, 3}) here.check_over(ticket);
}

TEST_CASE_TEMPLATE_DEFINE("processes: of the outputs that were wanted, the files are kept that a program has left",
                          Place, processes_leave) {
  OwnedProcesses<Place> here;
  if (!here.works()) return;
  sandbox::Spec spec = here.spec_of(Does::leave);
  spec.outputs = {"link", "none", "in/left", "in", "../task/in/left"};
  here.start(1, spec);
  const sandbox::Outcome outcome = here.end_of(1);
  REQUIRE(outcome.how == sandbox::Ended::exited);
  CHECK(outcome.outputs == std::vector<std::uint32_t>{2});
  const auto files = here.owner.of(1).outputs;
  REQUIRE(files.size() == 1);
  CHECK(files.front()->size().value() == 5);
  base::Bytes bytes(16);
  const auto read = files.front()->read(1, bytes);
  REQUIRE(read.ok());
  bytes.resize(read.value());
  CHECK(base::as_text(bytes) == "ept\n");

  here.start(2, here.spec_of(Does::leave));  // nothing is wanted of it
  CHECK(here.end_of(2).outputs.empty());
  CHECK(here.owner.of(2).outputs.empty());
}

TEST_CASE_TEMPLATE_DEFINE("processes: what cannot be started is refused by its end, and the others go on", Place,
                          processes_refuse) {
  OwnedProcesses<Place> here;
  if (!here.works()) return;
  sandbox::Spec nothing = here.spec_of(Does::speak);
  nothing.command.clear();
  here.start(1, nothing);
  here.start(2, here.spec_of(Does::copy), base::Bytes(ports::kInputBytesMax + 1));
  for (const std::uint64_t ticket : {1, 2}) {
    CHECK(here.end_of(ticket).how == sandbox::Ended::not_made);
    CHECK_FALSE(here.end_of(ticket).why.empty());
    here.check_over(ticket);
  }
  here.start(3, Does::speak);
  CHECK(here.end_of(3).how == sandbox::Ended::exited);
}

TEST_CASE_TEMPLATE_DEFINE("processes: a program reads the input that it was started with", Place, processes_read) {
  OwnedProcesses<Place> here;
  if (!here.works()) return;
  std::string text(ports::kInputBytesMax, ' ');
  base::Random random(5);
  for (char& letter : text) letter = static_cast<char>(random.below(256));
  here.start(1, here.spec_of(Does::copy), bytes_of(text));
  here.start(2, Does::copy);
  CHECK(here.end_of(1).how == sandbox::Ended::exited);
  CHECK(here.owner.of(1).out == text);
  CHECK(here.end_of(2).how == sandbox::Ended::exited);
  CHECK(here.owner.of(2).out.empty());
}

TEST_CASE_TEMPLATE_DEFINE("processes: without a grant the output stops at the window, and goes on with it", Place,
                          processes_wait) {
  OwnedProcesses<Place> here;
  if (!here.works()) return;
  ports::Process& process = here.start(1, Does::flood);
  const auto full = [&] {
    const ProcessSeen seen = here.owner.of(1);
    return seen.bytes() == ports::kOutputWindowBytes || seen.pieces == ports::kOutputPiecesMax;
  };
  REQUIRE(here.place.until(full));
  here.place.settle();
  const std::size_t before = here.owner.of(1).bytes();
  CHECK(before <= ports::kOutputWindowBytes);
  CHECK(here.owner.of(1).pieces <= ports::kOutputPiecesMax);
  CHECK_FALSE(here.owner.ended(1));

  SUBCASE("as far as was granted") {
    process.grant(here.owner.take_ungranted(1) / 2);
    REQUIRE(here.place.until([&] { return here.owner.of(1).bytes() > before; }));
    here.place.settle();
    CHECK(here.owner.of(1).bytes() <= before + before / 2);
    CHECK_FALSE(here.owner.ended(1));
  }
  SUBCASE("no further for a grant of more than was told") {
    here.owner.take_ungranted(1);
    process.grant(SIZE_MAX);
    REQUIRE(here.place.until([&] { return here.owner.of(1).bytes() > before; }));
    here.place.settle();
    CHECK(here.owner.of(1).bytes() <= before + ports::kOutputWindowBytes);
    CHECK_FALSE(here.owner.ended(1));
  }
  SUBCASE("to its end") {
    CHECK(here.end_of(1).how == sandbox::Ended::exited);
    CHECK(here.owner.of(1).out == std::string(kFloodBytes, '\0'));
    CHECK(here.end_of(1).usage.output_bytes == kFloodBytes);
    here.check_over(1);
  }
  SUBCASE("to its end at once, if the owner ends it") {
    process.end(std::nullopt);
    REQUIRE(here.place.until([&] { return here.owner.ended(1); }));
    CHECK(here.owner.of(1).ends.front().how == sandbox::Ended::signalled);
    here.check_over(1);
  }
}

TEST_CASE_TEMPLATE_DEFINE("processes: a program is ended for the limit that its owner names, or for none", Place,
                          processes_are_ended) {
  OwnedProcesses<Place> here;
  if (!here.works()) return;
  here.start(1, Does::hang).end(std::nullopt);  // maybe before there is a process
  here.start(2, Does::hang);
  REQUIRE(here.place.until([&] { return here.place.programs() == 1; }));
  here.processes[2]->end(sandbox::Limit::memory);
  here.processes[2]->end(sandbox::Limit::time);
  for (const std::uint64_t ticket : {1, 2}) {
    const sandbox::Outcome outcome = here.end_of(ticket);
    CHECK(outcome.how == sandbox::Ended::signalled);
    CHECK(outcome.status == SIGKILL);
    CHECK(outcome.limit == (ticket == 2 ? std::optional(sandbox::Limit::memory) : std::nullopt));
    here.check_over(ticket);
  }
  CHECK(here.place.until([&] { return here.place.programs() == 0; }));
}

TEST_CASE_TEMPLATE_DEFINE("processes: limits of time and output end a program, one within them ends by itself", Place,
                          processes_have_limits) {
  OwnedProcesses<Place> here;
  if (!here.works()) return;
  sandbox::Spec slow = here.spec_of(Does::hang);
  slow.limits.time = std::chrono::milliseconds{200};
  here.start(1, slow);
  sandbox::Spec chatty = here.spec_of(Does::flood);
  chatty.limits.output_bytes = kFloodBytes - 1;
  here.start(2, chatty);
  sandbox::Spec modest = here.spec_of(Does::speak);
  modest.limits.output_bytes = 8;
  here.start(3, modest);
  CHECK(here.end_of(1).limit == sandbox::Limit::time);
  CHECK(here.end_of(1).usage.wall >= slow.limits.time);
  CHECK(here.end_of(2).limit == sandbox::Limit::output);
  CHECK(here.end_of(2).how == sandbox::Ended::signalled);
  CHECK(here.owner.of(2).bytes() == kFloodBytes - 1);
  CHECK(here.end_of(2).usage.output_bytes == kFloodBytes - 1);
  CHECK(here.end_of(3).how == sandbox::Ended::exited);
  for (const std::uint64_t ticket : {1, 2, 3}) here.check_over(ticket);
}

TEST_CASE_TEMPLATE_DEFINE("processes: a program ends with the object that stands for it, and no word is said", Place,
                          processes_are_dropped) {
  OwnedProcesses<Place> here;
  if (!here.works()) return;
  here.start(1, Does::hang);
  here.start(2, Does::flood);
  REQUIRE(here.place.until([&] { return here.place.programs() == 2 && here.owner.of(2).bytes() > 0; }));
  here.processes.clear();
  CHECK(here.place.until([&] { return here.place.programs() == 0; }));
  here.place.settle();
  CHECK_FALSE(here.owner.ended(1));
  CHECK_FALSE(here.owner.ended(2));
}

TEST_CASE_TEMPLATE_DEFINE("processes: a program that runs is measured, and a slow owner gets one measure at a time",
                          Place, processes_are_measured) {
  OwnedProcesses<Place> here;
  if (!here.works()) return;
  here.owner.hold_credits(true);
  here.start(1, Does::hang);
  REQUIRE(here.place.until([&] { return !here.owner.of(1).usages.empty(); }));
  const sandbox::Usage usage = here.owner.of(1).usages.front();
  CHECK(usage.wall > base::Duration::zero());
  CHECK(usage.pids_max >= 1);
  here.start(2, Does::hang);
  REQUIRE(here.place.until([&] { return !here.owner.of(2).usages.empty(); }));
  here.place.settle();
  CHECK(here.owner.of(1).usages.size() == 1);
  here.owner.hold_credits(false);
  REQUIRE(here.place.until([&] { return here.owner.of(1).usages.size() > 1; }));
  CHECK(here.owner.of(1).usages.back().wall > usage.wall);
}

/// Grants, ends and drops processes of all kinds as the seed has it.
template <class Place>
void try_all_orders(OwnedProcesses<Place>& here, std::uint64_t seed) {
  constexpr std::uint64_t kProcesses = 12;
  base::Random random(seed);
  std::set<std::uint64_t> dropped;
  for (std::uint64_t ticket = 0; ticket < kProcesses; ++ticket) {
    sandbox::Spec spec = here.spec_of(static_cast<Does>(random.below(6)));
    if (random.chance(1, 4)) spec.limits.output_bytes = 1 + random.below(2 * kFloodBytes);
    spec.limits.time = std::chrono::milliseconds{50 + random.below(400)};
    here.start(ticket, spec, base::Bytes(random.below(100)));
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t other = random.below(ticket + 1);
      if (!here.processes[other]) continue;
      switch (random.below(4)) {
        case 0: here.processes[other]->grant(random.below(100'000)); break;
        case 1:
          here.processes[other]->end(random.chance(1, 2) ? std::optional(sandbox::Limit::disk) : std::nullopt);
          break;
        case 2: here.place.until([&] { return here.owner.of(other).bytes() > 0 || here.owner.ended(other); }); break;
        default:
          if (!random.chance(1, 3)) break;
          here.processes[other].reset();
          dropped.insert(other);
      }
    }
  }
  for (std::uint64_t ticket = 0; ticket < kProcesses; ++ticket) {
    if (dropped.contains(ticket)) continue;
    here.end_of(ticket);
  }
  here.place.settle();
  for (std::uint64_t ticket = 0; ticket < kProcesses; ++ticket) {
    CAPTURE(ticket);
    CHECK(here.owner.of(ticket).ends.size() <= 1);
    CHECK(here.owner.of(ticket).after_end == 0);
  }
  CHECK(here.place.until([&] { return here.place.programs() == 0; }));
}

TEST_CASE_TEMPLATE_DEFINE(
    "processes: whatever their owner does with them, each ends once at most and says nothing after it", Place,
    processes_end_once) {
  OwnedProcesses<Place> here;
  if (here.works()) try_all_orders(here, 3);
}

}  // namespace troupe::test

/// Runs the contract in one Place.
#define TROUPE_PROCESSES_CONTRACT(Place)                    \
  TEST_CASE_TEMPLATE_INVOKE(processes_speak, Place);        \
  TEST_CASE_TEMPLATE_INVOKE(processes_end, Place);          \
  TEST_CASE_TEMPLATE_INVOKE(processes_leave, Place);        \
  TEST_CASE_TEMPLATE_INVOKE(processes_refuse, Place);       \
  TEST_CASE_TEMPLATE_INVOKE(processes_read, Place);         \
  TEST_CASE_TEMPLATE_INVOKE(processes_wait, Place);         \
  TEST_CASE_TEMPLATE_INVOKE(processes_are_ended, Place);    \
  TEST_CASE_TEMPLATE_INVOKE(processes_have_limits, Place);  \
  TEST_CASE_TEMPLATE_INVOKE(processes_are_dropped, Place);  \
  TEST_CASE_TEMPLATE_INVOKE(processes_are_measured, Place); \
  TEST_CASE_TEMPLATE_INVOKE(processes_end_once, Place)
