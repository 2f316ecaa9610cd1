#include "actors/fund/logic/proposal.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"
#include "runtime/base/text.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::fund {
namespace {

using base::Bytes;

constexpr std::uint8_t kPaymentPart = 1, kSignersPart = 2;

Bytes marked(std::string_view mark, const BookId& book, const Content& content) {
  Bytes out;
  base::append(out, base::as_bytes(mark));
  base::append(out, book.view());
  base::append(out, encode(content));
  return out;
}

Payment read_payment(base::FieldReader& in) {
  Payment out;
  out.to = in.fixed<Address>();
  const auto amount = Amount::from(in.number<std::uint64_t>());
  if (!amount || *amount == Amount()) in.fail();
  out.amount = amount.value_or(Amount());
  out.category = std::string(base::as_text(in.take(in.number<std::uint8_t>())));
  if (!is_category(out.category)) in.fail();
  return out;
}

Signers read_signers(base::FieldReader& in) {
  const std::size_t threshold = in.number<std::uint8_t>();
  const std::size_t count = in.number<std::uint8_t>();
  if (count > wallet::kSignersMax) in.fail();
  std::vector<Address> list;
  for (std::size_t i = 0; in.ok() && i < count; ++i) list.push_back(in.fixed<Address>());
  auto out = make_signers(threshold, list);
  if (!out || out->list != list) in.fail();
  return std::move(out).value_or(Signers());
}

}  // namespace

bool Signers::has(const Address& signer) const { return std::ranges::binary_search(list, signer); }

std::optional<Signers> make_signers(std::size_t threshold, std::vector<Address> list) {
  std::ranges::sort(list);
  list.erase(std::unique(list.begin(), list.end()), list.end());
  if (list.empty() || list.size() > wallet::kSignersMax || threshold == 0 || threshold > list.size())
    return std::nullopt;
  return Signers{threshold, std::move(list)};
}

std::optional<UnixMs> Expiry::from(UnixMs moment) const {
  if (is_date) {
    if (value < moment + kLifeMin || value > moment + kLifeMax) return std::nullopt;
    return value;
  }
  if (value < kLifeMin || value > kLifeMax) return std::nullopt;
  return moment + value;
}

bool is_category(std::string_view text) {
  return !text.empty() && text.size() <= kCategoryBytesMax &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool is_reason(std::string_view text) { return text.size() <= kReasonBytesMax && base::is_plain(text); }

Bytes encode(const Content& content) {
  Bytes out;
  const auto* payment = std::get_if<Payment>(&content.what);
  out.push_back(payment != nullptr ? kPaymentPart : kSignersPart);
  base::append(out, content.nonce.view());
  out.push_back(content.expiry.is_date ? 1 : 0);
  base::append_number(out, content.expiry.value.count());
  if (payment != nullptr) {
    base::append(out, payment->to.view());
    base::append_number(out, payment->amount.units());
    out.push_back(static_cast<std::uint8_t>(payment->category.size()));
    base::append(out, base::as_bytes(payment->category));
  } else {
    const auto& signers = std::get<Signers>(content.what);
    out.push_back(static_cast<std::uint8_t>(signers.threshold));
    out.push_back(static_cast<std::uint8_t>(signers.list.size()));
    for (const Address& one : signers.list) base::append(out, one.view());
  }
  base::append_number(out, static_cast<std::uint16_t>(content.reason.size()));
  base::append(out, base::as_bytes(content.reason));
  return out;
}

std::optional<Content> decode_content(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Content out;
  const auto what = in.number<std::uint8_t>();
  out.nonce = in.fixed<Nonce>();
  const auto date = in.number<std::uint8_t>();
  out.expiry = {date == 1, UnixMs(in.number<std::uint64_t>())};
  if (what == kPaymentPart) out.what = read_payment(in);
  else if (what == kSignersPart) out.what = read_signers(in);
  else return std::nullopt;
  out.reason = std::string(base::as_text(in.take(in.number<std::uint16_t>())));
  if (!in.ended() || date > 1 || !is_reason(out.reason)) return std::nullopt;
  return out;
}

ProposalId id_of(const BookId& book, const Content& content) {
  return {crypto::sha256(marked("troupe fund proposal v1", book, content)).bytes};
}
Bytes propose_bytes(const BookId& book, const Content& content) {
  return marked("troupe fund propose v1", book, content);
}
Bytes sign_bytes(const BookId& book, const Content& content) { return marked("troupe fund sign v1", book, content); }

Address account_of(const BookId& book) { return wallet::account_of("fund", book.view()); }

}  // namespace troupe::fund
