#include "actors/registry/logic/watch.hpp"

#include <algorithm>

namespace troupe::registry {

std::string_view name(Status status) {
  switch (status) {
    case Status::healthy: return "healthy";
    case Status::unhealthy: return "unhealthy";
    case Status::offline: return "offline";
  }
  return "offline";
}

std::optional<Status> status_named(std::string_view text) {
  for (const Status one : {Status::healthy, Status::unhealthy, Status::offline})
    if (name(one) == text) return one;
  return std::nullopt;
}

Status judge(const Heartbeat& beat, const Thresholds& thresholds) {
  const bool fails = beat.success != Heartbeat::kNone && beat.success < thresholds.success;
  const bool busy = beat.load > thresholds.load || beat.memory > thresholds.memory;
  return fails || busy ? Status::unhealthy : Status::healthy;
}

base::AddressGroup group_alone(const base::NodeId& id) {
  base::AddressGroup out;
  std::copy_n(id.bytes.begin(), out.prefix.size(), out.prefix.begin());
  return out;
}

base::AddressGroup group_of(const base::NodeId& id, const base::Endpoint& at) {
  return at.is_loopback() ? group_alone(id) : base::group_of(at);
}

std::vector<std::size_t> choose_watchers(std::span<const base::AddressGroup> nearest) {
  std::set<base::AddressGroup> groups;
  std::vector<std::size_t> out, others;
  for (std::size_t i = 0; i < nearest.size(); ++i) (groups.insert(nearest[i]).second ? out : others).push_back(i);
  out.insert(out.end(), others.begin(), others.end());
  out.resize(std::min(out.size(), kWatchers));
  return out;
}

std::optional<base::AddressGroup> site_from(base::ByteView bytes) {
  base::AddressGroup out;
  if (bytes.size() != out.prefix.size()) return std::nullopt;
  std::ranges::copy(bytes, out.prefix.begin());
  return out == base::AddressGroup{} ? std::nullopt : std::optional(out);
}

base::NodeId first_bits(const base::NodeId& of, unsigned bits) {
  base::NodeId out;
  for (unsigned i = 0; i < bits; ++i) {
    const auto mask = static_cast<std::uint8_t>(0x80u >> i % 8);
    out.bytes[i / 8] = static_cast<std::uint8_t>(out.bytes[i / 8] | (of.bytes[i / 8] & mask));
  }
  return out;
}

Watched::Look Watched::look(const base::NodeId& id, const Heartbeat& beat, Way way, base::Instant now,
                            base::WallTime wall) const {
  constexpr std::uint64_t kSkewMs = std::chrono::milliseconds(kClockSkewMax).count();
  const auto ours = static_cast<std::uint64_t>(
      std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(wall.since_origin()).count(), 0));
  if (std::max(beat.unix_ms, ours) - std::min(beat.unix_ms, ours) > kSkewMs) return {Refusal::date};
  const auto known = nodes_.find(id);
  if (known == nodes_.end() || known->second.beat_bytes.empty()) return {};
  const Watch& watch = known->second;
  if (beat.number == watch.beat.number) return {.refused = {}, .again = true};
  if (beat.number < watch.beat.number) return {Refusal::old};
  if (way == Way::told && now - watch.told < limits_.period - limits_.period / 10) return {Refusal::early};
  return {};
}

const Watch* Watched::take(const base::User<base::NodeId>& from, Heartbeat beat, base::Bytes bytes, Way way,
                           base::Instant now) {
  Watch* const watch = place(from, now);
  if (watch == nullptr) return nullptr;
  watch->beat = beat;
  watch->beat_bytes = std::move(bytes);
  watch->heard = now;
  watch->unheard = false;
  list(from.id, *watch);
  if (way == Way::told) {
    watch->told = now;
    if (from.group != base::AddressGroup{}) watch->site = from.group;  // an operator's report has no group
  }
  set_due(nodes_.find(from.id), now + limits_.period + limits_.period / 10);
  return watch;
}

bool Watched::take(const base::User<base::NodeId>& from, Registration what, base::Bytes bytes, base::Instant now) {
  const auto known = nodes_.find(from.id);
  if (known != nodes_.end() && known->second.registration && known->second.registration->sequence >= what.sequence)
    return false;
  Watch* const watch = place(from, now);
  if (watch == nullptr) return false;
  what.capabilities = {};
  watch->registration = std::move(what);
  watch->registration_bytes = std::move(bytes);
  list(from.id, *watch);
  return true;
}

void Watched::show(const base::NodeId& id, std::vector<base::Bytes> vouches) {
  if (const auto at = nodes_.find(id); at != nodes_.end()) at->second.vouches = std::move(vouches);
}

void Watched::restore(const base::User<base::NodeId>& user, Watch watch, base::Instant now) {
  Watch* const at = place(user, now);
  if (at == nullptr) return;
  if (watch.registration) watch.registration->capabilities = {};
  watch.user = at->user;
  watch.site = user.group;
  watch.due = at->due;
  watch.heard = now;
  watch.unheard = true;
  watch.told = now - limits_.period;  // its next heartbeat may come at once
  *at = std::move(watch);
  list(user.id, *at);
}

void Watched::list(const base::NodeId& id, const Watch& watch) {
  if (watch.registration && !watch.beat_bytes.empty()) listed_.insert(id);
}

const Watch* Watched::find(const base::NodeId& id) const {
  const auto at = nodes_.find(id);
  return at == nodes_.end() ? nullptr : &at->second;
}

Status Watched::status(const Watch& watch, base::Instant now) const {
  return now - watch.heard > missed_after() ? Status::offline : judge(watch.beat, limits_.thresholds);
}

std::vector<base::NodeId> Watched::due(base::Instant now, std::size_t most) {
  std::vector<base::NodeId> out;
  while (!due_.empty() && due_.begin()->first <= now && out.size() < most) {
    const auto at = nodes_.find(due_.begin()->second);
    const Watch& watch = at->second;
    const bool nameless = !watch.registration && now - watch.heard > limits_.period * kPatience;
    if (nameless || now - watch.heard > kForgetAfter || now - watch.told > kStrangeAfter) {
      forget(at);
      continue;
    }
    out.push_back(at->first);
    const bool gone = now - watch.heard > limits_.period * kPatience || now - watch.told > limits_.period * kPatience;
    set_due(at, now + limits_.period * (gone ? kPatience : 1));
  }
  return out;
}

Watch* Watched::place(const base::User<base::NodeId>& user, base::Instant now) {
  const auto known = nodes_.find(user.id);
  if (known != nodes_.end()) return &known->second;
  while (!budget_.fits(user, 1)) {
    const auto gives_way = budget_.gives_way(user, 1, [](const base::NodeId&) { return true; });
    if (!gives_way) return nullptr;
    forget(nodes_.find(*gives_way));
  }
  budget_.hold(user, 1);
  const auto at = nodes_.try_emplace(user.id).first;
  Watch& watch = at->second;
  watch.user = user;
  watch.heard = watch.told = now;
  watch.due = now + limits_.period;
  due_.emplace(watch.due, user.id);
  return &watch;
}

void Watched::forget(Nodes::iterator at) {
  forgotten_.push_back(at->first);
  budget_.release(at->second.user, 1);
  listed_.erase(at->first);
  due_.erase({at->second.due, at->first});
  nodes_.erase(at);
}

void Watched::set_due(Nodes::iterator at, base::Instant when) {
  due_.erase({at->second.due, at->first});
  at->second.due = when;
  due_.emplace(when, at->first);
}

}  // namespace troupe::registry
