#include "apps/bench/runner.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "runtime/os/chance.hpp"
#include "runtime/os/disk.hpp"

namespace troupe::bench {
namespace {

constexpr base::Duration kForever = std::chrono::hours{24};
constexpr base::Duration kRunnerLook = std::chrono::milliseconds{10};  // between checks of conditions without a wakeup

}  // namespace

Measurement<std::unique_ptr<ScratchFolder>> ScratchFolder::make(const std::string& parent) {
  std::error_code error;
  const auto below = parent.empty() ? std::filesystem::temp_directory_path(error) : std::filesystem::path(parent);
  std::string path = (below / "troupe-bench-XXXXXX").string();
  if (error || ::mkdtemp(path.data()) == nullptr)
    return Failure{{base::Code::refused, "cannot create a folder below " + below.string()},
                   "nothing was measured",
                   "--dir with a directory that you may write to",
                   Exit::failed};
  return std::unique_ptr<ScratchFolder>(new ScratchFolder(std::move(path)));
}

ScratchFolder::~ScratchFolder() {
  std::error_code error;  // a file that cannot be removed stays
  std::filesystem::remove_all(path_, error);
}

Runner::Runner(os::Waker& waker, const ScratchFolder& folder, const runtime::NodeLimits& limits)
    : waker_(waker), limits_(limits) {
  auto disk = os::open_disk(folder.path());
  base::ensure(disk.ok(), "a folder that was created can be opened");
  system_ = std::make_unique<os::System>(
      std::move(disk).value(), os::SystemOptions{.sockets = folder.path(), .limits = limits, .watched = true});
}

Runner::~Runner() = default;

Measurement<void> Runner::wait_until(const std::string& what, base::Duration at_most,
                                     const std::function<bool()>& done) {
  const base::Instant due = now() + at_most;
  while (!done()) {
    const base::Instant at = now();
    if (at >= due)
      return Failure{
          {base::Code::timeout, what + " did not end in time"}, "its result is unknown", "again", Exit::failed};
    if (waker_.wait(std::min(due - at, kRunnerLook))) return interrupted();
  }
  return {};
}

Measurement<void> Runner::pause(base::Duration span) {
  const base::Instant due = now() + span;
  for (base::Instant at = now(); at < due; at = now())
    if (waker_.wait(due - at)) return interrupted();
  return {};
}

void Runner::hold(const std::function<bool()>& ended) {
  while (!ended() && !waker_.wait(kForever)) continue;
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0, resident = 0, of_files = 0;
  file >> total >> resident >> of_files;
  return (resident - of_files) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t growth(std::uint64_t before, std::uint64_t now, std::size_t parts) {
  return now > before ? (now - before) / parts : 0;
}

std::shared_ptr<const crypto::Identity> new_identity() {
  os::Chance chance;
  return std::make_shared<const crypto::Identity>(crypto::Identity::make(chance, 0));
}

net::NetSetup loopback_setup(std::size_t links) {
  net::NetSetup out;
  out.identity = new_identity();
  out.terms.work_bits = 0;
  out.limits.links_max = std::max(out.limits.links_max, 2 * links);
  out.limits.links_per_address_max = out.limits.links_max;
  out.limits.handshakes_per_address_max = out.limits.links_max;
  return out;
}

Failure interrupted() {
  return {{base::Code::dropped, "interrupted"}, "nothing was left on the disk", {}, Exit::interrupted};
}

}  // namespace troupe::bench
