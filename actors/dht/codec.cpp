#include "actors/dht/codec.hpp"

#include "actors/dht/wire.hpp"

namespace troupe::dht {

using base::Code;
using base::Error;

namespace {

Error conflict_with(std::uint64_t present) {
  return {Code::conflict, "conflict: the stored sequence is " + std::to_string(present) + ", not the one expected"};
}

Error error_of(wire::StoreDone::Reader said) {
  const std::string present = std::to_string(said.getPresent());
  switch (said.getResult()) {
    case wire::StoreDone::Result::CONFLICT: return conflict_with(said.getPresent());
    case wire::StoreDone::Result::OLDER:
      return {Code::conflict, "a newer record is stored, with the sequence " + present};
    case wire::StoreDone::Result::TIED:
      return {Code::conflict, "another record with the sequence " + present + " is stored"};
    case wire::StoreDone::Result::OWNER_FULL:
      return {Code::no_space, "this owner's quota is used up at the nodes that should store it"};
    case wire::StoreDone::Result::NO_SPACE: return {Code::no_space, "the nodes that should store it are full"};
    case wire::StoreDone::Result::BAD: return {Code::refused, text_of(said.getWhy())};
    case wire::StoreDone::Result::STORED: break;
  }
  return {Code::internal, "a node has not stored it: unknown reason"};
}

/// `Result` is a whole search's or one item's.
template <class Result>
std::optional<Error> store_error(Result result, std::size_t asked, const std::string& own_failure) {
  const std::size_t stored = result.getStored(), needed = result.getNeeded(), silent = result.getSilent();
  if (asked == 0 && result.getBusy() > 0)
    return Error{Code::overloaded,
                 "nothing was stored because this node or other nodes are overloaded: " +
                     std::to_string(result.getBusy()) + " known nodes could not be asked; retry in some seconds",
                 std::chrono::seconds(2)};
  if (asked == 0)
    return Error{
        Code::unavailable,
        "no other node answered, and nothing was stored; check with 'troupe peers' whether this node has links"};
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
    text += "; " + std::to_string(silent) + " more known nodes have not answered: see 'troupe peers'";
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
    return Error{Code::unavailable, "only " + std::to_string(heard) + " of the " +
                                        std::to_string(heard + result.getSilentLately()) +
                                        " known nodes have answered, and none of them has it; the "
                                        "rest may have it: retry, and check their links with 'troupe peers'"};
  const unsigned known = std::max<unsigned>(result.getAsked(), result.getSilent());
  if (known == 0)
    return Error{Code::unavailable,
                 "no node could be asked: this node knows no dialable node, so the value may exist "
                 "elsewhere; connect with 'troupe peers connect HOST:PORT', or start with --join"};
  return Error{Code::unavailable, "none of the " + std::to_string(known) +
                                      " known nodes has answered, so the value may exist elsewhere; "
                                      "check with 'troupe peers' whether this node has links"};
}

std::optional<Error> unexpected_error(wire::SearchResult::Reader result, std::uint64_t sequence) {
  if (!result.hasRecord()) {
    if (auto unheard = unheard_error(result)) return unheard;
    return Error{Code::conflict,
                 "conflict: no node that should store it has a value, so none has the expected sequence"};
  }
  if (result.getSilent() > result.getNearest().size())
    return Error{Code::unavailable, std::to_string(result.getSilent()) +
                                        " nodes that may have a newer value have not answered: see their links "
                                        "in 'troupe peers'"};
  const auto record = parse(bytes_of(result.getRecord()));
  if (!record.ok()) return to_error(record.error());
  const std::uint64_t present = sequence_of(record.value());
  return present == sequence ? std::nullopt : std::optional(conflict_with(present));
}

}  // namespace troupe::dht
