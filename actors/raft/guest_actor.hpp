#pragma once
// `/raft/NAME` at a node that is not a member: forwards its clients' requests to a member.
//
// Way     requests go to a member with a link in service. Without a link, the actor dials all members, and the request
//         waits for at most kPatience. Any member will do, because each knows its leader.
// Answer  the member's response. If the link ends before the response, a command's outcome is `unknown_outcome`.
// Trust   the member sees this node as the caller (`raft.clients`). So only callers that may command this node may send
//         requests: operators, nodes on loopback, and nodes in this node's `raft.clients`.
// End     the actor ends itself kIdle after the last request.
// Watch   a watch is like a member's watch, but ends with the link.
// Limits  kWaitingMax requests wait for a link; kWatchesMax watches.
#include <deque>
#include <list>
#include <string>

#include "actors/raft/api.hpp"
#include "actors/raft/line.hpp"
#include "actors/raft/settings.hpp"
#include "messages/raft.capnp.h"

namespace troupe::raft {

class GuestActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "raft guest";
  static constexpr std::chrono::seconds kPatience{2};     // our choice: a dial takes less
  static constexpr std::chrono::milliseconds kLook{20};   // our choice
  static constexpr std::chrono::minutes kIdle{10};        // our choice
  static constexpr std::size_t kWaitingMax = 1'024;       // our choice
  static constexpr std::size_t kWatchesMax = 256;         // our choice
  static constexpr std::chrono::hours kSilence{24 * 30};  // our choice: for a watch; its client ends it earlier
  using Members = std::map<MemberId, base::Endpoint>;
  GuestActor(SharedSettings settings, std::string group, const Members& members);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

 private:
  struct Look {};
  struct Idle {};
  struct Waiting {
    base::Instant due;
    runtime::Envelope question;
    runtime::AnyReply reply;
  };
  struct Watch {
    base::Instant due;
    std::string prefix;
    std::uint64_t revision = 0;
    std::uint32_t for_ms = 0;
    runtime::Sink<wire::KeyChange> sink;
    runtime::Subscription from{};
    std::deque<runtime::Envelope> held{};  // waits for credit
    bool begun = false, ended = false, over = false;
  };
  void watch_keys(wire::WatchKeys::Reader ask, runtime::Sink<wire::KeyChange> sink);
  void begin(Watch& watch, const runtime::Handle& to);
  void pass(Watch& watch);
  void look_at_watches(const runtime::Handle& to);
  void take(const runtime::Envelope& question, runtime::AnyReply reply);
  void look();
  /// Returns a member with a link in service, or null after dialling all of them.
  runtime::Handle member();
  void pass(const runtime::Handle& to, runtime::Envelope question, runtime::AnyReply reply);

  const SharedSettings settings_;
  const std::string group_;
  std::deque<Line> lines_;
  std::deque<Waiting> waiting_;
  std::list<Watch> watches_;
  std::uint64_t asked_ = 0;
};

}  // namespace troupe::raft
