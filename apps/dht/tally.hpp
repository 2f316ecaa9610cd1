#pragma once
// How a command fared with many values, told as one ending.
//
// Exit     0 if all went well, 5 if nothing but seals was in the way, 3 if some did, else that of the first that did
//          not; where an answer to a put is lost 8 nevertheless.
// Outcome  what was printed is so. A value that was put and not acknowledged by enough nodes may be stored at some, and
//          is then published again: it is not said to be nowhere.
#include <cstdint>
#include <string>

#include "apps/cli/command.hpp"
#include "apps/cli/failure.hpp"

namespace troupe::apps::dht_command {

class Tally {
 public:
  Tally(const Invocation& invocation, Console& console) : invocation_(invocation), console_(console) {}

  void good() { ++good_; }
  /// At this number of nodes.
  void stored(std::size_t nodes);
  /// Prints why it was not.
  void bad(const std::string& key, const base::Error& why);
  /// It was found, and is not for this node.
  void sealed(const std::string& key);

  /// A line about what was put, where something was; empty with --json, which tells it of each.
  std::string stored_note() const;
  /// `done`: "found".
  Ending end(const char* done, const std::string& try_) const;
  /// What `by` has ended before its time; nothing is known of `unanswered` values that the node was asked to put.
  Failure stopped(Failure by, std::size_t unanswered = 0) const;

 private:
  std::string outcome(std::size_t unanswered) const;

  const Invocation& invocation_;
  Console& console_;
  std::size_t good_ = 0, bad_ = 0, sealed_ = 0;  // of the bad ones
  std::size_t nodes_min_ = SIZE_MAX;
  base::Error first_;
};

}  // namespace troupe::apps::dht_command
