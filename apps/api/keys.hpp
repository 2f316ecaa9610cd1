#pragma once
// A copy of the node's API keys, which a thread of its own keeps up to date.
//
// Fresh   the node sends each change at once, and something every second. If the copy has heard nothing for kStaleAfter,
//         no key is valid, so that a revoked key stops within that time also if the node hangs.
// Safety  any thread.
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "actors/access/logic/key.hpp"
#include "apps/api/pattern.hpp"
#include "apps/cli/connection.hpp"
#include "runtime/base/rate_limit.hpp"

namespace troupe::apps::api {

inline constexpr std::chrono::milliseconds kStaleAfter{3'000};  // our choice: two missed words and a slow machine
inline constexpr std::size_t kStreamsPerKey = 8;

/// A key with its patterns read.
struct Held {
  Held(std::string name, access::Key one, std::uint32_t rate, base::Instant now)
      : id(std::move(name)), key(std::move(one)), budget(rate, rate, now) {}

  const std::string id;
  const access::Key key;
  std::vector<Pattern> scopes;
  std::vector<std::pair<Pattern, bool>> grants;  ///< whether each lets the key change things
  std::mutex lock;                               ///< of what follows
  base::RateLimit budget;
  std::uint64_t told_used = 0;  ///< Unix ms of the last message to the node that it was used
};

/// The sender of a request.
struct Caller {
  std::string id;  ///< of the key, or kTokenCaller
  access::Role role = access::Role::viewer;
  std::shared_ptr<Held> held;  ///< null for the token
};
inline constexpr const char* kTokenCaller = "token";

class Keys {
 public:
  /// `lost` is called with the id of each key that ends, in any thread.
  Keys(std::shared_ptr<Connection> connection, std::uint32_t rate, std::function<void(const std::string&)> lost);
  ~Keys();

  struct Unknown {};
  struct Stale {};  ///< the node does not answer
  /// Finds the key "ID.SECRET".
  std::variant<Caller, Unknown, Stale> find(std::string_view bearer);

 private:
  void follow();
  void take(const std::string& id, access::Key key);
  void drop(const std::string& id);
  void end_expired();

  const std::shared_ptr<Connection> connection_;
  const std::uint32_t rate_;
  const std::function<void(const std::string&)> lost_;
  std::mutex lock_;
  std::condition_variable ends_;
  std::map<std::string, std::shared_ptr<Held>, std::less<>> keys_;
  std::optional<std::chrono::steady_clock::time_point> heard_;  // nullopt: the copy is not complete
  bool ending_ = false;
  std::shared_ptr<Cancel> cancel_;
  std::thread thread_;
};

}  // namespace troupe::apps::api
