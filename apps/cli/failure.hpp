#pragma once
// The form of every error of the command line: what happened, the outcome of the command, and what to try.
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
  std::string try_{};          ///< words for a shell, to paste; empty: no line, or "again" if that may help
  std::optional<Exit> exit{};  ///< set if the contract names an exit other than exit_of()
};

/// Returns the failure for a mistake of the caller, exit 2. `try_` is usually a `troupe help …`.
Failure usage_failure(std::string message, std::string try_);

/// Returns the failure for output that standard output did not accept. Nothing is printed if the reader is gone, such
/// as `head`.
Failure unwritten(const Console& console, std::string outcome);

/// Fills in the outcome and the next step if the failure does not state them.
Failure completed(Failure failure, Effect effect);

Exit exit_of(const Failure& failure, Effect effect);

enum class Form : std::uint8_t { text, json };

/// Prints three lines (without `try` if nothing helps) or one line of JSON. Text from outside is escaped. Prints
/// nothing for Exit::broken_pipe.
void print(std::ostream& err, const Failure& failure, Effect effect, Form form, bool colour);

/// Prints a failure that is completed(), as one line of JSON.
void print_json(std::ostream& err, const Failure& failure);

}  // namespace troupe::apps
