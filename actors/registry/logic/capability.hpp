#pragma once
// What a node offers, as name and value, and what is wanted of a node.
//
// Name    a lower-case letter, then letters, digits, '_', '.' and '-': 32 bytes at most. Measured ones: kMeasured.
// Value   a flag, a number, a text, or a list of texts. A text is printable ASCII without ',' and of 64 bytes at most.
// Need    conditions joined by commas, all of which must hold: "memory>=4G,arch=x86_64,gpu". A number may end in K M G
//         T (of 1,024). `=` and `!=` compare any value, the others numbers; a list equals each text that it holds. A
//         name alone holds if the capability is there. What is not there fulfils `!=` alone.
// Limits  kCapabilitiesMax of a node, with kTextsInAllMax texts in lists; kNeedsMax conditions.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/fields.hpp"

namespace troupe::registry {

inline constexpr std::size_t kCapabilitiesMax = 32;
inline constexpr std::size_t kNameBytesMax = 32;
inline constexpr std::size_t kTextBytesMax = 64;
inline constexpr std::size_t kTextsMax = 16;
inline constexpr std::size_t kTextsInAllMax = 64;  // our choice: in memory each is larger than in a registration
inline constexpr std::size_t kNeedsMax = 16;
/// A node states these of itself, and others find the last one: they are not set by hand.
inline constexpr std::string_view kMeasured[] = {"arch",     "cpu",   "disk", "memory",  "network",
                                                 "runtimes", "tasks", "usr",  "verified"};

struct Flag {
  friend bool operator==(const Flag&, const Flag&) = default;
};
using Texts = std::vector<std::string>;
struct Capability {
  std::string name;
  std::variant<Flag, std::uint64_t, std::string, Texts> value;
  friend bool operator==(const Capability&, const Capability&) = default;
};
/// By rising name, each once.
using Capabilities = std::vector<Capability>;

bool is_name(std::string_view text);
bool is_text(std::string_view text);
/// "4096", "4K", "2G"; nothing for another text, and above 2^63 - 1.
std::optional<std::uint64_t> number_of(std::string_view text);

/// Whether names rise, and each name and value is within its limits.
bool in_order(const Capabilities& all);
/// "K" or "K=V", as a person types it: a number if V is one. Nothing for a wrong name or value, or a measured name.
std::optional<Capability> capability_typed(std::string_view text);
/// Puts `one` in its place; the one of that name goes.
void put(Capabilities& all, Capability one);

void append(base::Bytes& out, const Capabilities& all);
/// Makes `from` fail unless the bytes are those of append() for capabilities in_order().
Capabilities read_capabilities(base::FieldReader& from);

enum class Compare : std::uint8_t { there, equal, unequal, at_least, at_most, above, below };
struct Condition {
  std::string name;
  Compare how = Compare::there;
  std::string text;                     ///< what it is compared with
  std::optional<std::uint64_t> number;  ///< the same, if it is a number
};
using Need = std::vector<Condition>;

/// Nothing if the text is no need.
std::optional<Need> need_typed(std::string_view text);
/// Null if it is not there.
const Capability* find(const Capabilities& all, std::string_view name);
/// 0 if it is not there, or no number.
std::uint64_t number(const Capabilities& all, std::string_view name);
/// The first condition that does not hold; null if all do.
const Condition* lacks(const Capabilities& all, const Need& need);

}  // namespace troupe::registry
