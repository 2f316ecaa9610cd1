#include "runtime/os/reader.hpp"

#include <poll.h>

namespace troupe::os {

bool reader_is_gone(int descriptor) {
  pollfd watched{descriptor, POLLOUT, 0};
  return ::poll(&watched, 1, 0) == 1 && (watched.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace troupe::os
