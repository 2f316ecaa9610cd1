// troupe escrow create
#include <algorithm>

#include "apps/cli/json.hpp"
#include "apps/escrow/escrow.hpp"
#include "messages/codec.hpp"
#include "messages/output/escrow.capnp.h"
#include "runtime/config/forms.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps {
namespace {

using namespace escrows;
using namespace wallets;
using base::Code;
using wallet::Amount;

constexpr const char* kCreateEscrowHelp = "troupe help escrow create";
constexpr std::uint64_t kBondPercent = 15;

/// --bond: a percentage of the price, "15%", rounded down, or an amount, which may be 0.
base::Result<Amount, Failure> bond_typed(const Invocation& invocation, Amount price) {
  const std::string typed = invocation.text("--bond").value_or(std::to_string(kBondPercent) + '%');
  if (typed == "0") return Amount();
  if (!typed.ends_with('%')) return amount_typed(typed, kCreateEscrowHelp);
  const auto percent = config::parse_count(typed.substr(0, typed.size() - 1));
  if (!percent || *percent > 100)
    return usage_failure("invalid bond: expected 0% to 100% of the price, or an amount", kCreateEscrowHelp);
  return *share(price, *percent, 100);
}

base::Result<std::vector<Amount>, Failure> milestones_typed(const Invocation& invocation) {
  std::vector<Amount> out;
  const auto typed = invocation.text("--milestones");
  for (std::size_t begin = 0; typed && begin <= typed->size();) {
    const std::size_t end = std::min(typed->find(',', begin), typed->size());
    const auto amount = amount_typed(typed->substr(begin, end - begin), kCreateEscrowHelp);
    if (!amount.ok()) return amount.error();
    out.push_back(amount.value());
    if (out.size() > escrow::kMilestonesMax)
      return usage_failure("an agreement has at most 16 milestones", kCreateEscrowHelp);
    begin = end + 1;
  }
  return out;
}

base::Result<std::optional<escrow::Due>, Failure> due_typed(const Invocation& invocation, const char* option) {
  using Out = std::optional<escrow::Due>;
  const auto typed = invocation.text(option);
  if (!typed) return Out();
  const auto time = time_typed(*typed, kCreateEscrowHelp);
  if (!time.ok()) return time.error();
  return Out({time.value().is_date ? escrow::Due::Kind::at : escrow::Due::Kind::after, time.value().value});
}

/// Returns a random nonce, or one derived from the buyer's request, so that a repetition makes the same agreement.
std::array<std::uint8_t, 16> nonce_of(const wallet::Address& buyer, const std::string& request) {
  std::array<std::uint8_t, 16> out{};
  const base::Digest hash =
      crypto::sha256(base::as_bytes("troupe escrow request v1"), buyer.view(), base::as_bytes(request));
  std::copy_n(hash.bytes.begin(), out.size(), out.begin());
  return out;
}

/// Returns the agreement from the options; the parties and the book's terms are added later.
base::Result<escrow::Agreement, Failure> agreement_typed(const Invocation& invocation) {
  escrow::Agreement out;
  for (const char* option : {"--to", "--amount"})
    if (!invocation.has(option)) return usage_failure(std::string(option) + " is missing", kCreateEscrowHelp);
  const auto provider = address_typed(*invocation.text("--to"), kCreateEscrowHelp);
  if (!provider.ok()) return provider.error();
  out.provider = provider.value();
  const auto price = amount_typed(*invocation.text("--amount"), kCreateEscrowHelp);
  if (!price.ok()) return price.error();
  out.price = price.value();
  const auto bond = bond_typed(invocation, out.price);
  if (!bond.ok()) return bond.error();
  out.bond = bond.value();
  auto milestones = milestones_typed(invocation);
  if (!milestones.ok()) return milestones.error();
  out.milestones = std::move(milestones).value();
  if (const auto typed = invocation.text("--cid")) {
    out.cid = escrow::Cid::from_hex(*typed);
    if (!out.cid) return usage_failure("invalid content id: expected 64 hexadecimal digits", kCreateEscrowHelp);
  }
  return out;
}

/// Returns the times from the options, otherwise the defaults of the book's node.
base::Result<escrow::Terms, Failure> times_typed(const Invocation& invocation, escrow::Terms terms) {
  for (const auto& [option, due] :
       {std::pair("--start", &escrow::Terms::start), std::pair("--deliver", &escrow::Terms::deliver),
        std::pair("--review", &escrow::Terms::review)}) {
    const auto typed = due_typed(invocation, option);
    if (!typed.ok()) return typed.error();
    if (typed.value()) terms.*due = *typed.value();
  }
  return terms;
}

/// Returns the escrow of this buyer with the same nonce.
Client::Outcome<std::optional<escrow::EscrowId>> of_request(Client& client, const escrow::Agreement& agreement) {
  using escrow::wire::ListEscrows, escrow::wire::Escrows;
  using Found = std::optional<escrow::EscrowId>;
  base::Bytes from;
  do {
    auto page = ask_book<ListEscrows, Escrows>(client, escrow::kPath, [&](ListEscrows::Builder out) {
      out.setAccount(data_of(agreement.buyer.view()));
      out.setFrom(data_of(from));
    });
    if (!page.ok()) return page.error();
    for (const auto row : page.value().root().getRows()) {
      const auto id = escrow::EscrowId::from(bytes_of(row.getEscrow()));
      if (!id) return odd_answer("it lists an entry that is not an escrow");
      auto log = fetch(client, *id);
      if (!log.ok()) return log.error();
      const auto other = escrow::decode_agreement(log.value().agreement);
      if (other && other->buyer == agreement.buyer && other->nonce == agreement.nonce) return Found(*id);
    }
    const auto next = bytes_of(page.value().root().getNext());
    if (!next.empty() && !std::ranges::lexicographical_compare(from, next))
      return odd_answer("its pages do not continue");
    from.assign(next.begin(), next.end());
  } while (!from.empty());
  return Found();
}

Ending print_made(const Invocation& invocation, Console& console, const escrow::EscrowId& id, std::string_view state) {
  if (!invocation.globals.json) {
    console.out << id.hex() << '\n';
    return Exit::done;
  }
  JsonLine<output::wire::EscrowMade> line;
  line->setEscrow(data(id.view()));
  line->setState(std::string(state));
  line.print(console.out);
  return Exit::done;
}

}  // namespace

Ending escrow_create(const Invocation& invocation, Console& console) {
  auto typed = agreement_typed(invocation);
  if (!typed.ok()) return typed.error();
  escrow::Agreement agreement = std::move(typed).value();
  if (const auto times = times_typed(invocation, {}); !times.ok()) return times.error();
  const auto request = request_or_new(invocation);
  if (!request.ok()) return request.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto book = terms_of(*client.value());
  if (!book.ok()) return book.error();
  const auto terms = times_typed(invocation, book.value().terms);
  if (!terms.ok()) return terms.error();
  const auto signer = open_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  agreement.book = book.value().book;
  agreement.fund = book.value().fund;
  agreement.terms = terms.value();
  agreement.buyer = signer.value().address();
  agreement.nonce = nonce_of(agreement.buyer, request.value());
  if (const auto checked = check(agreement, book.value().now); !checked.ok())
    return usage_failure(explained(checked.error()), kCreateEscrowHelp);
  const escrow::EscrowId id = id_of(agreement);
  if (invocation.has("--request")) {
    const auto there = of_request(*client.value(), agreement);
    if (!there.ok()) return there.error();
    if (there.value() && *there.value() != id)
      return Failure{{Code::conflict,
                      "this request has already created escrow " + there.value()->hex() + ", with different content"},
                     "nothing was changed",
                     "troupe escrow show " + there.value()->hex()};
  }
  const escrow::Act sign{id, agreement.buyer, 1, escrow::Sign{commitment_of(reveal_of(signer.value().key, id))}};
  const base::Bytes bytes = encode(sign);
  const wallet::Approval approval = signer.value().approve(bytes);
  using escrow::wire::OpenEscrow, escrow::wire::EscrowIs;
  auto opened = ask_book<OpenEscrow, EscrowIs>(*client.value(), escrow::kPath, [&](OpenEscrow::Builder out) {
    out.setAgreement(data_of(encode(agreement)));
    escrow::write(out.initSign(), bytes, signer.value().policy, {&approval, 1});
  });
  if (!opened.ok()) return opened.error();
  // It exists. A repetition may find it in a later state; if the state cannot be read now, it was at least proposed.
  std::string_view state = name(escrow::Stage::proposed);
  if (const auto log = fetch(*client.value(), id); log.ok()) {
    if (const auto made = replay(id, log.value()); made.ok()) {
      state = name(made.value().escrow().stage);
      if (!invocation.globals.json) console.err << sentence(made.value().escrow()) << '\n';
    }
  }
  return print_made(invocation, console, id, state);
}

namespace escrows {

Client::Outcome<BookTerms> terms_of(Client& client) {
  using escrow::wire::GetTerms, escrow::wire::TermsAre;
  auto answer = ask_book<GetTerms, TermsAre>(client, escrow::kPath, [](GetTerms::Builder) {});
  if (!answer.ok()) return answer.error();
  const auto are = answer.value().root();
  const auto book = wallet::BookId::from(bytes_of(are.getBook()));
  const auto fund = escrow::Address::from(bytes_of(are.getFund()));
  if (!book || !fund) return odd_answer("a book id or an address is not 32 bytes long");
  using escrow::UnixMs;
  const auto after = [](std::uint64_t ms) { return escrow::Due{escrow::Due::Kind::after, UnixMs(ms)}; };
  return BookTerms{
      *book,
      *fund,
      {UnixMs(are.getSignBy()), UnixMs(are.getFundBy()), after(are.getStart()), after(are.getDeliver()),
       after(are.getReview()), UnixMs(are.getMediation()), UnixMs(are.getArbiterTerm()), UnixMs(are.getGrace())},
      UnixMs(are.getNow())};
}

const char* explained(escrow::AgreementError error) {
  switch (error) {
    case escrow::AgreementError::parties:
      return "the buyer, the provider and the fund must be three different accounts";
    case escrow::AgreementError::amount: return "price and bonds together must be less than 2^63";
    case escrow::AgreementError::milestones:
      return "an escrow has at most 16 milestones, and their sum must be the price";
    case escrow::AgreementError::times: break;
  }
  return "a time of an escrow must be 1 s to 10 years, and a date must be in the future";
}

}  // namespace escrows
}  // namespace troupe::apps
