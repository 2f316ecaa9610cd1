#pragma once
// The figures that `troupe bench` can measure below the domains, and for `bench dht`, `kv` and `file`. Each function
// returns its figures in the order of measurement.
#include "apps/bench/file_processes.hpp"
#include "apps/bench/node_processes.hpp"
#include "apps/bench/runner.hpp"
#include "apps/bench/second_process.hpp"
#include "runtime/sandbox/launcher.hpp"

namespace troupe::bench {

/// Measures messages with numbers between two actors, one-way and as requests: `actor.oneway`, `actor.ask`. Each takes
/// `span`.
Measurement<Figures> measure_actors(Runner& runner, base::Duration span);

/// Measures the memory per actor of `count` idle actors: `actor.idle`. They live until the runner ends.
Measurement<Figure> measure_idle_actors(Runner& runner, std::size_t count);

/// Measures `count` messages to a blocked actor: `actor.stopped`. The delays are another actor's response times. With
/// `kept` the mailbox accepts kHeldMailboxMax messages, and the actor stays blocked until `kept` is dropped.
inline constexpr std::size_t kHeldMailboxMax = 1'000'000;
Measurement<Figure> measure_stopped_actor(Runner& runner, std::uint64_t count, std::shared_ptr<void>* kept = nullptr);

/// Measures the memory that `count` completed requests with a deadline leave: `actor.answered`.
Measurement<Figure> measure_answered(Runner& runner, std::uint64_t count);

/// The second process of `bench link`: serves one link until the process's input ends.
void serve_links(SecondProcess::Pipes& pipes, const ScratchFolder& folder);
/// Measures messages over an encrypted link to the second process: `link.oneway256`, `link.ask`, `link.oneway64k`. Each
/// takes `span`.
Measurement<Figures> measure_links(os::Waker& waker, Runner& runner, SecondProcess& second, base::Duration span);

/// The second process of `bench link --idle`: dials `links` links, each with its own key.
void dial_links(SecondProcess::Pipes& pipes, const ScratchFolder& folder, std::size_t links);
/// Measures the memory of one idle link, and how soon each link responds: `link.idle`.
Measurement<Figure> measure_idle_links(os::Waker& waker, Runner& runner, SecondProcess& second, std::size_t links);

struct DhtPlan {
  std::size_t nodes, copies;
  std::size_t in_flight;  ///< of the first figures; the other figures have one in flight
  base::Duration span;
};
/// Measures a cluster of DHT nodes in this process: the memory of a node (`dht.node`), then `dht.put`,
/// `dht.put.signed`, `dht.get`, and `dht.put` and `dht.get` one at a time. Each takes the plan's span.
Measurement<Figures> measure_dht(Runner& runner, const DhtPlan& plan);

/// Returns the path of the file that `bench file` uses: `given`, or a file below `folder` that measure_files() makes.
std::string measured_file(const ScratchFolder& folder, const std::string& given);

/// Measures the file at a node in another process: `file.put`; then at a node in this process, which stores the file
/// below `folder`: `file.put.inproc`, `file.get`, `file.again` (the same put once more), `file.verify`. Makes a file of
/// `bytes` bytes if none is given.
Measurement<Figures> measure_files(os::Waker& waker, Runner& runner, FileProcesses& processes,
                                   const ScratchFolder& folder, const std::string& given, std::uint64_t bytes);

/// Measures puts, linearizable and stale gets at the leader of a group of three processes, by 1, 16 and 128 clients on
/// one link: `kv.put`, `kv.get`, `kv.stale`. Each takes `span`. Fails unless one order of operations explains what
/// clients saw of the watched keys, and unless the members synced their logs as often as a majority per put needs.
Measurement<Figures> measure_kv(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span);
/// Measures the longest time without a successful put after SIGKILL of the leader, seen by a client of another member:
/// `kv.failover`, the median and the maximum of ten.
Measurement<Figures> measure_kv_failover(os::Waker& waker, Runner& runner, NodeProcesses& processes);
/// Measures the memory of the largest member after `puts` puts on 100,000 keys: `kv.memory`.
Measurement<Figures> measure_kv_memory(os::Waker& waker, Runner& runner, NodeProcesses& processes, std::uint64_t puts);

enum class Ready : std::uint8_t { no, yes };
/// Measures the start and end of the program `true` in a sandbox, one run after another: `sandbox.start`. With
/// Ready::yes: in sandboxes made ahead, with pauses in which the next ones are made: `sandbox.pool`. The launcher must
/// have been started before any thread.
Measurement<Figure> measure_sandboxes(Runner& runner, sandbox::Launcher& launcher, base::Duration span, Ready ready);

}  // namespace troupe::bench
