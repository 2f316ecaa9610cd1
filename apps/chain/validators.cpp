// troupe validator ls | show
#include "apps/chain/chain.hpp"
#include "apps/chain/evidence.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/node_id.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/wallet/on_chain.hpp"
#include "messages/codec.hpp"
#include "messages/output/chain.capnp.h"

namespace troupe::apps {
namespace {

using namespace wallets;
namespace validator_wire = chain::wire;
using ValidatorRow = validator_wire::ValidatorInfo::Reader;

std::string operator_of(ValidatorRow row) {
  const auto address = wallet::Address::from(bytes_of(row.getOperator()));
  return address ? text(*address) : "-";
}

/// Returns the part of its evidence that can be decoded.
std::vector<chain::Evidence> evidence_of(ValidatorRow row) {
  std::vector<chain::Evidence> out;
  for (const auto bytes : row.getEvidence())
    if (auto one = chain::parse_evidence(bytes_of(bytes))) out.push_back(std::move(*one));
  return out;
}

void write_validator(output::wire::Validator::Builder out, ValidatorRow row) {
  out.setValidator(row.getNode());
  out.setOperator(operator_of(row));
  out.setPower(std::to_string(row.getPower()));
  out.setMissed(row.getMissed());
  out.setOrigin(row.getOrigin());
  out.setState(row.getState());
  const std::vector<chain::Evidence> proofs = evidence_of(row);
  auto evidence = out.initEvidence(size32(proofs));
  for (unsigned i = 0; i < evidence.size(); ++i) chains::write_evidence(evidence[i], proofs[i]);
  if (!row.hasGuard()) return;
  const auto of = row.getGuard();
  auto guard = out.initGuard();
  guard.setHeight(of.getHeight());
  guard.setRound(of.getRound());
  guard.setStep(of.getStep());
  out.getRefused().setValue(of.getRefused());
}

void print_validator(std::ostream& out, ValidatorRow row) {
  out << "validator   " << hex(row.getNode()) << "\noperator    " << operator_of(row) << "\npower       "
      << row.getPower() << "\nstate       " << base::printable(text_of(row.getState())) << ", by "
      << base::printable(text_of(row.getOrigin())) << "\nmissed      " << row.getMissed()
      << " of the latest blocks with 10 successors, at most 1,000\n";
  for (const chain::Evidence& one : evidence_of(row))
    out << "evidence    it signed two " << chains::kind_name(one) << " of height " << place_of(one).height.value
        << '\n';
  if (!row.hasGuard()) return;
  const auto guard = row.getGuard();
  out << "guard       height " << guard.getHeight() << ", round " << guard.getRound() << ", "
      << base::printable(text_of(guard.getStep())) << "; " << guard.getRefused() << " second votes were refused\n";
}

Client::Outcome<Kept<validator_wire::ValidatorInfos>> validators_of(Client& client) {
  return ask_chain<validator_wire::ListValidators, validator_wire::ValidatorInfos>(
      client, [](validator_wire::ListValidators::Builder) {});
}

}  // namespace

Ending validator_list(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = validators_of(*client.value());
  if (!answer.ok()) return answer.error();
  const auto rows = answer.value().root().getRows();
  if (invocation.globals.json) {
    JsonLine<output::wire::Validators> line;
    auto out = line->initRows(rows.size());
    for (unsigned i = 0; i < out.size(); ++i) write_validator(out[i], rows[i]);
    write_json_line(console.out, capnp::toDynamic(out.asReader()));
    return Exit::done;
  }
  TextTable table(
      {{"VALIDATOR"}, {"STATE"}, {"POWER", Align::right}, {"MISSED", Align::right}, {"ORIGIN"}, {"OPERATOR"}});
  for (const auto row : rows)
    table.add({hex(row.getNode()), text_of(row.getState()), std::to_string(row.getPower()),
               std::to_string(row.getMissed()), text_of(row.getOrigin()), operator_of(row)});
  table.print(console.out);
  return Exit::done;
}

Ending validator_show(const Invocation& invocation, Console& console) {
  const auto id = node_typed(*invocation.text("ID"));
  if (!id.ok()) return usage_failure(id.error().error.message, "troupe validator ls");
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = validators_of(*client.value());
  if (!answer.ok()) return answer.error();
  for (const auto row : answer.value().root().getRows()) {
    if (node_of(row.getNode()) != id.value()) continue;
    if (invocation.globals.json) {
      JsonLine<output::wire::Validator> line;
      write_validator(*line, row);
      line.print(console.out);
    } else {
      print_validator(console.out, row);
    }
    return Exit::done;
  }
  return Failure{{base::Code::not_found, "there is no validator " + id.value().hex()}, "", "troupe validator ls"};
}

}  // namespace troupe::apps
