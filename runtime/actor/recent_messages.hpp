#pragma once
// The last messages, errors and handler times of an actor: kept while the inspector watches it, or after a failure.
//
// Memory  from one allowance per node (RecentPool), returned when the actor drops it.
// Owner   RecentMessages belong only to their actor; RecentPool is safe from any thread.
#include <array>
#include <atomic>
#include <caf/actor_addr.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "messages/kinds.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::runtime {

inline constexpr std::size_t kRecentBytesMax = 8u << 20;        // for all actors of a node
inline constexpr std::chrono::seconds kRecentTime{60};          // after the last request of an inspector
inline constexpr std::chrono::seconds kTroubleRecentTime{600};  // our choice: time for a person to inspect it

/// The spent part of the allowance.
struct RecentGrants {
  struct Granted {
    caf::actor_addr whom;
    base::Instant until;
  };
  std::atomic<std::size_t> spent{0};  // bytes
  std::mutex lock;
  std::map<std::uint64_t, Granted> granted;  // by CAF's number; RecentMessages removes its entry when it ends
  std::uint64_t last = 0;
};

class RecentMessages {
 public:
  static constexpr std::size_t kMessages = 32;
  static constexpr std::size_t kErrors = 8;
  static constexpr std::size_t kErrorBytes = 160;
  static constexpr std::size_t kParts = 4;  // histogram buckets per factor of two
  static constexpr std::size_t kBuckets = 25 * kParts;

  struct Message {
    const messages::KindInfo* kind = nullptr;
    std::uint64_t from = 0;  ///< CAF's number
    std::uint64_t trace = 0;
    base::Instant at;
    base::Duration took{0};
    std::uint32_t bytes = 0;
  };
  struct Error {
    base::Instant at;
    base::Code code{};
    std::array<char, kErrorBytes> text{};
  };

  RecentMessages(std::shared_ptr<RecentGrants> pool, std::uint64_t number, base::Instant now, base::Instant until)
      : began(now), lapses(until), pool_(std::move(pool)), number_(number) {}
  ~RecentMessages();
  RecentMessages(const RecentMessages&) = delete;
  RecentMessages& operator=(const RecentMessages&) = delete;

  void note(const Message& message);
  void note(const base::Error& error, base::Instant at);
  /// Returns the latest first.
  std::vector<Message> messages() const;
  std::vector<Error> errors() const;
  /// Returns the quantile `share` of the handlers' durations since messages are kept; zero if no handler has run.
  base::Duration quantile(double share) const;
  std::uint64_t timed() const { return timed_; }
  struct Bucket {
    base::Duration below{0};
    std::uint32_t count = 0;
  };
  /// Returns the durations of handlers, shortest first, without empty buckets.
  std::vector<Bucket> histogram() const;

  const base::Instant began;
  base::Instant lapses;

 private:
  friend class RecentPool;
  const std::shared_ptr<RecentGrants> pool_;
  const std::uint64_t number_;  // its key in the pool
  std::array<Message, kMessages> messages_{};
  std::array<Error, kErrors> errors_{};
  std::array<std::uint32_t, kBuckets> histogram_{};
  std::size_t messages_seen_ = 0;
  std::size_t errors_seen_ = 0;
  std::uint64_t timed_ = 0;
};

class RecentPool {
 public:
  /// Keeps the messages of the actor `whom`; null if the allowance is spent.
  std::unique_ptr<RecentMessages> grant(const Handle& whom, base::Instant now, base::Duration length);
  /// Extends the time of `recent`: lapsed() names the actor again at `until`.
  void keep(const RecentMessages& recent, const Handle& whom, base::Instant until);
  /// Returns the actors whose time may be over, each once. The caller asks each actor to check its time.
  std::vector<Handle> lapsed(base::Instant now);
  std::size_t bytes() const { return pool_->spent.load(std::memory_order_relaxed); }
  /// Returns how many actors lapsed() has not named yet.
  std::size_t granted() const;

 private:
  const std::shared_ptr<RecentGrants> pool_ = std::make_shared<RecentGrants>();
};

}  // namespace troupe::runtime
