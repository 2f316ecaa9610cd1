#pragma once
// A process of one thread that makes the sandboxes of a process of many.
//
// Order    start() comes before any other thread: the launcher is a copy of this process.
// Ends     with this process, however that ends; then it ends its sandboxes and removes their cgroups.
// Streams  are the caller's: it makes pipes, passes their ends, and counts what the program prints.
// Safety   one thread.
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/base/descriptor.hpp"
#include "runtime/sandbox/sandbox.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kSandboxesMax = 1'024;                     // of one launcher; one more is `not_made`
inline constexpr std::size_t kPacketBytesMax = std::size_t{128} << 10;  // of a spec; Linux takes 200 KiB in a packet

/// The caller's name for a sandbox; it may be used again once its outcome is there.
struct SandboxId {
  std::uint64_t value = 0;
  friend auto operator<=>(const SandboxId&, const SandboxId&) = default;
};

class Launcher {
 public:
  struct Finished {
    SandboxId id;
    Outcome outcome;  ///< without the bytes of output
  };

  /// Nothing if no process can be made.
  static std::optional<Launcher> start();
  /// Waits until the launcher has ended all it had.
  ~Launcher();
  Launcher(Launcher&&) noexcept = default;
  Launcher& operator=(Launcher&&) = delete;

  /// False if the launcher is gone, or the spec is too large, or has an `inside`; then nothing was started. Otherwise
  /// an outcome follows. The streams may be closed after it.
  bool make(SandboxId id, const Spec& spec, const Streams& streams);
  /// For that limit, or for none. Of an unknown sandbox, or one that has ended, nothing.
  void end(SandboxId id, std::optional<Limit> limit);
  /// Can be read if there is an outcome, or if the launcher is gone.
  int descriptor() const { return talk_.get(); }
  /// The next outcome that is there; does not wait.
  std::optional<Finished> next();
  /// Whether the launcher has ended, which it does not by itself: no outcome comes any more.
  bool gone() const { return gone_; }

 private:
  Launcher(pid_t process, base::Descriptor talk) : process_(process), talk_(std::move(talk)) {}

  pid_t process_;
  base::Descriptor talk_;
  bool gone_ = false;
};

}  // namespace troupe::sandbox
