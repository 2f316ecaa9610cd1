// Client against a node in the same process: real sockets and threads, in a directory of its own.
#include "apps/cli/client.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "actors/node/api.hpp"
#include "apps/cli/directory_access.hpp"
#include "apps/cli/operator_key.hpp"
#include "messages/common.capnp.h"
#include "messages/files.capnp.h"
#include "messages/node.capnp.h"
#include "runtime/net/links_actor.hpp"
#include "runtime/os/chance.hpp"
#include "runtime/os/descriptor.hpp"
#include "runtime/os/disk.hpp"
#include "runtime/os/system.hpp"
#include "tests/apps/harness.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;
using base::Code;
namespace files_wire = files::wire;

constexpr std::size_t kPieces = 400;
constexpr std::size_t kPieceBytes = 64 * 1024;  // all pieces together are some times what is read ahead
static_assert(kPieces * kPieceBytes > 4 * kReadAheadBytes);

/// What the service has seen, read by the test after the call.
struct Noticed {
  std::atomic<std::size_t> sent{0}, received{0};
  std::atomic<bool> cancelled{false}, broken{false}, ended{false};
};

/// The other side of all calls.
class Service final : public runtime::Actor {
 public:
  explicit Service(Noticed& seen) : seen_(seen) {}

  void receive(runtime::Handlers& on) override {
    on.ask<node::wire::GetStatus, node::wire::NodeStatus>(
        [](node::wire::GetStatus::Reader, runtime::Reply<node::wire::NodeStatus> reply) {
          reply.send([](node::wire::NodeStatus::Builder out) { out.setName("here"); });
        });
    on.ask<node::wire::SetLogLevel, messages::wire::Nothing>(
        [this](node::wire::SetLogLevel::Reader order, runtime::Reply<messages::wire::Nothing> reply) {
          if (order.getLevel() == "silence") silent_.push_back(std::move(reply));
          else if (order.getLevel() == "damage") reply.refuse({Code::corrupt, "store/db/CURRENT is damaged"});
          else reply.refuse({Code::conflict, "not now"});
        });
    on.stream<files_wire::GetFile, files_wire::GetItem>(
        [this](files_wire::GetFile::Reader, runtime::Sink<files_wire::GetItem> sink) {
          sink_ = std::move(sink);
          sink_.on_ready([this] { write(); });
          sink_.on_cancel([this] { seen_.cancelled = true; });
          write();
        });
    on.intake<files_wire::PutFile, files_wire::PutPiece, files_wire::PutDone>(
        [this](files_wire::PutFile::Reader question,
               runtime::Intake<files_wire::PutPiece, files_wire::PutDone> intake) {
          if (question.getReplicas() == 0) return intake.refuse({Code::refused, "no copies are no file"});
          intake_ = std::move(intake);
          intake_.on_item([this](files_wire::PutPiece::Reader piece) {
            const auto bytes = piece.getBytes();
            if (bytes[0] == static_cast<std::uint8_t>(seen_.received)) ++seen_.received;
          });
          intake_.on_end([this](const base::Outcome<void>& end) {
            seen_.broken = !end.ok();
            seen_.ended = true;
            if (end.ok()) intake_.reply([this](files_wire::PutDone::Builder out) { out.setBytes(seen_.received); });
          });
        });
  }
  void start() override {
    node().publish<node::wire::GetStatus, node::wire::SetLogLevel, files_wire::GetFile, files_wire::PutFile>("/node",
                                                                                                             self());
  }

 private:
  void write() {
    while (seen_.sent < kPieces && sink_.ready()) {
      sink_.push([this](files_wire::GetItem::Builder item) {
        item.initPiece(kPieceBytes)[0] = static_cast<std::uint8_t>(seen_.sent);
      });
      ++seen_.sent;
    }
    if (seen_.sent == kPieces) sink_.end();
  }
  Noticed& seen_;
  std::vector<runtime::Reply<messages::wire::Nothing>> silent_;
  runtime::Sink<files_wire::GetItem> sink_;
  runtime::Intake<files_wire::PutPiece, files_wire::PutDone> intake_;
};

class Place {
 public:
  explicit Place(net::Operators operators = {}) : system_(os::open_disk(folder_.path()).value(), options()) {
    os::Chance chance;
    net::NetSetup setup;
    setup.identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(chance, 0));
    setup.terms.work_bits = 0;
    setup.operators = std::make_shared<const net::Operators>(std::move(operators));
    setup.control_path = kControlSocket;
    setup.listen = base::HostPort{"127.0.0.1", 0};
    pool_ = std::make_shared<net::Pool>(system_.node(), setup);
    system_.node().start("node", [this] { return std::make_unique<Service>(seen); });
    system_.node().start("links", [this] {
      return std::make_unique<net::LinksActor>(pool_, [this](const base::Outcome<base::Endpoint>& at) {
        if (at.ok()) at_.set(at.value());
        waker_.ring();
      });
    });
    while (!at_.at()) waker_.wait(1h);
  }
  ~Place() {
    CHECK(system_.end(10s));
    pool_.reset();
  }

  /// As a command of `needs` connects.
  Client::Outcome<std::unique_ptr<Client>> connect(Needs needs = Needs::operate, bool remotely = false) {
    command_.needs = needs;
    Globals globals;
    if (remotely) globals.node = NodeAddress{pool_->setup().identity->id(), *base::HostPort::parse(at_.text())};
    else globals.data = folder_.path();
    const Invocation invocation(command_, table_, globals, {});
    return Client::connect(invocation, console());
  }
  Console& console() { return console_; }
  std::string talk() const { return err_.str(); }
  const std::string path() const { return folder_.path(); }
  /// Waits for what the other side notices by itself; a bound for broken code alone.
  bool until(const std::function<bool()>& claim) {
    const base::Instant due = system_.world().clock.now() + 30s;
    while (!claim() && system_.world().clock.now() < due) waker_.wait(1ms);
    return claim();
  }
  Noticed seen;

 private:
  os::SystemOptions options() const { return {.workers = 1, .sockets = folder_.path()}; }

  TemporaryFolder folder_;
  // Blocks SIGINT in all threads of the node, which are this process's own.
  os::Waker waker_{SIGINT};
  os::System system_;
  std::shared_ptr<net::Pool> pool_;
  node::Serving at_;
  Command command_{.name = "test", .summary = "s", .run = {}};
  Commands table_;
  std::ostringstream out_, err_;
  std::istringstream in_;
  std::string config_ = "XDG_CONFIG_HOME=" + folder_.path() + "/config";
  std::array<const char*, 2> environment_{config_.c_str(), nullptr};
  Console console_{out_, err_, in_, false, false, environment_.data()};
};

Client::Outcome<void> get(Client& client, const std::function<Client::Outcome<void>(std::size_t)>& on_piece) {
  std::size_t pieces = 0;
  return client.subscribe<files_wire::GetFile, files_wire::GetItem>(
      "/node", 30s, [](files_wire::GetFile::Builder) {},
      [&](files_wire::GetItem::Reader item) -> Client::Outcome<void> {
        CHECK(item.getPiece().size() == kPieceBytes);
        CHECK(item.getPiece()[0] == static_cast<std::uint8_t>(pieces));
        return on_piece(++pieces);
      });
}

using Produced = Client::Produced<files_wire::PutPiece>;

Client::Outcome<Kept<files_wire::PutDone>> put(Client& client, unsigned replicas,
                                               const std::function<std::optional<Failure>(std::size_t)>& before) {
  std::size_t pieces = 0;
  return client.feed<files_wire::PutFile, files_wire::PutPiece, files_wire::PutDone>(
      "/node", 30s,
      [&](files_wire::PutFile::Builder question) { question.setReplicas(static_cast<std::uint8_t>(replicas)); },
      [&]() -> Produced {
        if (const auto failed = before(pieces)) return *failed;
        if (pieces == kPieces) return Produced(std::nullopt);
        return Produced([number = pieces++](files_wire::PutPiece::Builder piece) {
          piece.initBytes(kPieceBytes)[0] = static_cast<std::uint8_t>(number);
        });
      });
}

}  // namespace

TEST_CASE("client: a question is answered over the local socket, and an error keeps its code") {
  Place place;
  auto client = place.connect();
  REQUIRE(client.ok());
  auto answer = client.value()->ask<node::wire::GetStatus, node::wire::NodeStatus>(
      "/node", 30s, [](node::wire::GetStatus::Builder) {});
  REQUIRE(answer.ok());
  CHECK(std::string(answer.value().root().getName()) == "here");
  const auto set = [&](const char* level, base::Duration timeout) {
    return client.value()->ask<node::wire::SetLogLevel, messages::wire::Nothing>(
        "/node", timeout, [&](node::wire::SetLogLevel::Builder order) { order.setLevel(level); });
  };
  const auto refused = set("loud", 30s);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().error == base::Error{Code::conflict, "not now"});
  CHECK(exit_of(refused.error(), Effect::write) == Exit::refused);
  const auto late = set("silence", 20ms);
  REQUIRE_FALSE(late.ok());
  CHECK(exit_of(late.error(), Effect::read) == Exit::unavailable);
  CHECK(exit_of(late.error(), Effect::write) == Exit::unknown);
}

TEST_CASE("client: a long wait names what it waits for, on a terminal only") {
  Place place;
  const auto talk = [&] {
    auto client = place.connect();
    REQUIRE(client.ok());
    const auto late = client.value()->ask<node::wire::SetLogLevel, messages::wire::Nothing>(
        "/node", kQuietMax + 500ms, [](node::wire::SetLogLevel::Builder order) { order.setLevel("silence"); });
    CHECK_FALSE(late.ok());
    return place.talk();
  };
  CHECK(talk().empty());
  place.console().err_is_terminal = true;
  CHECK(talk() == "waiting for the node's response (node.SetLogLevel) …\n");
}

TEST_CASE("client: a stream is read in order, no faster than its items are taken") {
  Place place;
  auto client = place.connect();
  REQUIRE(client.ok());
  std::size_t pieces = 0, ahead_max = 0;
  const auto end = get(*client.value(), [&](std::size_t number) -> Client::Outcome<void> {
    pieces = number;
    ahead_max = std::max(ahead_max, place.seen.sent - number);
    return {};
  });
  CHECK(end.ok());
  CHECK(pieces == kPieces);
  // Read ahead, and beside it what the credit of the stream lets travel.
  constexpr std::size_t kWindowBytes = 4u << 20;  // of a stream, in runtime/actor; its last item may overdraw it
  CHECK(ahead_max * kPieceBytes <= kReadAheadBytes + kWindowBytes + 2 * kPieceBytes);
}

TEST_CASE("client: a stream whose items are refused is cancelled at the node") {
  Place place;
  auto client = place.connect();
  REQUIRE(client.ok());
  const auto end = get(*client.value(), [&](std::size_t number) -> Client::Outcome<void> {
    if (number == 3) return Failure{{Code::no_space, "the disk is full"}};
    return {};
  });
  REQUIRE_FALSE(end.ok());
  CHECK(end.error().error.code == Code::no_space);
  CHECK(place.until([&] { return place.seen.cancelled.load(); }));
}

TEST_CASE("client: SIGINT ends what is under way with exit 130") {
  Place place;
  auto client = place.connect();
  REQUIRE(client.ok());
  SUBCASE("reading") {
    const auto end = get(*client.value(), [&](std::size_t number) -> Client::Outcome<void> {
      if (number == 2) ::kill(::getpid(), SIGINT);
      return {};
    });
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().exit == Exit::interrupted);
    CHECK(place.until([&] { return place.seen.cancelled.load(); }));
  }
  SUBCASE("writing") {
    const auto end = put(*client.value(), 1, [&](std::size_t number) -> std::optional<Failure> {
      if (number == 2) ::kill(::getpid(), SIGINT);
      return std::nullopt;
    });
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().exit == Exit::interrupted);
    CHECK(place.until([&] { return place.seen.broken.load(); }));
  }
  SUBCASE("waiting for an answer") {
    ::kill(::getpid(), SIGINT);
    const auto end = client.value()->ask<node::wire::SetLogLevel, messages::wire::Nothing>(
        "/node", 1h, [&](node::wire::SetLogLevel::Builder order) { order.setLevel("silence"); });
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().exit == Exit::interrupted);
    CHECK(client.value()->interrupted());
  }
  SUBCASE("waiting for standard input") {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    ::kill(::getpid(), SIGINT);
    CHECK(client.value()->wait_for(pipe[0], os::Waker::Want::reading).error().exit == Exit::interrupted);
    ::close(pipe[0]);
    ::close(pipe[1]);
  }
}

TEST_CASE("client: a stream is written in order to its end, and answered") {
  Place place;
  auto client = place.connect();
  REQUIRE(client.ok());
  auto done = put(*client.value(), 1, [](std::size_t) { return std::nullopt; });
  REQUIRE(done.ok());
  CHECK(done.value().root().getBytes() == kPieces);
  CHECK(place.seen.ended);
}

TEST_CASE("client: a stream that fails on either side says so on both") {
  Place place;
  auto client = place.connect();
  REQUIRE(client.ok());
  SUBCASE("the producer fails") {
    const auto end = put(*client.value(), 1, [](std::size_t number) -> std::optional<Failure> {
      if (number == 5) return Failure{{Code::corrupt, "the file cannot be read"}};
      return std::nullopt;
    });
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().error.code == Code::corrupt);
    CHECK(place.until([&] { return place.seen.broken.load(); }));
  }
  SUBCASE("the node refuses, while the producer goes on") {
    const auto end = put(*client.value(), 0, [](std::size_t) { return std::nullopt; });
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().error == base::Error{Code::refused, "no copies are no file"});
  }
  // The link goes on.
  CHECK(client.value()
            ->ask<node::wire::GetStatus, node::wire::NodeStatus>("/node", 30s, [](node::wire::GetStatus::Builder) {})
            .ok());
}

TEST_CASE("client: a wait ends with its descriptor or its time, whatever else the node says") {
  Place place;
  auto client = place.connect();
  REQUIRE(client.ok());
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const os::Descriptor reader(pipe[0]), writer(pipe[1]);
  const auto wait = [&](base::Duration at_most) {
    return client.value()->wait_for(reader.get(), os::Waker::Want::reading, at_most);
  };
  SUBCASE("its time") { CHECK_FALSE(wait(1ms).value()); }
  SUBCASE("its descriptor") {
    REQUIRE(::write(writer.get(), "x", 1) == 1);
    CHECK(wait(1h).value());
  }
  SUBCASE("a piece that the node takes rings, and is no byte of the source") {
    // A read would block here, and Ctrl-C with it.
    const auto done = put(*client.value(), 1, [&](std::size_t number) -> std::optional<Failure> {
      if (number < 100) CHECK_FALSE(wait(1ms).value());
      return std::nullopt;
    });
    CHECK(done.ok());
  }
  SUBCASE("a node that refuses ends the wait of a silent source") {
    const auto refused = put(*client.value(), 0, [&](std::size_t) -> std::optional<Failure> {
      CHECK_FALSE(wait(1h).value());
      return std::nullopt;
    });
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().error.code == Code::refused);
  }
}

TEST_CASE("client: damage at the node comes with the command that shows its health") {
  Place place;
  auto client = place.connect();
  REQUIRE(client.ok());
  const auto damaged = client.value()->ask<node::wire::SetLogLevel, messages::wire::Nothing>(
      "/node", 30s, [&](node::wire::SetLogLevel::Builder order) { order.setLevel("damage"); });
  REQUIRE_FALSE(damaged.ok());
  CHECK(exit_of(damaged.error(), Effect::read) == Exit::failed);
  CHECK(damaged.error().try_ == "troupe status --data " + place.path());
}

TEST_CASE("client: from afar a key has the role that the node gives it") {
  Place stranger;
  CHECK(stranger.connect(Needs::view, true).error().exit == Exit::refused);  // no key
  const auto key = load_or_make_operator_key(stranger.console());
  REQUIRE(key.ok());
  CHECK(load_operator_key(stranger.console()).value().public_key() == key.value().public_key());
  const auto unknown = stranger.connect(Needs::view, true);
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().exit == Exit::refused);
  CHECK(unknown.error().try_.find(key.value().public_key().hex()) != std::string::npos);
}

TEST_CASE("client: a key that may look cannot change things, and one that may operate can do both") {
  // The key is made before the node that lists it; both lie in folders that go with their place.
  Place maker;
  const auto key = load_or_make_operator_key(maker.console());
  REQUIRE(key.ok());
  const auto connect = [&](net::Operators operators, Needs needs) {
    Place place(std::move(operators));
    std::filesystem::copy(maker.path() + "/config", place.path() + "/config", std::filesystem::copy_options::recursive);
    auto client = place.connect(needs, true);
    return client.ok() ? Exit::done : *client.error().exit;
  };
  const base::PublicKey mine = key.value().public_key();
  CHECK(connect({.view = {mine}, .operate = {}}, Needs::view) == Exit::done);
  CHECK(connect({.view = {mine}, .operate = {}}, Needs::operate) == Exit::refused);
  CHECK(connect({.view = {}, .operate = {mine}}, Needs::view) == Exit::done);
  CHECK(connect({.view = {}, .operate = {mine}}, Needs::operate) == Exit::done);
}

TEST_CASE("operator key: it is made once, for its owner alone, and a damaged one is not replaced") {
  const TemporaryFolder folder;
  const std::vector<std::string> environment{"XDG_CONFIG_HOME=" + folder.path()};
  const Seen first = troupe_with({"operator", "key"}, environment);
  CHECK(first.exit == Exit::done);
  CHECK(first.out.size() == 65);
  CHECK(troupe_with({"operator", "key"}, environment).out == first.out);
  const std::string json = troupe_with({"operator", "key", "--json"}, environment).out;
  CHECK(json ==
        "{\"key\":\"" + first.out.substr(0, 64) + "\",\"file\":\"" + folder.path() + "/troupe/operator.key\"}\n");
  const auto file = folder.path() + "/troupe/operator.key";
  CHECK(std::filesystem::status(file).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  folder.write("troupe/operator.key", "short");
  const Seen damaged = troupe_with({"operator", "key"}, environment);
  CHECK(damaged.exit == Exit::failed);
  CHECK(damaged.err.find("is not a complete key file") != std::string::npos);
  CHECK(troupe_with({"operator", "key"}).exit == Exit::usage);  // nowhere to keep it
}

}  // namespace troupe::apps
