#pragma once
// One k-bucket behind a mailbox: pings contacts, and tells `/dht` what it holds. BucketsActor starts it at its first
// contact; it ends when it is empty. After a restart it has kEmptyMax to hear of a contact.
#include "actors/dht/logic/bucket.hpp"
#include "actors/dht/settings.hpp"
#include "messages/dht.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::dht {

inline constexpr std::chrono::seconds kEmptyMax{10};  // our choice: longer than any message waits

class BucketActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "bucket";
  BucketActor(std::shared_ptr<const DhtSettings> settings, Range range);

  void receive(runtime::Handlers& on) override;
  void start() override;
  const Bucket& bucket() const { return bucket_; }
  base::Instant began() const { return began_; }

 private:
  struct Expire {};

  void hear(wire::Hear::Reader heard);
  void ping(const std::vector<Ping>& pings);
  void changed(const Key& settled);
  void tell_holds(const Key& settled);
  void describe(wire::BucketState::Builder state);

  std::shared_ptr<const DhtSettings> settings_;  // another one once its endpoint is known
  Bucket bucket_;
  base::Instant began_;
};

}  // namespace troupe::dht
