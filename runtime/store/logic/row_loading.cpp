#include "runtime/store/logic/row_loading.hpp"

#include <algorithm>
#include <utility>

namespace troupe::store {

using base::Code;

bool lasting(Code code) { return code == Code::corrupt || code == Code::unsupported; }

bool nothing_done(Code code) {
  switch (code) {
    case Code::no_space:
    case Code::unavailable:
    case Code::malformed:
    case Code::refused:
    case Code::overloaded:
    case Code::unsupported:
    case Code::corrupt: return true;
    default: return false;
  }
}

base::Duration RowRetry::next() { return std::exchange(wait_, std::min<base::Duration>(2 * wait_, kRetryMax)); }

base::Outcome<std::optional<base::Bytes>> next_slice(base::ByteView from, bool more, base::ByteView next) {
  if (!more) return std::optional<base::Bytes>();
  if (!std::ranges::lexicographical_compare(from, next))
    return base::Error{Code::corrupt, "the store continues at a key that it has already passed"};
  return std::optional(base::Bytes(next.begin(), next.end()));
}

RowLoading::Step RowLoading::begin(base::Bytes first) {
  from_ = std::move(first);
  reading_ = true;
  complete_ = false;
  failing_since_.reset();
  retry_.succeeded();
  return Step::ask;
}

RowLoading::Step RowLoading::took(std::optional<base::Bytes> next) {
  failing_since_.reset();
  retry_.succeeded();
  reading_ = next.has_value();
  complete_ = !reading_;
  if (complete_) return Step::end;
  from_ = std::move(*next);
  return Step::ask;
}

RowLoading::Step RowLoading::failed(Code code, base::Instant now) {
  retry_at_ = now + retry_.next();
  if (!failing_since_) failing_since_ = now;
  const bool patient = unread_ == Unread::waits || retry_at_ - *failing_since_ <= kLoadPatience;
  reading_ = !lasting(code) && patient;
  return reading_ ? Step::wait : Step::end;
}

}  // namespace troupe::store
