#pragma once
// Many values put and got at once: keys whose holders are nearly the same nodes share their searches.
//
// Put     one search for the holders of a region, which then stores all records of it (lookup_actor_region.cpp).
// Get     where several keys lie in one region, a search for the nodes there goes first, and each key's own search
//         begins at those that have answered it. What is said of a value is what a search for it alone would say.
// Limits  kBatchesMax batches, of kRegionItemsMax values and, for a put, kRegionBytesMax; kManyAtOnce searches each.
#include <memory>
#include <vector>

#include "actors/dht/operators.hpp"

namespace troupe::dht {

class Batches final : public runtime::Part {
 public:
  Batches(runtime::Actor& owner, Head& head, Operators& operators) : Part(owner), head_(head), operators_(operators) {}

  void put(wire::PutMany::Reader request, runtime::Reply<wire::PutManyDone> reply);
  void get(wire::GetMany::Reader question, runtime::Sink<wire::GotOne> sink);

 private:
  struct Puts;
  struct Gets;
  void go_on(const std::shared_ptr<Puts>& puts);
  void go_on(const std::shared_ptr<Gets>& gets);
  bool room();

  Head& head_;
  Operators& operators_;
  std::vector<std::shared_ptr<Gets>> gets_;  // those that are over are dropped later
  std::size_t puts_ = 0;
};

}  // namespace troupe::dht
