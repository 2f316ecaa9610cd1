// troupe fund show | ls
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/fund/fund.hpp"
#include "messages/codec.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

using namespace funds;
using namespace wallets;

void print_fund(std::ostream& out, const Seen& seen, wallet::Amount balance,
                const std::vector<fund::Proposal>& proposals) {
  JsonLine<output::wire::Fund> line;
  line->setAddress(text(fund::account_of(seen.book)));
  line->setBalance(balance.text());
  line->setThreshold(static_cast<std::uint32_t>(seen.signers.threshold));
  auto signers = line->initSigners(size32(seen.signers.list));
  for (unsigned i = 0; i < signers.size(); ++i) signers.set(i, text(seen.signers.list[i]));
  auto rows = line->initProposals(size32(proposals));
  for (unsigned i = 0; i < rows.size(); ++i) write_proposal(rows[i], proposals[i]);
  auto allocations = line->initAllocations(size32(seen.allocations));
  unsigned at = 0;
  for (const auto& [category, allocation] : seen.allocations) {
    auto row = allocations[at++];
    row.setCategory(category);
    row.setSpent(allocation.spent.text());
    row.setPayments(allocation.payments);
  }
  if (seen.daily_cap > wallet::Amount()) line->setDailyCap(seen.daily_cap.text());
  line->setPaidToday(seen.spent_today.text());
  line->setBook(data(seen.book.view()));
  line->setSeq(seen.sequence);
  line->setHead(data(seen.head.view()));
  line.print(out);
}

void print_proposals(std::ostream& out, const std::vector<fund::Proposal>& proposals) {
  TextTable table({{"PROPOSAL"}, {"STATE"}, {"SIGNED", Align::right}, {"CATEGORY"}, {"EXPIRES"}, {"WHAT"}, {"REASON"}});
  for (const fund::Proposal& one : proposals)
    table.add({one.id.hex(), std::string(name(one.state)), std::to_string(one.signed_by.size()),
               one.payment() != nullptr ? one.payment()->category : "-", date_of(one.expires), what_text(one),
               base::printable(one.content.reason)});
  table.print(out);
}

}  // namespace

Ending fund_show(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto seen = fund_seen(*client.value());
  if (!seen.ok()) return seen.error();
  const auto account = account_at(*client.value(), fund::account_of(seen.value().book));
  if (!account.ok()) return account.error();
  const auto proposals = proposals_of(*client.value(), seen.value().book);
  if (!proposals.ok()) return proposals.error();
  if (invocation.globals.json) {
    print_fund(console.out, seen.value(), account.value().balance, proposals.value());
    return Exit::done;
  }
  console.out << "address     " << text(account.value().address) << '\n';
  if (account.value().chain) console.out << "on chain    " << text(account.value().chain->address) << '\n';
  console.out << "balance     " << account.value().balance.text() << "\nthreshold   " << seen.value().signers.threshold
              << " of " << seen.value().signers.list.size() << '\n';
  for (const wallet::Address& one : seen.value().signers.list) console.out << "signer      " << text(one) << '\n';
  if (seen.value().daily_cap > wallet::Amount())
    console.out << "today       " << seen.value().spent_today.text() << " of " << seen.value().daily_cap.text() << '\n';
  for (const auto& [category, allocation] : seen.value().allocations)
    console.out << "paid        " << allocation.spent.text() << " for " << category << ", in " << allocation.payments
                << (allocation.payments == 1 ? " payment\n" : " payments\n");
  if (!proposals.value().empty()) print_proposals(console.out, proposals.value());
  return Exit::done;
}

Ending fund_list(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto seen = fund_seen(*client.value());
  if (!seen.ok()) return seen.error();
  const auto proposals = proposals_of(*client.value(), seen.value().book);
  if (!proposals.ok()) return proposals.error();
  if (!invocation.globals.json) {
    print_proposals(console.out, proposals.value());
    return Exit::done;
  }
  JsonLine<output::wire::FundProposals> line;
  auto rows = line->initRows(size32(proposals.value()));
  for (unsigned i = 0; i < rows.size(); ++i) write_proposal(rows[i], proposals.value()[i]);
  write_json_line(console.out, capnp::toDynamic(rows.asReader()));
  return Exit::done;
}

}  // namespace troupe::apps
