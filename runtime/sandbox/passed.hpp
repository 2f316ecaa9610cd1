#pragma once
// Descriptors passed with a packet over a local socket.
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/descriptor.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kPassedMax = 253;  // Linux's limit per packet

/// Returns the descriptors of a message that recvmsg(2) has filled with MSG_CMSG_CLOEXEC.
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

struct PassedPacket {
  ssize_t bytes = -1;  ///< 0: the other side is gone; negative: see errno
  std::vector<base::Descriptor> descriptors;
};

/// Receives the next packet, with at most `Most` of its descriptors; the kernel closes the others. Does not wait.
template <std::size_t Most>
PassedPacket take_packet(int from, std::span<std::uint8_t> into) {
  iovec part{into.data(), into.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(Most * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  PassedPacket out;
  out.bytes = ::recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (out.bytes >= 0) out.descriptors = passed_with(message);
  return out;
}

/// Sends a packet without waiting. Returns false with errno set if the packet was not accepted.
inline bool pass(int to, base::ByteView bytes, std::span<const int> descriptors) {
  iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kPassedMax * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = 0;
  do sent = ::sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(bytes.size());
}

}  // namespace troupe::sandbox
