#pragma once
// A command's access to the account ledger (the book): the signing key, the account, and transfers, each sent until its
// result is known.
//
// Numbers  a transfer is signed with the next number of its account. If another transfer has taken the number, it is
//          signed again, for at most kPayPatience; the request id prevents the book from posting it twice.
#include <map>

#include "actors/wallet/codec.hpp"
#include "apps/cli/client.hpp"
#include "apps/wallet/keystores.hpp"
#include "apps/wallet/passphrase.hpp"
#include "apps/wallet/typed.hpp"

namespace troupe::apps::wallets {

inline constexpr std::chrono::seconds kBookAnswer{15};       // our choice: a change of the leader takes less
inline constexpr std::chrono::minutes kAuditAnswer{10};      // our choice: all postings are read again
inline constexpr std::chrono::seconds kPayPatience{30};      // our choice: hundreds of commands may pay at once
inline constexpr std::chrono::seconds kPagePatience{30};     // our choice
inline constexpr std::chrono::milliseconds kPageAgain{100};  // our choice

/// An opened wallet with one key.
struct Signer {
  std::string name;
  crypto::SecretKey key;
  wallet::Policy policy;

  const wallet::Address& address() const { return policy.address(); }
  wallet::Approval approve(base::ByteView bytes) const { return {key.public_key(), key.sign(bytes)}; }
};

/// Opens the wallet of that name, or the only wallet if there is no name. Asks for its passphrase.
base::Result<Signer, Failure> open_signer(const Invocation& invocation, Console& console,
                                          const std::optional<std::string>& name);
/// Does the same for --wallet.
inline base::Result<Signer, Failure> open_signer(const Invocation& invocation, Console& console) {
  return open_signer(invocation, console, invocation.text("--wallet"));
}
Option wallet_option();

/// Returns an account as it is typed: an address, or the name of a wallet or policy of this caller.
base::Result<wallet::Address, Failure> account_typed(Console& console, const std::string& typed,
                                                     const std::string& help);
/// Does the same; without a typed account returns the account of the only wallet.
base::Result<wallet::Address, Failure> account_typed(Console& console, const std::optional<std::string>& typed,
                                                     const std::string& help);

/// For a book that is the chain of its node: the data that makes a transaction of a transfer.
struct BookOnChain {
  std::uint64_t height = 0;  ///< of the latest final block
  std::uint64_t base_fee = 0;
  std::uint32_t fork = 0;
  wallet::Address address{};  ///< address of the account on the chain
  base::Digest id{};          ///< of the chain
};
/// An account, as the book reports it.
struct Account {
  wallet::Address address;
  wallet::BookId book{};  ///< only from account_at()
  wallet::Amount balance;
  wallet::TransferNumber done;
  std::string kind{};                  ///< kind of an account that belongs to no key
  std::optional<BookOnChain> chain{};  ///< only from account_at()
};
enum class OfNoKey : std::uint8_t { no, yes };

/// Returns an account. Fails with exit 7 if the book does not respond, and explains the failure.
Client::Outcome<Account> account_at(Client& client, const wallet::Address& address, OfNoKey of_no_key = OfNoKey::no);
/// Returns nullopt if the row is not a row of a book.
std::optional<Account> read_account(wallet::wire::AccountRow::Reader row);
/// Returns the part of an account that open escrows hold.
Client::Outcome<wallet::Amount> held_of(Client& client, const wallet::Address& address);
/// Returns the amounts that open escrows hold, by account.
Client::Outcome<std::map<wallet::Address, wallet::Amount>> held_amounts(Client& client);

/// Calls `each` for the postings of an account, or of the whole book, latest first; only for postings before a sequence
/// number, if that is not 0. `each` returns false to stop.
Client::Outcome<void> walk_postings(Client& client, const std::optional<wallet::Address>& address, std::uint64_t before,
                                    const std::function<bool(const wallet::Posting&)>& each);

/// Pays; at most once per request id.
Client::Outcome<wallet::TransferId> pay(Client& client, const Signer& signer,
                                        const std::vector<wallet::Credit>& credits, const std::string& memo,
                                        const std::string& request);
/// Fails with usage unless these credits and this memo make a valid transfer of the account.
base::Result<void, Failure> check_transfer(const wallet::Address& from, const std::vector<wallet::Credit>& credits,
                                           const std::string& memo);

/// Sends a request about money to the service at `path`, and explains its failure.
Failure without_book(Failure failure);
template <class Q, class A, class Fill>
Client::Outcome<Kept<A>> ask_book(Client& client, const char* path, Fill&& fill, base::Duration timeout = kBookAnswer) {
  auto answer = client.ask<Q, A>(path, timeout, std::forward<Fill>(fill));
  if (!answer.ok()) return without_book(answer.error());
  return answer;
}
/// Does the same for a page of a list. A book limits the rate of other nodes' reads, so the request is repeated for a
/// while.
template <class Q, class A, class Fill>
Client::Outcome<Kept<A>> ask_page(Client& client, const char* path, Fill&& fill) {
  const base::Instant end = client.now() + kPagePatience;
  while (true) {
    auto page = ask_book<Q, A>(client, path, fill);
    if (page.ok() || page.error().error.code != base::Code::overloaded || client.now() >= end) return page;
    if (const auto paused = client.pause(std::max(page.error().error.retry_after, kPageAgain)); !paused.ok())
      return paused.error();
  }
}
/// Returns the failure for a malformed response: exit 1.
Failure odd_answer(const char* what);

}  // namespace troupe::apps::wallets
