#include "actors/task/codec.hpp"

#include "messages/usage.hpp"

namespace troupe::task {

sandbox::Usage read(wire::TaskUsage::Reader from) {
  static constexpr std::uint64_t kMsMax = std::uint64_t{1} << 43;  // 278 years: fits into a Duration
  const auto span = [](std::uint64_t ms) { return std::chrono::milliseconds(std::min(ms, kMsMax)); };
  sandbox::Usage out;
  out.cpu = span(from.getCpuMs());
  out.wall = span(from.getWallMs());
  out.memory_bytes_max = from.getMemoryBytesMax();
  out.pids_max = from.getPidsMax();
  out.disk_bytes = from.getDiskBytes();
  out.output_bytes = from.getOutputBytes();
  return out;
}

std::optional<Ended> read(wire::TaskEnded::Reader from) {
  Ended out;
  switch (from.getHow().which()) {
    case wire::TaskEnded::How::EXITED: out.exit_status = from.getHow().getExited(); break;
    case wire::TaskEnded::How::SIGNALLED: out.signal = from.getHow().getSignalled(); break;
    default: return std::nullopt;
  }
  const unsigned limit = from.getLimit();
  if (limit > static_cast<unsigned>(sandbox::Limit::output) + 1) return std::nullopt;
  if (limit > 0) out.limit = static_cast<sandbox::Limit>(limit - 1);
  // A program that succeeded has hit no limit and no tripwire.
  if (out.exit_status == 0 && (out.limit || from.getTripwire().size() > 0)) return std::nullopt;
  out.malicious = from.getTripwire().size() > 0;
  out.usage = read(from.getUsage());
  return out;
}

void write(wire::TaskEnded::Builder to, const sandbox::Outcome& from) {
  if (from.how == sandbox::Ended::signalled) to.getHow().setSignalled(static_cast<std::uint8_t>(from.status));
  else to.getHow().setExited(static_cast<std::uint8_t>(from.status));
  if (from.limit) to.setLimit(static_cast<std::uint8_t>(static_cast<unsigned>(*from.limit) + 1));
  to.setTripwire(from.tripwire);
  messages::write_usage(to.initUsage(), from.usage);
}

}  // namespace troupe::task
