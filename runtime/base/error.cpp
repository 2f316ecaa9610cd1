#include "runtime/base/error.hpp"

namespace troupe::base {

std::string_view name(Code code) {
  switch (code) {
    case Code::not_found: return "not_found";
    case Code::malformed: return "malformed";
    case Code::unsupported: return "unsupported";
    case Code::refused: return "refused";
    case Code::conflict: return "conflict";
    case Code::overloaded: return "overloaded";
    case Code::no_space: return "no_space";
    case Code::unavailable: return "unavailable";
    case Code::timeout: return "timeout";
    case Code::unknown_outcome: return "unknown_outcome";
    case Code::dropped: return "dropped";
    case Code::corrupt: return "corrupt";
    case Code::internal: return "internal";
  }
  return "internal";
}

Code code_of(std::uint16_t number) {
  if (number < 1 || number > static_cast<std::uint16_t>(Code::internal)) return Code::internal;
  return static_cast<Code>(number);
}

bool transient(Code code) {
  return code == Code::overloaded || code == Code::unavailable || code == Code::timeout || code == Code::dropped;
}

bool is_final(Code code) {
  return code == Code::malformed || code == Code::unsupported || code == Code::refused || code == Code::conflict;
}

}  // namespace troupe::base
