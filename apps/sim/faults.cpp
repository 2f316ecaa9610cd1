#include "apps/sim/faults.hpp"

#include <algorithm>

#include "apps/sim/span.hpp"
#include "runtime/sim/datagrams.hpp"

namespace troupe::apps {
namespace {

using sim::Fault;
using enum sim::FaultKind;

constexpr base::Duration kPowerLastsMax = std::chrono::seconds(1);  // our choice: nearly every node writes by then
constexpr base::Duration kReplaced = std::chrono::seconds(30);      // our choice: until an operator replaces a disk
constexpr base::Duration kClog = std::chrono::seconds(2);  // of a swizzled link; our choice: longer than a ping waits

}  // namespace

std::string text(const Fault& fault) {
  const sim::FaultSpec& spec = sim::spec(fault.what);
  std::string out(spec.name);
  if (spec.on_node) out += ' ' + node_name(fault.node);
  if (spec.on_other) out += ' ' + node_name(fault.other);
  if (spec.amount == sim::Amount::number) out += ' ' + std::to_string(fault.amount);
  if (spec.amount == sim::Amount::set) {
    for (std::size_t i = 0; i < sim::kSetNodesMax; ++i)
      if ((fault.amount >> i & 1) != 0) out += ' ' + node_name(i);
  }
  if (spec.lasts) out += " for " + span_text(fault.span);
  if (fault.by_hand) out += ", by hand";
  return out;
}

void Faults::schedule() {
  for (const Fault& fault : scenario_.faults) world_.stage().after(fault.at, [this, &fault] { fire(fault); });
}

void Faults::end() {
  ended_ = true;
  world_.fabric().forgive();
  for (std::size_t node = 0; node < world_.size(); ++node) {
    sim::Disk& disk = world_.machine(node).disk();
    if (disk.halting() || disk.lying()) cut_power(node);
    disk.forgive();
  }
  while (!lasting_.empty()) {
    const auto undo = std::move(lasting_.front().undo);
    lasting_.pop_front();
    undo();
  }
}

void Faults::acknowledged() {
  for (FaultCount& count : counts_)
    if (count.fired > 0) ++count.acknowledged_after;
}

void Faults::fire(const Fault& fault) {
  if (!ended_ && strike(fault)) hit(fault);
}

void Faults::hit(const Fault& fault) {
  ++counts_[static_cast<std::size_t>(fault.what)].fired;
  if (sim::spec(fault.what).loses_data) lost_data_[fault.node] = true;
  tell_(text(fault));
}

void Faults::lasts(base::Duration span, std::function<void()> undo) {
  const auto place = lasting_.insert(lasting_.end(), Lasting{std::move(undo)});
  // end() may have undone it already: then its entry is gone, and `ended_` says so.
  world_.stage().after(span, [this, place] {
    if (ended_) return;
    const auto now = std::move(place->undo);
    lasting_.erase(place);
    now();
  });
}

void Faults::across(std::int64_t set, const std::function<void(const sim::Address&, const sim::Address&)>& action) {
  const auto within = [set](std::size_t node) { return node < sim::kSetNodesMax && (set >> node & 1) != 0; };
  for (std::size_t from = 0; from < world_.size(); ++from)
    for (std::size_t to = 0; to < world_.size(); ++to)
      if (within(from) && !within(to)) action(address(from), address(to));
}

bool Faults::strike(const Fault& fault) {
  switch (fault.what) {
    case cut:
    case partition:
    case deafen:
    case clog:
    case swizzle:
    case narrow:
    case reset:
    case half_open:
    case flip: return strike_network(fault);
    case udp_loss:
    case udp_twice:
    case udp_late: return strike_datagrams(fault);
    case kill:
    case power:
    case pause:
    case slow:
    case break_actor:
    case clock_step:
    case clock_off: return strike_process(fault);
    default: return strike_disk(fault);
  }
}

bool Faults::strike_network(const Fault& fault) {
  sim::Fabric& fabric = world_.fabric();
  const auto way = [&] { return std::pair(address(fault.node), address(fault.other)); };
  const auto cut_ways = [&](std::vector<std::pair<sim::Address, sim::Address>> ways) {
    for (const auto& [from, to] : ways) fabric.cut(from, to);
    lasts(fault.span, [&fabric, ways = std::move(ways)] {
      for (const auto& [from, to] : ways) fabric.heal(from, to);
    });
  };
  switch (fault.what) {
    case cut: cut_ways({way()}); return true;
    case partition:
    case deafen: {
      std::vector<std::pair<sim::Address, sim::Address>> ways;
      across(fault.amount, [&](const sim::Address& from, const sim::Address& to) {
        ways.emplace_back(from, to);
        if (fault.what == partition) ways.emplace_back(to, from);
      });
      if (ways.empty()) return false;
      cut_ways(std::move(ways));
      return true;
    }
    case clog: {
      const auto [from, to] = way();
      const base::Duration longer = std::chrono::microseconds(fault.amount);
      fabric.clog(from, to, longer);
      lasts(fault.span, [&fabric, from = from, to = to, longer] { fabric.clog(from, to, -longer); });
      return true;
    }
    case swizzle: return strike_swizzle(fault);
    case narrow: {
      const auto [from, to] = way();
      const auto bytes_per_second = static_cast<std::uint64_t>(std::max<std::int64_t>(fault.amount, 1));
      fabric.narrow(from, to, bytes_per_second);
      lasts(fault.span,
            [&fabric, from = from, to = to, bytes_per_second] { fabric.widen(from, to, bytes_per_second); });
      return true;
    }
    case reset: return fabric.reset(address(fault.node), address(fault.other)) > 0;
    case half_open: return fabric.half_open(address(fault.node), address(fault.other)) > 0;
    case flip: fabric.corrupt(address(fault.node), address(fault.other), [this, &fault] { hit(fault); }); return false;
    default: return false;
  }
}

/// Clogs the links of the set one by one in the first half, and opens them in a different order in the second.
bool Faults::strike_swizzle(const Fault& fault) {
  std::vector<std::pair<sim::Address, sim::Address>> ways;
  across(fault.amount, [&](const sim::Address& from, const sim::Address& to) {
    ways.emplace_back(from, to);
    ways.emplace_back(to, from);
  });
  if (ways.empty()) return false;
  base::Random& random = world_.stage().stream("faults.swizzle");
  sim::Fabric& fabric = world_.fabric();
  const auto half = static_cast<std::uint64_t>(std::max<base::Duration::rep>(fault.span.count() / 2, 1));
  for (const auto& [from, to] : ways) {
    const base::Duration begins(random.below(half)), ends(half + random.below(half));
    world_.stage().after(begins, [this, &fabric, from = from, to = to, stays = ends - begins] {
      if (ended_) return;
      fabric.clog(from, to, kClog);
      lasts(stays, [&fabric, from, to] { fabric.clog(from, to, -kClog); });
    });
  }
  return true;
}

bool Faults::strike_datagrams(const Fault& fault) {
  std::uint64_t& share = datagrams_[static_cast<std::size_t>(fault.what) - static_cast<std::size_t>(udp_loss)];
  const auto set = [this] {
    const auto part = [&](std::size_t i) {
      return static_cast<std::uint32_t>(std::min<std::uint64_t>(datagrams_[i], sim::kFaultsWhole));
    };
    world_.fabric().datagrams({.loss = part(0), .twice = part(1), .late = part(2)});
  };
  const auto amount = static_cast<std::uint64_t>(std::max<std::int64_t>(fault.amount, 0));
  share += amount;
  set();
  lasts(fault.span, [&share, set, amount] {
    share -= amount;
    set();
  });
  return true;
}

bool Faults::strike_process(const Fault& fault) {
  const std::size_t node = fault.node;
  sim::Machine& machine = world_.machine(node);
  if (!machine.up()) return false;
  switch (fault.what) {
    case kill:
      keeper_.end(node, Keeper::End::process);
      keeper_.start_in(node, fault.span);
      return true;
    case power: fail_power(node, fault); return false;
    case pause:
      machine.pause();
      lasts(fault.span, [&machine, life = machine.lives()] {
        if (machine.lives() == life) machine.resume();
      });
      return true;
    case slow: {
      const base::Duration rest = std::chrono::microseconds(fault.amount);
      machine.slow(rest);
      lasts(fault.span, [&machine, rest] { machine.slow(-rest); });
      return true;
    }
    case break_actor:
      // Except the clients of the simulation, and the root, which is never restarted.
      machine.break_next(
          static_cast<std::uint64_t>(std::max<std::int64_t>(fault.amount, 1)),
          [this](std::string_view path) { return !ended_ && path != "/outside" && path != "/node"; },
          [this, &fault] { hit(fault); });
      return false;
    case clock_step: machine.ports().clock().step(std::chrono::milliseconds(fault.amount)); return true;
    case clock_off: {
      const base::Duration by = std::chrono::milliseconds(fault.amount);
      machine.ports().clock().step(by);
      // Its next life begins with the correct date.
      lasts(fault.span, [&machine, life = machine.lives(), by] {
        if (machine.lives() == life) machine.ports().clock().step(-by);
      });
      return true;
    }
    default: return false;
  }
}

/// Cuts the power inside the handler that changes the disk for the last time; of an idle node, a moment later.
void Faults::fail_power(std::size_t node, const Fault& fault) {
  world_.machine(node).lose_power_at(static_cast<std::uint64_t>(fault.amount), [this, node, &fault] {
    hit(fault);
    ++power_failures_[node];
    keeper_.ended(node);
    keeper_.start_in(node, fault.span);
  });
  cut_power_in(kPowerLastsMax, node, fault);
}

/// Unless the power fails before, for any reason.
void Faults::cut_power_in(base::Duration delay, std::size_t node, const Fault& fault) {
  world_.stage().after(delay, [this, node, &fault, failures = power_failures_[node]] {
    if (power_failures_[node] != failures) return;
    if (fault.what == power) hit(fault);
    cut_power(node);
    keeper_.start_in(node, fault.what == power ? fault.span : kStartAgain);
  });
}

/// The power fails now, whether the node is up or not, and cancels all faults that were planned for it.
void Faults::cut_power(std::size_t node) {
  ++power_failures_[node];
  if (keeper_.up(node)) keeper_.end(node, Keeper::End::power);
  else world_.machine(node).disk().crash(world_.stage().stream("faults.power"));
}

/// An operator gives the node an empty disk, whatever is on its disk.
void Faults::replace_disk(std::size_t node, base::Duration after) {
  keeper_.end(node, Keeper::End::process);
  cut_power(node);
  world_.wipe(node);
  keeper_.start_in(node, after);
}

/// If the node fails on the remaining data, its operator gives it an empty disk.
bool Faults::cut_log(std::size_t node, const Fault& fault) {
  sim::Machine& machine = world_.machine(node);
  if (!machine.up()) return false;
  const auto is_log = [](std::string_view path) {
    return path.ends_with(".log") || (path.starts_with("raft/log/") && path.ends_with(".pack"));
  };
  const auto cut =
      machine.disk().cut(world_.stage().stream("faults.cut"), static_cast<std::uint64_t>(fault.amount), is_log);
  if (!cut) return false;
  tell_(*cut + " of " + node_name(node) + " is cut");
  device_failed_[node] = true;
  keeper_.end(node, Keeper::End::process);
  keeper_.start_in(node, fault.span);
  world_.stage().after(fault.span + kReplaced, [this, node] {
    if (!world_.serving(node) || world_.health(node).state() == observe::HealthState::failing) replace_disk(node, {});
  });
  return true;
}

/// Not if it has a different identity by then: there is no older copy of that node.
void Faults::plan_older(const Fault& fault) {
  const std::size_t node = fault.node;
  if (!keeper_.up(node)) return;
  std::shared_ptr<sim::Disk> copy = world_.machine(node).disk().copy();
  world_.stage().after(fault.span / 2, [this, node, &fault, id = world_.id(node), copy] {
    if (ended_ || world_.id(node) != id || (may_go_back_ && !may_go_back_(node))) return;
    hit(fault);
    went_back_[node] = true;
    keeper_.end(node, Keeper::End::process);
    cut_power(node);
    world_.machine(node).disk().swap(*copy);
    keeper_.start_in(node, fault.span / 2);
  });
}

/// Such a plan never outlives a swap, which begins with a power failure.
void Faults::plan_disk(const Fault& fault, sim::DiskOperation what) {
  const auto after = static_cast<std::uint64_t>(std::max<std::int64_t>(fault.amount, 0));
  world_.machine(fault.node).disk().fail(what, ports::DiskError::io, after, [this, &fault] {
    device_failed_[fault.node] = true;
    hit(fault);
  });
}

bool Faults::strike_disk(const Fault& fault) {
  const std::size_t node = fault.node;
  sim::Machine& machine = world_.machine(node);
  sim::Disk& disk = machine.disk();
  const auto amount = static_cast<std::uint64_t>(std::max<std::int64_t>(fault.amount, 0));
  switch (fault.what) {
    case disk_full: {
      const std::uint64_t bytes = disk.used_bytes() + amount;
      disk.limit(bytes);
      device_failed_[node] = true;
      lasts(fault.span, [&disk, bytes] { disk.lift(bytes); });
      return true;
    }
    case disk_read: plan_disk(fault, sim::DiskOperation::read); return false;
    case disk_write: plan_disk(fault, sim::DiskOperation::write); return false;
    case disk_sync: plan_disk(fault, sim::DiskOperation::sync); return false;
    case disk_slow: {
      const base::Duration longer = std::chrono::microseconds(amount);
      disk.slow(longer);
      lasts(fault.span, [&disk, longer] { disk.slow(-longer); });
      return true;
    }
    case disk_rot: {
      // Payloads have copies elsewhere; the rows of a node do not, and it refuses to serve without them.
      const auto rotten = disk.rot(amount, [this](std::string_view path) {
        return !scenario_.beyond && std::ranges::none_of(rots_, [path](std::string_view directory) {
          return path.find(directory) != std::string_view::npos;
        });
      });
      device_failed_[node] = device_failed_[node] || rotten;
      return rotten.has_value();
    }
    case disk_empty: replace_disk(node, fault.span); return true;
    case disk_cut: return cut_log(node, fault);
    case disk_older: plan_older(fault); return false;
    case disk_gone:
      if (!machine.up()) return false;
      disk.lose();
      device_failed_[node] = true;
      lasts(fault.span, [this, node] { replace_disk(node, {}); });
      return true;
    case disk_swap:
      if (node == fault.other) return false;
      for (const std::size_t one : {node, std::size_t{fault.other}}) {
        keeper_.end(one, Keeper::End::process);
        cut_power(one);
      }
      world_.exchange(node, fault.other);
      // A full device stays where it is.
      device_failed_[node] = device_failed_[fault.other] = device_failed_[node] || device_failed_[fault.other];
      keeper_.start_in(node, fault.span);
      keeper_.start_in(fault.other, fault.span);
      return true;
    case disk_lie:
      if (!machine.up()) return false;
      disk.lie(true);
      cut_power_in(fault.span, node, fault);
      return true;
    default: return false;
  }
}

}  // namespace troupe::apps
