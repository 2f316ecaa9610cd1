#pragma once
// The way of a command to the book of accounts: the key that signs, the account, and a transfer that is sent until its
// end is known.
//
// Numbers  a transfer is signed with the next number of its account. If another one was posted meanwhile, it is signed
//          again, for kPayPatience at most; the request id keeps the book from posting two of them.
#include <map>

#include "actors/wallet/words.hpp"
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

/// A wallet of one key, opened.
struct Signer {
  std::string name;
  crypto::SecretKey key;
  wallet::Policy policy;

  const wallet::Address& address() const { return policy.address(); }
  wallet::Approval approve(base::ByteView bytes) const { return {key.public_key(), key.sign(bytes)}; }
};

/// The wallet of that name, else the only one. Asks for its passphrase.
base::Result<Signer, Failure> open_signer(const Invocation& invocation, Console& console,
                                          const std::optional<std::string>& name);
/// The same for --wallet.
inline base::Result<Signer, Failure> open_signer(const Invocation& invocation, Console& console) {
  return open_signer(invocation, console, invocation.text("--wallet"));
}
Option wallet_option();

/// An account as it is typed: an address, or the name of a wallet or of a policy here.
base::Result<wallet::Address, Failure> account_typed(Console& console, const std::string& typed,
                                                     const std::string& help);
/// The same; if nothing is typed, that of the only wallet.
base::Result<wallet::Address, Failure> account_typed(Console& console, const std::optional<std::string>& typed,
                                                     const std::string& help);

/// Where the book is the chain of its node: what a transfer needs to be a transaction of it.
struct BookOnChain {
  std::uint64_t height = 0;  ///< of the latest final block
  std::uint64_t base_fee = 0;
  std::uint32_t fork = 0;
  wallet::Address address{};  ///< at which the account stands on the chain
  base::Digest id{};          ///< of the chain
};
/// An account as the book has it.
struct Account {
  wallet::Address address;
  wallet::BookId book{};  ///< of account_at() alone
  wallet::Amount balance;
  wallet::TransferNumber done;
  std::string kind{};                  ///< of an account that belongs to no key
  std::optional<BookOnChain> chain{};  ///< of account_at() alone
};
enum class OfNoKey : std::uint8_t { no, yes };

/// Fails with exit 7 if the book does not answer, and says what that means.
Client::Outcome<Account> account_at(Client& client, const wallet::Address& address, OfNoKey of_no_key = OfNoKey::no);
/// Nothing if the row is not one of a book.
std::optional<Account> read_account(wallet::wire::AccountRow::Reader row);
/// How much of it lies in open escrows.
Client::Outcome<wallet::Amount> held_of(Client& client, const wallet::Address& address);
/// What open escrows hold, by account.
Client::Outcome<std::map<wallet::Address, wallet::Amount>> held_amounts(Client& client);

/// The postings of an account, or of the whole book, from the latest on; those before a sequence, if it is not 0.
/// `each` returns false to end.
Client::Outcome<void> walk_postings(Client& client, const std::optional<wallet::Address>& address, std::uint64_t before,
                                    const std::function<bool(const wallet::Posting&)>& each);

/// Pays, once for a request id.
Client::Outcome<wallet::TransferId> pay(Client& client, const Signer& signer,
                                        const std::vector<wallet::Credit>& credits, const std::string& memo,
                                        const std::string& request);
/// Fails with usage unless these credits and this memo make a transfer of the account.
base::Result<void, Failure> check_transfer(const wallet::Address& from, const std::vector<wallet::Credit>& credits,
                                           const std::string& memo);

/// A question about money, to the service at `path`: what its failure means is said, too.
Failure without_book(Failure failure);
template <class Q, class A, class Fill>
Client::Outcome<Kept<A>> ask_book(Client& client, const char* path, Fill&& fill, base::Duration timeout = kBookAnswer) {
  auto answer = client.ask<Q, A>(path, timeout, std::forward<Fill>(fill));
  if (!answer.ok()) return without_book(answer.error());
  return answer;
}
/// The same for a page of a list. A book reads only so much a second for other nodes, so it is asked again for a while.
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
/// An answer that breaks its format: exit 1.
Failure odd_answer(const char* what);

}  // namespace troupe::apps::wallets
