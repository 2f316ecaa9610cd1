// Events of a process on their way to the actor that owns it.
#include <doctest/doctest.h>

#include "runtime/ports/output_window.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

namespace troupe::test {
namespace {

using namespace std::chrono_literals;
using runtime::Handle;

/// What all incarnations of an owner were told, each event as text.
struct OwnerNotes {
  std::vector<std::string> told;
  std::size_t incarnations = 0;
  std::size_t granted_max = SIZE_MAX;      // it grants that much of what it is told, in all
  std::optional<std::string> breaks_at{};  // it throws once it is told that

  bool has(const std::string& what) const { return std::find(told.begin(), told.end(), what) != told.end(); }
};

/// Starts one process in each incarnation, with the number of the incarnation as ticket.
class ProcessOwner final : public runtime::Actor {
 public:
  ProcessOwner(OwnerNotes& notes, std::string program) : notes_(notes), program_(std::move(program)) {}

  void receive(runtime::Handlers&) override {}
  void start() override {
    sandbox::Spec spec;
    spec.command = {program_};
    process_ = world().processes.start({spec, {}, ++notes_.incarnations}, self());
  }
  void process(ports::ProcessEvent&& event) override {
    const std::string what = std::visit([this](const auto& one) { return note(one); }, event);
    notes_.told.push_back(what);
    if (notes_.breaks_at == what) {
      notes_.breaks_at.reset();
      throw std::runtime_error("as the test wants");
    }
  }

 private:
  std::string note(const ports::Printed& printed) {
    const std::size_t grant = std::min(printed.bytes.size(), notes_.granted_max);
    notes_.granted_max -= grant;
    process_->grant(grant);
    const bool all = printed.bytes.size() < 10;
    return std::to_string(printed.ticket) + ' ' + (all ? std::string(base::as_text(printed.bytes)) : "piece");
  }
  static std::string note(const ports::Measured& measured) { return std::to_string(measured.ticket) + " measured"; }
  static std::string note(const ports::ProcessEnded& ended) { return std::to_string(ended.ticket) + " ended"; }

  OwnerNotes& notes_;
  std::string program_;
  std::unique_ptr<ports::Process> process_;
};

class OwnerFixture : public ActorFixture {
 public:
  OwnerFixture() {
    programs_.add("a", [](const sim::Run&) {
      return sim::Script{sim::print("a"), sim::Work{.time = 1500ms}, sim::print("b", ports::Output::errors),
                         sim::Work{.time = 1s}, sim::print("c")};
    });
    programs_.add("flood", [](const sim::Run&) {
      return sim::Script{sim::Print{ports::Output::standard, base::Bytes(1'000'000)}};
    });
    programs_.add("hang", [](const sim::Run&) { return sim::Script{sim::print("here"), sim::Hang{}}; });
    ports.processes().use(programs_);
  }
  Handle own(const std::string& program) {
    return node.start("owner", [this, program] { return std::make_unique<ProcessOwner>(notes, program); });
  }
  OwnerNotes notes;

 private:
  sim::Programs programs_;
};

}  // namespace

TEST_CASE("actor process: its owner is told in order what it does, and of its end last and once") {
  OwnerFixture actors;
  actors.own("a");
  actors.stage.run_for(1h);
  CHECK(actors.notes.told == std::vector<std::string>{"1 a", "1 measured", "1 b", "1 measured", "1 c", "1 ended"});
  CHECK(actors.record("/owner")->answers.load() == 6);
}

TEST_CASE("actor process: an owner that grants nothing is told a window full, and one that does all of it") {
  OwnerFixture actors;
  SUBCASE("nothing") {
    actors.notes.granted_max = 0;
    actors.own("flood");
    actors.stage.run_for(10s);
    CHECK_FALSE(actors.notes.has("1 ended"));
    CHECK(actors.notes.told.size() <= ports::kOutputPiecesMax + 10);
  }
  SUBCASE("a part") {
    actors.notes.granted_max = 500'000;
    actors.own("flood");
    actors.stage.run_for(10s);
    CHECK_FALSE(actors.notes.has("1 ended"));
  }
  SUBCASE("all") {
    actors.own("flood");
    actors.stage.run_for(10s);
    CHECK(actors.notes.told.back() == "1 ended");
  }
}

TEST_CASE("actor process: the end of its owner is the end of the program") {
  OwnerFixture actors;
  const Handle owner = actors.own("hang");
  actors.stage.run_for(1s);
  REQUIRE(actors.notes.has("1 here"));
  CHECK(actors.ports.processes().running() == 1);
  ActorFixture::kill(owner);
  actors.stage.run_for(1s);
  CHECK(actors.ports.processes().running() == 0);
  CHECK_FALSE(actors.notes.has("1 ended"));
}

TEST_CASE("actor process: an owner that breaks loses its process, and its next incarnation has another") {
  OwnerFixture actors;
  actors.notes.breaks_at = "1 here";
  std::optional<Handle> parent = actors.start(
      "parent", [](Scripted&, runtime::Handlers&) {},
      [&actors](Scripted& self) {
        self.spawn("owner", [&actors] { return std::make_unique<ProcessOwner>(actors.notes, "hang"); });
      });
  actors.stage.run_for(10s);
  CHECK(actors.notes.incarnations == 2);
  CHECK(actors.notes.has("2 here"));
  CHECK_FALSE(actors.notes.has("1 ended"));
  CHECK(actors.ports.processes().running() == 1);
  ActorFixture::kill(*parent);
  parent.reset();
  actors.stage.run_for(1s);
  CHECK(actors.ports.processes().running() == 0);
}

TEST_CASE("output window: what was told and not granted again is bounded in bytes and in pieces") {
  ports::OutputWindow window;
  CHECK(window.room() == ports::kOutputPieceBytesMax);
  SUBCASE("bytes") {
    std::size_t told = 0;
    while (window.room() > 0) {
      told += window.room();
      window.told(window.room());
    }
    CHECK(told == ports::kOutputWindowBytes);
    CHECK_THROWS_AS(window.told(1), base::InvariantBroken);
    window.granted(1);
    CHECK(window.room() == 1);
    window.granted(SIZE_MAX);
    CHECK(window.room() == ports::kOutputPieceBytesMax);
  }
  SUBCASE("pieces") {
    for (std::size_t i = 0; i < ports::kOutputPiecesMax; ++i) window.told(2);
    CHECK(window.room() == 0);
    window.granted(1);  // a half of the oldest still waits
    CHECK(window.room() == 0);
    window.granted(1);
    CHECK(window.room() > 0);
  }
  SUBCASE("nothing is no piece") { CHECK_THROWS_AS(window.told(0), base::InvariantBroken); }
}

}  // namespace troupe::test
