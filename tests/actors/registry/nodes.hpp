#pragma once
// Nodes as the registry hears of them: keys, registrations, heartbeats.
#include "actors/registry/logic/history.hpp"
#include "actors/registry/logic/sweep.hpp"
#include "runtime/sim/chance.hpp"
#include "tests/support.hpp"

namespace troupe::registry {

using namespace std::chrono_literals;

inline constexpr std::uint64_t kBeginMs = 1'800'000'000'000;
inline const base::Instant kBegin{std::chrono::hours(1)};
inline const base::WallTime kBeginWall{std::chrono::milliseconds(kBeginMs)};

/// A node without work.
struct TestNode {
  explicit TestNode(std::uint8_t number) {
    crypto::Seed seed;
    seed.bytes[0] = number;
    seed.bytes[1] = 1;
    identity = crypto::Identity::from(crypto::SecretKey(seed), 0, 0);
  }
  std::optional<crypto::Identity> identity;

  const base::NodeId& id() const { return identity->id(); }
  Registration registration(std::uint64_t sequence = kBeginMs) const {
    Registration out{.key = identity->public_key(), .nonce = 0, .sequence = sequence};
    out.owner = *Owner::from(identity->public_key().view());
    out.at = *base::Endpoint::parse("10.0.0.1:4000");
    out.version = "0.1.0";
    out.capabilities = {{"arch", "x86_64"},
                        {"cpu", std::uint64_t{2}},
                        {"gpu", Flag{}},
                        {"memory", std::uint64_t{8} << 30},
                        {"runtimes", Texts{"lua", "python3"}}};
    return out;
  }
  Heartbeat beat(std::uint64_t number = kBeginMs, std::uint32_t load = 100) const {
    Heartbeat out{.key = identity->public_key(), .nonce = 0, .number = number, .unix_ms = number};
    out.up_ms = 60'000;
    out.load = load;
    out.memory = 300;
    out.cpu = 50;
    out.registration = kBeginMs;
    return out;
  }
  base::Bytes signed_registration(std::uint64_t sequence = kBeginMs) const {
    return *sign(registration(sequence), identity->key());
  }
  base::Bytes signed_beat(std::uint64_t number = kBeginMs, std::uint32_t load = 100) const {
    return sign(beat(number, load), identity->key());
  }
};

}  // namespace troupe::registry
