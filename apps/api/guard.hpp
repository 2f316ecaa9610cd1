#pragma once
// Decides whether a caller may make a call, and keeps who owns what.
//
// Order   the role of the key, its scopes, the compliance rules, then ownership. A call that touches several things is
//         checked as one call for each of them.
// Owners  operators may use everything. Other keys may use what they made, and what grants allow; what a key makes
//         belongs to it.
// Safety  any thread; calls block.
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "apps/api/keys.hpp"
#include "apps/api/routes.hpp"
#include "apps/api/rules_file.hpp"
#include "apps/api/uses.hpp"
#include "apps/cli/client.hpp"

namespace troupe::apps::api {

/// A call that was admitted.
struct Admitted {
  Uses uses;
  std::vector<access::Thing> claimed{};  ///< by this call, before it ran
  bool owns = false;                     ///< what the call makes belongs to the caller
};

/// Why a call was not admitted.
struct Denied {
  Failure failure;
  bool forbidden = true;  ///< status 403; otherwise the status of the failure
  std::string rule{};     ///< the compliance rule
};

class Guard {
 public:
  /// `rules` may be null. `table` and `routes` outlive the guard.
  Guard(const Commands& table, const Routes& routes, std::shared_ptr<Connection> connection,
        std::shared_ptr<RulesFile> rules)
      : table_(table), routes_(routes), connection_(std::move(connection)), rules_(std::move(rules)) {}

  std::variant<Admitted, Denied> admit(const Caller& caller, const Invocation& invocation, const std::string& lines,
                                       const std::optional<std::string>& purpose);
  /// Records what a call has made and removed. `output`: what it printed; `exit`: how it ended.
  base::Result<void, Failure> finish(const Caller& caller, const Invocation& invocation, const Admitted& admitted,
                                     Exit exit, const std::string& output);

  /// Returns the lines, or the items of a list, that the caller may read.
  base::Result<std::string, Failure> filtered(const Caller& caller, const Filter& filter, const std::string& output);

 private:
  using Denial = std::optional<Denied>;
  Denial check_scope(const Caller& caller, const Command& command, const std::optional<std::string>& subject) const;
  Denial check_rules(const Caller& caller, const Invocation& invocation, const Uses& uses,
                     const std::optional<std::string>& purpose) const;
  Denial check_owners(const Caller& caller, const Invocation& invocation, Admitted& admitted);
  bool granted(const Caller& caller, const Use& use) const;
  base::Result<std::vector<access::Share>, Failure> shares(const Caller& caller,
                                                           const std::vector<access::Thing>& things) const;
  base::Result<void, Failure> claim(const Caller& caller, const std::vector<access::Thing>& things,
                                    bool with_node) const;
  base::Result<void, Failure> release(const std::vector<access::Thing>& things) const;
  base::Result<bool, Failure> exists(const Invocation& invocation, const Use& use) const;
  const Command& command(std::string_view name) const;
  base::Instant now() const { return base::Instant(std::chrono::steady_clock::now().time_since_epoch()); }

  const Commands& table_;
  const Routes& routes_;
  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<RulesFile> rules_;
};

}  // namespace troupe::apps::api
