// troupe escrow arbiter join | leave | ls
#include "actors/escrow/logic/registry.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/escrow/escrow.hpp"
#include "apps/wallet/deposit.hpp"
#include "apps/wallet/requests.hpp"
#include "messages/codec.hpp"
#include "messages/common.capnp.h"
#include "messages/output/escrow.capnp.h"

namespace troupe::apps {
namespace {

using namespace escrows;
using namespace wallets;
using messages::wire::Nothing;

constexpr const char* kArbiterHelp = "troupe help escrow arbiter join";
constexpr std::chrono::seconds kJoinAnswer = 2 * kBookAnswer;  // the bond is posted first

struct KnownArbiters {
  wallet::Address account;
  std::map<wallet::Address, escrow::ArbiterRecord> records;
};

Client::Outcome<KnownArbiters> arbiters_of(Client& client) {
  auto answer = ask_book<escrow::wire::ListArbiters, escrow::wire::Arbiters>(
      client, escrow::kPath, [](escrow::wire::ListArbiters::Builder) {});
  if (!answer.ok()) return answer.error();
  KnownArbiters out;
  const auto account = wallet::Address::from(bytes_of(answer.value().root().getAccount()));
  if (!account) return odd_answer("the account of the arbiters is malformed");
  out.account = *account;
  for (const auto row : answer.value().root().getRows()) {
    const auto address = wallet::Address::from(bytes_of(row.getAddress()));
    const auto bond = wallet::Amount::from(row.getBond());
    const auto joined = wallet::TransferId::from(bytes_of(row.getJoined()));
    if (!address || !bond || !joined) return odd_answer("an arbiter is malformed");
    out.records[*address] = {
        *bond, *joined, row.getDrawn(), row.getRuled(), row.getSilent(), 0, escrow::UnixMs(row.getSince())};
  }
  return out;
}

void write(output::wire::EscrowArbiter::Builder out, const wallet::Address& address,
           const escrow::ArbiterRecord& record) {
  out.setArbiter(text(address));
  out.setBond(record.bond.text());
  out.setDrawn(record.drawn);
  out.setRuled(record.ruled);
  out.setSilent(record.silent);
  out.setSince(record.since.count());
}

Ending print_one(const Invocation& invocation, Console& console, Client& client, const wallet::Address& address) {
  if (!invocation.globals.json) return Exit::done;
  const auto known = arbiters_of(client);
  if (!known.ok()) return known.error();
  JsonLine<output::wire::EscrowArbiter> line;
  const auto at = known.value().records.find(address);
  write(*line, address, at == known.value().records.end() ? escrow::ArbiterRecord{} : at->second);
  line.print(console.out);
  return Exit::done;
}

Ending join(const Invocation& invocation, Console& console) {
  const auto typed = invocation.text("--bond");
  if (!typed) return usage_failure("give the amount of the bond with --bond", kArbiterHelp);
  const auto bond = amount_typed(*typed, kArbiterHelp);
  if (!bond.ok()) return bond.error();
  auto request = KeptRequest::open(invocation, console);
  if (!request.ok()) return request.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto signer = open_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  const auto asked = "arbiter join " + text(signer.value().address()) + ' ' + bond.value().text();
  if (const auto kept = request.value().keep(base::as_bytes(asked)); !kept.ok()) return kept.error();
  const base::Instant end = client.value()->now() + kPayPatience;
  while (true) {
    const auto known = arbiters_of(*client.value());
    if (!known.ok()) return known.error();
    const auto at = known.value().records.find(signer.value().address());
    if (at != known.value().records.end() && at->second.bond == bond.value())
      return print_one(invocation, console, *client.value(), signer.value().address());
    const auto account = account_at(*client.value(), signer.value().address());
    if (!account.ok()) return account.error();
    const auto deposit = sign_deposit(*client.value(), signer.value(), account.value(),
                                      {known.value().account, bond.value()}, "arbiter");
    if (!deposit.ok()) return deposit.error();
    const auto joined = ask_book<escrow::wire::JoinArbiters, Nothing>(
        *client.value(), escrow::kPath,
        [&](escrow::wire::JoinArbiters::Builder out) { deposit.value().write_to(out.initDeposit()); }, kJoinAnswer);
    if (joined.ok()) return print_one(invocation, console, *client.value(), signer.value().address());
    const auto now = account_at(*client.value(), signer.value().address());
    const bool moved = now.ok() && now.value().done != account.value().done;
    if (joined.error().error.code == base::Code::conflict && moved && client.value()->now() < end) continue;
    request.value().failed(joined.error());
    return joined.error();
  }
}

Ending leave(const Invocation& invocation, Console& console) {
  if (const auto request = request_typed(invocation); !request.ok()) return request.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto signer = open_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  const auto known = arbiters_of(*client.value());
  if (!known.ok()) return known.error();
  const auto at = known.value().records.find(signer.value().address());
  if (at == known.value().records.end())
    return Failure{{base::Code::not_found, "this account is not an arbiter"}, "nothing was changed", kArbiterHelp};
  if (at->second.bond > wallet::Amount()) {
    const auto approval = signer.value().approve(escrow::leave_bytes(at->second.joined));
    const auto left = ask_book<escrow::wire::LeaveArbiters, Nothing>(
        *client.value(), escrow::kPath, [&](escrow::wire::LeaveArbiters::Builder out) {
          out.setAddress(data_of(signer.value().address().view()));
          out.setPolicy(data_of(signer.value().policy.encode()));
          wallet::write(out.initApprovals(1)[0], approval);
        });
    if (!left.ok()) return left.error();
  }
  return print_one(invocation, console, *client.value(), signer.value().address());
}

Ending list(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto known = arbiters_of(*client.value());
  if (!known.ok()) return known.error();
  JsonLine<output::wire::EscrowArbiters> line;
  auto rows = line->initRows(size32(known.value().records));
  TextTable table({{"ARBITER"},
                   {"BOND", Align::right},
                   {"DRAWN", Align::right},
                   {"RULED", Align::right},
                   {"SILENT", Align::right}});
  unsigned i = 0;
  for (const auto& [address, record] : known.value().records) {
    write(rows[i++], address, record);
    table.add({text(address), record.bond.text(), std::to_string(record.drawn), std::to_string(record.ruled),
               std::to_string(record.silent)});
  }
  if (invocation.globals.json) write_json_line(console.out, capnp::toDynamic(rows.asReader()));
  else table.print(console.out);
  return Exit::done;
}

}  // namespace

namespace escrows {

Commands arbiter_commands() {
  const Option request{
      .name = "--request", .value = "ID", .help = "request id: a retry with the same id changes nothing"};
  return {
      {.name = "escrow arbiter join",
       .summary = "Pay a bond, and become eligible as an arbiter of escrows that are proposed later",
       .options = {{.name = "--bond", .value = "A", .help = "the bond: the chance to be drawn is proportional to it"},
                   wallet_option(),
                   passphrase_option(),
                   request},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = join},
      {.name = "escrow arbiter leave",
       .summary = "Stop being drawn, and get the bond back; exit 5 while drawn in an open dispute",
       .options = {wallet_option(), passphrase_option(), request},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = leave},
      {.name = "escrow arbiter ls",
       .summary = "List the arbiters, with their bonds and their record",
       .needs = Needs::view,
       .route = Route{.prints = {"List(EscrowArbiter)"}},
       .run = list},
  };
}

}  // namespace escrows
}  // namespace troupe::apps
