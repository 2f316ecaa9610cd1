#include "apps/wallet/book.hpp"

#include "actors/escrow/api.hpp"
#include "actors/wallet/logic/derived_key.hpp"
#include "messages/codec.hpp"
#include "messages/escrow.capnp.h"

namespace troupe::apps::wallets {
namespace {

using base::Code;
namespace book_wire = wallet::wire;

std::string explained(wallet::TransferError error) {
  switch (error) {
    case wallet::TransferError::itself: return "an account cannot pay itself";
    case wallet::TransferError::issuance: return "money cannot be paid to the account that the book issues it from";
    case wallet::TransferError::total: return "the amounts add up to 2^63 or more";
    case wallet::TransferError::memo:
      return "invalid memo: expected at most 256 bytes of text without control characters";
    case wallet::TransferError::credits: return "invalid number of credits: a transfer has 1 to 64";
    case wallet::TransferError::amount: return "invalid amount: expected at least 1";
    case wallet::TransferError::number: break;
  }
  return "the account has reached the limit of transfers";
}

}  // namespace

Option wallet_option() {
  return {.name = "--wallet", .value = "NAME", .help = "wallet that signs (default the only wallet)"};
}

base::Result<Signer, Failure> open_signer(const Invocation& invocation, Console& console,
                                          const std::optional<std::string>& name) {
  if (name)
    if (const auto checked = name_of(*name); !checked.ok()) return checked.error();
  const auto directory = Directory::open(console);
  if (!directory.ok()) return directory.error();
  if (name) {
    const auto policy = directory.value().find_policy(*name);
    if (!policy.ok()) return policy.error();
    if (policy.value())
      return Failure{{Code::refused, "the account " + *name + " has several signers, and no key"},
                     "nothing was done",
                     "troupe wallet multisig propose " + *name + " TO AMOUNT --wallet SIGNER"};
  }
  const auto chosen = directory.value().choose(name);
  if (!chosen.ok()) return chosen.error();
  const auto secret = passphrase(invocation, console, Asked::once);
  if (!secret.ok()) return secret.error();
  const auto words = words_in(chosen.value().keystore, secret.value());
  if (!words.ok()) return unopened(chosen.value().name, words.error());
  auto key = wallet::wallet_key(words.value());
  auto policy = wallet::Policy::of_key(key.public_key());
  return Signer{chosen.value().name, std::move(key), std::move(policy)};
}

base::Result<wallet::Address, Failure> account_typed(Console& console, const std::string& typed,
                                                     const std::string& help) {
  if (const auto address = wallet::parse_address(typed)) return *address;
  const auto name = name_of(typed);
  if (!name.ok()) return address_typed(typed, help);
  const auto directory = Directory::open(console);
  if (!directory.ok()) return directory.error();
  const auto policy = directory.value().find_policy(typed);
  if (!policy.ok()) return policy.error();
  if (policy.value()) return policy.value()->policy.address();
  const auto found = directory.value().choose(typed);
  // A text that begins like an address and is not the name of a wallet is a mistyped address.
  if (!found.ok() && found.error().error.code == Code::not_found &&
      typed.starts_with(std::string(wallet::kAddressPrefix) + '1'))
    return address_typed(typed, help);
  if (!found.ok()) return found.error();
  return found.value().keystore.address();
}

base::Result<wallet::Address, Failure> account_typed(Console& console, const std::optional<std::string>& typed,
                                                     const std::string& help) {
  if (typed) return account_typed(console, *typed, help);
  const auto directory = Directory::open(console);
  if (!directory.ok()) return directory.error();
  const auto found = directory.value().choose(std::nullopt);
  if (found.ok()) return found.value().keystore.address();
  Failure failure = found.error();
  if (failure.exit == Exit::usage) failure.try_ = help;  // for a command that has no --wallet
  return failure;
}

Failure without_book(Failure failure) {
  if (failure.error.code == Code::unavailable && failure.outcome.empty() && failure.try_.empty())
    failure.try_ =
        "troupe config show, at this node: the node or group that ledger.book names must run; to start a node with a "
        "ledger, use --set ledger.book=self or --chain G";
  return failure;
}

Failure odd_answer(const char* what) {
  return {{Code::malformed, std::string("the node's response is malformed: ") + what}, {}, {}, Exit::failed};
}

std::optional<Account> read_account(book_wire::AccountRow::Reader row) {
  const auto address = wallet::Address::from(bytes_of(row.getAddress()));
  const auto balance = wallet::Amount::from(row.getBalance());
  if (!address || !balance) return std::nullopt;
  return Account{*address, {}, *balance, {row.getDebits()}, text_of(row.getKind())};
}

Client::Outcome<Account> account_at(Client& client, const wallet::Address& address, OfNoKey of_no_key) {
  auto answer = ask_book<book_wire::GetAccount, book_wire::AccountIs>(client, wallet::kPath,
                                                                      [&](book_wire::GetAccount::Builder out) {
                                                                        out.setAddress(data_of(address.view()));
                                                                        out.setOfNoKey(of_no_key == OfNoKey::yes);
                                                                      });
  if (!answer.ok()) return answer.error();
  const auto book = wallet::BookId::from(bytes_of(answer.value().root().getBook()));
  auto account = read_account(answer.value().root().getAccount());
  if (!book || !account || account->address != address) return odd_answer("it is not an account of a book");
  account->book = *book;
  if (answer.value().root().hasChain()) {
    const auto chain = answer.value().root().getChain();
    const auto at = wallet::Address::from(bytes_of(chain.getAddress()));
    const auto id = base::Digest::from(bytes_of(chain.getChain()));
    if (!at || !id) return odd_answer("an address or id is not 32 bytes long");
    account->chain = BookOnChain{chain.getHeight(), chain.getBaseFee(), chain.getFork(), *at, *id};
  }
  return std::move(*account);
}

Client::Outcome<wallet::Amount> held_of(Client& client, const wallet::Address& address) {
  using escrow::wire::GetHeld, escrow::wire::HeldIs;
  auto answer = ask_book<GetHeld, HeldIs>(client, escrow::kPath,
                                          [&](GetHeld::Builder out) { out.setAddress(data_of(address.view())); });
  if (!answer.ok()) return answer.error();
  const auto amount = wallet::Amount::from(answer.value().root().getAmount());
  if (!amount) return odd_answer("an amount is 2^63 or more");
  return *amount;
}

Client::Outcome<std::map<wallet::Address, wallet::Amount>> held_amounts(Client& client) {
  using escrow::wire::ListHeld, escrow::wire::HeldAccounts;
  std::map<wallet::Address, wallet::Amount> out;
  base::Bytes from;
  do {
    auto page = ask_page<ListHeld, HeldAccounts>(client, escrow::kPath,
                                                 [&](ListHeld::Builder ask) { ask.setFrom(data_of(from)); });
    if (!page.ok()) return page.error();
    for (const auto row : page.value().root().getRows()) {
      const auto address = wallet::Address::from(bytes_of(row.getAddress()));
      const auto amount = wallet::Amount::from(row.getAmount());
      const auto sum = address && amount ? plus(out[*address], *amount) : std::nullopt;
      if (!sum) return odd_answer("its list of amounts is malformed");
      out[*address] = *sum;
    }
    const auto next = bytes_of(page.value().root().getNext());
    if (!next.empty() && !std::ranges::lexicographical_compare(from, next)) return odd_answer("its pages repeat");
    from.assign(next.begin(), next.end());
  } while (!from.empty());
  return out;
}

base::Result<void, Failure> check_transfer(const wallet::Address& from, const std::vector<wallet::Credit>& credits,
                                           const std::string& memo) {
  const auto total = wallet::total_of({.from = from, .number = {1}, .credits = credits, .memo = memo});
  if (total.ok()) return {};
  return usage_failure(explained(total.error()), "troupe help wallet send");
}

Client::Outcome<wallet::TransferId> pay(Client& client, const Signer& signer,
                                        const std::vector<wallet::Credit>& credits, const std::string& memo,
                                        const std::string& request) {
  const base::Instant end = client.now() + kPayPatience;
  auto account = account_at(client, signer.address());
  while (account.ok()) {
    const wallet::Transfer transfer{account.value().book, signer.address(), next(account.value().done), credits, memo};
    const wallet::Approval approval = signer.approve(encode(transfer));
    auto posted = ask_book<book_wire::PostTransfer, book_wire::Posted>(
        client, wallet::kPath, [&](book_wire::PostTransfer::Builder out) {
          wallet::write(out.initTransfer(), transfer, signer.policy, {&approval, 1});
          out.setRequest(text_of(request));
        });
    if (posted.ok()) {
      if (const auto id = wallet::TransferId::from(bytes_of(posted.value().root().getId()))) return *id;
      return odd_answer("an id is not 32 bytes long");
    }
    if (posted.error().error.code != Code::conflict || client.now() >= end) return posted.error();
    auto now = account_at(client, signer.address());
    if (now.ok() && now.value().done == account.value().done) return posted.error();  // the request has paid something
    account = std::move(now);
  }
  return account.error();
}

Client::Outcome<void> walk_postings(Client& client, const std::optional<wallet::Address>& address, std::uint64_t before,
                                    const std::function<bool(const wallet::Posting&)>& each) {
  for (bool more = true; more;) {
    auto page = ask_page<book_wire::ListPostings, book_wire::Postings>(client, wallet::kPath,
                                                                       [&](book_wire::ListPostings::Builder out) {
                                                                         if (address)
                                                                           out.setAddress(data_of(address->view()));
                                                                         out.setBefore(before);
                                                                       });
    if (!page.ok()) return page.error();
    more = page.value().root().getMore();
    if (more && page.value().root().getRows().size() == 0) return odd_answer("its pages do not continue");
    for (const auto row : page.value().root().getRows()) {
      const auto posting = wallet::decode_posting(bytes_of(row));
      if (!posting || (before > 0 && posting->sequence >= before))
        return odd_answer("it lists an entry that is not a posting");
      before = posting->sequence;
      if (!each(*posting)) return {};
    }
  }
  return {};
}

}  // namespace troupe::apps::wallets
