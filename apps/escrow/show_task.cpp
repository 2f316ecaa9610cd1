// troupe escrow show, of an escrow of a task
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/escrow/escrow.hpp"
#include "messages/codec.hpp"
#include "messages/output/escrow.capnp.h"

namespace troupe::apps::escrows {
namespace {

using wallet::Amount;

std::string account_text(capnp::Data::Reader bytes) {
  const auto address = wallet::Address::from(bytes_of(bytes));
  return address ? text(*address) : "?";
}

Amount fund_part(std::uint64_t released) { return *share(Amount::from(released).value_or(Amount()), 1, 20); }

void write_task(output::wire::TaskEscrowShown::Builder out, const escrow::TaskAgreement& made,
                escrow::wire::TaskEscrowIs::Reader is) {
  const auto id = escrow::id_of(made);
  out.setEscrow(data(id.view()));
  out.setState(is.getState());
  out.setBuyer(text(made.buyer));
  out.setTask(data(made.task.view()));
  out.setQuorum(made.quorum);
  out.setHeld(std::to_string(is.getHeld()));
  out.setReleased(std::to_string(is.getReleased()));
  out.setFund(fund_part(is.getReleased()).text());
  if (is.getDeadline() > 0) out.getDeadline().setValue(is.getDeadline());
  out.setAccount(text(escrow::account_of(id)));
  auto rows = out.initProviders(is.getProviders().size());
  for (unsigned i = 0; i < rows.size(); ++i) {
    const auto one = is.getProviders()[i];
    rows[i].setToken(one.getToken());
    rows[i].setProvider(account_text(one.getProvider()));
    rows[i].setPayTo(account_text(one.getPayTo()));
    rows[i].setPrice(std::to_string(one.getPrice()));
    rows[i].setDue(one.getDue());
    rows[i].setState(one.getState());
    if (one.getAnswer().size() > 0) rows[i].setAnswer(data(bytes_of(one.getAnswer())));
  }
}

void print_task(std::ostream& out, const escrow::TaskAgreement& made, escrow::wire::TaskEscrowIs::Reader is) {
  out << "escrow    " << escrow::id_of(made).hex() << "\nstate     " << text_of(is.getState()) << "\nbuyer     "
      << text(made.buyer) << "\ntask      " << made.task.hex() << "\nheld      " << is.getHeld() << "\nreleased  "
      << is.getReleased() << ", of which " << fund_part(is.getReleased()).text() << " to the fund\n";
  if (is.getDeadline() > 0) out << "deadline  " << wallets::date_of(wallet::UnixMs(is.getDeadline())) << '\n';
  if (is.getProviders().size() == 0) return;
  out << '\n';
  TextTable table({{"PROVIDER"}, {"PRICE", Align::right}, {"DUE"}, {"STATE"}});
  for (const auto one : is.getProviders())
    table.add({account_text(one.getPayTo()), std::to_string(one.getPrice()),
               wallets::date_of(wallet::UnixMs(one.getDue())), text_of(one.getState())});
  table.print(out);
}

}  // namespace

Ending show_task(const Invocation& invocation, Console& console, Client& client, const escrow::EscrowId& id) {
  auto answer = wallets::ask_book<escrow::wire::GetTaskEscrow, escrow::wire::TaskEscrowIs>(
      client, escrow::kPath, [&](escrow::wire::GetTaskEscrow::Builder out) { out.setEscrow(data_of(id.view())); });
  if (!answer.ok()) return answer.error();
  const auto is = answer.value().root();
  const auto made = escrow::decode_task_agreement(bytes_of(is.getAgreement()));
  if (!made || escrow::id_of(*made).bytes != id.bytes) return wallets::odd_answer("it shows a different escrow");
  if (invocation.globals.json) {
    JsonLine<output::wire::TaskEscrowShown> line;
    write_task(*line, *made, is);
    line.print(console.out);
  } else {
    print_task(console.out, *made, is);
  }
  return Exit::done;
}

}  // namespace troupe::apps::escrows
