#pragma once
// Decides whether two worlds failed in the same way, for shrinking and for grouping the failures of a batch.
//
// Class   the class of a sentence is the sentence without the names and numbers of its world: its parts, which end at
//         ": " or "; ", in a defined order and each once. In each part
//         - text in double quotes is left out: it comes from nodes,
//         - a word with a digit in it ("n4", "0.25", "10.0.0.1"), and a word of eight or more hexadecimal digits, is
//           "#",
//         - several such words in a row ("n1, n4") are one "#",
//         - "and # more" is left out: a long list is reported only in part.
#include <set>
#include <string>
#include <string_view>

#include "apps/sim/outcome.hpp"

namespace troupe::apps {

std::set<std::string> failure_class(std::string_view why);

/// Returns whether `candidate` fails like `failure`: the same invariant, and no finding that `failure` did not report.
/// `candidate` may report fewer unfinished requests, because a smaller world may have fewer.
bool alike(const Outcome& candidate, const Outcome& failure);

/// Returns a key that worlds which failed in the same way have in common.
std::string group_of(const Outcome& failure);

}  // namespace troupe::apps
