#pragma once
// The parent of all buckets, at `/dht/bucket`. Each bucket is a child, named by the number of its range:
// `/dht/bucket/17`. A bucket that fails restarts empty; its contacts are added again when they are next seen.
#include <array>
#include <memory>

#include "actors/dht/logic/range.hpp"
#include "actors/dht/settings.hpp"
#include "messages/dht.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::dht {

class BucketsActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "buckets";
  static constexpr const char* kPart = "bucket";  // the part's name in its path
  explicit BucketsActor(std::shared_ptr<const DhtSettings> settings) : settings_(std::move(settings)) {}

  void receive(runtime::Handlers& on) override;
  void down(const runtime::Handle& whom, const std::optional<base::Error>&) override;

 private:
  void hear(wire::Hear::Reader heard);

  std::shared_ptr<const DhtSettings> settings_;  // replaced once the node's endpoint is known
  std::array<runtime::Handle, kRanges> buckets_;
};

}  // namespace troupe::dht
