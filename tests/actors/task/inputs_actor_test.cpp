#include "actors/task/inputs_actor.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

#include "actors/task/logic/spot.hpp"
#include "messages/codec.hpp"
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
          [this](files::wire::GetFile::Reader ask, runtime::Sink<files::wire::GetItem> to) {
            ++fetched;
            if (bytes_of(ask.getCid())[0] == kSilent) return unanswered.push_back(std::move(to));
            to.push([&](files::wire::GetItem::Builder out) { out.initStart().setFileBytes(content.size()); });
            for (std::size_t at = 0; at < content.size(); at += kPiece) {
              const auto piece = base::as_bytes(content).subspan(at, std::min(kPiece, content.size() - at));
              to.push([&](files::wire::GetItem::Builder out) { out.setPiece(data_of(piece)); });
            }
            to.end();
          });
    });
  }
  static constexpr std::size_t kPiece = 256 << 10;
  static constexpr std::uint8_t kSilent = 9;
  static Cid cid() { return Cid{{1, 2, 3}}; }
  /// One that the content store never gives.
  static Cid silent(std::size_t number) {
    return Cid{{kSilent, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}};
  }
  static base::NodeId stranger(std::uint8_t number) { return base::NodeId{{number}}; }
  static std::string path(const std::string& end = "") { return "tasks/inputs/" + cid().hex() + end; }

  void begin() {
    inputs = node.start("inputs", [this] { return std::make_unique<InputsActor>(settings); });
    stage.run_for(1s);
  }
  struct Use {
    runtime::Subscription held;
    std::string path;
    std::optional<std::string> bytes{};
    std::optional<base::Error> why;
  };
  /// For a task of that node, each of which is in a group of its own.
  void use(Use& one, const Cid& wanted, std::optional<base::NodeId> submitter, bool as_bytes = false) {
    inside([&](test::Scripted& self) {
      one.held = self.subscribe<wire::UseInput, wire::InputAt>(
          inputs, base::Duration::max(),
          [&](wire::UseInput::Builder out) {
            out.setContent(data_of(wanted.view()));
            out.setAsBytes(as_bytes);
            if (!submitter) return;
            out.setSubmitter(data_of(submitter->view()));
            base::AddressGroup group;
            group.prefix[0] = submitter->bytes[0];
            out.setGroup(data_of(group.prefix));
          },
          [&one](wire::InputAt::Reader at) {
            one.path = text_of(at.getPath());
            if (at.hasBytes()) one.bytes = std::string(base::as_text(bytes_of(at.getBytes())));
          },
          [&one](const base::Outcome<void>& end) {
            if (!end.ok()) one.why = end.error();
          });
    });
    stage.run_for(10ms);
  }
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
  std::vector<runtime::Sink<files::wire::GetItem>> unanswered;
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
  f.settings.inputs_bytes = f.content.size() + ports::kEntryBytes + 100;  // the archive alone
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
  CHECK(test::contains(second.why->message, "quota"));
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

TEST_CASE("inputs: what tasks of others leave unanswered keeps neither this node's own nor third ones waiting") {
  InputsFixture f;
  f.begin();
  std::deque<InputsFixture::Use> strangers;
  for (std::size_t i = 0; i < 1'000; ++i) f.use(strangers.emplace_back(), f.silent(i), f.stranger(1));
  CHECK(f.fetched == InputsActor::kFetchesOfSubmitter);
  const auto refused = std::ranges::count_if(strangers, [](const auto& one) { return one.why.has_value(); });
  CHECK(refused >= 1'000 - static_cast<std::ptrdiff_t>(InputsActor::kUsersOfOthers) / 2);
  SUBCASE("own ones have places and fetches") {
    for (std::uint8_t number = 2; number < 40; ++number)
      for (std::size_t i = 0; i < 32; ++i)
        f.use(strangers.emplace_back(), f.silent(std::size_t{1'000} + number * 32u + i), f.stranger(number));
    CHECK(f.fetched == InputsActor::kFetchesOfOthers);
    std::deque<InputsFixture::Use> own;
    for (std::size_t i = 0; i < 256; ++i) f.use(own.emplace_back(), f.silent(20'000 + i), std::nullopt);
    CHECK(std::ranges::none_of(own, [](const auto& one) { return one.why.has_value(); }));
    own.clear();
    f.stage.run_for(1s);
    f.use(own.emplace_back(), f.cid(), std::nullopt);
    f.stage.run_for(1s);
    CHECK(own.back().path != "");
  }
  SUBCASE("a third one's is fetched") {
    InputsFixture::Use third;
    f.use(third, f.cid(), f.stranger(2));
    f.stage.run_for(1s);
    CHECK(third.path != "");
  }
  SUBCASE("the program of checks waits for none") {
    for (std::uint8_t number = 2; number < 8; ++number)
      for (std::size_t i = 0; i < 8; ++i)
        f.use(strangers.emplace_back(), f.silent(std::size_t{1'000} + number * 8u + i), f.stranger(number));
    InputsFixture::Use check;
    f.use(check, spot_program_id(), f.stranger(9));
    f.stage.run_for(1s);
    CHECK(check.path != "");
  }
}

TEST_CASE(
    "inputs: what one submitter wants first, and leaves waiting, is fetched as soon as another one may fetch it") {
  InputsFixture f;
  f.begin();
  std::deque<InputsFixture::Use> silent;
  for (std::size_t i = 0; i < 8; ++i) f.use(silent.emplace_back(), f.silent(i), f.stranger(1));
  InputsFixture::Use first, later;
  f.use(first, f.cid(), f.stranger(1));
  f.stage.run_for(1s);
  CHECK(first.path == "");  // it has as many fetches as it may
  SUBCASE("this node itself") { f.use(later, f.cid(), std::nullopt); }
  SUBCASE("a third one") { f.use(later, f.cid(), f.stranger(2)); }
  f.stage.run_for(1s);
  CHECK(later.path != "");
  CHECK(first.path == later.path);
}

TEST_CASE("inputs: a standard input comes as its bytes, if they are few") {
  InputsFixture f;
  f.settings.inputs_bytes = 8u << 20;
  InputsFixture::Use whole;
  SUBCASE("few") {
    f.begin();
    f.use(whole, f.cid(), f.stranger(1), true);
    f.stage.run_for(1s);
    CHECK(whole.bytes == f.content);
  }
  SUBCASE("none") {
    f.content.clear();
    f.begin();
    f.use(whole, f.cid(), f.stranger(1), true);
    f.stage.run_for(1s);
    CHECK(whole.bytes == "");
  }
  SUBCASE("too many") {
    f.content.assign(ports::kInputBytesMax + 1, 'x');
    f.begin();
    f.use(whole, f.cid(), f.stranger(1), true);
    f.stage.run_for(1s);
    REQUIRE(whole.why.has_value());
    INFO(whole.why->message);
    CHECK(whole.why->code == base::Code::malformed);
  }
}

// A program that stopped while it brought in a page of its input kept this thread waiting, which serves all inputs.
TEST_CASE("inputs: a standard input is read from a file that no program sees, also after a restart") {
  InputsFixture f;
  const auto path = f.path(".bytes");
  SUBCASE("fetched") {}
  SUBCASE("kept") {
    REQUIRE(f.disk.make_directory("tasks/inputs").ok());
    const auto kept = f.disk.open(path, ports::OpenMode::replace);
    REQUIRE(kept.ok());
    REQUIRE(kept.value()->append(base::as_bytes(f.content)).ok());
    REQUIRE(kept.value()->sync().ok());
  }
  const bool kept = f.disk.size(path).ok();
  f.begin();
  InputsFixture::Use input, standard;
  f.use(input, f.cid(), f.stranger(1));
  f.use(standard, f.cid(), f.stranger(1), true);
  f.stage.run_for(1s);
  CHECK_FALSE(input.path.empty());
  CHECK(standard.bytes == f.content);
  CHECK(f.fetched == (kept ? 1 : 2));
  CHECK(f.disk.size(f.path()).ok());
  CHECK(f.disk.size(path).ok());
}

TEST_CASE("inputs: files without a byte are kept up to a number, and each takes the room of an entry") {
  InputsFixture f;
  const auto leave_behind = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      REQUIRE(f.disk.open("tasks/inputs/" + f.silent(i).hex(), ports::OpenMode::create).ok());
  };
  InputsFixture::Use one;
  SUBCASE("as many as may be") {
    f.settings.inputs_bytes = 1u << 30;
    REQUIRE(f.disk.make_directory("tasks/inputs").ok());
    leave_behind(InputsActor::kFilesMax + 10);
    f.begin();
    CHECK(f.there().size() == InputsActor::kFilesMax);
    f.use(one, f.cid(), f.stranger(1));  // it is one more, and an idle one makes room
    f.stage.run_for(1s);
    CHECK(one.path == '/' + f.path());
    CHECK(f.there().size() == InputsActor::kFilesMax);
  }
  SUBCASE("an entry takes room, also without a byte") {
    f.settings.inputs_bytes = 100 * ports::kEntryBytes;
    REQUIRE(f.disk.make_directory("tasks/inputs").ok());
    leave_behind(200);
    f.begin();
    CHECK(f.there().size() == 100);
    f.use(one, f.cid(), f.stranger(1));
    f.stage.run_for(1s);
    CHECK(one.path == '/' + f.path());
    CHECK(f.there().size() == 99);  // its bytes have put off another one
  }
}

TEST_CASE(
    "inputs: what is written for other nodes has a rate, however fast it comes; for this node's tasks it has none") {
  InputsFixture f;
  f.settings.inputs_bytes = 64u << 20;
  f.settings.inputs_written = {64, 1'024};
  f.content = std::string(1'200 << 10, 'x');
  f.begin();
  InputsFixture::Use strangers, own;
  f.use(strangers, f.cid(), f.stranger(1));
  f.stage.run_for(1s);
  CHECK(strangers.path.empty());
  f.stage.run_for(60s);
  CHECK(strangers.path == '/' + f.path());
  f.leave(strangers);

  f.use(own, Cid{{7}}, std::nullopt);
  CHECK(own.path.ends_with(Cid{{7}}.hex()));
}

TEST_CASE("inputs: a fetch for other nodes has a time, of two minutes and of its bytes; one for own tasks has none") {
  InputsFixture f;
  f.settings.inputs_bytes = 8u << 20;
  f.begin();
  InputsFixture::Use one, own;
  const auto trickle = [&](base::Duration period, int pieces) {
    for (int i = 0; i < pieces; ++i) {
      f.inside([&](test::Scripted&) {
        for (auto& to : f.unanswered)
          if (to.ready())
            to.push([](files::wire::GetItem::Builder out) { out.setPiece(data_of(base::as_bytes("x"))); });
      });
      f.stage.run_for(period);
    }
  };
  const auto begins = [&](std::uint64_t bytes) {
    f.inside([&](test::Scripted&) {
      f.unanswered.back().push([&](files::wire::GetItem::Builder out) { out.initStart().setFileBytes(bytes); });
    });
  };
  constexpr auto kRound = 10s;
  SUBCASE("a trickle ends") {
    constexpr std::uint64_t kSeconds = 10;
    f.use(one, f.silent(1), f.stranger(1));
    begins(kSeconds * InputsActor::kFetchedPerSecond);
    trickle(kRound, InputsActor::kFetchWithin / kRound);
    CHECK_FALSE(one.why);
    trickle(kRound, 3);
    REQUIRE(one.why);
    CHECK(one.why->code == base::Code::unavailable);
    CHECK(f.there().empty());
  }
  SUBCASE("of own tasks it does not") {
    f.use(one, f.silent(1), f.stranger(1));
    f.use(own, f.silent(1), std::nullopt);
    begins(1u << 20);
    trickle(kRound, 100);
    CHECK_FALSE(one.why);
    CHECK_FALSE(own.why);
  }
}

TEST_CASE("inputs: a submitter of a site that fetches much waits behind those of a site that does not") {
  InputsFixture f;
  f.begin();
  std::deque<InputsFixture::Use> all;
  for (std::uint8_t site = 1; site <= 3; ++site)
    for (std::size_t i = 0; i < InputsActor::kFetchesOfSubmitter; ++i)
      f.use(all.emplace_back(), f.silent(site * 10u + i), f.stranger(site));
  CHECK(f.fetched == InputsActor::kFetchesOfOthers);
  InputsFixture::Use same, other;
  f.inside([&](test::Scripted& self) {  // another submitter at the first site
    same.held = self.subscribe<wire::UseInput, wire::InputAt>(
        f.inputs, base::Duration::max(),
        [&](wire::UseInput::Builder out) {
          out.setContent(data_of(Cid{{7}}.view()));
          out.setSubmitter(data_of(f.stranger(40).view()));
          base::AddressGroup group;
          group.prefix[0] = 1;
          out.setGroup(data_of(group.prefix));
        },
        [&](wire::InputAt::Reader at) { same.path = text_of(at.getPath()); }, [](const base::Outcome<void>&) {});
  });
  f.use(other, f.silent(100), f.stranger(50));
  f.leave(all.back());
  CHECK(f.unanswered.size() == InputsActor::kFetchesOfOthers + 1);
  CHECK(same.path.empty());
}

TEST_CASE("inputs: what cannot have room, or has no share, puts off nothing that is kept") {
  InputsFixture f;
  f.settings.inputs_bytes = 1u << 20;
  f.begin();
  InputsFixture::Use kept, one, again;
  f.use(kept, f.cid(), std::nullopt);
  f.leave(kept);
  std::uint64_t bytes = 0;
  SUBCASE("more than there is") { bytes = 2u << 20; }
  SUBCASE("more than a share") { bytes = (1u << 20) - ports::kEntryBytes; }
  f.use(one, f.silent(1), f.stranger(1));
  f.inside([&](test::Scripted&) {
    f.unanswered.back().push([&](files::wire::GetItem::Builder out) { out.initStart().setFileBytes(bytes); });
  });
  f.stage.run_for(1s);
  REQUIRE(one.why);
  CHECK(one.why->code == base::Code::no_space);
  CHECK(f.there() == std::vector{f.cid().hex()});
  f.use(again, f.cid(), std::nullopt);
  CHECK(again.path != "");
}
