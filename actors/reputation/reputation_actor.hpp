#pragma once
// This node's scores of other nodes, at kPath: signs each event that it sees, and folds it into a score.
//
// Rows     one keyspace: "sn" node: its Score; "sr" hash of a request: its result; "e" node, time, id: an event, as
//          signed. Numbers in keys are big-endian, so events are stored in the order in which they are folded.
// Order    one event at a time is decided, written, and then counted. Its time is after that node's last event, also if
//          a clock was set back.
// Limits   ReputationSettings::nodes_max nodes, kEventsMax events per node; the kRequestsMax newest requests are
//          remembered. A new node evicts the node whose score is nearest to kStart (fading()).
#include <deque>
#include <map>

#include "actors/reputation/settings.hpp"
#include "runtime/actor/actor.hpp"

namespace troupe::reputation {

class ReputationActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "reputation";
  static constexpr std::uint32_t kEventsMax = 100'000;  // our choice: 250 bytes each
  static constexpr std::size_t kRequestsMax = 1'024;    // our choice
  static constexpr std::size_t kWaitingMax = 1'024;     // our choice
  explicit ReputationActor(ReputationSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;

 private:
  struct RowsAgain {};
  struct EventsAgain {};
  using Reply = runtime::Reply<wire::Reported>;
  struct Request {
    base::Digest content;
    std::uint64_t serial = 0;
    Thousandths old_score = 0, new_score = 0;
    bool clamped = false;
    EventId id{};
  };
  struct Wanted {
    base::NodeId node;
    std::string kind;
    std::int8_t delta = 0;
    std::optional<base::Digest> evidence;
    std::optional<base::Digest> request, content;  ///< hashes
  };
  /// Returns the requested event, or why the request is invalid.
  base::Outcome<Wanted> read(wire::Report::Reader request) const;
  void find_node(const base::NodeId& node, base::Callback<void(base::Outcome<void>)> found);
  static void name(Wanted& wanted, std::string_view request);
  void want(Wanted wanted, Reply reply);
  /// Adds the first event of the queue.
  void add();
  /// Forgets a node with its events, and continues with the first event of the queue.
  void make_room();
  void forget(base::NodeId node);
  void save(Request done, base::Bytes key, base::Bytes event, const Score& score);
  void remember(const base::Digest& request, const Request& done);
  void next();
  void list_events(wire::ListEvents::Reader question, runtime::Reply<wire::Events> reply);
  static void answer(const Request& done, Reply& reply);
  std::uint64_t unix_ms() const { return base::unix_milliseconds(wall()); }
  store::Use take(base::ByteView key, base::ByteView value);

  const ReputationSettings settings_;
  store::Rows rows_, events_;
  bool ready_ = false;
  std::deque<std::pair<Wanted, Reply>> queue_;  // the first is being written
  std::map<base::NodeId, Score> scores_;
  std::deque<Fading> fading_;  // nodes to forget next
  std::map<base::Digest, Request> requests_;
  std::map<std::uint64_t, base::Digest> serials_;
  std::uint64_t events_all_ = 0, refused_ = 0;
};

}  // namespace troupe::reputation
