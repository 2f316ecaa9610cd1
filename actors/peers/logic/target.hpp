#pragma once
// A node to which an operator wants a link: "[ID@]HOST:PORT", as in `--join` and `troupe peers connect`.
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::peers {

struct Target {
  std::optional<base::NodeId> id;  ///< pinned: no other node is accepted
  base::HostPort where;

  friend auto operator<=>(const Target&, const Target&) = default;

  std::string text() const;
  /// Returns nullopt unless `text` has the form above: an id of 40 hexadecimal digits, a host of at most 255 bytes, a
  /// port that is not 0.
  static std::optional<Target> parse(std::string_view text);
};

}  // namespace troupe::peers
