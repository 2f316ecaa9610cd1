#include "actors/dht/sim.hpp"

#include "actors/dht/sim_draw.hpp"
#include "actors/dht/sim_liar.hpp"
#include "actors/dht/sim_workload.hpp"

namespace troupe::dht {
namespace {

using sim::NumberSpec;

constexpr NumberSpec kContent{"content", 0, kSimContentsMax};
constexpr NumberSpec kBytes{"bytes", 0, kSimBytesMax};
constexpr NumberSpec kName{"name", 0, kSimNamesMax};
constexpr NumberSpec kTopic{"topic", 0, kSimContentsMax};
constexpr NumberSpec kOwner{"owner", 0, sim::kNodesMax - 1, true};
constexpr NumberSpec kTo{"to", 0, sim::kNodesMax - 1, true};

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::WorkloadSpec spec{
      .name = "dht",
      .operations =
          {
              {"put", "a client stores a value under its hash", {kContent, kBytes}},
              {"set",
               "a client stores a value signed by its node; seconds 0: the default lifetime",
               {kName, kBytes, {"seconds", 0, kSimSecondsMax}}},
              {"get", "a client reads a value by its hash", {kContent, kBytes}},
              {"read", "a client reads a node's value; quorum 0: the default", {kOwner, kName, {"quorum", 0, 20}}},
              {"listen",
               "a client listens to a node's value for that many seconds",
               {kOwner, kName, {"seconds", 1, kSimListenSecondsMax}}},
              {"provide", "a node announces that it has an object", {kTopic}},
              {"find", "a client asks for an object's providers", {kTopic}},
              {"nearest", "a client asks for the nodes near a key", {kTopic}},
              {"push", "a node sends a store without a token to another node", {kTo}},
              {"lie",
               "a node attacks all nodes that ask it: 0 silence, 1 made-up contacts and false addresses, 2 old and "
               "foreign "
               "records, "
               "3 false acknowledgements, 4 made-up contacts and old records",
               {{"how", 0, kLiesMax}}},
          },
      .knobs =
          {
              {"dht.copies", {"3", "5", "8"}},
              {"dht.store", {"memory"}},
              {"dht.refresh_period", {"5s", "20s"}},
              {"dht.recover_period", {"2s", "10s"}},
              {"dht.cache", {"0 B", "8 KiB"}},
          },
      .invariants =
          {
              {"valid", "a read returns a value that a client put there, with the sequence that the client received"},
              {"fresh", "a read returns no older value than nearly all nodes have acknowledged"},
              {"order", "a listener receives only values that are newer than its last value"},
              {"expired", "a read returns no expired value"},
              {"provided", "only nodes that have announced themselves are found as providers"},
              {"strangers", "tables and searches name only nodes that exist, or did"},
              {"tokens", "a store without a token is refused"},
              {"moved", "a contact that has not failed at its known address is not moved to another"},
              {"honest", "only a node that has lied is banned"},
              {"kept", "nodes keep what they have acknowledged until it expires, even across restarts"},
              {"deadline", "no search continues after its deadline"},
          },
      .sometimes = {{"dht: a node was banned", "a malicious node was refused for its answers", true}},
      .mutants =
          {
              {"dht.held_serves_expired", "an expired record is served until it is swept"},
              {"dht.record_unvalidated", "a search accepts any record"},
              {"dht.last_answer_wins", "a search keeps the last record instead of the newest"},
              {"dht.listen_takes_older", "a listener receives every value, even older values"},
              {"dht.silence_is_punished", "a node that does not answer a search in time is reported as an offender"},
              {"dht.moves_at_once", "a contact moves to the address where it was last seen"},
              {"dht.token_unchecked", "a store without a token is accepted"},
              {"dht.stored_before_commit", "a store is acknowledged before it is durable"},
              {"dht.failed_commit_acknowledged", "a store is acknowledged although its commit failed"},
              {"dht.failed_commit_forgets", "a failed commit also drops the record that was stored before"},
              {"dht.rows_unread", "records from before a restart are not read back"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<DhtWorkload>,
  };
  return spec;
}

}  // namespace troupe::dht
