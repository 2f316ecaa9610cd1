#include "actors/fund/logic/fund.hpp"
#include "apps/fund/report_text.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::apps::funds;
using wallet::Address;
using wallet::Amount;

namespace {

Address party(std::uint8_t number) {
  Address out;
  out.bytes.fill(number);
  return out;
}

wallet::Posting posting(std::uint64_t sequence, const Address& from, const Address& to, std::uint64_t amount,
                        std::string memo = {}) {
  return {.sequence = sequence,
          .time = wallet::UnixMs(1'000 * sequence),
          .transfer = {wallet::BookId{}, from, {1}, {{to, Amount::of(amount)}}, std::move(memo)}};
}

const Address kAccount = fund::account_of(wallet::BookId{});
const std::string kPurpose = "food " + std::string(64, 'a');

std::string report(const std::vector<wallet::Posting>& postings, std::optional<base::Digest> previous = {}) {
  const ReportSpan span{.last = 9, .until = wallet::UnixMs(9'000), .previous = previous};
  const auto text = report_text(span, postings);
  REQUIRE(text);
  return *text;
}

}  // namespace

TEST_CASE("fund report: it has each credit and debit, what they are for, and sums that follow from them") {
  const std::string text = report({posting(2, party(1), kAccount, 50), posting(5, kAccount, party(2), 20, kPurpose)});
  const auto lines = lines_of(text);
  REQUIRE(lines.size() == 5);
  CHECK(test::contains(lines[1], "\"way\":\"credit\""));
  CHECK(test::contains(lines[2], "\"category\":\"food\",\"proposal\":\"" + std::string(64, 'a') + '"'));
  CHECK(test::contains(lines[3], R"("credits":"50","debits":"20","balance":"30")"));
  CHECK(report_hash(text));
  // More than it had: that is no book.
  CHECK_FALSE(report_text({}, {posting(1, kAccount, party(2), 20, kPurpose)}));
}

TEST_CASE("fund report: its hash is that of its lines, and a report is read back by its first line") {
  const base::Digest before{party(3).bytes};
  const std::string text = report({posting(2, party(1), kAccount, 50)}, before);
  const auto head = read_report_head(lines_of(text).front());
  REQUIRE(head);
  CHECK(head->last == 9);
  CHECK(head->previous == before);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    CHECK_FALSE(report_hash(changed));
    CHECK_FALSE(report_hash(std::string_view(text).substr(0, i)));
  }
}

TEST_CASE("fund report: a first line that is none is not read") {
  for (const char* bad :
       {"", "{", "[]", "{\"report\":2,\"last\":1,\"previous\":null}", "{\"report\":1,\"last\":-1,\"previous\":null}",
        "{\"report\":1,\"last\":1.5,\"previous\":null}",
        "{\"report\":1,\"last\":18446744073709551615,\"previous\":null}",
        "{\"report\":1,\"last\":1,\"previous\":\"12\"}", "{\"report\":1,\"previous\":null}",
        "{\"report\":1,\"last\":1}"})
    CHECK_FALSE(read_report_head(bad));
  CHECK(read_report_head("{\"report\":1,\"last\":0,\"previous\":null}"));
}
