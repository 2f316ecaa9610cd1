#include "actors/escrow/logic/agreement.hpp"

#include <rapidcheck.h>

#include "runtime/crypto/hash.hpp"
#include "tests/actors/escrow/one_escrow.hpp"

using namespace troupe;
using namespace troupe::escrow;

TEST_CASE("escrow: the id of an agreement, its account and the bytes of an act never change") {
  Agreement made = agreement(100, 15, {Amount::of(40), Amount::of(60)});
  made.cid = cid(7);
  for (std::uint8_t i = 0; i < 16; ++i) made.nonce[i] = i;
  // Computed by a program in Python that shares no code with this one.
  const EscrowId id = id_of(made);
  CHECK(id.hex() == "3086cd6a0b6f5ec1238a68297781af6026be4110c9107d632dee7edd3d3daf93");
  CHECK(account_of(id).hex() == "1c6a93b13664eaf02568923193c44689835a385244fd1e9d3f054d54829e6f83");
  CHECK(crypto::sha256(encode(Act{id, kBuyer, 3, Accept{std::nullopt, 2}})).hex() ==
        "62758aa5e9699563a565c48d5b1a3598306ad46a3b4c279813718c7151436eff");
  CHECK(decode_agreement(encode(made)) == made);
}

TEST_CASE("escrow: an agreement names two parties and a fund, amounts that can be paid, and times within limits") {
  const auto flaw = [](auto change) {
    Agreement made = agreement(100, 15, {Amount::of(40), Amount::of(60)});
    change(made);
    const auto checked = check(made, kBegin);
    return checked.ok() ? std::nullopt : std::optional(checked.error());
  };
  CHECK(flaw([](Agreement&) {}) == std::nullopt);
  CHECK(flaw([](Agreement& it) { it.provider = it.buyer; }) == AgreementError::parties);
  CHECK(flaw([](Agreement& it) { it.fund = it.buyer; }) == AgreementError::parties);
  CHECK(flaw([](Agreement& it) { it.price = {}; }) == AgreementError::amount);
  CHECK(flaw([](Agreement& it) { it.bond = Amount::of(Amount::kMax); }) == AgreementError::amount);
  CHECK(flaw([](Agreement& it) { it.milestones.pop_back(); }) == AgreementError::milestones);
  CHECK(flaw([](Agreement& it) { it.milestones = {Amount::of(100), Amount()}; }) == AgreementError::milestones);
  CHECK(flaw([](Agreement& it) {
          it.milestones = {Amount::of(Amount::kMax), Amount::of(Amount::kMax)};
        }) == AgreementError::milestones);
  CHECK(flaw([](Agreement& it) {
          it.milestones.assign(16, Amount::of(1));
          it.price = Amount::of(16);
        }) == std::nullopt);
  CHECK(flaw([](Agreement& it) {
          it.milestones.assign(17, Amount::of(1));
          it.price = Amount::of(17);
        }) == AgreementError::milestones);
  CHECK(flaw([](Agreement& it) { it.terms.start = {Due::Kind::after, kSpanMin}; }) == std::nullopt);
  CHECK(flaw([](Agreement& it) {
          it.terms.start = {Due::Kind::after, kSpanMin - UnixMs(1)};
        }) == AgreementError::times);
  CHECK(flaw([](Agreement& it) { it.terms.start = {Due::Kind::at, kBegin}; }) == AgreementError::times);
  CHECK(flaw([](Agreement& it) { it.terms.start = {Due::Kind::at, kBegin + kSpanMax}; }) == std::nullopt);
  CHECK(flaw([](Agreement& it) {
          it.terms.start = {Due::Kind::at, kBegin + kSpanMax + UnixMs(1)};
        }) == AgreementError::times);
  CHECK(flaw([](Agreement& it) { it.terms.mediation = kSpanMax + UnixMs(1); }) == AgreementError::times);
  CHECK(flaw([](Agreement& it) { it.terms.grace = UnixMs(0); }) == std::nullopt);
}

TEST_CASE("escrow: bytes that are taken as an agreement are what it encodes to (property)") {
  Agreement made = agreement(100, 15, {Amount::of(40), Amount::of(60)});
  made.cid = cid(7);
  const base::Bytes good = encode(made);
  for (std::size_t n = 0; n < good.size(); ++n) CHECK_FALSE(decode_agreement(base::ByteView(good).first(n)));
  rc::check([&](const std::vector<std::pair<std::uint16_t, std::uint8_t>>& changes, std::uint8_t cut) {
    base::Bytes bytes = good;
    for (const auto& [at, byte] : changes) bytes[at % bytes.size()] = byte;
    bytes.resize(bytes.size() - cut % 3);
    if (const auto read = decode_agreement(bytes)) RC_ASSERT(encode(*read) == bytes);
  });
}
