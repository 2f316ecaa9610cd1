#pragma once
// The keys of this node's HTTP API, and what belongs to each, at kPath.
//
// Rows     "ak" id: a key; "ar" hash: a request with an idempotency key, its serial number and content; "o" kind, hash
//          of the name: the ids of the owners, read on demand; "at": how many things have owners. A revoked key has no
//          row, and its id is not drawn again.
// Order    a change is durable before it is answered, and before watchers get it.
// Watchers a watcher gets all keys, then each change. After kStill without an item it gets `still`.
// Limits   AccessSettings::keys_max keys and things_max things; the kRequestsMax newest requests are remembered;
//          kWatchersMax watchers. A watcher without credit that falls behind by kBehindMax changes is ended.
#include <deque>
#include <list>
#include <map>
#include <set>

#include "actors/access/codec.hpp"
#include "messages/common.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::access {

inline constexpr const char* kRows = "access";

struct AccessSettings {
  std::size_t keys_max = 1'024;
  std::uint64_t things_max = 1'000'000;
  std::string store = "/store";
  observe::Health* health = nullptr;  ///< outlives the actors; null: no reports
  observe::DomainLog log{};
};

class AccessActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "access";
  static constexpr std::size_t kRequestsMax = 16'384;        // our choice: 100 bytes each
  static constexpr std::size_t kWatchersMax = 64;            // our choice
  static constexpr std::size_t kBehindMax = 1'024;           // our choice, in addition to the keys that exist
  static constexpr std::chrono::milliseconds kStill{1'000};  // a watcher gets an item about so often
  static constexpr std::uint64_t kUsedEveryMs = 60'000;
  explicit AccessActor(AccessSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;

 private:
  struct RowsAgain {};
  struct OwnersAgain {};
  struct Still {};
  using Done = runtime::Reply<messages::wire::Nothing>;
  struct Watcher {
    runtime::Sink<wire::KeyChange> sink;
    std::set<std::string> waiting;  // keys whose present state is still to be sent
    bool complete = false;          // the end of the first copy was sent
    base::Instant heard{};
  };
  using Watchers = std::list<Watcher>;
  struct Request {
    std::uint64_t serial = 0;
    base::Digest content;
  };

  store::Use take(base::ByteView row_key, base::ByteView value);
  void loaded();
  void make_key(wire::MakeKey::Reader order, runtime::Reply<wire::KeyMade> reply);
  void revoke(const std::string& id, Done reply);
  void grant(wire::SetGrant::Reader order, Done reply);
  void list(wire::ListKeys::Reader question, runtime::Reply<wire::Keys> reply) const;
  void used(const std::string& id, Done reply);
  void begin_request(wire::BeginRequest::Reader request, Done reply);
  void save_key(const std::string& id, Key key, base::Callback<void(base::Outcome<void>)> done);
  void changed(const std::string& id);
  void watch(runtime::Sink<wire::KeyChange> sink);
  void pump(Watchers::iterator watcher);
  void still();
  /// Returns whether the key exists and has not expired.
  bool valid(const std::string& id) const;
  base::Error no_key();
  std::uint64_t unix_ms() const { return base::unix_milliseconds(wall()); }

  // -- owners (access_actor_things.cpp)
  void who_owns(wire::WhoOwns::Reader question, runtime::Reply<wire::Owned> reply);
  void claim(wire::Claim::Reader order, Done reply);
  void release(wire::Release::Reader order, Done reply);
  void owners_of(const std::vector<Thing>& things, base::Callback<void(base::Outcome<std::vector<Owners>>)> found);
  /// Runs `step` when no other change of owners is in progress.
  void in_turn(base::Callback<void()> step);
  void end_turn();
  /// Saves new owners of things, and ends the turn. `added`, `removed`: how many things got or lost their first owner.
  void save_owners(store::RowChange change, std::uint64_t added, std::uint64_t removed, Done reply);

  const AccessSettings settings_;
  store::Rows rows_, owners_;
  bool ready_ = false;
  std::map<std::string, Key> keys_;
  std::map<base::Digest, Request> requests_;
  std::map<std::uint64_t, base::Digest> serials_;
  std::set<std::string> changing_;  // keys with a save in progress
  std::set<base::Digest> making_;   // hashes of keys that are being made
  Watchers watchers_;
  std::deque<base::Callback<void()>> turns_;  // that wait
  bool in_turn_ = false;
  std::uint64_t things_ = 0, refused_ = 0;
};

}  // namespace troupe::access
