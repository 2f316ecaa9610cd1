#include "runtime/os/datagrams.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "runtime/os/sockets.hpp"

namespace troupe::os {
namespace {

constexpr int kReadyMax = 64;                // our choice: sockets per round; others come in the next round
constexpr int kAfterErrorMilliseconds = 10;  // our choice: a permanent error must not spin

}  // namespace

/// The socket as its owner has it.
class DatagramSockets::Binding final : public ports::Datagrams {
 public:
  Binding(std::shared_ptr<DatagramSockets> all, std::shared_ptr<DatagramSocket> socket, Number number)
      : all_(std::move(all)), socket_(std::move(socket)), number_(number) {}
  ~Binding() override { all_->end(number_); }
  Binding(const Binding&) = delete;
  Binding& operator=(const Binding&) = delete;

  base::Endpoint local() const override { return socket_->local(); }
  void send(std::vector<ports::Datagram> batch) override { socket_->send(batch); }
  ports::DatagramCounts counts() const override { return socket_->counts(); }

 private:
  std::shared_ptr<DatagramSockets> all_;
  std::shared_ptr<DatagramSocket> socket_;
  Number number_;
};

base::Outcome<std::unique_ptr<ports::Datagrams>> DatagramSockets::open(const base::HostPort& at,
                                                                       const runtime::Handle& owner) {
  auto bound = bind_udp(at);
  if (!bound.ok()) return bound.error();
  const int descriptor = bound.value().get();
  const auto socket = std::make_shared<DatagramSocket>(std::move(bound).value(), owner);
  const std::lock_guard lock(mutex_);
  const Number number = ++number_;
  if (closing_ || !begin() || !watch(descriptor, number)) {
    const std::string what = "cannot receive datagrams at " + at.text();
    return base::Error{base::Code::overloaded, what + ": " + (closing_ ? "the network is closed" : reason(errno)), {}};
  }
  sockets_.emplace(number, socket);
  return std::unique_ptr<ports::Datagrams>(std::make_unique<Binding>(shared_from_this(), socket, number));
}

/// Creates the shared parts of all sockets, unless they exist. Returns false with errno set if the system has no
/// resources left.
bool DatagramSockets::begin() {
  if (thread_.joinable()) return true;
  watch_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  bell_ = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!watch_.valid() || !bell_.valid() || !watch(bell_.get(), 0)) return false;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& none) {
    errno = none.code().value();
    return false;
  }
  return true;
}

bool DatagramSockets::watch(int descriptor, Number number) {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.u64 = number;
  return ::epoll_ctl(watch_.get(), EPOLL_CTL_ADD, descriptor, &wanted) == 0;
}

void DatagramSockets::end(Number number) {
  std::shared_ptr<DatagramSocket> socket;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sockets_.find(number);
    if (found == sockets_.end()) return;
    socket = std::move(found->second);
    sockets_.erase(found);
  }
  socket->close();  // the kernel stops watching closed sockets
}

void DatagramSockets::close() {
  std::map<Number, std::shared_ptr<DatagramSocket>> all;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    all.swap(sockets_);
  }
  for (const auto& [number, socket] : all) socket->close();
  if (!thread_.joinable()) return;
  ended_.store(true);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(bell_.get(), &one, sizeof one);  // a new counter accepts it
  thread_.join();
}

std::shared_ptr<DatagramSocket> DatagramSockets::find(Number number) {
  const std::lock_guard lock(mutex_);
  const auto found = sockets_.find(number);
  return found == sockets_.end() ? nullptr : found->second;
}

void DatagramSockets::run() {
  DatagramSlots slots;
  std::array<epoll_event, kReadyMax> ready{};
  while (!ended_.load()) {
    const int count = ::epoll_wait(watch_.get(), ready.data(), kReadyMax, -1);
    for (int i = 0; i < count && !ended_.load(); ++i) {
      const auto socket = find(ready[static_cast<std::size_t>(i)].data.u64);
      if (!socket || socket->receive(slots)) continue;
      pollfd bell{bell_.get(), POLLIN, 0};
      ::poll(&bell, 1, kAfterErrorMilliseconds);
    }
  }
}

}  // namespace troupe::os
