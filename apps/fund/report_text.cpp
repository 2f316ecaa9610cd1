#include "apps/fund/report_text.hpp"

#include <charconv>
#include <map>
#include <sstream>

#include "actors/fund/logic/fund.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/json_read.hpp"
#include "messages/codec.hpp"
#include "messages/output/fund.capnp.h"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps::funds {
namespace {

using wallet::Amount;

constexpr std::uint32_t kReportVersion = 1;

/// Running totals over the lines.
struct Sums {
  wallet::Wide credits = 0, debits = 0;
  std::map<std::string, std::pair<wallet::Wide, std::uint64_t>> allocations{};

  std::optional<Amount> balance() const {
    if (debits > credits || credits - debits > Amount::kMax) return std::nullopt;
    return Amount::of(static_cast<std::uint64_t>(credits - debits));
  }
};

std::string wide_text(wallet::Wide number) {
  std::string out;
  do {
    out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
    number /= 10;
  } while (number > 0);
  return out;
}

/// Returns category and id from a memo; empty if it is not the memo of a fund's payment.
std::pair<std::string, std::string> purpose_of(const std::string& memo) {
  const auto space = memo.find(' ');
  if (space == std::string::npos || !fund::is_category(memo.substr(0, space)) ||
      !fund::ProposalId::from_hex(memo.substr(space + 1)))
    return {};
  return {memo.substr(0, space), memo.substr(space + 1)};
}

bool write_rows(std::ostream& out, const wallet::Posting& posting, const wallet::Address& account, Sums& sums) {
  const wallet::Transfer& transfer = posting.transfer;
  const bool debit = transfer.from == account;
  for (const wallet::Credit& credit : transfer.credits) {
    if (!debit && credit.to != account) continue;
    (debit ? sums.debits : sums.credits) += credit.amount.units();
    const auto balance = sums.balance();
    if (!balance) return false;
    JsonLine<output::wire::FundReportRow> line;
    line->setSeq(posting.sequence);
    line->setTime(posting.time.count());
    line->setId(data(id_of(transfer).view()));
    line->setWay(debit ? "debit" : "credit");
    if (debit) line->setAccount(text(credit.to));
    else if (transfer.from != issuance_of(transfer.book)) line->setAccount(text(transfer.from));
    line->setAmount(credit.amount.text());
    line->setMemo(transfer.memo);
    if (const auto [category, proposal] = purpose_of(transfer.memo); debit && !category.empty()) {
      line->setCategory(category);
      line->setProposal(proposal);
      auto& [spent, payments] = sums.allocations[category];
      spent += credit.amount.units();
      ++payments;
    }
    line->setBalance(balance->text());
    line.print(out);
  }
  return true;
}

void write_head(std::ostream& out, const ReportSpan& span, const std::vector<wallet::Posting>& postings) {
  JsonLine<output::wire::FundReportHead> line;
  line->setReport(kReportVersion);
  line->setBook(data(span.book.view()));
  line->setAccount(text(fund::account_of(span.book)));
  line->setFirst(span.last > 0 ? 1 : 0);
  line->setLast(span.last);
  line->setFrom(postings.empty() ? 0 : postings.front().time.count());
  line->setUntil(span.until.count());
  line->setHead(data(span.head.view()));
  if (span.previous) line->getPrevious().setValue(data(span.previous->view()));
  line.print(out);
}

void write_sums(std::ostream& out, const Sums& sums) {
  JsonLine<output::wire::FundReportSums> line;
  line->setCredits(wide_text(sums.credits));
  line->setDebits(wide_text(sums.debits));
  line->setBalance(sums.balance()->text());
  auto rows = line->initAllocations(size32(sums.allocations));
  unsigned i = 0;
  for (const auto& [category, of] : sums.allocations) {
    auto row = rows[i++];
    row.setCategory(category);
    row.setSpent(wide_text(of.first));
    row.setPayments(of.second);
  }
  line.print(out);
}

std::string end_line(std::string_view before) {
  std::ostringstream out;
  JsonLine<output::wire::FundReportEnd> line;
  line->setSha256(data(crypto::sha256(base::as_bytes(before)).view()));
  line.print(out);
  return out.str();
}

}  // namespace

std::optional<std::string> report_text(const ReportSpan& span, const std::vector<wallet::Posting>& postings) {
  std::ostringstream out;
  write_head(out, span, postings);
  Sums sums;
  for (const wallet::Posting& posting : postings)
    if (!write_rows(out, posting, fund::account_of(span.book), sums)) return std::nullopt;
  write_sums(out, sums);
  const std::string lines = out.str();
  return lines + end_line(lines);
}

std::optional<ReportHead> read_report_head(std::string_view line) {
  const auto json = read_json(line);
  const auto* last = json ? json->find("last") : nullptr;
  const auto* previous = json ? json->find("previous") : nullptr;
  const auto* version = json ? json->find("report") : nullptr;
  if (last == nullptr || previous == nullptr || version == nullptr || last->kind != JsonValue::Kind::number ||
      version->text != std::to_string(kReportVersion))
    return std::nullopt;
  ReportHead out;
  const char* const end = last->text.data() + last->text.size();
  const auto read = std::from_chars(last->text.data(), end, out.last);
  if (read.ec != std::errc() || read.ptr != end || out.last == UINT64_MAX) return std::nullopt;
  if (previous->kind == JsonValue::Kind::null) return out;
  out.previous = base::Digest::from_hex(previous->text);
  if (!out.previous) return std::nullopt;
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::optional<base::Digest> report_hash(std::string_view text) {
  const auto lines = lines_of(text);
  if (lines.size() < 3 || !read_report_head(lines.front())) return std::nullopt;
  const std::string_view before = text.substr(0, text.size() - lines.back().size());
  if (lines.back() != end_line(before)) return std::nullopt;
  return crypto::sha256(base::as_bytes(before));
}

}  // namespace troupe::apps::funds
