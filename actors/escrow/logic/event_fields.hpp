#pragma once
// Encodes and decodes the fields of events: each event lists its fields once, for writing and for reading.
//
// Owner   event_log.cpp and snapshot.cpp.
#include "actors/escrow/logic/escrow.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::escrow {

template <class Fields>
void fields(Fields& of, Due& it) {
  of(it.kind, 1);
  of(it.value);
}
template <class Fields>
void fields(Fields& of, Extend& it) {
  of(it.which, 2);
  of(it.due);
}
template <class Fields>
void fields(Fields& of, Payout& it) {
  of(it.to);
  of(it.role, 4);
  of(it.amount);
  of(it.why, 5);
}
template <class Fields>
void fields(Fields& of, Entered& it) {
  of(it.stage, 9);
  of(it.at);
  of(it.deadline);
}
template <class Fields>
void fields(Fields& of, ActTaken& it) {
  of(it.party, 1);
  of(it.number);
  of(it.act);
}
template <class Fields>
void fields(Fields& of, Committed& it) {
  of(it.provider);
}
template <class Fields>
void fields(Fields& of, DepositBegun& it) {
  of(it.party, 1);
  of(it.transfer);
}
template <class Fields>
void fields(Fields& of, DepositEnded& it) {
  of(it.party, 1);
}
template <class Fields>
void fields(Fields& of, MoneyArrived& it) {
  of(it.sequence);
  of(it.amount);
  of.maybe(it.counted, 1);
}
template <class Fields>
void fields(Fields& of, DeliveryMade& it) {
  of(it.cid);
  of(it.number);
}
template <class Fields>
void fields(Fields& of, MilestonePassed& it) {
  of(it.milestone);
}
template <class Fields>
void fields(Fields& of, RevealTaken& it) {
  of(it.party, 1);
  of(it.reveal);
}
template <class Fields>
void fields(Fields& of, Offered& it) {
  of(it.party, 1);
  of.maybe(it.extend);
}
template <class Fields>
void fields(Fields& of, DeadlineMoved& it) {
  of(it.extend);
  of(it.deadline);
}
template <class Fields>
void fields(Fields& of, ProposalMade& it) {
  of(it.party, 1);
  of(it.pay);
}
template <class Fields>
void fields(Fields& of, ArbiterDrawn& it) {
  of(it.arbiter);
  of(it.bond);
  of(it.at);
  of(it.deadline);
}
template <class Fields>
void fields(Fields& of, Owed& it) {
  of(it.payouts);
  of(it.released);
}
template <class Fields>
void fields(Fields& of, PaymentBound& it) {
  of(it.transfer);
}
template <class Fields>
void fields(Fields& of, PaymentEnded& it) {
  of(it.transfer);
}
template <class Fields>
void fields(Fields& of, BookCommitted& it) {
  of(it.book);
}
template <class Fields>
void fields(Fields& of, BookRevealed& it) {
  of(it.reveal);
}

struct FieldsOut {
  base::Bytes out{};

  template <std::unsigned_integral Number>
  void operator()(Number& number) {
    base::append_number(out, number);
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void operator()(Enum& value, std::uint8_t) { out.push_back(static_cast<std::uint8_t>(value)); }
  template <class Tag, std::size_t N>
  void operator()(base::FixedBytes<Tag, N>& bytes) {
    base::append(out, bytes.view());
  }
  void operator()(UnixMs& time) { base::append_number(out, time.count()); }
  void operator()(Amount& amount) { base::append_number(out, amount.units()); }
  void operator()(wallet::Transfer& transfer) {
    const base::Bytes bytes = wallet::encode(transfer);
    base::append_number(out, static_cast<std::uint16_t>(bytes.size()));
    base::append(out, bytes);
  }
  void operator()(Payouts& payouts) {
    base::ensure(payouts.size() <= kPayoutsMax, "an event has few payouts");
    out.push_back(static_cast<std::uint8_t>(payouts.size()));
    for (Payout& one : payouts) (*this)(one);
  }
  template <class Struct>
  requires std::is_class_v<Struct>
  void operator()(Struct& it) { fields(*this, it); }
  template <class T, class... Max>
  void maybe(std::optional<T>& value, Max... max) {
    out.push_back(value ? 1 : 0);
    if (value) (*this)(*value, static_cast<std::uint8_t>(max)...);
  }
};

struct FieldsIn {
  base::FieldReader in;

  template <std::unsigned_integral Number>
  void operator()(Number& number) {
    number = in.number<Number>();
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void operator()(Enum& value, std::uint8_t max) {
    const auto number = in.number<std::uint8_t>();
    if (number > max) in.fail();
    value = static_cast<Enum>(number);
  }
  template <class Tag, std::size_t N>
  void operator()(base::FixedBytes<Tag, N>& bytes) {
    bytes = in.fixed<base::FixedBytes<Tag, N>>();
  }
  void operator()(UnixMs& time) { time = UnixMs(in.number<std::uint64_t>()); }
  void operator()(Amount& amount) {
    const auto read = Amount::from(in.number<std::uint64_t>());
    if (!read) in.fail();
    amount = read.value_or(Amount());
  }
  void operator()(wallet::Transfer& transfer) {
    auto read = wallet::decode_transfer(in.take(in.number<std::uint16_t>()));
    if (!read) return in.fail();
    transfer = std::move(*read);
  }
  void operator()(Payouts& payouts) {
    const std::size_t count = in.number<std::uint8_t>();
    if (count > kPayoutsMax) return in.fail();
    payouts.resize(count);
    for (Payout& one : payouts) (*this)(one);
  }
  template <class Struct>
  requires std::is_class_v<Struct>
  void operator()(Struct& it) { fields(*this, it); }
  template <class T, class... Max>
  void maybe(std::optional<T>& value, Max... max) {
    const auto there = in.number<std::uint8_t>();
    if (there > 1) in.fail();
    if (there == 1) (*this)(value.emplace(), static_cast<std::uint8_t>(max)...);
  }
};

}  // namespace troupe::escrow
