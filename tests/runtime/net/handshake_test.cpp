#include "runtime/net/logic/handshake.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cstring>
#include <set>
#include <string>

#include "runtime/base/random.hpp"
#include "runtime/crypto/hash.hpp"

using namespace troupe;
using crypto::Identity;
using messages::Role;
using net::ExporterValue;
using net::Frame;
using net::FrameReader;
using net::FrameType;
using net::Handshake;
using net::Hello;
using net::Operators;
using net::Ready;
using net::Refusal;
using net::Terms;
using net::VersionRange;

namespace {

constexpr unsigned kWorkBits = 8;

class SeededChance final : public ports::Chance {
 public:
  explicit SeededChance(std::uint64_t seed) : random_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random_.below(256));
  }

 private:
  base::Random random_;
};

Identity identity(std::uint64_t seed, unsigned work_bits = kWorkBits) {
  SeededChance chance(seed);
  return Identity::make(chance, work_bits);
}

/// An identity whose id has not the work.
Identity idle_identity(std::uint64_t seed) {
  while (true) {
    Identity out = identity(seed++, 0);
    if (!crypto::check(out.public_key(), out.nonce(), kWorkBits)) return out;
  }
}

ExporterValue exporter(std::uint8_t connection) {
  ExporterValue out;
  out.bytes.fill(connection);
  return out;
}

Terms terms(VersionRange versions = {1, 1}, std::uint8_t schema = 0) {
  Terms out{.work_bits = kWorkBits, .versions = versions, .schema = {}};
  out.schema.bytes.fill(schema);
  return out;
}

/// One direction of a connection.
struct Wire {
  FrameReader reader{net::kHandshakeFrameBytesMax};

  void put(base::ByteView bytes) { reader.append(bytes); }
  std::optional<Frame> take() {
    const auto next = reader.next();
    REQUIRE(next.ok());
    return next.value();
  }
};

struct Ending {
  std::optional<Ready> server, dialler;
  std::optional<Refusal> server_refused, dialler_refused;
};

/// Lets two machines talk until nothing is left to say.
Ending talk(Handshake server, Handshake dialler) {
  Ending out;
  Wire to_server, to_dialler;
  to_dialler.put(server.greeting());
  to_server.put(dialler.greeting());
  const auto serve = [](Handshake& who, Wire& in, Wire& back, std::optional<Ready>& ready,
                        std::optional<Refusal>& refused) {
    bool moved = false;
    for (auto frame = in.take(); frame && !refused; frame = in.take()) {
      moved = true;
      const auto step = who.receive(*frame);
      if (!step.ok()) {
        refused = step.error();
        break;
      }
      back.put(step.value().send);
      if (step.value().ready) ready = step.value().ready;
    }
    return moved;
  };
  while (true) {
    const bool a = serve(dialler, to_dialler, to_server, out.dialler, out.dialler_refused);
    const bool b = serve(server, to_server, to_dialler, out.server, out.server_refused);
    if (!a && !b) return out;
  }
}

/// The one frame in `bytes` at `index`.
struct Parsed {
  FrameReader reader{net::frame_bytes_max(4096)};
  std::optional<Frame> frame;

  explicit Parsed(base::ByteView bytes, int index = 0) {
    reader.append(bytes);
    for (; index >= 0; --index) frame = reader.next().value();
    REQUIRE(frame.has_value());
  }
};

base::Bytes frame_bytes(FrameType type, std::uint64_t kind, base::ByteView payload) {
  base::Bytes out;
  net::write_frame(out, {.type = type, .lane = messages::Lane::control, .kind = kind}, {}, payload);
  return out;
}
base::Bytes hello_frame(const Hello& hello) { return frame_bytes(FrameType::hello, net::hello_kind(), encode(hello)); }

Hello hello_of(const Identity& who) { return {who.public_key(), who.nonce(), {1, 1}, base::Digest{}, Role::peer}; }

const Identity& alice() {
  static const Identity out = identity(1);
  return out;
}
const Identity& bob() {
  static const Identity out = identity(2);
  return out;
}
const Operators kNoOperators;

Handshake server(const Operators& operators = kNoOperators, std::uint8_t connection = 7) {
  return Handshake::server(alice(), terms(), exporter(connection), operators);
}
Handshake dialler(Role role = Role::peer, std::optional<base::NodeId> pinned = {}, std::uint8_t connection = 7) {
  return Handshake::dialler(bob(), terms(), exporter(connection), role, pinned);
}

}  // namespace

TEST_CASE("handshake: each refusal is told to people in words of its own") {
  std::set<std::string_view> told;
  for (std::size_t i = 0; i < net::kRefusals; ++i) {
    const std::string_view words = net::name(static_cast<net::Refusal>(i));
    CAPTURE(words);
    CHECK(words.find(' ') != std::string_view::npos);
    told.insert(words);
  }
  CHECK(told.size() == net::kRefusals);
}

TEST_CASE("net: two honest nodes know each other after the handshake") {
  const Ending end = talk(server(), dialler(Role::peer, alice().id()));
  REQUIRE(end.server.has_value());
  REQUIRE(end.dialler.has_value());
  CHECK(*end.server == Ready{bob().public_key(), bob().nonce(), bob().id(), Role::peer, 1, true});
  CHECK(*end.dialler == Ready{alice().public_key(), alice().nonce(), alice().id(), Role::peer, 1, true});
}

TEST_CASE("net: what a proof signs is golden") {
  // "troupe link v1", 32 times 07, 02 for the dialler, and both hashes of the Hellos.
  Handshake a = server(), b = dialler();
  const auto greeting = a.greeting();
  const Parsed server_hello(greeting);
  const auto answer = b.receive(*server_hello.frame).value().send;
  const Parsed dialler_hello(answer, 0), proof(answer, 1);
  std::string expected = "troupe link v1";
  expected.append(32, '\x07');
  expected.push_back('\x02');
  for (const Parsed* hello : {&server_hello, &dialler_hello})
    expected += base::as_text(crypto::sha256(hello->frame->payload).view());
  CHECK(expected.size() == 14 + 32 + 1 + 32 + 32);
  CHECK(net::decode_proof(proof.frame->payload) == bob().key().sign(base::as_bytes(expected)));
}

TEST_CASE("net: the highest common version is taken, and a differing schema is no obstacle") {
  const auto a = Handshake::server(alice(), terms({2, 5}, 1), exporter(7), kNoOperators);
  const auto b = Handshake::dialler(bob(), terms({4, 9}, 2), exporter(7), Role::peer, {});
  const Ending end = talk(a, b);
  REQUIRE(end.server.has_value());
  CHECK(end.server->version == 5);
  CHECK(end.dialler->version == 5);
  CHECK_FALSE(end.server->same_schema);
  CHECK_FALSE(end.dialler->same_schema);
}

TEST_CASE("net: nodes without a common version part") {
  for (const auto& [ours, theirs] :
       {std::pair{VersionRange{1, 2}, VersionRange{3, 4}}, std::pair{VersionRange{3, 4}, VersionRange{1, 2}}}) {
    const auto a = Handshake::server(alice(), terms(ours), exporter(7), kNoOperators);
    const auto b = Handshake::dialler(bob(), terms(theirs), exporter(7), Role::peer, {});
    CHECK(talk(a, b).dialler_refused == Refusal::version_disjoint);
  }
  Hello hello = hello_of(bob());  // a dialler that goes on all the same
  hello.versions = {2, 3};
  Handshake a = server();
  CHECK(a.receive(*Parsed(hello_frame(hello)).frame).error() == Refusal::version_disjoint);
}

TEST_CASE("net: a dialler says nothing to a node that is not the one it pinned") {
  Handshake b = dialler(Role::peer, identity(3).id());
  const auto greeting = server().greeting();
  CHECK(b.greeting().empty());
  CHECK(b.receive(*Parsed(greeting).frame).error() == Refusal::wrong_id);
  // The error stays, whatever comes next.
  CHECK(b.receive(*Parsed(greeting).frame).error() == Refusal::wrong_id);
}

TEST_CASE("net: a node that meets itself parts, on both sides") {
  const auto itself = Handshake::dialler(alice(), terms(), exporter(7), Role::peer, {});
  CHECK(talk(server(), itself).dialler_refused == Refusal::own_key);
  Handshake a = server();
  CHECK(a.receive(*Parsed(hello_frame(hello_of(alice()))).frame).error() == Refusal::own_key);
}

TEST_CASE("net: our own key under another start number is proven, and both sides learn of it") {
  const auto started = [](std::uint64_t start) {
    Terms out = terms();
    out.start = start;
    return out;
  };
  const Handshake here = Handshake::server(alice(), started(1), exporter(7), kNoOperators);
  const Ending met = talk(here, Handshake::dialler(alice(), started(2), exporter(7), Role::peer, {}));
  REQUIRE(met.server.has_value());
  REQUIRE(met.dialler.has_value());
  CHECK(met.server->key == alice().public_key());
  CHECK(met.dialler->key == alice().public_key());

  // A program that draws no number is another one too; the same number is this node itself.
  CHECK(talk(here, Handshake::dialler(alice(), started(0), exporter(7), Role::peer, {})).server.has_value());
  CHECK(talk(here, Handshake::dialler(alice(), started(1), exporter(7), Role::peer, {})).dialler_refused ==
        Refusal::own_key);

  // Who only has our Hello, and changes its number, cannot prove it.
  Handshake server = here;
  Hello forged = hello_of(alice());
  forged.start = 3;
  const auto answered = server.receive(*Parsed(hello_frame(forged)).frame);
  REQUIRE(answered.ok());
  CHECK(!answered.value().ready.has_value());
  const auto proof = net::encode_proof(bob().key().sign(base::Bytes{1}));
  CHECK(server.receive(*Parsed(frame_bytes(FrameType::proof, net::proof_kind(), proof)).frame).error() ==
        Refusal::bad_proof);
}

TEST_CASE("net: an id without its work is refused, of the server and of the dialler") {
  const Identity lazy = idle_identity(10);
  const auto lazy_dialler = Handshake::dialler(lazy, terms(), exporter(7), Role::peer, {});
  CHECK(talk(server(), lazy_dialler).server_refused == Refusal::bad_work);
  const auto lazy_server = Handshake::server(lazy, terms(), exporter(7), kNoOperators);
  CHECK(talk(lazy_server, dialler()).dialler_refused == Refusal::bad_work);
}

TEST_CASE("net: operators get the roles that their keys are listed for, and no work is asked of them") {
  const Identity person = idle_identity(20);
  const auto as = [&](Role role) { return Handshake::dialler(person, terms(), exporter(7), role, alice().id()); };
  const Operators looks{.view = {bob().public_key(), person.public_key()}, .operate = {}};
  const Operators acts{.view = {}, .operate = {person.public_key()}};

  const Ending view = talk(server(looks), as(Role::view));
  REQUIRE(view.server.has_value());
  CHECK(view.server->role == Role::view);
  CHECK(view.server->key == person.public_key());
  CHECK(view.dialler->role == Role::view);
  CHECK(talk(server(acts), as(Role::operate)).server->role == Role::operate);

  CHECK(talk(server(looks), as(Role::operate)).server_refused == Refusal::role_denied);
  CHECK(talk(server(acts), as(Role::view)).server_refused == Refusal::role_denied);
  CHECK(talk(server(), as(Role::view)).server_refused == Refusal::role_denied);
  CHECK(talk(server(), as(Role::operate)).server_refused == Refusal::role_denied);
  CHECK(talk(server(acts), as(Role::peer)).server_refused == Refusal::bad_work);

  const auto lazy_server = Handshake::server(person, terms(), exporter(7), looks);
  CHECK(talk(lazy_server, dialler(Role::view)).dialler_refused == Refusal::bad_work);
}

TEST_CASE("net: a proof for another connection is refused, on both sides") {
  const Ending end = talk(server(kNoOperators, 7), dialler(Role::peer, {}, 8));
  CHECK(end.server_refused == Refusal::bad_proof);
  CHECK_FALSE(end.dialler.has_value());

  // One in the middle replays what the dialler proved to it on a connection of its own.
  Handshake elsewhere = dialler(Role::peer, {}, 8), a = server(kNoOperators, 7);
  const auto greeting = a.greeting();
  const auto said = elsewhere.receive(*Parsed(greeting).frame).value().send;
  REQUIRE(a.receive(*Parsed(said, 0).frame).ok());
  CHECK(a.receive(*Parsed(said, 1).frame).error() == Refusal::bad_proof);
}

TEST_CASE("net: a reflected proof is refused") {
  // A server without the key of its Hello returns the dialler's own Proof in place of one.
  Handshake b = dialler();
  const auto greeting = server().greeting();
  const auto said = b.receive(*Parsed(greeting).frame).value().send;
  CHECK(b.receive(*Parsed(said, 1).frame).error() == Refusal::bad_proof);
}

TEST_CASE("net: a role swapped after the proof was made is refused") {
  const Operators all{.view = {bob().public_key()}, .operate = {bob().public_key()}};
  Handshake a = server(all), b = dialler(Role::view);
  const auto greeting = a.greeting();
  const auto said = b.receive(*Parsed(greeting).frame).value().send;
  const Parsed honest(said, 0);
  Hello swapped = *net::decode_hello(honest.frame->payload);
  swapped.role = Role::operate;
  REQUIRE(a.receive(*Parsed(hello_frame(swapped)).frame).ok());
  CHECK(a.receive(*Parsed(said, 1).frame).error() == Refusal::bad_proof);
}

TEST_CASE("net: a key is not proven by the signature of another key") {
  Handshake a = server(), b = dialler();
  const auto greeting = a.greeting();
  const auto said = b.receive(*Parsed(greeting).frame).value().send;
  REQUIRE(a.receive(*Parsed(hello_frame(hello_of(identity(3)))).frame).ok());
  CHECK(a.receive(*Parsed(said, 1).frame).error() == Refusal::bad_proof);
}

TEST_CASE("net: frames at the wrong moment are refused") {
  const auto greeting = server().greeting();
  const auto said = dialler().receive(*Parsed(greeting).frame).value().send;

  SUBCASE("a proof before the hello") {
    Handshake a = server();
    CHECK(a.receive(*Parsed(said, 1).frame).error() == Refusal::out_of_order);
  }
  SUBCASE("a second hello") {
    Handshake a = server();
    REQUIRE(a.receive(*Parsed(said, 0).frame).ok());
    CHECK(a.receive(*Parsed(said, 0).frame).error() == Refusal::out_of_order);
  }
  SUBCASE("any other frame") {
    for (int type = 1; type <= static_cast<int>(FrameType::close); ++type) {
      if (type == static_cast<int>(FrameType::hello)) continue;
      Handshake a = server();
      const auto bytes = frame_bytes(static_cast<FrameType>(type), 0, {});
      CHECK(a.receive(*Parsed(bytes).frame).error() == Refusal::out_of_order);
    }
  }
  SUBCASE("anything after the end") {
    Handshake a = server();
    REQUIRE(a.receive(*Parsed(said, 0).frame).ok());
    REQUIRE(a.receive(*Parsed(said, 1).frame).value().ready.has_value());
    CHECK(a.receive(*Parsed(said, 1).frame).error() == Refusal::out_of_order);
  }
}

TEST_CASE("net: a hello that says nothing sensible is malformed") {
  const auto answer_to = [](const base::Bytes& frame) {
    Handshake a = server();
    return a.receive(*Parsed(frame).frame).error();
  };
  Hello hello = hello_of(bob());

  SUBCASE("no payload") {
    CHECK(answer_to(frame_bytes(FrameType::hello, net::hello_kind(), {})) == Refusal::malformed);
  }
  SUBCASE("an empty range of versions") {
    hello.versions = {2, 1};
    CHECK(answer_to(hello_frame(hello)) == Refusal::malformed);
  }
  SUBCASE("the role of an actor inside") {
    hello.role = Role::inside;
    CHECK(answer_to(hello_frame(hello)) == Refusal::malformed);
  }
  SUBCASE("another kind") {
    CHECK(answer_to(frame_bytes(FrameType::hello, net::proof_kind(), encode(hello))) == Refusal::malformed);
  }
  SUBCASE("a path or a correlation") {
    base::Bytes out;
    net::write_frame(out, {.type = FrameType::hello, .lane = messages::Lane::control, .kind = net::hello_kind()}, "/a",
                     encode(hello));
    CHECK(answer_to(out) == Refusal::malformed);
    out.clear();
    net::write_frame(
        out, {.type = FrameType::hello, .lane = messages::Lane::control, .correlation = 1, .kind = net::hello_kind()},
        "", encode(hello));
    CHECK(answer_to(out) == Refusal::malformed);
  }
  SUBCASE("a proof that is none") {
    Handshake a = server();
    REQUIRE(a.receive(*Parsed(hello_frame(hello)).frame).ok());
    const auto bytes = frame_bytes(FrameType::proof, net::proof_kind(), base::Bytes(16, 0xff));
    CHECK(a.receive(*Parsed(bytes).frame).error() == Refusal::malformed);
  }
}

TEST_CASE("net: a hello of 1 KiB passes, and one of a word more is refused") {
  // A newer Hello may have more fields: words after the known ones, which belong to no pointer.
  const auto padded = [](std::size_t frame_total) {
    auto payload = encode(hello_of(bob()));
    payload.resize(frame_total - net::kFrameHeaderBytes);
    const auto words = static_cast<std::uint32_t>(payload.size() / 8 - 1);
    std::memcpy(payload.data() + 4, &words, 4);
    return frame_bytes(FrameType::hello, net::hello_kind(), payload);
  };
  Handshake good = server();
  CHECK(good.receive(*Parsed(padded(1024)).frame).ok());
  Handshake bad = server();
  CHECK(bad.receive(*Parsed(padded(1032)).frame).error() == Refusal::too_long);

  FrameReader reader(net::kHandshakeFrameBytesMax);
  reader.append(base::ByteView(padded(1032)).first(4));
  const auto next = reader.next();
  REQUIRE_FALSE(next.ok());
  CHECK(net::refusal_of(next.error()) == Refusal::too_long);
  CHECK(net::refusal_of(net::FrameError::reserved) == Refusal::malformed);
}

TEST_CASE("net: a hello is the same after it was written and read") {
  const bool held = rc::check([] {
    Hello hello;
    for (auto& byte : hello.key.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
    for (auto& byte : hello.schema.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
    hello.nonce = *rc::gen::arbitrary<std::uint32_t>();
    hello.versions.min = *rc::gen::inRange<std::uint16_t>(0, 1000);
    hello.versions.max = *rc::gen::inRange<std::uint16_t>(1000, 2000);
    hello.role = *rc::gen::element(Role::peer, Role::view, Role::operate);
    hello.start = *rc::gen::arbitrary<std::uint64_t>();
    RC_ASSERT(net::decode_hello(encode(hello)) == hello);
  });
  CHECK(held);
}

TEST_CASE("net: a handshake with any payload byte changed never ends with both sides ready") {
  for (int victim = 0; victim < 4; ++victim) {
    for (std::size_t at = 0; at < 128; ++at) {
      Handshake a = server(), b = dialler();
      int frames = 0;
      const auto damaged = [&](base::Bytes bytes) {
        if (frames++ == victim) bytes[net::kFrameHeaderBytes + at] ^= 0x11;
        return Parsed(bytes);
      };
      const auto split = [](const base::Bytes& both, int index) {
        const std::size_t first = 4 + (both[0] | std::size_t{both[1]} << 8);
        return index == 0 ? base::Bytes(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(first))
                          : base::Bytes(both.begin() + static_cast<std::ptrdiff_t>(first), both.end());
      };
      const std::size_t payload_bytes =
          victim < 2 ? encode(Hello{}).size() : net::encode_proof(crypto::Signature{}).size();
      if (at >= payload_bytes) break;

      const auto said = b.receive(*damaged(a.greeting()).frame);
      if (!said.ok()) continue;
      if (!a.receive(*damaged(split(said.value().send, 0)).frame).ok()) continue;
      const auto proven = a.receive(*damaged(split(said.value().send, 1)).frame);
      if (!proven.ok()) continue;
      REQUIRE(proven.value().ready.has_value());
      const auto end = b.receive(*damaged(proven.value().send).frame);
      CHECK_FALSE(end.ok());
    }
  }
}
