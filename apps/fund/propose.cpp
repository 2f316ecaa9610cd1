// troupe fund propose | sign
#include <algorithm>

#include "actors/fund/api.hpp"
#include "apps/cli/json.hpp"
#include "apps/fund/fund.hpp"
#include "messages/codec.hpp"
#include "runtime/base/text.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps {
namespace {

using namespace funds;
using namespace wallets;
using base::Code;

constexpr const char* kProposeFundHelp = "troupe help fund propose";
constexpr wallet::UnixMs kProposedFor = std::chrono::hours(24 * 7);  // our choice
constexpr std::chrono::seconds kSignAnswer = 2 * kBookAnswer;        // the payment is posted first

/// The acting party: a wallet, or the operator of the book's node as the owner of the book.
struct Hand {
  wallet::Address address;
  std::optional<Signer> signer{};

  void write(wallet::wire::Approval::Builder out, base::ByteView bytes) const {
    if (signer) wallet::write(out, signer->approve(bytes));
  }
};

base::Result<Hand, Failure> hand_of(const Invocation& invocation, Console& console, const Seen& seen) {
  if (!invocation.has("--wallet") && seen.signers.has(seen.owner)) return Hand{seen.owner};
  auto signer = open_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  if (!seen.signers.has(signer.value().address()))
    return Failure{{Code::refused, "wallet " + signer.value().name + " is not a signer of the fund"},
                   "nothing was done",
                   "--wallet, with a signer's wallet"};
  const wallet::Address address = signer.value().address();
  return Hand{address, std::move(signer).value()};
}

/// Returns the nonce of a request of this account, so that a repeated request has one effect.
fund::Nonce mark_of(std::string_view what, const wallet::Address& by, const std::string& request) {
  const base::Digest hash = crypto::sha256(base::as_bytes(what), by.view(), base::as_bytes(request));
  return *fund::Nonce::from(hash.view().first(fund::Nonce::kBytes));
}

base::Result<fund::Signers, Failure> signers_typed(const Invocation& invocation) {
  std::vector<wallet::Address> list;
  const std::string typed = *invocation.text("--signers");
  for (std::size_t begin = 0; begin <= typed.size();) {
    const std::size_t end = std::min(typed.find(',', begin), typed.size());
    const auto one = address_typed(typed.substr(begin, end - begin), kProposeFundHelp);
    if (!one.ok()) return one.error();
    list.push_back(one.value());
    begin = end + 1;
  }
  const auto threshold = invocation.number("--threshold");
  if (!threshold) return usage_failure("--threshold must be given: the number of signatures needed", kProposeFundHelp);
  auto signers = fund::make_signers(*threshold, std::move(list));
  if (!signers)
    return usage_failure("a fund needs 1 to 16 signers, and a threshold of at most their number", kProposeFundHelp);
  return std::move(*signers);
}

base::Result<fund::Payment, Failure> payment_typed(const Invocation& invocation, Console& console) {
  if (!invocation.has("TO") || !invocation.has("AMOUNT"))
    return usage_failure("give the receiver and the amount, or --signers and --threshold", kProposeFundHelp);
  const auto to = account_typed(console, *invocation.text("TO"), kProposeFundHelp);
  if (!to.ok()) return to.error();
  const auto amount = amount_typed(*invocation.text("AMOUNT"), kProposeFundHelp);
  if (!amount.ok()) return amount.error();
  const std::string category = invocation.text("--category").value_or("");
  if (!fund::is_category(category))
    return usage_failure("--category needs 1 to 32 of a-z, 0-9 and '-'", kProposeFundHelp);
  return fund::Payment{to.value(), amount.value(), category};
}

/// Returns everything except the nonce.
base::Result<fund::Content, Failure> content_typed(const Invocation& invocation, Console& console) {
  fund::Content out;
  if (invocation.has("--signers")) {
    for (const char* other : {"TO", "--category"})
      if (invocation.has(other))
        return usage_failure("a proposal either pays or changes the signers: leave one out", kProposeFundHelp);
    auto signers = signers_typed(invocation);
    if (!signers.ok()) return signers.error();
    out.what = std::move(signers).value();
  } else if (invocation.has("--threshold")) {
    return usage_failure("--signers must name all future signers, including those who stay", kProposeFundHelp);
  } else {
    auto payment = payment_typed(invocation, console);
    if (!payment.ok()) return payment.error();
    out.what = std::move(payment).value();
  }
  out.reason = invocation.text("--reason").value_or("");
  if (out.reason.empty() || !fund::is_reason(out.reason))
    return usage_failure("--reason needs 1 to 256 bytes of text without control characters", kProposeFundHelp);
  out.expiry.value = kProposedFor;
  if (const auto typed = invocation.text("--expires")) {
    const auto time = time_typed(*typed, kProposeFundHelp);
    if (!time.ok()) return time.error();
    out.expiry = {time.value().is_date, time.value().value};
    if (!out.expiry.from(unix_now()) && !invocation.has("--request"))
      return usage_failure("a proposal must expire in 1 second to 366 days", kProposeFundHelp);
  }
  return out;
}

Ending print_proposal(const Invocation& invocation, Console& console, const fund::Proposal& proposal) {
  if (!invocation.globals.json) {
    console.out << proposal.id.hex() << '\n';
    return Exit::done;
  }
  JsonLine<output::wire::FundProposal> line;
  write_proposal(*line, proposal);
  line.print(console.out);
  return Exit::done;
}

}  // namespace

Ending fund_propose(const Invocation& invocation, Console& console) {
  const auto request = request_or_new(invocation);
  if (!request.ok()) return request.error();
  auto typed = content_typed(invocation, console);
  if (!typed.ok()) return typed.error();
  fund::Content content = std::move(typed).value();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto seen = fund_seen(*client.value());
  if (!seen.ok()) return seen.error();
  const auto hand = hand_of(invocation, console, seen.value());
  if (!hand.ok()) return hand.error();
  content.nonce = mark_of("troupe fund request v1", hand.value().address, request.value());
  auto answer = ask_book<fund::wire::Propose, fund::wire::ProposalIs>(
      *client.value(), fund::kPath, [&](fund::wire::Propose::Builder out) {
        out.setContent(data_of(encode(content)));
        hand.value().write(out.initBy(), propose_bytes(seen.value().book, content));
      });
  if (!answer.ok()) return answer.error();
  const auto proposal = read_proposal(seen.value().book, answer.value().root());
  if (!proposal.ok()) return proposal.error();
  if (proposal.value().content != content) return odd_answer("it is a different proposal");
  return print_proposal(invocation, console, proposal.value());
}

Ending fund_sign(const Invocation& invocation, Console& console) {
  const auto id = fund::ProposalId::from_hex(*invocation.text("ID"));
  if (!id) return usage_failure("invalid proposal id: expected 64 hexadecimal digits", "troupe fund ls");
  const auto request = request_or_new(invocation);
  if (!request.ok()) return request.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto seen = fund_seen(*client.value());
  if (!seen.ok()) return seen.error();
  const wallet::BookId book = seen.value().book;
  auto asked = ask_book<fund::wire::GetProposal, fund::wire::ProposalIs>(
      *client.value(), fund::kPath, [&](fund::wire::GetProposal::Builder out) { out.setId(data_of(id->view())); });
  if (!asked.ok()) return asked.error();
  const auto there = read_proposal(book, asked.value().root());
  if (!there.ok()) return there.error();
  if (there.value().id != *id) return odd_answer("it is a different proposal");
  console.err << "signs: " << what_text(there.value()) << "\nreason: " << base::printable(there.value().content.reason)
              << '\n';
  const auto hand = hand_of(invocation, console, seen.value());
  if (!hand.ok()) return hand.error();
  // The wallet has signed before: the proposal may have been paid since.
  const auto& signed_by = there.value().signed_by;
  const fund::State state = there.value().state;
  const bool signed_before = std::ranges::find(signed_by, hand.value().address) != signed_by.end();
  if (signed_before && state != fund::State::refused && state != fund::State::expired)
    return print_proposal(invocation, console, there.value());
  const fund::Nonce mark = mark_of("troupe fund sign request v1", hand.value().address, request.value());
  auto answer = ask_book<fund::wire::SignProposal, fund::wire::ProposalIs>(
      *client.value(), fund::kPath,
      [&](fund::wire::SignProposal::Builder out) {
        out.setId(data_of(id->view()));
        hand.value().write(out.initBy(), sign_bytes(book, there.value().content));
        out.setRequest(data_of(mark.view()));
      },
      kSignAnswer);
  if (!answer.ok()) {
    Failure failure = answer.error();
    const bool refusal = failure.error.code == Code::refused || failure.error.code == Code::conflict;
    if (refusal && failure.try_.empty()) failure.try_ = "troupe fund ls";
    return failure;
  }
  const auto proposal = read_proposal(book, answer.value().root());
  if (!proposal.ok()) return proposal.error();
  return print_proposal(invocation, console, proposal.value());
}

}  // namespace troupe::apps
