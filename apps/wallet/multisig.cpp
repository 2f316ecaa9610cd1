// troupe wallet multisig create | propose | sign | ls
#include <algorithm>

#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/wallet/book.hpp"
#include "apps/wallet/requests.hpp"
#include "apps/wallet/wallet.hpp"
#include "messages/codec.hpp"
#include "messages/output/wallet.capnp.h"
#include "runtime/base/text.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps {
namespace {

using namespace wallets;
namespace multisig_wire = wallet::wire;
using base::Code;

constexpr const char* kCreateHelp = "troupe help wallet multisig create";
constexpr const char* kProposeHelp = "troupe help wallet multisig propose";
constexpr wallet::UnixMs kProposalLife = std::chrono::hours(24 * 7);  // our choice; the book allows 30 days

base::Result<wallet::Policy, Failure> policy_typed(const Invocation& invocation) {
  std::vector<wallet::Address> signers;
  for (const std::string& typed : invocation.all("--key")) {
    const auto signer = address_typed(typed, kCreateHelp);
    if (!signer.ok()) return signer.error();
    signers.push_back(signer.value());
  }
  const auto threshold = invocation.number("--of");
  if (!threshold)
    return usage_failure("--of must be given: the number of signatures that a transfer needs", kCreateHelp);
  auto policy = wallet::Policy::of_signers(*threshold, std::move(signers));
  if (policy.ok()) return std::move(policy).value();
  switch (policy.error()) {
    case wallet::PolicyError::signers:
      return usage_failure("invalid number of signers: expected 2 to 16, each given by --key", kCreateHelp);
    case wallet::PolicyError::repeated: return usage_failure("a signer is named twice", kCreateHelp);
    case wallet::PolicyError::threshold: break;
  }
  return usage_failure("--of must be at most the number of signers", kCreateHelp);
}

/// A proposal, as the book reports it, with its parts checked.
struct ProposalRow {
  wallet::TransferId id;
  wallet::Signed of;
  wallet::UnixMs expires{0};
  bool posted = false;

  const char* state() const { return posted ? "paid" : unix_now() >= expires ? "expired" : "open"; }
};
std::optional<ProposalRow> read_proposal(multisig_wire::ProposalIs::Reader from) {
  const auto id = wallet::TransferId::from(bytes_of(from.getId()));
  auto of = wallet::read(from.getTransfer());
  if (!id || !of.ok() || wallet::id_of(of.value().transfer) != *id ||
      of.value().policy.address() != of.value().transfer.from)
    return std::nullopt;
  return ProposalRow{*id, std::move(of).value(), wallet::UnixMs(from.getExpires()), from.getPosted()};
}

void write_proposal(output::wire::WalletProposal::Builder out, const ProposalRow& row) {
  const wallet::Transfer& transfer = row.of.transfer;
  out.setId(data(row.id.view()));
  out.setAccount(text(transfer.from));
  out.setTo(text(transfer.credits.front().to));
  out.setAmount(wallet::total_of(transfer).value().text());
  out.setMemo(transfer.memo);
  out.setSigned(size32(row.of.approvals));
  out.setThreshold(static_cast<std::uint32_t>(row.of.policy.threshold()));
  out.setExpires(row.expires.count());
  out.setState(row.state());
}

Ending print_proposal(const Invocation& invocation, Console& console, multisig_wire::ProposalIs::Reader answer) {
  const auto row = read_proposal(answer);
  if (!row) return odd_answer("it is not a proposal");
  if (invocation.globals.json) {
    JsonLine<output::wire::WalletProposal> line;
    write_proposal(*line, *row);
    line.print(console.out);
  } else {
    console.out << row->id.hex() << '\n';
  }
  return Exit::done;
}

/// Shows what a signer is about to sign.
void show_transfer(std::ostream& err, const wallet::Transfer& transfer) {
  for (const wallet::Credit& credit : transfer.credits)
    err << "signs: " << credit.amount.text() << " from " << text(transfer.from) << " to " << text(credit.to) << '\n';
  if (!transfer.memo.empty()) err << "memo: " << base::printable(transfer.memo) << '\n';
}

base::Result<PolicyFile, Failure> policy_named(Console& console, const std::string& name) {
  if (const auto checked = name_of(name); !checked.ok()) return checked.error();
  const auto directory = Directory::open(console);
  if (!directory.ok()) return directory.error();
  auto found = directory.value().find_policy(name);
  if (!found.ok()) return found.error();
  if (found.value()) return std::move(*found.value());
  return Failure{{Code::not_found, "there is no account " + name + " with several signers here"},
                 "",
                 "troupe wallet multisig create " + name + " --of M --key ADDRESS --key ADDRESS"};
}

}  // namespace

namespace wallets {

void print_policy(const Invocation& invocation, Console& console, const std::string& name,
                  const wallet::Policy& policy) {
  if (!invocation.globals.json) {
    console.out << text(policy.address()) << '\n';
    return;
  }
  JsonLine<output::wire::WalletPolicy> line;
  line->setName(name);
  line->setAccount(text(policy.address()));
  line->setThreshold(static_cast<std::uint32_t>(policy.threshold()));
  // threshold, number of signers, and each signer's address (actors/wallet/logic/policy.hpp)
  const base::Bytes bytes = policy.encode();
  auto list = line->initSigners(static_cast<unsigned>(policy.signers()));
  for (unsigned i = 0; i < list.size(); ++i)
    list.set(i, text(*wallet::Address::from(base::ByteView(bytes).subspan(2 + 32 * std::size_t{i}, 32))));
  line.print(console.out);
}

}  // namespace wallets

Ending multisig_create(const Invocation& invocation, Console& console) {
  const auto name = name_of(*invocation.text("NAME"));
  if (!name.ok()) return name.error();
  const auto request = request_typed(invocation);
  if (!request.ok()) return request.error();
  const auto policy = policy_typed(invocation);
  if (!policy.ok()) return policy.error();
  const auto directory = Directory::open_or_make(console);
  if (!directory.ok()) return directory.error();
  const auto held = directory.value().lock();
  if (!held.ok()) return held.error();
  const auto keystore = directory.value().find(name.value());
  if (!keystore.ok()) return keystore.error();
  const auto there = directory.value().find_policy(name.value());
  if (!there.ok()) return there.error();
  if (keystore.value() || (there.value() && there.value()->policy != policy.value()))
    return directory.value().taken(name.value());
  PolicyFile file{policy.value()};
  if (!request.value().empty())
    file.request = {crypto::sha256(base::as_bytes("troupe wallet request v1"), base::as_bytes(request.value())).bytes};
  if (!request.value().empty() && !there.value()) {
    const auto all = directory.value().policy_names();
    if (!all.ok()) return all.error();
    for (const std::string& other : all.value()) {
      const auto one = directory.value().find_policy(other);
      if (one.ok() && one.value() && one.value()->request == file.request)
        return Failure{{Code::conflict, "this request has made account " + other + ", not " + name.value()}};
    }
  }
  if (!there.value())
    if (const auto added = directory.value().add(name.value(), file); !added.ok()) return added.error();
  print_policy(invocation, console, name.value(), policy.value());
  return Exit::done;
}

Ending multisig_propose(const Invocation& invocation, Console& console) {
  const auto account = policy_named(console, *invocation.text("NAME"));
  if (!account.ok()) return account.error();
  const wallet::Policy& policy = account.value().policy;
  const auto to = address_typed(*invocation.text("TO"), kProposeHelp);
  if (!to.ok()) return to.error();
  const auto amount = amount_typed(*invocation.text("AMOUNT"), kProposeHelp);
  if (!amount.ok()) return amount.error();
  const auto expires = invocation.has("--expires") ? time_typed(*invocation.text("--expires"), kProposeHelp)
                                                   : base::Result<TimeTyped, Failure>(TimeTyped{false, kProposalLife});
  if (!expires.ok()) return expires.error();
  const std::string memo = invocation.text("--memo").value_or("");
  const std::vector<wallet::Credit> credits{{to.value(), amount.value()}};
  if (const auto checked = check_transfer(policy.address(), credits, memo); !checked.ok()) return checked.error();
  const auto signer = open_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  if (!policy.lists(signer.value().key.public_key()))
    return Failure{{Code::refused, "wallet " + signer.value().name + " is not a signer of this account"},
                   "nothing was done",
                   "--wallet, with a signer's wallet"};
  auto request = KeptRequest::open(invocation, console);
  if (!request.ok()) return request.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto at = account_at(*client.value(), policy.address());
  if (!at.ok()) return at.error();
  wallet::Transfer transfer{at.value().book, policy.address(), next(at.value().done), credits, memo};
  const bool again = request.value().before().has_value();
  // The same number again: with the next number it would be a second payment.
  if (again)
    if (const auto before = wallet::decode_transfer(*request.value().before())) transfer.number = before->number;
  if (const auto kept = request.value().keep(encode(transfer)); !kept.ok()) return kept.error();
  auto there = ask_book<multisig_wire::GetProposal, multisig_wire::ProposalIs>(
      *client.value(), wallet::kPath,
      [&](multisig_wire::GetProposal::Builder out) { out.setId(data_of(id_of(transfer).view())); });
  if (!there.ok() && there.error().error.code != Code::not_found) return there.error();
  if (there.ok() && again) return print_proposal(invocation, console, there.value().root());
  if (there.ok() && there.value().root().getExpires() > static_cast<std::uint64_t>(unix_now().count()))
    console.err << "note: an equal payment was already proposed; this command signs it, and it is paid once\n"
                   "try: another --memo, for a second equal payment\n";
  const wallet::Approval approval = signer.value().approve(encode(transfer));
  auto proposed = ask_book<multisig_wire::Propose, multisig_wire::ProposalIs>(
      *client.value(), wallet::kPath, [&](multisig_wire::Propose::Builder out) {
        wallet::write(out.initTransfer(), transfer, policy, {&approval, 1});
        out.setExpires(expires.value().from(unix_now()).count());
      });
  if (!proposed.ok()) {
    request.value().failed(proposed.error());
    return proposed.error();
  }
  return print_proposal(invocation, console, proposed.value().root());
}

Ending multisig_sign(const Invocation& invocation, Console& console) {
  const auto id = wallet::TransferId::from_hex(*invocation.text("ID"));
  if (!id) return usage_failure("invalid proposal id: expected 64 hexadecimal digits", "troupe wallet multisig ls");
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = ask_book<multisig_wire::GetProposal, multisig_wire::ProposalIs>(
      *client.value(), wallet::kPath, [&](multisig_wire::GetProposal::Builder out) { out.setId(data_of(id->view())); });
  if (!answer.ok()) return answer.error();
  const auto row = read_proposal(answer.value().root());
  if (!row || row->id != *id) return odd_answer("it is a different proposal");
  show_transfer(console.err, row->of.transfer);
  const auto signer = open_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  if (!row->of.policy.lists(signer.value().key.public_key()))
    return Failure{
        {Code::refused, "wallet " + signer.value().name + " is not a signer of " + text(row->of.transfer.from)},
        "nothing was done",
        "--wallet, with a signer's wallet"};
  // The wallet has signed before: the transfer may have been posted since.
  const auto& approvals = row->of.approvals;
  const bool signed_before =
      std::ranges::find(approvals, signer.value().key.public_key(), &wallet::Approval::key) != approvals.end();
  if (signed_before && (row->posted || unix_now() < row->expires))
    return print_proposal(invocation, console, answer.value().root());
  const wallet::Approval approval = signer.value().approve(encode(row->of.transfer));
  auto signed_it = ask_book<multisig_wire::SignProposal, multisig_wire::ProposalIs>(
      *client.value(), wallet::kPath, [&](multisig_wire::SignProposal::Builder out) {
        out.setId(data_of(id->view()));
        wallet::write(out.initApproval(), approval);
      });
  if (!signed_it.ok()) return signed_it.error();
  return print_proposal(invocation, console, signed_it.value().root());
}

Ending multisig_list(const Invocation& invocation, Console& console) {
  std::vector<wallet::Address> accounts;
  if (const auto typed = invocation.text("NAME|ADDRESS")) {
    const auto one = account_typed(console, *typed, "troupe help wallet multisig ls");
    if (!one.ok()) return one.error();
    accounts.push_back(one.value());
  } else if (const auto directory = Directory::open(console); directory.ok()) {
    const auto names = directory.value().policy_names();
    if (!names.ok()) return names.error();
    for (const std::string& name : names.value()) {
      const auto found = directory.value().find_policy(name);
      if (!found.ok()) return found.error();
      if (found.value()) accounts.push_back(found.value()->policy.address());
    }
  } else if (directory.error().error.code != Code::not_found) {
    return directory.error();
  }
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  std::vector<ProposalRow> all;
  for (const wallet::Address& account : accounts) {
    auto answer = ask_book<multisig_wire::ListProposals, multisig_wire::Proposals>(
        *client.value(), wallet::kPath,
        [&](multisig_wire::ListProposals::Builder out) { out.setAddress(data_of(account.view())); });
    if (!answer.ok()) return answer.error();
    for (const auto row : answer.value().root().getRows()) {
      auto read = read_proposal(row);
      if (!read) return odd_answer("it lists an entry that is not a proposal");
      all.push_back(std::move(*read));
    }
  }
  JsonLine<output::wire::WalletProposals> line;
  auto rows = line->initRows(size32(all));
  TextTable table(
      {{"PROPOSAL"}, {"STATE"}, {"SIGNED"}, {"AMOUNT", Align::right}, {"TO"}, {"EXPIRES"}, {"MEMO"}, {"ACCOUNT"}});
  for (unsigned i = 0; i < rows.size(); ++i) {
    write_proposal(rows[i], all[i]);
    table.add({all[i].id.hex(), all[i].state(),
               std::to_string(all[i].of.approvals.size()) + " of " + std::to_string(all[i].of.policy.threshold()),
               text(rows[i].getAmount().asReader()), text(rows[i].getTo().asReader()), date_of(all[i].expires),
               all[i].of.transfer.memo, text(all[i].of.transfer.from)});
  }
  if (invocation.globals.json) write_json_line(console.out, capnp::toDynamic(rows.asReader()));
  else table.print(console.out);
  return Exit::done;
}

}  // namespace troupe::apps
