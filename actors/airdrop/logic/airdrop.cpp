#include "actors/airdrop/logic/airdrop.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"
#include "runtime/base/text.hpp"

namespace troupe::airdrop {
namespace {

using base::Bytes;

constexpr std::uint8_t kVersion = 1;

std::string memo_of(const AirdropId& id, std::string_view what) {
  return "airdrop " + id.hex().substr(0, 16) + std::string(what);
}

void append_text(Bytes& out, std::string_view text) {
  base::append_number(out, static_cast<std::uint16_t>(text.size()));
  base::append(out, base::as_bytes(text));
}
std::string read_text(base::FieldReader& in) {
  const auto bytes = in.take(in.number<std::uint16_t>());
  if (bytes.size() > kReasonBytesMax || !base::is_plain(base::as_text(bytes))) in.fail();
  return std::string(base::as_text(bytes));
}
void append_approval(Bytes& out, const wallet::Approval& approval) {
  base::append(out, approval.key.view());
  base::append(out, approval.signature.view());
}
wallet::Approval read_approval(base::FieldReader& in) {
  const auto key = in.fixed<base::PublicKey>();
  return {key, in.fixed<crypto::Signature>()};
}

}  // namespace

std::string_view name(State state) {
  constexpr std::string_view kNames[] = {"created", "created", "published", "paying", "paid", "returning", "returned"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view name(AirdropError error) {
  switch (error) {
    case AirdropError::state: return "the airdrop is in another state";
    case AirdropError::page: return "this is not the next page of the list in the terms";
    case AirdropError::early: return "objections are still open: nothing is paid before their end";
    case AirdropError::late: return "the time for objections is over";
    case AirdropError::said: return "this account has objected to this recipient with another reason";
    case AirdropError::full: return "the limit of objections is reached";
    case AirdropError::nothing: return "nobody has objected to this recipient: object first, with a public reason";
    case AirdropError::decided: return "the owner has already decided the opposite for this recipient";
  }
  return "refused";
}

base::Result<void, AirdropError> Airdrop::funded(UnixMs now) {
  if (state != State::depositing) return AirdropError::state;
  state = State::filling;
  created = now;
  ends = now + kFillWithin;
  return {};
}

base::Result<void, AirdropError> Airdrop::add(const Terms& terms, std::uint32_t number, base::ByteView bytes,
                                              UnixMs objections, UnixMs now) {
  if (number < pages && number < terms.pages.size() && hash_of_page(bytes) == terms.pages[number]) return {};
  if (state != State::filling) return AirdropError::state;
  if (number != pages || number >= terms.pages.size() || hash_of_page(bytes) != terms.pages[number])
    return AirdropError::page;
  const auto page = decode_page(bytes);
  const bool at_end = number + 1 == terms.pages.size();
  const std::size_t rows = at_end ? terms.recipients - std::size_t{number} * kPageRows : kPageRows;
  if (!page || page->size() != rows || (number > 0 && page->front().to <= last)) return AirdropError::page;
  std::uint64_t sum = weights;
  const Address issuance = wallet::issuance_of(terms.book);
  for (const Recipient& one : *page) {
    if (one.to == issuance) return AirdropError::page;
    sum += one.weight;
  }
  if (at_end ? sum != terms.weights : sum >= terms.weights) return AirdropError::page;
  weights = sum;
  last = page->back().to;
  ++pages;
  if (!at_end) return {};
  state = State::published;
  ends = std::max(now, terms.until.from(created)) + objections;
  return {};
}

void Airdrop::expire(UnixMs now) {
  if (state != State::filling || now < ends) return;
  state = State::returning;
  why = "the list was not complete in time";
}

base::Result<void, AirdropError> Airdrop::begin_paying(const Terms& terms, UnixMs now) {
  if (state != State::published) return AirdropError::state;
  if (now < ends) return AirdropError::early;
  state = State::paying;
  if (to_pay(terms) > 0) return {};
  state = State::returning;
  why = "all recipients were struck";
  return {};
}

void Airdrop::end(UnixMs now) {
  if (state == State::returning) pages = 0;  // the list is erased
  state = state == State::returning ? State::returned : State::paid;
  ended = now;
}

Bytes Airdrop::encode() const {
  Bytes out{kVersion, static_cast<std::uint8_t>(state)};
  base::append(out, owner.view());
  base::append_number(out, pool.units());
  base::append_number(out, recipients);
  for (const UnixMs time : {created, ends, ended}) base::append_number(out, static_cast<std::uint64_t>(time.count()));
  base::append_number(out, pages);
  base::append(out, last.view());
  base::append_number(out, weights);
  base::append_number(out, struck);
  base::append_number(out, struck_weights);
  base::append_number(out, cursor.index);
  base::append_number(out, cursor.begin);
  base::append_number(out, cursor.number.value);
  base::append_number(out, cursor.paid.units());
  append_text(out, why);
  return out;
}

std::optional<Airdrop> Airdrop::decode(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Airdrop out;
  const auto version = in.number<std::uint8_t>(), state = in.number<std::uint8_t>();
  if (!in.ok() || version != kVersion || state > static_cast<std::uint8_t>(State::returned)) return std::nullopt;
  out.state = static_cast<State>(state);
  out.owner = in.fixed<Address>();
  const auto pool = Amount::from(in.number<std::uint64_t>());
  out.recipients = in.number<std::uint32_t>();
  for (UnixMs* time : {&out.created, &out.ends, &out.ended}) *time = UnixMs(in.number<std::uint64_t>());
  out.pages = in.number<std::uint32_t>();
  out.last = in.fixed<Address>();
  out.weights = in.number<std::uint64_t>();
  out.struck = in.number<std::uint32_t>();
  out.struck_weights = in.number<std::uint64_t>();
  out.cursor.index = in.number<std::uint32_t>();
  out.cursor.begin = in.number<std::uint64_t>();
  out.cursor.number.value = in.number<std::uint64_t>();
  const auto paid = Amount::from(in.number<std::uint64_t>());
  out.why = read_text(in);
  in.rest();  // earlier versions noted unrequested payments here
  if (!in.ended() || !pool || !paid) return std::nullopt;
  out.pool = *pool;
  out.cursor.paid = *paid;
  return out;
}

// -- objections

Bytes encode(const Objected& objected) {
  Bytes out{kVersion};
  base::append(out, objected.recipient.to.view());
  base::append_number(out, objected.recipient.weight);
  out.push_back(static_cast<std::uint8_t>(objected.objections.size()));
  for (const Objection& one : objected.objections) {
    base::append(out, one.by.view());
    append_approval(out, one.approval);
    base::append_number(out, static_cast<std::uint64_t>(one.time.count()));
    append_text(out, one.reason);
  }
  out.push_back(objected.verdict ? (objected.verdict->strike ? 2 : 1) : 0);
  if (!objected.verdict) return out;
  append_approval(out, objected.verdict->approval);
  base::append_number(out, static_cast<std::uint64_t>(objected.verdict->time.count()));
  return out;
}

std::optional<Objected> decode_objected(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (in.number<std::uint8_t>() != kVersion) return std::nullopt;
  Objected out;
  out.recipient.to = in.fixed<Address>();
  out.recipient.weight = in.number<std::uint64_t>();
  const auto count = in.number<std::uint8_t>();
  if (count == 0 || count > kObjectionsOfOne + 1) return std::nullopt;
  for (std::size_t i = 0; in.ok() && i < count; ++i) {
    Objection one;
    one.by = in.fixed<Address>();
    one.approval = read_approval(in);
    one.time = UnixMs(in.number<std::uint64_t>());
    one.reason = read_text(in);
    if (!is_reason(one.reason)) in.fail();
    out.objections.push_back(std::move(one));
  }
  const auto verdict = in.number<std::uint8_t>();
  if (verdict > 2) return std::nullopt;
  if (verdict > 0) {
    out.verdict.emplace(Verdict{.strike = verdict == 2, .approval = read_approval(in)});
    out.verdict->time = UnixMs(in.number<std::uint64_t>());
  }
  if (!in.ended()) return std::nullopt;
  return out;
}

base::Result<void, AirdropError> object(const Airdrop& airdrop, const AllObjected& all, Objected& objected,
                                        Objection objection, UnixMs ends) {
  for (const Objection& one : objected.objections)
    if (one.by == objection.by) {
      if (one.reason != objection.reason) return AirdropError::said;
      return {};
    }
  if (airdrop.state != State::published)
    return airdrop.state < State::published ? AirdropError::state : AirdropError::late;
  if (objection.time >= ends) return AirdropError::late;
  std::size_t sum = 0, same = 0;
  for (const auto& [index, other] : all) {
    sum += static_cast<std::size_t>(
        std::ranges::count_if(other.objections, [&](const Objection& one) { return one.by != airdrop.owner; }));
    same += static_cast<std::size_t>(
        std::ranges::count_if(other.objections, [&](const Objection& one) { return one.by == objection.by; }));
  }
  const bool owners = objection.by == airdrop.owner;
  // Limits the owner's objections and all other objections separately.
  const bool full =
      owners ? same >= kObjectionsMax
             : objected.objections.size() >= kObjectionsOfOne || sum >= kObjectionsMax || same >= kObjectionsOfAccount;
  if (full) return AirdropError::full;
  objected.objections.push_back(std::move(objection));
  return {};
}

base::Result<void, AirdropError> decide(Airdrop& airdrop, Objected& objected, Verdict verdict, UnixMs ends) {
  if (objected.objections.empty()) return AirdropError::nothing;
  if (objected.verdict) {
    if (objected.verdict->strike != verdict.strike) return AirdropError::decided;
    return {};
  }
  if (airdrop.state != State::published || verdict.time >= ends) return AirdropError::late;
  if (verdict.strike) {
    ++airdrop.struck;
    airdrop.struck_weights += objected.recipient.weight;
  }
  objected.verdict = verdict;
  return {};
}

Bytes object_bytes(const AirdropId& id, const Address& recipient, std::string_view reason) {
  Bytes out;
  base::append(out, base::as_bytes("troupe airdrop object v1"));
  base::append(out, id.view());
  base::append(out, recipient.view());
  base::append(out, base::as_bytes(reason));
  return out;
}

Bytes decide_bytes(const AirdropId& id, const Address& recipient, bool strike) {
  Bytes out;
  base::append(out, base::as_bytes("troupe airdrop decide v1"));
  base::append(out, id.view());
  base::append(out, recipient.view());
  out.push_back(strike ? 1 : 0);
  return out;
}

bool is_reason(std::string_view text) {
  return !text.empty() && text.size() <= kReasonBytesMax && base::is_plain(text);
}

// -- payments

Batch next_batch(const AirdropId& id, const Terms& terms, const Airdrop& airdrop, const AllObjected& objected,
                 const Cursor& at, const Page& page) {
  Batch out{{terms.book, account_of(id), next(at.number), {}, memo_of(id, "")}, at};
  Shares shares(terms.pool, airdrop.to_pay(terms), at.begin);
  const std::size_t first = at.index - at.index % kPageRows;
  for (std::size_t i = at.index - first; i < page.size() && out.transfer.credits.size() < wallet::kCreditsMax; ++i) {
    ++out.after.index;
    const auto there = objected.find(static_cast<std::uint32_t>(first + i));
    if (there != objected.end() && there->second.struck()) continue;
    const Amount amount = shares.next(page[i].weight);
    if (amount == Amount()) continue;
    out.transfer.credits.push_back({page[i].to, amount});
    out.after.paid = out.after.paid + amount;
  }
  out.after.begin = shares.begin();
  if (!out.transfer.credits.empty()) out.after.number = out.transfer.number;
  return out;
}

wallet::Transfer give_back(const AirdropId& id, const Terms& terms) {
  return {terms.book, account_of(id), {1}, {{terms.owner, terms.pool}}, memo_of(id, " returned")};
}

}  // namespace troupe::airdrop
