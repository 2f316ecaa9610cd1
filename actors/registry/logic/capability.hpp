#pragma once
// Capabilities of a node, as name and value, and conditions on them.
//
// Name    a lower-case letter, then letters, digits, '_', '.' and '-': at most 32 bytes. Measured names: kMeasured.
// Value   a flag, a number, a text, or a list of texts. A text is printable ASCII without ',', at most 64 bytes.
// Need    conditions joined by commas, which must all hold: "memory>=4G,arch=x86_64,gpu". A number may end in K M G T
//         (powers of 1,024). `=` and `!=` compare any value, the other operators numbers; a list equals each of its
//         texts. A name without an operator holds if the capability exists. A missing capability fulfils only `!=`.
// Limits  kCapabilitiesMax per node, with kTextsInAllMax texts in lists; kNeedsMax conditions.
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
inline constexpr std::size_t kTextsInAllMax = 64;  // our choice: each takes more memory than in a registration
inline constexpr std::size_t kNeedsMax = 16;
/// A node measures these itself, except for `verified`, which other nodes find. Operators cannot set them.
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
/// Sorted by name; each name occurs once.
using Capabilities = std::vector<Capability>;

bool is_name(std::string_view text);
bool is_text(std::string_view text);
/// Parses "4096", "4K" or "2G"; returns nullopt for other texts, and above 2^63 - 1.
std::optional<std::uint64_t> number_of(std::string_view text);

/// Returns whether `all` is sorted by name, without repetitions, and each name and value is within its limits.
bool in_order(const Capabilities& all);
/// Parses "K" or "K=V", as typed: a number if V is a number. Returns nullopt for a measured or invalid name or value.
std::optional<Capability> capability_typed(std::string_view text);
/// Inserts `one`, or replaces the capability of that name.
void put(Capabilities& all, Capability one);

void append(base::Bytes& out, const Capabilities& all);
/// Reads capabilities. `from` fails unless the bytes are from append() with capabilities in_order().
Capabilities read_capabilities(base::FieldReader& from);

enum class Compare : std::uint8_t { there, equal, unequal, at_least, at_most, above, below };
struct Condition {
  std::string name;
  Compare how = Compare::there;
  std::string text;                     ///< the value to compare with
  std::optional<std::uint64_t> number;  ///< `text` as a number, if it is a number
};
using Need = std::vector<Condition>;

/// Returns nullopt if the text is not a need.
std::optional<Need> need_typed(std::string_view text);
/// Returns the capability of that name, or null.
const Capability* find(const Capabilities& all, std::string_view name);
/// Returns the number of that name, or 0 if there is none.
std::uint64_t number(const Capabilities& all, std::string_view name);
/// Returns the first condition that does not hold, or null if all hold.
const Condition* lacks(const Capabilities& all, const Need& need);

}  // namespace troupe::registry
