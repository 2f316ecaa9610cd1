// troupe airdrop verify: trusts nothing that the airdrop's node reports, except what its owner, the objectors and the
// book have signed or posted.
#include <algorithm>

#include "actors/airdrop/api.hpp"
#include "apps/airdrop/airdrop.hpp"
#include "apps/cli/json.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

using namespace airdrops;
using namespace wallets;

struct Checked {
  std::uint32_t recipients = 0, struck = 0;
  wallet::Amount paid;
  std::uint64_t transfers = 0;
  std::string bad{};  ///< the first difference; empty: none
};

/// The transfers of the airdrop's account, by their numbers; and whether its owner has paid the pool in.
struct Posted {
  std::vector<wallet::Transfer> out;
  bool pool = false;
};
Client::Outcome<Posted> posted_of(Client& client, const airdrop::AirdropId& id, const airdrop::Terms& terms) {
  const wallet::Address account = airdrop::account_of(id);
  Posted posted;
  const auto walked = walk_postings(client, account, 0, [&](const wallet::Posting& one) {
    if (one.transfer.from == account) {
      posted.out.push_back(one.transfer);
      return true;
    }
    wallet::Wide credited = 0;
    for (const wallet::Credit& credit : one.transfer.credits)
      if (credit.to == account) credited += credit.amount.units();
    posted.pool |= one.transfer.from == terms.owner && credited >= terms.pool.units();
    return true;
  });
  if (!walked.ok()) return walked.error();
  std::ranges::sort(posted.out, {}, &wallet::Transfer::number);
  return posted;
}

/// Compares the payments with the shares, one by one.
class Payments {
 public:
  explicit Payments(const std::vector<wallet::Transfer>& transfers) : transfers_(transfers) {}

  /// Returns the fault; empty: the next payment was for this share, or there are no more payments.
  std::string take(const Share& share) {
    if (share.amount == wallet::Amount() || transfer_ == transfers_.size()) return {};
    const wallet::Credit& credit = transfers_[transfer_].credits[credit_];
    if (credit.to != share.recipient.to || credit.amount != share.amount)
      return "recipient " + std::to_string(share.index) + " gets " + share.amount.text() + " to " +
             text(share.recipient.to) + ", and transfer " + std::to_string(transfers_[transfer_].number.value) +
             " pays " + credit.amount.text() + " to " + text(credit.to);
    paid_ = paid_ + credit.amount;
    if (++credit_ == transfers_[transfer_].credits.size()) {
      ++transfer_;
      credit_ = 0;
    }
    return {};
  }
  /// Whether the account has made no more payments.
  bool ended() const { return transfer_ == transfers_.size(); }
  wallet::Amount paid() const { return paid_; }

 private:
  const std::vector<wallet::Transfer>& transfers_;
  std::size_t transfer_ = 0, credit_ = 0;
  wallet::Amount paid_;
};

Client::Outcome<Checked> checked(Client& client, const airdrop::AirdropId& id) {
  const auto seen = airdrop_seen(client, id);
  if (!seen.ok()) return seen.error();
  const auto& [terms, by, airdrop] = seen.value();
  const auto objected = objected_seen(client, id, terms);
  if (!objected.ok()) return objected.error();
  const auto posted = posted_of(client, id, terms);
  if (!posted.ok()) return posted.error();
  Checked out;
  out.transfers = posted.value().out.size();
  for (const auto& [index, one] : objected.value()) out.struck += one.struck() ? 1 : 0;
  if (!posted.value().pool) out.bad = "the book has no payment of the pool by its owner";
  for (std::size_t i = 0; i < posted.value().out.size() && out.bad.empty(); ++i)
    if (posted.value().out[i].number.value != i + 1) out.bad = "transfer " + std::to_string(i + 1) + " is missing";
  const std::vector<wallet::Transfer>& all = posted.value().out;
  const bool returned = all.size() == 1 && all[0].credits == airdrop::give_back(id, terms).credits;
  // The node's number of pages is trusted only if nothing was paid, or all was returned.
  const bool whole = airdrop.pages == terms.pages.size();
  if (!whole && out.bad.empty() && !posted.value().out.empty() && !returned)
    out.bad = "payments were made, but the list on which they are based is not shown";
  if (!whole || (returned && out.struck == terms.recipients)) return out;

  std::vector<airdrop::Recipient> proven;
  if (terms.uptime && out.bad.empty()) {
    const auto list = list_by_evidence(client, *terms.uptime);
    if (list.ok()) proven = airdrop::list_of(list.value().paid);
    else if (list.error().error.code == base::Code::corrupt) out.bad = list.error().error.message;
    else return list.error();
  }
  Payments payments(posted.value().out);
  wallet::Amount sum;
  const auto walked = walk_shares(client, id, seen.value(), objected.value(), [&](const Share& share) {
    if (terms.uptime && out.bad.empty() &&
        (out.recipients >= proven.size() || proven[out.recipients] != share.recipient))
      out.bad = "recipient " + std::to_string(share.index) + " does not follow from the evidence";
    ++out.recipients;
    sum = sum + share.amount;
    if (out.bad.empty()) out.bad = payments.take(share);
    return true;
  });
  if (!walked.ok()) return walked.error();
  out.paid = payments.paid();
  if (!out.bad.empty()) return out;
  if (out.recipients != terms.recipients) out.bad = "the number of recipients in the list differs from the terms";
  else if (sum != terms.pool && out.struck < terms.recipients) out.bad = "the sum of the shares differs from the pool";
  else if (!payments.ended()) out.bad = "more was paid than the list says";
  else if (airdrop.state == airdrop::State::paid && out.paid != terms.pool)
    out.bad = "it is reported as paid, but is not";
  return out;
}

}  // namespace

Ending airdrop_verify(const Invocation& invocation, Console& console) {
  const auto id = id_typed(*invocation.text("ID"), "troupe airdrop ls");
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto result = checked(*client.value(), id.value());
  if (!result.ok()) return result.error();
  const Checked& is = result.value();
  if (invocation.globals.json) {
    JsonLine<output::wire::AirdropVerified> line;
    line->setAirdrop(data(id.value().view()));
    line->setOk(is.bad.empty());
    line->setRecipients(is.recipients);
    line->setStruck(is.struck);
    line->setPaid(is.paid.text());
    line->setTransfers(is.transfers);
    if (!is.bad.empty()) line->setBad(is.bad);
    line.print(console.out);
  } else if (is.bad.empty()) {
    console.out << "right: " << is.recipients << " recipients, " << is.struck << " struck, " << is.paid.text()
                << " paid in " << is.transfers << " transfers\n";
  }
  if (is.bad.empty()) return Exit::done;
  return Failure{.error = {base::Code::corrupt, is.bad}, .try_ = "troupe wallet audit", .exit = Exit::failed};
}

}  // namespace troupe::apps
