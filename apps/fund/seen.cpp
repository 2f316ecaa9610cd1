// What a node reports about a fund.
#include <algorithm>

#include "actors/fund/api.hpp"
#include "apps/cli/json.hpp"
#include "apps/fund/fund.hpp"
#include "messages/codec.hpp"

namespace troupe::apps::funds {

using namespace wallets;

Client::Outcome<Seen> fund_seen(Client& client) {
  auto answer =
      ask_book<fund::wire::GetFund, fund::wire::FundIs>(client, fund::kPath, [](fund::wire::GetFund::Builder) {});
  if (!answer.ok()) return answer.error();
  const auto is = answer.value().root();
  const auto book = wallet::BookId::from(bytes_of(is.getBook()));
  const auto owner = wallet::Address::from(bytes_of(is.getOwner()));
  const auto head = base::Digest::from(bytes_of(is.getHead()));
  const auto cap = wallet::Amount::from(is.getDailyCap()), spent = wallet::Amount::from(is.getSpentToday());
  std::vector<wallet::Address> list;
  for (const auto one : is.getSigners())
    if (const auto signer = wallet::Address::from(bytes_of(one))) list.push_back(*signer);
  auto signers = fund::make_signers(is.getThreshold(), std::move(list));
  if (!book || !owner || !head || !cap || !spent || !signers) return odd_answer("it is not a fund");
  Seen out{*book, *owner, std::move(*signers), *cap, *spent, {}, is.getSequence(), *head};
  for (const auto row : is.getAllocations()) {
    const auto sum = wallet::Amount::from(row.getSpent());
    const std::string category = text_of(row.getCategory());
    if (!sum || !fund::is_category(category)) return odd_answer("it lists an entry that is not an allocation");
    out.allocations[category] = {*sum, row.getPayments()};
  }
  return out;
}

Client::Outcome<fund::Proposal> read_proposal(const wallet::BookId& book, fund::wire::ProposalIs::Reader from) {
  auto proposal = fund::read(book, from);
  if (!proposal) return odd_answer("it is not a proposal of this fund");
  return std::move(*proposal);
}

Client::Outcome<std::vector<fund::Proposal>> proposals_of(Client& client, const wallet::BookId& book) {
  using fund::wire::ListProposals, fund::wire::Proposals;
  std::vector<fund::Proposal> out;
  base::Bytes from;
  do {
    auto page = ask_book<ListProposals, Proposals>(client, fund::kPath,
                                                   [&](ListProposals::Builder ask) { ask.setFrom(data_of(from)); });
    if (!page.ok()) return page.error();
    for (const auto row : page.value().root().getRows()) {
      auto proposal = read_proposal(book, row);
      if (!proposal.ok()) return proposal.error();
      out.push_back(std::move(proposal).value());
    }
    const auto next = bytes_of(page.value().root().getNext());
    if (!next.empty() && !std::ranges::lexicographical_compare(from, next))
      return odd_answer("its pages do not continue");
    from.assign(next.begin(), next.end());
  } while (!from.empty());
  std::ranges::stable_sort(out, [](const auto& a, const auto& b) { return a.proposed > b.proposed; });
  return out;
}

void write_proposal(output::wire::FundProposal::Builder out, const fund::Proposal& proposal) {
  out.setId(data(proposal.id.view()));
  if (const auto* payment = proposal.payment()) {
    out.setTo(text(payment->to));
    out.setAmount(payment->amount.text());
    out.setCategory(payment->category);
  } else {
    const auto& signers = std::get<fund::Signers>(proposal.content.what);
    out.setThreshold(static_cast<std::uint32_t>(signers.threshold));
    auto list = out.initSigners(size32(signers.list));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, text(signers.list[i]));
  }
  out.setReason(proposal.content.reason);
  out.setExpires(proposal.expires.count());
  out.setSigned(size32(proposal.signed_by));
  out.setState(std::string(name(proposal.state)));
  out.setBy(text(proposal.by));
  out.setProposed(proposal.proposed.count());
  auto signed_by = out.initSignedBy(size32(proposal.signed_by));
  for (unsigned i = 0; i < signed_by.size(); ++i) signed_by.set(i, text(proposal.signed_by[i]));
  if (!proposal.why.empty()) out.setWhy(proposal.why);
  if (proposal.state == fund::State::paid) out.getTransfer().setValue(data(proposal.transfer.view()));
}

std::string what_text(const fund::Proposal& proposal) {
  if (const auto* payment = proposal.payment()) return payment->amount.text() + " to " + text(payment->to);
  const auto& signers = std::get<fund::Signers>(proposal.content.what);
  std::string out = std::to_string(signers.threshold) + " signatures of";
  for (const wallet::Address& one : signers.list) out += ' ' + text(one);
  return out;
}

}  // namespace troupe::apps::funds
