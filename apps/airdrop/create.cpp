// troupe airdrop create | run
#include "actors/airdrop/api.hpp"
#include "apps/airdrop/airdrop.hpp"
#include "apps/wallet/deposit.hpp"
#include "messages/codec.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps {
namespace {

using namespace airdrops;
using namespace wallets;
using base::Code;
namespace drop = airdrop::wire;

constexpr const char* kAirdropHelp = "troupe help airdrop create";
constexpr std::chrono::minutes kRunAnswer{30};  // our choice: older nodes respond only once all is paid

/// Signs with the next number of the account; signs again if another transfer has taken that number.
Client::Outcome<airdrop::Airdrop> founded(Client& client, const Signer& signer, const airdrop::Terms& terms,
                                          Account account) {
  const airdrop::AirdropId id = id_of(terms);
  const wallet::Approval by = signer.approve(encode(terms));
  const base::Instant end = client.now() + kPayPatience;
  while (true) {
    const auto deposit = sign_deposit(client, signer, account, {airdrop::account_of(id), terms.pool},
                                      "airdrop " + id.hex().substr(0, 16));
    if (!deposit.ok()) return deposit.error();
    auto answer =
        ask_book<drop::CreateAirdrop, drop::AirdropIs>(client, airdrop::kPath, [&](drop::CreateAirdrop::Builder out) {
          out.setTerms(data_of(encode(terms)));
          wallet::write(out.initBy(), by);
          deposit.value().write_to(out.initDeposit());
        });
    if (answer.ok()) {
      const auto seen = airdrop::read(answer.value().root());
      if (!seen || seen->terms != terms) return odd_answer("it is a different airdrop");
      return seen->airdrop;
    }
    if (answer.error().error.code != Code::conflict || client.now() >= end) return answer.error();
    auto now = account_at(client, terms.owner);
    if (!now.ok()) return now.error();
    if (now.value().done == account.done) return answer.error();  // the request has created another airdrop
    account = std::move(now).value();
  }
}

}  // namespace

Ending airdrop_create(const Invocation& invocation, Console& console) {
  auto promise = promise_in(*invocation.text("FILE"), kAirdropHelp);
  if (!promise.ok()) return promise.error();
  // An invalid list is reported before a wallet is opened.
  if (!promise.value().uptime)
    if (const auto typed = terms_of(promise.value(), kAirdropHelp); !typed.ok()) return typed.error();
  for (const std::string& note : promise.value().notes) console.err << "note: " << note << '\n';
  const auto request = request_or_new(invocation);
  if (!request.ok()) return request.error();
  const auto signer = open_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto account = account_at(*client.value(), signer.value().address());
  if (!account.ok()) return account.error();
  if (const auto listed = complete(promise.value(), *client.value(), Keep::yes); !listed.ok()) return listed.error();
  auto typed = terms_of(promise.value(), kAirdropHelp);
  if (!typed.ok()) return typed.error();
  airdrop::Terms terms = std::move(typed).value();
  terms.book = account.value().book;
  terms.owner = signer.value().address();
  const base::Digest mark =
      crypto::sha256(base::as_bytes("troupe airdrop request v1"), terms.owner.view(), base::as_bytes(request.value()));
  terms.nonce = *airdrop::Nonce::from(mark.view().first(airdrop::Nonce::kBytes));
  const airdrop::AirdropId id = id_of(terms);

  auto made = founded(*client.value(), signer.value(), terms, std::move(account).value());
  if (!made.ok()) return made.error();
  airdrop::Airdrop now = std::move(made).value();
  if (now.state == airdrop::State::returning || now.state == airdrop::State::returned)
    return Failure{.error = {Code::refused, "this request has created an airdrop whose pool was returned"},
                   .try_ = "use another --request"};
  const auto pages = airdrop::pages_of(promise.value().list);
  for (std::uint32_t number = now.pages; number < pages.size(); ++number) {
    auto step =
        ask_book<drop::AddPage, drop::AirdropStep>(*client.value(), airdrop::kPath, [&](drop::AddPage::Builder out) {
          out.setId(data_of(id.view()));
          out.setPage(number);
          out.setRows(data_of(encode(pages[number])));
        });
    if (!step.ok()) {
      Failure failure = step.error();
      failure.outcome = "the pool is paid in, and is returned after an hour unless the list is completed";
      failure.try_ = "the same command with --request " + request.value();
      return failure;
    }
    if (number + 1 < pages.size()) continue;
    now.state = airdrop::State::published;
    now.ends = wallet::UnixMs(step.value().root().getEnds());
  }
  print_summary(invocation, console, id, now);
  return Exit::done;
}

Ending airdrop_run(const Invocation& invocation, Console& console) {
  const auto id = id_typed(*invocation.text("ID"), "troupe airdrop ls");
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  for (bool paid = false; !paid;) {
    auto step = ask_book<drop::RunAirdrop, drop::AirdropStep>(
        *client.value(), airdrop::kPath, [&](drop::RunAirdrop::Builder out) { out.setId(data_of(id.value().view())); },
        kRunAnswer);
    if (!step.ok()) {
      Failure failure = step.error();
      if (failure.error.code == Code::refused && failure.try_.empty())
        failure.try_ = "troupe airdrop show " + id.value().hex();
      return failure;
    }
    paid = text_of(step.value().root().getState()) == name(airdrop::State::paid);
  }
  const auto seen = airdrop_seen(*client.value(), id.value());
  if (!seen.ok()) return seen.error();
  print_summary(invocation, console, id.value(), seen.value().airdrop);
  return Exit::done;
}

}  // namespace troupe::apps
