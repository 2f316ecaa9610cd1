// A snapshot of an escrow at an entry of its log, so that a wake need not read a long log from its start.
#include "actors/escrow/logic/event_fields.hpp"
#include "actors/escrow/logic/event_log.hpp"

namespace troupe::escrow {
namespace {

constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kWithoutBook = 1;   // the version before, without the book's commitment
constexpr std::uint32_t kListMax = 4'096;  // our choice: such an escrow is read from its log instead

template <class Fields>
void each(Fields& of, LastAct& it) {
  of(it.number);
  of(it.act);
}
template <class Fields>
void each(Fields& of, Delivery& it) {
  of(it.cid);
  of(it.number);
}
template <class Fields>
void each(Fields& of, Proposal& it) {
  of(it.by, 1);
  of(it.pay);
}
template <class Fields>
void each(Fields& of, Offer& it) {
  of.maybe(it.extend);
}

template <class T>
void maybe(FieldsOut& of, std::optional<T>& value) {
  of.out.push_back(value ? 1 : 0);
  if (value) each(of, *value);
}
template <class T>
void maybe(FieldsIn& of, std::optional<T>& value) {
  const auto there = of.in.number<std::uint8_t>();
  if (there > 1) of.in.fail();
  if (there == 1) each(of, value.emplace());
}
template <class T>
void list(FieldsOut& of, std::vector<T>& all) {
  base::append_number(of.out, static_cast<std::uint32_t>(all.size()));
  for (T& one : all) of(one);
}
template <class T>
void list(FieldsIn& of, std::vector<T>& all) {
  const auto count = of.in.number<std::uint32_t>();
  if (count > kListMax) return of.in.fail();
  for (std::uint32_t i = 0; i < count && of.in.ok(); ++i) of(all.emplace_back());
}

/// Lists all fields: a new field stops this from compiling. The agreement and its id are given.
template <class Fields>
void all_of(Fields& of, Escrow& escrow, std::uint8_t version) {
  auto& [agreement, id, terms, stage, begun, entered, deadline, commitments, reveals, book, acts, depositing, deposited,
         offers, delivery, deliveries, milestones, proposal, drawn, drawn_bonds, arrived, returns, held, released, owed,
         paying, paid, outgoing] = escrow;
  for (Due* due : {&terms.start, &terms.deliver, &terms.review}) of(*due);  // the others never change
  of(stage, 9);
  for (UnixMs* time : {&begun, &entered, &deadline}) of(*time);
  for (auto& one : commitments) of(one);
  for (auto& one : reveals) of.maybe(one);
  if (version > kWithoutBook) of.maybe(book);
  for (auto& one : acts) each(of, one);
  for (auto& one : depositing) of.maybe(one);
  for (auto& one : deposited) of(one);
  for (auto& one : offers) maybe(of, one);
  maybe(of, delivery);
  of(deliveries);
  of(milestones);
  maybe(of, proposal);
  list(of, drawn);
  if (version > kWithoutBook) of(drawn_bonds);
  of(arrived);
  of(returns);
  of(held);
  of(released);
  for (Payouts* payouts : {&owed, &paying, &paid}) list(of, *payouts);
  wallet::TransferNumber done = outgoing.done();
  std::optional<wallet::Transfer> bound = outgoing.bound();
  of(done.value);
  of.maybe(bound);
  outgoing.restore(done, std::move(bound));
}

}  // namespace

std::optional<base::Bytes> Replay::snapshot(const base::Mutations& mutations) const {
  for (const Payouts* payouts : {&escrow_.owed, &escrow_.paying, &escrow_.paid})
    if (payouts->size() > kListMax) return std::nullopt;
  FieldsOut to{{kVersion}};
  base::append_number(to.out, sequence_);
  base::append_number(to.out, time_.count());
  base::append(to.out, hash_.view());
  Escrow escrow = escrow_;  // the same list of fields is used for reading
  if (mutations.on("escrow.snapshot_without_outbox")) escrow.outgoing.restore(escrow.outgoing.done(), std::nullopt);
  all_of(to, escrow, kVersion);
  return std::move(to.out);
}

std::optional<Replay> Replay::from_snapshot(Agreement agreement, const Commitment& buyer, base::ByteView bytes) {
  FieldsIn from{base::FieldReader(bytes)};
  const auto version = from.in.number<std::uint8_t>();
  if (version != kVersion && version != kWithoutBook) return std::nullopt;
  Replay out(std::move(agreement), buyer);
  from(out.sequence_);
  from(out.time_);
  from(out.hash_);
  all_of(from, out.escrow_, version);
  if (!from.in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::escrow
