// Encodes and decodes proposals, entries and the state of a fund.
#include <algorithm>

#include "actors/fund/logic/fund.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/base/text.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::fund {
namespace {

using base::Bytes;

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kMade = 1, kProposed = 2, kStep = 3;

void append_sized(Bytes& out, base::ByteView bytes) {
  base::append_number(out, static_cast<std::uint32_t>(bytes.size()));
  base::append(out, bytes);
}
base::ByteView read_sized(base::FieldReader& in) { return in.take(in.number<std::uint32_t>()); }

std::string read_plain(base::FieldReader& in, std::size_t bytes_max) {
  const auto bytes = read_sized(in);
  if (bytes.size() > bytes_max || !base::is_plain(base::as_text(bytes))) in.fail();
  return std::string(base::as_text(bytes));
}

UnixMs read_time(base::FieldReader& in) { return UnixMs(in.number<std::uint64_t>()); }

Amount read_amount(base::FieldReader& in) {
  const auto amount = Amount::from(in.number<std::uint64_t>());
  if (!amount) in.fail();
  return amount.value_or(Amount());
}

template <class Enum>
Enum read_enum(base::FieldReader& in, Enum last) {
  const auto number = in.number<std::uint8_t>();
  if (number > static_cast<std::uint8_t>(last)) in.fail();
  return static_cast<Enum>(number);
}

void append_signers(Bytes& out, const Signers& signers) {
  out.push_back(static_cast<std::uint8_t>(signers.threshold));
  out.push_back(static_cast<std::uint8_t>(signers.list.size()));
  for (const Address& one : signers.list) base::append(out, one.view());
}
Signers read_signers_of(base::FieldReader& in) {
  const std::size_t threshold = in.number<std::uint8_t>(), count = in.number<std::uint8_t>();
  std::vector<Address> list;
  for (std::size_t i = 0; in.ok() && i < count; ++i) list.push_back(in.fixed<Address>());
  auto out = make_signers(threshold, std::move(list));
  if (!out) in.fail();
  return std::move(out).value_or(Signers());
}

void append_event(Bytes& out, const Event& event) {
  if (const auto* made = std::get_if<Made>(&event)) {
    out.push_back(kMade);
    append_signers(out, made->signers);
  } else if (const auto* proposed = std::get_if<Proposed>(&event)) {
    out.push_back(kProposed);
    append_sized(out, encode(proposed->content));
  } else {
    const auto& step = std::get<Step>(event);
    out.push_back(kStep);
    out.push_back(static_cast<std::uint8_t>(step.what));
    base::append(out, step.id.view());
    append_sized(out, base::as_bytes(step.why));
    base::append(out, step.transfer.view());
  }
}
std::optional<Event> read_event(base::FieldReader& in) {
  switch (in.number<std::uint8_t>()) {
    case kMade: return Made{read_signers_of(in)};
    case kProposed: {
      auto content = decode_content(read_sized(in));
      if (!content) return std::nullopt;
      return Proposed{std::move(*content)};
    }
    case kStep: {
      Step step{read_enum(in, Step::What::refused)};
      step.id = in.fixed<ProposalId>();
      step.why = read_plain(in, kWhyBytesMax);
      step.transfer = in.fixed<wallet::TransferId>();
      return step;
    }
    default: return std::nullopt;
  }
}

/// Returns the value if the bytes are its canonical encoding.
template <class T>
std::optional<T> if_same(T read, base::ByteView bytes) {
  if (!std::ranges::equal(encode(read), bytes)) return std::nullopt;
  return read;
}

}  // namespace

Bytes encode(const Proposal& proposal) {
  Bytes out;
  base::append(out, proposal.id.view());
  append_sized(out, encode(proposal.content));
  base::append(out, proposal.by.view());
  for (const UnixMs time : {proposal.proposed, proposal.expires, proposal.approved, proposal.ended})
    base::append_number(out, time.count());
  out.push_back(static_cast<std::uint8_t>(proposal.state));
  out.push_back(static_cast<std::uint8_t>(proposal.signed_by.size()));
  for (const Address& one : proposal.signed_by) base::append(out, one.view());
  append_sized(out, base::as_bytes(proposal.why));
  base::append(out, proposal.transfer.view());
  return out;
}

std::optional<Proposal> decode_proposal(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Proposal out;
  out.id = in.fixed<ProposalId>();
  auto content = decode_content(read_sized(in));
  if (!content) return std::nullopt;
  out.content = std::move(*content);
  out.by = in.fixed<Address>();
  for (UnixMs* time : {&out.proposed, &out.expires, &out.approved, &out.ended}) *time = read_time(in);
  out.state = read_enum(in, State::refused);
  const std::size_t count = in.number<std::uint8_t>();
  if (count > wallet::kSignersMax) return std::nullopt;
  for (std::size_t i = 0; in.ok() && i < count; ++i) out.signed_by.push_back(in.fixed<Address>());
  out.why = read_plain(in, kWhyBytesMax);
  out.transfer = in.fixed<wallet::TransferId>();
  if (!in.ended()) return std::nullopt;
  return if_same(std::move(out), bytes);
}

Bytes encode(const Entry& entry) {
  Bytes out;
  base::append_number(out, entry.sequence);
  base::append_number(out, entry.time.count());
  base::append(out, entry.before.view());
  base::append(out, entry.by.view());
  out.push_back(entry.approval ? 1 : 0);
  if (entry.approval) {
    base::append(out, entry.approval->key.view());
    base::append(out, entry.approval->signature.view());
  }
  append_event(out, entry.event);
  return out;
}

std::optional<Entry> decode_entry(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Entry out;
  out.sequence = in.number<std::uint64_t>();
  out.time = read_time(in);
  out.before = in.fixed<base::Digest>();
  out.by = in.fixed<Address>();
  if (in.number<std::uint8_t>() == 1) {
    const auto key = in.fixed<base::PublicKey>();
    out.approval = wallet::Approval{key, in.fixed<crypto::Signature>()};
  }
  auto event = read_event(in);
  if (!event || !in.ended()) return std::nullopt;
  out.event = std::move(*event);
  return if_same(std::move(out), bytes);
}

base::Digest hash_of(const Entry& entry) {
  return crypto::sha256(base::as_bytes("troupe fund event v1"), encode(entry));
}

Bytes Fund::encode() const {
  Bytes out;
  out.push_back(kVersion);
  base::append_number(out, sequence_);
  base::append_number(out, time_.count());
  base::append(out, hash_.view());
  append_signers(out, signers_);
  base::append_number(out, static_cast<std::uint32_t>(proposals_.size()));
  for (const auto& [id, proposal] : proposals_) append_sized(out, fund::encode(proposal));
  base::append_number(out, static_cast<std::uint32_t>(allocations_.size()));
  for (const auto& [category, allocation] : allocations_) {
    append_sized(out, base::as_bytes(category));
    base::append_number(out, allocation.spent.units());
    base::append_number(out, allocation.payments);
  }
  base::append_number(out, static_cast<std::uint32_t>(approved_.size()));
  for (const ProposalId& id : approved_) base::append(out, id.view());
  base::append_number(out, outgoing_.done().value);
  base::append_number(out, day_);
  base::append_number(out, spent_.units());
  return out;
}

std::optional<Fund> Fund::decode(const BookId& book, base::ByteView bytes) {
  base::FieldReader in(bytes);
  Fund out(book);
  if (in.number<std::uint8_t>() != kVersion) return std::nullopt;
  out.sequence_ = in.number<std::uint64_t>();
  out.time_ = read_time(in);
  out.hash_ = in.fixed<base::Digest>();
  out.signers_ = read_signers_of(in);
  for (auto left = in.number<std::uint32_t>(); in.ok() && left > 0; --left) {
    auto proposal = decode_proposal(read_sized(in));
    if (!proposal || proposal->id != id_of(book, proposal->content) || proposal->state > State::approved)
      return std::nullopt;
    out.proposals_.emplace(proposal->id, std::move(*proposal));
  }
  for (auto left = in.number<std::uint32_t>(); in.ok() && left > 0; --left) {
    const std::string category(base::as_text(read_sized(in)));
    if (!is_category(category)) return std::nullopt;
    Allocation& allocation = out.allocations_[category];
    allocation.spent = read_amount(in);
    allocation.payments = in.number<std::uint64_t>();
  }
  for (auto left = in.number<std::uint32_t>(); in.ok() && left > 0; --left) {
    const auto id = in.fixed<ProposalId>();
    const auto at = out.proposals_.find(id);
    if (at == out.proposals_.end() || at->second.state != State::approved || at->second.payment() == nullptr ||
        std::ranges::find(out.approved_, id) != out.approved_.end())
      return std::nullopt;
    out.approved_.push_back(id);
  }
  const auto is_approved = [](const auto& one) { return one.second.state == State::approved; };
  if (std::ranges::count_if(out.proposals_, is_approved) != std::ssize(out.approved_)) return std::nullopt;
  out.outgoing_.restore({in.number<std::uint64_t>()}, std::nullopt);
  out.day_ = in.number<std::uint64_t>();
  out.spent_ = read_amount(in);
  if (!in.ended() || !std::ranges::equal(out.encode(), bytes)) return std::nullopt;
  out.bind();
  return out;
}

}  // namespace troupe::fund
