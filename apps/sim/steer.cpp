#include "apps/sim/steer.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "apps/sim/span.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

constexpr base::Duration kNext = std::chrono::nanoseconds(1);

base::Error malformed(std::string what) { return {base::Code::malformed, std::move(what)}; }
base::Error conflict(std::string what) { return {base::Code::conflict, std::move(what)}; }

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return out;
    const auto end = std::min(text.find(' '), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::optional<std::uint16_t> node_of(std::string_view word, std::uint16_t nodes) {
  if (!word.starts_with('n')) return std::nullopt;
  const auto number = config::parse_count(word.substr(1));
  if (!number || *number < 1 || *number > nodes) return std::nullopt;
  return static_cast<std::uint16_t>(*number - 1);
}

/// Whether the fault cuts both directions of a link.
bool between(const sim::Fault& fault, std::uint16_t one, std::uint16_t other) {
  return (fault.node == one && fault.other == other) || (fault.node == other && fault.other == one);
}

}  // namespace

base::Outcome<void> steer(sim::Scenario& scenario, std::string_view act, base::Duration now) {
  const auto words = words_of(act);
  const bool cuts = !words.empty() && words[0] == "cut";
  if (words.size() < 3 || words.size() > (cuts ? 4 : 3) || (!cuts && words[0] != "heal"))
    return malformed("expected :cut n1 n2, :cut n1 n2 5s or :heal n1 n2");
  const auto one = node_of(words[1], scenario.nodes), other = node_of(words[2], scenario.nodes);
  if (!one || !other || *one == *other)
    return malformed("a link needs two different nodes of n1 to " + sim::node_name(scenario.nodes - std::size_t{1}));
  const base::Duration at = now + kNext;
  if (at >= scenario.time) return conflict("all faults of this world end at " + span_text(scenario.time));

  if (!cuts) {
    bool healed = false;
    for (sim::Fault& fault : scenario.faults) {
      if (fault.what != sim::FaultKind::cut || !between(fault, *one, *other)) continue;
      if (fault.at > now || fault.at + fault.span <= at) continue;
      fault.span = at - fault.at;
      fault.by_hand = healed = true;
    }
    if (healed) return {};
    return conflict("the link is not cut at this instant by a fault `cut`");
  }
  auto span = std::optional(scenario.time - at);
  if (words.size() == 4) span = parse_span(words[3]);
  if (!span || *span <= base::Duration::zero() || *span > sim::kWorldTimeMax)
    return malformed(base::quoted(words[3]) + " is not a time above 0 such as 5s");
  if (scenario.faults.size() + 2 > sim::kFaultsMax) return conflict("a world has at most 10,000 faults");
  sim::Fault fault{.what = sim::FaultKind::cut, .at = at, .span = *span, .by_hand = true};
  for (const auto& [from, to] : {std::pair(*one, *other), std::pair(*other, *one)}) {
    fault.node = from;
    fault.other = to;
    const auto place = std::ranges::upper_bound(scenario.faults, at, {}, &sim::Fault::at);
    scenario.faults.insert(place, fault);
  }
  return {};
}

}  // namespace troupe::apps
