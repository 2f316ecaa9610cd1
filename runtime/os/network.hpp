#pragma once
// The Network port on Linux. CAF's brokers move the bytes, our dialler resolves and connects, and datagrams have their
// own sockets and thread.
//
// Order of life  system, clock, network. The network ends first, and ends every broker and its threads. Streams and UDP
//                sockets that actors still have are then closed, and do nothing.
// Descriptors    accepted and dialled streams count against streams_max (links.hpp).
#include <caf/actor_system_config.hpp>
#include <memory>
#include <string>

#include "runtime/os/datagrams.hpp"
#include "runtime/os/dialler.hpp"
#include "runtime/os/links.hpp"
#include "runtime/ports/network.hpp"

namespace troupe::os {

/// Loads the parts of CAF that the network needs. Call it before the actor system is made.
void configure_network(caf::actor_system_config& config);

/// Returns how many streams a limit of `descriptors_max` open descriptors allows; the database, packs and logs need the
/// rest.
std::size_t streams_max_for(std::uint64_t descriptors_max);

class Network final : public ports::Network {
 public:
  /// Local sockets with a relative path are below `directory`.
  Network(caf::actor_system& system, ports::Clock& clock, std::string directory, std::size_t streams_max,
          std::size_t unread_max = kUnreadOfAllMax);
  ~Network() override;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  base::Outcome<std::unique_ptr<ports::Listener>> listen(const base::HostPort& at,
                                                         const runtime::Handle& owner) override;
  base::Outcome<std::unique_ptr<ports::Listener>> listen_local(const std::string& path,
                                                               const runtime::Handle& owner) override;
  void dial(const base::HostPort& to, base::Instant due, std::uint64_t ticket, const runtime::Handle& owner) override;
  void dial_local(const std::string& path, base::Instant due, std::uint64_t ticket,
                  const runtime::Handle& owner) override;
  base::Outcome<std::unique_ptr<ports::Datagrams>> open_datagrams(const base::HostPort& at,
                                                                  const runtime::Handle& owner) override;

  /// Returns the number of open streams, started or not.
  std::size_t streams() const { return links_->streams(); }

 private:
  std::string place(const std::string& path) const;
  Dialler::Done answer(std::uint64_t ticket, const runtime::Handle& owner);

  std::string directory_;
  std::shared_ptr<Links> links_;
  std::shared_ptr<DatagramSockets> datagrams_;
  Dialler dialler_;
};

}  // namespace troupe::os
