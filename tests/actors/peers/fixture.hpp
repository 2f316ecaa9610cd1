#pragma once
// Peers for tests: an id is the first 20 bytes of its key, and the nonce kNoWork lacks the work.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "actors/peers/logic/peers.hpp"

namespace troupe::peers {

using namespace std::chrono_literals;

inline constexpr std::uint32_t kNoWork = 666;

inline std::optional<base::NodeId> fake_id(const base::PublicKey& key, std::uint32_t nonce) {
  if (nonce == kNoWork) return std::nullopt;
  return base::NodeId::from(key.view().first(20));
}

inline base::PublicKey key_of(std::uint32_t number) {
  base::PublicKey out;
  for (std::size_t i = 0; i < 4; ++i) out.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return out;
}
inline base::NodeId id_of(std::uint32_t number) { return *fake_id(key_of(number), 0); }

/// Each contact in a network of its own, as far as 16 bits go.
inline base::Endpoint endpoint_of(std::uint32_t number) {
  base::Endpoint out = *base::Endpoint::parse("10.0.0.1:4000");
  out.address[12] = static_cast<std::uint8_t>(1 + number / 256 % 100);
  out.address[13] = static_cast<std::uint8_t>(number);
  return out;
}
inline Contact contact_of(std::uint32_t number) { return {key_of(number), 0, endpoint_of(number)}; }

inline LinkUp outbound(std::uint32_t number) {
  return {id_of(number), key_of(number), 0, endpoint_of(number), Direction::outbound};
}
inline LinkUp inbound(std::uint32_t number) {
  LinkUp out = outbound(number);
  out.remote.port = 55'555;
  out.direction = Direction::inbound;
  return out;
}

template <class T>
std::vector<T> only(const Decisions& decisions) {
  std::vector<T> out;
  for (const auto& one : decisions) {
    if (const T* const found = std::get_if<T>(&one)) out.push_back(*found);
  }
  return out;
}

inline constexpr std::uint32_t kSelf = 0xffff'0000;

/// One node's peers, with the arguments that are always the same.
struct Fixture {
  explicit Fixture(Policy policy = {}) : peers(id_of(kSelf), policy, fake_id) {}

  Decisions start(const std::vector<Target>& seeds = {}) { return peers.start(seeds, now, random); }
  /// Lets time pass up to `span`, waking when asked to; answers pings if `answering`.
  Decisions pass(base::Duration span, bool answering = true) {
    const base::Instant end = now + span;
    Decisions out;
    while (peers.wake_at() <= end) {
      REQUIRE(peers.wake_at() > now);
      now = peers.wake_at();
      take(out, peers.tick(now, random), answering);
    }
    now = end;
    take(out, peers.tick(now, random), answering);
    return out;
  }
  /// A link comes up and answers its first ping.
  Decisions befriend(const LinkUp& up) {
    Decisions out;
    take(out, peers.linked(up, now, random), true);
    return out;
  }
  void take(Decisions& out, const Decisions& more, bool answering) {
    out.insert(out.end(), more.begin(), more.end());
    if (!answering) return;
    for (const auto& ping : only<SendPing>(more)) take(out, peers.ponged(ping.peer, 20ms, now, random), true);
    for (const auto& ask : only<AskContacts>(more)) take(out, peers.contacts(ask.peer, {}, now, random), true);
  }
  /// Learns `count` peers, from 1 on, by hearsay of `source`, which is linked.
  void hear(std::uint32_t first, std::uint32_t count, std::uint32_t source);
  State state(std::uint32_t number) const {
    for (const auto& line : peers.view(now)) {
      if (line.id == id_of(number)) return line.state;
    }
    FAIL("not known");
    return State::known;
  }

  base::Instant now{1000s};
  base::Random random{42};
  Peers peers;
};

/// Makes a healthy peer pass on its contacts, as often as it takes.
inline void Fixture::hear(std::uint32_t first, std::uint32_t count, std::uint32_t source) {
  for (std::uint32_t next = first; next < first + count;) {
    bool asked = false;
    for (int tries = 0; tries < 10'000 && !asked; ++tries) {
      now = std::max(peers.wake_at(), now);
      const Decisions decisions = peers.tick(now, random);
      for (const auto& ping : only<SendPing>(decisions)) peers.ponged(ping.peer, 20ms, now, random);
      for (const auto& ask : only<AskContacts>(decisions)) asked = asked || ask.peer == id_of(source);
    }
    REQUIRE(asked);
    std::vector<Contact> list;
    for (; next < first + count && list.size() < kContactsMax; ++next) list.push_back(contact_of(next));
    peers.contacts(id_of(source), list, now, random);
  }
}

}  // namespace troupe::peers
