#include "runtime/os/network.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>

#include "runtime/os/acceptor.hpp"
#include "runtime/os/orders.hpp"
#include "runtime/os/sockets.hpp"
#include "runtime/os/stream.hpp"
#include "runtime/ports/events.hpp"

namespace troupe::os {

namespace {

constexpr std::uint64_t kReservedMax = 2'048;  // our choice: for LevelDB, packs, logs, threads and programs

class Listener final : public ports::Listener {
 public:
  Listener(const std::shared_ptr<Links>& links, Descriptor socket, const runtime::Handle& owner)
      : local_(local_endpoint(socket.get())),
        socket_(socket.get()),
        doorman_(links->system().middleman().backend().new_doorman(socket.release())) {
    caf::actor_config config{&links->system().middleman().backend()};
    acceptor_ = caf::actor_cast<caf::strong_actor_ptr>(links->system().spawn_class<Acceptor, caf::hidden>(
        config, links, doorman_, caf::actor_cast<caf::weak_actor_ptr>(owner)));
  }
  ~Listener() override {
    // At once, so that the address is free when the listener is gone; the doorman's descriptor closes later.
    ::shutdown(socket_, SHUT_RDWR);
    give(acceptor_, Command::forget);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  base::Endpoint local() const override { return local_; }

 private:
  base::Endpoint local_;
  int socket_;
  caf::io::doorman_ptr doorman_;  // keeps the descriptor open until the end
  caf::strong_actor_ptr acceptor_;
};

/// Also removes the name, unless another process has taken it over since.
class LocalListener final : public ports::Listener {
 public:
  LocalListener(std::unique_ptr<Listener> listener, std::string path)
      : listener_(std::move(listener)), path_(std::move(path)) {
    named_ = ::stat(path_.c_str(), &name_) == 0;
  }
  ~LocalListener() override {
    struct stat now {};
    const bool ours =
        named_ && ::stat(path_.c_str(), &now) == 0 && now.st_ino == name_.st_ino && now.st_dev == name_.st_dev;
    if (ours) ::unlink(path_.c_str());
  }
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;

  base::Endpoint local() const override { return {}; }

 private:
  std::unique_ptr<Listener> listener_;
  std::string path_;
  bool named_ = false;
  struct stat name_ {};
};

}  // namespace

void configure_network(caf::actor_system_config& config) { config.load<caf::io::middleman>(); }

std::size_t streams_max_for(std::uint64_t descriptors_max) {
  return static_cast<std::size_t>(descriptors_max - std::min(kReservedMax, descriptors_max / 2));
}

Network::Network(caf::actor_system& system, ports::Clock& clock, std::string directory, std::size_t streams_max,
                 std::size_t unread_max)
    : directory_(std::move(directory)),
      links_(std::make_shared<Links>(system, clock, streams_max, unread_max)),
      datagrams_(std::make_shared<DatagramSockets>()),
      dialler_(clock) {
  ignore_broken_pipes();
}

Network::~Network() {
  datagrams_->close();
  links_->close();
}

base::Outcome<std::unique_ptr<ports::Listener>> Network::listen(const base::HostPort& at,
                                                                const runtime::Handle& owner) {
  auto socket = listen_tcp(at);
  if (!socket.ok()) return socket.error();
  return std::unique_ptr<ports::Listener>(std::make_unique<Listener>(links_, std::move(socket).value(), owner));
}

base::Outcome<std::unique_ptr<ports::Listener>> Network::listen_local(const std::string& path,
                                                                      const runtime::Handle& owner) {
  auto socket = os::listen_local(place(path));
  if (!socket.ok()) return socket.error();
  auto listener = std::make_unique<Listener>(links_, std::move(socket).value(), owner);
  return std::unique_ptr<ports::Listener>(std::make_unique<LocalListener>(std::move(listener), place(path)));
}

void Network::dial(const base::HostPort& to, base::Instant due, std::uint64_t ticket, const runtime::Handle& owner) {
  dialler_.dial(to, due, answer(ticket, owner));
}

void Network::dial_local(const std::string& path, base::Instant due, std::uint64_t ticket,
                         const runtime::Handle& owner) {
  dialler_.dial_local(place(path), due, answer(ticket, owner));
}

base::Outcome<std::unique_ptr<ports::Datagrams>> Network::open_datagrams(const base::HostPort& at,
                                                                         const runtime::Handle& owner) {
  return datagrams_->open(at, owner);
}

std::string Network::place(const std::string& path) const {
  return path.starts_with('/') ? path : directory_ + "/" + path;
}

Dialler::Done Network::answer(std::uint64_t ticket, const runtime::Handle& owner) {
  return [links = links_, ticket, weak = caf::actor_cast<caf::weak_actor_ptr>(owner)](Dialler::Result result) {
    const auto whom = caf::actor_cast<runtime::Handle>(weak);
    if (!result.socket.valid()) return ports::deliver(whom, ports::DialFailed{ticket, result.why});
    ports::deliver(whom, ports::Dialled{ticket, make_stream(links, std::move(result.socket)), result.to});
  };
}

}  // namespace troupe::os
