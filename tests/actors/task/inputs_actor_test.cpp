#include "actors/task/inputs_actor.hpp"

#include <doctest/doctest.h>

#include "actors/task/logic/spot.hpp"
#include "messages/words.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::task;

namespace {

using namespace std::chrono_literals;

/// `/inputs` above a content store that has the content `cid()`, and attempts that use it.
struct InputsFixture : test::ActorFixture {
  InputsFixture() {
    settings.inputs_bytes = 1u << 20;
    start("files", [this](test::Scripted&, runtime::Handlers& on) {
      on.stream<files::wire::GetFile, files::wire::GetItem>(
          [this](files::wire::GetFile::Reader, runtime::Sink<files::wire::GetItem> to) {
            ++fetched;
            to.push([&](files::wire::GetItem::Builder out) { out.initStart().setFileBytes(content.size()); });
            to.push([&](files::wire::GetItem::Builder out) { out.setPiece(data_of(base::as_bytes(content))); });
            to.end();
          });
    });
  }
  static Cid cid() { return Cid{{1, 2, 3}}; }
  static std::string path(const std::string& end = "") { return "tasks/inputs/" + cid().hex() + end; }

  void begin() {
    inputs = node.start("inputs", [this] { return std::make_unique<InputsActor>(settings); });
    stage.run_for(1s);
  }
  struct Use {
    runtime::Subscription held;
    std::string path;
    std::optional<base::Error> why;
  };
  void use(Use& one, bool unpacked) {
    inside([&](test::Scripted& self) {
      one.held = self.subscribe<wire::UseInput, wire::InputAt>(
          inputs, base::Duration::max(),
          [&](wire::UseInput::Builder out) {
            out.setContent(data_of(cid().view()));
            out.setUnpacked(unpacked);
          },
          [&one](wire::InputAt::Reader at) { one.path = text_of(at.getPath()); },
          [&one](const base::Outcome<void>& end) {
            if (!end.ok()) one.why = end.error();
          });
    });
    stage.run_for(1s);
  }
  void leave(Use& one) {
    inside([&](test::Scripted&) { one.held.cancel(); });
    stage.run_for(1s);
  }
  std::vector<std::string> there() { return disk.list("tasks/inputs").value(); }

  TaskSettings settings;
  runtime::Handle inputs;
  std::string content = "the bytes of an archive";
  int fetched = 0;
};

/// As the simulated disk unpacks it: one file.
std::string root_end(const std::string& content) {
  return ".root." + std::to_string(content.size() + ports::kEntryBytes);
}

}  // namespace

TEST_CASE("inputs: a root is unpacked once for all that want it, and is another thing than the file") {
  InputsFixture f;
  f.begin();
  InputsFixture::Use first, second, file;
  f.use(first, true);
  f.use(second, true);
  CHECK(first.path == '/' + f.path(root_end(f.content)));
  CHECK(second.path == first.path);
  CHECK(f.fetched == 1);
  CHECK(f.there() == std::vector{f.cid().hex() + root_end(f.content)});  // the archive is gone
  f.use(file, false);
  CHECK(file.path == '/' + f.path());
  CHECK(f.fetched == 2);

  // What is not used any more is kept for the next one, and after a restart.
  f.leave(first), f.leave(second), f.leave(file);
  f.kill(f.inputs);
  f.stage.run_for(1s);
  f.begin();
  InputsFixture::Use later;
  f.use(later, true);
  CHECK(later.path == '/' + f.path(root_end(f.content)));
  CHECK(f.fetched == 2);
}

TEST_CASE("inputs: what was not whole when the node ended is removed, whatever is in it") {
  InputsFixture f;
  REQUIRE(f.disk.make_directory(f.path(".root.new/usr/lib")).ok());
  REQUIRE(f.disk.make_directory(f.path(".root.12x/usr")).ok());
  REQUIRE(f.disk.make_directory(f.path(".root.")).ok());
  REQUIRE(f.disk.make_directory(f.path(".other.7")).ok());
  REQUIRE(f.disk.make_directory(f.path(".root.00012")).ok());
  REQUIRE(f.disk.make_directory(f.path()).ok());
  for (const char* end : {".root.new/usr/lib/x", ".part", ".root.part", ".root.new/y"})
    REQUIRE(f.disk.open(f.path(end), ports::OpenMode::create).ok());
  REQUIRE(f.disk.make_directory(f.path(".root.12/usr")).ok());
  f.begin();
  CHECK(f.there() == std::vector{f.cid().hex() + ".root.12"});
}

TEST_CASE("inputs: a root for which there is no room is refused, and leaves nothing") {
  InputsFixture f;
  f.settings.inputs_bytes = f.content.size() + 100;  // the archive alone
  f.begin();
  InputsFixture::Use one;
  f.use(one, true);
  REQUIRE(one.why);
  CHECK(one.why->code == base::Code::no_space);
  CHECK(test::contains(one.why->message, "task.inputs_bytes"));
  CHECK(f.there().empty());
}

TEST_CASE("inputs: what one submitter uses leaves room for others, and own tasks have all of it") {
  InputsFixture f;
  f.settings.inputs_bytes = 100'000;
  f.content.assign(40'000, 'x');
  f.begin();
  const auto use = [&](InputsFixture::Use& one, std::uint8_t number, std::uint8_t submitter) {
    f.inside([&](test::Scripted& self) {
      one.held = self.subscribe<wire::UseInput, wire::InputAt>(
          f.inputs, base::Duration::max(),
          [&](wire::UseInput::Builder out) {
            out.setContent(data_of(Cid{{number}}.view()));
            if (submitter > 0) out.setSubmitter(data_of(base::NodeId{{submitter}}.view()));
          },
          [&one](wire::InputAt::Reader at) { one.path = text_of(at.getPath()); },
          [&one](const base::Outcome<void>& end) {
            if (!end.ok()) one.why = end.error();
          });
    });
    f.stage.run_for(1s);
  };
  InputsFixture::Use first, shared, second, own, again;
  use(first, 1, 7);
  CHECK_FALSE(first.path.empty());
  use(second, 2, 7);
  REQUIRE(second.why);
  CHECK(second.why->code == base::Code::no_space);
  CHECK(test::contains(second.why->message, "share"));
  use(shared, 1, 8);  // it takes no more room
  CHECK_FALSE(shared.path.empty());
  use(own, 3, 0);
  CHECK_FALSE(own.path.empty());
  // Then another one holds it, until it is not used any more.
  f.leave(first);
  f.leave(own);
  f.leave(shared);
  use(again, 2, 7);
  CHECK_FALSE(again.path.empty());
}

TEST_CASE("inputs: a root that cannot be unpacked is told with its id, and can be tried again") {
  InputsFixture f;
  f.begin();
  InputsFixture::Use one, again;
  f.disk.fail(sim::DiskOperation::write, ports::DiskError::io, 1);  // the archive is the first
  f.use(one, true);
  REQUIRE(one.why);
  CHECK(one.why->code == base::Code::unavailable);
  CHECK(test::contains(one.why->message, "the root " + f.cid().hex() + " cannot be unpacked"));
  CHECK(f.there().empty());
  f.use(again, true);
  CHECK(again.path == '/' + f.path(root_end(f.content)));
}

TEST_CASE("inputs: a root that is given up while it is unpacked is forgotten") {
  InputsFixture f;
  f.settings.inputs_bytes = 1u << 30;
  f.content.assign(200'000, 'x');
  f.begin();
  InputsFixture::Use one;
  f.inside([&](test::Scripted& self) {
    one.held = self.subscribe<wire::UseInput, wire::InputAt>(
        f.inputs, base::Duration::max(),
        [&](wire::UseInput::Builder out) {
          out.setContent(data_of(f.cid().view()));
          out.setUnpacked(true);
        },
        [&one](wire::InputAt::Reader at) { one.path = text_of(at.getPath()); }, [](const base::Outcome<void>&) {});
    one.held.cancel();
  });
  f.stage.run_for(1s);
  CHECK(f.there().empty());
}

TEST_CASE("inputs: the program of checks is there without the content store") {
  InputsFixture f;
  f.begin();
  std::string path;
  runtime::Subscription held;
  f.inside([&](test::Scripted& self) {
    held = self.subscribe<wire::UseInput, wire::InputAt>(
        f.inputs, base::Duration::max(),
        [&](wire::UseInput::Builder out) { out.setContent(data_of(spot_program_id().view())); },
        [&](wire::InputAt::Reader at) { path = text_of(at.getPath()); }, [](const base::Outcome<void>&) {});
  });
  f.stage.run_for(1s);
  CHECK_FALSE(path.empty());
  CHECK(f.fetched == 0);
  CHECK(f.disk.size("tasks/inputs/" + spot_program_id().hex()).value() == spot_program().size());
  f.inside([&](test::Scripted&) { held.cancel(); });
}
