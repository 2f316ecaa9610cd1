#pragma once
// Tells the network what this node holds: each content under the first 20 bytes of its id.
//
// Serves  Provide of the DHT's messages, at kAnnouncePath: for a file that this node holds.
// Batches contents that come within kGather share a search for each region of the key space. Keys that were not
//         acknowledged are tried again after kAgain; the DHT keeps the others announced until they are withdrawn.
// Look    soon after a start, and each kLookAgain, what is held is compared with what the DHT keeps announced.
// Limits  kWaitingMax contents; further ones are counted, and found by the next look. A look takes 21 bytes a key.
#include <optional>
#include <set>
#include <vector>

#include "actors/files/files_part.hpp"

namespace troupe::files {

class AnnounceActor final : public FilesPart {
 public:
  static constexpr const char* kName = "announce";
  static constexpr std::size_t kWaitingMax = 10'000;  // our choice: 10 GB of chunks
  static constexpr std::chrono::milliseconds kGather{500};
  static constexpr std::chrono::seconds kAgain{30};
  static constexpr std::chrono::seconds kLookFirst{5};  // our choice: a start has more urgent things to do
  static constexpr std::chrono::hours kLookAgain{1};    // our choice: the DHT keeps announcements for days

  explicit AnnounceActor(FilesSettings settings) : FilesPart(std::move(settings)) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;

 private:
  struct Send {};
  struct Look {};

  void provide(dht::wire::Provide::Reader request, runtime::Reply<dht::wire::PutDone> reply);
  void provide(const Cid& cid, bool explain, runtime::Reply<dht::wire::PutDone> reply);
  void take(const base::NodeId& key);
  void withdraw(const base::NodeId& key);
  void wait(const base::NodeId& key);
  void send();
  std::vector<base::NodeId> next_batch(std::uint64_t nodes);
  void sent(runtime::Answer<dht::wire::SearchResult>& answer);

  void look();
  void read_announced(const std::optional<base::NodeId>& behind);
  void read_held(const std::optional<ContentKey>& behind);
  void note_held(const base::NodeId& key);
  void looked();
  void look_failed();

  std::set<base::NodeId> waiting_;
  base::NodeId next_;                  // where the next batch begins
  std::vector<base::NodeId> sending_;  // those of the batch under way
  std::set<base::NodeId> gone_;        // of those, which are here no more
  bool sends_ = false;                 // a batch is under way, or is being chosen
  struct Looking {
    std::vector<base::NodeId> announced;  // sorted
    std::vector<bool> held;               // of each in `announced`
  };
  std::optional<Looking> looking_;
  std::uint64_t announced_ = 0, failed_ = 0, dropped_ = 0;
};

}  // namespace troupe::files
