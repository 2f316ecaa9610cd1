#include "actors/files/sim.hpp"

#include "actors/files/sim_draw.hpp"
#include "actors/files/sim_workload.hpp"

namespace troupe::files {
namespace {

using sim::NumberSpec;

constexpr NumberSpec kFile{"file", 0, kSimFilesMax};
constexpr NumberSpec kBytes{"bytes", 0, kSimFileBytesMax};
constexpr NumberSpec kCopiesNumber{"replicas", 0, kReplicasMax};

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::WorkloadSpec spec{
      .name = "files",
      .operations =
          {
              {"put",
               "a client puts a file; replicas 0: the number in the node's setting",
               {kFile, kBytes, kCopiesNumber}},
              {"stop",
               "a client disconnects after some bytes of a put",
               {kFile, kBytes, kCopiesNumber, {"after", 0, kSimFileBytesMax}}},
              {"get", "a client reads a file", {kFile, kBytes}},
              {"range",
               "a client reads a part of a file",
               {kFile, kBytes, {"first", 0, kSimFileBytesMax}, {"last", 0, kSimFileBytesMax}}},
              {"verify", "a client verifies all copies of a file", {kFile, kBytes}},
              {"view", "a client lists the parts of a file", {kFile, kBytes}},
              {"remove", "a client removes a file", {kFile, kBytes}},
              {"pin", "a client pins a file", {kFile, kBytes}},
              {"unpin", "a client unpins a file", {kFile, kBytes}},
              {"list", "a client lists the files of a node"},
          },
      .knobs =
          {
              {"files.watch_period", {"2s", "10s", "2m"}},
              {"files.replicas", {"1", "2", "5"}},
              {"files.quota_per_owner", {"1 MiB", "3 MiB"}},
              {"net.questions_in_flight_max", {"16", "64"}},
              {"net.questions_per_second_max", {"50", "200"}},
              {"net.keep_alive", {"1s", "5s"}},
          },
      .invariants =
          {
              {"bytes", "a get or a view returns correct data, and all of it if it succeeds"},
              {"one-name", "a file is acknowledged with the id of its bytes"},
              {"list", "a node lists acknowledged files, but none that were removed or never put there"},
              {"kept", "a node has each chunk and manifest that it confirmed, intact, while its owner lists the file"},
              {"readable", "a file is readable while more nodes acknowledged it than lost data"},
          },
      .sometimes =
          {
              {"files: a put ended without a word", "the actor of a put failed"},
              {"files: a put was cut off by a restart", "a node restarted during a put"},
              {"files: a store waited for another of the same content", "two stores of one object met"},
              {"files: a content outlived one of its claims",
               "a file was removed that shares an object with another file", true},
              {"files: a store moved to the next nearest node", "a node refused an object", true},
              {"files: a node took longer than usual, and the next one was asked", "a store was late"},
              {"files: a holder was silent during a get", "a get continued at another node", true},
              {"files: a holder has lost a content", "the watch noticed that a copy is gone"},
              {"files: the watch restored a copy", "an object has as many copies as wanted again", true},
              {"files: a put asked again for its claims to be bound", "a node was silent at the end of a put"},
              {"files: a node had no room for a content", "a disk or a quota was full"},
              {"files: a node has to be told again to end a claim", "a node was silent after a removal", true},
              {"files: a put waited for the release of what it puts again", "a file was put while it was removed"},
              {"files: a change of the catalogue came to nothing", "the store refused rows of the catalogue"},
          },
      .mutants =
          {
              {"files.release_ignores_other_claims", "an object is removed with the first of its claims"},
              {"files.replica_counted_before_stored", "a copy counts before its node has answered"},
              {"files.absent_holder_counted", "the watch counts silent nodes as live"},
              {"files.stored_before_commit", "a node confirms an object before it has stored it"},
              {"files.removal_before_row", "a removal is acknowledged before its rows are written"},
              {"files.put_unbound", "a put ends without turning its claims into claims for the file"},
              {"files.failed_put_keeps_claims", "no node is asked to end the claims of a put that failed"},
              {"files.release_not_repeated", "a node that was silent is not asked again to end a claim"},
              {"store.failed_flush_acknowledged", "a commit is acknowledged although its sync failed"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<FilesWorkload>,
  };
  return spec;
}

}  // namespace troupe::files
