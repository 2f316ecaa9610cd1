#pragma once
// A node's part of the DHT as an enemy would write it: published at `/dht` in place of the DhtActor, which goes on to
// ask for its own node. A restart of either the node or its DhtActor ends the lie.
#include <deque>
#include <map>

#include "actors/dht/logic/record.hpp"
#include "messages/dht.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::dht {

enum class Lie : std::uint8_t {
  silence,   ///< no question is ever answered
  contacts,  ///< names nodes around each target that do not exist, and some that do where they are not
  records,   ///< answers with the first record it was given, with those of other keys, and with broken ones
  stores,    ///< says that it has stored what it has not
  poison,    ///< names nodes that do not exist, and gives the first record that it was given: valid, but old
};
inline constexpr std::int64_t kLiesMax = static_cast<std::int64_t>(Lie::poison);

class LiarActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "liar";
  LiarActor(Lie how, std::uint16_t nodes) : how_(how), nodes_(nodes) {}

  void receive(runtime::Handlers& on) override;
  void start() override;

 private:
  template <class A>
  using Reply = runtime::Reply<A>;
  bool silent(runtime::AnyReply& reply);
  void note_asker(wire::Asker::Reader asker);
  /// Made-up contacts, as near to the key as a few lots have brought; the last ones with the names of those who asked.
  std::vector<base::Contact> false_contacts(capnp::Data::Reader key);
  base::Bytes false_record(capnp::Data::Reader key);

  const Lie how_;
  const std::uint16_t nodes_;                // of the world: the addresses of the others are free
  std::deque<runtime::AnyReply> held_back_;  // an answer that is dropped would be one
  std::vector<std::pair<base::NodeId, base::Contact>> nobodies_;
  std::map<base::NodeId, base::Contact> askers_;
  std::map<Key, base::Bytes> given_;  // the first one of each key
};

}  // namespace troupe::dht
