#pragma once
// The report of a fund: JSON lines that follow from the book alone.
//
// Lines   head, each credit and debit of the fund's account, sums, and the SHA-256 of all bytes before that last line.
// Debits  say in their memo what they are for: "CATEGORY ID" (actors/fund/logic/fund.hpp).
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/fund/logic/proposal.hpp"

namespace troupe::apps::funds {

/// What a report is about; the rest of its head follows from it and from the postings.
struct ReportSpan {
  wallet::BookId book;
  std::uint64_t last = 0;  ///< posting of the book, and its time and hash; 0: the book had none
  wallet::UnixMs until{0};
  base::Digest head;
  std::optional<base::Digest> previous{};  ///< hash of the report that it replaces
};

/// `postings` are all that concern the fund's account, up to the last one, ascending. Nothing if they are none of a
/// book: the account would have paid more than it had.
std::optional<std::string> report_text(const ReportSpan& span, const std::vector<wallet::Posting>& postings);

/// Its last posting and the hash of the report before it, as the first line of a report says them.
struct ReportHead {
  std::uint64_t last = 0;
  std::optional<base::Digest> previous{};
};
std::optional<ReportHead> read_report_head(std::string_view line);

/// The hash in the last line; nothing unless the text is a report whose hash is that of its lines.
std::optional<base::Digest> report_hash(std::string_view text);

std::vector<std::string_view> lines_of(std::string_view text);

}  // namespace troupe::apps::funds
