#pragma once
// Adds records to the audit trail of the node.
//
// Safety  any thread.
// Limits  refusals of unknown keys: one record per address and minute, for at most kAddressesMax addresses a minute.
#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "apps/cli/connection.hpp"
#include "apps/cli/failure.hpp"

namespace troupe::apps::api {

inline constexpr std::size_t kAddressesMax = 1'024;  // our choice

/// What a caller did, or tried.
struct Act {
  std::string key;      ///< id of the key, "token", or empty for an unknown key
  std::string address;  ///< of the caller
  std::string command;
  std::string name{};  ///< of what was acted on
  std::string purpose{};
  int status = 0;
  std::string rule{};  ///< that refused it
};

class Recorder {
 public:
  explicit Recorder(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  /// Blocks until the record is synced. Errors: as Client::ask().
  base::Result<void, Failure> record(const Act& act);
  /// Whether a refusal of an unknown key at this address is still to be recorded in this minute.
  bool is_first(const std::string& address);

 private:
  const std::shared_ptr<Connection> connection_;
  std::mutex lock_;
  std::set<std::string> addresses_;  // that were recorded in this minute
  std::chrono::steady_clock::time_point minute_{};
};

}  // namespace troupe::apps::api
