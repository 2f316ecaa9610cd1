#include "actors/access/sim_workload.hpp"

#include <algorithm>

#include "messages/codec.hpp"
#include "messages/common.capnp.h"
#include "runtime/base/ensure.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::access {
namespace {

using base::Code;
using messages::wire::Nothing;
using sim::MaybeError;
using sim::node_name;

constexpr std::chrono::seconds kAnswer{90};  // our choice: longer than a commit of the store may take
constexpr std::chrono::seconds kIdle{30};    // our choice: a watcher gets an item every second
constexpr base::Duration kNoticed = std::chrono::seconds(2);

base::Digest digest_of(const std::string& text) { return crypto::sha256(base::as_bytes(text)); }

base::Digest secret_of(std::int64_t key, const SimKey& about) {
  return digest_of("secret " + std::to_string(key) + ' ' + std::to_string(about.made));
}

Thing thing_of(const sim::Operation& operation) {
  return {static_cast<Kind>(operation.number("kind")), digest_of(std::to_string(operation.number("thing")))};
}

std::string pattern_of(std::int64_t number) { return "/v1/kv/get/" + std::to_string(number); }

/// Whether the error says that the request was refused, and not only that the node cannot serve it now.
bool refused(const MaybeError& error) { return error && error->code == Code::refused; }
bool conflicts(const MaybeError& error) { return error && error->code == Code::conflict; }

}  // namespace

void AccessWorkload::perform(const sim::Operation& operation) {
  SimLedger* const about = ledger(operation.node);
  if (about == nullptr) return;
  watch(operation.node, *about);
  const std::string_view what = std::string_view(operation.what).substr(std::string_view("access.").size());
  by_operation([&] {
    if (what == "make") return make(operation.node, *about, operation.number("key"));
    if (what == "revoke") return revoke(operation.node, *about, operation.number("key"));
    if (what == "grant") return grant(operation.node, *about, operation);
    if (what == "claim") return claim(operation.node, *about, operation);
    if (what == "release") return release(operation.node, *about, thing_of(operation));
    if (what == "begin") return begin_request(operation.node, *about, operation);
    base::ensure(what == "read", "an operation of this domain is in its spec");
    read(operation.node, *about, [](bool) {});
  });
}

void AccessWorkload::died(std::size_t node) {
  if (SimLedger* const about = ledger(node)) about->died();
  Clients::died(node);
  watchers_.erase(node);
  reading_.erase(node);
  right_.erase(node);
}

void AccessWorkload::probe() {
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    SimLedger* const about = nodes_.serving(node) ? ledger(node) : nullptr;
    if (about == nullptr) continue;
    watch(node, *about);
    if (right_.contains(node) || !reading_.insert(node).second) continue;
    read(node, *about, [this, node](bool done) {
      reading_.erase(node);
      if (done) right_.insert(node);
    });
  }
}

std::vector<std::string> AccessWorkload::waits() const {
  std::vector<std::string> out = under_way();
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    if (!right_.contains(node)) out.push_back("the keys of " + node_name(node) + " were not read yet");
    const auto watcher = watchers_.find(node);
    const auto id = nodes_.id(node);
    if (watcher == watchers_.end() || !watcher->second->complete || !id) {
      out.push_back("a watcher of " + node_name(node) + " does not know its keys yet");
      continue;
    }
    const SimLedger& about = ledgers_.at(*id);
    if (const std::string what = unknown(about, *watcher->second, nodes_.time()); !what.empty() && !lost(about))
      out.push_back("a watcher of " + node_name(node) + ' ' + what);
  }
  return out;
}

SimLedger* AccessWorkload::ledger(std::size_t node) {
  const auto id = nodes_.id(node);
  if (!id) return nullptr;
  SimLedger& out = ledgers_[*id];
  out.machines.insert(node);
  return &out;
}

bool AccessWorkload::lost(const SimLedger& ledger) const {
  return std::ranges::any_of(ledger.machines, [this](std::size_t node) { return nodes_.lost_data(node); });
}

void AccessWorkload::broken(const SimLedger& ledger, std::string_view invariant, const sim::Client& client,
                            const std::string& how) {
  if (!lost(ledger)) violated(invariant, client, how);
}

// -- keys

void AccessWorkload::make(std::size_t node, SimLedger& ledger, std::int64_t key) {
  SimKey& about = ledger.keys[static_cast<std::size_t>(key)];
  if (about.revoking) return;
  sim::Client& client = begin(node, "to make key " + std::to_string(key));
  const base::Digest secret = secret_of(key, about);
  ask<wire::MakeKey, wire::KeyMade>(
      client, kPath, kAnswer,
      [secret](wire::MakeKey::Builder out) {
        out.setHash(data_of(secret.view()));
        out.setRole(wire::Role::USER);
      },
      [this, &client, &ledger, &about, made = about.made](const MaybeError& error, wire::KeyMade::Reader answer) {
        if (error) return;
        const std::string id = text_of(answer.getId());
        if (ledger.revoked.contains(id)) return broken(ledger, "revoked", client, "got a revoked key");
        if (about.made != made) return;  // it was revoked in the meantime
        if (about.id.empty()) about.id = id;
        else if (about.id != id && !about.revoking)
          broken(ledger, "same", client, "got key " + id + " although it is " + about.id);
      });
}

void AccessWorkload::revoke(std::size_t node, SimLedger& ledger, std::int64_t key) {
  SimKey& about = ledger.keys[static_cast<std::size_t>(key)];
  if (about.id.empty()) return;
  const bool first = !std::exchange(about.revoking, true);
  sim::Client& client = begin(node, "to revoke key " + std::to_string(key));
  ask<wire::RevokeKey, Nothing>(
      client, kPath, kAnswer, [id = about.id](wire::RevokeKey::Builder out) { out.setId(id); },
      [this, &client, &ledger, &about, id = about.id, first](const MaybeError& error, Nothing::Reader) {
        const bool gone = error && error->code == Code::not_found;
        if (gone && first) broken(ledger, "exists", client, "did not find key " + id);
        if (error && !gone) return;
        ledger.revoked.try_emplace(id, nodes_.time());
        if (about.id == id) about = {.made = about.made + 1};
      });
}

void AccessWorkload::grant(std::size_t node, SimLedger& ledger, const sim::Operation& operation) {
  const std::int64_t key = operation.number("key"), number = operation.number("pattern");
  const std::int64_t access = operation.number("access");
  SimKey& about = ledger.keys[static_cast<std::size_t>(key)];
  if (!ledger.exists(about) || !about.granting.insert(number).second) return;
  about.grants.erase(number);
  const std::string pattern = pattern_of(number);
  sim::Client& client = begin(node, "to grant " + pattern + " to key " + std::to_string(key));
  ask<wire::SetGrant, Nothing>(
      client, kPath, kAnswer,
      [id = about.id, pattern, access](wire::SetGrant::Builder out) {
        out.setId(id);
        out.setPattern(pattern);
        if (access == 0) out.getAccess().setNone();
        else if (access == 1) out.getAccess().setRead();
        else out.getAccess().setWrite();
      },
      [this, &client, &ledger, &about, id = about.id, number, pattern, access](const MaybeError& error,
                                                                               Nothing::Reader) {
        if (about.id != id) return;  // it was revoked
        about.granting.erase(number);
        if (error && error->code == Code::not_found && !about.revoking)
          broken(ledger, "exists", client, "did not find key " + id);
        if (error) return;
        about.grants[number] = access == 0 ? std::nullopt : std::optional(Grant{pattern, access == 2});
      });
}

// -- things and requests

void AccessWorkload::claim(std::size_t node, SimLedger& ledger, const sim::Operation& operation) {
  const std::int64_t key = operation.number("key");
  const Thing thing = thing_of(operation);
  // A key that was revoked is used once more, until its place has a new key.
  const SimKey& about = ledger.keys[static_cast<std::size_t>(key)];
  const std::string id = !about.id.empty() || ledger.revoked.empty() ? about.id : ledger.revoked.begin()->first;
  if (id.empty()) return;
  SimThing& owned = ledger.things[thing];
  sim::Client& client = begin(node, "to claim a thing for key " + id);
  ask<wire::Claim, Nothing>(
      client, kPath, kAnswer,
      [id, thing, with_node = operation.number("node") == 1](wire::Claim::Builder out) {
        out.setId(id);
        write(out.initThings(1)[0], thing);
        out.setWithNode(with_node);
      },
      [this, &client, &ledger, &owned, id, thing, gone = ledger.revoked.contains(id), exists = ledger.exists(about),
       key, releases = owned.releases, settled = owned.releasing == 0](const MaybeError& error, Nothing::Reader) {
        if (gone && (!error || conflicts(error)))
          return broken(ledger, "revoked", client, "was answered although the key was revoked before");
        const bool unchanged = settled && owned.releases == releases;
        const bool kept = unchanged && owned.owners.contains(id);
        if (conflicts(error) && kept) return broken(ledger, "kept", client, "got a conflict with its own claim");
        const SimKey& now = ledger.keys[static_cast<std::size_t>(key)];
        if (refused(error) && exists && now.id == id && !now.revoking)
          return broken(ledger, "exists", client, "was refused although the key exists");
        if (error) return;
        const bool another = std::ranges::any_of(owned.owners, [&](const std::string& one) { return one != id; });
        if (another && !may_share(thing.kind))
          return broken(ledger, "one-owner", client, "got a thing of key " + *owned.owners.begin());
        if (unchanged) owned.owners.insert(id);
      });
}

void AccessWorkload::release(std::size_t node, SimLedger& ledger, const Thing& thing) {
  SimThing& owned = ledger.things[thing];
  owned.owners.clear();
  ++owned.releases;
  ++owned.releasing;
  ask<wire::Release, Nothing>(
      begin(node, "to release a thing"), kPath, kAnswer,
      [thing](wire::Release::Builder out) { write(out.initThings(1)[0], thing); },
      [&owned](const MaybeError&, Nothing::Reader) { --owned.releasing; });
}

void AccessWorkload::begin_request(std::size_t node, SimLedger& ledger, const sim::Operation& operation) {
  const std::int64_t key = operation.number("key");
  const SimKey& about = ledger.keys[static_cast<std::size_t>(key)];
  const std::string id = !about.id.empty() || ledger.revoked.empty() ? about.id : ledger.revoked.rbegin()->first;
  if (id.empty()) return;
  const base::Digest request = digest_of(id + ' ' + std::to_string(operation.number("request")));
  const base::Digest content = digest_of(std::to_string(operation.number("content")));
  sim::Client& client = begin(node, "to begin a request of key " + id);
  const auto known = ledger.requests.find(request);
  ask<wire::BeginRequest, Nothing>(
      client, kPath, kAnswer,
      [id, request, content](wire::BeginRequest::Builder out) {
        out.setId(id);
        out.setRequest(data_of(request.view()));
        out.setContent(data_of(content.view()));
      },
      [this, &client, &ledger, id, request, content, gone = ledger.revoked.contains(id),
       same = known != ledger.requests.end() && known->second == content](const MaybeError& error, Nothing::Reader) {
        if (gone && (!error || conflicts(error)))
          return broken(ledger, "revoked", client, "was answered although the key was revoked before");
        if (conflicts(error) && same) return broken(ledger, "once", client, "got a conflict with its own request");
        if (error) return;
        const auto [begun, added] = ledger.requests.try_emplace(request, content);
        if (begun->second != content)
          broken(ledger, "once", client, "was accepted although it was begun with other content before");
      });
}

// -- reads

void AccessWorkload::read(std::size_t node, SimLedger& ledger, const std::function<void(bool)>& ended) {
  sim::Client& client = begin(node, "to list the keys");
  ask<wire::ListKeys, wire::Keys>(
      client, kPath, kAnswer, [](wire::ListKeys::Builder) {},
      [this, node, &client, &ledger, before = ledger, ended](const MaybeError& error, wire::Keys::Reader answer) {
        if (error) return ended(false);
        compare(client, ledger, before, answer);
        ask_owners(node, ledger, 0, ended);
      });
}

/// Compares a list of keys with what was acknowledged before it was requested, and still holds now.
void AccessWorkload::compare(const sim::Client& client, SimLedger& ledger, const SimLedger& before,
                             wire::Keys::Reader keys) {
  std::map<std::string, Key> listed;
  for (const auto one : keys.getKeys())
    if (auto key = access::read(one)) listed.insert(std::move(*key));
  for (const auto& [id, when] : before.revoked)
    if (listed.contains(id)) broken(ledger, "revoked", client, "has key " + id + ", which was revoked");
  for (std::size_t i = 0; i < ledger.keys.size(); ++i) {
    const SimKey &then = before.keys[i], &now = ledger.keys[i];
    if (!before.exists(then) || then.id != now.id || now.revoking) continue;
    const auto key = listed.find(now.id);
    if (key == listed.end()) return broken(ledger, "exists", client, "does not have key " + now.id);
    for (const auto& [number, grant] : then.grants) {
      const auto still = now.grants.find(number);
      if (still == now.grants.end() || still->second != grant || now.granting.contains(number)) continue;
      const auto found = std::ranges::find(key->second.grants, pattern_of(number), &Grant::pattern);
      const bool has = found != key->second.grants.end();
      if (has != grant.has_value() || (has && *found != *grant))
        broken(ledger, "exists", client, "has another grant of " + pattern_of(number) + " for key " + now.id);
    }
  }
}

void AccessWorkload::ask_owners(std::size_t node, SimLedger& ledger, std::size_t key,
                                const std::function<void(bool)>& ended) {
  while (key < ledger.keys.size() && !ledger.exists(ledger.keys[key])) ++key;
  if (key == ledger.keys.size() || ledger.things.empty()) return ended(true);
  const std::string id = ledger.keys[key].id;
  sim::Client& client = begin(node, "to ask what belongs to key " + id);
  std::vector<std::pair<Thing, SimThing>> before(ledger.things.begin(), ledger.things.end());
  ask<wire::WhoOwns, wire::Owned>(
      client, kPath, kAnswer,
      [id, before](wire::WhoOwns::Builder out) {
        out.setId(id);
        auto things = out.initThings(size32(before));
        for (unsigned i = 0; i < things.size(); ++i) write(things[i], before[i].first);
      },
      [this, node, &client, &ledger, key, id, before, ended](const MaybeError& error, wire::Owned::Reader answer) {
        const SimKey& about = ledger.keys[key];
        const bool exists = about.id == id && !about.revoking;
        if (refused(error)) {
          if (exists) broken(ledger, "exists", client, "was refused although the key exists");
          return ask_owners(node, ledger, key + 1, ended);
        }
        if (error) return ended(false);
        const auto shares = answer.getShares();
        for (unsigned i = 0; i < before.size() && i < shares.size(); ++i) {
          const SimThing &then = before[i].second, &now = ledger.things[before[i].first];
          if (then.releasing > 0 || now.releases != then.releases) continue;
          const auto share = static_cast<Share>(shares[i]);
          const bool mine = share == Share::own || share == Share::shared;
          if (then.owners.contains(id) && !mine) broken(ledger, "kept", client, "misses a thing that it claimed");
          const bool others = std::ranges::any_of(then.owners, [&](const std::string& one) { return one != id; });
          if (mine && others && !may_share(before[i].first.kind))
            broken(ledger, "one-owner", client, "has a thing of key " + *then.owners.begin());
        }
        ask_owners(node, ledger, key + 1, ended);
      });
}

// -- watchers

void AccessWorkload::watch(std::size_t node, SimLedger& ledger) {
  auto& watcher = watchers_[node];
  if (watcher && !watcher->over) {
    if (without_faults_ && watcher->complete && !lost(ledger) && nodes_.time() > kNoticed) {
      const std::string what = unknown(ledger, *watcher, nodes_.time() - kNoticed);
      if (!what.empty()) nodes_.violated("watched", "a watcher of " + node_name(node) + ' ' + what);
    }
    return;
  }
  watcher = std::make_shared<Watcher>();
  nodes_.inside(node, [this, node, &ledger, watcher](Inside& actor) {
    watcher->hold = actor.subscribe<wire::WatchKeys, wire::KeyChange>(
        actor.node().find(kPath), kIdle, [](wire::WatchKeys::Builder) {},
        [this, node, &ledger, watcher](wire::KeyChange::Reader change) { heard(node, ledger, *watcher, change); },
        [watcher](const base::Outcome<void>&) { watcher->over = true; });
  });
}

void AccessWorkload::heard(std::size_t node, SimLedger& ledger, Watcher& watcher, wire::KeyChange::Reader change) {
  if (change.isComplete()) watcher.complete = true;
  if (change.isKey()) watcher.ids.insert(text_of(change.getKey().getId()));
  if (change.isRevoked()) watcher.ids.erase(text_of(change.getRevoked()));
  const auto own = watchers_.find(node);
  if (own != watchers_.end() && own->second.get() == &watcher) watch(node, ledger);
}

std::string AccessWorkload::unknown(const SimLedger& ledger, const Watcher& watcher, base::Duration since) const {
  for (const auto& [id, when] : ledger.revoked)
    if (when <= since && watcher.ids.contains(id)) return "has not learnt that key " + id + " was revoked";
  return "";
}

}  // namespace troupe::access
