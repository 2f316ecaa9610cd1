#pragma once
// The commands of `troupe dht` that have their own source file; dht.cpp names them all.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/command.hpp"
#include "apps/cli/failure.hpp"
#include "messages/dht.capnp.h"

namespace troupe::apps {

inline constexpr std::chrono::seconds kDhtTimeout{105};  // time for two searches, and then this node's store

Ending dht_put(const Invocation& invocation, Console& console);
Ending dht_withdraw(const Invocation& invocation, Console& console);
Ending dht_listen(const Invocation& invocation, Console& console);
Ending dht_list(const Invocation& invocation, Console& console);
Ending dht_check(const Invocation& invocation, Console& console);
Ending dht_clean(const Invocation& invocation, Console& console);

namespace dht_command {

/// The ending of a command on many values. Exit: 0 if all succeeded, 5 if all failures were sealed values, 3 if some
/// succeeded, otherwise the exit of the first failure; 8 if the response to a put is lost. A value that too few nodes
/// acknowledged may be stored at some nodes and is published again, so the outcome does not say that no node has it.
class Tally {
 public:
  Tally(const Invocation& invocation, Console& console) : invocation_(invocation), console_(console) {}

  void good() { ++good_; }
  /// Counts a value that was stored at `nodes` nodes.
  void stored(std::size_t nodes);
  /// Counts a value that failed, and prints why.
  void bad(const std::string& key, const base::Error& why);
  /// Counts a value that was found, but is not sealed for this node. With --json its container is printed.
  void sealed(const std::string& key, dht::wire::GotValue::Reader got);

  /// Returns a line about the stored values, if there are any; empty with --json, which reports each value.
  std::string stored_note() const;
  /// Returns the ending. `done`: what was done, such as "found".
  Ending end(const char* done, const std::string& try_) const;
  /// Returns the failure of a command that `by` ended early. The outcome of `unanswered` further values that the node
  /// was asked to put is unknown.
  Failure stopped(Failure by, std::size_t unanswered = 0) const;

 private:
  std::string outcome(std::size_t unanswered) const;

  const Invocation& invocation_;
  Console& console_;
  std::size_t good_ = 0, bad_ = 0, sealed_ = 0;  // values that succeeded, that failed, and that failed as sealed
  std::size_t nodes_min_ = SIZE_MAX;
  base::Error first_;
};

/// `dht put --from FILE` and `dht get KEY KEY…`: many values with few requests. Prints a line for each key in the order
/// of the arguments, and failures on standard error; the exit comes from the Tally.
Ending put_many(const Invocation& invocation, Console& console, const std::string& file);
Ending get_many(const Invocation& invocation, Console& console, const std::vector<std::string>& keys);

/// Returns the failure if an input file, or standard input for "-", is a directory.
std::optional<Failure> directory_as_input(const std::string& file);

}  // namespace dht_command

inline constexpr const char* kPutNotes = R"(
lines of --from FILE
  KEY, one space or tab, and the value to the end of the line; KEY is NAME, /kv/NAME or /cid
  a NAME has at most 64 bytes; empty lines are skipped
  any other line ends the command with its line number; the lines before it may have been published
options
  --ttl, --expect and --reader need a NAME; values under /cid and /pk do not change or expire
  --reader takes a node's id of 40 digits, whose key is then looked up, or its key of 64 digits, which
  its `troupe status` prints; the node that seals can open the value only if it is a reader
limits
  each node stores at most 8,192 values and 16 MiB per owner, and as much per sender
exits
  0 also if only this node has the value so far, which a note says; 3 if only some lines were stored;
  8 if too few nodes acknowledged the value: some of them may have it
)";

inline constexpr const char* kGetNotes = R"(
keys
  NAME, /kv/NAME            a value that this node has signed, by its name of at most 64 bytes
  NAME@ID, /kv/NAME@ID      a value that the node with that id has signed, by its name
  /kv/KEY, KEY              a value that any node has signed: 40 digits; more than 20 after /kv/ are a KEY
  /cid/DIGEST               a value by its hash: 64 digits
  /pk/ID                    a node's public key, by its id: 40 digits
  for the id of a file use `troupe file get CID`
exits for several keys
  0 if all were found; 5 if all except sealed values were found; 3 if only some were found
)";

inline constexpr const char* kWithdrawNotes = R"(
keys
  NAME, /kv/NAME            a value that this node has signed, by its name
  /kv/KEY, /cid/DIGEST, /pk/ID
                            the key that `dht put` printed
  nodes that store the value return it until it expires: after 48 h, or the --ttl of its `dht put`
)";

inline constexpr const char* kListenNotes = R"(
ends
  with --count or --seconds the exit is 0; by Ctrl-C 130, by SIGTERM 143, by SIGHUP 129
lines
  for a value: its sequence number and the value, with control characters escaped
  for a file: ID@HOST:PORT of a provider; each provider is printed once
  existing values are printed first; then storage nodes report each change until the command ends
examples
  troupe dht listen orders
  troupe dht listen /kv/5f0c6ed37cd0b1a9d2be8a44e5c1f0a7b3d69e21 --count 1 --seconds 60 --json
)";

inline constexpr const char* kListNotes = R"(
spaces
  pk, kv, cid               records that this node stores for the network
  providers                 announcements that it stores
  published                 records that this node itself publishes
lines
  space, key as `dht get` takes it, sequence number and name of a signed value, bytes, and the time when it
  expires; for an announcement the first 40 digits of its content id, and the node that provides it
  damaged rows are not listed: `troupe dht check` names them
)";

inline constexpr const char* kAuditNotes = R"(
spaces
  pk, kv, cid               records that this node stores for the network
  providers                 announcements that it stores
  published                 records that this node itself publishes
  an expired row is not returned, and is deleted later: it does not count as a problem; for an hour after
  a start or a step of the clock it stays, also with clean, because a wrong date would delete everything
  a problem is a row that cannot be read, has a wrong key or signature, disagrees with the index, or
  exceeds a limit; clean deletes such rows, except those above a limit
)";

}  // namespace troupe::apps
