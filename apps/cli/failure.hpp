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
  std::string outcome{};       ///< empty: derived from the code and the effect, see outcome_of()
  std::string try_{};          ///< shell_word()s, to paste; empty: no line, or "again" if that may help
  std::optional<Exit> exit{};  ///< set if the contract names an exit other than exit_of()
};

/// Returns the failure for a mistake of the caller, exit 2. `try_` is usually a `troupe help …`.
Failure usage_failure(std::string message, std::string try_);

/// Returns the failure if standard output did not accept the output. Nothing is printed if its reader has gone, as
/// `head` does.
Failure unwritten(const Console& console, std::string outcome);

/// Fills in the outcome and the next step if the failure does not state them.
Failure completed(Failure failure, Effect effect);

Exit exit_of(const Failure& failure, Effect effect);

enum class Form : std::uint8_t { text, json };

/// Prints three lines (without `try` if nothing helps) or one line of JSON. Text from outside is escaped. Prints
/// nothing for Exit::broken_pipe.
void print(std::ostream& err, const Failure& failure, Effect effect, Form form, bool colour);

}  // namespace troupe::apps
