#pragma once
// One UDP socket: sends datagrams from any thread, and puts received datagrams into the queue of its owner in batches.
//
// Sending   uses the caller's thread, with one system call per kBatchMax datagrams. An error of one datagram, such as
//           no route to its address, does not end the batch.
// Limits    kBatchMax datagrams per event. While kDatagramsWaitingMax wait for the owner, further datagrams are read
//           and dropped, so that the owner later gets new datagrams.
// Here      a socket that is bound to all addresses reports which address received a datagram, and can send a response
//           from it. Otherwise the system might choose another address of this machine, and the requester would not
//           recognise the response.
// Families  an IPv6 socket reaches IPv4 by mapped addresses; addresses outside the socket's family are `unsent`.
// Thread    safe from any, except that only one thread may call receive().
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <caf/actor_control_block.hpp>
#include <memory>
#include <shared_mutex>
#include <span>

#include "runtime/os/descriptor.hpp"
#include "runtime/ports/network.hpp"

namespace troupe::os {

inline constexpr std::size_t kBatchMax = 64;  // our choice: system calls are then a twentieth of the cost

/// An address of either family. Not initialised: a batch has 64 of them and often uses one.
union SocketName {
  sockaddr_in v4;
  sockaddr_in6 v6;
};

/// The ancillary data of a datagram: which of our addresses received it or sends it.
struct alignas(cmsghdr) SocketControl {
  std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))> bytes;
};

/// Buffers for one received batch: 90 KB, but only pages that some batch has needed become resident.
class DatagramSlots {
 public:
  DatagramSlots();

 private:
  friend class DatagramSocket;
  std::uint8_t* slot(std::size_t i) const;
  void prepare(std::size_t i);

  std::unique_ptr<std::uint8_t[]> room_;
  std::array<SocketName, kBatchMax> names_{};
  std::array<SocketControl, kBatchMax> controls_{};
  std::array<iovec, kBatchMax> pieces_{};
  std::array<mmsghdr, kBatchMax> messages_{};
};

class DatagramSocket {
 public:
  DatagramSocket(Descriptor socket, const runtime::Handle& owner);
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;

  const base::Endpoint& local() const { return local_; }

  /// Sends each datagram of `batch`. Does nothing after close().
  void send(const std::vector<ports::Datagram>& batch);

  ports::DatagramCounts counts() const;

  /// Delivers one batch of received datagrams to the owner. Returns false if the system call fails.
  bool receive(DatagramSlots& slots);

  /// Closes the socket and frees its address. A batch that was read before may still reach the owner.
  void close();

 private:
  using Count = std::atomic<std::uint64_t>;
  using Waiting = std::atomic<std::size_t>;
  class Credit;

  socklen_t name(SocketName& out, const base::Endpoint& endpoint) const;
  void leave_from(mmsghdr& message, SocketControl& control, const std::array<std::uint8_t, 16>& here) const;
  void push(std::span<mmsghdr> left);
  void hand_over(DatagramSlots& slots, std::size_t got);
  void count_kernel_drops() const;

  mutable std::shared_mutex gate_;  // shared by users of the socket; exclusive for closing
  Descriptor socket_;
  const base::Endpoint local_;
  int family_ = AF_INET;
  bool everywhere_ = false;  // bound to all addresses
  std::atomic<bool> closed_{false};
  const caf::weak_actor_ptr owner_;
  const std::shared_ptr<Waiting> waiting_ = std::make_shared<Waiting>(0);
  Count sent_{0};
  Count received_{0};
  Count unsent_{0};
  Count dropped_{0};
  Count oversize_{0};
  mutable std::uint64_t kernel_drops_ = 0;  // this and the next member: only with exclusive access
  mutable std::uint32_t kernel_drops_seen_ = 0;
};

}  // namespace troupe::os
