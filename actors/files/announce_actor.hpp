#pragma once
// Tells the network what this node holds: each content under the first 20 bytes of its id.
//
// Serves  Provide of the DHT's messages, at kAnnouncePath: for a file that this node holds.
// Batches contents that come within kGather share a search for each region of the key space. Keys that were not
//         acknowledged are tried again after kAgain; the DHT keeps the others announced until they are withdrawn.
// Order   this node's own contents, then new ones of others, then what failed before.
// Shares  of what is announced: logic/announced.hpp. Other contents are held, and take up places at a later look.
// Look    soon after a start, and each kLookAgain, what is held is compared with what the DHT keeps announced.
// Limits  FilesSettings::announced_max contents. A look takes 21 bytes a key.
#include <array>
#include <optional>
#include <set>
#include <vector>

#include "actors/files/files_part.hpp"
#include "actors/files/logic/announced.hpp"
#include "messages/dht.capnp.h"

namespace troupe::files {

class AnnounceActor final : public FilesPart {
 public:
  static constexpr const char* kName = "announce";
  static constexpr std::chrono::milliseconds kGather{500};
  static constexpr std::chrono::seconds kAgain{30};
  static constexpr std::chrono::seconds kPause{1};      // our choice: after a failure, before the next new ones
  static constexpr std::chrono::seconds kLookFirst{5};  // our choice: a start has more urgent things to do
  static constexpr std::chrono::hours kLookAgain{1};    // our choice: the DHT keeps announcements for days

  explicit AnnounceActor(FilesSettings settings) : FilesPart(std::move(settings)), places_(settings_.announced_max) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;

 private:
  struct Send {};
  struct Look {};

  void provide(dht::wire::Provide::Reader request, runtime::Reply<dht::wire::PutDone> reply);
  void provide(const Cid& cid, bool explain, runtime::Reply<dht::wire::PutDone> reply);
  /// What is announced first.
  enum Turn : std::uint8_t { kOwn, kNew, kFailed };
  void take(const base::NodeId& key, const Announced::User& owner);
  void withdraw(const base::NodeId& key);
  void wait(const base::NodeId& key, const Announced::User& owner);
  std::size_t waiting() const;
  /// Whose turn it is now; nothing if no content may go.
  std::optional<Turn> turn() const;
  /// `pause`: before contents that have not failed.
  void arm(base::Duration pause);
  void send();
  std::vector<base::NodeId> next_batch(std::set<base::NodeId>& from, std::uint64_t nodes);
  void sent(runtime::Answer<dht::wire::SearchResult>& answer);

  void look();
  void read_announced(const std::optional<base::NodeId>& behind);
  void read_held(const std::optional<ContentKey>& behind);
  void look_at(const base::NodeId& key, const Announced::User& owner);
  void note_held(const base::NodeId& key);
  void looked();
  void look_failed();

  Announced places_;
  std::array<std::set<base::NodeId>, 3> waiting_;  // by their turn
  base::Instant again_at_;                         // when what has failed is tried again
  base::NodeId next_;                              // where the next batch begins
  std::vector<base::NodeId> sending_;              // those of the batch under way
  std::set<base::NodeId> gone_;                    // of those, which are here no more
  bool sends_ = false;                             // a batch is under way, or is being chosen
  struct Looking {
    std::vector<base::NodeId> announced;  // sorted
    std::vector<bool> held;               // of each in `announced`
    bool adopted = false;                 // what is announced and held has its places: then come the others
  };
  std::optional<Looking> looking_;
  std::uint64_t announced_ = 0, failed_ = 0, dropped_ = 0;
};

}  // namespace troupe::files
