#pragma once
// Descriptors that came with a message over a local socket.
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "runtime/base/descriptor.hpp"

namespace troupe::sandbox {

/// All of them, of a message that recvmsg(2) has filled with MSG_CMSG_CLOEXEC.
inline std::vector<base::Descriptor> passed_with(msghdr& message) {
  std::vector<base::Descriptor> out;
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= at->cmsg_len; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(at) + i * sizeof number, sizeof number);
      out.emplace_back(number);
    }
  }
  return out;
}

}  // namespace troupe::sandbox
