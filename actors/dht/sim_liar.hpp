#pragma once
// The DHT of a malicious node: published at `/dht` in place of the DhtActor, which continues to serve its own node. A
// restart of the node or its DhtActor ends the attack.
#include <deque>
#include <map>

#include "actors/dht/logic/record.hpp"
#include "messages/dht.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::dht {

enum class Lie : std::uint8_t {
  silence,   ///< answers no request
  contacts,  ///< names nonexistent nodes around each target, and existing nodes at false addresses
  records,   ///< answers with the first record it received, with other keys' records, and with corrupt ones
  stores,    ///< acknowledges stores without storing
  poison,    ///< names nonexistent nodes, and answers with the first record it received: valid, but old
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
  /// Returns made-up contacts, as near to the key as a few random draws get; the last ones have the askers' ids.
  std::vector<base::Contact> false_contacts(capnp::Data::Reader key);
  base::Bytes false_record(capnp::Data::Reader key);

  const Lie how_;
  const std::uint16_t nodes_;                // in the run: higher addresses are unused
  std::deque<runtime::AnyReply> held_back_;  // held, because dropping a reply answers it
  std::vector<std::pair<base::NodeId, base::Contact>> nobodies_;
  std::map<base::NodeId, base::Contact> askers_;
  std::map<Key, base::Bytes> given_;  // the first record of each key
};

}  // namespace troupe::dht
