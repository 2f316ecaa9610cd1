#include "actors/airdrop/logic/terms.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::airdrop {
namespace {

using base::Bytes;

constexpr std::string_view kTermsMark = "troupe airdrop v1";
constexpr std::string_view kPageMark = "troupe airdrop page v1";
constexpr std::size_t kRowBytes = Address::kBytes + 8;

std::optional<TermsError> wrong(const Terms& terms) {
  if (terms.recipients == 0) return TermsError::empty;
  if (terms.recipients > kRecipientsMax || terms.pages.size() != (terms.recipients + kPageRows - 1) / kPageRows)
    return TermsError::many;
  if (terms.pool.units() < terms.recipients) return TermsError::pool;
  if (terms.weights < terms.recipients || terms.weights > kWeightMax * terms.recipients) return TermsError::weight;
  const bool dates = terms.from.is_date && terms.until.is_date && terms.until.value.count() > 0;
  if (dates && terms.until.value < terms.from.value) return TermsError::window;
  if (const auto& rule = terms.uptime;
      rule && (rule->hours == 0 || rule->from >= rule->until || rule->hours > rule->until - rule->from))
    return TermsError::hours;
  return std::nullopt;
}

}  // namespace

std::string_view name(TermsError error) {
  switch (error) {
    case TermsError::empty: return "the list has no recipient";
    case TermsError::many: return "the list has more than 1000000 recipients";
    case TermsError::pool: return "the pool is too small: at least 1 per recipient";
    case TermsError::weight: return "invalid weight: expected a whole number of 1 to 1000000000000";
    case TermsError::issuance: return "the list contains the book's issuance account";
    case TermsError::order: return "an address is in the list twice";
    case TermsError::window: return "the window ends before it begins";
    case TermsError::hours: return "invalid hours of the rule: expected 1 to the number of whole hours in its window";
  }
  return "the terms are invalid";
}

std::vector<Page> pages_of(std::span<const Recipient> list) {
  std::vector<Page> out;
  for (std::size_t at = 0; at < list.size(); at += kPageRows) {
    const auto rows = list.subspan(at, std::min(kPageRows, list.size() - at));
    out.emplace_back(rows.begin(), rows.end());
  }
  return out;
}

Bytes encode(const Page& page) {
  Bytes out;
  out.reserve(page.size() * kRowBytes);
  for (const Recipient& one : page) {
    base::append(out, one.to.view());
    base::append_number(out, one.weight);
  }
  return out;
}

std::optional<Page> decode_page(base::ByteView bytes) {
  if (bytes.empty() || bytes.size() % kRowBytes != 0 || bytes.size() > kPageRows * kRowBytes) return std::nullopt;
  Page out;
  out.reserve(bytes.size() / kRowBytes);
  base::FieldReader in(bytes);
  while (!in.ended()) {
    Recipient one;
    one.to = in.fixed<Address>();
    one.weight = in.number<std::uint64_t>();
    if (one.weight == 0 || one.weight > kWeightMax) return std::nullopt;
    if (!out.empty() && out.back().to >= one.to) return std::nullopt;
    out.push_back(one);
  }
  return out;
}

base::Digest hash_of_page(base::ByteView bytes) { return crypto::sha256(base::as_bytes(kPageMark), bytes); }

base::Result<Terms, TermsError> make_terms(Terms blank, std::span<const Recipient> list) {
  blank.pages.clear();
  blank.weights = 0;
  if (list.size() > kRecipientsMax) return TermsError::many;
  blank.recipients = static_cast<std::uint32_t>(list.size());
  const Address issuance = wallet::issuance_of(blank.book);
  const Recipient* before = nullptr;
  for (const Recipient& one : list) {
    if (one.weight == 0 || one.weight > kWeightMax) return TermsError::weight;
    if (before != nullptr && before->to >= one.to) return TermsError::order;
    if (one.to == issuance) return TermsError::issuance;
    before = &one;
    blank.weights += one.weight;
  }
  for (const Page& page : pages_of(list)) blank.pages.push_back(hash_of_page(encode(page)));
  if (const auto error = wrong(blank)) return *error;
  return blank;
}

Bytes encode(const Terms& terms) {
  Bytes out;
  base::append(out, base::as_bytes(kTermsMark));
  base::append(out, terms.book.view());
  base::append(out, terms.owner.view());
  base::append(out, terms.nonce.view());
  base::append_number(out, terms.pool.units());
  for (const Moment& moment : {terms.from, terms.until}) {
    out.push_back(moment.is_date ? 1 : 0);
    base::append_number(out, static_cast<std::uint64_t>(moment.value.count()));
  }
  out.push_back(static_cast<std::uint8_t>(terms.uptime ? Rule::uptime : Rule::list));
  base::append_number(out, terms.recipients);
  base::append_number(out, terms.weights);
  base::append_number(out, static_cast<std::uint32_t>(terms.pages.size()));
  for (const base::Digest& page : terms.pages) base::append(out, page.view());
  if (!terms.uptime) return out;
  for (const std::uint32_t number : {terms.uptime->hours, terms.uptime->from, terms.uptime->until})
    base::append_number(out, number);
  for (const std::uint16_t number : {terms.uptime->per_owner, terms.uptime->per_net}) base::append_number(out, number);
  base::append(out, terms.uptime->evidence.view());
  return out;
}

std::optional<Terms> decode_terms(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (base::as_text(in.take(kTermsMark.size())) != kTermsMark) return std::nullopt;
  Terms out;
  out.book = in.fixed<BookId>();
  out.owner = in.fixed<Address>();
  out.nonce = in.fixed<Nonce>();
  const auto pool = Amount::from(in.number<std::uint64_t>());
  constexpr std::uint64_t kTimeMax = base::kDateMax * 1'000;
  for (Moment* moment : {&out.from, &out.until}) {
    const auto is_date = in.number<std::uint8_t>();
    const auto value = in.number<std::uint64_t>();
    if (is_date > 1 || value > kTimeMax) in.fail();
    *moment = {is_date == 1, UnixMs(value)};
  }
  const auto rule = in.number<std::uint8_t>();
  out.recipients = in.number<std::uint32_t>();
  out.weights = in.number<std::uint64_t>();
  const auto pages = in.number<std::uint32_t>();
  const bool is_uptime = rule == static_cast<std::uint8_t>(Rule::uptime);
  if (!in.ok() || !pool || (!is_uptime && rule != static_cast<std::uint8_t>(Rule::list)) ||
      pages > kRecipientsMax / kPageRows)
    return std::nullopt;
  out.pool = *pool;
  for (std::uint32_t i = 0; in.ok() && i < pages; ++i) out.pages.push_back(in.fixed<base::Digest>());
  if (is_uptime) {
    out.uptime.emplace();
    for (std::uint32_t* const number : {&out.uptime->hours, &out.uptime->from, &out.uptime->until})
      *number = in.number<std::uint32_t>();
    for (std::uint16_t* const number : {&out.uptime->per_owner, &out.uptime->per_net})
      *number = in.number<std::uint16_t>();
    out.uptime->evidence = in.fixed<base::Digest>();
  }
  if (!in.ended() || wrong(out)) return std::nullopt;
  return out;
}

AirdropId id_of(const Terms& terms) { return AirdropId{crypto::sha256(encode(terms)).bytes}; }

Address account_of(const AirdropId& id) { return wallet::account_of(kAccountKind, id.view()); }

Amount Shares::next(std::uint64_t weight) {
  const std::uint64_t end = begin_ + weight;
  base::ensure(weights_ > 0 && end <= weights_, "no more weights are paid than there are");
  const auto to = share(pool_, end, weights_), from = share(pool_, begin_, weights_);
  begin_ = end;
  return *to - *from;
}

}  // namespace troupe::airdrop
