#include "runtime/net/logic/frame.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/base/ensure.hpp"

using namespace troupe;
using net::Frame;
using net::FrameError;
using net::FrameHeader;
using net::FrameReader;
using net::FrameType;

namespace {

constexpr std::uint32_t kLimit = net::frame_bytes_max(64 * 1024);

/// A frame that owns what it says.
struct Owned {
  FrameHeader header;
  std::string path;
  base::Bytes payload;
  friend bool operator==(const Owned&, const Owned&) = default;
};

Owned own(const Frame& frame) {
  return {frame.header, std::string(frame.path), {frame.payload.begin(), frame.payload.end()}};
}

base::Bytes encode(const Owned& frame) {
  base::Bytes out;
  net::write_frame(out, frame.header, frame.path, frame.payload);
  return out;
}

Owned example_frame() {
  return {{.type = FrameType::ask,
           .lane = messages::Lane::control,
           .correlation = 0x0102030405060708,
           .kind = 0x1112131415161718,
           .remaining_us = 2'000'000,
           .trace_id = 0x2122232425262728,
           .parent_span = 0x31323334},
          "/dht/bucket/17",
          {1, 2, 3, 4, 5, 6, 7, 8}};
}

/// The error that the first frame of `bytes` makes.
std::optional<FrameError> frame_error_of(const base::Bytes& bytes, std::uint32_t limit = kLimit) {
  FrameReader reader(limit);
  reader.append(bytes);
  const auto next = reader.next();
  if (next.ok()) return std::nullopt;
  return next.error();
}

/// A frame whose payload does not repeat itself soon.
Owned large(std::size_t payload_bytes) {
  Owned out = example_frame();
  out.payload.resize(payload_bytes);
  for (std::size_t i = 0; i < payload_bytes; ++i) out.payload[i] = static_cast<std::uint8_t>(i % 251);
  return out;
}

rc::Gen<Owned> any_frame() {
  return rc::gen::exec([] {
    Owned out;
    out.header.type = static_cast<FrameType>(*rc::gen::inRange(1, 17));
    out.header.lane = static_cast<messages::Lane>(*rc::gen::inRange(0, 2));
    out.header.correlation = *rc::gen::arbitrary<std::uint64_t>();
    if (out.header.type == FrameType::credit) {
      out.header.credit_items = *rc::gen::arbitrary<std::uint32_t>();
      out.header.credit_bytes = *rc::gen::arbitrary<std::uint32_t>();
    } else {
      out.header.kind = *rc::gen::arbitrary<std::uint64_t>();
    }
    out.header.remaining_us = *rc::gen::arbitrary<std::uint64_t>();
    out.header.trace_id = *rc::gen::arbitrary<std::uint64_t>();
    out.header.parent_span = *rc::gen::arbitrary<std::uint32_t>();
    out.path = std::string(*rc::gen::inRange<std::size_t>(0, 256), 'x');
    out.payload.resize(8 * *rc::gen::inRange<std::size_t>(0, 40), 0xa5);
    return out;
  });
}

}  // namespace

TEST_CASE("net: the bytes of a frame are golden") {
  const std::string expected =
      "44000000"
      "01"
      "01"
      "0e00"  // 68 bytes follow, ASK, control, 14 bytes of path
      "0807060504030201"
      "1817161514131211"
      "80841e0000000000"
      "2827262524232221"
      "34333231"
      "00000000"
      "2f6468742f6275636b65742f3137"
      "0000"
      "0102030405060708";
  CHECK(base::hex(encode(example_frame())) == expected);
}

TEST_CASE("net: a grant of credit lies where other frames have their kind") {
  const Owned credit{{.type = FrameType::credit, .correlation = 5, .credit_items = 2, .credit_bytes = 3}, "", {}};
  const auto bytes = encode(credit);
  CHECK(bytes.size() == net::kFrameHeaderBytes);
  CHECK(base::hex(base::ByteView(bytes).subspan(16, 8)) == "0200000003000000");
  FrameReader reader(kLimit);
  reader.append(bytes);
  CHECK(own(*reader.next().value()) == credit);
}

TEST_CASE("net: frames come out as they went in, wherever the stream is cut") {
  base::Bytes stream;
  std::vector<Owned> sent;
  for (const std::size_t path : {0, 1, 7, 8, 255}) {
    for (const std::size_t words : {0, 1, 5}) {
      Owned frame = example_frame();
      frame.path = std::string(path, 'a');
      frame.payload = base::Bytes(8 * words, static_cast<std::uint8_t>(path));
      const auto bytes = encode(frame);
      stream.insert(stream.end(), bytes.begin(), bytes.end());
      sent.push_back(frame);
    }
  }
  for (std::size_t piece = 1; piece <= stream.size(); piece += piece < 100 ? 1 : 97) {
    FrameReader reader(kLimit);
    std::vector<Owned> got;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.append(base::ByteView(stream).subspan(at, std::min(piece, stream.size() - at)));
      while (true) {
        const auto next = reader.next();
        REQUIRE(next.ok());
        if (!next.value()) break;
        REQUIRE(reinterpret_cast<std::uintptr_t>(next.value()->payload.data()) % 8 == 0);
        got.push_back(own(*next.value()));
      }
    }
    REQUIRE(got == sent);
    REQUIRE(reader.waiting_bytes() == 0);
  }
}

TEST_CASE("net: a stream cut in two at any byte gives the same frame") {
  const auto bytes = encode(example_frame());
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    FrameReader reader(kLimit);
    reader.append(base::ByteView(bytes).first(cut));
    const auto early = reader.next();
    REQUIRE(early.ok());
    if (cut < bytes.size()) {
      REQUIRE_FALSE(early.value().has_value());
      reader.append(base::ByteView(bytes).subspan(cut));
      REQUIRE(own(*reader.next().value()) == example_frame());
    }
  }
}

TEST_CASE("net: large frames come out as they went in, in pieces of every size, and small ones between them") {
  std::vector<Owned> sent;
  base::Bytes stream;
  for (const std::size_t bytes : {net::kRoomPayloadMin - 8, net::kRoomPayloadMin, std::size_t{8}, std::size_t{65'560},
                                  std::size_t{1'000'000}, std::size_t{0}, std::size_t{65'536}, std::size_t{65'536}}) {
    sent.push_back(large(bytes));
    const auto one = encode(sent.back());
    stream.insert(stream.end(), one.begin(), one.end());
  }
  for (const std::size_t piece : {251, 4'096, 16'384, 40'000, 262'144, 2'000'000}) {
    FrameReader reader(net::frame_bytes_max(1 << 20));
    std::vector<Owned> got;
    std::size_t rooms = 0;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.append(base::ByteView(stream).subspan(at, std::min(piece, stream.size() - at)));
      for (auto next = reader.next(); next.value(); next = reader.next()) {
        const Frame frame = *next.value();
        REQUIRE(reinterpret_cast<std::uintptr_t>(frame.payload.data()) % 8 == 0);
        got.push_back(own(frame));
        auto room = reader.take_room();
        if (!room) continue;
        ++rooms;
        REQUIRE(room->bytes().data() == frame.payload.data());
        REQUIRE(room->bytes().size() == frame.payload.size());
        REQUIRE_FALSE(reader.take_room().has_value());
      }
    }
    REQUIRE(got == sent);
    REQUIRE(reader.waiting_bytes() == 0);
    CHECK(rooms >= (piece <= 16'384 ? 4 : 0));  // of what came whole none was needed
    reader.release();
    REQUIRE(reader.held_bytes() == 0);
  }
}

TEST_CASE("net: what is set aside for a large payload follows what has come of it") {
  const auto bytes = encode(large(4'000'000));
  FrameReader reader(net::frame_bytes_max(messages::kBytesMaxLimit));
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t piece = std::min<std::size_t>(1'000, bytes.size() - at);
    REQUIRE_FALSE(reader.next().value().has_value());
    reader.append(base::ByteView(bytes).subspan(at, piece));
    at += piece;
    REQUIRE_FALSE((at < bytes.size() && reader.next().value().has_value()));
    REQUIRE(reader.held_bytes() <= net::kRoomGrowth * at + 2 * net::kRoomArrivedMin);
    REQUIRE(reader.waiting_bytes() == at);
  }
  CHECK(own(*reader.next().value()) == large(4'000'000));
}

TEST_CASE("net: a wrong head is refused before its large payload gets a room") {
  auto bytes = encode(large(100'000));
  bytes[5] = 2;  // a third lane
  FrameReader reader(net::frame_bytes_max(1 << 20));
  reader.append(base::ByteView(bytes).first(10'000));
  CHECK(reader.next().error() == FrameError::reserved);
  reader.append(base::ByteView(bytes).subspan(10'000));
  CHECK(reader.next().error() == FrameError::reserved);
  CHECK(reader.waiting_bytes() == 0);
}

TEST_CASE("net: a frame at its limit passes, and one beyond is refused by its first four bytes") {
  Owned frame = example_frame();
  frame.path = std::string(net::kPathBytesMax, 'p');
  frame.payload.resize(64 * 1024);
  const auto largest = encode(frame);
  CHECK_FALSE(frame_error_of(largest).has_value());
  CHECK(frame_error_of(largest, kLimit - 1) == FrameError::too_long);

  FrameReader reader(kLimit);
  reader.append(base::Bytes{0xff, 0xff, 0xff, 0xff});
  CHECK(reader.next().error() == FrameError::too_long);
  CHECK(reader.held_bytes() <= 8);
}

TEST_CASE("net: a frame that only announces its length holds nothing for it") {
  FrameReader reader(net::frame_bytes_max(messages::kBytesMaxLimit));
  const std::uint32_t announced = messages::kBytesMaxLimit + 44;
  base::Bytes start(4);
  std::memcpy(start.data(), &announced, 4);
  reader.append(start);
  REQUIRE(reader.next().ok());
  CHECK(reader.held_bytes() <= 8);
  reader.append(base::Bytes(1000));
  CHECK(reader.held_bytes() <= 2048);
}

TEST_CASE("net: the limit can be raised between two frames, once the other side is known") {
  Owned big = example_frame();
  big.payload.resize(4096);
  auto stream = encode(example_frame());
  const auto second = encode(big);
  stream.insert(stream.end(), second.begin(), second.end());
  FrameReader reader(net::kHandshakeFrameBytesMax);
  reader.append(stream);
  CHECK(own(*reader.next().value()) == example_frame());

  SUBCASE("raised in time") {
    reader.set_frame_bytes_max(kLimit);
    CHECK(own(*reader.next().value()) == big);
  }
  SUBCASE("not raised") { CHECK(reader.next().error() == FrameError::too_long); }
}

TEST_CASE("net: each way in which a frame is wrong has its error, for ever") {
  auto bytes = encode(example_frame());
  const auto with = [&](std::size_t at, std::uint8_t value) {
    auto out = bytes;
    out[at] = value;
    return out;
  };
  CHECK(frame_error_of(with(0, 40)) == FrameError::too_short);  // less than a header
  CHECK(frame_error_of(with(0, 45)) == FrameError::misaligned);
  CHECK(frame_error_of(with(4, 0)) == FrameError::unknown_type);
  CHECK(frame_error_of(with(4, 17)) == FrameError::unknown_type);
  CHECK(frame_error_of(with(5, 2)) == FrameError::reserved);  // a third lane
  CHECK(frame_error_of(with(44, 1)) == FrameError::reserved);
  CHECK(frame_error_of(with(47, 0x80)) == FrameError::reserved);
  CHECK(frame_error_of(with(62, 1)) == FrameError::reserved);    // behind the path
  CHECK(frame_error_of(with(6, 255)) == FrameError::too_short);  // a path longer than the frame
  CHECK(frame_error_of(with(7, 1)) == FrameError::bad_path);     // 270 bytes
  CHECK(frame_error_of(with(50, '\n')) == FrameError::bad_path);
  CHECK(frame_error_of(with(50, 0)) == FrameError::bad_path);
  CHECK(frame_error_of(with(50, 0x80)) == FrameError::bad_path);

  FrameReader reader(kLimit);
  reader.append(with(4, 0));
  CHECK(reader.next().error() == FrameError::unknown_type);
  reader.append(bytes);
  CHECK(reader.next().error() == FrameError::unknown_type);
  CHECK(reader.waiting_bytes() == 0);
}

TEST_CASE("net: a path is at most 255 bytes of printable ASCII without two dots in a row") {
  for (const char* good : {"", "/", "/dht/bucket/17", "/a.b", "/with space", "/~"}) CHECK(net::valid_path(good));
  for (const char* bad : {"..", "/..", "/a/../b", "/a..b", "\t", "/\x7f", "/\xc3\xa4"})
    CHECK_FALSE(net::valid_path(bad));
  CHECK(net::valid_path(std::string(255, 'a')));
  CHECK_FALSE(net::valid_path(std::string(256, 'a')));
}

TEST_CASE("net: a wrong frame of our own is a broken invariant") {
  base::Bytes out;
  CHECK_THROWS_AS(net::write_frame(out, {}, "..", {}), base::InvariantBroken);
  CHECK_THROWS_AS(net::write_frame(out, {}, "/a", base::Bytes(7)), base::InvariantBroken);
  CHECK(out.empty());
}

TEST_CASE("net: a reader of an idle link gives its memory back and loses nothing") {
  Owned big = example_frame();
  big.payload.resize(32 * 1024);
  const auto bytes = encode(big);
  FrameReader reader(kLimit);
  reader.append(bytes);
  REQUIRE(reader.next().value().has_value());
  reader.release();
  CHECK(reader.held_bytes() == 0);
  reader.append(base::ByteView(bytes).first(100));
  reader.release();
  CHECK(reader.held_bytes() == 104);
  reader.append(base::ByteView(bytes).subspan(100));
  CHECK(own(*reader.next().value()) == big);
}

TEST_CASE("net: any frames in any pieces come out as they went in") {
  const bool held = rc::check([] {
    const auto sent = *rc::gen::container<std::vector<Owned>>(any_frame());
    base::Bytes stream;
    for (const Owned& frame : sent) {
      const auto bytes = encode(frame);
      stream.insert(stream.end(), bytes.begin(), bytes.end());
    }
    FrameReader reader(kLimit);
    std::vector<Owned> got;
    for (std::size_t at = 0; at < stream.size();) {
      const auto piece = std::min(*rc::gen::inRange<std::size_t>(1, 700), stream.size() - at);
      reader.append(base::ByteView(stream).subspan(at, piece));
      at += piece;
      for (auto next = reader.next(); next.value(); next = reader.next()) got.push_back(own(*next.value()));
    }
    RC_ASSERT(got == sent);
  });
  CHECK(held);
}

TEST_CASE("net: changed bytes are an error, or a frame that encodes to just these bytes") {
  const bool held = rc::check([] {
    auto bytes = encode(*any_frame());
    for (int change = *rc::gen::inRange(1, 5); change > 0; --change)
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
    FrameReader reader(kLimit);
    reader.append(bytes);
    const auto next = reader.next();
    if (!next.ok() || !next.value()) return;
    const auto again = encode(own(*next.value()));
    RC_ASSERT(again.size() <= bytes.size());
    RC_ASSERT(std::equal(again.begin(), again.end(), bytes.begin()));
  });
  CHECK(held);
}
