#pragma once
// What `troupe bench` can measure below the domains, and `bench dht`, `kv` and `file`. Each returns its figures in the
// order in which they were taken.
#include "apps/bench/file_processes.hpp"
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"
#include "apps/bench/second_process.hpp"
#include "runtime/sandbox/launcher.hpp"

namespace troupe::bench {

/// Numbers told and asked between two actors: `actor.oneway`, `actor.ask`. Each takes `span`.
Measurement<Figures> measure_actors(Runner& runner, base::Duration span);

/// Memory of `count` actors that do nothing, each: `actor.idle`. They live until the runner ends.
Measurement<Figure> measure_idle_actors(Runner& runner, std::size_t count);

/// `count` tells at an actor that never looks up: `actor.stopped`. Its delays are those of another actor's answers.
/// With `kept` its mailbox takes kHeldMailboxMax of them, and it stays as it is until that is dropped.
inline constexpr std::size_t kHeldMailboxMax = 1'000'000;
Measurement<Figure> measure_stopped_actor(Runner& runner, std::uint64_t count, std::shared_ptr<void>* kept = nullptr);

/// Memory that `count` answered questions with a deadline leave behind: `actor.answered`.
Measurement<Figure> measure_answered(Runner& runner, std::uint64_t count);

/// The second process of `bench link`: serves one link until its input ends.
void serve_links(SecondProcess::Pipes& pipes, const ScratchFolder& folder);
/// Messages over an encrypted link to that process: `link.oneway256`, `link.ask`, `link.oneway64k`. Each takes `span`.
Measurement<Figures> measure_links(os::Waker& waker, Runner& runner, SecondProcess& second, base::Duration span);

/// The second process of `bench link --idle`: dials `links` links, each with a key of its own.
void dial_links(SecondProcess::Pipes& pipes, const ScratchFolder& folder, std::size_t links);
/// Memory of one idle link, and how soon each link answers: `link.idle`.
Measurement<Figure> measure_idle_links(os::Waker& waker, Runner& runner, SecondProcess& second, std::size_t links);

struct DhtPlan {
  std::size_t nodes, copies;
  std::size_t in_flight;  ///< of the first figures; the others have one at a time
  base::Duration span;
};
/// A cluster of DHT nodes in this process: the memory of one (`dht.node`), then `dht.put`, `dht.put.signed`, `dht.get`,
/// and `dht.put` and `dht.get` one at a time. Each takes the plan's span.
Measurement<Figures> measure_dht(Runner& runner, const DhtPlan& plan);

/// What `bench file` measures with: `given`, or a file below `folder` that measure_files() makes.
std::string measured_file(const ScratchFolder& folder, const std::string& given);

/// That file at a node that is another process: `file.put`; then at one in this process, which keeps it below `folder`:
/// `file.put.inproc`, `file.get`, `file.again` (the same put once more), `file.verify`. The file is made with `bytes`
/// if none is given.
Measurement<Figures> measure_files(os::Waker& waker, Runner& runner, FileProcesses& processes,
                                   const ScratchFolder& folder, const std::string& given, std::uint64_t bytes);

/// Puts, linearizable and stale gets at the leader of a group of three processes, by 1, 16 and 128 clients of one link:
/// `kv.put`, `kv.get`, `kv.stale`. Each takes `span`. An error unless one order explains what clients saw of the keys
/// that are watched, and unless the members synced their logs as often as a majority for each put needs.
Measurement<Figures> measure_kv(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// The longest time without a successful put after SIGKILL of the leader, at a client of another member:
/// `kv.failover`, the median and the longest of ten.
Measurement<Figures> measure_kv_failover(os::Waker& waker, Runner& runner, NodeProcesses& processes);
/// The memory of the largest member after `puts` puts on 100,000 keys: `kv.memory`.
Measurement<Figures> measure_kv_memory(os::Waker& waker, Runner& runner, NodeProcesses& processes, std::uint64_t puts);

enum class Ready : std::uint8_t { no, yes };
/// Start and end of `true` in a sandbox, one after another: `sandbox.start`; with Ready::yes in one that was made
/// ahead, and with pauses in which the next ones are made: `sandbox.pool`. The launcher was started before any thread.
Measurement<Figure> measure_sandboxes(Runner& runner, sandbox::Launcher& launcher, base::Duration span, Ready ready);

}  // namespace troupe::bench
