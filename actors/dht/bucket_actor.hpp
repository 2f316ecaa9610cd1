#pragma once
// The actor of one k-bucket: pings contacts, and reports its contacts to `/dht`. BucketsActor starts it at its first
// contact. It ends when it is empty. After a restart it waits kEmptyMax for a contact.
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

  std::shared_ptr<const DhtSettings> settings_;  // replaced once the node's endpoint is known
  Bucket bucket_;
  base::Instant began_;
};

}  // namespace troupe::dht
