// Whatever is taken for a filter is written so that it reads back to the same; all else has a place within the text.
#include <cstdlib>

#include "runtime/observe/logic/filter.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe::observe;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto filter = Filter::parse(text);
  if (!filter.ok()) {
    if (filter.error().place > size || filter.error().message.size() > kMistakeBytesMax) std::abort();
    (void)marked(text, filter.error());
    return 0;
  }
  const auto again = Filter::parse(filter.value().text());
  if (!again.ok() || again.value() != filter.value()) std::abort();
  ActorRow row;
  row.path = "/peer/9f3c/link";
  row.kind = "link";
  row.last_error = text;  // what it is matched with is as hostile
  if (again.value().holds(row) != filter.value().holds(row)) std::abort();
  return 0;
}
