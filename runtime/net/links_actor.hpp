#pragma once
// The actor `/links`: accepts, dials on request of a domain, and notifies followers of links that come up or go down.
//
// Limits  kFollowersMax followers; Pool bounds the accepted connections.
// Restart The listeners are reopened at the same address; links continue, because they are separate actors.
#include <functional>
#include <memory>
#include <vector>

#include "messages/links.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/ports/network.hpp"

namespace troupe::net {

class LinksActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "links";
  /// Called in the actor's context with the address at which it listens, or with the reason why it cannot.
  using Listening = std::function<void(const base::Outcome<base::Endpoint>&)>;

  /// `log` outlives the actor; null: no log lines.
  LinksActor(std::shared_ptr<Pool> pool, Listening listening, observe::Log* log = nullptr)
      : pool_(std::move(pool)), listening_(std::move(listening)) {
    // Limited by DomainLog, because untrusted nodes decide how often links come and go.
    if (log != nullptr) log_ = observe::DomainLog(*log, "links", [this] { return now(); });
  }

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void event(ports::StreamEvent&& event) override;
  void check() const override;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

 private:
  struct Dialling {
    std::uint64_t serial;  // of the link
    runtime::Reply<wire::Dialled> reply;
  };
  void accepted(ports::Accepted&& accepted);
  void dial(wire::Dial::Reader question, runtime::Reply<wire::Dialled> reply);
  void answer(runtime::Reply<wire::Dialled>& reply, const base::Contact& contact);
  void hang_up(wire::HangUp::Reader order);
  void ban(wire::Shun::Reader order);
  void made_link(wire::LinkMade::Reader made);
  void note_end(wire::LinkDown::Reader end);
  void follow(const runtime::Handle& follower, bool again);
  void tell_up(const runtime::Handle& follower, const base::Contact& contact, bool outbound);
  void list(wire::LinkRows::Builder rows) const;

  const std::shared_ptr<Pool> pool_;
  const Listening listening_;
  observe::DomainLog log_;
  std::unique_ptr<ports::Listener> listener_, control_;
  std::vector<runtime::Handle> followers_;
  std::vector<Dialling> dialling_;
  std::vector<std::pair<base::NodeId, base::Instant>> losses_;  // lost links within kFlapTime
};

}  // namespace troupe::net
