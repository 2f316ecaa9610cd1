#pragma once
// All UDP sockets of one Network, and the one thread that reads them.
//
// Why a thread  CAF's datagram servants keep state for each source forever (27 MiB after 60,000 forged sources:
//               measured).
// Why one       with a thread per socket, each datagram wakes a thread: 64 sockets at 80,000 datagrams per second took
//               17 us per datagram. One thread needs less than half of that, because under load it finds the next
//               socket ready before it sleeps.
// Order         each round reads every ready socket once, so that a flood at one socket does not delay the others.
// Errors        an unconnected socket gets no ICMP errors; other errors do not end the loop.
// Thread        starts with the first socket. Do not call close() on it. A socket may be destroyed on it, because the
//               last handle of an owner may be released there.
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

  /// Errors like Network::open_datagrams(), and `overloaded` without descriptors or threads or after close().
  base::Outcome<std::unique_ptr<ports::Datagrams>> open(const base::HostPort& at, const runtime::Handle& owner);

  /// Ends the thread and all sockets. Sockets that actors still have do nothing from then on.
  void close();

 private:
  using Number = std::uint64_t;  // of a socket; never reused
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
  Descriptor watch_;  // an epoll of all sockets and the bell; made with the bell and the thread for the first socket
  Descriptor bell_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace troupe::os
