#include "runtime/observe/domain_log.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe::observe {

struct DomainLog::State {
  Log& log;
  const std::string name;
  const std::function<base::Instant()> now;
  std::mutex lock{};  // guards the members below
  base::Instant minute{};
  std::uint32_t lines = 0;
  std::uint64_t left_out = 0;
};

DomainLog::DomainLog(Log& log, std::string_view name, std::function<base::Instant()> now)
    : state_(new State{log, std::string(name), std::move(now)}) {
  base::ensure(log.has(name), "a domain logs under a name that levels can be set for");
}

void DomainLog::write(LogLevel level, std::string_view message, LogFields fields) const {
  if (!state_ || !state_->log.on(level, state_->name)) return;
  State& state = *state_;
  if (level < LogLevel::info) return state.log.write_as(level, state.name, message, fields);
  const base::Instant now = state.now();
  const std::lock_guard hold(state.lock);
  if (state.lines == 0 || now - state.minute >= std::chrono::minutes{1}) {
    if (state.left_out > 0)
      state.log.write_as(LogLevel::warn, state.name, "lines were left out in the last minute",
                         {{"lines", state.left_out}});
    state.minute = now;
    state.lines = 0;
    state.left_out = 0;
  }
  if (state.lines >= (level < LogLevel::warn ? kDomainNewsMax : kDomainLinesMax)) {
    if (++state.left_out == 1)
      state.log.write_as(LogLevel::warn, state.name, "too many lines in a minute: some are left out from now on", {});
    return;
  }
  ++state.lines;
  state.log.write_as(level, state.name, message, fields);
}

}  // namespace troupe::observe
