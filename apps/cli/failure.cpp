#include "apps/cli/failure.hpp"

#include <algorithm>
#include <limits>
#include <sstream>

#include "apps/cli/json.hpp"
#include "messages/output/common.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

using base::Code;

bool outcome_unknown(Code code, Effect effect) {
  return code == Code::unknown_outcome || (effect == Effect::write && (code == Code::timeout || code == Code::dropped));
}

}  // namespace

Exit exit_of(Code code, Effect effect) {
  switch (code) {
    case Code::malformed: return Exit::usage;
    case Code::not_found: return Exit::not_found;
    case Code::refused:
    case Code::conflict: return Exit::refused;
    case Code::overloaded:
    case Code::no_space: return Exit::overloaded;
    case Code::unavailable: return Exit::unavailable;
    case Code::timeout:
    case Code::dropped: return effect == Effect::write ? Exit::unknown : Exit::unavailable;
    case Code::unknown_outcome: return Exit::unknown;
    case Code::unsupported:
    case Code::corrupt:
    case Code::internal: return Exit::failed;
  }
  return Exit::failed;
}

Exit exit_of(const Failure& failure, Effect effect) {
  return failure.exit ? *failure.exit : exit_of(failure.error.code, effect);
}

Failure usage_failure(std::string message, std::string try_) {
  return {{Code::malformed, std::move(message)}, "nothing was done", std::move(try_), Exit::usage};
}

Failure unwritten(const Console& console, std::string outcome) {
  const bool gone = console.reader_is_gone != nullptr && console.reader_is_gone();
  return {{Code::internal, "cannot write standard output"},
          std::move(outcome),
          {},
          gone ? Exit::broken_pipe : Exit::failed};
}

Failure completed(Failure failure, Effect effect) {
  if (failure.outcome.empty())
    failure.outcome =
        outcome_unknown(failure.error.code, effect) ? "unknown; the change may have been made" : "nothing was changed";
  if (failure.try_.empty() && failure.error.retry_after.count() > 0)
    failure.try_ = "again in " + std::to_string(failure.error.retry_after.count()) + " ms";
  else if (failure.try_.empty() && base::transient(failure.error.code)) failure.try_ = "again";
  return failure;
}

void print_json(std::ostream& err, const Failure& failure) {
  JsonLine<output::wire::ErrorLine> out;
  auto line = out->initError();
  line.setCode(std::string(name(failure.error.code)));
  line.setMessage(failure.error.message);
  line.setOutcome(failure.outcome);
  if (!failure.try_.empty()) line.setTry(failure.try_);
  const auto retry = failure.error.retry_after.count();
  if (retry > 0)
    line.getRetryAfterMs().setValue(
        static_cast<std::uint32_t>(std::min<std::int64_t>(retry, std::numeric_limits<std::uint32_t>::max())));
  std::ostringstream text;
  out.print(text);
  err << text.str();
}

void print(std::ostream& err, const Failure& failure, Effect effect, Form form, bool colour) {
  if (failure.exit == Exit::broken_pipe) return;
  const Failure full = completed(failure, effect);
  if (form == Form::json) return print_json(err, full);
  // Printed in one write, because background nodes may log to the same terminal.
  std::string out = (colour ? "\x1b[1;31merror:\x1b[0m " : "error: ") + base::printable(full.error.message) +
                    "\noutcome: " + base::printable(full.outcome) + '\n';
  // A backslash in a command stays as it is, so that the line can be pasted.
  if (!full.try_.empty()) out += "try: " + (base::is_plain(full.try_) ? full.try_ : base::printable(full.try_)) + '\n';
  err << out;
}

}  // namespace troupe::apps
