#include "runtime/observe/decode.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include <cstring>

#include "messages/bench.capnp.h"
#include "messages/common.capnp.h"
#include "messages/contact.hpp"
#include "messages/files.capnp.h"
#include "messages/links.capnp.h"
#include "messages/peers.capnp.h"
#include "messages/schemas.hpp"
#include "runtime/base/text.hpp"
#include "runtime/crypto/identity.hpp"
#include "tests/runtime/observe/schema_by_hand.hpp"

using namespace troupe;
using namespace troupe::observe;
using capnp::schema::Type;

namespace {

constexpr std::size_t kLineBytes = 10'000;

/// A decoder that learnt what comes with the kind `T`, and nothing else.
template <class T>
Decoder decoder_of() {
  Decoder decoder;
  for (const auto* schema : messages::schemas_of(T::_capnpPrivate::typeId)) REQUIRE(decoder.learn(schema->node).ok());
  return decoder;
}

template <class T, class Fill>
std::string line_of(Fill fill, std::size_t bytes_max = kLineBytes) {
  const std::string line = decoder_of<T>().line(T::_capnpPrivate::typeId, flat_message<T>(fill), bytes_max);
  CHECK(base::is_plain(line));
  CHECK(line.size() <= bytes_max);
  return line;
}

capnp::Data::Reader bytes_of(const base::Bytes& bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

TEST_CASE("decode: numbers, text and data are named; what has its default value is left out") {
  using Error = messages::wire::Error;
  CHECK(line_of<Error>([](Error::Builder error) {
          error.setCode(4);
          error.setMessage("held by \"a\"");
          error.setRetryAfterMs(250);
        }) == R"(code=4 message="held by \"a\"" retryAfterMs=250)");
  CHECK(line_of<Error>([](Error::Builder error) { error.setMessage(""); }) == R"(message="")");
  CHECK(line_of<Error>([](Error::Builder) {}) == "");
}

TEST_CASE("decode: data is hexadecimal with its length, cut after 20 bytes") {
  using Parcel = bench::wire::Parcel;
  const auto line = [](std::size_t bytes) {
    return line_of<Parcel>([&](Parcel::Builder parcel) { parcel.setData(bytes_of(base::Bytes(bytes, 0xab))); });
  };
  std::string twenty;
  for (int i = 0; i < 20; ++i) twenty += "ab";
  CHECK(line(0) == "data=(0 B)");
  CHECK(line(2) == "data=abab (2 B)");
  CHECK(line(20) == "data=" + twenty + " (20 B)");
  CHECK(line(21) == "data=" + twenty + "… (21 B)");
}

TEST_CASE("decode: a list shows four elements and how many are left; enumerants have their names") {
  using HasContents = files::wire::HasContents;
  const auto line = [](unsigned elements) {
    return line_of<HasContents>([&](HasContents::Builder has) {
      auto contents = has.initContents(elements);
      for (unsigned i = 0; i < elements; ++i) contents[i].setBytes(i);
      if (elements > 1) contents[1].setKind(files::wire::ContentKind::CHUNK);
    });
  };
  CHECK(line(0) == "contents=[]");
  CHECK(line(4) == "contents=[{} {bytes=1 kind=chunk} {bytes=2} {bytes=3}]");
  CHECK(line(5) == "contents=[{} {bytes=1 kind=chunk} {bytes=2} {bytes=3} …+1]");
  CHECK(line(1024).ends_with(" …+1020]"));
  using Has = files::wire::Has;
  CHECK(line_of<Has>([](Has::Builder has) { has.initPresent(6).set(1, true); }) ==
        "present=[false true false false …+2]");
}

TEST_CASE("decode: a contact is the id and the address of a node, as a person would type them") {
  base::Contact contact;
  contact.key.bytes.fill(7);
  contact.nonce = 11;
  contact.endpoint = *base::Endpoint::parse("127.0.0.1:4001");
  const std::string line = line_of<peers::wire::Ping>(
      [&](peers::wire::Ping::Builder ping) { messages::write_contact(ping.initSelf(), contact); });
  CHECK(line == "self=" + crypto::node_id(contact.key, 11).hex() + "@127.0.0.1:4001");
}

TEST_CASE("decode: of a union the member in use is shown, also with its default value, and Void by its name") {
  using FileRow = files::wire::FileRow;
  CHECK(line_of<FileRow>([](FileRow::Builder row) { row.getExpires().setNone(); }) == "expires={none}");
  CHECK(line_of<FileRow>([](FileRow::Builder row) { row.getExpires().setAt(0); }) == "expires={at=0}");
  CHECK(line_of<FileRow>([](FileRow::Builder row) {  // the order is the source's, where `replicasLive` is last
          row.setReplicasLive(3);
          row.getExpires().setAt(-7);
          row.setName("n");
          row.setAddedAt(5);
        }) == R"(name="n" expires={at=-7} addedAt=5 replicasLive=3)");
  using GetItem = files::wire::GetItem;
  CHECK(line_of<GetItem>([](GetItem::Builder item) { item.initStart().setPartBytes(9); }) == "start={partBytes=9}");
  CHECK(line_of<GetItem>([](GetItem::Builder item) { item.setPiece(bytes_of({1, 2})); }) == "piece=0102 (2 B)");
  using LinkMade = net::wire::LinkMade;
  CHECK(line_of<LinkMade>([](LinkMade::Builder made) {
          made.setSerial(3);
          made.getResult().initFailed().setCode(8);
        }) == "serial=3 result={failed={code=8}}");
}

TEST_CASE("decode: hostile text is quoted, escaped and cut, and says how long it was") {
  using LinkDown = net::wire::LinkDown;
  const auto reason = [](const std::string& text) {
    return line_of<LinkDown>([&](LinkDown::Builder down) { down.setReason(text); });
  };
  CHECK(reason("\x1b[31m\n\xe2\x80\xae") == R"(reason="\u001b[31m\u000a\u202e")");
  CHECK(reason("\xff\xc0") == "reason=\"\xef\xbf\xbd\xef\xbf\xbd\"");
  const std::string just(kTextShown, 'a');
  CHECK(reason(just) == "reason=\"" + just + '"');
  CHECK(reason(just + 'a') == "reason=\"" + just.substr(3) + "…\" (257 B)");
}

TEST_CASE("decode: a line is cut at a character's end, whatever its length") {
  using LinkDown = net::wire::LinkDown;
  const auto fill = [](LinkDown::Builder down) { down.setReason("äöü€😀 end"); };
  const std::string whole = line_of<LinkDown>(fill);
  for (std::size_t bytes = 0; bytes <= whole.size() + 1; ++bytes) {
    const std::string line = line_of<LinkDown>(fill, bytes);
    if (bytes >= whole.size()) CHECK(line == whole);
    else if (bytes >= 3) CHECK(line.ends_with("…"));
  }
  CHECK(decoder_of<LinkDown>().line(1, base::Bytes(48), 9) == "(unkno…");
}

TEST_CASE("decode: words of any alignment are read, and no more than the message") {
  using Error = messages::wire::Error;
  const auto words = flat_message<Error>([](Error::Builder error) { error.setMessage("here"); });
  const Decoder decoder = decoder_of<Error>();
  for (std::size_t shift = 0; shift < 8; ++shift) {
    base::Bytes shifted(shift + words.size());
    std::memcpy(shifted.data() + shift, words.data(), words.size());
    const base::ByteView view(shifted.data() + shift, words.size());
    CHECK(decoder.line(Error::_capnpPrivate::typeId, view, kLineBytes) == "message=\"here\"");
  }
}

TEST_CASE("decode: what is unknown, and what is no message, is said") {
  const Decoder decoder = decoder_of<bench::wire::Number>();
  const std::uint64_t number = bench::wire::Number::_capnpPrivate::typeId;
  const auto words = flat_message<bench::wire::Number>([](auto) {});
  CHECK(decoder.line(7, base::Bytes(48), kLineBytes) == "(unknown kind, 48 B)");
  CHECK(Decoder().line(number, words, kLineBytes) == "(unknown kind, 24 B)");
  CHECK(decoder.line(number, {}, kLineBytes) == "(no words)");
  CHECK(decoder.line(number, base::Bytes(23), kLineBytes) == "(broken: not whole words)");
  CHECK(decoder.line(number, base::Bytes(24, 0xff), kLineBytes).starts_with("(broken: "));
  CHECK(decoder.line(number, base::Bytes(8), kLineBytes).starts_with("(broken: "));  // a segment without a root
  // An enum is a type, but no kind.
  Decoder enums;
  REQUIRE(enums.learn(enum_node(9, {"one"})).ok());
  CHECK(enums.line(9, words, kLineBytes) == "(unknown kind, 24 B)");
}

TEST_CASE("decode: a broken field is said in its place, and the fields around it are read") {
  using LinkDown = net::wire::LinkDown;
  auto words = flat_message<LinkDown>([](LinkDown::Builder down) {
    down.setNode(bytes_of({1, 2, 3}));
    down.setReason("why");
    down.setHungUp(true);
  });
  // Table, root pointer and one word of data: then the two pointers. The first now leads far outside.
  words[24 + 2] = 0x7f;
  CHECK(decoder_of<LinkDown>().line(LinkDown::_capnpPrivate::typeId, words, kLineBytes) ==
        R"(node=(broken: Message contained out-of-bounds data pointer.) reason="why" hungUp=true)");
}

TEST_CASE("decode: a type that this program never had is read by its schema alone") {
  Decoder decoder;
  const auto state = enum_node(21, {"idle", "serving"});
  const auto row = struct_node(22, 1, 1, {{"a", Type::INT16}, {"b", Type::TEXT}, {"state", Type::ENUM, 1, 0xffff, 21}});
  const auto kind = struct_node(20, 3, 4,
                                {{"ratio", Type::FLOAT64},
                                 {"rows", Type::LIST, 0, 0xffff, 22},
                                 {"any", Type::ANY_POINTER, 1},
                                 {"service", Type::INTERFACE, 2, 0xffff, 23},
                                 {"one", Type::STRUCT, 3, 0xffff, 22},
                                 {"number", Type::UINT32, 2, 0},
                                 {"nothing", Type::VOID, 0, 1}},
                                [](capnp::schema::Node::Builder node) { node.getStruct().setDiscriminantOffset(8); });
  capnp::MallocMessageBuilder builder;
  auto root = builder.initRoot<capnp::AnyPointer>().initAsAnyStruct(3, 4);
  const double ratio = 0.25;
  std::memcpy(root.getDataSection().begin(), &ratio, sizeof(ratio));
  auto rows = root.getPointerSection()[0].initAsListOfAnyStruct(1, 1, 2);
  rows[0].getDataSection()[0] = 0xff;
  rows[0].getDataSection()[1] = 0xff;
  rows[0].getDataSection()[2] = 1;
  rows[1].getPointerSection()[0].setAs<capnp::Text>("x");
  rows[1].getDataSection()[2] = 2;
  for (const unsigned i : {1u, 2u, 3u}) root.getPointerSection()[i].initAsAnyStruct(1, 0);
  root.getPointerSection()[3].initAsAnyStruct(1, 1).getDataSection()[0] = 5;
  const auto line = [&] { return decoder.line(20, flat(builder), kLineBytes); };

  REQUIRE(decoder.learn(kind).ok());  // the types that it mentions come later, or never
  CHECK(line() == "ratio=0.25 rows=[? ?] any=? service=? one=? number=0");
  REQUIRE(decoder.learn(row).ok());
  CHECK(line() == R"(ratio=0.25 rows=[{a=-1 state=1} {b="x" state=2}] any=? service=? one={a=5} number=0)");
  REQUIRE(decoder.learn(state).ok());
  CHECK(line() == R"(ratio=0.25 rows=[{a=-1 state=serving} {b="x" state=2}] any=? service=? one={a=5} number=0)");
  root.getDataSection()[16] = 1;
  CHECK(line().ends_with("one={a=5} nothing"));
  root.getDataSection()[16] = 9;  // of a newer schema than the one learnt
  CHECK(line().ends_with("one={a=5} (unknown member 9)"));
}

TEST_CASE("decode: a message of another version is read as far as the schema that was learnt knows it") {
  Decoder decoder;
  REQUIRE(decoder.learn(struct_node(20, 2, 1, {{"a", Type::UINT64}, {"b", Type::UINT64, 1}, {"c", Type::TEXT}})).ok());
  capnp::MallocMessageBuilder older, newer;
  older.initRoot<capnp::AnyPointer>().initAsAnyStruct(1, 0).getDataSection()[0] = 3;
  newer.initRoot<capnp::AnyPointer>().initAsAnyStruct(3, 2).getDataSection()[8] = 4;
  CHECK(decoder.line(20, flat(older), kLineBytes) == "a=3");
  CHECK(decoder.line(20, flat(newer), kLineBytes) == "b=4");
}
