#include <rapidcheck.h>

#include "runtime/crypto/hash.hpp"
#include "tests/actors/escrow/one_escrow.hpp"

using namespace troupe;
using namespace troupe::escrow;

namespace {

EscrowId escrow_of(std::uint8_t number) {
  EscrowId out;
  out.bytes.fill(number);
  return out;
}
base::Digest digest_of(std::uint8_t number) {
  base::Digest out;
  out.bytes.fill(number);
  return out;
}

/// An act of each kind, and of each form of a kind.
std::vector<Act> one_of_each() {
  std::vector<Act> out;
  const Extend date{Extended::review, {Due::Kind::at, UnixMs(1'800'000'000'000)}};
  const Extend span{Extended::start, {Due::Kind::after, kHour}};
  for (What what : std::initializer_list<What>{
           Sign{commitment_of(secret_of(Party::buyer))}, Fund{{{1}}, Amount::of(115)}, Start{}, Deliver{cid(7)},
           Accept{digest_of(8), 0}, Accept{std::nullopt, 16}, Progress{Amount::of(Amount::kMax)},
           Dispute{secret_of(Party::buyer)}, Cancel{}, date, span, Propose{Amount::of(90)},
           Propose{Amount(), secret_of(Party::provider)}, Agree{digest_of(9)},
           Agree{digest_of(9), secret_of(Party::buyer)}, Rule{Amount::of(70)}})
    out.push_back({escrow_of(5), kBuyer, out.size() + 1, std::move(what)});
  return out;
}

}  // namespace

TEST_CASE("escrow act: the bytes of each kind never change, and are read as the same act") {
  // Computed by a program in Python that shares no code with this one: the first 16 digits of their SHA-256.
  constexpr std::string_view kGolden[] = {
      "6d7e53d5aabf83b6", "8c3b4bc7e839e1c5", "613dadafaaeef924", "5a5420be43d35d17",
      "20611e7350590240", "df1786d73d047a8a", "47a2cd09fca6b12f", "9d785a031ed9b49d",
      "6ebeef60c11c4113", "289fa0933a12a525", "7e43d98e387a2d6d", "9c909fa00e8c0e10",
      "9de007e5ca15e2e3", "99584db8fa112015", "4956add8045fe4e0", "506207abad609a45"};
  const auto acts = one_of_each();
  REQUIRE(acts.size() == std::size(kGolden));
  for (std::size_t i = 0; i < acts.size(); ++i) {
    const base::Bytes bytes = encode(acts[i]);
    CAPTURE(i);
    CHECK(crypto::sha256(bytes).hex().substr(0, 16) == kGolden[i]);
    const auto read = decode_act(bytes);
    REQUIRE(read);
    CHECK(read->escrow == acts[i].escrow);
    CHECK(read->by == acts[i].by);
    CHECK(read->number == acts[i].number);
    CHECK(read->what.index() == acts[i].what.index());
    CHECK(encode(*read) == bytes);
  }
}

TEST_CASE("escrow act: bytes that are cut, go on, or are out of range are no act") {
  for (const Act& act : one_of_each()) {
    base::Bytes bytes = encode(act);
    for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_FALSE(decode_act(base::ByteView(bytes).first(n)));
    bytes.push_back(0);
    CHECK_FALSE(decode_act(bytes));
  }
  constexpr std::size_t kKind = 20 + 32 + 32 + 8;
  const auto with = [](What what, std::size_t at, std::uint8_t byte) {
    base::Bytes bytes = encode(Act{escrow_of(5), kBuyer, 1, std::move(what)});
    bytes.at(at) = byte;
    return decode_act(bytes).has_value();
  };
  CHECK(with(Cancel{}, kKind, 7));
  CHECK_FALSE(with(Cancel{}, kKind, 12));                           // no such kind
  CHECK_FALSE(with(Cancel{}, 19, '2'));                             // another version
  CHECK(with(Rule{}, kKind + 8, 0x7f));                             // an amount just below 2^63
  CHECK_FALSE(with(Rule{}, kKind + 8, 0x80));                       // and one above
  CHECK(with(Extend{}, kKind + 1, 2));                              // the last state that can be extended
  CHECK_FALSE(with(Extend{}, kKind + 1, 3));                        //
  CHECK_FALSE(with(Extend{}, kKind + 2, 2));                        // neither a span nor a date
  CHECK_FALSE(with(Accept{digest_of(8), 0}, kKind + 2, 2));         // neither there nor missing
  CHECK_FALSE(with(Agree{digest_of(9), Reveal{}}, kKind + 33, 0));  // said to be missing, but there
  CHECK_FALSE(decode_act(base::Bytes(kActBytesMax + 1)));
}

TEST_CASE("escrow act: bytes that are taken as an act are what it encodes to (property)") {
  const auto acts = one_of_each();
  rc::check([&](std::uint8_t which, const std::vector<std::pair<std::uint16_t, std::uint8_t>>& changes,
                const base::Bytes& tail) {
    base::Bytes bytes = encode(acts[which % acts.size()]);
    for (const auto& [at, byte] : changes) bytes[at % bytes.size()] = byte;
    bytes.insert(bytes.end(), tail.begin(), tail.end());
    if (const auto read = decode_act(bytes)) RC_ASSERT(encode(*read) == bytes);
  });
  rc::check([&](const base::Bytes& bytes) { RC_ASSERT(!decode_act(bytes)); });
}
