#include "runtime/os/datagram_socket.hpp"

#include <linux/sock_diag.h>

#include <algorithm>
#include <caf/actor_cast.hpp>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <mutex>

#include "runtime/os/sockets.hpp"
#include "runtime/ports/events.hpp"

namespace troupe::os {
namespace {

constexpr std::size_t kSlotBytes = ports::kDatagramBytesMax + 1;  // one more, to detect oversize datagrams
constexpr std::size_t kV4At = 12;                                 // where IPv4 is in its mapped form

bool fits(std::size_t bytes) { return bytes > 0 && bytes <= ports::kDatagramBytesMax; }

void count(std::atomic<std::uint64_t>& what, std::size_t times = 1) {
  what.fetch_add(times, std::memory_order_relaxed);
}

/// Returns which of our addresses received a datagram; zeros if the system did not report it. An IPv6 socket reports
/// IPv4 addresses as mapped.
std::array<std::uint8_t, 16> came_to(msghdr& message) {
  std::array<std::uint8_t, 16> out{};
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO)
      std::memcpy(out.data(), CMSG_DATA(one) + offsetof(in6_pktinfo, ipi6_addr), out.size());
    if (one->cmsg_level != IPPROTO_IP || one->cmsg_type != IP_PKTINFO) continue;
    out[kV4At - 2] = out[kV4At - 1] = 0xff;
    std::memcpy(out.data() + kV4At, CMSG_DATA(one) + offsetof(in_pktinfo, ipi_spec_dst), sizeof(in_addr));
  }
  return out;
}

}  // namespace

DatagramSlots::DatagramSlots() : room_(std::make_unique_for_overwrite<std::uint8_t[]>(kBatchMax * kSlotBytes)) {
  for (std::size_t i = 0; i < kBatchMax; ++i) {
    pieces_[i] = {slot(i), kSlotBytes};
    messages_[i].msg_hdr.msg_iov = &pieces_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_name = &names_[i];
    messages_[i].msg_hdr.msg_control = &controls_[i];
    prepare(i);
  }
}

/// Resets the lengths, which the kernel has overwritten with the used sizes.
void DatagramSlots::prepare(std::size_t i) {
  messages_[i].msg_hdr.msg_namelen = sizeof names_[i];
  messages_[i].msg_hdr.msg_controllen = sizeof controls_[i];
}

std::uint8_t* DatagramSlots::slot(std::size_t i) const { return room_.get() + i * kSlotBytes; }

/// Counts down the datagrams in the owner's queue; the owner may outlive the socket.
class DatagramSocket::Credit {
 public:
  Credit(std::shared_ptr<Waiting> waiting, std::size_t datagrams)
      : waiting_(std::move(waiting)), datagrams_(datagrams) {}
  ~Credit() { waiting_->fetch_sub(datagrams_, std::memory_order_relaxed); }
  Credit(const Credit&) = delete;
  Credit& operator=(const Credit&) = delete;

 private:
  std::shared_ptr<Waiting> waiting_;
  std::size_t datagrams_;
};

DatagramSocket::DatagramSocket(Descriptor socket, const runtime::Handle& owner)
    : socket_(std::move(socket)),
      local_(local_endpoint(socket_.get())),
      owner_(caf::actor_cast<caf::weak_actor_ptr>(owner)) {
  socklen_t size = sizeof family_;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_DOMAIN, &family_, &size);
  everywhere_ = !local_.dialable();
  if (!everywhere_) return;
  const int yes = 1;
  if (family_ == AF_INET6) ::setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof yes);
  else ::setsockopt(socket_.get(), IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes);
}

void DatagramSocket::close() {
  closed_.store(true, std::memory_order_relaxed);
  const std::unique_lock alone(gate_);
  count_kernel_drops();
  socket_.reset();
}

ports::DatagramCounts DatagramSocket::counts() const {
  const std::unique_lock alone(gate_);
  count_kernel_drops();
  return {sent_.load(), received_.load(), unsent_.load(), dropped_.load() + kernel_drops_, oversize_.load()};
}

/// Counts datagrams that the kernel dropped for lack of space, in its 32-bit counter.
void DatagramSocket::count_kernel_drops() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> numbers{};
  socklen_t size = sizeof numbers;
  if (!socket_.valid() || ::getsockopt(socket_.get(), SOL_SOCKET, SO_MEMINFO, numbers.data(), &size) != 0) return;
  kernel_drops_ += numbers[SK_MEMINFO_DROPS] - kernel_drops_seen_;
  kernel_drops_seen_ = numbers[SK_MEMINFO_DROPS];
}

// -- sending --

/// Returns zero if a socket of this family cannot use that address.
socklen_t DatagramSocket::name(SocketName& out, const base::Endpoint& endpoint) const {
  if (family_ == AF_INET6) {
    out.v6 = {};
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(endpoint.port);
    std::memcpy(&out.v6.sin6_addr, endpoint.address.data(), sizeof out.v6.sin6_addr);
    return sizeof out.v6;
  }
  if (!endpoint.is_v4()) return 0;
  out.v4 = {};
  out.v4.sin_family = AF_INET;
  out.v4.sin_port = htons(endpoint.port);
  std::memcpy(&out.v4.sin_addr, endpoint.address.data() + kV4At, sizeof out.v4.sin_addr);
  return sizeof out.v4;
}

void DatagramSocket::send(const std::vector<ports::Datagram>& batch) {
  if (closed_.load(std::memory_order_relaxed)) return;  // before the gate, which many senders could keep shut
  const std::shared_lock open(gate_);
  if (!socket_.valid()) return;
  // Not initialised: unused entries of a batch cost nothing.
  std::array<SocketName, kBatchMax> names;
  std::array<SocketControl, kBatchMax> controls;
  std::array<iovec, kBatchMax> pieces;
  std::array<mmsghdr, kBatchMax> messages;
  std::size_t filled = 0;
  for (const ports::Datagram& one : batch) {
    if (!fits(one.bytes.size())) {
      count(oversize_);
      continue;
    }
    const socklen_t size = one.with.dialable() ? name(names[filled], one.with) : 0;
    if (size == 0) {
      count(unsent_);
      continue;
    }
    pieces[filled] = {const_cast<std::uint8_t*>(one.bytes.data()), one.bytes.size()};  // sendmmsg only reads
    messages[filled] = {};
    messages[filled].msg_hdr.msg_name = &names[filled];
    messages[filled].msg_hdr.msg_namelen = size;
    messages[filled].msg_hdr.msg_iov = &pieces[filled];
    messages[filled].msg_hdr.msg_iovlen = 1;
    leave_from(messages[filled], controls[filled], one.here);
    if (++filled < kBatchMax) continue;
    push(messages);
    filled = 0;
  }
  push({messages.data(), filled});
}

void DatagramSocket::leave_from(mmsghdr& message, SocketControl& control,
                                const std::array<std::uint8_t, 16>& here) const {
  if (!everywhere_ || here == std::array<std::uint8_t, 16>{}) return;
  const bool v6 = family_ == AF_INET6;
  control = {};
  message.msg_hdr.msg_control = &control;
  message.msg_hdr.msg_controllen = v6 ? CMSG_SPACE(sizeof(in6_pktinfo)) : CMSG_SPACE(sizeof(in_pktinfo));
  cmsghdr* const said = CMSG_FIRSTHDR(&message.msg_hdr);
  said->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  said->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
  said->cmsg_len = v6 ? CMSG_LEN(sizeof(in6_pktinfo)) : CMSG_LEN(sizeof(in_pktinfo));
  if (v6) std::memcpy(CMSG_DATA(said) + offsetof(in6_pktinfo, ipi6_addr), here.data(), here.size());
  else std::memcpy(CMSG_DATA(said) + offsetof(in_pktinfo, ipi_spec_dst), here.data() + kV4At, sizeof(in_addr));
}

void DatagramSocket::push(std::span<mmsghdr> left) {
  while (!left.empty()) {
    const int sent = ::sendmmsg(socket_.get(), left.data(), static_cast<unsigned>(left.size()), MSG_NOSIGNAL);
    if (sent > 0) {
      count(sent_, static_cast<std::size_t>(sent));
      left = left.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
      return count(unsent_, left.size());
    } else if (errno != EINTR) {  // the first of them cannot be sent there
      count(unsent_);
      left = left.subspan(1);
    }
  }
}

// -- receiving --

bool DatagramSocket::receive(DatagramSlots& slots) {
  int got = 0;
  {
    const std::shared_lock open(gate_);
    if (!socket_.valid()) return true;
    got = ::recvmmsg(socket_.get(), slots.messages_.data(), kBatchMax, 0, nullptr);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
  }
  // Without the gate: if the last handle of an owner is released here, the owner closes its socket here.
  hand_over(slots, static_cast<std::size_t>(got));
  return true;
}

void DatagramSocket::hand_over(DatagramSlots& slots, std::size_t got) {
  // Only this thread adds to the waiting datagrams.
  const std::size_t room = ports::kDatagramsWaitingMax - waiting_->load(std::memory_order_relaxed);
  ports::Arrived event;
  event.datagrams.reserve(std::min(got, room));
  for (std::size_t i = 0; i < got; ++i) {
    const std::size_t size = slots.messages_[i].msg_len;
    if (!fits(size)) {
      count(oversize_);
    } else if (event.datagrams.size() == room) {
      count(dropped_);
    } else {
      const std::uint8_t* const first = slots.slot(i);
      event.datagrams.push_back({endpoint_of(reinterpret_cast<const sockaddr*>(&slots.names_[i])),
                                 base::Bytes(first, first + size), came_to(slots.messages_[i].msg_hdr)});
    }
    slots.prepare(i);
  }
  const std::size_t datagrams = event.datagrams.size();
  if (datagrams == 0) return;
  count(received_, datagrams);
  waiting_->fetch_add(datagrams, std::memory_order_relaxed);
  event.credit = std::make_shared<Credit>(waiting_, datagrams);
  ports::deliver(caf::actor_cast<runtime::Handle>(owner_), std::move(event));
}

}  // namespace troupe::os
