#include "actors/dht/counters.hpp"

namespace troupe::dht {

std::string_view name(Asked asked) {
  switch (asked) {
    case Asked::find_node: return "find_node";
    case Asked::find_value: return "find_value";
    case Asked::get_providers: return "get_providers";
    case Asked::store: return "store";
    case Asked::add_provider: return "add_provider";
  }
  return "find_node";
}

}  // namespace troupe::dht
