#pragma once
// Announces the objects that this node stores in the DHT: each under the first 20 bytes of its id.
//
// Serves  Provide of the DHT's messages, at kAnnouncePath: for a file that this node stores.
// Batches objects that arrive within kGather share a search for each region of the key space. Unacknowledged keys are
//         retried after kAgain; the DHT keeps the other keys announced until they are withdrawn.
// Order   this node's own objects, then new objects of other owners, then earlier failures.
// Shares  quotas for announcements: logic/announced.hpp. Objects without a slot are stored, but not announced; they get
//         a slot at a later check.
// Look    a check soon after a start, and every kLookAgain: compares stored objects with those that the DHT announces.
// Limits  FilesSettings::announced_max objects. A check takes 21 bytes per key.
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
  static constexpr std::chrono::seconds kPause{1};      // our choice: after a failure, before new keys
  static constexpr std::chrono::seconds kLookFirst{5};  // our choice: a start has more urgent work
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
  /// The order of announcements.
  enum Turn : std::uint8_t { kOwn, kNew, kFailed };
  void take(const base::NodeId& key, const Announced::User& owner);
  void withdraw(const base::NodeId& key);
  void wait(const base::NodeId& key, const Announced::User& owner);
  std::size_t waiting() const;
  /// Returns the current turn, or nullopt if no key may be sent.
  std::optional<Turn> turn() const;
  /// `pause`: delay before keys that have not failed yet.
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
  std::array<std::set<base::NodeId>, 3> waiting_;  // by turn
  base::Instant again_at_;                         // when failed keys are retried
  base::NodeId next_;                              // where the next batch begins
  std::vector<base::NodeId> sending_;              // the current batch
  std::set<base::NodeId> gone_;                    // keys of the batch that were removed since
  bool sends_ = false;                             // a batch is being sent or chosen
  struct Looking {
    std::vector<base::NodeId> announced;  // sorted
    std::vector<bool> held;               // whether each key in `announced` is stored
    bool adopted = false;                 // announced and stored objects have their slots; other objects are next
  };
  std::optional<Looking> looking_;
  std::uint64_t announced_ = 0, failed_ = 0, dropped_ = 0;
};

}  // namespace troupe::files
