// troupe fund …: the table of its commands.
#include "apps/fund/fund.hpp"

namespace troupe::apps {
namespace {

using wallets::passphrase_option;
using wallets::request_option;
using wallets::wallet_option;

constexpr const char* kFundShowNotes = R"(
what it is
  money that m of n signers decide on; the account has no key, and is derived from the id of the book
  fund.signers and fund.threshold are read once, when the fund is created; without them the book's owner decides
)";

constexpr const char* kFundProposeNotes = R"(
what it does
  proposes a payment, and prints the id of the proposal; this is not a signature yet: each signer gives `sign ID`
  with --signers and --threshold it proposes the future signers, by the same rule
who may
  a signer, with its wallet; if the owner of the book is a signer, an operator at the local socket of the book's node,
  or of a member of its group, without a wallet
exits
  5 if the wallet does not belong to a signer, 64 proposals are open, or --request has proposed something else
)";

constexpr const char* kFundSignNotes = R"(
what it does
  shows the proposal on standard error and signs it; the last required signature pays, and the command ends once the
  book has posted the payment
exits
  5 if enough have signed, it has expired, the daily cap would be exceeded (it stays open then), or the fund has too
  little (the proposal has ended then, and must be made again)
)";

constexpr const char* kFundReportNotes = R"(
what it prints
  JSON lines: the book, each credit and debit of the fund with its proposal and category, the sums, and finally the
  SHA-256 of all lines before
  an existing report at -o is replaced, and the new report contains its hash
)";

constexpr const char* kFundVerifyNotes = R"(
what it does
  recomputes the report from the book, up to the posting that FILE names, and compares each line
exits
  1 if a line differs, with its number; 7 if the book does not respond
)";

}  // namespace

Commands fund_commands() {
  return {
      {.name = "fund show",
       .summary = "Show the fund of the book: its balance, signers, proposals and spending",
       .needs = Needs::view,
       .notes = kFundShowNotes,
       .route = Route{.prints = {"Fund"}},
       .run = fund_show},
      {.name = "fund propose",
       .summary = "Propose a payment of the fund, or new signers",
       .options = {{.name = "--category", .value = "C", .help = "category of the payment: 1 to 32 of a-z, 0-9 and '-'"},
                   {.name = "--reason", .value = "T", .help = "public reason of at most 256 bytes of text"},
                   {.name = "--expires",
                    .value = "T",
                    .help = "time after which it can no longer be signed (default 7d)"},
                   {.name = "--signers", .value = "A,B", .help = "addresses of all future signers"},
                   number_option("--threshold", "M", "number of signatures needed", 1, wallet::kSignersMax),
                   wallet_option(),
                   passphrase_option(),
                   request_option()},
       .positionals = {{.name = "TO", .help = "address to pay", .arity = Arity::maybe},
                       {.name = "AMOUNT", .help = "whole number of the smallest unit", .arity = Arity::maybe}},
       .form = "(TO AMOUNT --category C --reason T | --signers A,B --threshold M --reason T)",
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kFundProposeNotes,
       .run = fund_propose},
      {.name = "fund sign",
       .summary = "Sign a proposal of the fund, after showing it",
       .options = {wallet_option(), passphrase_option(), request_option()},
       .positionals = {{.name = "ID", .help = "id that `propose` printed: 64 hexadecimal digits"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kFundSignNotes,
       .run = fund_sign},
      {.name = "fund ls",
       .summary = "List the proposals of the fund, latest first",
       .needs = Needs::view,
       .route = Route{.prints = {"List(FundProposal)"}},
       .run = fund_list},
      {.name = "fund report",
       .summary = "Write all credits and debits of the fund, with a hash",
       .options = {{.name = "-o",
                    .value = "FILE",
                    .help = "file to write instead of standard output",
                    .alias = "--output",
                    .field = Field::output}},
       .needs = Needs::view,
       .notes = kFundReportNotes,
       .route = Route{.output = Output::lines,
                      .prints = {"FundReportHead", "FundReportRow", "FundReportSums", "FundReportEnd"}},
       .run = fund_report},
      {.name = "fund verify",
       .summary = "Compare a report with the book",
       .positionals = {{.name = "FILE", .help = "report that `fund report` wrote"}},
       .needs = Needs::view,
       .notes = kFundVerifyNotes,
       .run = fund_verify},
  };
}

}  // namespace troupe::apps
