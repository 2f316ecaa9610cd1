// The bytes of agreements for tasks, of acts, and of a stored escrow.
#include "actors/escrow/logic/task_escrow.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::escrow {
namespace {

using base::append;
using base::append_number;
using wallet::Amount;
using wallet::UnixMs;

constexpr std::string_view kTaskAgreementMark = "troupe task agreement v1";
constexpr std::string_view kTaskActMark = "troupe task act v1";
constexpr std::uint8_t kTaskEscrowVersion = 1;

Amount read_units(base::FieldReader& in) {
  const auto amount = Amount::from(in.number<std::uint64_t>());
  if (!amount) in.fail();
  return amount.value_or(Amount());
}

bool read_bit(base::FieldReader& in) {
  const auto bit = in.number<std::uint8_t>();
  if (bit > 1) in.fail();
  return bit == 1;
}

void append_part(base::Bytes& out, base::ByteView bytes) {
  append_number(out, static_cast<std::uint32_t>(bytes.size()));
  append(out, bytes);
}
base::ByteView read_part(base::FieldReader& in) { return in.take(in.number<std::uint32_t>()); }

void append_engage(base::Bytes& out, const Engage& what) {
  append_number(out, what.token);
  append(out, what.provider.view());
  append(out, what.pay_to.view());
  append_number(out, what.price.units());
  append_number(out, what.due.count());
  append(out, what.deposit.view());
}

Engage read_engage(base::FieldReader& in) {
  Engage out;
  out.token = in.number<std::uint64_t>();
  out.provider = in.fixed<wallet::Address>();
  out.pay_to = in.fixed<wallet::Address>();
  out.price = read_units(in);
  out.due = UnixMs(in.number<std::uint64_t>());
  out.deposit = in.fixed<wallet::TransferId>();
  return out;
}

std::optional<Settle> read_settle(base::FieldReader& in) {
  Settle out;
  const std::size_t count = in.number<std::uint8_t>();
  if (count > kProvidersMax) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    out.accepted.push_back(in.number<std::uint64_t>());
    if (i > 0 && out.accepted[i] <= out.accepted[i - 1]) return std::nullopt;
  }
  return out;
}

}  // namespace

base::Bytes encode(const TaskAgreement& agreement) {
  base::Bytes out;
  append(out, base::as_bytes(kTaskAgreementMark));
  append(out, agreement.book.view());
  append(out, agreement.buyer.view());
  append(out, agreement.fund.view());
  append(out, agreement.task.view());
  out.push_back(agreement.quorum);
  return out;
}

std::optional<TaskAgreement> decode_task_agreement(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (base::as_text(in.take(kTaskAgreementMark.size())) != kTaskAgreementMark) return std::nullopt;
  TaskAgreement out;
  out.book = in.fixed<wallet::BookId>();
  out.buyer = in.fixed<wallet::Address>();
  out.fund = in.fixed<wallet::Address>();
  out.task = in.fixed<TaskHash>();
  out.quorum = in.number<std::uint8_t>();
  if (!in.ended() || out.quorum == 0 || out.quorum > kProvidersMax) return std::nullopt;
  return out;
}

TaskEscrowId id_of(const TaskAgreement& agreement) { return {crypto::sha256(encode(agreement)).bytes}; }
wallet::Address account_of(const TaskEscrowId& id) { return wallet::account_of(kTaskAccountKind, id.view()); }

base::Bytes encode(const TaskAct& act) {
  base::Bytes out;
  append(out, base::as_bytes(kTaskActMark));
  append(out, act.escrow.view());
  append(out, act.by.view());
  out.push_back(static_cast<std::uint8_t>(act.what.index()));
  if (const auto* engage = std::get_if<Engage>(&act.what)) {
    append_engage(out, *engage);
  } else if (const auto* hand_in = std::get_if<HandIn>(&act.what)) {
    append_number(out, hand_in->token);
    append(out, hand_in->answer.view());
  } else if (const auto* resign = std::get_if<Resign>(&act.what)) {
    append_number(out, resign->token);
  } else {
    const auto& accepted = std::get<Settle>(act.what).accepted;
    out.push_back(static_cast<std::uint8_t>(accepted.size()));
    for (const std::uint64_t token : accepted) append_number(out, token);
  }
  return out;
}

std::optional<TaskAct> decode_task_act(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (base::as_text(in.take(kTaskActMark.size())) != kTaskActMark) return std::nullopt;
  TaskAct out;
  out.escrow = in.fixed<TaskEscrowId>();
  out.by = in.fixed<wallet::Address>();
  switch (in.number<std::uint8_t>()) {
    case 0: out.what = read_engage(in); break;
    case 1: {
      const auto token = in.number<std::uint64_t>();
      out.what = HandIn{token, in.fixed<TaskAnswer>()};
      break;
    }
    case 2: out.what = Resign{in.number<std::uint64_t>()}; break;
    case 3: {
      auto settle = read_settle(in);
      if (!settle) return std::nullopt;
      out.what = std::move(*settle);
      break;
    }
    default: return std::nullopt;
  }
  if (!in.ended()) return std::nullopt;
  return out;
}

base::Bytes TaskEscrow::encode() const {
  base::Bytes out{kTaskEscrowVersion};
  append_part(out, escrow::encode(agreement_));
  out.push_back(settled_ ? 1 : 0);
  out.push_back(opened_ ? 1 : 0);
  append_number(out, held_.units());
  append_number(out, released_.units());
  append_number(out, outgoing_.done().value);
  append_part(out, outgoing_.bound() ? wallet::encode(*outgoing_.bound()) : base::Bytes());
  out.push_back(static_cast<std::uint8_t>(owed_.size()));
  for (const wallet::Credit& one : owed_) {
    append(out, one.to.view());
    append_number(out, one.amount.units());
  }
  out.push_back(static_cast<std::uint8_t>(providers_.size()));
  for (const Provider& one : providers_) {
    append_engage(out, one.engaged);
    out.push_back(static_cast<std::uint8_t>(one.state));
    out.push_back(one.answer ? 1 : 0);
    if (one.answer) append(out, one.answer->view());
    out.push_back(one.accepted ? 1 : 0);
    append_part(out, one.deposit);
  }
  return out;
}

std::optional<TaskEscrow> TaskEscrow::decode(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (in.number<std::uint8_t>() != kTaskEscrowVersion) return std::nullopt;
  const auto agreement = decode_task_agreement(read_part(in));
  if (!agreement) return std::nullopt;
  TaskEscrow out(*agreement);
  out.settled_ = read_bit(in);
  out.opened_ = read_bit(in);
  out.held_ = read_units(in);
  out.released_ = read_units(in);
  const wallet::TransferNumber done{in.number<std::uint64_t>()};
  const base::ByteView bound = read_part(in);
  auto transfer = bound.empty() ? std::nullopt : wallet::decode_transfer(bound);
  if (!in.ok() || (!transfer && !bound.empty())) return std::nullopt;
  out.outgoing_.restore(done, std::move(transfer));
  const std::size_t owed = in.number<std::uint8_t>();
  for (std::size_t i = 0; i < owed && in.ok(); ++i) {
    const auto to = in.fixed<wallet::Address>();
    out.owed_.push_back({to, read_units(in)});
  }
  const std::size_t providers = in.number<std::uint8_t>();
  if (providers > kEngagedRead) return std::nullopt;
  for (std::size_t i = 0; i < providers && in.ok(); ++i) {
    Provider one{.engaged = read_engage(in)};
    const auto state = in.number<std::uint8_t>();
    if (state > static_cast<std::uint8_t>(ProviderState::silent)) return std::nullopt;
    one.state = static_cast<ProviderState>(state);
    if (read_bit(in)) one.answer = in.fixed<TaskAnswer>();
    one.accepted = read_bit(in);
    const base::ByteView deposit = read_part(in);
    one.deposit.assign(deposit.begin(), deposit.end());
    out.providers_.push_back(std::move(one));
  }
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::escrow
