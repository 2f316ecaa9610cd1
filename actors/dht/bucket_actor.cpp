#include "actors/dht/bucket_actor.hpp"

#include "actors/dht/api.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"

namespace troupe::dht {

BucketActor::BucketActor(std::shared_ptr<const DhtSettings> settings, Range range)
    : settings_(std::move(settings)), bucket_(settings_->identity->id(), range, settings_->groups) {}

void BucketActor::receive(runtime::Handlers& on) {
  on.tell<wire::Hear>([this](wire::Hear::Reader heard) { hear(heard); });
  on.tell<wire::Located>([this](wire::Located::Reader where) {
    settings_ = settings_->at(messages::read_contact(where.getContact()).endpoint);
  });
  on.tell<wire::Missed>([this](wire::Missed::Reader missed) {
    if (const auto id = read_key(missed.getNode()))
      ping(missed.getForget() ? bucket_.forget(*id, now()) : bucket_.failed(*id, now()));
    changed({});
  });
  on.timer<Expire>([this] {
    ping(bucket_.expire(now()));
    changed({});
  });
  on.describe<wire::BucketState>([this](wire::BucketState::Builder state) { describe(state); });
}

void BucketActor::start() {
  began_ = now();
  bucket_.plant(world().mutations);
  tell_holds({});
  after<Expire>(kEmptyMax);
}

void BucketActor::hear(wire::Hear::Reader heard) {
  const auto who = read_contact(heard.getContact(), settings_->work_bits);
  if (!who) return changed({});
  const auto pings = bucket_.hear(*who, heard.getAnswered() ? Evidence::answered : Evidence::asked_us, now());
  if (pings.ok()) ping(pings.value());
  changed(who->id);
}

void BucketActor::ping(const std::vector<Ping>& pings) {
  for (const Ping& one : pings)
    ask<wire::Ping, wire::Pong>(
        node().reach(one.whom.where, kPath), one.answer_due,
        [this](wire::Ping::Builder question) { write_asker(question.initAsker(), *settings_); },
        [this, pinged = one.whom](runtime::Answer<wire::Pong> answer) {
          // A node that reports overload is alive. If `/datagrams` restarted or a limit of this node was reached,
          // nothing was sent, so the node was not silent; only this node itself can report that.
          const bool theirs = answer.envelope().header().origin == runtime::Origin::foreign;
          const auto failed = [&](base::Code why) { return !answer.ok() && answer.error().code == why; };
          const bool lives = answer.ok() || (theirs && failed(base::Code::overloaded));
          const bool unasked = !theirs && failed(base::Code::dropped);
          if (!theirs && failed(base::Code::overloaded)) bucket_.refused(pinged);
          ping(lives     ? bucket_.answered(pinged, now())
               : unasked ? bucket_.unasked(pinged, now())
                         : bucket_.expire(now()));
          changed({});
        });
}

void BucketActor::changed(const Key& settled) {
  tell_holds(settled);
  if (bucket_.empty()) return finish();
  if (const base::Instant at = bucket_.wake_at(); at != base::Instant::max())
    after<Expire>(std::max(at - now(), base::Duration::zero()));
}

void BucketActor::tell_holds(const Key& settled) {
  const Listing listing = bucket_.listing();
  tell<wire::BucketHolds>(node().find(kPath), [&](wire::BucketHolds::Builder holds) {
    holds.setRange(bucket_.range().prefix);
    write(holds.initGood(size32(listing.good)), listing.good);
    auto heard = holds.initHeardMs(size32(listing.good));
    for (unsigned i = 0; i < heard.size(); ++i) heard.set(i, ms_of(now() - listing.seen[i]));
    write(holds.initRest(size32(listing.rest)), listing.rest);
    holds.setFailing(static_cast<std::uint16_t>(listing.failing));
    write(holds.initClaimed(size32(listing.claimed)), listing.claimed);
    auto silent = holds.initSilent(size32(listing.silent));
    for (unsigned n = 0; n < silent.size(); ++n) {
      silent[n].setNode(data_of(listing.silent[n].id.view()));
      silent[n].setSinceMs(ms_of(now() - listing.silent[n].since));
    }
    if (settled != Key{}) holds.setSettled(data_of(settled.view()));
  });
}

void BucketActor::describe(wire::BucketState::Builder state) {
  const auto show = [this](wire::BucketContact::Builder out, const Contact& contact, base::Instant heard) {
    out.setNode(contact.id.hex());
    out.setAddress(contact.where.endpoint.text());
    out.setHeardMs(ms_of(now() - heard));
  };
  state.setRange(bucket_.range().prefix);
  auto listed = state.initListed(size32(bucket_.listed()));
  for (unsigned i = 0; i < listed.size(); ++i) {
    show(listed[i], bucket_.listed()[i].contact, bucket_.listed()[i].heard);
    listed[i].setFailures(bucket_.listed()[i].failures);
  }
  auto spares = state.initSpares(size32(bucket_.spares()));
  for (unsigned i = 0; i < spares.size(); ++i) show(spares[i], bucket_.spares()[i].contact, bucket_.spares()[i].heard);
}

}  // namespace troupe::dht
