// Answers requests that read the book.
#include <algorithm>

#include "actors/wallet/book_actor.hpp"
#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"
#include "runtime/actor/user.hpp"

namespace troupe::wallet {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::size_t kPostingsBytesMax = std::size_t{1} << 20;  // messages/wallet.capnp
constexpr std::uint32_t kAuditRows = 512;
constexpr std::chrono::seconds kPagedWaitMax{5};  // our choice
constexpr unsigned kNamedMax = 256;               // messages/wallet.capnp
constexpr std::size_t kAuditorsMax = 256;         // our choice
constexpr std::size_t kAuditorsOfOthers = 16;     // our choice: they wait during a whole audit

}  // namespace

/// Postings that are being read, the latest first.
struct BookActor::Paging {
  std::vector<std::uint64_t> sequences;
  std::vector<Bytes> rows;
  bool more = false;
  std::size_t waits = 0;
  std::optional<Error> failed{};
  runtime::Reply<wire::Postings> reply;
};

/// An audit in progress: it covers the book as it was at the start.
struct BookActor::Counted {
  Audit audit;
  Head head;
  std::map<Address, AccountRow> stored;
  base::Instant began;
  std::vector<runtime::Reply<wire::BookChecked>> replies{};
};

void BookActor::answers(runtime::Handlers& on) {
  on.ask<wire::GetBook, wire::BookIs>([this](auto, auto reply) {
    open_.reading<wire::BookIs>(storage_, std::move(reply), [this](auto& to) { book(to); });
  });
  on.ask<wire::GetAccount, wire::AccountIs>([this](wire::GetAccount::Reader ask, auto reply) {
    const auto address = Address::from(bytes_of(ask.getAddress()));
    if (!address) return reply.refuse({Code::malformed, "invalid address: expected 32 bytes"});
    open_.reading<wire::AccountIs>(storage_, std::move(reply), [this, address = *address](auto& to) {
      to.send([&](wire::AccountIs::Builder out) {
        write(out.initAccount(), address);
        out.setBook(data_of(genesis_.id().view()));
      });
    });
  });
  on.ask<wire::ListAccounts, wire::Accounts>([this](wire::ListAccounts::Reader ask, auto reply) {
    const auto from = Address::from(bytes_of(ask.getFrom()));
    if (!from && ask.getFrom().size() > 0) return reply.refuse({Code::malformed, "invalid address: expected 32 bytes"});
    open_.reading<wire::Accounts>(storage_, std::move(reply),
                                  [this, from = from.value_or(Address{})](auto& to) { accounts(from, to); });
  });
  on.ask<wire::ListPostings, wire::Postings>([this](auto ask, auto reply) { postings(ask, std::move(reply)); });
  on.ask<wire::CheckBook, wire::BookChecked>([this](auto, auto reply) { audit(std::move(reply)); });
  on.timer<AuditAgain>([this] { audit_next(); });
  on.ask<wire::GetProposal, wire::ProposalIs>([this](wire::GetProposal::Reader ask, auto reply) {
    const auto id = TransferId::from(bytes_of(ask.getId()));
    if (!id) return reply.refuse({Code::malformed, "invalid proposal id: expected 32 bytes"});
    open_.reading<wire::ProposalIs>(storage_, std::move(reply), [this, id = *id](auto& to) {
      const Proposal* there = proposals_.find(id);
      if (there == nullptr) return to.refuse({Code::not_found, std::string(name(ProposalError::unknown))});
      to.send([&](wire::ProposalIs::Builder out) { write(out, id, *there); });
    });
  });
  on.ask<wire::ListProposals, wire::Proposals>([this](wire::ListProposals::Reader ask, auto reply) {
    const auto address = Address::from(bytes_of(ask.getAddress()));
    if (!address) return reply.refuse({Code::malformed, "invalid address: expected 32 bytes"});
    open_.reading<wire::Proposals>(storage_, std::move(reply), [this, address = *address](auto& to) {
      std::vector<std::pair<TransferId, const Proposal*>> found;
      for (const auto& [id, proposal] : proposals_.all())
        if (proposal.transfer.from == address && time() < proposal.expires) found.emplace_back(id, &proposal);
      // At most kProposalsMax can still be paid; paid proposals, and those with a used number, come after them.
      const TransferNumber done = account(address).done;
      std::stable_partition(found.begin(), found.end(), [done](const auto& one) {
        return !one.second->ordered && one.second->transfer.number > done;
      });
      found.resize(std::min(found.size(), kProposalsMax));
      to.send([&](wire::Proposals::Builder out) {
        auto list = out.initRows(size32(found));
        for (unsigned i = 0; i < list.size(); ++i) write(list[i], found[i].first, *found[i].second);
      });
    });
  });
}

void BookActor::book(runtime::Reply<wire::BookIs>& reply) const {
  reply.send([&](wire::BookIs::Builder out) {
    out.setBook(data_of(genesis_.id().view()));
    out.setOwner(data_of(genesis_.owner.view()));
    out.setSequence(head_.sequence);
    out.setHead(data_of(head_.hash.view()));
    out.setIssued(account(issuance()).balance.units());
    out.setAccounts(accounts_.size() - (accounts_.contains(issuance()) ? 1 : 0));
    out.setPlace(setup_.place.text());
  });
}

void BookActor::write(wire::AccountRow::Builder out, const Address& address) const {
  out.setAddress(data_of(address.view()));
  const auto at = accounts_.find(address);
  if (at == accounts_.end()) return;
  out.setBalance(at->second.row.balance.units());
  out.setDebits(at->second.row.done.value);
  out.setSince(at->second.since.count());
  if (at->second.keeper) out.setKind(at->second.keeper->kind);
}

void BookActor::write(wire::ProposalIs::Builder out, const TransferId& id, const Proposal& proposal) const {
  out.setId(data_of(id.view()));
  wallet::write(out.initTransfer(), proposal.transfer, proposal.policy, proposal.approvals);
  out.setExpires(proposal.expires.count());
  out.setPosted(proposal.ordered);
}

void BookActor::accounts(const Address& from, runtime::Reply<wire::Accounts>& reply) const {
  std::vector<Address> found;
  auto at = accounts_.lower_bound(from);
  for (; at != accounts_.end() && found.size() < kAccountsMax; ++at)
    if (at->first != issuance()) found.push_back(at->first);
  reply.send([&](wire::Accounts::Builder out) {
    auto list = out.initRows(size32(found));
    for (unsigned i = 0; i < list.size(); ++i) write(list[i], found[i]);
    out.setMore(at != accounts_.end());
  });
}

void BookActor::postings(wire::ListPostings::Reader ask, runtime::Reply<wire::Postings> reply) {
  const auto address = Address::from(bytes_of(ask.getAddress()));
  if (!address && ask.getAddress().size() > 0)
    return reply.refuse({Code::malformed, "invalid address: expected 32 bytes"});
  const std::uint32_t limit =
      ask.getLimit() == 0 ? kPostingsMax : std::min<std::uint32_t>(ask.getLimit(), kPostingsMax);
  const auto by = runtime::user_of(caller());
  if (!by.reserved)
    if (const auto wait = paged_.take(by, now(), limit))
      return reply.refuse(
          {Code::overloaded, "the limit of postings read for other nodes is reached",
           std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kPagedWaitMax))});
  open_.reading<wire::Postings>(
      storage_, std::move(reply), [this, address, before = ask.getBefore(), limit, own = by.reserved](auto& to) {
        if (!address) {
          std::vector<std::uint64_t> sequences;
          std::uint64_t next = before == 0 ? head_.sequence : std::min(before - 1, head_.sequence);
          for (; next > 0 && sequences.size() < limit; --next) sequences.push_back(next);
          return read_postings(std::move(sequences), next > 0, own, std::move(to));
        }
        if (before == 1) return read_postings({}, false, own, std::move(to));
        const std::uint64_t first = before == 0 ? UINT64_MAX : before - 1;
        const Bytes prefix = rows::history_prefix(*address);
        storage_.range(prefix, rows::history_key(*address, first), limit,
                       [this, own, skip = prefix.size(),
                        to = std::move(to)](const base::Outcome<durable::Storage::Page>& page) mutable {
                         if (!page.ok()) return to.refuse(page.error());
                         std::vector<std::uint64_t> sequences;
                         for (const auto& row : page.value().rows)
                           if (row.key.size() == skip + 8) sequences.push_back(~durable::ordered_at(row.key, skip));
                         read_postings(std::move(sequences), page.value().next.has_value(), own, std::move(to));
                       });
      });
}

void BookActor::read_postings(std::vector<std::uint64_t> sequences, bool more, bool own,
                              runtime::Reply<wire::Postings> reply) {
  // A full mailbox would reject the book's own commits.
  if (!own && postings_read_ + sequences.size() > kReadAtOnce)
    return reply.refuse(
        {Code::overloaded, "too many postings are being read for other nodes", std::chrono::milliseconds(100)});
  const auto paging = std::make_shared<Paging>();
  paging->rows.resize(sequences.size());
  paging->waits = sequences.size();
  paging->more = more;
  paging->reply = std::move(reply);
  const auto send = [paging] {
    if (paging->failed) return paging->reply.refuse(*paging->failed);
    std::size_t bytes = 0, count = 0;
    while (count < paging->rows.size() && (count == 0 || bytes + paging->rows[count].size() < kPostingsBytesMax))
      bytes += paging->rows[count++].size() + 16;
    paging->reply.send([&](wire::Postings::Builder out) {
      auto list = out.initRows(static_cast<unsigned>(count));
      for (unsigned i = 0; i < count; ++i) list.set(i, data_of(paging->rows[i]));
      out.setMore(paging->more || count < paging->rows.size());
    });
  };
  if (sequences.empty()) return send();
  postings_read_ += sequences.size();
  for (std::size_t i = 0; i < sequences.size(); ++i)
    storage_.get(rows::posting_key(sequences[i]), [this, paging, i, send](base::Outcome<std::optional<Bytes>> row) {
      --postings_read_;
      if (!row.ok()) paging->failed = row.error();
      else if (!row.value()) paging->failed = Error{Code::corrupt, "a posting is missing"};
      else paging->rows[i] = std::move(*row.value());
      if (--paging->waits == 0) send();
    });
}

// -- the audit

/// Audits one at a time, because an audit reads the whole book. Callers during an audit share the next audit, which
/// begins after a rest of the same length. Any node may request it.
void BookActor::audit(runtime::Reply<wire::BookChecked> reply) {
  open_.reading<wire::BookChecked>(
      storage_, std::move(reply), [this, by_another = caller().node.has_value()](auto& to) {
        if (auditors_.size() >= (by_another ? kAuditorsOfOthers : kAuditorsMax))
          return to.refuse({Code::overloaded, "too many requests already wait for the audit"});
        auditors_.push_back(std::move(to));
        if (!std::exchange(auditing_, true)) audit_next();
      });
}

void BookActor::audit_next() {
  auditing_ = !auditors_.empty();
  if (!auditing_) return;
  if (now() < audit_free_) return after<AuditAgain>(audit_free_ - now());
  std::map<Address, AccountRow> stored;
  for (const auto& [address, account] : accounts_)
    if (account.row != AccountRow{}) stored.emplace(address, account.row);
  const auto counted = std::make_shared<Counted>(Counted{Audit(genesis_), head_, std::move(stored), now()});
  counted->replies = std::exchange(auditors_, {});
  audit_on(counted, {});
}

void BookActor::audit_on(std::shared_ptr<Counted> counted, const Bytes& from) {
  const Bytes prefix = rows::prefix('p');
  storage_.range(prefix, from.empty() ? prefix : from, kAuditRows,
                 [this, counted](const base::Outcome<durable::Storage::Page>& page) {
                   if (!page.ok()) {
                     for (auto& reply : counted->replies) reply.refuse(page.error());
                     return audit_next();
                   }
                   bool past = false;
                   for (const auto& row : page.value().rows) {
                     const auto posting = decode_posting(row.value);
                     // An unreadable posting counts as missing: the posting after it breaks the chain.
                     if (!posting) continue;
                     past = past || posting->sequence > counted->head.sequence;
                     if (!past) counted->audit.take(*posting);
                   }
                   if (page.value().next && !past) return audit_on(counted, *page.value().next);
                   const AuditReport report = std::move(counted->audit).finish(counted->stored, counted->head);
                   const auto write_report = [&](wire::BookChecked::Builder out) {
                     out.setAccounts(report.accounts);
                     out.setPostings(report.postings);
                     out.setIssued(report.issued.units());
                     out.setSum(report.sum.units());
                     auto mismatches = out.initMismatches(std::min(size32(report.mismatches), kNamedMax));
                     for (unsigned i = 0; i < mismatches.size(); ++i)
                       mismatches.set(i, data_of(report.mismatches[i].view()));
                     out.setBrokenAt(report.broken_at.value_or(0));
                     if (report.broken) out.setBroken(std::string(name(*report.broken)));
                     auto issuers = out.initIssuers(std::min(size32(report.issuers), kNamedMax));
                     auto issuer = report.issuers.begin();
                     for (unsigned i = 0; i < issuers.size(); ++i, ++issuer) {
                       issuers[i].setAddress(data_of(issuer->first.view()));
                       issuers[i].setAmount(issuer->second.units());
                     }
                   };
                   for (auto& reply : counted->replies) reply.send(write_report);
                   audit_free_ = now() + (now() - counted->began);
                   audit_next();
                 });
}

}  // namespace troupe::wallet
