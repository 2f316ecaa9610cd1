#pragma once
// All places of datagrams of one Network: their sockets, and the one thread that reads them.
//
// Why a thread  CAF's datagram servants keep state for each source for ever (27 MiB after 60,000 forged ones: tried).
// Why one       with a thread a socket each datagram wakes one: 64 sockets at 80,000 a second took 17 us a datagram,
//               more than twice as much as with one, which under load finds the next socket ready before it sleeps.
// Order         in each round every socket that has something is read once, so that a flood at one holds up no other.
// Errors        what ICMP says of datagrams is not told to a socket without another side; other errors end no loop.
// Thread        begins with the first place. close() must not be called in it; the end of a place may be, for the last
//               handle of an owner may go there.
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/os/datagram_socket.hpp"
#include "runtime/os/descriptor.hpp"
#include "runtime/ports/network.hpp"

namespace troupe::os {

class DatagramSockets : public std::enable_shared_from_this<DatagramSockets> {
 public:
  DatagramSockets() = default;
  ~DatagramSockets() { close(); }
  DatagramSockets(const DatagramSockets&) = delete;
  DatagramSockets& operator=(const DatagramSockets&) = delete;

  /// Errors as for Network::open_datagrams(), and `overloaded` without descriptors or threads or after close().
  base::Outcome<std::unique_ptr<ports::Datagrams>> open(const base::HostPort& at, const runtime::Handle& owner);

  /// Ends the thread and all sockets. Places that are still held do nothing from then on.
  void close();

 private:
  using Number = std::uint64_t;  // of a place; never given again
  class Binding;

  bool begin();
  bool watch(int descriptor, Number number);
  void end(Number number);
  std::shared_ptr<DatagramSocket> find(Number number);
  void run();

  std::mutex mutex_;
  std::map<Number, std::shared_ptr<DatagramSocket>> sockets_;
  Number number_ = 0;
  bool closing_ = false;
  Descriptor watch_;  // an epoll of all sockets and the bell; these and the thread are there from the first place on
  Descriptor bell_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace troupe::os
