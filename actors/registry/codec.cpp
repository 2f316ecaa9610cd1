#include "actors/registry/codec.hpp"

#include "messages/codec.hpp"

namespace troupe::registry {

base::AddressGroup site_of(base::ByteView told, const Registration& node) {
  const auto site = site_from(told);
  return site ? *site : group_of(node.id(), node.at);
}

std::optional<Listed> read(wire::NodeRow::Reader from) {
  auto registration = parse_registration(bytes_of(from.getRegistration()));
  const auto beat = read_checked_heartbeat(bytes_of(from.getHeartbeat()));
  const auto status = from.getStatus();
  if (!registration || !beat || status > wire::Status::OFFLINE) return std::nullopt;
  const base::AddressGroup site = site_of(bytes_of(from.getSite()), *registration);
  return Listed{std::move(*registration),  *beat, static_cast<Status>(status), from.getHeardMs(), from.getWatchers(),
                from.getVerifiedUntilMs(), site};
}

}  // namespace troupe::registry
