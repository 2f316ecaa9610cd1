#pragma once
// Listens for this node's clients: `/dht/listen`, one stream per client, one lease at each holder of a topic.
//
// Begin   a search finds the holders, which may include this node. This node asks each with Listen. The holder replies
//         with its present value, and reports changes with Changed.
// Checks  only nodes that were asked are believed: records are validated, contacts must show the work of their ids.
//         Readers receive only newer values and new providers.
// Large   a record that exceeds a datagram is fetched from the node that reported it.
// Limits  kListenReadersMax streams. A slow reader gets the newest value, and the last kListenedProvidersMax providers.
// End     a topic without readers is forgotten, and its holders are notified. A restart ends the streams with an error.
#include <list>
#include <map>
#include <memory>

#include "actors/dht/logic/listening.hpp"
#include "actors/dht/logic/record.hpp"
#include "actors/dht/settings.hpp"
#include "messages/dht.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::dht {

inline constexpr std::size_t kListenReadersMax = 256;       // our choice
inline constexpr std::chrono::seconds kListenQuiet{60};     // well within the idle time-outs at both ends
inline constexpr std::chrono::seconds kListenLastDue{2};    // for credit for the last item; after that the reader is
                                                            // too slow
inline constexpr std::chrono::seconds kListenAnswerDue{8};  // for a holder's answer; it pings us first

class ListenActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "listen";
  explicit ListenActor(std::shared_ptr<const DhtSettings> settings) : settings_(std::move(settings)) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;

 private:
  struct Wake {};
  struct Reader {
    runtime::Sink<wire::Came> sink;
    std::uint64_t left = 0;
    std::uint64_t sent = 0;
    std::uint64_t seen = 0;  // number of the topic's last item that it has seen
    base::Instant until;
    base::Instant sent_at;
    bool told_leases = false;
    bool cancelled = false;
  };
  struct Told {  // a reported record that the notice did not contain
    Contact from;
    std::uint64_t sequence;
    Tag tag;
  };
  struct TopicState {
    explicit TopicState(const Listening& begin) : logic(begin) {}
    Listening logic;
    base::Bytes record;                 // the newest record
    std::map<base::NodeId, Told> told;  // by holder
    bool fetching = false;              // a record in `told` is being fetched
    base::NodeId fetched{};             // the holder it was last fetched from
    std::list<Reader> readers;          // a list, because a stream's callbacks keep addresses
  };
  using TopicStates = std::map<Topic, TopicState>;

  // Requests from clients.
  void listen(wire::ListenTo::Reader question, runtime::Sink<wire::Came> sink);
  bool pump(TopicState& place, Reader& reader);
  void send_next(TopicState& place, Reader& reader);
  void end(Reader& reader, const std::string& why);

  // Work on each topic.
  void go_on();
  void arm();
  void act(TopicState& place);
  void search(const Topic& topic);
  void ask_holder(const Topic& topic, const Listening::Question& question);
  void leave(const TopicState& place);
  runtime::Handle head_of(const Contact& whom);

  // Messages from holders.
  void changed(wire::Changed::Reader told, runtime::Reply<wire::Noted> reply);
  void take(const Topic& topic, const Contact& from, wire::Present::Reader present);
  bool take_record(TopicState& place, base::ByteView record);
  void fetch(const Topic& topic, TopicState& place);
  TopicState* find(const Topic& topic);

  const base::NodeId& own() const { return settings_->identity->id(); }
  void describe(wire::ListenState::Builder state) const;

  const std::shared_ptr<const DhtSettings> settings_;
  TopicStates places_;
  std::uint64_t notices_ = 0, unwanted_ = 0;
};

}  // namespace troupe::dht
