#pragma once
// One put: receives pieces of a file, cuts and hashes chunks, stores them at their nearest nodes, and lists the file.
//
// States  collecting: the stream runs; storing: it has ended, the last objects and the manifest are in flight; binding:
//         the holders turn the put's claims into claims for the CID; listing: the catalogue writes the entry; failing:
//         the catalogue writes which nodes are to release the put's claims. Then the put ends.
// Memory  ReplicationLimits::bytes_held_max and one window of the stream: the intake pauses while there is no space.
// Places  one search for each sixteenth of the key space, and one for the manifest: a file of thousands of chunks takes
//         17 searches and about 100 links. Readers find the chunks by the holders' announcements.
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/files/files_part.hpp"
#include "actors/files/logic/chunker.hpp"
#include "actors/files/logic/pace.hpp"
#include "messages/common.capnp.h"

namespace troupe::files {

inline constexpr int kBindTriesMax = 3;                   // our choice: per holder, started within one answer_timeout
inline constexpr std::chrono::seconds kBindAgainMax{1};   // our choice: the longest wait that a holder may request
inline constexpr std::size_t kHeldSlice = 512;            // objects per PutHeld; our choice: 300 KiB at most
inline constexpr std::chrono::seconds kListTimeout{120};  // our choice: some commits of the catalogue
inline constexpr std::chrono::minutes kPlaceFresh{5};     // our choice: a put that takes longer searches again

class PutActor final : public FilesPart {
 public:
  static constexpr const char* kName = "put";
  PutActor(FilesSettings settings, const PutId& id, runtime::Handle catalogue, Pace pace)
      : FilesPart(std::move(settings)),
        id_(id),
        catalogue_(std::move(catalogue)),
        pace_(std::move(pace)),
        chunker_(settings_.chunk_bytes),
        manifest_(settings_.chunk_bytes) {}

  void receive(runtime::Handlers& on) override;
  void check() const override;

 private:
  using Intake = runtime::Intake<wire::PutPiece, wire::PutDone>;
  struct LookAgain {};
  struct BindAgain {};
  enum class State : std::uint8_t { collecting, storing, binding, listing, failing };

  void begin(wire::PutFile::Reader question, Intake intake);
  void pump();
  bool take_piece();
  void add_chunk(const ChunkRef& ref, base::ByteView bytes);
  void add_content(const ContentKey& key, base::ByteView bytes);
  void place(const ContentKey& key);
  void placed(std::uint8_t part, std::vector<base::NodeId> nodes);
  void end_input();
  void advance();
  void send(const Store& store);
  void be_less_patient(base::Duration took);
  void look_for_late();
  void note_silent(const base::NodeId& node);
  void look_again_at(base::Instant when);
  void tell_pace();
  void place(const ContentKey& key, const std::vector<base::NodeId>& nodes);
  void answered(const Store& store, runtime::Answer<wire::Stored>& answer);
  void settled(const Settled& content);
  void tell_held();
  void bind();
  void bind(const base::NodeId& node, int tries_left);
  void bound(const base::NodeId& node, bool done);
  void list();
  void fail(const base::Error& error);
  void describe(wire::PutState::Builder state);
  runtime::Envelope store_message(const ContentKey& key, base::ByteView bytes);

  const PutId id_;
  const runtime::Handle catalogue_;
  Pace pace_;
  struct Sent {
    base::Instant at;
    base::Instant late_at;  // max() once the lateness was noted
  };
  std::map<std::pair<ContentKey, base::NodeId>, Sent> sent_;  // unanswered stores
  base::Instant look_at_ = base::Instant::max();
  std::set<base::NodeId> silent_;  // nodes that are asked last
  std::set<base::NodeId> paced_;   // pace_ has new data for these nodes
  FixedChunker chunker_;
  ChunkHasher hasher_;
  ManifestBuilder manifest_;
  State state_ = State::collecting;
  Intake intake_;
  std::string name_;
  std::uint32_t replicas_ = 0;
  std::deque<runtime::Envelope> pieces_;    // at most a window of the stream
  std::size_t piece_taken_ = 0;             // consumed bytes of the first piece
  bool ended_ = false;                      // no more pieces will come
  std::optional<Replication> replication_;  // once the candidates are known
  struct Part {
    bool asked = false;
    base::Instant as_of;
    std::vector<base::NodeId> nodes;
    std::vector<ContentKey> waiting;
  };
  std::map<std::uint8_t, Part> parts_;                // of the key space, by the first bits of a position
  std::map<ContentKey, runtime::Envelope> messages_;  // the objects that are not settled
  std::vector<HeldContent> held_;                     // not reported yet
  std::size_t tells_ = 0;                             // unanswered PutHeld
  std::set<base::NodeId> stored_at_;                  // nodes that stored at least one object
  std::set<base::NodeId> maybe_at_;                   // nodes that did not answer a store, or have one in progress
  std::set<base::NodeId> bound_at_;
  std::map<base::NodeId, int> bind_again_;  // overloaded holders, and the tries left for each
  base::Instant bind_until_;                // a holder that has not bound by then is not retried
  std::size_t binds_ = 0;                   // binds without an answer
  std::optional<base::Error> refusal_;      // a holder's last error
  Cid cid_;
  std::uint64_t bytes_ = 0;
  std::uint64_t bytes_fresh_ = 0;
  std::uint32_t chunks_ = 0;
};

}  // namespace troupe::files
