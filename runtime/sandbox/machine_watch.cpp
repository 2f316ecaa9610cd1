#include "runtime/sandbox/machine_watch.hpp"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/sandbox/processes.hpp"
#include "runtime/sandbox/time_now.hpp"

namespace troupe::sandbox {
namespace {

constexpr base::Duration kLookEvery = std::chrono::milliseconds{200};  // our choice: what one has had is free by then
constexpr base::Duration kKeptWaitingMost = std::chrono::seconds{1};   // our choice
constexpr int kKeptWaitingPart = 3;                                    // our choice: of the time

}  // namespace

MachineWatch::MachineWatch(Watchdog& watchdog)
    : watchdog_(watchdog), reclaim_(std::max(std::thread::hardware_concurrency(), 1u)) {}

void MachineWatch::look(const Running& running, base::Instant now) {
  if (now < looked_ + kLookEvery) return;
  looked_ = now;
  const auto of_others = std::find_if(running.rbegin(), running.rend(),
                                      [](const auto& one) { return one.second->of_others() && !one.second->ended(); });
  if (of_others == running.rend()) return;
  if (is_short_of_memory(meminfo())) of_others->second->spare();
  look_at_mounts(running);
  look_at_reclaim(running);
  look_at_log(running);
}

void MachineWatch::look_at_mounts(const Running& running) {
  const base::Instant began = time_now();
  wait_for_mounts();
  const base::Instant ended = time_now();
  const auto since = std::min<base::Duration>(ended - std::exchange(mounts_looked_, ended), kKeptWaitingMost);
  const bool one_waits = std::ranges::any_of(
      running, [](const auto& one) { return !one.second->of_others() && one.second->waits_to_be_made(); });
  const auto waited = ended - began + std::exchange(starts_waited_, {});
  kept_waiting_ += (one_waits ? since : std::min(waited, since)) - since / kKeptWaitingPart;
  kept_waiting_ = std::max(kept_waiting_, base::Duration::zero());
  if (kept_waiting_ < kKeptWaitingMost) return;
  kept_waiting_ = kKeptWaitingMost / 2;
  watchdog_.end_longest();
}

void MachineWatch::look_at_reclaim(const Running& running) {
  if (!reclaim_.is_slow(waited_for_memory(memory_pressure()), time_now())) return;
  std::vector<Mapped> programs;
  for (const auto& [id, sandbox] : running) {
    if (sandbox->of_others()) programs.push_back({id.value, sandbox->site(), sandbox->mapped()});
    watchdog_.next_turn();
  }
  const auto files_of = [&](std::uint64_t program, base::Duration time) {
    watchdog_.next_turn();
    return running.at({program})->mapped_of_files(kMappedMost, time);
  };
  for (const auto program : reclaim_.those_to_end(std::move(programs), files_of)) watchdog_.end(program);
}

void MachineWatch::look_at_log(const Running& running) {
  std::vector<std::uint64_t> programs;
  for (const auto& [id, sandbox] : running)
    if (sandbox->of_others()) programs.push_back(id.value);
  const auto processes_of = [&](std::uint64_t program) {
    watchdog_.next_turn();
    return running.at({program})->processes();
  };
  if (const auto one = log_watch_.one_to_end(log_.lines_of_programs(), time_now(), programs, processes_of))
    watchdog_.end(*one);
}

}  // namespace troupe::sandbox
