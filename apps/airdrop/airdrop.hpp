#pragma once
// The commands of `troupe airdrop` that have their own source file; airdrop.cpp names them all.
#include "actors/airdrop/codec.hpp"
#include "actors/airdrop/logic/uptime.hpp"
#include "apps/wallet/book.hpp"
#include "messages/output/airdrop.capnp.h"

namespace troupe::apps {

using AirdropCommand = Ending(const Invocation&, Console&);
AirdropCommand airdrop_create, airdrop_check, airdrop_list, airdrop_show, airdrop_object, airdrop_run, airdrop_verify;

namespace airdrops {

/// The contents of an airdrop's file; the list is sorted by address.
struct Promise {
  wallet::Amount pool;
  airdrop::Moment from, until;
  std::vector<airdrop::Recipient> list;
  std::optional<airdrop::UptimeRule> uptime{};  ///< instead of a list
  std::vector<std::string> notes{};             ///< notes to print on standard error
};
/// Reads an airdrop's file. Fails with a usage error that names the line.
base::Result<Promise, Failure> promise_in(const std::string& path, const std::string& help);
/// Returns the terms, without book, owner and nonce; fails with usage.
base::Result<airdrop::Terms, Failure> terms_of(const Promise& promise, const std::string& help);

/// The recipients that follow from a rule.
struct UptimeList {
  airdrop::UptimeRule rule;
  std::vector<airdrop::Present> paid;
};
enum class Keep : std::uint8_t { no, yes };
/// Builds the list from the current signatures of all nodes' watchers. With Keep::yes it puts the evidence into the
/// content store, and the rule names it. Fails if no node is paid.
Client::Outcome<UptimeList> list_by_uptime(Client& client, airdrop::UptimeRule rule, Keep keep);
/// Builds the list from the evidence that the rule names. Fails if the evidence proves a different list.
Client::Outcome<UptimeList> list_by_evidence(Client& client, const airdrop::UptimeRule& rule);
/// Puts the list that follows from the rule into the promise, if the promise has a rule.
Client::Outcome<void> complete(Promise& promise, Client& client, Keep keep);

base::Result<airdrop::AirdropId, Failure> id_typed(const std::string& typed, const std::string& help);

/// Returns an airdrop as its node shows it; checks that the owner has signed the terms, and that the id is the id of
/// these terms.
Client::Outcome<airdrop::Seen> airdrop_seen(Client& client, const airdrop::AirdropId& id);
/// Returns all objections and decisions; checks the signatures of the objectors and of the owner.
Client::Outcome<airdrop::AllObjected> objected_seen(Client& client, const airdrop::AirdropId& id,
                                                    const airdrop::Terms& terms);
/// Returns a page of the list that the terms name.
Client::Outcome<airdrop::Page> page_seen(Client& client, const airdrop::AirdropId& id, const airdrop::Terms& terms,
                                         std::uint32_t number);

/// A recipient and its share.
struct Share {
  std::uint32_t index = 0;
  airdrop::Recipient recipient;
  wallet::Amount amount;
  const airdrop::Objected* objected = nullptr;
};
/// Calls `each` for the whole list; `each` returns false to stop. Fails if a page differs from the page that the terms
/// name.
Client::Outcome<void> walk_shares(Client& client, const airdrop::AirdropId& id, const airdrop::Seen& seen,
                                  const airdrop::AllObjected& objected, const std::function<bool(const Share&)>& each);
/// Returns "waiting", "objected", "struck", "paid", "none" or "returned".
std::string state_of(const airdrop::Airdrop& airdrop, const Share& share);

void write_recipient(output::wire::AirdropRecipient::Builder out, const Share& share, const std::string& state);
/// Prints a line of JSON, or "ID STATE".
void print_summary(const Invocation& invocation, Console& console, const airdrop::AirdropId& id,
                   const airdrop::Airdrop& airdrop);

}  // namespace airdrops
}  // namespace troupe::apps
