#pragma once
// One k-bucket behind a mailbox: hears of contacts, pings those whose place is wanted, and tells `/dht` what it holds.
//
// Life  from its first contact to its last: BucketsActor starts it, and it ends when it is empty.
#include "actors/dht/logic/bucket.hpp"
#include "actors/dht/settings.hpp"
#include "messages/dht.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::dht {

class BucketActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "bucket";
  BucketActor(std::shared_ptr<const DhtSettings> settings, Range range);

  void receive(runtime::Handlers& on) override;
  void start() override { tell_holds({}); }

 private:
  struct Expire {};

  void hear(wire::Hear::Reader heard);
  void ping(const std::vector<Ping>& pings);
  void changed(const Key& settled);
  void tell_holds(const Key& settled);
  void describe(wire::BucketState::Builder state);

  const std::shared_ptr<const DhtSettings> settings_;
  Bucket bucket_;
};

}  // namespace troupe::dht
