#pragma once
// A node's settings for links: its identity, its operators, and its limits.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "runtime/base/endpoint.hpp"
#include "runtime/base/time.hpp"
#include "runtime/crypto/agreement.hpp"
#include "runtime/crypto/channel.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/net/logic/handshake.hpp"

namespace troupe::net {

struct LinkLimits {
  std::size_t links_max = 1024;
  std::size_t links_per_address_max = 64;
  std::size_t handshakes_per_address_max = 8;
  std::size_t handshakes_max = 256;           ///< for all addresses together
  std::uint32_t handshakes_per_second = 256;  ///< a quarter of a core; twice that in a burst
  base::Duration handshake_timeout = std::chrono::seconds{5};
  base::Duration dial_timeout = std::chrono::seconds{10};
  std::uint32_t frame_bytes_max = messages::kBytesMaxLimit;
  std::size_t questions_in_flight_max = 256;             ///< requests of the other side, on one link
  std::uint32_t questions_per_second_max = 1000;         ///< requests of the other side, on one link and of one kind
  std::size_t asks_max = 100'000;                        ///< requests of this side, pending on one link
  std::size_t buffer_bytes_max = 256u << 20;             ///< of all links: queued or partly received bytes
  std::size_t queue_bytes_max = 16u << 20;               ///< of this side, waiting to be sent on one link
  base::Duration keep_alive = std::chrono::seconds{15};  ///< silence before a ping; three times that ends the link
};

/// Fixed for the life of a node; shared by its links.
struct NetSetup {
  std::shared_ptr<const crypto::Identity> identity;
  Terms terms;
  std::shared_ptr<const Operators> operators = std::make_shared<Operators>();
  LinkLimits limits;
  messages::Role role = messages::Role::peer;  ///< role in which this process dials
  std::uint64_t trace = 0;                     ///< the trace of messages that belong to no other trace; zero: none
  std::optional<base::HostPort> listen;        ///< nullopt: accepts no links
  std::string control_path;                    ///< path of the local socket in the data directory; empty: none
  /// Makes the channel of a link; empty: TLS. Only simulations set it.
  std::function<std::unique_ptr<crypto::Channel>(crypto::Side)> channels{};
  /// Returns the datagram keys shared with a node; empty: crypto::Agreement. Only simulations set it, to save the cost.
  std::function<std::optional<crypto::DatagramKeys>(const base::PublicKey&)> agree{};
};

}  // namespace troupe::net
