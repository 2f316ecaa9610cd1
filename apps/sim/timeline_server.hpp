#pragma once
// The process of a timeline's world: runs it, keeps checkpoints, and serves requests about an instant.
//
// Frames   4 bytes length, 1 byte kind, then the rest; numbers in the machine's byte order, because both ends are the
//          same program.
// Life     the process ends when the other end of its socket is closed.
#include <capnp/serialize.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "apps/sim/timeline.hpp"

namespace troupe::apps::timeline {

enum class Kind : std::uint8_t {
  // Frames from the first run.
  progress,    ///< event, time
  checkpoint,  ///< slot, event
  dropped,     ///< slot
  departed,    ///< text
  ended,       ///< event, time, then output.SimWorld
  // Requests to a checkpoint, or to the process that it has forked.
  go,       ///< event, then earlier events at which to leave a checkpoint, the latest first
  go_to,    ///< time
  look,     ///< the response is status, actors and log of each node, then done
  look_at,  ///< node, path
  last,     ///< node, limit, what, path: the last event up to `limit` with that Change
  first,    ///< the same numbers: the first event from here on
  bye,      ///< the process ends, and its checkpoint listens again
  // Answers.
  near,     ///< event; its socket follows (os::pass()): a checkpoint left while moving
  instant,  ///< event, time, hash, words, text
  status,
  actors,
  log,
  looked,
  none,
  error,   ///< text
  broken,  ///< text; from a checkpoint whose process has crashed: ignore its next frame
  done,
};

struct Frame {
  Kind kind{};
  std::string rest;
};

/// What happens in the event that `last` and `first` search for. `sent`: the node sent a message with this hash
/// (Instant::words, as hash_text()) to another node; the text of the response is the sending actor.
enum class Change : std::uint64_t { of_state, handled, sent };

bool send(int socket, Kind kind, const std::string& rest);
/// Receives a frame; returns nullopt at the end of the stream or if the stream is broken.
std::optional<Frame> receive(int socket);

/// Calls `use` with a message of flat words, at any alignment.
template <class T, class Use>
auto with(const std::string& bytes, Use&& use) {
  std::vector<capnp::word> words(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(capnp::word));
  capnp::FlatArrayMessageReader reader({words.data(), words.size()}, {.traversalLimitInWords = 64u << 20});
  return use(reader.getRoot<T>());
}

/// Makes the body of a frame: the numbers, then `text`.
std::string pack(std::initializer_list<std::uint64_t> numbers, const std::string& text = {});
std::optional<std::uint64_t> unpack(std::string& rest);

struct ServerSetup {
  Recorded world;
  sim::WorkloadSpecs workloads;
  int control = -1;        ///< the first run reports here
  std::vector<int> slots;  ///< one per checkpoint
  std::size_t bytes_max = kTimelineBytesMax;
};
/// Runs the process of the world. Never returns.
[[noreturn]] void serve(ServerSetup setup);

}  // namespace troupe::apps::timeline
