#pragma once
// Tells the network what this node holds: each content under the first 20 bytes of its id, so that whoever knows the
// id alone finds it.
//
// Batches  what comes within kGather goes together: those whose keys lie near each other share a search. In a network
// of
//          few nodes all do.
// Again    what was not acknowledged is tried again after kAgain; the DHT keeps what was, until it is withdrawn.
// Limits   kWaitingMax contents; one more drops the oldest, which is counted: its file is still found by whoever knows
//          its holders.
#include <deque>
#include <vector>

#include "actors/files/files_part.hpp"

namespace troupe::files {

class AnnounceActor final : public FilesPart {
 public:
  static constexpr const char* kName = "announce";
  static constexpr std::size_t kWaitingMax = 10'000;  // our choice: 10 GB of chunks
  static constexpr std::chrono::milliseconds kGather{500};
  static constexpr std::chrono::seconds kAgain{30};

  explicit AnnounceActor(FilesSettings settings) : FilesPart(std::move(settings)) {}

  void receive(runtime::Handlers& on) override;
  void check() const override;

 private:
  struct Send {};

  void take(const ContentKey& key, bool gone);
  void send();
  void sent(std::vector<base::NodeId> keys, runtime::Answer<dht::wire::SearchResult>& answer);

  std::deque<base::NodeId> waiting_;
  bool sending_ = false;
  std::uint64_t announced_ = 0, failed_ = 0, dropped_ = 0;
};

}  // namespace troupe::files
