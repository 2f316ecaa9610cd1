#include "runtime/net/logic/datagram.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>

#include "runtime/base/ensure.hpp"
#include "runtime/base/random.hpp"

using namespace troupe;
using net::Answer;
using net::AnswerHead;
using net::AnswerType;
using net::CookieReply;
using net::DatagramError;
using net::Question;
using net::QuestionHead;

namespace {

constexpr std::size_t kRoom = net::kDatagramBytesMax + 8;

/// A datagram that starts at a multiple of 8, as those of a socket do.
struct Datagram {
  alignas(8) std::array<std::uint8_t, kRoom> room{};
  std::size_t size = 0;

  std::span<std::uint8_t> bytes() { return std::span(room).first(size); }
  base::ByteView view() const { return base::ByteView(room).first(size); }
  std::string hex() const { return base::hex(view()); }
};

/// What is sealed, with bytes of its own.
struct OwnedQuestion {
  QuestionHead head;
  Question question;
  std::string path;
  base::Bytes words;

  Question view() const {
    Question out = question;
    out.path = path;
    out.words = words;
    return out;
  }
};

bool same(const Question& a, const Question& b) {
  return a.kind == b.kind && a.remaining_us == b.remaining_us && a.trace_id == b.trace_id &&
         a.parent_span == b.parent_span && a.path == b.path && std::ranges::equal(a.words, b.words);
}
bool same(const Answer& a, const Answer& b) {
  return a.type == b.type && a.kind == b.kind && std::ranges::equal(a.words, b.words);
}

template <class T>
T filled(std::uint8_t first) {
  T out;
  for (std::size_t i = 0; i < T::kBytes; ++i) out.bytes[i] = static_cast<std::uint8_t>(first + i);
  return out;
}

struct Keys {
  crypto::SealingKey seal;
  crypto::OpeningKey open;
};
Keys keys(std::uint8_t lowest) {
  Keys out;
  out.seal.bytes[0] = out.open.bytes[0] = lowest;
  return out;
}

OwnedQuestion example() {
  return {{.sender = filled<base::PublicKey>(0x40),
           .work_nonce = 0x01020304,
           .token = filled<net::Token>(0x10),
           .cookie = filled<net::Cookie>(0x20),
           .nonce = filled<crypto::SealNonce>(0x80)},
          {.kind = 0x1112131415161718,
           .remaining_us = 2'000'000,
           .trace_id = 0x2122232425262728,
           .parent_span = 0x31323334},
          "/dht/find",
          {1, 2, 3, 4, 5, 6, 7, 8}};
}

AnswerHead example_answer_head() { return {0x01020304, filled<net::Token>(0x10), filled<crypto::SealNonce>(0x80)}; }

Datagram unsealed(const OwnedQuestion& from) {
  Datagram out;
  out.size = net::unsealed::write_question(out.room, from.head, from.view());
  return out;
}
Datagram unsealed(const AnswerHead& head, const Answer& answer) {
  Datagram out;
  out.size = net::unsealed::write_answer(out.room, head, answer);
  return out;
}
Datagram sealed(const OwnedQuestion& from, const Keys& with) {
  crypto::Sealer sealer;
  Datagram out;
  out.size = net::seal_question(out.room, sealer, with.seal, from.head, from.view());
  return out;
}
Datagram sealed(const AnswerHead& head, const Answer& answer, const Keys& with) {
  crypto::Sealer sealer;
  Datagram out;
  out.size = net::seal_answer(out.room, sealer, with.seal, head, answer);
  return out;
}

template <class T>
T any_bytes() {
  T out;
  for (auto& byte : out.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  return out;
}

base::Bytes any_words(std::size_t bytes_max) {
  base::Bytes out(8 * *rc::gen::inRange<std::size_t>(0, bytes_max / 8 + 1));
  base::Random random(*rc::gen::arbitrary<std::uint64_t>());
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random.next());
  return out;
}

OwnedQuestion any_question() {
  OwnedQuestion out;
  out.head = {any_bytes<base::PublicKey>(), *rc::gen::arbitrary<std::uint32_t>(), any_bytes<net::Token>(),
              any_bytes<net::Cookie>(), any_bytes<crypto::SealNonce>()};
  out.question.kind = *rc::gen::arbitrary<std::uint64_t>();
  out.question.remaining_us = *rc::gen::arbitrary<std::uint64_t>();
  out.question.trace_id = *rc::gen::arbitrary<std::uint64_t>();
  out.question.parent_span = *rc::gen::arbitrary<std::uint32_t>();
  out.path = std::string(*rc::gen::inRange<std::size_t>(0, 256), 'x');
  out.words = any_words(net::question_words_bytes_max(out.path.size()));
  return out;
}

std::optional<DatagramError> error_of(base::ByteView bytes) {
  const auto head = net::read_head(bytes);
  if (head.ok()) return std::nullopt;
  return head.error();
}

template <class T, class E>
std::optional<E> error_in(const base::Result<T, E>& result) {
  if (result.ok()) return std::nullopt;
  return result.error();
}

/// `from` with one byte changed.
Datagram with(Datagram from, std::size_t at, int byte) {
  from.room[at] = static_cast<std::uint8_t>(byte);
  return from;
}

}  // namespace

TEST_CASE("net: the bytes of datagrams are golden") {
  CHECK(unsealed(example()).hex() ==
        "11000000040302011011121314151617"
        "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
        "202122232425262728292a2b2c2d2e2f808182838485868788898a8b8c8d8e8f9091929394959697"
        "181716151413121180841e0000000000282726252423222134333231"
        "090000002f6468742f66696e6400000000000000010203040506070800000000000000000000000000000000");
  const base::Bytes words{1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(unsealed(example_answer_head(), {AnswerType::error, 0x1112131415161718, words}).hex() ==
        "12000000040302011011121314151617808182838485868788898a8b8c8d8e8f9091929394959697"
        "18171615141312110200000000000000010203040506070800000000000000000000000000000000");
  Datagram cookie;
  cookie.size = net::write_cookie(cookie.room, {filled<net::Token>(0x10), filled<net::Cookie>(0x20)});
  CHECK(cookie.hex() == "13000000000000001011121314151617202122232425262728292a2b2c2d2e2f");
}

TEST_CASE("net: a sealed question is golden, and opens at words where they may be read") {
  // By Python's package cryptography, which has ChaCha20Poly1305, and HChaCha20 typed from the draft's section 2.2.
  Datagram datagram = sealed(example(), keys(7));
  CHECK(datagram.hex().substr(2 * net::kQuestionHeadBytes) ==
        "806314a9fa5fad9a41ace51a3d0bea2c07739381b7cd8883fa19bd265cee5d52"
        "c63818c5d0a44ebb1b3a82524b5435760fa83b4eb297b76d1679e74cab65dfba"
        "7e161dcd81043183");
  crypto::Sealer sealer;
  const auto opened = net::open_question(datagram.bytes(), sealer, keys(7).open);
  REQUIRE(opened.ok());
  CHECK(same(opened.value(), example().view()));
  CHECK(reinterpret_cast<std::uintptr_t>(opened.value().words.data()) % 8 == 0);
}

TEST_CASE("net: datagrams of 0, 1, 1400 and 1401 bytes are read or refused by their size first") {
  CHECK(error_of({}) == DatagramError::too_short);
  for (const int first : {0x11, 0x12, 0x13}) {
    CHECK(error_of(base::Bytes(1, static_cast<std::uint8_t>(first))) == DatagramError::too_short);
    CHECK(error_of(base::Bytes(1401, static_cast<std::uint8_t>(first))) == DatagramError::too_long);
  }
  CHECK(error_of(base::Bytes(1)) == DatagramError::unknown_version);
  OwnedQuestion largest = example();
  largest.path.clear();
  largest.words.resize(net::question_words_bytes_max(0));
  CHECK(unsealed(largest).size == 1400);
  CHECK_FALSE(error_of(unsealed(largest).view()).has_value());
  CHECK(error_of(base::ByteView(unsealed(largest).room).first(1401)) == DatagramError::too_long);
  const base::Bytes words(net::kAnswerWordsBytesMax);
  CHECK(unsealed(example_answer_head(), {AnswerType::answer, 1, words}).size == 1400);
}

TEST_CASE("net: the sizes that fit are those that are said") {
  CHECK(net::question_words_bytes_max(0) == 1264);
  CHECK(net::question_words_bytes_max(1) == 1256);
  CHECK(net::question_words_bytes_max(8) == 1256);
  CHECK(net::question_words_bytes_max(9) == 1248);
  CHECK(net::question_words_bytes_max(255) == 1008);
  CHECK(net::kAnswerWordsBytesMax == 1328);
  for (const std::size_t path : {0, 1, 8, 9, 255}) {
    OwnedQuestion question = example();
    question.path = std::string(path, 'a');
    question.words.assign(net::question_words_bytes_max(path), 0xa5);
    CHECK(unsealed(question).size == net::kDatagramBytesMax);
    question.words.resize(question.words.size() + 8);
    CHECK_THROWS_AS(unsealed(question), base::InvariantBroken);
  }
  const base::Bytes too_many(net::kAnswerWordsBytesMax + 8);
  CHECK_THROWS_AS(unsealed(example_answer_head(), {AnswerType::answer, 1, too_many}), base::InvariantBroken);
}

TEST_CASE("net: a wrong datagram of our own is a broken invariant") {
  OwnedQuestion dots = example(), half = example();
  dots.path = "/..";
  half.words.resize(7);
  CHECK_THROWS_AS(unsealed(dots), base::InvariantBroken);
  CHECK_THROWS_AS(unsealed(half), base::InvariantBroken);
  const base::Bytes words(8);
  CHECK_THROWS_AS(unsealed(example_answer_head(), {AnswerType::too_large, 0, words}), base::InvariantBroken);
  CHECK_THROWS_AS(unsealed(example_answer_head(), {AnswerType::too_large, 1, {}}), base::InvariantBroken);
  base::Bytes narrow(net::kCookieReplyBytes - 1);
  CHECK_THROWS_AS(net::write_cookie(narrow, {}), base::InvariantBroken);
}

TEST_CASE("net: what a head must not have is refused before anything is opened") {
  const Datagram good = unsealed(example());
  REQUIRE_FALSE(error_of(good.view()).has_value());
  CHECK(error_of(with(good, 0, 0x21).view()) == DatagramError::unknown_version);
  CHECK(error_of(with(good, 0, 0x10).view()) == DatagramError::unknown_type);
  CHECK(error_of(with(good, 0, 0x14).view()) == DatagramError::unknown_type);
  for (std::size_t at = 1; at < 4; ++at) {
    CHECK(error_of(with(good, at, 1).view()) == DatagramError::reserved);
    CHECK(error_of(with(unsealed(example_answer_head(), {}), at, 0x80).view()) == DatagramError::reserved);
  }
  for (std::size_t at = 1; at < 8; ++at) {
    Datagram cookie;
    cookie.size = net::write_cookie(cookie.room, {});
    CHECK(error_of(with(cookie, at, 0x80).view()) == DatagramError::reserved);
  }
  CHECK(error_of(good.view().first(net::kQuestionBytesMin - 8)) == DatagramError::too_short);
  CHECK(error_of(good.view().first(good.size - 1)) == DatagramError::misaligned);
  const Datagram answer = unsealed(example_answer_head(), {});
  CHECK(answer.size == net::kAnswerBytesMin);
  CHECK(error_of(answer.view().first(answer.size - 8)) == DatagramError::too_short);
  CHECK(error_of(base::ByteView(answer.room).first(answer.size + 4)) == DatagramError::misaligned);
  Datagram cookie;
  cookie.size = net::write_cookie(cookie.room, {});
  CHECK(error_of(cookie.view().first(31)) == DatagramError::too_short);
  CHECK(error_of(base::ByteView(cookie.room).first(40)) == DatagramError::misaligned);
}

TEST_CASE("net: what was sealed wrong by its own sender is refused") {
  const Datagram good = unsealed(example());
  const auto error = [](const Datagram& datagram) { return error_in(net::unsealed::read_question(datagram.view())); };
  REQUIRE_FALSE(error(good).has_value());
  for (std::size_t at = 117; at < 120; ++at) CHECK(error(with(good, at, 1)) == DatagramError::reserved);
  CHECK(error(with(good, 116, 255)) == DatagramError::too_short);
  CHECK(error(with(good, 116, 7)) == DatagramError::reserved);  // the path's eighth byte fills up
  CHECK(error(with(good, 129, 1)) == DatagramError::reserved);  // behind the path
  CHECK(error(with(good, 120, '\n')) == DatagramError::bad_path);
  CHECK(error(with(with(good, 121, '.'), 122, '.')) == DatagramError::bad_path);

  const auto answer_error = [](const Datagram& datagram) {
    return error_in(net::unsealed::read_answer(datagram.view()));
  };
  const base::Bytes words(8);
  const Datagram answer = unsealed(example_answer_head(), {AnswerType::answer, 0, words});
  REQUIRE_FALSE(answer_error(answer).has_value());
  CHECK(answer_error(with(answer, 48, 0)) == DatagramError::unknown_type);
  CHECK(answer_error(with(answer, 48, 4)) == DatagramError::unknown_type);
  CHECK(answer_error(with(answer, 48, 3)) == DatagramError::reserved);  // too large, and yet with words
  CHECK(answer_error(with(unsealed(example_answer_head(), {AnswerType::too_large, 0, {}}), 40, 1)) ==
        DatagramError::reserved);
  for (std::size_t at = 49; at < 56; ++at) CHECK(answer_error(with(answer, at, 1)) == DatagramError::reserved);
  CHECK(answer_error(good) == DatagramError::unknown_type);
  CHECK(error(answer) == DatagramError::unknown_type);
}

TEST_CASE("net: no changed bit, cut or other key opens a datagram") {
  crypto::Sealer sealer;
  const base::Bytes words(16, 0xa5);
  const Datagram question = sealed(example(), keys(7));
  const Datagram answer = sealed(example_answer_head(), {AnswerType::answer, 5, words}, keys(7));
  const auto opens = [&](Datagram datagram, const Keys& by) {
    return net::open_question(datagram.bytes(), sealer, by.open).ok() ||
           net::open_answer(datagram.bytes(), sealer, by.open).ok();
  };
  for (const Datagram& good : {question, answer}) {
    REQUIRE(opens(good, keys(7)));
    CHECK_FALSE(opens(good, keys(8)));
    for (std::size_t bit = 0; bit < 8 * good.size; ++bit)
      REQUIRE_FALSE(opens(with(good, bit / 8, good.room[bit / 8] ^ 1 << bit % 8), keys(7)));
    for (std::size_t size = 0; size < good.room.size(); ++size) {
      Datagram cut = good;
      cut.size = size;
      REQUIRE(opens(cut, keys(7)) == (size == good.size));
    }
  }
}

TEST_CASE("net: a question does not open as an answer of the same key") {
  // Both directions of a talk use one key each, for the questions and the answers of a node alike.
  crypto::Sealer sealer;
  Datagram datagram = with(sealed(example(), keys(7)), 0, 0x12);
  std::fill_n(datagram.room.begin() + 1, 7, std::uint8_t{0});
  CHECK(error_in(net::open_answer(datagram.bytes(), sealer, keys(7).open)) == DatagramError::forged);
}

TEST_CASE("net: any datagram comes out as it went in") {
  crypto::Sealer sealer;
  const bool held = rc::check([&] {
    const OwnedQuestion question = any_question();
    Datagram datagram = sealed(question, keys(3));
    RC_ASSERT(datagram.size <= net::kDatagramBytesMax);
    RC_ASSERT(std::get<QuestionHead>(net::read_head(datagram.view()).value()) == question.head);
    RC_ASSERT(same(net::open_question(datagram.bytes(), sealer, keys(3).open).value(), question.view()));

    const AnswerHead head{*rc::gen::arbitrary<std::uint32_t>(), any_bytes<net::Token>(),
                          any_bytes<crypto::SealNonce>()};
    const base::Bytes words = any_words(net::kAnswerWordsBytesMax);
    Answer answer{static_cast<AnswerType>(*rc::gen::inRange(1, 4)), *rc::gen::arbitrary<std::uint64_t>(), words};
    if (answer.type == AnswerType::too_large) answer = {AnswerType::too_large, 0, {}};
    datagram = sealed(head, answer, keys(3));
    RC_ASSERT(datagram.size <= net::kDatagramBytesMax);
    RC_ASSERT(std::get<AnswerHead>(net::read_head(datagram.view()).value()) == head);
    RC_ASSERT(same(net::open_answer(datagram.bytes(), sealer, keys(3).open).value(), answer));

    const CookieReply reply{any_bytes<net::Token>(), any_bytes<net::Cookie>()};
    datagram.size = net::write_cookie(datagram.room, reply);
    RC_ASSERT(std::get<CookieReply>(net::read_head(datagram.view()).value()) == reply);
  });
  CHECK(held);
}

TEST_CASE("net: random bytes open as nothing, and their heads are errors or encode to just these bytes") {
  crypto::Sealer sealer;
  const bool held = rc::check([&] {
    Datagram datagram;
    base::Random random(*rc::gen::arbitrary<std::uint64_t>());
    datagram.size = *rc::gen::inRange<std::size_t>(0, kRoom + 1);
    for (auto& byte : datagram.bytes()) byte = static_cast<std::uint8_t>(random.next());
    if (*rc::gen::arbitrary<bool>()) {  // so that some heads are good
      if (datagram.size > 8) std::fill_n(datagram.room.begin() + 1, 7, std::uint8_t{0});
      if (datagram.size > 0) datagram.room[0] = static_cast<std::uint8_t>(0x10 + *rc::gen::inRange(1, 4));
    }
    if (const auto head = net::read_head(datagram.view()); head.ok()) {
      if (const auto* reply = std::get_if<CookieReply>(&head.value())) {
        Datagram again;
        again.size = net::write_cookie(again.room, *reply);
        RC_ASSERT(std::ranges::equal(again.view(), datagram.view()));
      }
    }
    RC_ASSERT(!net::open_question(datagram.bytes(), sealer, keys(3).open).ok());
    RC_ASSERT(!net::open_answer(datagram.bytes(), sealer, keys(3).open).ok());
  });
  CHECK(held);
}

TEST_CASE("net: changed bytes behind a seal are an error, or a datagram that encodes to just these bytes") {
  const bool held = rc::check([] {
    Datagram datagram = unsealed(any_question());
    for (int change = *rc::gen::inRange(1, 5); change > 0; --change)
      datagram.room[*rc::gen::inRange<std::size_t>(0, 140)] = *rc::gen::arbitrary<std::uint8_t>();
    std::ranges::fill(datagram.bytes().last(crypto::kSealTagBytes), std::uint8_t{0});
    Datagram again;
    if (const auto question = net::unsealed::read_question(datagram.view()); question.ok()) {
      const auto head = std::get<QuestionHead>(net::read_head(datagram.view()).value());
      again.size = net::unsealed::write_question(again.room, head, question.value());
    } else if (const auto answer = net::unsealed::read_answer(datagram.view()); answer.ok()) {
      const auto head = std::get<AnswerHead>(net::read_head(datagram.view()).value());
      again.size = net::unsealed::write_answer(again.room, head, answer.value());
    } else {
      return;
    }
    RC_ASSERT(std::ranges::equal(again.view(), datagram.view()));
  });
  CHECK(held);
}
