#include "runtime/net/admission.hpp"

#include <algorithm>

#include "runtime/net/logic/envelope_check.hpp"

namespace troupe::net {

using base::Code;
using base::Error;

namespace {
constexpr std::chrono::milliseconds kStarting{500};  // our choice: a start takes about that
}  // namespace

base::Instant due_of(std::uint64_t remaining_us, base::Instant now) {
  constexpr std::uint64_t kRemainingMax = 86'400'000'000;
  if (remaining_us == 0) return base::Instant::max();
  return now + std::chrono::microseconds(std::min(remaining_us, kRemainingMax));
}

std::uint64_t remaining_us(base::Instant due, base::Instant now) {
  if (due == base::Instant::max()) return 0;
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(due - now).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(left, 1));
}

Error no_service(const Pool& pool) {
  if (!pool.services_incomplete.load(std::memory_order_relaxed))
    return {Code::not_found, "this node has no such service"};
  return {Code::unavailable, "this node is starting or ending: the service is not available now", kStarting};
}

std::optional<Error> forbidden(const Pool& pool, const messages::KindInfo* kind, messages::Role role,
                               const runtime::Service* service, base::ByteView payload) {
  if (kind == nullptr) return Error{Code::unsupported, "this node does not know this kind of message"};
  if (!messages::may_send(*kind, role))
    return Error{Code::refused, std::string(kind->name) + " may not be sent in this role"};
  if (service == nullptr) return no_service(pool);
  if (!service->offers(kind)) return Error{Code::unsupported, std::string(kind->name) + " is not offered there"};
  if (!messages::fits(*kind, payload.size()))
    return Error{Code::malformed, std::string(kind->name) + " is larger than its kind allows"};
  if (const auto fault = check_envelope(payload))
    return Error{Code::malformed, "malformed message: " + std::string(name(*fault))};
  return std::nullopt;
}

std::optional<wire::Violation> violation_of(const messages::KindInfo* kind, messages::Role role,
                                            base::ByteView payload) {
  if (kind == nullptr || !messages::fits(*kind, payload.size())) return std::nullopt;
  if (!messages::may_send(*kind, role)) return wire::Violation::FORBIDDEN;
  if (check_envelope(payload)) return wire::Violation::MALFORMED;
  return std::nullopt;
}

}  // namespace troupe::net
