#include "runtime/base/descriptor.hpp"

#include <unistd.h>

namespace troupe::base {

void Descriptor::reset() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

}  // namespace troupe::base
