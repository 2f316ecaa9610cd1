#include "actors/airdrop/list_actor.hpp"

#include <algorithm>

#include "actors/airdrop/rows.hpp"
#include "messages/codec.hpp"
#include "runtime/actor/user.hpp"

namespace troupe::airdrop {
namespace {

using base::Bytes;
using base::Code;

constexpr std::chrono::minutes kLookEvery{1};         // our choice
constexpr std::chrono::milliseconds kOpenAgain{500};  // our choice

}  // namespace

ListActor::ListActor(Setup setup)
    : setup_(std::move(setup)),
      storage_(*this, setup_.place, rows::kKeyspace, setup_.term),
      airdrops_(
          *this, kAwakeMax,
          {.begin =
               [this](const std::string& name) {
                 const AirdropActor::Setup one{setup_.settings, setup_.place, setup_.term, *AirdropId::from_hex(name)};
                 const runtime::Handle actor = spawn<AirdropActor>(name, one);
                 watch(actor);
                 return actor;
               },
           .end = [this](const runtime::Handle& actor) { stop_child(actor); },
           .may_end = [this](const std::string& name) { return !unfinished_.has(*AirdropId::from_hex(name)); }}) {}

void ListActor::receive(runtime::Handlers& on) {
  on.tell<wire::Unfinished>([this](wire::Unfinished::Reader told) {
    const auto id = AirdropId::from(bytes_of(told.getId()));
    const auto owner = Address::from(bytes_of(told.getOwner()));
    if (!id) return;
    if (!told.getOver() && owner) unfinished_.hold(*id, {.id = *owner});
    if (!told.getOver()) return;
    airdrops_.sleepy(id->hex());
    // It may have new requests: an airdrop without rows is being created.
    if (!airdrops_.ends(id->hex())) return;
    unfinished_.release(*id);
    std::erase_if(claimed_, [&](const auto& one) { return one.second == *id; });
  });
  on.timer<Again>([this] { take(); });
  on.timer<Look>([this] {
    // Starts actors that could not be started before.
    for (const auto& [id, owner] : unfinished_.holders()) wake(id);
    after<Look>(kLookEvery);
  });
  on.other([this](const runtime::Envelope& question, runtime::AnyReply reply) {
    if (open_) return serve({question, std::move(reply), caller()});
    if (early_.size() >= kEarlyMax) return reply.refuse({Code::overloaded, "the airdrops are being read: try again"});
    early_.push_back({question, std::move(reply), caller()});
  });
  on.describe<wire::AirdropListState>([this](wire::AirdropListState::Builder state) {
    state.setAwake(static_cast<std::uint32_t>(airdrops_.awake()));
    state.setUnfinished(static_cast<std::uint32_t>(unfinished_.size()));
  });
}

/// Restarts an unfinished airdrop, whatever ended its actor.
void ListActor::down(const runtime::Handle& ended, const std::optional<base::Error>&) {
  const auto name = airdrops_.down(ended);
  const auto id = name ? AirdropId::from_hex(*name) : std::nullopt;
  if (id && unfinished_.has(*id)) wake(*id);
}

// -- opening

void ListActor::take() {
  storage_.take([this](const base::Outcome<void>& taken) {
    if (!taken.ok()) return after<Again>(kOpenAgain);
    unfinished_ = base::SharePlaces<AirdropId, Address>(setup_.settings.unfinished_max);
    claimed_.clear();
    find_unfinished();
  });
}

void ListActor::find_unfinished() {
  storage_.each(
      rows::prefix('u'), {},
      [this](const durable::Storage::Row& row) -> std::optional<base::Error> {
        const auto id = AirdropId::from(base::ByteView(row.key).subspan(1));
        const auto owner = Address::from(row.value);
        if (id && owner) unfinished_.hold(*id, {.id = *owner});
        return std::nullopt;
      },
      [this](const base::Outcome<void>& done) {
        if (!done.ok()) return after<Again>(kOpenAgain);
        opened();
      });
}

void ListActor::opened() {
  open_ = true;
  after<Look>(kLookEvery);
  for (const auto& [id, owner] : unfinished_.holders()) wake(id);
  for (Question& one : std::exchange(early_, {})) serve(std::move(one));
}

void ListActor::wake(const AirdropId& id) {
  airdrops_.ask(id.hex(), {runtime::Envelope::build<wire::GetAirdrop>(
                               {}, [&](wire::GetAirdrop::Builder out) { out.setId(data_of(id.view())); }),
                           {}});
}

// -- requests

template <class Q>
bool ListActor::pass(const runtime::Envelope& question, runtime::AnyReply& reply) {
  if (question.kind() != &messages::kind_of<Q>()) return false;
  runtime::Envelope::Reading<Q> reading(question);
  const auto id = AirdropId::from(bytes_of(reading.root().getId()));
  if (!id) reply.refuse({Code::malformed, "invalid airdrop id: expected 32 bytes"});
  else airdrops_.ask(id->hex(), {question, std::move(reply)});
  return true;
}

void ListActor::serve(Question asked) {
  const runtime::Envelope& question = asked.envelope;
  runtime::AnyReply& reply = asked.reply;
  try {
    if (pass<wire::GetAirdrop>(question, reply) || pass<wire::GetPage>(question, reply) ||
        pass<wire::AddPage>(question, reply) || pass<wire::GetObjections>(question, reply) ||
        pass<wire::Object>(question, reply) || pass<wire::Decide>(question, reply) ||
        pass<wire::RunAirdrop>(question, reply))
      return;
    // Confirms it only: the answer to its deposit tells an airdrop all. On a chain any other payment stays on the
    // account.
    if (question.kind() == &messages::kind_of<wallet::wire::Credited>())
      return runtime::Reply<messages::wire::Nothing>(std::move(reply)).done();
    if (question.kind() == &messages::kind_of<wire::CreateAirdrop>()) return create(std::move(asked));
    if (question.kind() == &messages::kind_of<wire::ListAirdrops>()) {
      runtime::Envelope::Reading<wire::ListAirdrops> reading(question);
      const auto from = AirdropId::from(bytes_of(reading.root().getFrom()));
      if (!from && reading.root().getFrom().size() > 0)
        return reply.refuse({Code::malformed, "invalid airdrop id: expected 32 bytes"});
      return list(from, runtime::Reply<wire::Airdrops>(std::move(reply)));
    }
  } catch (const kj::Exception&) {
    return reply.refuse({Code::malformed, "the request cannot be decoded"});
  }
  reply.refuse({Code::unsupported, "airdrops do not support this request"});
}

/// Checks the account, its nonce and its number of airdrops; the airdrop itself checks the rest.
void ListActor::create(Question asked) {
  runtime::Envelope::Reading<wire::CreateAirdrop> reading(asked.envelope);
  const auto terms = decode_terms(bytes_of(reading.root().getTerms()));
  if (!terms) return asked.reply.refuse({Code::malformed, "the terms of the airdrop are malformed"});
  // Unsigned bytes must not start an actor.
  const auto by = wallet::read(reading.root().getBy());
  const auto policy = by ? std::optional(wallet::Policy::of_key(by->key)) : std::nullopt;
  if (!policy || policy->address() != terms->owner || !policy->approved(bytes_of(reading.root().getTerms()), {&*by, 1}))
    return asked.reply.refuse({Code::refused, "the owner has not signed these terms"});
  const AirdropId id = id_of(*terms);
  const auto owner = runtime::user_of(asked.from, terms->owner);
  if (const auto why = full(id, owner)) return asked.reply.refuse(*why);
  storage_.get(rows::nonce_key(*terms), [this, id, owner, nonce = rows::nonce_key(*terms), asked = std::move(asked)](
                                            const base::Outcome<std::optional<Bytes>>& row) mutable {
    runtime::AnyReply& reply = asked.reply;
    if (!row.ok()) return reply.refuse(row.error());
    // Another airdrop with this nonce may be in creation, without a row yet.
    const auto claim = claimed_.find(nonce);
    if ((row.value() && AirdropId::from(*row.value()) != id) || (claim != claimed_.end() && claim->second != id))
      return reply.refuse({Code::conflict, "this request has created another airdrop: use a new request"});
    if (const auto why = full(id, owner)) return reply.refuse(*why);  // others may have come in between
    claimed_.insert_or_assign(nonce, id);
    unfinished_.hold(id, owner);  // counts from now on; the airdrop reports if its creation fails
    airdrops_.ask(id.hex(), {asked.envelope, std::move(reply)});
  });
}

std::optional<base::Error> ListActor::full(const AirdropId& id, const base::User<Address>& owner) const {
  if (unfinished_.has(id) || (unfinished_.held(owner) < kUnfinishedOfOwner && unfinished_.fits(owner)))
    return std::nullopt;
  return base::Error{Code::refused,
                     "too many unfinished airdrops, in all, of this account, or from this caller's network"};
}

void ListActor::list(const std::optional<AirdropId>& from, runtime::Reply<wire::Airdrops> reply) {
  storage_.confirm([this, from, reply = std::move(reply)](const base::Outcome<void>& here) mutable {
    if (!here.ok()) return reply.refuse({Code::unavailable, "the airdrops have moved to another node: try again"});
    storage_.range(rows::prefix('h'), from ? rows::key('h', *from) : rows::prefix('h'), kListRows,
                   [reply = std::move(reply)](const base::Outcome<durable::Storage::Page>& page) mutable {
                     if (!page.ok()) return reply.refuse(page.error());
                     std::vector<std::pair<AirdropId, Airdrop>> found;
                     for (const auto& row : page.value().rows) {
                       constexpr std::size_t kNumber = 8;  // of the commit: durable::StateRow
                       const auto id = AirdropId::from(base::ByteView(row.key).subspan(1));
                       const auto airdrop = row.value.size() < kNumber
                                                ? std::nullopt
                                                : Airdrop::decode(base::ByteView(row.value).subspan(kNumber));
                       if (!id || !airdrop)
                         return reply.refuse({Code::corrupt, "the stored row of an airdrop is corrupted"});
                       if (airdrop->state != State::depositing) found.emplace_back(*id, *airdrop);
                     }
                     reply.send([&](wire::Airdrops::Builder out) {
                       auto list = out.initRows(size32(found));
                       for (unsigned i = 0; i < list.size(); ++i) {
                         const auto& [id, airdrop] = found[i];
                         list[i].setId(data_of(id.view()));
                         list[i].setOwner(data_of(airdrop.owner.view()));
                         list[i].setPool(airdrop.pool.units());
                         list[i].setPaid(airdrop.cursor.paid.units());
                         list[i].setState(std::string(name(airdrop.state)));
                         list[i].setRecipients(airdrop.recipients);
                         list[i].setEnds(airdrop.ends.count());
                       }
                       if (!page.value().next || page.value().rows.empty()) return;
                       // The id after the last airdrop of this page.
                       Bytes next(page.value().rows.back().key.begin() + 1, page.value().rows.back().key.end());
                       for (auto at = next.rbegin(); at != next.rend() && ++*at == 0;) ++at;
                       out.setNext(data_of(next));
                     });
                   });
  });
}

}  // namespace troupe::airdrop
