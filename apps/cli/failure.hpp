#pragma once
// The one shape in which the command line tells an error: what happened, what was done before it, what to try.
//
//     error: key "orders/17" was not written: no quorum (2 of 5 nodes answered in 2 s)
//     outcome: unknown; the write may still appear
//     try: troupe kv get orders/17
#include <optional>
#include <string>

#include "apps/cli/console.hpp"
#include "apps/cli/exit.hpp"
#include "runtime/base/error.hpp"

namespace troupe::apps {

struct Failure {
  base::Error error;
  std::string outcome{};       ///< empty: what the code and the effect say, see outcome_of()
  std::string try_{};          ///< shell_word()s, to be pasted; empty: nothing, or "again" where that may help
  std::optional<Exit> exit{};  ///< where the contract names another one than exit_of()
};

/// A mistake of the caller, exit 2. `try_` is usually a `troupe help …`.
Failure usage_failure(std::string message, std::string try_);

/// Standard output has not taken what was written to it. Where its reader has left, as `head` does, nothing is said.
Failure unwritten(const Console& console, std::string outcome);

/// What the failure's own words do not say about the outcome and the next step is filled in.
Failure completed(Failure failure, Effect effect);

Exit exit_of(const Failure& failure, Effect effect);

enum class Form : std::uint8_t { text, json };

/// Three lines (without `try` where nothing helps) or one line of JSON. Text from outside is escaped. Nothing at all
/// for Exit::broken_pipe.
void print(std::ostream& err, const Failure& failure, Effect effect, Form form, bool colour);

}  // namespace troupe::apps
