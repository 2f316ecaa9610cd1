// The bytes of acts.
//
// Form  "troupe escrow act v1", escrow (32), by (32), number (8), kind (1), then the body. The kind is the position of
//       the type in What, from 0. An optional field follows a byte, 0 or 1, that says whether it is present.
#include "actors/escrow/logic/escrow.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::escrow {
namespace {

constexpr std::string_view kActMark = "troupe escrow act v1";
constexpr std::size_t kActHeadBytes = kActMark.size() + 32 + 32 + 8 + 1;
static_assert(kActHeadBytes + 32 + 1 + 32 <= kActBytesMax, "Agree is the longest");

struct ActWriter {
  base::Bytes& out;

  void reveal(const std::optional<Reveal>& bytes) const {
    out.push_back(bytes ? 1 : 0);
    if (bytes) base::append(out, bytes->view());
  }
  void operator()(const Sign& what) const { base::append(out, what.commitment.view()); }
  void operator()(const Fund& what) const {
    base::append(out, what.transfer.view());
    base::append_number(out, what.amount.units());
  }
  void operator()(const Start&) const {}
  void operator()(const Deliver& what) const { base::append(out, what.cid.view()); }
  void operator()(const Accept& what) const {
    out.push_back(static_cast<std::uint8_t>(what.milestone));
    out.push_back(what.delivery ? 1 : 0);
    if (what.delivery) base::append(out, what.delivery->view());
  }
  void operator()(const Progress& what) const { base::append_number(out, what.earned.units()); }
  void operator()(const Dispute& what) const { base::append(out, what.reveal.view()); }
  void operator()(const Cancel&) const {}
  void operator()(const Extend& what) const {
    out.push_back(static_cast<std::uint8_t>(what.which));
    out.push_back(static_cast<std::uint8_t>(what.due.kind));
    base::append_number(out, what.due.value.count());
  }
  void operator()(const Propose& what) const {
    base::append_number(out, what.pay.units());
    reveal(what.reveal);
  }
  void operator()(const Agree& what) const {
    base::append(out, what.proposal.view());
    reveal(what.reveal);
  }
  void operator()(const Rule& what) const { base::append_number(out, what.pay.units()); }
};

struct ActReader {
  base::FieldReader in;

  Amount amount() {
    const auto read = Amount::from(in.number<std::uint64_t>());
    if (!read) in.fail();
    return read.value_or(Amount());
  }
  std::uint8_t up_to(std::uint8_t max) {
    const auto number = in.number<std::uint8_t>();
    if (number > max) in.fail();
    return number;
  }
  template <class Fixed>
  void maybe(std::optional<Fixed>& value) {
    if (up_to(1) == 1) value = in.fixed<Fixed>();
  }
  void operator()(Sign& what) { what.commitment = in.fixed<Commitment>(); }
  void operator()(Fund& what) {
    what.transfer = in.fixed<wallet::TransferId>();
    what.amount = amount();
  }
  void operator()(Start&) {}
  void operator()(Deliver& what) { what.cid = in.fixed<Cid>(); }
  void operator()(Accept& what) {
    what.milestone = in.number<std::uint8_t>();
    maybe(what.delivery);
  }
  void operator()(Progress& what) { what.earned = amount(); }
  void operator()(Dispute& what) { what.reveal = in.fixed<Reveal>(); }
  void operator()(Cancel&) {}
  void operator()(Extend& what) {
    what.which = static_cast<Extended>(up_to(2));
    what.due.kind = static_cast<Due::Kind>(up_to(1));
    what.due.value = UnixMs(in.number<std::uint64_t>());
  }
  void operator()(Propose& what) {
    what.pay = amount();
    maybe(what.reveal);
  }
  void operator()(Agree& what) {
    what.proposal = in.fixed<base::Digest>();
    maybe(what.reveal);
  }
  void operator()(Rule& what) { what.pay = amount(); }
};

/// Returns the act of that kind with empty fields.
template <std::size_t... Kinds>
std::optional<What> what_of_kind(std::size_t kind, std::index_sequence<Kinds...>) {
  std::optional<What> out;
  ((Kinds == kind ? static_cast<void>(out.emplace(std::in_place_index<Kinds>)) : void()), ...);
  return out;
}

}  // namespace

base::Bytes encode(const Act& act) {
  base::Bytes out;
  base::append(out, base::as_bytes(kActMark));
  base::append(out, act.escrow.view());
  base::append(out, act.by.view());
  base::append_number(out, act.number);
  out.push_back(static_cast<std::uint8_t>(act.what.index()));
  std::visit(ActWriter{out}, act.what);
  return out;
}

std::optional<Act> decode_act(base::ByteView bytes) {
  if (bytes.size() > kActBytesMax) return std::nullopt;
  ActReader from{base::FieldReader(bytes)};
  if (base::as_text(from.in.take(kActMark.size())) != kActMark) return std::nullopt;
  Act out;
  out.escrow = from.in.fixed<EscrowId>();
  out.by = from.in.fixed<Address>();
  out.number = from.in.number<std::uint64_t>();
  auto what = what_of_kind(from.in.number<std::uint8_t>(), std::make_index_sequence<std::variant_size_v<What>>());
  if (!from.in.ok() || !what) return std::nullopt;
  std::visit(from, *what);
  if (!from.in.ended()) return std::nullopt;
  out.what = std::move(*what);
  return out;
}

}  // namespace troupe::escrow
