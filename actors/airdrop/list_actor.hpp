#pragma once
// The list of airdrops, at kPath/list: finds or starts the actor of an airdrop.
//
// Wake     the first request for an airdrop starts its actor. Taking the seat starts the actors of all unfinished
//          airdrops.
// Spawns   an actor for each active airdrop, at kPath/list/ID.
// Limits   `unfinished_max` unfinished airdrops, kUnfinishedOfOwner of them per account, in quotas per caller's network
//          (after a start the callers are unknown). The last eighth is reserved for this node. kAwakeMax active actors.
#include "actors/airdrop/airdrop_actor.hpp"
#include "messages/common.capnp.h"
#include "runtime/base/share_places.hpp"

namespace troupe::airdrop {

class ListActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "airdrop list";
  static constexpr std::size_t kUnfinishedOfOwner = 16;  // our choice
  static constexpr std::size_t kAwakeMax = 2'048;        // our choice
  static constexpr std::size_t kEarlyMax = 1'024;        // our choice: requests while the rows are read
  static constexpr std::uint32_t kListRows = 256;        // messages/airdrop.capnp
  struct Setup {
    AirdropSettings settings;
    durable::Place place;
    std::uint64_t term = 0;
  };
  explicit ListActor(Setup setup);

  void receive(runtime::Handlers& on) override;
  void start() override { take(); }
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

 private:
  struct Again {};
  struct Look {};
  void take();
  void find_unfinished();
  void opened();
  struct Question {
    runtime::Envelope envelope;
    runtime::AnyReply reply;
    runtime::Caller from;
  };
  void serve(Question asked);
  template <class Q>
  bool pass(const runtime::Envelope& question, runtime::AnyReply& reply);
  void create(Question asked);
  /// Returns why there is no slot for the airdrop, or nullopt if it can have a slot or has one.
  std::optional<base::Error> full(const AirdropId& id, const base::User<Address>& owner) const;
  void list(const std::optional<AirdropId>& from, runtime::Reply<wire::Airdrops> reply);
  void wake(const AirdropId& id);

  const Setup setup_;
  durable::Storage storage_;
  durable::Keyed airdrops_;
  bool open_ = false;
  base::SharePlaces<AirdropId, Address> unfinished_{setup_.settings.unfinished_max};  // by owner
  std::map<base::Bytes, AirdropId> claimed_;  // nonces (rows::nonce_key) of new airdrops without rows
  std::vector<Question> early_;
};

}  // namespace troupe::airdrop
