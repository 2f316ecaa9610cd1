// troupe fund report | verify
#include <algorithm>
#include <filesystem>

#include "apps/cli/file_target.hpp"
#include "apps/cli/input.hpp"
#include "apps/cli/json.hpp"
#include "apps/fund/fund.hpp"
#include "apps/fund/report_text.hpp"
#include "messages/codec.hpp"

namespace troupe::apps {
namespace {

using namespace funds;
using namespace wallets;
using base::Code;

constexpr std::size_t kReportBytesMax = std::size_t{256} << 20;  // our choice

/// Returns nullopt if there is no such file.
base::Result<std::optional<std::string>, Failure> content_of(const std::string& path) {
  using Out = std::optional<std::string>;
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) return Out();
  auto text = file_text(path, kReportBytesMax, {{Code::internal, path + " cannot be read"}, "nothing was done"});
  if (!text.ok()) return text.error();
  return Out(std::move(text).value());
}

/// Returns the latest posting of the book, or the posting `sequence`. Returns nullopt if the book has none.
Client::Outcome<std::optional<wallet::Posting>> posting_at(Client& client, std::uint64_t sequence) {
  std::optional<wallet::Posting> out;
  const auto walked =
      walk_postings(client, std::nullopt, sequence == 0 ? 0 : sequence + 1, [&](const wallet::Posting& posting) {
        out = posting;
        return false;
      });
  if (!walked.ok()) return walked.error();
  return out;
}

/// Returns the report of the book up to that posting.
Client::Outcome<std::string> report_of(Client& client, const wallet::BookId& book,
                                       const std::optional<wallet::Posting>& last,
                                       const std::optional<base::Digest>& previous) {
  ReportSpan span{.book = book, .head = {book.bytes}, .previous = previous};
  std::vector<wallet::Posting> postings;
  if (last) {
    span.last = last->sequence;
    span.until = last->time;
    span.head = hash_of(*last);
    const auto walked =
        walk_postings(client, fund::account_of(book), last->sequence + 1, [&](const wallet::Posting& posting) {
          postings.push_back(posting);
          return true;
        });
    if (!walked.ok()) return walked.error();
    std::ranges::reverse(postings);
  }
  auto text = report_text(span, postings);
  if (!text) return odd_answer("the fund's account has paid more than it had");
  return std::move(*text);
}

struct BadLine {
  std::uint64_t line = 0;
  std::string what;
};

/// Returns the first line in which they differ; the last line of `right` is its hash.
std::optional<BadLine> first_difference(std::string_view file, std::string_view right) {
  const auto here = lines_of(file), there = lines_of(right);
  for (std::size_t i = 0; i < std::max(here.size(), there.size()); ++i) {
    if (i >= here.size()) return BadLine{i + 1, "the line is missing"};
    if (i >= there.size()) return BadLine{i + 1, "there is no such line in the book"};
    if (here[i] == there[i]) continue;
    if (i + 1 == there.size()) return BadLine{i + 1, "the hash differs from the hash of the lines before it"};
    return BadLine{i + 1, "it differs from the book"};
  }
  return std::nullopt;
}

Client::Outcome<std::optional<BadLine>> compare(Client& client, const std::string& file, base::Digest& hash) {
  using Out = std::optional<BadLine>;
  const auto lines = lines_of(file);
  const auto head = lines.empty() ? std::nullopt : read_report_head(lines.front());
  if (!head) return Out({1, "it is not the first line of a fund report"});
  const auto seen = fund_seen(client);
  if (!seen.ok()) return seen.error();
  std::optional<wallet::Posting> last;
  if (head->last > 0) {
    const auto there = posting_at(client, head->last);
    if (!there.ok()) return there.error();
    last = there.value();
    if (!last || last->sequence != head->last) return Out({1, "the book has no posting of that number"});
  }
  const auto right = report_of(client, seen.value().book, last, head->previous);
  if (!right.ok()) return right.error();
  hash = report_hash(right.value()).value_or(base::Digest{});
  return first_difference(file, right.value());
}

}  // namespace

Ending fund_report(const Invocation& invocation, Console& console) {
  const std::string path = invocation.text("-o").value_or("-");
  const bool to_output = FileTarget::is_standard_output(path);
  std::optional<base::Digest> previous;
  if (!to_output) {
    const auto before = content_of(path);
    if (!before.ok()) return before.error();
    if (before.value()) {
      previous = report_hash(*before.value());
      if (!previous)
        return Failure{{Code::conflict, path + " exists, and is not a complete fund report"},
                       "nothing was written",
                       "write another file with -o"};
    }
  }
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto seen = fund_seen(*client.value());
  if (!seen.ok()) return seen.error();
  const auto last = posting_at(*client.value(), 0);
  if (!last.ok()) return last.error();
  const auto text = report_of(*client.value(), seen.value().book, last.value(), previous);
  if (!text.ok()) return text.error();
  if (to_output) {
    console.out << text.value();
    return Exit::done;
  }
  auto target = FileTarget::open(path);
  if (!target.ok()) return target.error();
  FileTarget::WaitForRoom wait = [&client](int descriptor) -> base::Result<void, Failure> {
    const auto ready = client.value()->wait_for(descriptor, os::Waker::Want::writing);
    if (!ready.ok()) return ready.error();
    return {};
  };
  if (const auto written = target.value().write(base::as_bytes(text.value()), wait); !written.ok())
    return written.error();
  if (const auto done = target.value().commit(); !done.ok()) return done.error();
  if (!invocation.globals.json) return Exit::done;
  JsonLine<output::wire::FundReportWritten> line;
  line->setFile(path);
  line->setSha256(data(report_hash(text.value()).value_or(base::Digest{}).view()));
  line->setRows(lines_of(text.value()).size() - 3);  // without head, sums and hash
  line.print(console.out);
  return Exit::done;
}

Ending fund_verify(const Invocation& invocation, Console& console) {
  const std::string path = *invocation.text("FILE");
  const auto file = content_of(path);
  if (!file.ok()) return file.error();
  if (!file.value())
    return Failure{{Code::not_found, "there is no file " + path}, "nothing was verified", "troupe fund report -o FILE"};
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  base::Digest hash;
  const auto bad = compare(*client.value(), *file.value(), hash);
  if (!bad.ok()) return bad.error();
  const std::size_t lines = lines_of(*file.value()).size();
  if (invocation.globals.json) {
    JsonLine<output::wire::FundVerified> line;
    line->setFile(path);
    line->setLines(lines);
    line->setSha256(data(hash.view()));
    if (bad.value()) {
      line->initBad().setLine(bad.value()->line);
      line->getBad().setWhat(bad.value()->what);
    }
    line.print(console.out);
  } else if (!bad.value()) {
    console.out << path << ": " << lines << " lines match the book\n";
  }
  if (!bad.value()) return Exit::done;
  return Failure{{Code::corrupt,
                  "line " + std::to_string(bad.value()->line) + " of " + path + " is invalid: " + bad.value()->what},
                 std::to_string(bad.value()->line - 1) + " lines before it are valid",
                 "troupe fund report"};
}

}  // namespace troupe::apps
