// troupe escrow show | ls | log | verify | watch

#include "actors/chain/api.hpp"
#include "apps/cli/input.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/escrow/escrow.hpp"
#include "messages/codec.hpp"
#include "messages/node.capnp.h"
#include "messages/output/escrow.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

using namespace escrows;
using namespace wallets;
using base::Code;
using escrow::Party;
using escrow::Stage;
using wallet::Amount;

constexpr std::chrono::seconds kHealthAnswer{5};        // our choice: the escrow is shown without it
constexpr std::uint64_t kLogFileBytesMax = 256u << 20;  // our choice: more than twice the JSON of a 64 MiB log

Amount bond_held(const escrow::Escrow& escrow, Party party) {
  const bool there = !is_final(escrow.stage) && of(escrow.deposited, party) > Amount();
  return there ? escrow.agreement.bond : Amount();
}

/// Returns what happens at the deadline. The money stays in place before another arbiter is drawn.
escrow::Outcome then_of(const escrow::Escrow& escrow) {
  escrow::Outcome out = otherwise(escrow);
  if (out.next_arbiter) out = {Stage::disputed, {}, escrow.released};
  return out;
}

/// Returns one row per recipient and role.
escrow::Payouts summed(const escrow::Payouts& payouts) {
  escrow::Payouts out;
  for (const escrow::Payout& payout : payouts) {
    const auto same = std::ranges::find_if(
        out, [&](const escrow::Payout& one) { return one.to == payout.to && one.role == payout.role; });
    if (same == out.end()) out.push_back(payout);
    else same->amount = same->amount + payout.amount;
  }
  return out;
}

/// Returns the deadline that an offer would set, if the state that it limits has begun.
std::optional<std::uint64_t> due_of(const escrow::Escrow& escrow, const escrow::Extend& extend) {
  if (extend.due.kind == escrow::Due::Kind::at) return extend.due.value.count();
  constexpr Stage kBounded[] = {Stage::funded, Stage::running, Stage::delivered};
  if (escrow.stage != kBounded[static_cast<std::size_t>(extend.which)]) return std::nullopt;
  return extend.due.from(escrow.entered).count();
}

void write_proposal(output::wire::EscrowProposal::Builder out, const escrow::Escrow& escrow) {
  out.setBy(std::string(party_name(escrow.proposal->by)));
  out.setPay(escrow.proposal->pay.text());
  out.setHash(data(hash_of(escrow.id, *escrow.proposal).view()));
}

void write_offers(output::wire::EscrowShown::Builder out, const escrow::Escrow& escrow) {
  constexpr std::string_view kWhich[] = {"start", "deliver", "review"};
  unsigned count = 0, at = 0;
  for (const auto& offer : escrow.offers) count += offer ? 1u : 0u;
  auto offers = out.initOffers(count);
  for (const Party party : {Party::buyer, Party::provider}) {
    const auto& offer = of(escrow.offers, party);
    if (!offer) continue;
    auto row = offers[at++];
    row.setBy(std::string(party_name(party)));
    row.setWhat(offer->extend ? "extend" : "cancel");
    if (!offer->extend) continue;
    row.setWhich(std::string(kWhich[static_cast<std::size_t>(offer->extend->which)]));
    if (const auto due = due_of(escrow, *offer->extend)) row.getDue().setValue(*due);
  }
}

/// Returns why an unconfirmed payment cannot be paid, from the health of the node that keeps the escrow; empty if it
/// reports nothing.
std::string fees_lacking(Client& client, const escrow::Escrow& escrow) {
  if (escrow.confirmed()) return "";
  auto status = client.ask<node::wire::GetStatus, node::wire::NodeStatus>("/node", kHealthAnswer,
                                                                          [](node::wire::GetStatus::Builder) {});
  if (!status.ok()) return "";  // the rest is known
  for (const auto reason : status.value().root().getReasons())
    if (text_of(reason.getSource()) == chain::kBookFeesHealth) return std::string(text_of(reason.getText()));
  return "";
}

void write_shown(output::wire::EscrowShown::Builder out, const escrow::Replay& at, const Log& log, bool lacks_fees) {
  const escrow::Escrow& escrow = at.escrow();
  const escrow::Agreement& made = escrow.agreement;
  out.setEscrow(data(escrow.id.view()));
  out.setState(std::string(name(escrow.stage)));
  out.setBuyer(text(made.buyer));
  out.setProvider(text(made.provider));
  out.setAmount(made.price.text());
  auto bonds = out.initBonds();
  bonds.setBuyer(bond_held(escrow, Party::buyer).text());
  bonds.setProvider(bond_held(escrow, Party::provider).text());
  out.setReleased(escrow.released.text());
  out.setFund(share(escrow.released, 1, 20)->text());
  if (!is_final(escrow.stage)) out.getDeadline().setValue(escrow.deadline.count());
  const escrow::Outcome then = then_of(escrow);
  const escrow::Payouts payouts = summed(then.payouts);
  out.initThen().setState(std::string(name(then.stage)));
  auto rows = out.getThen().initPayouts(size32(payouts));
  for (unsigned i = 0; i < rows.size(); ++i) {
    rows[i].setTo(text(payouts[i].to));
    rows[i].setRole(std::string(role_name(payouts[i].role)));
    rows[i].setAmount(payouts[i].amount.text());
  }
  if (escrow.delivery) out.setDelivered(data(escrow.delivery->cid.view()));
  if (escrow.stage == Stage::disputed || of(escrow.reveals, Party::buyer)) {
    auto dispute = out.initDispute();
    auto arbiters = dispute.initArbiters(size32(escrow.drawn));
    for (unsigned i = 0; i < arbiters.size(); ++i) arbiters.set(i, text(escrow.drawn[i]));
    if (escrow.proposal) write_proposal(dispute.initProposal(), escrow);
  }
  auto paid = out.initPaid(size32(escrow.paid));
  for (unsigned i = 0; i < paid.size(); ++i) {
    paid[i].setTo(text(escrow.paid[i].to));
    paid[i].setRole(std::string(role_name(escrow.paid[i].role)));
    paid[i].setAmount(escrow.paid[i].amount.text());
    paid[i].setWhy(std::string(why_name(escrow.paid[i].why)));
  }
  write_offers(out, escrow);
  out.setConfirmed(escrow.confirmed());
  out.setSentence(sentence(escrow));
  if (escrow.proposal) write_proposal(out.initProposal(), escrow);
  auto milestones = out.initMilestones(size32(made.milestones));
  for (unsigned i = 0; i < milestones.size(); ++i) {
    milestones[i].setAmount(made.milestones[i].text());
    milestones[i].setPassed((escrow.milestones >> i & 1) != 0);
  }
  if (made.cid) out.setCid(data(made.cid->view()));
  out.setBond(made.bond.text());
  out.setAccount(text(account_of(escrow.id)));
  out.setSeq(at.sequence());
  out.setHash(data(at.hash().view()));
  auto notes = out.initNotes(size32(log.notes));
  for (unsigned i = 0; i < notes.size(); ++i) notes.set(i, text_of(log.notes[i]));
  if (lacks_fees) out.setWaits("fees");
}

void print_shown(std::ostream& out, const escrow::Replay& at, const Log& log, const std::string& lacks) {
  const escrow::Escrow& escrow = at.escrow();
  const escrow::Agreement& made = escrow.agreement;
  out << "escrow      " << escrow.id.hex() << "\nstate       " << name(escrow.stage) << "\nbuyer       "
      << text(made.buyer) << "\nprovider    " << text(made.provider) << "\namount      " << made.price.text()
      << ", a bond of " << made.bond.text()
      << " from each party\n"
         "released     "
      << escrow.released.text() << ", of which " << share(escrow.released, 1, 20)->text() << " to the fund\n";
  for (std::size_t i = 0; i < made.milestones.size(); ++i)
    out << "milestone   " << made.milestones[i].text() << ((escrow.milestones >> i & 1) != 0 ? ", accepted" : "")
        << '\n';
  if (made.cid) out << "agreed      " << made.cid->hex() << '\n';
  if (escrow.delivery) out << "delivered   " << escrow.delivery->cid.hex() << '\n';
  if (escrow.proposal)
    out << "proposal    the " << party_name(escrow.proposal->by) << ": release " << escrow.proposal->pay.text() << '\n';
  for (const Party party : {Party::buyer, Party::provider})
    if (const auto& offer = of(escrow.offers, party))
      out << "offer       " << event_text(escrow::Offered{party, offer->extend}) << '\n';
  for (const escrow::Address& arbiter : escrow.drawn) out << "arbiter     " << text(arbiter) << '\n';
  for (const escrow::Payout& one : escrow.paid)
    out << "paid        " << one.amount.text() << " to the " << role_name(one.role) << ", " << text(one.to) << " ("
        << why_name(one.why) << ")\n";
  for (const std::string& note : log.notes) out << "note        " << base::printable(note) << '\n';
  if (!lacks.empty()) out << "waits       fees: " << base::printable(lacks) << '\n';
  out << sentence(escrow) << '\n';
}

struct ListedEscrow {
  escrow::EscrowId id;
  std::string state;
  std::uint64_t amount = 0, deadline = 0;
  std::optional<escrow::Address> buyer, provider;
};

Client::Outcome<std::vector<ListedEscrow>> list_escrows(Client& client, const std::optional<wallet::Address>& account,
                                                        const std::string& state) {
  using escrow::wire::ListEscrows, escrow::wire::Escrows;
  std::vector<ListedEscrow> out;
  base::Bytes from;
  do {
    auto page = ask_book<ListEscrows, Escrows>(client, escrow::kPath, [&](ListEscrows::Builder question) {
      if (account) question.setAccount(data_of(account->view()));
      question.setFrom(data_of(from));
      question.setState(text_of(state));
    });
    if (!page.ok()) return page.error();
    for (const auto row : page.value().root().getRows()) {
      const auto id = escrow::EscrowId::from(bytes_of(row.getEscrow()));
      if (!id) return odd_answer("it lists an entry that is not an escrow");
      out.push_back({*id, text_of(row.getState()), row.getAmount(), row.getDeadline(),
                     escrow::Address::from(bytes_of(row.getBuyer())),
                     escrow::Address::from(bytes_of(row.getProvider()))});
    }
    const auto next = bytes_of(page.value().root().getNext());
    if (!next.empty() && !std::ranges::lexicographical_compare(from, next))
      return odd_answer("its pages do not continue");
    from.assign(next.begin(), next.end());
  } while (!from.empty());
  return out;
}

/// Reads the log in a file that `escrow log --json` has printed.
base::Result<Log, Failure> log_in(const std::string& path) {
  auto text = file_text(path, kLogFileBytesMax,
                        {{Code::not_found, "there is no file " + path + ", and it is not an escrow id"},
                         "",
                         "troupe escrow log ID --json > FILE"});
  if (!text.ok()) return text.error();
  std::string json = std::move(text).value();
  if (json.starts_with(kByteOrderMark)) json.erase(0, kByteOrderMark.size());
  auto log = read_log(json);
  if (log) return std::move(*log);
  return Failure{{Code::corrupt,
                  path + " is not the log of an escrow: it was not printed by `escrow log --json`, or is truncated"},
                 "nothing was verified",
                 "troupe escrow log ID --json > FILE"};
}

}  // namespace

Ending escrow_show(const Invocation& invocation, Console& console) {
  const auto id = id_typed(*invocation.text("ID"));
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto log = fetch(*client.value(), id.value());
  if (!log.ok() && log.error().error.code == Code::not_found)
    return show_task(invocation, console, *client.value(), id.value());
  if (!log.ok()) return log.error();
  const auto at = replay(id.value(), log.value());
  if (!at.ok()) return at.error();
  const std::string lacks = fees_lacking(*client.value(), at.value().escrow());
  if (invocation.globals.json) {
    JsonLine<output::wire::EscrowShown> line;
    write_shown(*line, at.value(), log.value(), !lacks.empty());
    line.print(console.out);
  } else {
    print_shown(console.out, at.value(), log.value(), lacks);
  }
  return Exit::done;
}

Ending escrow_list(const Invocation& invocation, Console& console) {
  std::optional<wallet::Address> account;
  if (const auto typed = invocation.text("--account")) {
    const auto one = account_typed(console, *typed, "troupe help escrow ls");
    if (!one.ok()) return one.error();
    account = one.value();
  }
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto all = list_escrows(*client.value(), account, invocation.text("--state").value_or(""));
  if (!all.ok()) return all.error();
  JsonLine<output::wire::EscrowRows> line;
  auto rows = line->initRows(size32(all.value()));
  TextTable table({{"ESCROW"}, {"STATE"}, {"AMOUNT", Align::right}, {"DEADLINE"}});
  for (unsigned i = 0; i < rows.size(); ++i) {
    const ListedEscrow& one = all.value()[i];
    rows[i].setEscrow(data(one.id.view()));
    rows[i].setState(one.state);
    rows[i].setAmount(std::to_string(one.amount));
    if (one.deadline > 0) rows[i].getDeadline().setValue(one.deadline);
    if (one.buyer) rows[i].setBuyer(text(*one.buyer));
    if (one.provider) rows[i].setProvider(text(*one.provider));
    table.add({one.id.hex(), one.state, std::to_string(one.amount),
               one.deadline > 0 ? date_of(wallet::UnixMs(one.deadline)) : "-"});
  }
  if (invocation.globals.json) write_json_line(console.out, capnp::toDynamic(rows.asReader()));
  else table.print(console.out);
  return Exit::done;
}

Ending escrow_log(const Invocation& invocation, Console& console) {
  const auto id = id_typed(*invocation.text("ID"));
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto log = fetch(*client.value(), id.value());
  if (!log.ok()) return log.error();
  if (invocation.globals.json) {
    write_log(console.out, log.value());
    return Exit::done;
  }
  TextTable table({{"SEQ", Align::right}, {"TIME"}, {"EVENT"}, {"WHAT"}, {"BY"}});
  for (const base::Bytes& bytes : log.value().entries) {
    const auto entry = escrow::decode_entry(bytes);
    if (!entry) return odd_answer("an entry of the log is malformed");
    table.add({std::to_string(entry->sequence), date_of(entry->time), std::string(event_name(entry->event)),
               event_text(entry->event), entry->by == escrow::Address() ? "-" : text(entry->by)});
  }
  table.print(console.out);
  return Exit::done;
}

Ending escrow_verify(const Invocation& invocation, Console& console) {
  const std::string typed = *invocation.text("ID|FILE");
  const auto id = escrow::EscrowId::from_hex(typed);
  auto log = [&]() -> base::Result<Log, Failure> {
    if (!id && invocation.globals.server) return usage_failure("invalid id: expected 64 hexadecimal digits", "");
    if (!id) return log_in(typed);
    auto client = Client::connect(invocation, console);
    if (!client.ok()) return client.error();
    return fetch(*client.value(), *id);
  }();
  if (!log.ok()) return log.error();
  const Verified verified = verify(id, log.value());
  if (invocation.globals.json) {
    JsonLine<output::wire::EscrowVerified> line;
    line->setEscrow(data(verified.id.view()));
    if (verified.entries > 0) line->setState(std::string(name(verified.stage)));
    line->setEntries(verified.entries);
    line->setActs(verified.acts);
    if (verified.flaw) {
      auto bad = line->initBad();
      bad.setSeq(verified.flaw->sequence);
      bad.setWhat(verified.flaw->what);
    }
    line.print(console.out);
  } else if (!verified.flaw) {
    console.out << verified.id.hex() << ' ' << name(verified.stage) << ": " << verified.entries << " events and "
                << verified.acts << " signed acts are valid\n";
  }
  if (!verified.flaw) return Exit::done;
  return Failure{{Code::corrupt, "event " + std::to_string(verified.flaw->sequence) + " of escrow " +
                                     verified.id.hex() + " is invalid: " + verified.flaw->what},
                 std::to_string(verified.entries) + " events before it are valid"};
}

Ending escrow_watch(const Invocation& invocation, Console& console) {
  std::optional<escrow::EscrowId> id;
  if (const auto typed = invocation.text("ID")) {
    const auto read = id_typed(*typed);
    if (!read.ok()) return read.error();
    id = read.value();
  }
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (id)
    if (const auto there = fetch(*client.value(), *id); !there.ok()) return there.error();
  using escrow::wire::WatchEscrows, escrow::wire::EscrowEvent;
  const auto seconds = invocation.number("--seconds");
  // The stream ends after the idle time of streams; an endless watch may be silent for long.
  const base::Duration idle = std::chrono::seconds(seconds.value_or(24 * 3'600));
  const base::Instant end = seconds ? client.value()->now() + std::chrono::seconds(*seconds) : base::Instant::max();
  const Failure enough{.error = {Code::timeout, "enough"}, .exit = Exit::done};
  const auto ended = client.value()->subscribe<WatchEscrows, EscrowEvent>(
      escrow::kPath, idle,
      [&](WatchEscrows::Builder out) {
        if (id) out.setEscrow(data_of(id->view()));
      },
      [&](EscrowEvent::Reader event) -> Client::Outcome<void> {
        const auto entry = escrow::decode_entry(bytes_of(event.getEntry()));
        const auto of = escrow::EscrowId::from(bytes_of(event.getEscrow()));
        if (!entry || !of) return odd_answer("it is not an event of an escrow");
        if (invocation.globals.json) {
          JsonLine<output::wire::EscrowSeen> line;
          line->setEscrow(data(of->view()));
          line->setSeq(entry->sequence);
          line->setTime(entry->time.count());
          line->setEvent(std::string(event_name(entry->event)));
          if (entry->by != escrow::Address()) line->setBy(text(entry->by));
          line->setWhat(event_text(entry->event));
          line.print(console.out);
        } else {
          console.out << date_of(entry->time) << ' ' << of->hex() << ' ' << entry->sequence << ' '
                      << event_name(entry->event) << ": " << event_text(entry->event) << '\n';
        }
        console.out.flush();
        if (client.value()->now() >= end) return enough;
        return {};
      });
  if (ended.ok() || ended.error().exit == Exit::done) return Exit::done;
  if (seconds && ended.error().error.code == Code::timeout) return Exit::done;
  return without_book(ended.error());
}

}  // namespace troupe::apps
