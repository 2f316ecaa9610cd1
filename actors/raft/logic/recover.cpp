#include "actors/raft/logic/recover.hpp"

namespace troupe::raft {

std::optional<Forced> force_new_cluster(Restored from) {
  if (from.state.term.value >= kNumberMax || from.epoch.value >= kNumberMax) return std::nullopt;
  const Seat* own = from.log.configuration().find(from.self);
  Configuration alone;
  alone.seats[from.self] = {.voter = true,
                            .priority = own ? own->priority : kPriorityDefault,
                            .address = own ? own->address : base::Endpoint{}};
  from.epoch = from.epoch.next();
  from.state = {.term = from.state.term.next(), .vote = std::nullopt, .commit = from.state.commit};
  Entry added{.index = from.log.last().next(),
              .term = from.state.term,
              .kind = EntryKind::membership,
              .data = std::make_shared<const base::Bytes>(encode(alone))};
  if (!from.log.append(added).ok()) return std::nullopt;
  return Forced{std::move(from), std::move(added)};
}

}  // namespace troupe::raft
