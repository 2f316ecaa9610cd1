#pragma once
// What a node can listen to.
#include <cstdint>
#include <optional>

#include "actors/dht/logic/contact.hpp"

namespace troupe::dht {

/// These numbers are sent: the numbers of the space /kv and of announcements.
enum class TopicKind : std::uint8_t { value = 2, providers = 4 };

struct Topic {
  TopicKind kind = TopicKind::value;
  Key key;
  friend auto operator<=>(const Topic&, const Topic&) = default;
};

/// Returns nullopt for a number that is not a kind.
constexpr std::optional<TopicKind> topic_kind_of(std::uint8_t number) {
  for (const TopicKind one : {TopicKind::value, TopicKind::providers})
    if (number == static_cast<std::uint8_t>(one)) return one;
  return std::nullopt;
}

}  // namespace troupe::dht
