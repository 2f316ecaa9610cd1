// Fuzz target: a process inside chooses its name, which stands in what the watcher reads of it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/sandbox/cgroup.hpp"
#include "runtime/sandbox/limits.hpp"
#include "runtime/sandbox/processes.hpp"
#include "runtime/sandbox/spec_bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto half = text.size() / 2;
  sandbox::ProcessesUsage sum;
  sandbox::add_process(sum, text.substr(0, half), text.substr(half));
  for (int field = 0; field < 64; ++field)
    if (sandbox::stat_field(text, field).find(' ') != text.npos) std::abort();
  const auto places = sandbox::own_groups(text.substr(0, half), text.substr(half));
  if (places.version == 0 && places != sandbox::CgroupPlaces{}) std::abort();
  const auto bytes = sandbox::parse_size(text);
  if (bytes && (*bytes == 0 || *bytes > sandbox::kBytesMax)) std::abort();
  const auto bytes_of_spec = base::as_bytes(text);
  const auto spec = sandbox::read_spec(bytes_of_spec);
  if (spec && base::as_text(sandbox::write(*spec)) != text) std::abort();
  const auto cores = sandbox::parse_cores(text);
  if (cores && cores->thousandths == 0) std::abort();
  return 0;
}
