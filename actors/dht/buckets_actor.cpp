#include "actors/dht/buckets_actor.hpp"

#include "actors/dht/bucket_actor.hpp"
#include "messages/contact.hpp"

namespace troupe::dht {

void BucketsActor::receive(runtime::Handlers& on) {
  on.tell<wire::Hear>([this](wire::Hear::Reader heard) { hear(heard); });
  on.tell<wire::Located>([this](wire::Located::Reader where) {
    settings_ = settings_->at(messages::read_contact(where.getContact()).endpoint);
    for (const runtime::Handle& bucket : buckets_)
      if (bucket) tell<wire::Located>(bucket, [&](wire::Located::Builder out) { out.setContact(where.getContact()); });
  });
  on.tell<wire::Missed>([this](wire::Missed::Reader missed) {
    if (missed.getRange() >= kRanges || !buckets_[missed.getRange()]) return;
    tell<wire::Missed>(buckets_[missed.getRange()], [&](wire::Missed::Builder out) {
      out.setRange(missed.getRange());
      out.setNode(missed.getNode());
      out.setForget(missed.getForget());
    });
  });
}

void BucketsActor::hear(wire::Hear::Reader heard) {
  if (heard.getRange() >= kRanges) return;
  runtime::Handle& bucket = buckets_[heard.getRange()];
  if (!bucket) {
    bucket = spawn<BucketActor>(std::to_string(heard.getRange()), settings_, Range{heard.getRange()});
    watch(bucket);
  }
  tell<wire::Hear>(bucket, [&](wire::Hear::Builder out) {
    out.setRange(heard.getRange());
    out.setContact(heard.getContact());
    out.setAnswered(heard.getAnswered());
  });
}

void BucketsActor::down(const runtime::Handle& whom, const std::optional<base::Error>&) {
  for (runtime::Handle& bucket : buckets_)
    if (bucket == whom) bucket = {};
}

}  // namespace troupe::dht
