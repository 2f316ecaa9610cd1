#pragma once
// The process of a timeline's world: runs it, keeps checkpoints, and answers what is asked of an instant.
//
// Frames   4 bytes length, 1 byte kind, then the rest; numbers as they lie, both ends are one program.
// Life     ends when the other end of its socket is closed.
#include <capnp/serialize.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "apps/sim/timeline.hpp"

namespace troupe::apps::timeline {

enum class Kind : std::uint8_t {
  // From the first run.
  progress,    ///< event, time
  checkpoint,  ///< slot, event
  dropped,     ///< slot
  departed,    ///< text
  ended,       ///< event, time, then output.SimWorld
  // Asked of a checkpoint or the process it has forked.
  go,       ///< event, then those before it at which to leave a checkpoint, the latest first
  go_to,    ///< time
  look,     ///< answered by status, actors and log of each node, then done
  look_at,  ///< node, path
  last,     ///< node, limit, what, path: the last event up to `limit` in which it changed, or handled something
  first,    ///< the same: the first one from here on
  bye,      ///< the process ends, and its checkpoint listens again
  // Answers.
  near,     ///< event; its socket follows (os::pass()): a checkpoint left on the way
  instant,  ///< event, time, hash, words, text
  status,
  actors,
  log,
  looked,
  none,
  error,   ///< text
  broken,  ///< text; of a checkpoint whose process has ended: what it says next answers nothing
  done,
};

struct Frame {
  Kind kind{};
  std::string rest;
};

/// What `last` and `first` look for; `sent`: that the node sent a message of these words (Instant::words, as
/// hash_text()) to another one; the text of the answer is the actor that sent it.
enum class Change : std::uint64_t { of_state, handled, sent };

bool send(int socket, Kind kind, const std::string& rest);
/// Nothing at the end of the stream or if it is broken.
std::optional<Frame> receive(int socket);

/// A message of flat words, at any alignment.
template <class T, class Use>
auto with(const std::string& bytes, Use&& use) {
  std::vector<capnp::word> words(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(capnp::word));
  capnp::FlatArrayMessageReader reader({words.data(), words.size()}, {.traversalLimitInWords = 64u << 20});
  return use(reader.getRoot<T>());
}

/// Numbers at the front of a frame.
std::string pack(std::initializer_list<std::uint64_t> numbers, const std::string& text = {});
std::optional<std::uint64_t> unpack(std::string& rest);

struct ServerSetup {
  Recorded world;
  sim::WorkloadSpecs workloads;
  int control = -1;        ///< the first run speaks here
  std::vector<int> slots;  ///< one a checkpoint
  std::size_t bytes_max = kTimelineBytesMax;
};
/// Never returns.
[[noreturn]] void serve(ServerSetup setup);

}  // namespace troupe::apps::timeline
