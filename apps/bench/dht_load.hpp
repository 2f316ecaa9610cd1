#pragma once
// Requests to a cluster of DHT nodes, a fixed number in flight, each at a random node.
//
// Values  each has 64 new bytes. A value is requested at nodes that neither put nor store it, once per node, so that no
//         response comes from the node's own copy.
// Time    from the request to its response, at the asked node.
// Errors  a refused request, and a value that differs from the value put, count in Figure::errors; the load continues.
// Passed  if the asked node stores the value after all, the get does not count as an operation: when a storage node
//         fails, a put stores at nodes that it does not name.
#include <memory>
#include <vector>

#include "apps/bench/actors.hpp"
#include "apps/bench/dht_cluster.hpp"
#include "messages/dht.capnp.h"

namespace troupe::bench {

inline constexpr std::size_t kDhtValueBytes = 64;

/// The values that were put, and the nodes at which they may be requested. For one load at a time.
class DhtShelf {
 public:
  explicit DhtShelf(const std::vector<DhtMember>& members);

  const std::vector<DhtMember>& members() const { return members_; }
  /// Returns the next value to put: its bytes never repeat.
  std::array<std::uint8_t, kDhtValueBytes> next_value();
  /// Records that `putter` has put `digest`, and that the nodes found by its search may store it.
  void note(const base::Digest& digest, std::size_t putter, dht::wire::SearchResult::Reader search,
            base::Random& random);
  struct Errand {
    base::Digest digest;
    std::size_t member;
  };
  /// Returns a value and a node at which to get it, or nullopt if every node has requested all that it may.
  std::optional<Errand> next(base::Random& random);

  /// Counters of the latest load.
  std::uint64_t operations = 0;

 private:
  struct Kept {
    base::Digest digest;
    std::vector<std::size_t> holders;  // sorted
    std::size_t first;                 // the first node to ask
    std::size_t passed = 0;            // nodes that were passed, asked or not
  };

  const std::vector<DhtMember> members_;
  std::map<base::PublicKey, std::size_t> numbers_;
  std::vector<Kept> kept_;
  std::uint64_t values_ = 0;
};

class DhtLoad final : public Measuring {
 public:
  static constexpr const char* kName = "dht-load";
  enum class What : std::uint8_t { put, put_signed, get };
  struct Plan {
    What what = What::put;
    std::size_t in_flight = 1;
    base::Duration span{0};
  };
  DhtLoad(std::shared_ptr<DhtShelf> shelf, Plan plan, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), shelf_(std::move(shelf)), plan_(plan) {}

  void start() override;

 private:
  void next();
  void put(std::size_t member);
  void get(const DhtShelf::Errand& errand);
  /// Records the end of an operation. `why`: the error, or empty.
  void done(base::Instant from, const std::string& why);

  const std::shared_ptr<DhtShelf> shelf_;
  const Plan plan_;
  std::size_t under_way_ = 0;
  bool over_ = false;
};

}  // namespace troupe::bench
