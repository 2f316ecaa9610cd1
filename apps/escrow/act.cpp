// troupe escrow sign | fund | start | progress | deliver | accept | dispute | propose | agree | rule | cancel | extend
#include <algorithm>

#include "apps/cli/json.hpp"
#include "apps/escrow/escrow.hpp"
#include "apps/files/file.hpp"
#include "apps/wallet/deposit.hpp"
#include "messages/codec.hpp"
#include "messages/output/escrow.capnp.h"
#include "runtime/config/forms.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps {
namespace {

using namespace escrows;
using namespace wallets;
using base::Code;
using escrow::Party;
using escrow::Stage;

constexpr int kActTries = 4;                                  // our choice: for concurrent commands of the same party
constexpr std::chrono::seconds kActAnswer = 2 * kBookAnswer;  // a deposit is posted first
constexpr const char* kActHelp = "troupe help escrow";

/// The subject of a command: the escrow as its log proves it, and the acting account.
struct Acting {
  std::unique_ptr<Client> client;
  escrow::EscrowId id;
  Log log;
  escrow::Replay at;
  Signer signer;
  std::optional<Party> party{};  ///< none: perhaps an arbiter
  base::Bytes request{};         ///< as messages/escrow.capnp has it; empty: none

  const escrow::Escrow& escrow() const { return at.escrow(); }
  Client::Outcome<void> look_again() {
    auto more = fetch(*client, id, std::move(log));
    if (!more.ok()) return more.error();
    log = std::move(more).value();
    auto now = replay(id, log);
    if (!now.ok()) return now.error();
    at = std::move(now).value();
    return {};
  }
  std::uint64_t next_number() const { return party ? of(escrow().acts, *party).number + 1 : 1; }
};

Failure refused(std::string what, std::string try_ = "") {
  return {{Code::refused, std::move(what)}, "nothing was changed", std::move(try_)};
}

enum class Who : std::uint8_t { party, arbiter };

/// Reads the escrow before it asks for a passphrase.
base::Result<Acting, Failure> begin(const Invocation& invocation, Console& console, Who who = Who::party) {
  const auto id = id_typed(*invocation.text("ID"));
  if (!id.ok()) return id.error();
  const auto request = request_typed(invocation);
  if (!request.ok()) return request.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto log = fetch(*client.value(), id.value());
  if (!log.ok()) return log.error();
  auto at = replay(id.value(), log.value());
  if (!at.ok()) return at.error();
  auto signer = open_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  Acting out{std::move(client).value(), id.value(), std::move(log).value(), std::move(at).value(),
             std::move(signer).value()};
  if (!request.value().empty()) {
    const base::Digest mark = crypto::sha256(base::as_bytes("troupe escrow act request v1"),
                                             out.signer.address().view(), base::as_bytes(request.value()));
    out.request.assign(mark.bytes.begin(), mark.bytes.begin() + 16);
  }
  for (const Party party : {Party::buyer, Party::provider})
    if (out.escrow().address(party) == out.signer.address()) out.party = party;
  if (who == Who::party && !out.party)
    return refused("wallet " + out.signer.name + " is neither the buyer nor the provider of this escrow",
                   "--wallet, with a party's wallet");
  return out;
}

Ending print_acted(const Invocation& invocation, Console& console, const escrow::Replay& at, bool changed) {
  const escrow::Escrow& escrow = at.escrow();
  if (!invocation.globals.json) {
    console.err << sentence(escrow) << '\n';
    // An offer of one party does not change the escrow yet.
    for (const Party party : {Party::buyer, Party::provider})
      if (const auto& offer = of(escrow.offers, party))
        console.err << "offer: the " << party_name(party) << (offer->extend ? " extends a time" : " cancels")
                    << ", once the " << party_name(other(party)) << " gives the same command\n";
    return Exit::done;
  }
  JsonLine<output::wire::EscrowActed> line;
  line->setEscrow(data(escrow.id.view()));
  line->setState(std::string(name(escrow.stage)));
  if (!is_final(escrow.stage)) line->getDeadline().setValue(escrow.deadline.count());
  line->setSeq(at.sequence());
  line->setChanged(changed);
  line.print(console.out);
  return Exit::done;
}

/// Whether this account has acted the same way before, under another number, with a permanent effect. An offer or a
/// proposal may no longer exist.
bool did_before(const Acting& acting, const escrow::What& what) {
  if (std::holds_alternative<escrow::Cancel>(what) || std::holds_alternative<escrow::Extend>(what) ||
      std::holds_alternative<escrow::Propose>(what))
    return false;
  const auto* deliver = std::get_if<escrow::Deliver>(&what);
  if (deliver != nullptr && (!acting.escrow().delivery || acting.escrow().delivery->cid != deliver->cid)) return false;
  const base::Bytes wanted = encode(escrow::Act{acting.id, acting.signer.address(), 0, what});
  for (const LoggedAct& logged : acting.log.acts) {
    auto act = escrow::decode_act(logged.act);
    if (!act || act->by != acting.signer.address()) continue;
    act->number = 0;
    if (encode(*act) == wanted) return true;
  }
  return false;
}

/// Whether this party has agreed to a proposal of the other party to release that amount.
bool has_agreed(const Acting& acting, wallet::Amount pay) {
  const base::Digest wanted = hash_of(acting.id, escrow::Proposal{other(*acting.party), pay});
  return std::ranges::any_of(acting.log.acts, [&](const LoggedAct& logged) {
    const auto act = escrow::decode_act(logged.act);
    const auto* const agree = act ? std::get_if<escrow::Agree>(&act->what) : nullptr;
    return agree != nullptr && act->by == acting.signer.address() && agree->proposal == wanted;
  });
}

/// Makes one attempt, with the next number.
Client::Outcome<bool> send_act(Acting& acting, const escrow::What& what, const std::optional<Deposit>& deposit) {
  using escrow::wire::TakeAct;
  const base::Bytes bytes = encode(escrow::Act{acting.id, acting.signer.address(), acting.next_number(), what});
  const wallet::Approval approval = acting.signer.approve(bytes);
  auto taken = ask_book<TakeAct, escrow::wire::ActTaken>(
      *acting.client, escrow::kPath,
      [&](TakeAct::Builder out) {
        escrow::write(out.initAct(), bytes, acting.signer.policy, {&approval, 1});
        if (!acting.request.empty()) out.setRequest(data_of(acting.request));
        if (deposit) deposit->write_to(out.initDeposit());
      },
      kActAnswer);
  if (taken.ok()) return taken.value().root().getChanged();
  Failure failure = taken.error();
  const bool refusal = failure.error.code == Code::refused || failure.error.code == Code::conflict;
  if (refusal && failure.try_.empty()) failure.try_ = "troupe escrow show " + acting.id.hex();
  return failure;
}

/// Acts. If the refused act already has its effect, that is not a failure. If another act of this party came first, it
/// is signed again with the same content.
Ending act(const Invocation& invocation, Console& console, Acting acting, const escrow::What& what) {
  for (int tries = 1;; ++tries) {
    const std::uint64_t number = acting.next_number();
    const auto taken = send_act(acting, what, std::nullopt);
    const bool refusal =
        !taken.ok() && (taken.error().error.code == Code::refused || taken.error().error.code == Code::conflict);
    if (!taken.ok() && !refusal) return taken.error();
    if (const auto looked = acting.look_again(); !looked.ok()) {
      if (!taken.ok()) return taken.error();
      return looked.error();
    }
    if (taken.ok()) return print_acted(invocation, console, acting.at, taken.value());
    if (did_before(acting, what)) return print_acted(invocation, console, acting.at, false);
    if (acting.next_number() == number || tries == kActTries) return taken.error();
  }
}

std::optional<escrow::Reveal> reveal_if_due(const Acting& acting) {
  if (acting.escrow().stage != Stage::disputed || of(acting.escrow().reveals, *acting.party)) return std::nullopt;
  return reveal_of(acting.signer.key, acting.id);
}

base::Result<wallet::Amount, Failure> pay_typed(const Invocation& invocation) {
  const auto typed = invocation.text("--pay");
  if (!typed) return usage_failure("give the part of the price that is released in total with --pay", kActHelp);
  if (*typed == "0") return wallet::Amount();
  return amount_typed(*typed, kActHelp);
}

}  // namespace

Ending escrow_sign(const Invocation& invocation, Console& console) {
  auto acting = begin(invocation, console);
  if (!acting.ok()) return acting.error();
  const escrow::Escrow& escrow = acting.value().escrow();
  if (acting.value().party != Party::provider)
    return refused("the buyer signs an escrow by creating it; now the provider must sign it");
  if (escrow.stage == Stage::proposed) {
    const auto book = terms_of(*acting.value().client);
    if (!book.ok()) return book.error();
    if (escrow.agreement.book != book.value().book || escrow.agreement.fund != book.value().fund)
      return refused("the agreement names a different book or fund than this node's book");
    if (const auto checked = check(escrow.agreement, book.value().now); !checked.ok())
      return refused(std::string("the agreement cannot be signed: ") + explained(checked.error()));
  }
  show_agreement(console.err, acting.value().id, escrow.agreement);
  const escrow::Sign sign{commitment_of(reveal_of(acting.value().signer.key, acting.value().id))};
  return act(invocation, console, std::move(acting).value(), sign);
}

Ending escrow_fund(const Invocation& invocation, Console& console) {
  auto begun = begin(invocation, console);
  if (!begun.ok()) return begun.error();
  Acting acting = std::move(begun).value();
  const Party party = *acting.party;
  const wallet::Amount share = acting.escrow().share(party);
  if (share == wallet::Amount()) return refused("this escrow has no bond, so the provider pays nothing in");
  for (int tries = 1;; ++tries) {
    if (of(acting.escrow().deposited, party) == share) return print_acted(invocation, console, acting.at, false);
    const auto account = account_at(*acting.client, acting.signer.address());
    if (!account.ok()) return account.error();
    const auto deposit =
        sign_deposit(*acting.client, acting.signer, account.value(), {account_of(acting.id), share}, "escrow");
    if (!deposit.ok()) return deposit.error();
    const auto taken = send_act(acting, escrow::Fund{id_of(deposit.value().transfer), share}, deposit.value());
    const bool refusal =
        !taken.ok() && (taken.error().error.code == Code::refused || taken.error().error.code == Code::conflict);
    if (!taken.ok() && !refusal) return taken.error();
    if (const auto looked = acting.look_again(); !looked.ok()) {
      if (!taken.ok()) return taken.error();
      return looked.error();
    }
    if (taken.ok()) return print_acted(invocation, console, acting.at, taken.value());
    // Another transfer of the account was posted, or another act of the party was accepted, in between: try again.
    const auto now = account_at(*acting.client, acting.signer.address());
    const bool moved = now.ok() && now.value().done != account.value().done;
    if (tries == kActTries || !moved) {
      if (of(acting.escrow().deposited, party) == share) return print_acted(invocation, console, acting.at, false);
      return taken.error();
    }
  }
}

Ending escrow_start(const Invocation& invocation, Console& console) {
  auto acting = begin(invocation, console);
  if (!acting.ok()) return acting.error();
  return act(invocation, console, std::move(acting).value(), escrow::Start{});
}

Ending escrow_progress(const Invocation& invocation, Console& console) {
  const auto typed = invocation.text("AMOUNT");
  const auto milestone = invocation.number("--milestone");
  if (typed.has_value() == milestone.has_value())
    return usage_failure("give the amount earned so far, or --milestone", "troupe help escrow progress");
  escrow::What what = escrow::Accept{std::nullopt, milestone.value_or(0)};
  if (typed) {
    const auto earned = amount_typed(*typed, "troupe help escrow progress");
    if (!earned.ok()) return earned.error();
    what = escrow::Progress{earned.value()};
  }
  auto acting = begin(invocation, console);
  if (!acting.ok()) return acting.error();
  return act(invocation, console, std::move(acting).value(), what);
}

Ending escrow_deliver(const Invocation& invocation, Console& console) {
  const auto cid = cid_of(invocation);
  if (!cid.ok()) return cid.error();
  const escrow::Cid delivered{cid.value().bytes};
  auto acting = begin(invocation, console);
  if (!acting.ok()) return acting.error();
  const escrow::Escrow& escrow = acting.value().escrow();
  if (escrow.stage == Stage::delivered && escrow.delivery && escrow.delivery->cid == delivered)
    return print_acted(invocation, console, acting.value().at, false);
  if (escrow.agreement.cid && *escrow.agreement.cid != delivered)
    return refused("the agreement names a different file: " + escrow.agreement.cid->hex(),
                   "troupe escrow deliver " + acting.value().id.hex() + ' ' + escrow.agreement.cid->hex());
  const auto held = has_holder(*acting.value().client, cid.value());
  if (!held.ok()) return held.error();
  if (!held.value())
    return refused("no reachable node has the file, so the buyer could not fetch it", "troupe file put PATH");
  return act(invocation, console, std::move(acting).value(), escrow::Deliver{delivered});
}

Ending escrow_accept(const Invocation& invocation, Console& console) {
  std::optional<escrow::Cid> wanted;
  if (const auto typed = invocation.text("--cid")) {
    wanted = escrow::Cid::from_hex(*typed);
    if (!wanted)
      return usage_failure("invalid content id: expected 64 hexadecimal digits", "troupe help escrow accept");
  }
  auto acting = begin(invocation, console);
  if (!acting.ok()) return acting.error();
  const escrow::Escrow& escrow = acting.value().escrow();
  escrow::Accept accept{std::nullopt, invocation.number("--milestone").value_or(0)};
  if (wanted && (!escrow.delivery || escrow.delivery->cid != *wanted))
    return Failure{{Code::conflict, escrow.delivery ? "a different file was delivered: " + escrow.delivery->cid.hex()
                                                    : "nothing was delivered"},
                   "nothing was changed",
                   "troupe escrow show " + acting.value().id.hex()};
  if (escrow.delivery && (wanted || accept.milestone == 0)) accept.delivery = escrow.delivery->hash(escrow.id);
  return act(invocation, console, std::move(acting).value(), accept);
}

Ending escrow_dispute(const Invocation& invocation, Console& console) {
  auto acting = begin(invocation, console);
  if (!acting.ok()) return acting.error();
  const escrow::Dispute dispute{reveal_of(acting.value().signer.key, acting.value().id)};
  return act(invocation, console, std::move(acting).value(), dispute);
}

Ending escrow_propose(const Invocation& invocation, Console& console) {
  const auto pay = pay_typed(invocation);
  if (!pay.ok()) return pay.error();
  auto acting = begin(invocation, console);
  if (!acting.ok()) return acting.error();
  const escrow::Propose propose{pay.value(), reveal_if_due(acting.value())};
  return act(invocation, console, std::move(acting).value(), propose);
}

Ending escrow_agree(const Invocation& invocation, Console& console) {
  const auto pay = pay_typed(invocation);
  if (!pay.ok()) return pay.error();
  auto acting = begin(invocation, console);
  if (!acting.ok()) return acting.error();
  const escrow::Escrow& escrow = acting.value().escrow();
  const auto& proposal = escrow.proposal;
  const bool theirs = proposal && proposal->by != *acting.value().party;
  const bool matches = theirs && proposal->pay == pay.value();
  if (!matches && has_agreed(acting.value(), pay.value()))
    return print_acted(invocation, console, acting.value().at, false);
  if (!matches)
    return Failure{{Code::conflict, !proposal ? "there is no proposal"
                                    : !theirs ? "this party made the proposal, which releases " + proposal->pay.text()
                                              : "the proposal is to release " + proposal->pay.text()},
                   "nothing was changed",
                   theirs ? "troupe escrow agree " + escrow.id.hex() + " --pay " + proposal->pay.text()
                          : "troupe escrow propose " + escrow.id.hex() + " --pay A"};
  const escrow::Agree agree{hash_of(escrow.id, *proposal), reveal_if_due(acting.value())};
  return act(invocation, console, std::move(acting).value(), agree);
}

Ending escrow_rule(const Invocation& invocation, Console& console) {
  const auto pay = pay_typed(invocation);
  if (!pay.ok()) return pay.error();
  auto acting = begin(invocation, console, Who::arbiter);
  if (!acting.ok()) return acting.error();
  return act(invocation, console, std::move(acting).value(), escrow::Rule{pay.value()});
}

Ending escrow_cancel(const Invocation& invocation, Console& console) {
  auto acting = begin(invocation, console);
  if (!acting.ok()) return acting.error();
  return act(invocation, console, std::move(acting).value(), escrow::Cancel{});
}

Ending escrow_extend(const Invocation& invocation, Console& console) {
  const char* const help = "troupe help escrow extend";
  std::optional<escrow::Extend> extend;
  for (const auto& [option, which] :
       {std::pair("--start", escrow::Extended::start), std::pair("--deliver", escrow::Extended::deliver),
        std::pair("--review", escrow::Extended::review)}) {
    const auto typed = invocation.text(option);
    if (!typed) continue;
    if (extend) return usage_failure("only one time can be extended at once", help);
    const auto time = time_typed(*typed, help);
    if (!time.ok()) return time.error();
    extend = escrow::Extend{
        which, {time.value().is_date ? escrow::Due::Kind::at : escrow::Due::Kind::after, time.value().value}};
  }
  if (!extend) return usage_failure("give the time to extend: --start, --deliver or --review", help);
  auto acting = begin(invocation, console);
  if (!acting.ok()) return acting.error();
  return act(invocation, console, std::move(acting).value(), *extend);
}

Ending escrow_look(const Invocation& invocation, Console& console) {
  const auto id = id_typed(*invocation.text("ID"));
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  using escrow::wire::LookAt;
  auto looked = ask_book<LookAt, escrow::wire::ActTaken>(
      *client.value(), escrow::kPath, [&](LookAt::Builder out) { out.setEscrow(data_of(id.value().view())); });
  if (!looked.ok()) return looked.error();
  const auto log = fetch(*client.value(), id.value());
  if (!log.ok()) return log.error();
  const auto at = replay(id.value(), log.value());
  if (!at.ok()) return at.error();
  return print_acted(invocation, console, at.value(), looked.value().root().getChanged());
}

namespace escrows {

escrow::Reveal reveal_of(const crypto::SecretKey& key, const escrow::EscrowId& id) {
  crypto::Seed seed;
  key.copy_seed(seed);
  return {crypto::sha256(base::as_bytes("troupe reveal v1"), seed.bytes, id.view()).bytes};
}

void show_agreement(std::ostream& err, const escrow::EscrowId& id, const escrow::Agreement& agreement) {
  const auto due = [](const escrow::Due& one, const char* state) {
    return one.kind == escrow::Due::Kind::at ? date_of(one.value)
                                             : config::duration_text(one.value) + " after it is " + state;
  };
  err << "signs: escrow " << id.hex() << "\nbuyer     " << text(agreement.buyer) << "\nprovider  "
      << text(agreement.provider) << "\nprice     " << agreement.price.text() << ", a bond of " << agreement.bond.text()
      << " from each party\n"
         "start     by "
      << due(agreement.terms.start, "funded") << "\ndelivery  by " << due(agreement.terms.deliver, "running")
      << "\nreview    by " << due(agreement.terms.review, "delivered") << '\n';
  err << "a dispute " << config::duration_text(agreement.terms.mediation) << " to agree, then an arbiter has "
      << config::duration_text(agreement.terms.arbiter_term) << " to rule\n";
  for (const wallet::Amount part : agreement.milestones) err << "milestone " << part.text() << '\n';
  if (agreement.cid) err << "content   " << agreement.cid->hex() << '\n';
}

}  // namespace escrows
}  // namespace troupe::apps
