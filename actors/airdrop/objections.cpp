// Objections to recipients, and the owner's decisions.
#include "actors/airdrop/airdrop_actor.hpp"
#include "messages/codec.hpp"

namespace troupe::airdrop {
namespace {

using base::Code;
using base::Error;

// The reply if the rows were closed during the request: they are read again after a failed commit.
const Error kAirdropReadAgain{Code::unavailable, "the airdrop is being read again: try again"};

constexpr std::chrono::seconds kObjectorDue{20};  // our choice: for the ledger's answer about an account

/// Returns the account that signed the bytes.
base::Outcome<Address> signer(const wallet::Approval& approval, base::ByteView bytes) {
  const auto policy = wallet::Policy::of_key(approval.key);
  if (policy.approved(bytes, {&approval, 1})) return policy.address();
  return Error{Code::refused, "the signature does not match this content and key"};
}

}  // namespace

void AirdropActor::find_recipient(std::uint32_t index, const Address& recipient,
                                  base::Callback<void(const base::Outcome<Recipient>&)> then) {
  storage_.get(
      rows::numbered_key('p', setup_.id, index / kPageRows),
      [index, recipient, then = std::move(then)](const base::Outcome<std::optional<base::Bytes>>& row) mutable {
        if (!row.ok()) return then(row.error());
        const auto page = row.value() ? decode_page(*row.value()) : std::nullopt;
        if (!page || page->size() <= index % kPageRows || (*page)[index % kPageRows].to != recipient)
          return then(Error{Code::not_found, "the list has no such recipient"});
        then((*page)[index % kPageRows]);
      });
}

void AirdropActor::change_objected(std::uint32_t index, const Recipient& recipient,
                                   base::Callback<base::Result<void, AirdropError>(Airdrop&, Objected&)> change,
                                   ObjectedReply reply) {
  if (!open_) return reply.refuse(kAirdropReadAgain);
  const auto after = std::make_shared<Objected>(Objected{recipient, {}});
  row_.change(
      [this, index, after, change = std::move(change)](
          Airdrop& airdrop, durable::Storage::Commit& commit) mutable -> base::Outcome<void> {
        const auto there = objected_.find(index);
        if (there != objected_.end()) *after = there->second;
        if (const auto changed = change(airdrop, *after); !changed.ok()) return error_of(changed.error());
        if (there == objected_.end() || there->second != *after)
          commit.rows[rows::numbered_key('o', setup_.id, index)] = encode(*after);
        return {};
      },
      [this, index, after, reply = std::move(reply)](const base::Outcome<void>& done) mutable {
        if (!done.ok()) return reply.refuse(done.error());
        objected_[index] = *after;
        reply.send([&](wire::ObjectedRow::Builder out) {
          out.setIndex(index);
          out.setObjected(data_of(encode(*after)));
        });
      });
}

void AirdropActor::object(wire::Object::Reader ask, ObjectedReply reply) {
  const auto recipient = Address::from(bytes_of(ask.getRecipient()));
  const auto by = wallet::read(ask.getBy());
  std::string reason = text_of(ask.getReason());
  if (!recipient || !by || !is_reason(reason))
    return reply.refuse(
        {Code::malformed, "invalid objection: it needs an address, a reason of 1 to 256 bytes, and a signature"});
  const auto account = signer(*by, object_bytes(setup_.id, *recipient, reason));
  if (!account.ok()) return reply.refuse(account.error());
  Objection objection{account.value(), *by, UnixMs(0), std::move(reason)};
  when_there<wire::ObjectedRow>(std::move(reply), [this, index = ask.getIndex(), recipient = *recipient,
                                                   objection = std::move(objection)](ObjectedReply waiting) mutable {
    // An account without a first payment costs nothing, and could be made by the thousand.
    const Address objector = objection.by;
    this->ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
        node().find(wallet::kPath), now() + kObjectorDue,
        [&](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(objector.view())); },
        [this, index, recipient, objection = std::move(objection),
         reply = std::move(waiting)](runtime::Answer<wallet::wire::AccountIs> answer) mutable {
          if (!answer.ok()) return reply.refuse(answer.error());
          if (answer.value().getAccount().getSince() == 0)
            return reply.refuse({Code::refused, "this account cannot object, because it never received money"});
          find_recipient(index, recipient,
                         [this, index, objection = std::move(objection),
                          reply = std::move(reply)](const base::Outcome<Recipient>& found) mutable {
                           if (!found.ok()) return reply.refuse(found.error());
                           at_time([this, index, found = found.value(), objection = std::move(objection),
                                    reply = std::move(reply)](const base::Outcome<Times>& times) mutable {
                             if (!times.ok()) return reply.refuse(times.error());
                             if (!open_) return reply.refuse(kAirdropReadAgain);
                             objection.time = times.value().now;
                             change_objected(
                                 index, found,
                                 [this, objection = std::move(objection), until = ends(times.value())](
                                     Airdrop& airdrop, Objected& objected) {
                                   return airdrop::object(airdrop, objected_, objected, objection, until);
                                 },
                                 std::move(reply));
                           });
                         });
        });
  });
}

void AirdropActor::decide(wire::Decide::Reader ask, ObjectedReply reply) {
  const auto recipient = Address::from(bytes_of(ask.getRecipient()));
  const auto by = wallet::read(ask.getBy());
  if (!recipient || !by)
    return reply.refuse({Code::malformed, "invalid decision: it needs an address and a signature"});
  const bool strike = ask.getStrike();
  const auto account = signer(*by, decide_bytes(setup_.id, *recipient, strike));
  if (!account.ok()) return reply.refuse(account.error());
  when_there<wire::ObjectedRow>(std::move(reply), [this, index = ask.getIndex(), recipient = *recipient, strike,
                                                   by = *by, account = account.value()](ObjectedReply waiting) mutable {
    if (account != founding_->terms.owner) return waiting.refuse({Code::refused, "only the owner of the pool decides"});
    find_recipient(
        index, recipient,
        [this, index, strike, by, reply = std::move(waiting)](const base::Outcome<Recipient>& found) mutable {
          if (!found.ok()) return reply.refuse(found.error());
          at_time([this, index, found = found.value(), strike, by,
                   reply = std::move(reply)](const base::Outcome<Times>& times) mutable {
            if (!times.ok()) return reply.refuse(times.error());
            if (!open_) return reply.refuse(kAirdropReadAgain);
            const Verdict verdict{strike, by, times.value().now};
            change_objected(
                index, found,
                [verdict, until = ends(times.value())](Airdrop& airdrop, Objected& objected) {
                  return airdrop::decide(airdrop, objected, verdict, until);
                },
                std::move(reply));
          });
        });
  });
}

void AirdropActor::objections(std::uint32_t from, runtime::Reply<wire::Objections>& reply) const {
  reply.send([&](wire::Objections::Builder out) {
    const auto first = objected_.lower_bound(from);
    auto end = first;
    unsigned count = 0;
    for (; end != objected_.end() && count < kObjectedRows; ++end) ++count;
    auto list = out.initRows(count);
    unsigned i = 0;
    for (auto at = first; at != end; ++at) {
      list[i].setIndex(at->first);
      list[i++].setObjected(data_of(encode(at->second)));
    }
    out.setMore(end != objected_.end());
  });
}

}  // namespace troupe::airdrop
