#pragma once
// When two worlds failed in the same way: what shrinking must keep, and what a batch puts into one group.
//
// Class   of a sentence: what it says without the names and numbers of its world. Its parts, which end at ": " or "; ",
//         in a defined order and each once, of which
//         - what stands in double quotes is left out: texts of nodes,
//         - a word with a digit in it ("n4", "0.25", "10.0.0.1"), and one of eight or more hexadecimal digits, is "#",
//         - several of those in a row ("n1, n4") are one "#",
//         - "and # more" is left out: of a long list only the first are told.
#include <set>
#include <string>
#include <string_view>

#include "apps/sim/outcome.hpp"

namespace troupe::apps {

std::set<std::string> failure_class(std::string_view why);

/// Whether `candidate` fails as `failure` did: the same invariant, and nothing that `failure` did not say. It may say
/// less, for of several that waited for something not all need to wait in a smaller world.
bool alike(const Outcome& candidate, const Outcome& failure);

/// What worlds that failed in the same way have in common, as a key.
std::string group_of(const Outcome& failure);

}  // namespace troupe::apps
