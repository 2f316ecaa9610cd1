#include "apps/sim/trace_source.hpp"

#include "apps/cli/file_source.hpp"
#include "apps/host/domains.hpp"
#include "apps/sim/trace.hpp"

namespace troupe::apps {

base::Result<Recorded, Failure> read_trace(const std::string& path, sim::WorkloadSpecs workloads) {
  auto source = FileSource::open(path);
  if (!source.ok()) return source.error();
  std::string bytes;
  base::Bytes piece(256 * 1024);
  while (true) {
    const auto got = source.value().read(piece);
    if (!got.ok()) return got.error();
    if (got.value() == 0) break;
    bytes.append(reinterpret_cast<const char*>(piece.data()), got.value());
    if (bytes.size() > kTraceBytesMax) return usage_failure(path + " is not a trace: it has more than 1 GiB", "");
    if (bytes.size() >= kTraceMagic.size() && !bytes.starts_with(kTraceMagic)) break;
  }
  auto recorded = parse_recorded(bytes, workloads, settings_table());
  if (!recorded.ok())
    return usage_failure(path + " is not a trace that can be shown: " + recorded.error().message,
                         "troupe sim DOMAIN --trace FILE makes one");
  return std::move(recorded).value();
}

}  // namespace troupe::apps
