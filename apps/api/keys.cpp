#include "apps/api/keys.hpp"

#include <set>

#include "actors/access/codec.hpp"
#include "apps/api/inner.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps::api {
namespace {

constexpr std::chrono::milliseconds kAgain{250};  // our choice: between two attempts to follow

std::uint64_t unix_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

base::Instant instant() { return base::Instant(std::chrono::steady_clock::now().time_since_epoch()); }

}  // namespace

Keys::Keys(std::shared_ptr<Connection> connection, std::uint32_t rate, std::function<void(const std::string&)> lost)
    : connection_(std::move(connection)),
      rate_(rate),
      lost_(std::move(lost)),
      cancel_(std::make_shared<Cancel>()),
      thread_([this] { follow(); }) {}

Keys::~Keys() {
  {
    const std::lock_guard hold(lock_);
    ending_ = true;
  }
  cancel_->cancel();
  ends_.notify_all();
  thread_.join();
}

std::variant<Caller, Keys::Unknown, Keys::Stale> Keys::find(std::string_view bearer) {
  const std::size_t dot = bearer.find('.');
  if (dot == std::string_view::npos) return Unknown{};
  std::shared_ptr<Held> held;
  {
    const std::lock_guard hold(lock_);
    if (!heard_ || std::chrono::steady_clock::now() - *heard_ > kStaleAfter) return Stale{};
    const auto known = keys_.find(bearer.substr(0, dot));
    if (known == keys_.end()) return Unknown{};
    held = known->second;
  }
  // Hashes are compared, so the time does not show how many characters of a guess are right.
  if (held->key.hash != crypto::sha256(base::as_bytes(bearer.substr(dot + 1))) || held->key.expired(unix_ms()))
    return Unknown{};
  return Caller{held->id, held->key.role, held};
}

/// Runs in the thread.
void Keys::follow() {
  std::unique_lock hold(lock_);
  while (!ending_) {
    hold.unlock();
    std::set<std::string> sent;  // until the copy is complete
    if (auto client = inner_client(connection_, false, cancel_); client.ok()) {
      bool complete = false;
      (void)client.value()->subscribe<access::wire::WatchKeys, access::wire::KeyChange>(
          access::kPath, kStaleAfter, [](access::wire::WatchKeys::Builder) {},
          [&](access::wire::KeyChange::Reader change) -> Client::Outcome<void> {
            if (change.isKey()) {
              if (auto key = access::read(change.getKey())) {
                if (!complete) sent.insert(key->first);
                take(key->first, std::move(key->second));
              }
            } else if (change.isRevoked()) {
              drop(std::string(change.getRevoked()));
            } else if (change.isComplete()) {
              complete = true;
              std::vector<std::string> gone;
              {
                const std::lock_guard again(lock_);
                for (const auto& [id, held] : keys_)
                  if (!sent.contains(id)) gone.push_back(id);
              }
              for (const std::string& id : gone) drop(id);
            }
            end_expired();
            const std::lock_guard again(lock_);
            if (complete) heard_ = std::chrono::steady_clock::now();
            return {};
          });
    }
    hold.lock();
    ends_.wait_for(hold, kAgain, [this] { return ending_; });
  }
}

void Keys::take(const std::string& id, access::Key key) {
  const std::uint32_t rate = key.rate > 0 ? key.rate : rate_;
  auto held = std::make_shared<Held>(id, std::move(key), rate, instant());
  for (const std::string& scope : held->key.scopes)
    if (auto pattern = Pattern::parse(scope); pattern.ok()) held->scopes.push_back(std::move(pattern).value());
  for (const access::Grant& grant : held->key.grants)
    if (auto pattern = Pattern::parse(grant.pattern); pattern.ok())
      held->grants.emplace_back(std::move(pattern).value(), grant.write);
  const std::lock_guard hold(lock_);
  auto& known = keys_[id];
  if (known != nullptr) {
    const std::lock_guard with(known->lock);
    held->told_used = known->told_used;
    if (known->key.rate == held->key.rate) held->budget = known->budget;
  }
  known = std::move(held);
}

void Keys::drop(const std::string& id) {
  {
    const std::lock_guard hold(lock_);
    if (keys_.erase(id) == 0) return;
  }
  lost_(id);
}

/// Ends what runs for keys that have expired; find() checks the time itself.
void Keys::end_expired() {
  std::vector<std::string> over;
  {
    const std::lock_guard hold(lock_);
    for (const auto& [id, held] : keys_)
      if (held->key.expired(unix_ms())) over.push_back(id);
  }
  for (const std::string& id : over) drop(id);
}

}  // namespace troupe::apps::api
