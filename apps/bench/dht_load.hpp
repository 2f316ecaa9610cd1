#pragma once
// Questions to a cluster of DHT nodes, a fixed number in flight, each at a random node.
//
// Values  64 new bytes each. A value is got at nodes that neither put nor hold it, by each of them
//         once: nothing is answered from what a node keeps.
// Time    from the question to its answer, at the node asked.
// Errors  a question that was refused, and a value that is not the one put, count in Figure::errors; the rest goes on.
// Passed  a value that the node asked holds after all is no operation: a put that lost a node on the way stores at
//         others than it names.
#include <memory>
#include <vector>

#include "apps/bench/actors.hpp"
#include "apps/bench/dht_cluster.hpp"
#include "messages/dht.capnp.h"

namespace troupe::bench {

inline constexpr std::size_t kDhtValueBytes = 64;

/// What has been put, and who may be asked for it. For one load at a time.
class DhtShelf {
 public:
  explicit DhtShelf(const std::vector<DhtMember>& members);

  const std::vector<DhtMember>& members() const { return members_; }
  /// What to put next: its bytes do not repeat.
  std::array<std::uint8_t, kDhtValueBytes> next_value();
  /// `putter` has put `digest`, and the nodes found by its search may hold it.
  void note(const base::Digest& digest, std::size_t putter, dht::wire::SearchResult::Reader search,
            base::Random& random);
  struct Errand {
    base::Digest digest;
    std::size_t member;
  };
  /// A value and a node to get it at. Nothing if each node has all that it may be asked for.
  std::optional<Errand> next(base::Random& random);

  /// Of the latest load.
  std::uint64_t operations = 0;

 private:
  struct Kept {
    base::Digest digest;
    std::vector<std::size_t> holders;  // in order
    std::size_t first;                 // node to be asked
    std::size_t passed = 0;            // of all nodes, asked or not
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
  /// `why`: what went wrong; empty: nothing.
  void done(base::Instant from, const std::string& why);

  const std::shared_ptr<DhtShelf> shelf_;
  const Plan plan_;
  std::size_t under_way_ = 0;
  bool over_ = false;
};

}  // namespace troupe::bench
