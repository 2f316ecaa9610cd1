#include "actors/access/access_actor.hpp"

#include <algorithm>

#include "messages/codec.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/base/fields.hpp"

namespace troupe::access {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;
using base::Error;

constexpr std::uint8_t kRow = 'a', kKeyRow = 'k', kRequestRow = 'r', kThingsRow = 't';
constexpr std::size_t kPageKeys = 32;  // messages/access.capnp
const Error kBusy{Code::overloaded, "the key is being changed", std::chrono::milliseconds(100)};

Bytes key_row(const std::string& id) {
  Bytes out{kRow, kKeyRow};
  base::append(out, base::as_bytes(id));
  return out;
}

Bytes request_row(const base::Digest& request) {
  Bytes out{kRow, kRequestRow};
  base::append(out, request.view());
  return out;
}

bool is_pattern(const std::string& text) { return text.starts_with("/v1/") && text.size() <= kPatternBytesMax; }

}  // namespace

AccessActor::AccessActor(AccessSettings settings)
    : settings_(std::move(settings)),
      rows_(*this, {.store = settings_.store,
                    .keyspace = kRows,
                    .what = "the keys of the HTTP API",
                    .source = kRows,
                    .health = settings_.health,
                    .unread_is = observe::HealthState::degraded,
                    .doubt = store::Doubt::ends_owner,
                    .first = {kRow},
                    .prefix = {kRow}}),
      owners_(*this, {.store = settings_.store,
                      .keyspace = kRows,
                      .what = "the owners of what was made through keys",
                      .source = "access-owners",
                      .health = settings_.health,
                      .unread_is = observe::HealthState::degraded,
                      .doubt = store::Doubt::ends_owner,
                      .first = {0xff}}) {}  // read on demand

void AccessActor::receive(runtime::Handlers& on) {
  on.ask<wire::MakeKey, wire::KeyMade>([this](wire::MakeKey::Reader order, auto reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    make_key(order, std::move(reply));
  });
  on.ask<wire::RevokeKey, messages::wire::Nothing>([this](wire::RevokeKey::Reader order, Done reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    revoke(text_of(order.getId()), std::move(reply));
  });
  on.ask<wire::SetGrant, messages::wire::Nothing>([this](wire::SetGrant::Reader order, Done reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    grant(order, std::move(reply));
  });
  on.ask<wire::BeginRequest, messages::wire::Nothing>([this](wire::BeginRequest::Reader request, Done reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    begin_request(request, std::move(reply));
  });
  on.ask<wire::Used, messages::wire::Nothing>([this](wire::Used::Reader note, Done reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    used(text_of(note.getId()), std::move(reply));
  });
  on.ask<wire::ListKeys, wire::Keys>([this](wire::ListKeys::Reader question, auto reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    list(question, std::move(reply));
  });
  on.ask<wire::WhoOwns, wire::Owned>([this](wire::WhoOwns::Reader question, auto reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    who_owns(question, std::move(reply));
  });
  on.ask<wire::Claim, messages::wire::Nothing>([this](wire::Claim::Reader order, Done reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    claim(order, std::move(reply));
  });
  on.ask<wire::Release, messages::wire::Nothing>([this](wire::Release::Reader order, Done reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    release(order, std::move(reply));
  });
  on.stream<wire::WatchKeys, wire::KeyChange>(
      [this](wire::WatchKeys::Reader, runtime::Sink<wire::KeyChange> sink) { watch(std::move(sink)); });
  on.ask<runtime::wire::AwaitReady, messages::wire::Nothing>(
      [this](auto, auto reply) { rows_.when_settled([reply = std::move(reply)]() mutable { reply.done(); }); });
  on.timer<Still>([this] { still(); });
  rows_.receive<RowsAgain>(on);
  owners_.receive<OwnersAgain>(on);
  on.describe<wire::AccessState>([this](wire::AccessState::Builder state) {
    state.setKeys(size32(keys_));
    state.setWatchers(static_cast<std::uint32_t>(watchers_.size()));
    state.setRequests(size32(requests_));
    state.setRefused(refused_);
    state.setThings(things_);
  });
}

void AccessActor::start() {
  node()
      .publish<wire::MakeKey, wire::RevokeKey, wire::SetGrant, wire::ListKeys, wire::WatchKeys, wire::WhoOwns,
               wire::Claim, wire::Release, wire::BeginRequest, wire::Used>(kPath, self());
  rows_.load([this](ByteView key, ByteView value) { return take(key, value); },
             [this](const base::Outcome<void>&) { loaded(); });
  owners_.load([](ByteView, ByteView) { return store::Use::keep; }, [](const base::Outcome<void>&) {});
}

void AccessActor::stop() {
  rows_.stop();
  owners_.stop();
}

void AccessActor::check() const {
  rows_.check();
  owners_.check();
  base::ensure(requests_.size() == serials_.size(), "each request has a serial number");
  base::ensure(serials_.size() <= kRequestsMax || !ready_, "few requests are remembered");
  base::ensure(watchers_.size() <= kWatchersMax, "few watchers");
}

store::Use AccessActor::take(ByteView row_key, ByteView value) {
  if (row_key.size() < 2) return store::Use::erase;
  const ByteView rest = row_key.subspan(2);
  if (row_key[1] == kKeyRow) {
    std::string id(rest.begin(), rest.end());
    auto key = decode_key(value);
    if (!key || !is_id(id)) return store::Use::erase;
    keys_.insert_or_assign(std::move(id), std::move(*key));
    return store::Use::keep;
  }
  if (row_key[1] == kThingsRow) {
    base::FieldReader from(value);
    things_ = from.number<std::uint64_t>();
    return from.ended() && rest.empty() ? store::Use::keep : store::Use::erase;
  }
  const auto request = base::Digest::from(rest);
  base::FieldReader from(value);
  Request done{from.number<std::uint64_t>(), from.fixed<base::Digest>()};
  if (row_key[1] != kRequestRow || !request || !from.ended() || serials_.contains(done.serial))
    return store::Use::erase;
  requests_.insert_or_assign(*request, done);
  serials_.insert_or_assign(done.serial, *request);
  return store::Use::keep;
}

void AccessActor::loaded() {
  while (serials_.size() > kRequestsMax) {  // rows that could not be erased
    requests_.erase(serials_.begin()->second);
    serials_.erase(serials_.begin());
  }
  ready_ = true;
}

bool AccessActor::valid(const std::string& id) const {
  const auto key = keys_.find(id);
  return key != keys_.end() && !key->second.expired(unix_ms());
}

Error AccessActor::no_key() {
  ++refused_;
  return {Code::refused, "the key was revoked, or has expired"};
}

// -- keys

void AccessActor::make_key(wire::MakeKey::Reader order, runtime::Reply<wire::KeyMade> reply) {
  const auto hash = base::Digest::from(bytes_of(order.getHash()));
  const auto role = static_cast<std::size_t>(order.getRole());
  if (!hash || role >= kRoleNames.size())
    return reply.refuse({Code::malformed, "invalid key: expected a hash of 32 bytes and a known role"});
  if (order.getScopes().size() > kScopesMax) return reply.refuse({Code::malformed, "too many scopes: at most 16"});
  if (order.getRate() > kRateMax) return reply.refuse({Code::malformed, "the rate is too large"});
  Key key{.hash = *hash, .role = static_cast<Role>(role), .rate = order.getRate()};
  for (const auto scope : order.getScopes()) {
    key.scopes.push_back(text_of(scope));
    if (!is_pattern(key.scopes.back()))
      return reply.refuse({Code::malformed, "invalid scope: expected a path below /v1/, at most 256 bytes"});
  }
  key.created = unix_ms();
  key.expires = order.getExpires();
  if (key.expired(key.created)) return reply.refuse({Code::malformed, "the key would have expired already"});
  const auto answer = [](const std::string& id, runtime::Reply<wire::KeyMade>& to) {
    to.send([&](wire::KeyMade::Builder out) { out.setId(id); });
  };
  const auto known = std::ranges::find_if(keys_, [&](const auto& one) { return one.second.hash == *hash; });
  if (known != keys_.end()) return answer(known->first, reply);
  if (making_.contains(*hash)) return reply.refuse(kBusy);
  if (keys_.size() + making_.size() >= settings_.keys_max)
    return reply.refuse({Code::refused, "too many keys: revoke one, or raise access.keys_max"});
  std::array<std::uint8_t, kIdCharacters / 2> drawn{};
  world().chance.fill(drawn);
  const std::string id = base::hex(drawn);
  if (keys_.contains(id) || id == kNodeOwner) return reply.refuse({Code::conflict, "try again"});  // one in 2^64
  making_.insert(*hash);
  auto done = [this, id, hash = *hash, answer, reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
    making_.erase(hash);
    if (!saved.ok()) return reply.refuse(saved.error());
    answer(id, reply);
  };
  save_key(id, std::move(key), std::move(done));
}

/// Saves a key. Once it is durable, it counts and watchers get it.
void AccessActor::save_key(const std::string& id, Key key, base::Callback<void(base::Outcome<void>)> done) {
  if (!changing_.insert(id).second) return done(kBusy);
  store::RowChange change;
  change.save.push_back({key_row(id), encode(key)});
  rows_.save(std::move(change),
             [this, id, key = std::move(key), done = std::move(done)](const base::Outcome<void>& saved) mutable {
               changing_.erase(id);
               if (saved.ok()) {
                 keys_.insert_or_assign(id, std::move(key));
                 changed(id);
               }
               done(saved);
             });
}

void AccessActor::revoke(const std::string& id, Done reply) {
  if (!keys_.contains(id)) return reply.refuse({Code::not_found, "there is no such key"});
  if (!changing_.insert(id).second) return reply.refuse(kBusy);
  store::RowChange change;
  change.erase.push_back(key_row(id));
  if (world().mutations.on("access.revoked_in_memory")) change = {};
  rows_.save(std::move(change), [this, id, reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
    changing_.erase(id);
    if (!saved.ok()) return reply.refuse(saved.error());
    keys_.erase(id);
    if (!world().mutations.on("access.unwatched")) changed(id);
    reply.done();
  });
}

void AccessActor::grant(wire::SetGrant::Reader order, Done reply) {
  const std::string id = text_of(order.getId()), pattern = text_of(order.getPattern());
  const auto known = keys_.find(id);
  if (known == keys_.end()) return reply.refuse({Code::not_found, "there is no such key"});
  if (!is_pattern(pattern))
    return reply.refuse({Code::malformed, "invalid pattern: expected a path below /v1/, at most 256 bytes"});
  Key key = known->second;
  std::erase_if(key.grants, [&](const Grant& one) { return one.pattern == pattern; });
  if (const auto access = order.getAccess(); !access.isNone()) {
    if (key.grants.size() >= kGrantsMax)
      return reply.refuse({Code::refused, "too many grants of this key: at most 64"});
    key.grants.push_back({pattern, access.isWrite()});
    std::ranges::sort(key.grants, {}, &Grant::pattern);
  }
  save_key(id, std::move(key), [reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
    if (!saved.ok()) return reply.refuse(saved.error());
    reply.done();
  });
}

void AccessActor::list(wire::ListKeys::Reader question, runtime::Reply<wire::Keys> reply) const {
  auto at = keys_.upper_bound(text_of(question.getBehind()));
  const auto count = std::min(kPageKeys, static_cast<std::size_t>(std::distance(at, keys_.end())));
  reply.send([&](wire::Keys::Builder out) {
    auto rows = out.initKeys(static_cast<unsigned>(count));
    for (unsigned i = 0; i < rows.size(); ++i, ++at) write(rows[i], at->first, at->second);
    out.setMore(at != keys_.end());
  });
}

void AccessActor::used(const std::string& id, Done reply) {
  const auto known = keys_.find(id);
  if (known != keys_.end() && known->second.last_used + kUsedEveryMs <= unix_ms() && !changing_.contains(id)) {
    Key key = known->second;
    key.last_used = unix_ms();
    save_key(id, std::move(key), [](const base::Outcome<void>&) {});
  }
  reply.done();
}

// -- requests

void AccessActor::begin_request(wire::BeginRequest::Reader request, Done reply) {
  const auto name = base::Digest::from(bytes_of(request.getRequest()));
  const auto content = base::Digest::from(bytes_of(request.getContent()));
  const std::string id = text_of(request.getId());
  if (!name || !content) return reply.refuse({Code::malformed, "invalid request: expected two hashes of 32 bytes"});
  if (is_id(id) && !valid(id)) return reply.refuse(no_key());
  const auto known = requests_.find(*name);
  if (known != requests_.end() && known->second.content != *content)
    return reply.refuse({Code::conflict, "the same Idempotency-Key was used for another request"});
  // Counts at once, so that a second request with other content is refused while this one is saved.
  const bool added = known == requests_.end();
  const Request done{serials_.empty() ? 1 : serials_.rbegin()->first + 1, *content};
  store::RowChange change;
  Bytes row;
  base::append_number(row, added ? done.serial : known->second.serial);
  base::append(row, content->view());
  change.save.push_back({request_row(*name), std::move(row)});
  if (added) {
    while (serials_.size() >= kRequestsMax) {
      const auto oldest = serials_.begin();
      change.erase.push_back(request_row(oldest->second));
      requests_.erase(oldest->second);
      serials_.erase(oldest);
    }
    requests_.insert_or_assign(*name, done);
    serials_.insert_or_assign(done.serial, *name);
  }
  rows_.save(std::move(change), [reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
    if (!saved.ok()) return reply.refuse(saved.error());
    reply.done();
  });
}

// -- watchers

void AccessActor::watch(runtime::Sink<wire::KeyChange> sink) {
  if (!ready_) return sink.fail(rows_.refusal());
  if (watchers_.size() >= kWatchersMax) return sink.fail({Code::overloaded, "too many watchers of keys"});
  const auto watcher = watchers_.insert(watchers_.end(), Watcher{.sink = std::move(sink), .heard = now()});
  for (const auto& [id, key] : keys_) watcher->waiting.insert(id);
  watcher->sink.on_ready([this, watcher] { pump(watcher); });
  watcher->sink.on_cancel([this, watcher] { watchers_.erase(watcher); });
  pump(watcher);
  if (watchers_.size() == 1) after<Still>(kStill);
}

void AccessActor::changed(const std::string& id) {
  for (auto next = watchers_.begin(); next != watchers_.end();) {
    const auto watcher = next++;
    watcher->waiting.insert(id);
    pump(watcher);
    if (watcher->waiting.size() <= keys_.size() + kBehindMax) continue;
    watcher->sink.fail({Code::overloaded, "the watcher does not read"});
    watchers_.erase(watcher);
  }
}

/// Sends a watcher what it does not know yet, as far as its credit goes.
void AccessActor::pump(Watchers::iterator watcher) {
  auto& [sink, waiting, complete, heard] = *watcher;
  while (sink.ready() && (!waiting.empty() || !complete)) {
    heard = now();
    if (waiting.empty()) {
      complete = true;
      sink.push([](wire::KeyChange::Builder out) { out.setComplete(); });
      continue;
    }
    const std::string id = *waiting.begin();
    waiting.erase(waiting.begin());
    const auto key = keys_.find(id);
    sink.push([&](wire::KeyChange::Builder out) {
      if (key == keys_.end()) out.setRevoked(id);
      else write(out.initKey(), id, key->second);
    });
  }
}

void AccessActor::still() {
  for (Watcher& watcher : watchers_) {
    if (!watcher.sink.ready() || now() - watcher.heard < kStill / 2) continue;
    watcher.heard = now();
    watcher.sink.push([](wire::KeyChange::Builder out) { out.setStill(); });
  }
  if (!watchers_.empty()) after<Still>(kStill);
}

}  // namespace troupe::access
