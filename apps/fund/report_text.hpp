#pragma once
// The report of a fund: JSON lines that are derived only from the book.
//
// Lines   a head, each credit and debit of the fund's account, the sums, and last the SHA-256 of all bytes before that
//         line.
// Debits  name their purpose in their memo: "CATEGORY ID" (actors/fund/logic/fund.hpp).
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/fund/logic/proposal.hpp"

namespace troupe::apps::funds {

/// The subject of a report; the rest of the report's head is derived from it and from the postings.
struct ReportSpan {
  wallet::BookId book;
  std::uint64_t last = 0;  ///< posting of the book, and its time and hash; 0: the book had none
  wallet::UnixMs until{0};
  base::Digest head;
  std::optional<base::Digest> previous{};  ///< hash of the report that this report replaces
};

/// Returns the report. `postings` are all postings of the fund's account up to the last, in ascending order. Returns
/// nullopt if no book can have these postings, because the account would have paid more than it had.
std::optional<std::string> report_text(const ReportSpan& span, const std::vector<wallet::Posting>& postings);

/// The last posting and the hash of the previous report, from the first line of a report.
struct ReportHead {
  std::uint64_t last = 0;
  std::optional<base::Digest> previous{};
};
std::optional<ReportHead> read_report_head(std::string_view line);

/// Returns the hash in the last line, or nullopt unless it is the hash of the lines before.
std::optional<base::Digest> report_hash(std::string_view text);

std::vector<std::string_view> lines_of(std::string_view text);

}  // namespace troupe::apps::funds
