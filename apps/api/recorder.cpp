#include "apps/api/recorder.hpp"

#include "actors/audit/api.hpp"
#include "apps/api/inner.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps::api {
namespace {

constexpr std::size_t kTextBytesMax = 1'024;  // our choice: with all texts a record stays below the kind's 8 KiB

}  // namespace

base::Result<void, Failure> Recorder::record(const Act& act) {
  const auto part = [](const std::string& text) { return base::shortened(text, kTextBytesMax); };
  return change_node<audit::wire::Append, audit::wire::Appended>(
      connection_, audit::kPath, [&](audit::wire::Append::Builder out) {
        out.setKey(part(act.key));
        out.setAddress(part(act.address));
        out.setCommand(part(act.command));
        out.setName(part(act.name));
        out.setPurpose(part(act.purpose));
        out.setStatus(static_cast<std::uint16_t>(act.status));
        out.setRule(part(act.rule));
      });
}

bool Recorder::is_first(const std::string& address) {
  const std::lock_guard hold(lock_);
  const auto now = std::chrono::steady_clock::now();
  if (now - minute_ >= std::chrono::minutes(1)) {
    minute_ = now;
    addresses_.clear();
  }
  return addresses_.size() < kAddressesMax && addresses_.insert(address).second;
}

}  // namespace troupe::apps::api
