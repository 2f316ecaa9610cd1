#include "actors/registry/words.hpp"

#include "messages/words.hpp"

namespace troupe::registry {

std::optional<Listed> read(wire::NodeRow::Reader from) {
  auto registration = parse_registration(bytes_of(from.getRegistration()));
  const auto beat = read_checked_heartbeat(bytes_of(from.getHeartbeat()));
  const auto status = from.getStatus();
  if (!registration || !beat || status > wire::Status::OFFLINE) return std::nullopt;
  return Listed{std::move(*registration), *beat, static_cast<Status>(status), from.getHeardMs(), from.getWatchers(),
                from.getVerifiedUntilMs()};
}

}  // namespace troupe::registry
