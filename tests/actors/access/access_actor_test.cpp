// The keys of the HTTP API and what belongs to them, as an actor with a store.
#include "actors/access/access_actor.hpp"

#include <doctest/doctest.h>

#include "messages/codec.hpp"
#include "runtime/base/random.hpp"
#include "runtime/store/store_actor.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::access;
using namespace std::chrono_literals;
using base::Code;

namespace {

constexpr const char* kNoId = "00000000000000ff";

base::Digest hash_of(std::uint64_t number) {
  base::Digest out;
  for (std::size_t i = 0; i < 8; ++i) out.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  out.bytes[31] = 1;
  return out;
}

/// The outcome of a request: without an error it succeeded.
struct Came {
  bool answered = false;
  std::optional<base::Error> error;

  bool ok() const { return answered && !error; }
  std::optional<Code> code() const { return error ? std::optional(error->code) : std::nullopt; }
};

/// What a watcher of keys knows.
struct Watcher {
  std::map<std::string, Key> keys;
  std::size_t copies = 0;  // keys before `complete`
  bool complete = false;
  std::size_t changes = 0, stills = 0;
  std::optional<base::Error> ended;
  runtime::Subscription hold;
};

struct AccessFixture : test::ActorFixture {
  explicit AccessFixture(std::uint64_t seed = 1) : ActorFixture(seed) { begin(); }
  void begin() {
    store = node.start("store", [] { return std::make_unique<store::StoreActor>("store"); });
    actor = node.start("access", [this] { return std::make_unique<AccessActor>(settings); });
    stage.run_for(1s);
  }
  void end() {
    kill(std::exchange(actor, {}));
    kill(std::exchange(store, {}));
    stage.settle();
  }
  void restart() {
    end();
    disk.revoke();
    begin();
  }
  void crash(base::Random& power) {
    end();
    disk.crash(power);
    begin();
  }

  /// Sends a request; `take` gets the answer. The outcome arrives while time passes.
  template <class Q, class A, class Fill, class Take>
  std::shared_ptr<Came> send(Fill fill, Take take) {
    auto out = std::make_shared<Came>();
    const auto ask = [this, fill, take, out](test::Scripted& self) {
      self.ask<Q, A>(actor, self.now() + 120s, fill, [out, take](runtime::Answer<A> answer) {
        out->answered = true;
        if (answer.ok()) take(answer.value());
        else out->error = answer.error();
      });
    };
    if (collects) collected.push_back(ask);
    else inside(ask);
    return out;
  }
  template <class Q, class Fill>
  std::shared_ptr<Came> send(Fill fill) {
    return send<Q, messages::wire::Nothing>(fill, [](auto) {});
  }
  /// Sends the requests of `what` at once: none is handled before the last was sent.
  template <class F>
  void at_once(F what) {
    collects = true;
    what();
    collects = false;
    inside([&](test::Scripted& self) {
      for (const auto& ask : std::exchange(collected, {})) ask(self);
    });
  }
  Came wait(const std::shared_ptr<Came>& came) {
    stage.run_for(1s);
    return *came;
  }

  struct Made : Came {
    std::string id;
  };
  Made make(std::uint64_t number, const std::function<void(wire::MakeKey::Builder)>& change = {}) {
    Made out;
    auto id = std::make_shared<std::string>();
    static_cast<Came&>(out) = wait(send<wire::MakeKey, wire::KeyMade>(
        [&](wire::MakeKey::Builder to) {
          to.setHash(data_of(hash_of(number).view()));
          to.setRole(wire::Role::USER);
          if (change) change(to);
        },
        [id](wire::KeyMade::Reader made) { *id = text_of(made.getId()); }));
    out.id = *id;
    return out;
  }
  std::shared_ptr<Came> send_revoke(const std::string& id) {
    return send<wire::RevokeKey>([id](wire::RevokeKey::Builder to) { to.setId(id); });
  }
  Came revoke(const std::string& id) { return wait(send_revoke(id)); }
  enum class Access { none, read, write };
  Came grant(const std::string& id, const std::string& pattern, Access access = Access::read) {
    return wait(send<wire::SetGrant>([&](wire::SetGrant::Builder to) {
      to.setId(id);
      to.setPattern(pattern);
      if (access == Access::none) to.getAccess().setNone();
      else if (access == Access::read) to.getAccess().setRead();
      else to.getAccess().setWrite();
    }));
  }
  Came used(const std::string& id) {
    return wait(send<wire::Used>([&](wire::Used::Builder to) { to.setId(id); }));
  }
  std::shared_ptr<Came> send_begin(const std::string& id, std::uint64_t request, std::uint64_t content) {
    return send<wire::BeginRequest>([=](wire::BeginRequest::Builder to) {
      to.setId(id);
      to.setRequest(data_of(hash_of(request).view()));
      to.setContent(data_of(hash_of(content).view()));
    });
  }
  Came begin_request(const std::string& id, std::uint64_t request, std::uint64_t content) {
    return wait(send_begin(id, request, content));
  }
  static void fill(capnp::List<wire::Thing>::Builder out, const std::vector<Thing>& things) {
    for (unsigned i = 0; i < out.size(); ++i) write(out[i], things[i]);
  }
  std::shared_ptr<Came> send_claim(const std::string& id, const std::vector<Thing>& things, bool with_node = false) {
    return send<wire::Claim>([=](wire::Claim::Builder to) {
      to.setId(id);
      fill(to.initThings(size32(things)), things);
      to.setWithNode(with_node);
    });
  }
  Came claim(const std::string& id, const std::vector<Thing>& things, bool with_node = false) {
    return wait(send_claim(id, things, with_node));
  }
  Came release(const std::vector<Thing>& things) {
    return wait(send<wire::Release>([&](wire::Release::Builder to) { fill(to.initThings(size32(things)), things); }));
  }
  struct Shares : Came {
    std::vector<Share> shares;
  };
  Shares who_owns(const std::string& id, const std::vector<Thing>& things) {
    Shares out;
    auto shares = std::make_shared<std::vector<Share>>();
    static_cast<Came&>(out) = wait(send<wire::WhoOwns, wire::Owned>(
        [&](wire::WhoOwns::Builder to) {
          to.setId(id);
          fill(to.initThings(size32(things)), things);
        },
        [shares](wire::Owned::Reader owned) {
          for (const auto share : owned.getShares()) shares->push_back(static_cast<Share>(share));
        }));
    out.shares = *shares;
    return out;
  }
  Share share(const std::string& id, const Thing& thing) {
    const auto out = who_owns(id, {thing});
    REQUIRE(out.ok());
    REQUIRE(out.shares.size() == 1);
    return out.shares[0];
  }
  std::map<std::string, Key> list() {
    std::map<std::string, Key> out;
    bool more = true;
    while (more) {
      const std::string behind = out.empty() ? "" : out.rbegin()->first;
      const auto came = wait(send<wire::ListKeys, wire::Keys>([&](wire::ListKeys::Builder to) { to.setBehind(behind); },
                                                              [&](wire::Keys::Reader keys) {
                                                                CHECK(keys.getKeys().size() <= 32);
                                                                for (const auto one : keys.getKeys()) {
                                                                  auto key = read(one);
                                                                  REQUIRE(key);
                                                                  out.insert(std::move(*key));
                                                                }
                                                                more = keys.getMore();
                                                              }));
      REQUIRE(came.ok());
    }
    return out;
  }
  std::shared_ptr<Watcher> watch() {
    auto out = std::make_shared<Watcher>();
    inside([&](test::Scripted& self) {
      out->hold = self.subscribe<wire::WatchKeys, wire::KeyChange>(
          actor, 60s, [](wire::WatchKeys::Builder) {},
          [out](wire::KeyChange::Reader change) {
            switch (change.which()) {
              case wire::KeyChange::KEY: {
                auto key = read(change.getKey());
                REQUIRE(key);
                out->keys.insert_or_assign(key->first, key->second);
                (out->complete ? out->changes : out->copies)++;
                break;
              }
              case wire::KeyChange::REVOKED:
                out->keys.erase(text_of(change.getRevoked()));
                ++out->changes;
                break;
              case wire::KeyChange::COMPLETE: out->complete = true; break;
              case wire::KeyChange::STILL: ++out->stills; break;
            }
          },
          [out](const base::Outcome<void>& ended) { out->ended = ended.ok() ? base::Error{} : ended.error(); });
    });
    return out;
  }

  AccessSettings settings;
  runtime::Handle store, actor;
  bool collects = false;
  std::vector<std::function<void(test::Scripted&)>> collected;
};

Thing thing(Kind kind, std::uint64_t number) { return {kind, hash_of(number)}; }

}  // namespace

TEST_CASE("access: a key that was made is listed with its values, also after a restart") {
  AccessFixture it;
  const auto made = it.make(1, [&](wire::MakeKey::Builder to) {
    to.setRole(wire::Role::OPERATOR);
    auto scopes = to.initScopes(2);
    scopes.set(0, "/v1/kv/**");
    scopes.set(1, "/v1/files/*");
    to.setRate(5);
    to.setExpires(~std::uint64_t{0});
  });
  REQUIRE(made.ok());
  CHECK(is_id(made.id));
  for (int life = 0; life < 2; ++life) {
    const auto keys = it.list();
    REQUIRE(keys.size() == 1);
    const Key& key = keys.begin()->second;
    CHECK(keys.begin()->first == made.id);
    CHECK(key.hash == hash_of(1));
    CHECK(key.role == Role::operator_);
    CHECK(key.scopes == std::vector<std::string>{"/v1/kv/**", "/v1/files/*"});
    CHECK(key.rate == 5);
    CHECK(key.expires == ~std::uint64_t{0});
    CHECK(key.created != 0);
    CHECK(key.last_used == 0);
    it.restart();
  }
}

TEST_CASE("access: the same hash again gets the same key, also at once and after a restart") {
  AccessFixture it;
  const auto first = it.make(1);
  CHECK(it.make(1).id == first.id);
  it.restart();
  CHECK(it.make(1).id == first.id);
  CHECK(it.make(2).id != first.id);
  std::vector<std::shared_ptr<Came>> came;
  it.at_once([&] {
    for (int i = 0; i < 3; ++i)
      came.push_back(it.send<wire::MakeKey, wire::KeyMade>(
          [](wire::MakeKey::Builder to) { to.setHash(data_of(hash_of(3).view())); }, [](auto) {}));
  });
  it.stage.run_for(1s);
  CHECK(came[0]->ok());
  for (const auto& one : came) CHECK((one->ok() || one->code() == Code::overloaded));
  CHECK(it.list().size() == 3);
}

TEST_CASE("access: a key with an invalid value is refused, and the largest values are accepted") {
  AccessFixture it;
  const auto refused = [&](const std::function<void(wire::MakeKey::Builder)>& change) {
    return it.make(1, change).code();
  };
  const base::Bytes bytes(33);
  CHECK(refused([&](auto to) { to.setHash(data_of(bytes)); }) == Code::malformed);
  CHECK(refused([&](auto to) { to.setHash({}); }) == Code::malformed);
  CHECK(refused([&](auto to) { to.setRole(static_cast<wire::Role>(4)); }) == Code::malformed);
  CHECK(refused([&](auto to) { to.setRate(kRateMax + 1); }) == Code::malformed);
  CHECK(refused([&](auto to) { to.setExpires(1); }) == Code::malformed);
  const std::string longest = "/v1/" + std::string(kPatternBytesMax - 4, 's');
  for (const std::string& scope : {std::string(), std::string("/v2/a"), std::string("v1/a"), longest + "s"})
    CHECK(refused([&](auto to) { to.initScopes(1).set(0, scope); }) == Code::malformed);
  const auto scopes = [&](unsigned count) {
    return [=](wire::MakeKey::Builder to) {
      auto out = to.initScopes(count);
      for (unsigned i = 0; i < count; ++i) out.set(i, longest);
      to.setRate(kRateMax);
    };
  };
  CHECK(refused(scopes(kScopesMax + 1)) == Code::malformed);
  CHECK(it.list().empty());
  CHECK(it.make(1, scopes(kScopesMax)).ok());
  CHECK(it.list().begin()->second.scopes.size() == kScopesMax);
}

TEST_CASE("access: above the limit of keys, a key is refused until another is revoked") {
  AccessFixture it;
  it.settings.keys_max = 3;
  it.restart();
  const auto first = it.make(1);
  REQUIRE(it.make(2).ok());
  REQUIRE(it.make(3).ok());
  CHECK(it.make(4).code() == Code::refused);
  CHECK(it.make(1).id == first.id);
  REQUIRE(it.revoke(first.id).ok());
  CHECK(it.make(4).ok());
  it.settings.keys_max = 1;  // a lower limit keeps the keys
  it.restart();
  CHECK(it.list().size() == 3);
  CHECK(it.make(5).code() == Code::refused);
}

TEST_CASE("access: many keys are listed in pages, by their ids") {
  AccessFixture it;
  it.settings.keys_max = 100;
  it.restart();
  for (std::uint64_t i = 0; i < 70; ++i) REQUIRE(it.make(i).ok());
  CHECK(it.list().size() == 70);
}

TEST_CASE("access: a revoked key is gone, also after a restart, and refused everywhere") {
  AccessFixture it;
  const auto key = it.make(1), other = it.make(2);
  REQUIRE(it.claim(key.id, {thing(Kind::entry, 1)}).ok());
  REQUIRE(it.revoke(key.id).ok());
  for (int life = 0; life < 2; ++life) {
    CHECK(it.list().size() == 1);
    CHECK(it.revoke(key.id).code() == Code::not_found);
    CHECK(it.grant(key.id, "/v1/a").code() == Code::not_found);
    CHECK(it.claim(key.id, {thing(Kind::entry, 2)}).code() == Code::refused);
    CHECK(it.who_owns(key.id, {thing(Kind::entry, 1)}).code() == Code::refused);
    CHECK(it.begin_request(key.id, 1, 1).code() == Code::refused);
    CHECK(it.used(key.id).ok());
    CHECK(it.share(other.id, thing(Kind::entry, 1)) == Share::other);  // it stays the revoked key's
    it.restart();
  }
  CHECK(it.make(1).id != key.id);
}

TEST_CASE("access: an expired key is listed, but refused") {
  AccessFixture it;
  const std::uint64_t now = base::unix_milliseconds(it.ports.world().clock.wall());
  const auto key = it.make(1, [&](auto to) { to.setExpires(now + 10'000); });
  REQUIRE(key.ok());
  CHECK(it.claim(key.id, {thing(Kind::file, 1)}).ok());
  it.stage.run_for(10s);
  CHECK(it.claim(key.id, {thing(Kind::file, 1)}).code() == Code::refused);
  CHECK(it.who_owns(key.id, {thing(Kind::file, 1)}).code() == Code::refused);
  CHECK(it.begin_request(key.id, 1, 1).code() == Code::refused);
  CHECK(it.list().size() == 1);
  CHECK(it.revoke(key.id).ok());
}

TEST_CASE("access: grants are kept by pattern, replaced and taken back, at most 64 of a key") {
  AccessFixture it;
  const auto key = it.make(1);
  const auto grants = [&] { return it.list().begin()->second.grants; };
  CHECK(it.grant(kNoId, "/v1/a").code() == Code::not_found);
  CHECK(it.grant(key.id, "/v2/a").code() == Code::malformed);
  CHECK(it.grant(key.id, "").code() == Code::malformed);
  CHECK(it.grant(key.id, "/v1/" + std::string(kPatternBytesMax, 'a')).code() == Code::malformed);
  REQUIRE(it.grant(key.id, "/v1/b").ok());
  REQUIRE(it.grant(key.id, "/v1/a", AccessFixture::Access::write).ok());
  CHECK(grants() == std::vector<Grant>{{"/v1/a", true}, {"/v1/b", false}});
  REQUIRE(it.grant(key.id, "/v1/a").ok());
  it.restart();
  CHECK(grants() == std::vector<Grant>{{"/v1/a", false}, {"/v1/b", false}});
  REQUIRE(it.grant(key.id, "/v1/a", AccessFixture::Access::none).ok());
  CHECK(it.grant(key.id, "/v1/never", AccessFixture::Access::none).ok());
  CHECK(grants().size() == 1);
  for (std::size_t i = 1; i < kGrantsMax; ++i) REQUIRE(it.grant(key.id, "/v1/" + std::to_string(i)).ok());
  CHECK(it.grant(key.id, "/v1/more").code() == Code::refused);
  CHECK(it.grant(key.id, "/v1/b", AccessFixture::Access::write).ok());  // replaces
  CHECK(grants().size() == kGrantsMax);
}

TEST_CASE("access: the use of a key is noted once a minute") {
  AccessFixture it;
  const auto key = it.make(1);
  const auto last = [&] { return it.list().begin()->second.last_used; };
  REQUIRE(it.used(key.id).ok());
  const std::uint64_t first = last();
  CHECK(first != 0);
  it.stage.run_for(30s);
  REQUIRE(it.used(key.id).ok());
  CHECK(last() == first);
  it.stage.run_for(30s);
  REQUIRE(it.used(key.id).ok());
  CHECK(last() > first);
  CHECK(it.used(kNoId).ok());
}

TEST_CASE("access: a watcher gets all keys, `complete`, each change, and `still` while nothing changes") {
  AccessFixture it;
  const auto first = it.make(1), second = it.make(2);
  const auto watcher = it.watch();
  it.stage.run_for(100ms);
  CHECK(watcher->complete);
  CHECK(watcher->copies == 2);
  CHECK(watcher->keys == it.list());
  CHECK(watcher->changes == 0);
  const auto third = it.make(3);
  CHECK(watcher->changes == 1);
  REQUIRE(it.grant(second.id, "/v1/a").ok());
  CHECK(watcher->keys.at(second.id).grants.size() == 1);
  REQUIRE(it.revoke(first.id).ok());
  CHECK(watcher->changes == 3);
  CHECK(watcher->keys == it.list());
  const std::size_t stills = watcher->stills;
  it.stage.run_for(10s);
  CHECK(watcher->stills - stills >= 9);
  CHECK(watcher->stills - stills <= 11);
  CHECK(!watcher->ended);
}

TEST_CASE("access: a watcher learns of a change once the change is durable, before its answer arrives") {
  AccessFixture it;
  const auto key = it.make(1);
  const auto watcher = it.watch();
  it.disk.fail(sim::DiskOperation::write, ports::DiskError::io);
  const auto came = it.revoke(key.id);
  CHECK(!came.ok());
  CHECK((watcher->keys.contains(key.id) || watcher->ended));
}

TEST_CASE("access: a cancelled watcher is forgotten, and above the limit a watcher is refused") {
  AccessFixture it;
  std::vector<std::shared_ptr<Watcher>> watchers;
  for (std::size_t i = 0; i < AccessActor::kWatchersMax; ++i) watchers.push_back(it.watch());
  it.stage.run_for(1s);
  CHECK(watchers.back()->complete);
  const auto more = it.watch();
  it.stage.run_for(1s);
  REQUIRE(more->ended);
  CHECK(more->ended->code == Code::overloaded);
  it.inside([&](test::Scripted&) {
    for (const auto& one : watchers) one->hold = {};
  });
  it.stage.run_for(1s);
  const auto again = it.watch();
  REQUIRE(it.make(1).ok());
  CHECK(again->complete);
  CHECK(again->keys.size() == 1);
}

TEST_CASE("access: more keys than a stream's credit reach a watcher completely") {
  AccessFixture it;
  for (std::uint64_t i = 0; i < 200; ++i) REQUIRE(it.make(i).ok());
  const auto watcher = it.watch();
  it.stage.run_for(1s);
  CHECK(watcher->complete);
  CHECK(watcher->keys.size() == 200);
}

TEST_CASE("access: a thing has one owner, and a second key gets `conflict` without any claim") {
  AccessFixture it;
  const auto first = it.make(1), second = it.make(2);
  for (const Kind kind : {Kind::entry, Kind::value, Kind::task}) {
    const Thing mine = thing(kind, 1), free = thing(kind, 2);
    CHECK(it.share(first.id, mine) == Share::none);
    REQUIRE(it.claim(first.id, {mine}).ok());
    CHECK(it.claim(first.id, {mine}).ok());
    CHECK(it.claim(second.id, {free, mine}).code() == Code::conflict);
    CHECK(it.share(second.id, free) == Share::none);
    it.restart();
    CHECK(it.who_owns(first.id, {mine, free}).shares == std::vector<Share>{Share::own, Share::none});
    CHECK(it.share(second.id, mine) == Share::other);
    CHECK(it.claim(second.id, {mine}).code() == Code::conflict);
  }
}

TEST_CASE("access: the same name of another kind is another thing") {
  AccessFixture it;
  const auto first = it.make(1), second = it.make(2);
  REQUIRE(it.claim(first.id, {thing(Kind::entry, 1)}).ok());
  CHECK(it.claim(second.id, {thing(Kind::value, 1)}).ok());
  CHECK(it.share(first.id, thing(Kind::value, 1)) == Share::other);
}

TEST_CASE("access: a file or content is shared by its owners, at most 64 of them") {
  AccessFixture it;
  std::vector<std::string> ids;
  for (std::uint64_t i = 0; i <= kOwnersMax; ++i) ids.push_back(it.make(i).id);
  const Thing file = thing(Kind::file, 1);
  REQUIRE(it.claim(ids[0], {file}).ok());
  CHECK(it.share(ids[0], file) == Share::own);
  for (std::size_t i = 1; i < kOwnersMax; ++i) REQUIRE(it.claim(ids[i], {file}).ok());
  CHECK(it.claim(ids[kOwnersMax], {file}).code() == Code::refused);
  CHECK(it.claim(ids[1], {file}).ok());
  CHECK(it.share(ids[0], file) == Share::shared);
  CHECK(it.share(ids[kOwnersMax], file) == Share::other);
  it.restart();
  CHECK(it.share(ids[kOwnersMax - 1], file) == Share::shared);
}

TEST_CASE("access: a thing that existed before belongs to the node and the key") {
  AccessFixture it;
  const auto first = it.make(1), second = it.make(2);
  REQUIRE(it.claim(first.id, {thing(Kind::entry, 1), thing(Kind::file, 1)}, true).ok());
  CHECK(it.share(first.id, thing(Kind::entry, 1)) == Share::shared);
  CHECK(it.share(first.id, thing(Kind::file, 1)) == Share::shared);
  CHECK(it.claim(second.id, {thing(Kind::entry, 1)}).code() == Code::conflict);
  REQUIRE(it.claim(second.id, {thing(Kind::value, 1)}).ok());
  REQUIRE(it.claim(second.id, {thing(Kind::value, 1)}, true).ok());  // it was owned already
  CHECK(it.share(second.id, thing(Kind::value, 1)) == Share::own);
}

TEST_CASE("access: a released thing belongs to no key, and any key may claim it") {
  AccessFixture it;
  const auto first = it.make(1), second = it.make(2);
  const std::vector<Thing> things{thing(Kind::entry, 1), thing(Kind::file, 1)};
  REQUIRE(it.claim(first.id, things).ok());
  REQUIRE(it.release(things).ok());
  CHECK(it.release(things).ok());
  CHECK(it.release({}).ok());
  it.restart();
  CHECK(it.who_owns(first.id, things).shares == std::vector<Share>{Share::none, Share::none});
  CHECK(it.claim(second.id, things).ok());
  CHECK(it.share(first.id, things[0]) == Share::other);
}

TEST_CASE("access: claims at once are decided one after the other, so one key wins") {
  AccessFixture it;
  std::vector<std::string> ids;
  for (std::uint64_t i = 0; i < 10; ++i) ids.push_back(it.make(i).id);
  std::vector<std::shared_ptr<Came>> came;
  it.at_once([&] {
    for (const std::string& id : ids) came.push_back(it.send_claim(id, {thing(Kind::task, 1), thing(Kind::entry, 1)}));
  });
  it.stage.run_for(5s);
  CHECK(std::ranges::count_if(came, [](const auto& one) { return one->ok(); }) == 1);
  CHECK(std::ranges::count_if(came, [](const auto& one) { return one->code() == Code::conflict; }) == 9);
}

TEST_CASE("access: a key that is revoked while its claim waits gets nothing") {
  AccessFixture it;
  const auto first = it.make(1), second = it.make(2);
  std::shared_ptr<Came> revoked, claimed;
  it.at_once([&] {
    revoked = it.send_revoke(first.id);
    it.send_claim(second.id, {thing(Kind::task, 2)});  // the other claim waits for it
    claimed = it.send_claim(first.id, {thing(Kind::task, 1)});
  });
  it.stage.run_for(5s);
  CHECK(revoked->ok());
  CHECK(claimed->code() == Code::refused);
  CHECK(it.share(second.id, thing(Kind::task, 1)) == Share::none);
}

TEST_CASE("access: the limit of things counts each thing once, and released things no longer") {
  AccessFixture it;
  it.settings.things_max = 3;
  it.restart();
  const auto key = it.make(1), other = it.make(2);
  const auto things = [](std::uint64_t from, std::uint64_t to) {
    std::vector<Thing> out;
    for (; from <= to; ++from) out.push_back(thing(Kind::file, from));
    return out;
  };
  const Thing twice = thing(Kind::file, 1);
  REQUIRE(it.claim(key.id, {twice, twice}).ok());
  REQUIRE(it.claim(other.id, {twice}).ok());
  REQUIRE(it.claim(key.id, things(1, 3)).ok());
  CHECK(it.claim(key.id, things(4, 4)).code() == Code::no_space);
  CHECK(it.claim(other.id, things(2, 2)).ok());
  REQUIRE(it.release({twice, twice}).ok());
  it.restart();
  CHECK(it.claim(key.id, things(4, 4)).ok());
  CHECK(it.claim(key.id, things(5, 5)).code() == Code::no_space);
  it.settings.things_max = 1;
  it.restart();
  CHECK(it.claim(key.id, things(2, 4)).ok());  // its own already
}

TEST_CASE("access: things that are invalid or too many are refused in each request") {
  AccessFixture it;
  const auto key = it.make(1);
  std::vector<Thing> most, many;
  for (std::uint64_t i = 0; i <= kThingsMax; ++i) {
    if (i < kThingsMax) most.push_back(thing(Kind::file, i));
    many.push_back(thing(Kind::file, i));
  }
  CHECK(it.claim(key.id, most).ok());
  CHECK(it.who_owns(key.id, most).shares == std::vector<Share>(kThingsMax, Share::own));
  CHECK(it.release(most).ok());
  CHECK(it.claim(key.id, many).code() == Code::malformed);
  CHECK(it.who_owns(key.id, many).code() == Code::malformed);
  CHECK(it.release(many).code() == Code::malformed);
  CHECK(it.claim(key.id, {}).ok());
  CHECK(it.who_owns(key.id, {}).ok());
}

TEST_CASE("access: a request that was begun with other content is a conflict, also after a restart") {
  AccessFixture it;
  const auto key = it.make(1);
  REQUIRE(it.begin_request(key.id, 1, 1).ok());
  CHECK(it.begin_request(key.id, 1, 1).ok());
  CHECK(it.begin_request(key.id, 1, 2).code() == Code::conflict);
  CHECK(it.begin_request(key.id, 2, 2).ok());
  CHECK(it.begin_request("token", 3, 3).ok());  // not a key of the API
  it.restart();
  CHECK(it.begin_request(key.id, 1, 1).ok());
  CHECK(it.begin_request(key.id, 1, 2).code() == Code::conflict);
  CHECK(it.begin_request("token", 3, 4).code() == Code::conflict);
  std::shared_ptr<Came> one, two;
  it.at_once([&] {
    one = it.send_begin(key.id, 9, 1);
    two = it.send_begin(key.id, 9, 2);
  });
  it.stage.run_for(1s);
  CHECK(one->ok());
  CHECK(two->code() == Code::conflict);
  const auto malformed = [&](std::size_t request, std::size_t content) {
    const base::Bytes bytes(40);
    return it
        .wait(it.send<wire::BeginRequest>([&](wire::BeginRequest::Builder to) {
          to.setId(key.id);
          to.setRequest(data_of(base::ByteView(bytes).first(request)));
          to.setContent(data_of(base::ByteView(bytes).first(content)));
        }))
        .code();
  };
  CHECK(malformed(31, 32) == Code::malformed);
  CHECK(malformed(32, 33) == Code::malformed);
  CHECK(malformed(0, 0) == Code::malformed);
}

TEST_CASE("access: only the newest requests are remembered") {
  AccessFixture it;
  const auto key = it.make(1);
  constexpr std::uint64_t kMax = AccessActor::kRequestsMax;
  std::vector<std::shared_ptr<Came>> came;
  for (std::uint64_t i = 0; i < kMax; ++i) came.push_back(it.send_begin(key.id, i, 1));
  it.stage.run_for(60s);
  CHECK(std::ranges::all_of(came, [](const auto& one) { return one->ok(); }));
  CHECK(it.begin_request(key.id, 0, 2).code() == Code::conflict);
  CHECK(it.begin_request(key.id, kMax, 1).ok());  // in the place of the oldest
  CHECK(it.begin_request(key.id, 1, 2).code() == Code::conflict);
  it.restart();
  it.stage.run_for(10s);
  CHECK(it.begin_request(key.id, 1, 2).code() == Code::conflict);
  CHECK(it.begin_request(key.id, kMax, 2).code() == Code::conflict);
  CHECK(it.begin_request(key.id, 0, 2).ok());
}

TEST_CASE("access: until its rows are read, each request is refused as `unavailable`") {
  AccessFixture it;
  it.end();
  it.actor = it.node.start("access", [&] { return std::make_unique<AccessActor>(it.settings); });
  it.stage.run_for(1s);
  CHECK(it.make(1).code() == Code::unavailable);
  CHECK(it.revoke(kNoId).code() == Code::unavailable);
  CHECK(it.claim(kNoId, {}).code() == Code::unavailable);
  CHECK(it.begin_request(kNoId, 1, 1).code() == Code::unavailable);
  CHECK(it.who_owns(kNoId, {}).code() == Code::unavailable);
  const auto watcher = it.watch();
  it.stage.run_for(1s);
  REQUIRE(watcher->ended);
  CHECK(watcher->ended->code == Code::unavailable);
}

TEST_CASE("access: rows that are not valid are erased at the start") {
  AccessFixture it;
  const auto key = it.make(1);
  REQUIRE(it.begin_request(key.id, 1, 1).ok());
  const auto put = [&](base::Bytes row, const base::Bytes& value) {
    bool done = false;
    it.inside([&](test::Scripted& self) {
      self.ask<store::wire::Commit, messages::wire::Nothing>(
          it.store, self.now() + 5s,
          [&](store::wire::Commit::Builder out) {
            auto one = out.initRows(1)[0];
            one.setKeyspace(kRows);
            one.setKey(data_of(row));
            one.getValue().setPut(data_of(value));
          },
          [&](const runtime::Answer<messages::wire::Nothing>& answer) { done = answer.ok(); });
    });
    it.stage.run_for(1s);
    REQUIRE(done);
  };
  put({'a'}, {1});
  put({'a', 'k', 'x'}, encode(Key{}));
  put(test::bytes_of("ak00000000000000aa"), {1, 2, 3});
  put({'a', 'r', 1}, base::Bytes(40));
  put({'a', 't', 1}, base::Bytes(8));
  put({'a', 'z'}, {1});
  it.restart();
  CHECK(it.list().size() == 1);
  CHECK(it.begin_request(key.id, 1, 2).code() == Code::conflict);
  it.restart();
  CHECK(it.list().size() == 1);
}

TEST_CASE("access: answered changes survive a power failure during later saves") {
  for (std::uint64_t seed = 0; seed < test::rounds(100, 10); ++seed) {
    AccessFixture it(seed + 1);
    base::Random power(seed);
    const auto kept = it.make(1), gone = it.make(2);
    REQUIRE(it.grant(kept.id, "/v1/a").ok());
    REQUIRE(it.claim(kept.id, {thing(Kind::entry, 1)}).ok());
    REQUIRE(it.begin_request(kept.id, 1, 1).ok());
    REQUIRE(it.revoke(gone.id).ok());
    it.disk.halt_after(power.below(12));
    const auto more = it.make(3);
    const auto granted = it.grant(kept.id, "/v1/b");
    const auto claimed = it.claim(kept.id, {thing(Kind::entry, 2)});
    const auto begun = it.begin_request(kept.id, 2, 1);
    it.crash(power);
    const auto keys = it.list();
    REQUIRE(keys.contains(kept.id));
    CHECK(!keys.contains(gone.id));
    CHECK(keys.at(kept.id).grants.front().pattern == "/v1/a");
    CHECK(it.share(kept.id, thing(Kind::entry, 1)) == Share::own);
    CHECK(it.begin_request(kept.id, 1, 2).code() == Code::conflict);
    if (more.ok()) CHECK(keys.contains(more.id));
    if (granted.ok()) CHECK(keys.at(kept.id).grants.size() == 2);
    if (claimed.ok()) CHECK(it.share(kept.id, thing(Kind::entry, 2)) == Share::own);
    if (begun.ok()) CHECK(it.begin_request(kept.id, 2, 2).code() == Code::conflict);
  }
}
