#include "apps/sim/outcome.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace troupe::apps {
namespace {

base::Duration duration(double seconds) { return base::Duration(std::llround(seconds * 1e9)); }

}  // namespace

double seconds(base::Duration span) { return std::chrono::duration<double>(span).count(); }

std::string hash_text(std::uint64_t hash) {
  std::array<char, 17> out{};
  std::snprintf(out.data(), out.size(), "%016llx", static_cast<unsigned long long>(hash));
  return out.data();
}

void write(output::wire::SimWorld::Builder out, const Outcome& outcome) {
  out.setDomain(outcome.domain);
  out.setSeed(outcome.seed);
  out.setHash(hash_text(outcome.hash));
  out.setEvents(outcome.events);
  out.setVirtualS(seconds(outcome.time));
  out.setWallS(seconds(outcome.wall));
  out.setHeld(outcome.held());
  out.setAcknowledged(outcome.acknowledged);
  out.setSteered(outcome.steered);
  out.setStopped(outcome.stopped);
  if (outcome.broken_by) out.getBrokenBy().setValue(*outcome.broken_by);
  if (outcome.broken()) {
    out.setInvariant(outcome.invariant);
    out.setWhy(outcome.why);
    out.getEvent().setValue(outcome.event);
    out.getAtS().setValue(seconds(outcome.at));
    out.setBetweenEvents(outcome.between_events);
    auto story = out.initStory(static_cast<unsigned>(outcome.story.size()));
    for (unsigned i = 0; i < story.size(); ++i) story.set(i, outcome.story[i]);
  }
  auto reached = out.initReached(static_cast<unsigned>(outcome.reached.size()));
  unsigned at = 0;
  for (const auto& [property, times] : outcome.reached) {
    reached[at].setProperty(property);
    reached[at++].setTimes(times);
  }
  auto faults = out.initFaults(sim::kFaultKinds);
  for (unsigned i = 0; i < faults.size(); ++i) {
    faults[i].setFault(std::string(sim::fault_specs()[i].name));
    faults[i].setFired(outcome.faults[i].fired);
    faults[i].setAcknowledgedAfter(outcome.faults[i].acknowledged_after);
    faults[i].setWorlds(outcome.faults[i].fired > 0 ? 1 : 0);
  }
}

Outcome read(output::wire::SimWorld::Reader in) {
  Outcome out;
  const std::string hash = in.getHash();
  std::from_chars(hash.data(), hash.data() + hash.size(), out.hash, 16);
  out.domain = in.getDomain();
  out.seed = in.getSeed();
  out.events = in.getEvents();
  out.time = duration(in.getVirtualS());
  out.wall = duration(in.getWallS());
  out.acknowledged = in.getAcknowledged();
  out.steered = in.getSteered();
  out.stopped = in.getStopped();
  out.between_events = in.getBetweenEvents();
  out.invariant = in.getInvariant();
  out.why = in.getWhy();
  if (in.getBrokenBy().isValue()) out.broken_by = in.getBrokenBy().getValue();
  if (in.getEvent().isValue()) out.event = in.getEvent().getValue();
  if (in.getAtS().isValue()) out.at = duration(in.getAtS().getValue());
  for (const auto line : in.getStory()) out.story.emplace_back(line);
  for (const auto one : in.getReached()) out.reached[one.getProperty()] = one.getTimes();
  for (unsigned i = 0; i < std::min<std::size_t>(in.getFaults().size(), out.faults.size()); ++i)
    out.faults[i] = {in.getFaults()[i].getFired(), in.getFaults()[i].getAcknowledgedAfter()};
  return out;
}

}  // namespace troupe::apps
