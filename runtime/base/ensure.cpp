#include "runtime/base/ensure.hpp"

#include <string>

namespace troupe::base {

void fail(const char* claim, std::source_location where) {
  throw InvariantBroken(std::string(claim) + " (" + where.file_name() + ":" + std::to_string(where.line()) + ")");
}

}  // namespace troupe::base
