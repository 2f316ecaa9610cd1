#include "actors/escrow/logic/agreement.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::escrow {
namespace {

constexpr std::string_view kAgreementMark = "troupe escrow v1";

bool span_ok(UnixMs span) { return span >= kSpanMin && span <= kSpanMax; }

bool due_ok(const Due& due, UnixMs now) {
  return due.kind == Due::Kind::after ? span_ok(due.value) : due.value >= now + kSpanMin && due.value <= now + kSpanMax;
}

void append_due(base::Bytes& out, const Due& due) {
  out.push_back(static_cast<std::uint8_t>(due.kind));
  base::append_number(out, due.value.count());
}

Due read_due(base::FieldReader& in) {
  const auto kind = in.number<std::uint8_t>();
  if (kind > 1) in.fail();
  return {static_cast<Due::Kind>(kind), UnixMs(in.number<std::uint64_t>())};
}

Amount read_amount(base::FieldReader& in) {
  const auto amount = Amount::from(in.number<std::uint64_t>());
  if (!amount) in.fail();
  return amount.value_or(Amount());
}

}  // namespace

Commitment commitment_of(const Reveal& reveal) { return {crypto::sha256(reveal.view()).bytes}; }

base::Result<void, AgreementError> check(const Agreement& agreement, UnixMs now) {
  if (agreement.buyer == agreement.provider || agreement.fund == agreement.buyer ||
      agreement.fund == agreement.provider)
    return AgreementError::parties;
  const auto bonds = plus(agreement.bond, agreement.bond);
  if (agreement.price == Amount() || !bonds || !plus(agreement.price, *bonds)) return AgreementError::amount;
  if (agreement.milestones.size() > kMilestonesMax) return AgreementError::milestones;
  if (!agreement.milestones.empty()) {
    Amount sum;
    for (const Amount part : agreement.milestones) {
      const auto more = plus(sum, part);
      if (part == Amount() || !more) return AgreementError::milestones;
      sum = *more;
    }
    if (sum != agreement.price) return AgreementError::milestones;
  }
  const Terms& terms = agreement.terms;
  for (const UnixMs span : {terms.sign_by, terms.fund_by, terms.mediation, terms.arbiter_term})
    if (!span_ok(span)) return AgreementError::times;
  for (const Due& due : {terms.start, terms.deliver, terms.review})
    if (!due_ok(due, now)) return AgreementError::times;
  if (terms.grace > kSpanMax) return AgreementError::times;
  return {};
}

base::Bytes encode(const Agreement& agreement) {
  base::Bytes out;
  base::append(out, base::as_bytes(kAgreementMark));
  base::append(out, agreement.book.view());
  for (const Address& address : {agreement.buyer, agreement.provider, agreement.fund})
    base::append(out, address.view());
  base::append_number(out, agreement.price.units());
  base::append_number(out, agreement.bond.units());
  out.push_back(static_cast<std::uint8_t>(agreement.milestones.size()));
  for (const Amount part : agreement.milestones) base::append_number(out, part.units());
  out.push_back(agreement.cid ? 1 : 0);
  if (agreement.cid) base::append(out, agreement.cid->view());
  const Terms& terms = agreement.terms;
  for (const UnixMs span : {terms.sign_by, terms.fund_by, terms.mediation, terms.arbiter_term, terms.grace})
    base::append_number(out, span.count());
  for (const Due& due : {terms.start, terms.deliver, terms.review}) append_due(out, due);
  base::append(out, agreement.nonce);
  return out;
}

std::optional<Agreement> decode_agreement(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (base::as_text(in.take(kAgreementMark.size())) != kAgreementMark) return std::nullopt;
  Agreement out;
  out.book = in.fixed<wallet::BookId>();
  for (Address* address : {&out.buyer, &out.provider, &out.fund}) *address = in.fixed<Address>();
  out.price = read_amount(in);
  out.bond = read_amount(in);
  const std::size_t milestones = in.number<std::uint8_t>();
  if (milestones > kMilestonesMax) return std::nullopt;
  for (std::size_t i = 0; i < milestones; ++i) out.milestones.push_back(read_amount(in));
  const auto has_cid = in.number<std::uint8_t>();
  if (has_cid > 1) return std::nullopt;
  if (has_cid == 1) out.cid = in.fixed<Cid>();
  Terms& terms = out.terms;
  for (UnixMs* span : {&terms.sign_by, &terms.fund_by, &terms.mediation, &terms.arbiter_term, &terms.grace})
    *span = UnixMs(in.number<std::uint64_t>());
  for (Due* due : {&terms.start, &terms.deliver, &terms.review}) *due = read_due(in);
  out.nonce = in.array<16>();
  if (!in.ended()) return std::nullopt;
  return out;
}

EscrowId id_of(const Agreement& agreement) { return {crypto::sha256(encode(agreement)).bytes}; }

Address account_of(const EscrowId& id) { return wallet::account_of("escrow", id.view()); }

}  // namespace troupe::escrow
