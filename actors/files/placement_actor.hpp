#pragma once
// Finds the nodes near an object's position in the key space, for this node's puts and watch: FindPlaces, at
// kPlacementPath. A request shares a search that has just ended or is in progress (logic/neighbourhoods.hpp).
//
// Limits  kSearchesAtOnce; kPlacesWaitingMax waiting requests, beyond them `overloaded`.
// Fails   a search without a result gives an empty response: the caller has other known nodes.
#include <set>
#include <vector>

#include "actors/files/files_part.hpp"
#include "actors/files/logic/neighbourhoods.hpp"
#include "messages/dht.capnp.h"

namespace troupe::files {

inline constexpr std::chrono::seconds kPlacementDue{5};  // our choice: for a search; a put waits for it
inline constexpr std::size_t kSearchesAtOnce = 8;        // our choice: a tenth of what one put may cost the network
inline constexpr std::size_t kPlacesWaitingMax =
    4096;  // our choice: some for each of 64 puts, and a round of the watch

class PlacementActor final : public FilesPart {
 public:
  static constexpr const char* kName = "places";
  explicit PlacementActor(FilesSettings settings) : FilesPart(std::move(settings)) {}

  void receive(runtime::Handlers& on) override;
  void check() const override;

 private:
  struct Waiting {
    base::NodeId position;
    runtime::Reply<wire::Places> reply;
  };

  void serve();
  void search(const base::NodeId& target);
  void found(const base::NodeId& target, runtime::Answer<dht::wire::SearchResult>& answer);

  Neighbourhoods known_;
  std::vector<Waiting> waiting_;
  std::set<base::NodeId> searching_;  // targets
  std::uint64_t asked_ = 0, searches_ = 0;
};

}  // namespace troupe::files
