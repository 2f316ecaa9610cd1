#include "actors/dht/words.hpp"

#include "actors/dht/wire.hpp"

namespace troupe::dht {

using base::Code;
using base::Error;

namespace {

Error conflict_with(std::uint64_t present) {
  return {Code::conflict, "conflict: the sequence held is " + std::to_string(present) + ", not the one expected"};
}

Error error_of(wire::StoreDone::Reader said) {
  const std::string present = std::to_string(said.getPresent());
  switch (said.getResult()) {
    case wire::StoreDone::Result::CONFLICT: return conflict_with(said.getPresent());
    case wire::StoreDone::Result::OLDER:
      return {Code::conflict, "a newer record is held, with the sequence " + present};
    case wire::StoreDone::Result::TIED:
      return {Code::conflict, "another record with the sequence " + present + " is held"};
    case wire::StoreDone::Result::OWNER_FULL:
      return {Code::no_space, "the nodes that should hold it hold as much of this owner as they may"};
    case wire::StoreDone::Result::NO_SPACE: return {Code::no_space, "the nodes that should hold it are full"};
    case wire::StoreDone::Result::BAD: return {Code::refused, text_of(said.getWhy())};
    case wire::StoreDone::Result::STORED: break;
  }
  return {Code::internal, "a node has not stored it for a reason that has no name"};
}

/// Of all, or of one item.
template <class Result>
std::optional<Error> store_error(Result result, std::size_t asked, const std::string& own_failure) {
  const std::size_t stored = result.getStored(), needed = result.getNeeded(), silent = result.getSilent();
  if (asked == 0 && result.getBusy() > 0)
    return Error{Code::overloaded,
                 "nothing is stored, as this node or others have too much to do: " + std::to_string(result.getBusy()) +
                     " nodes that it knows could not be asked; put it again in some seconds",
                 std::chrono::seconds(2)};
  if (asked == 0)
    return Error{Code::unavailable,
                 "no other node answered, and nothing is stored; see by 'troupe peers' whether this node has links"};
  if (stored >= needed) return std::nullopt;
  if (result.hasRefusal() && stored == 0) {
    Error refused = error_of(result.getRefusal());
    const std::string own = "this node's own store: " + own_failure;
    if (refused.code == Code::no_space && !own_failure.empty())
      refused.message = asked == 1 ? own : refused.message + "; " + own;
    return refused;
  }
  std::string text = "only " + std::to_string(stored) + " of " + std::to_string(asked) +
                     " nodes have acknowledged it, and " + std::to_string(needed) + " have to";
  if (asked < needed && silent > 0)
    text += "; " + std::to_string(silent) + " more that this node knows have not answered: see by 'troupe peers' which";
  else if (asked < needed) text += ": too few answered";
  if (result.hasRefusal() && result.getRefusal().getResult() == wire::StoreDone::Result::BAD)
    text += "; " + error_of(result.getRefusal()).message;
  if (!own_failure.empty()) text += "; this node's own store: " + own_failure;
  return Error{Code::unknown_outcome, text};
}

}  // namespace

std::optional<Error> store_error(wire::SearchResult::Reader result) {
  return store_error(result, result.getStores(), text_of(result.getOwnFailure()));
}

std::optional<Error> store_error(wire::ItemResult::Reader result) { return store_error(result, result.getAsked(), {}); }

std::optional<Error> unheard_error(wire::SearchResult::Reader result) {
  const unsigned heard = result.getNearest().size();
  if (!unheard(result)) return std::nullopt;
  if (heard > 0)
    return Error{Code::unavailable,
                 "only " + std::to_string(heard) + " of the " + std::to_string(heard + result.getSilentLately()) +
                     " nodes that this one knows have answered, and none of them has it; what the "
                     "others have is not known: ask again, and see by 'troupe peers' which have links"};
  const unsigned known = std::max<unsigned>(result.getAsked(), result.getSilent());
  if (known == 0)
    return Error{Code::unavailable,
                 "nobody could be asked: this node knows no other that can be dialled, so that what others have is not "
                 "known; make it known to one by 'troupe peers connect HOST:PORT', or start it with --join"};
  return Error{Code::unavailable, "none of the " + std::to_string(known) +
                                      " nodes that this one knows has answered, so that what others have is not known; "
                                      "see by 'troupe peers' whether this node has links"};
}

std::optional<Error> unexpected_error(wire::SearchResult::Reader result, std::uint64_t sequence) {
  if (!result.hasRecord()) {
    if (auto unheard = unheard_error(result)) return unheard;
    return Error{Code::conflict, "conflict: no node that should hold it has a value, nor the sequence expected"};
  }
  if (result.getSilent() > result.getNearest().size())
    return Error{Code::unavailable, std::to_string(result.getSilent()) +
                                        " nodes that may hold a newer value have not answered: see by 'troupe peers' "
                                        "which of them have links"};
  const auto record = parse(bytes_of(result.getRecord()));
  if (!record.ok()) return to_error(record.error());
  const std::uint64_t present = sequence_of(record.value());
  return present == sequence ? std::nullopt : std::optional(conflict_with(present));
}

}  // namespace troupe::dht
