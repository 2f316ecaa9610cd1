#include "actors/task/logic/placement.hpp"

#include <algorithm>

#include "actors/task/logic/network.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::task {
namespace {

constexpr std::uint32_t kFull = 1'000;
constexpr std::uint32_t kLoadOfFull = 2'000;  // our choice: a node with two runnable threads per core is full
constexpr std::uint32_t kRunningOfFull = 8;   // our choice
constexpr std::uint64_t kThousandthHoursMs = 3'600'000ull * 1'000;  // a core and an hour, in thousandths and ms

/// Returns the same number for a pair every time; it orders equal nodes.
std::uint64_t draw(const TaskId& task, const base::NodeId& node) {
  std::uint64_t out = task.high() ^ node.high();
  out ^= out >> 33;
  out *= 0xff51afd7ed558ccd;
  out ^= out >> 33;
  return out;
}

bool lets_out(const Candidate& node, const Order& order) {
  if (order.hosts.empty()) return true;
  const auto* const told = registry::find(node.capabilities, kNetworkCapability);
  const auto* const patterns = told == nullptr ? nullptr : std::get_if<registry::Texts>(&told->value);
  return patterns != nullptr &&
         std::ranges::all_of(order.hosts, [&](const std::string& host) { return grants(*patterns, host); });
}

/// Returns whether a submitter can be asked: it is listed, or the node does not publish a list.
bool accepts(const registry::Capability& tasks, const std::string& submitter) {
  const auto* const listed = std::get_if<registry::Texts>(&tasks.value);
  return listed == nullptr || std::ranges::find(*listed, submitter) != listed->end();
}

/// Whether it takes tasks, and of this submitter.
std::optional<Lack> closed_to(const Candidate& node, const Policy& policy) {
  const auto* const tasks = registry::find(node.capabilities, kTasksCapability);
  if (tasks == nullptr) return Lack::tasks;
  if (!accepts(*tasks, policy.submitter)) return Lack::accept;
  return std::nullopt;
}

bool keeps_book(const Candidate& node, const std::string& book) {
  const auto* const kept = registry::find(node.capabilities, kBookCapability);
  const auto* const name = kept == nullptr ? nullptr : std::get_if<std::string>(&kept->value);
  return name != nullptr && !book.empty() && *name == book;
}

}  // namespace

std::string_view text(Lack lack) {
  switch (lack) {
    case Lack::online: return "are offline";
    case Lack::memory: return "lack memory";
    case Lack::cpu: return "lack cores";
    case Lack::disk: return "lack disk";
    case Lack::need: return "do not meet the need";
    case Lack::price: return "are too expensive";
    case Lack::reputation: return "have too little reputation";
    case Lack::apart: return "are too close to another replica";
    case Lack::tried: return "were tried";
    case Lack::tasks: return "take no tasks";
    case Lack::accept: return "take tasks only from listed nodes (task.accept)";
    case Lack::book: return "use another ledger (ledger.book)";
    case Lack::network: return "do not grant the task's hosts (task.network)";
    case Lack::verified: return "are not verified";
    case Lack::health: return "are not healthy";
  }
  return "do not fit";
}

std::optional<std::uint64_t> cost(std::optional<std::uint64_t> price, const Order& order) {
  if (!price) return std::nullopt;
  __extension__ using Wide = unsigned __int128;
  const auto ms = static_cast<std::uint64_t>(order.limits.time / std::chrono::milliseconds(1));
  const Wide whole = Wide{*price} * std::max(order.limits.cpu.thousandths, kThousandthsOfOthersMin) * ms;
  const Wide out = (whole + kThousandthHoursMs - 1) / kThousandthHoursMs;
  return out > INT64_MAX ? INT64_MAX : static_cast<std::uint64_t>(out);
}

std::optional<Lack> lack_of(const Candidate& node, const Order& order, const registry::Need& need, const Policy& policy,
                            const Apart& apart) {
  if (node.status == registry::Status::offline) return Lack::online;
  if (const auto closed = closed_to(node, policy)) return closed;
  if (apart.tried.contains(node.node)) return Lack::tried;
  if (number(node.capabilities, "memory") < order.limits.memory_bytes) return Lack::memory;
  if (number(node.capabilities, "cpu") * 1'000 < order.limits.cpu.thousandths) return Lack::cpu;
  if (number(node.capabilities, "disk") < order.limits.disk_bytes) return Lack::disk;
  if (registry::lacks(node.capabilities, need) != nullptr) return Lack::need;
  if (!lets_out(node, order)) return Lack::network;
  // A node with a price does not work unpaid.
  const auto wanted = cost(node, order);
  if (wanted && *wanted > order.price_max.value_or(0)) return Lack::price;
  if (wanted && *wanted > 0 && !keeps_book(node, policy.book)) return Lack::book;
  if (node.reputation < policy.reputation_min) return Lack::reputation;
  if (apart.owners.contains(node.owner) || apart.groups.contains(node.group)) return Lack::apart;
  if (policy.require_verified && !node.verified) return Lack::verified;
  if (node.status != registry::Status::healthy) return Lack::health;
  return std::nullopt;
}

std::optional<Lack> lack_of_all(const Candidate& node, const Policy& policy) {
  if (node.status == registry::Status::offline) return Lack::online;
  if (const auto closed = closed_to(node, policy)) return closed;
  if (policy.require_verified && !node.verified) return Lack::verified;
  if (node.status != registry::Status::healthy) return Lack::health;
  return std::nullopt;
}

void Free::add(Candidate& node, const Policy& policy) {
  if (const auto lack = lack_of_all(node, policy)) ++left_out[static_cast<std::size_t>(*lack)];
  else nodes.push_back(&node);
}

std::uint32_t score(const Candidate& node, const Order& order) {
  const std::uint32_t idle = kFull - std::min(node.load, kLoadOfFull) * kFull / kLoadOfFull;
  const auto wanted = cost(node, order);
  const std::uint64_t most = order.price_max.value_or(0);
  const std::uint32_t cheap =
      !wanted || *wanted == 0 || most == 0 ? kFull : static_cast<std::uint32_t>(kFull - *wanted / (most / kFull + 1));
  const auto well = static_cast<std::uint32_t>(std::clamp(node.reputation, 0, 100)) * kFull / 100;
  const std::uint32_t near = node.has_inputs ? kFull : 0;
  const std::uint32_t spread = kFull - std::min(node.running, kRunningOfFull) * kFull / kRunningOfFull;
  return idle + cheap + well + near + spread;
}

void Declined::add(const base::NodeId& node, const base::AddressGroup& site) {
  if (nodes_.size() >= kMax && !nodes_.contains(node)) *this = {};
  nodes_[node] = sites_[site] = ++count_;
}

std::pair<std::uint64_t, std::uint64_t> Declined::turn(const Candidate& node) const {
  const auto of = [](const auto& all, const auto& key) {
    const auto known = all.find(key);
    return known == all.end() ? 0 : known->second;
  };
  return {of(sites_, node.group), of(nodes_, node.node)};
}

std::string Choice::why() const {
  std::string out;
  for (std::size_t i = 0; i < kLacks; ++i) {
    if (lacks[i] == 0) continue;
    out += (out.empty() ? "" : ", ") + std::to_string(lacks[i]) + " " + std::string(text(static_cast<Lack>(i)));
  }
  return out;
}

namespace {

Choice choose_of(std::span<const Candidate* const> nodes, const Order& order, const TaskId& id, const Policy& policy,
                 const Apart& apart, std::size_t wanted, const Declined& declined) {
  const auto need = order.need.empty() ? registry::Need{} : registry::need_typed(order.need).value_or(registry::Need{});
  struct Ranked {
    std::pair<std::uint64_t, std::uint64_t> turn;
    std::uint32_t score;
    std::uint64_t draw;
    const Candidate* node;
  };
  std::vector<Ranked> fit;
  Choice out;
  for (const Candidate* const node : nodes) {
    const auto lack = lack_of(*node, order, need, policy, apart);
    if (lack) ++out.lacks[static_cast<std::size_t>(*lack)];
    else fit.push_back({declined.turn(*node), score(*node, order), draw(id, node->node), node});
  }
  out.fit = static_cast<std::uint32_t>(fit.size());
  const auto better = [](const Ranked& a, const Ranked& b) {
    if (a.turn != b.turn) return a.turn < b.turn;
    return a.score != b.score ? a.score > b.score : a.draw > b.draw;
  };
  Apart taken;
  // Few nodes are wanted, so each is found by a scan of the remaining ones.
  for (auto end = fit.end(); out.best.size() < wanted && end != fit.begin();) {
    const auto best = std::min_element(fit.begin(), end, better);
    const Candidate& node = *best->node;
    if (!taken.owners.contains(node.owner) && !taken.groups.contains(node.group)) {
      out.best.push_back(&node);
      taken.owners.insert(node.owner);
      taken.groups.insert(node.group);
    } else {
      ++out.lacks[static_cast<std::size_t>(Lack::apart)];
    }
    std::iter_swap(best, --end);
  }
  return out;
}

}  // namespace

Choice choose(std::span<const Candidate> nodes, const Order& order, const TaskId& id, const Policy& policy,
              const Apart& apart, std::size_t wanted, const Declined& declined) {
  std::vector<const Candidate*> all;
  all.reserve(nodes.size());
  for (const Candidate& node : nodes) all.push_back(&node);
  return choose_of(all, order, id, policy, apart, wanted, declined);
}

Choice choose(const Free& free, const Order& order, const TaskId& id, const Policy& policy, const Apart& apart,
              std::size_t wanted, const Declined& declined) {
  Choice out = choose_of(free.nodes, order, id, policy, apart, wanted, declined);
  for (std::size_t i = 0; i < kLacks; ++i) out.lacks[i] += free.left_out[i];
  return out;
}

}  // namespace troupe::task
