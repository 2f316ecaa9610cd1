// troupe wallet ls | balance | history | audit | issue
#include <algorithm>
#include <map>

#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/wallet/on_chain.hpp"
#include "apps/wallet/wallet.hpp"
#include "messages/codec.hpp"
#include "messages/output/wallet.capnp.h"

namespace troupe::apps {
namespace {

using namespace wallets;
namespace money_wire = wallet::wire;

constexpr const char* kKindKey = "key";
constexpr std::size_t kAskedSingly = 16;  // our choice: of 60 single requests some would be refused

struct Own {
  std::string name;
  std::string kind;
};

struct OwnAccounts {
  std::map<wallet::Address, Own> all;
  std::optional<Failure> damaged{};  ///< the first account with a damaged file
};

/// Returns the caller's accounts by address; empty if there is no directory. A damaged file hides no other account.
base::Result<OwnAccounts, Failure> own_accounts(Console& console) {
  OwnAccounts out;
  const auto damaged = [&](const Failure& why) {
    if (!out.damaged) out.damaged = why;
  };
  const auto directory = Directory::open(console);
  if (!directory.ok() && directory.error().error.code == base::Code::not_found) return out;
  if (!directory.ok()) return directory.error();
  const auto names = directory.value().names(), policies = directory.value().policy_names();
  if (!names.ok()) return names.error();
  if (!policies.ok()) return policies.error();
  for (const std::string& name : names.value()) {
    const auto found = directory.value().find(name);
    if (!found.ok()) damaged(found.error());
    else if (found.value()) out.all.emplace(found.value()->address(), Own{name, kKindKey});
  }
  for (const std::string& name : policies.value()) {
    const auto found = directory.value().find_policy(name);
    if (!found.ok()) damaged(found.error());
    else if (found.value()) out.all.emplace(found.value()->policy.address(), Own{name, "multisig"});
  }
  return out;
}

struct ListedAccount {
  wallet::Address address;
  std::string name, kind;
  std::optional<wallet::Amount> balance;  ///< none, like `held`: no node could be asked
  std::optional<wallet::Amount> held;
};

class AccountTable {
 public:
  AccountTable(const Invocation& invocation, Console& console) : json_(invocation.globals.json), out_(console.out) {
    if (json_) out_ << '[';
  }
  void add(const ListedAccount& row) {
    const std::string address = text(row.address);
    const auto shown = [](const std::optional<wallet::Amount>& amount) { return amount ? amount->text() : "-"; };
    if (!json_) return table_.add({address, row.name, row.kind, shown(row.balance), shown(row.held)});
    JsonLine<output::wire::WalletAccount> line;
    line->setAccount(address);
    if (!row.name.empty()) line->setName(row.name);
    line->setKind(row.kind);
    if (row.balance) line->setBalance(row.balance->text());
    if (row.held) line->setHeld(row.held->text());
    out_ << (first_ ? "" : ",");
    write_json(out_, line->asReader());
    first_ = false;
  }
  void end() {
    if (json_) out_ << "]\n";
    else table_.print(out_);
  }

 private:
  const bool json_;
  std::ostream& out_;
  bool first_ = true;
  TextTable table_{{{"ACCOUNT"}, {"NAME"}, {"KIND"}, {"BALANCE", Align::right}, {"HELD", Align::right}}};
};

/// Returns the account of the book's fund, which is derived from the id of the book.
Client::Outcome<wallet::Address> fund_of(Client& client) {
  auto book =
      ask_book<money_wire::GetBook, money_wire::BookIs>(client, wallet::kPath, [](money_wire::GetBook::Builder) {});
  if (!book.ok()) return book.error();
  const auto id = wallet::BookId::from(bytes_of(book.value().root().getBook()));
  if (!id) return odd_answer("the id of a book is not 32 bytes long");
  return wallet::account_of("fund", id->view());
}

/// The kind of a policy account that the caller does not know cannot be derived from its address: it is shown as a
/// key's.
ListedAccount listed(const Account& account, const std::map<wallet::Address, Own>& own,
                     const std::map<wallet::Address, wallet::Amount>& held) {
  ListedAccount out{account.address, "", account.kind, account.balance, wallet::Amount()};
  const auto mine = own.find(account.address);
  if (mine != own.end()) out.name = mine->second.name;
  const bool of_policy = out.kind.empty() || out.kind == kKindKey;
  if (of_policy) out.kind = mine == own.end() ? kKindKey : mine->second.kind;
  if (const auto amount = held.find(account.address); of_policy && amount != held.end()) out.held = amount->second;
  return out;
}

/// Calls back for each account of the book, by address.
Client::Outcome<void> walk_book(Client& client, const std::map<wallet::Address, Own>& own,
                                const std::function<void(const ListedAccount&)>& each) {
  const auto fund = fund_of(client);
  if (!fund.ok()) return fund.error();
  const auto held = held_amounts(client);
  if (!held.ok()) return held.error();
  std::optional<wallet::Address> after;
  for (bool more = true; more;) {
    auto page = ask_page<money_wire::ListAccounts, money_wire::Accounts>(client, wallet::kPath,
                                                                         [&](money_wire::ListAccounts::Builder out) {
                                                                           if (after)
                                                                             out.setFrom(data_of(after->view()));
                                                                         });
    if (!page.ok()) return page.error();
    more = page.value().root().getMore();
    bool moved = false;
    for (const auto row : page.value().root().getRows()) {
      auto account = read_account(row);
      if (!account) return odd_answer("it lists an entry that is not an account");
      if (account->address == fund.value()) account->kind = "fund";
      if (after && account->address <= *after) continue;  // the first row of a page repeats the last row before it
      after = account->address;
      moved = true;
      each(listed(*account, own, held.value()));
    }
    if (more && !moved) return odd_answer("its pages do not continue");
  }
  return {};
}

/// Returns the caller's accounts in the book. A few are requested one by one. For many the whole book is read, because
/// it answers only a limited number of requests per second from other nodes.
Client::Outcome<std::vector<ListedAccount>> list_in_book(Client& client, const std::map<wallet::Address, Own>& own) {
  std::vector<ListedAccount> out;
  if (own.size() > kAskedSingly) {
    std::map<wallet::Address, ListedAccount> rows;
    for (const auto& [address, mine] : own)
      rows.emplace(address, ListedAccount{address, mine.name, mine.kind, wallet::Amount(), wallet::Amount()});
    const auto walked = walk_book(client, own, [&](const ListedAccount& one) {
      if (const auto row = rows.find(one.address); row != rows.end()) row->second = one;
    });
    if (!walked.ok()) return walked.error();
    for (auto& [address, row] : rows) out.push_back(std::move(row));
    return out;
  }
  for (const auto& [address, mine] : own) {
    const auto account = account_at(client, address);
    if (!account.ok()) return account.error();
    const auto held = held_of(client, address);
    if (!held.ok()) return held.error();
    out.push_back(listed(account.value(), own, {{address, held.value()}}));
  }
  return out;
}

/// Does the same for a chain: the held part is staked, or is being unstaked.
ListedAccount listed_on_chain(const wallet::Address& address, const chain::Account& account,
                              const std::map<wallet::Address, Own>& own) {
  const auto mine = own.find(address);
  const bool known = mine != own.end();
  return {address, known ? mine->second.name : "", known ? mine->second.kind : kKindKey, account.balance,
          plus(account.staked, account.unbonding)};
}

/// Returns the caller's accounts, or with `all` the accounts of the whole state, by address.
Client::Outcome<std::vector<ListedAccount>> list_on_chain(Client& client, const std::map<wallet::Address, Own>& own,
                                                          bool all) {
  std::vector<ListedAccount> out;
  if (!all) {
    for (const auto& [address, mine] : own) {
      const auto now = chain_account_at(client, address);
      if (!now.ok()) return now.error();
      out.push_back(listed_on_chain(address, now.value().account, own));
    }
    return out;
  }
  const auto walked = walk_state(client, 0, [&](base::ByteView key, base::ByteView value) -> Client::Outcome<void> {
    const auto leaf = account_in(key, value);
    if (!leaf.ok()) return leaf.error();
    if (leaf.value()) out.push_back(listed_on_chain(leaf.value()->address, leaf.value()->account, own));
    return {};
  });
  if (!walked.ok()) return walked.error();
  std::ranges::sort(out, {}, &ListedAccount::address);
  return out;
}

/// Returns the balance in the chain of the node, otherwise in the book.
Client::Outcome<wallet::Amount> balance_of(Client& client, const wallet::Address& address) {
  const auto now = chain_of(client);
  if (!now.ok()) return now.error();
  if (now.value()) {
    const auto account = chain_account_at(client, address);
    if (!account.ok()) return account.error();
    return account.value().account.balance;
  }
  const auto account = account_at(client, address);
  if (!account.ok()) return account.error();
  return account.value().balance;
}

class HistoryTable {
 public:
  HistoryTable(const Invocation& invocation, Console& console, const wallet::Address& account)
      : json_(invocation.globals.json), out_(console.out), account_(account) {
    if (json_) out_ << '[';
  }
  /// Adds a row for each credit that concerns the account.
  void add(const wallet::Posting& posting) {
    const wallet::Transfer& transfer = posting.transfer;
    const std::string from = transfer.from == issuance_of(transfer.book) ? "" : text(transfer.from);
    for (const wallet::Credit& credit : transfer.credits) {
      if (transfer.from != account_ && credit.to != account_) continue;
      if (!json_) {
        const bool debit = transfer.from == account_;
        table_.add({date_of(posting.time), debit ? "to" : "from",
                    debit          ? text(credit.to)
                    : from.empty() ? "-"
                                   : from,
                    (debit ? "-" : "+") + credit.amount.text(), transfer.memo, id_of(transfer).hex()});
        continue;
      }
      JsonLine<output::wire::WalletPosting> line;
      line->setId(data(id_of(transfer).view()));
      line->setTime(posting.time.count());
      if (!from.empty()) line->setFrom(from);
      line->setTo(text(credit.to));
      line->setAmount(credit.amount.text());
      line->setMemo(transfer.memo);
      line->setState("final");
      line->setSequence(posting.sequence);
      out_ << (first_ ? "" : ",");
      write_json(out_, line->asReader());
      first_ = false;
    }
  }
  void end() {
    if (json_) out_ << "]\n";
    else table_.print(out_);
  }

 private:
  const bool json_;
  std::ostream& out_;
  const wallet::Address account_;
  bool first_ = true;
  TextTable table_{{{"TIME"}, {"WAY"}, {"ACCOUNT"}, {"AMOUNT", Align::right}, {"MEMO"}, {"ID"}}};
};

void print_audit(std::ostream& out, money_wire::BookChecked::Reader checked) {
  JsonLine<output::wire::WalletAudit> line;
  line->setAccounts(checked.getAccounts());
  line->setPostings(checked.getPostings());
  line->setIssued(std::to_string(checked.getIssued()));
  line->setSum(std::to_string(checked.getSum()));
  const auto mismatches = checked.getMismatches();
  auto rows = line->initMismatches(mismatches.size());
  for (unsigned i = 0; i < rows.size(); ++i)
    if (const auto address = wallet::Address::from(bytes_of(mismatches[i]))) rows.set(i, text(*address));
  if (checked.getBrokenAt() > 0) {
    line->getBrokenAt().setValue(checked.getBrokenAt());
    line->setBroken(checked.getBroken());
  }
  const auto issuers = checked.getIssuers();
  auto of = line->initIssuers(issuers.size());
  for (unsigned i = 0; i < of.size(); ++i) {
    if (const auto address = wallet::Address::from(bytes_of(issuers[i].getAddress()))) of[i].setAccount(text(*address));
    of[i].setAmount(std::to_string(issuers[i].getAmount()));
  }
  line.print(out);
}

void print_audit_text(std::ostream& out, money_wire::BookChecked::Reader checked) {
  out << "accounts    " << checked.getAccounts() << "\npostings    " << checked.getPostings() << "\nissued      "
      << checked.getIssued() << "\nsum         " << checked.getSum() << ", the sum of all balances\n";
  for (const auto issuer : checked.getIssuers())
    if (const auto address = wallet::Address::from(bytes_of(issuer.getAddress())))
      out << "issuer      " << text(*address) << ' ' << issuer.getAmount() << '\n';
  for (const auto account : checked.getMismatches())
    if (const auto address = wallet::Address::from(bytes_of(account))) out << "differs     " << text(*address) << '\n';
}

}  // namespace

Ending wallet_list(const Invocation& invocation, Console& console) {
  const auto known = own_accounts(console);
  if (!known.ok()) return known.error();
  const std::map<wallet::Address, Own>& own = known.value().all;
  const bool all = invocation.has("--all");
  auto client = Client::connect(invocation, console);
  auto now = client.ok() ? chain_of(*client.value()) : Client::Outcome<std::optional<ChainNow>>(client.error());
  // The list of accounts is known without a node.
  const bool alone = !now.ok() && now.error().error.code == base::Code::unavailable && !all;
  if (!now.ok() && !alone) return now.error();
  std::vector<ListedAccount> rows;  // all is known before the first row is printed
  if (alone) {
    for (const auto& [address, mine] : own) rows.push_back({address, mine.name, mine.kind, {}, {}});
  } else if (now.value()) {
    auto on_chain = list_on_chain(*client.value(), own, all);
    if (!on_chain.ok()) return on_chain.error();
    rows = std::move(on_chain).value();
  } else if (!all) {
    auto in_book = list_in_book(*client.value(), own);
    if (!in_book.ok()) return in_book.error();
    rows = std::move(in_book).value();
  }
  const bool whole_book = all && !now.value();
  AccountTable table(invocation, console);
  for (const ListedAccount& row : rows) table.add(row);
  if (whole_book) {
    const auto walked = walk_book(*client.value(), own, [&](const ListedAccount& row) { table.add(row); });
    if (!walked.ok()) return walked.error();
  }
  table.end();
  if (!known.value().damaged) return Exit::done;
  Failure damaged = *known.value().damaged;
  damaged.outcome = "the others were listed";
  damaged.exit = Exit::partly;
  return damaged;
}

Ending wallet_balance(const Invocation& invocation, Console& console) {
  const auto address = account_typed(console, invocation.text("NAME|ADDRESS"), "troupe help wallet balance");
  if (!address.ok()) return address.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto balance = balance_of(*client.value(), address.value());
  if (!balance.ok()) return balance.error();
  if (!invocation.globals.json) {
    console.out << balance.value().text() << '\n';
    return Exit::done;
  }
  JsonLine<output::wire::WalletBalance> line;
  line->setAccount(text(address.value()));
  line->setBalance(balance.value().text());
  line.print(console.out);
  return Exit::done;
}

Ending wallet_history(const Invocation& invocation, Console& console) {
  const auto address = account_typed(console, invocation.text("NAME|ADDRESS"), "troupe help wallet history");
  if (!address.ok()) return address.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto now = chain_of(*client.value());
  if (!now.ok()) return now.error();
  if (now.value()) {
    const auto sent =
        list_transactions(*client.value(), address.value(), invocation.number("--limit").value_or(UINT64_MAX));
    if (!sent.ok()) return sent.error();
    print_transactions(invocation, console, sent.value());
    return Exit::done;
  }
  // Before the first row: if the book does not respond, nothing is printed.
  if (const auto there = account_at(*client.value(), address.value()); !there.ok()) return there.error();
  std::uint64_t left = invocation.number("--limit").value_or(UINT64_MAX);
  HistoryTable table(invocation, console, address.value());
  const auto walked = walk_postings(*client.value(), address.value(), 0, [&](const wallet::Posting& posting) {
    table.add(posting);
    return --left > 0;
  });
  if (!walked.ok()) return walked.error();
  table.end();
  return Exit::done;
}

Ending wallet_audit(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = ask_book<money_wire::CheckBook, money_wire::BookChecked>(
      *client.value(), wallet::kPath, [](money_wire::CheckBook::Builder) {}, kAuditAnswer);
  if (!answer.ok()) return answer.error();
  const auto checked = answer.value().root();
  if (invocation.globals.json) print_audit(console.out, checked);
  else print_audit_text(console.out, checked);
  std::string what;
  if (checked.getBrokenAt() > 0)
    what = "posting " + std::to_string(checked.getBrokenAt()) + " is invalid: " + text_of(checked.getBroken());
  else if (checked.getMismatches().size() > 0)
    what = std::to_string(checked.getMismatches().size()) + " accounts differ from the result of their postings";
  else if (checked.getSum() != checked.getIssued()) what = "the sum of the balances differs from the amount issued";
  if (what.empty()) return Exit::done;
  return Failure{
      {base::Code::corrupt, what}, "the book was read, and not changed", "troupe status, at the book's node"};
}

Ending wallet_issue(const Invocation& invocation, Console& console) {
  const char* const help = "troupe help wallet issue";
  const auto to = account_typed(console, *invocation.text("NAME|ADDRESS"), help);
  if (!to.ok()) return to.error();
  const auto amount = amount_typed(*invocation.text("AMOUNT"), help);
  if (!amount.ok()) return amount.error();
  const auto request = request_or_new(invocation);
  if (!request.ok()) return request.error();
  const std::string memo = invocation.text("--memo").value_or("");
  if (const auto checked = check_transfer({}, {{to.value(), amount.value()}}, memo); !checked.ok())
    return checked.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto issued = ask_book<money_wire::Issue, money_wire::Posted>(*client.value(), wallet::kPath,
                                                                [&](money_wire::Issue::Builder out) {
                                                                  out.setTo(data_of(to.value().view()));
                                                                  out.setAmount(amount.value().units());
                                                                  out.setMemo(text_of(memo));
                                                                  out.setRequest(text_of(request.value()));
                                                                });
  if (!issued.ok()) return issued.error();
  print_sent(invocation, console, bytes_of(issued.value().root().getId()));
  return Exit::done;
}

}  // namespace troupe::apps
