// What a node reports about an airdrop, and what can be proved of it.
#include "actors/airdrop/api.hpp"
#include "apps/airdrop/airdrop.hpp"
#include "apps/cli/json.hpp"
#include "messages/codec.hpp"

namespace troupe::apps::airdrops {

using namespace wallets;
namespace drop = airdrop::wire;

namespace {

bool signed_by(const wallet::Address& who, const wallet::Approval& approval, base::ByteView bytes) {
  const auto policy = wallet::Policy::of_key(approval.key);
  return policy.address() == who && policy.approved(bytes, {&approval, 1});
}

}  // namespace

base::Result<airdrop::AirdropId, Failure> id_typed(const std::string& typed, const std::string& help) {
  if (const auto id = airdrop::AirdropId::from_hex(typed)) return *id;
  return usage_failure("invalid airdrop id: expected 64 hexadecimal digits", help);
}

Client::Outcome<airdrop::Seen> airdrop_seen(Client& client, const airdrop::AirdropId& id) {
  auto answer = ask_book<drop::GetAirdrop, drop::AirdropIs>(
      client, airdrop::kPath, [&](drop::GetAirdrop::Builder out) { out.setId(data_of(id.view())); });
  if (!answer.ok()) return answer.error();
  auto seen = airdrop::read(answer.value().root());
  if (!seen) return odd_answer("it is not an airdrop");
  if (id_of(seen->terms) != id) return odd_answer("it is a different airdrop");
  if (!signed_by(seen->terms.owner, seen->by, encode(seen->terms)))
    return odd_answer("its owner has not signed these terms");
  return std::move(*seen);
}

Client::Outcome<airdrop::AllObjected> objected_seen(Client& client, const airdrop::AirdropId& id,
                                                    const airdrop::Terms& terms) {
  airdrop::AllObjected out;
  for (bool more = true; more;) {
    const std::uint32_t from = out.empty() ? 0 : out.rbegin()->first + 1;
    auto page =
        ask_book<drop::GetObjections, drop::Objections>(client, airdrop::kPath, [&](drop::GetObjections::Builder ask) {
          ask.setId(data_of(id.view()));
          ask.setFrom(from);
        });
    if (!page.ok()) return page.error();
    more = page.value().root().getMore();
    if (more && page.value().root().getRows().size() == 0) return odd_answer("its pages do not continue");
    for (const auto row : page.value().root().getRows()) {
      auto one = airdrop::decode_objected(bytes_of(row.getObjected()));
      if (!one || row.getIndex() < from || row.getIndex() >= terms.recipients)
        return odd_answer("it lists an entry that is not an objection");
      for (const airdrop::Objection& objection : one->objections)
        if (!signed_by(objection.by, objection.approval, object_bytes(id, one->recipient.to, objection.reason)))
          return odd_answer("an objection is not signed by its account");
      if (one->verdict &&
          !signed_by(terms.owner, one->verdict->approval, decide_bytes(id, one->recipient.to, one->verdict->strike)))
        return odd_answer("the owner has not signed a reported decision");
      out[row.getIndex()] = std::move(*one);
    }
  }
  return out;
}

Client::Outcome<airdrop::Page> page_seen(Client& client, const airdrop::AirdropId& id, const airdrop::Terms& terms,
                                         std::uint32_t number) {
  auto answer = ask_book<drop::GetPage, drop::PageIs>(client, airdrop::kPath, [&](drop::GetPage::Builder out) {
    out.setId(data_of(id.view()));
    out.setPage(number);
  });
  if (!answer.ok()) return answer.error();
  const auto bytes = bytes_of(answer.value().root().getRows());
  auto page = airdrop::decode_page(bytes);
  if (!page || airdrop::hash_of_page(bytes) != terms.pages[number])
    return odd_answer("a page of the list differs from the page that the owner has signed");
  return std::move(*page);
}

Client::Outcome<void> walk_shares(Client& client, const airdrop::AirdropId& id, const airdrop::Seen& seen,
                                  const airdrop::AllObjected& objected, const std::function<bool(const Share&)>& each) {
  std::uint64_t weights = seen.terms.weights;
  for (const auto& [index, one] : objected)
    if (one.struck()) weights -= std::min(weights, one.recipient.weight);
  airdrop::Shares shares(seen.terms.pool, weights);
  Share share;
  wallet::Address last;
  for (std::uint32_t number = 0; number < seen.airdrop.pages; ++number) {
    const auto page = page_seen(client, id, seen.terms, number);
    if (!page.ok()) return page.error();
    for (const airdrop::Recipient& one : page.value()) {
      if (share.index > 0 && one.to <= last) return odd_answer("its list is not in order");
      last = one.to;
      const auto there = objected.find(share.index);
      share.objected = there == objected.end() ? nullptr : &there->second;
      if (share.objected != nullptr && share.objected->recipient != one)
        return odd_answer("an objection names a recipient that differs from the list");
      const bool struck = share.objected != nullptr && share.objected->struck();
      if (!struck && shares.begin() + one.weight > weights)
        return odd_answer("its weights differ from the weights of the terms");
      share.recipient = one;
      share.amount = struck ? wallet::Amount() : shares.next(one.weight);
      if (!each(share)) return {};
      ++share.index;
    }
  }
  return {};
}

std::string state_of(const airdrop::Airdrop& airdrop, const Share& share) {
  if (airdrop.state == airdrop::State::returned) return "returned";
  if (share.objected != nullptr && share.objected->struck()) return "struck";
  if (share.amount == wallet::Amount()) return "none";
  if (share.index < airdrop.cursor.index) return "paid";
  return share.objected != nullptr && !share.objected->verdict && airdrop.state == airdrop::State::published
             ? "objected"
             : "waiting";
}

void write_recipient(output::wire::AirdropRecipient::Builder out, const Share& share, const std::string& state) {
  const std::string address = text(share.recipient.to);
  out.setNode(address);
  out.setTo(address);
  out.setAmount(share.amount.text());
  out.setState(state);
  auto evidence = out.initEvidence();
  evidence.setKind("list");
  evidence.setWeight(share.recipient.weight);
  if (share.objected == nullptr) return;
  auto objections = out.initObjections(size32(share.objected->objections));
  for (unsigned i = 0; i < objections.size(); ++i) {
    const airdrop::Objection& one = share.objected->objections[i];
    objections[i].setBy(text(one.by));
    objections[i].setReason(one.reason);
    objections[i].setTime(one.time.count());
  }
  if (share.objected->verdict) out.setDecided(share.objected->verdict->strike ? "strike" : "keep");
}

void print_summary(const Invocation& invocation, Console& console, const airdrop::AirdropId& id,
                   const airdrop::Airdrop& airdrop) {
  if (!invocation.globals.json) {
    console.out << id.hex() << '\n';
    return;
  }
  JsonLine<output::wire::AirdropSummary> line;
  line->setAirdrop(data(id.view()));
  line->setState(std::string(name(airdrop.state)));
  line->setPool(airdrop.pool.text());
  line->setPaid(airdrop.cursor.paid.text());
  line->setRecipients(airdrop.recipients);
  line->setOwner(text(airdrop.owner));
  if (airdrop.state != airdrop::State::filling) line->getObjectionsUntil().setValue(airdrop.ends.count());
  line.print(console.out);
}

}  // namespace troupe::apps::airdrops
