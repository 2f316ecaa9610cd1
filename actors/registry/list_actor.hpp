#pragma once
// Makes lists of all nodes, and searches for single nodes, at kListPath.
//
// Sweep    region by region of the key space (logic/sweep.hpp): the DHT names the nodes nearest to a point, and each of
//          them, including this node, returns pages of the nodes that it watches around it.
// Few      if the DHT names fewer nodes than it may, the region is the whole key space. Nodes found in it are asked
//          too, because a contact table holds only some nodes per address group.
// Parts    a node with a late or malformed response is left out; the number of responses is reported. Once half of a
//          region has responded, the other nodes have kEnoughAfter, so silent nodes delay no list.
// Verified each row says until when this node regards the row's node as verified (logic/judges.hpp), by judges that
//          earlier lists contained.
// Signs    this node's own findings (NoteFinding), as vouches.
// Pace     the next region is requested once the reader has taken the previous one.
// Limits   kSweepsMax at once; kPagesMax pages per node; kAskedMax nodes and kRegionDue per region.
#include <deque>
#include <map>
#include <set>

#include "actors/registry/api.hpp"
#include "actors/registry/logic/judges.hpp"
#include "actors/registry/logic/sweep.hpp"
#include "actors/registry/settings.hpp"
#include "messages/registry.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::registry {

class ListActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "registry list";
  static constexpr std::size_t kSweepsMax = 16;           // our choice
  static constexpr std::size_t kPagesMax = 512;           // our choice: a page has few nodes if they have many vouches
  static constexpr std::size_t kAskedMax = 256;           // our choice
  static constexpr std::chrono::seconds kRegionDue{20};   // our choice: enough for nodes that all respond slowly
  static constexpr std::size_t kEnoughUptimes = 3;        // our choice: enough for a proof (actors/airdrop)
  static constexpr std::chrono::seconds kEnoughAfter{2};  // our choice: a page takes milliseconds
  explicit ListActor(RegistrySettings settings)
      : settings_(std::move(settings)), judges_(settings_.identity->id(), settings_.groups) {}

  void receive(runtime::Handlers& on) override;
  void start() override;

 private:
  /// What a sweep waits for. The reader's credit may come at any time, and counts while the sweep writes.
  enum class Step : std::uint8_t { searching, asking, writing };
  struct Sweep {
    runtime::Sink<wire::NodeRows> to;
    std::optional<base::NodeId> only{};  ///< the node of a search
    bool history = false;
    std::uint32_t uptime_from = 0, uptime_until = 0;  ///< hours; 0: not requested
    Step step = Step::searching;
    std::optional<base::NodeId> next{};  ///< where the next region begins; nullopt: no more
    Region region{};
    std::uint64_t regions = 0;                 ///< number begun so far; responses about earlier regions are ignored
    base::Instant due{};                       ///< end of the region
    std::optional<base::Instant> enough_at{};  ///< set once half have responded: the other nodes have until then
    std::optional<Gathered> gathered{};
    std::uint32_t asked = 0, answered = 0;  ///< in this region, without this node
    std::size_t open = 0;                   ///< requests of this region in progress
    std::deque<std::pair<base::NodeId, Found>> found{};
    bool told = false;  ///< `asked` and `answered` of this region are reported
    std::vector<std::pair<base::NodeId, base::Contact>> watchers{};  ///< watchers of the single node
    std::vector<std::vector<base::Bytes>> histories{};               ///< the first is this node's
    std::vector<base::Bytes> uptimes{};
  };
  struct At {
    std::uint64_t number, region;
  };
  struct Enough {};

  void begin(Sweep sweep);
  void learn_judges(std::uint64_t number);
  void note(wire::NoteFinding::Reader finding, runtime::Reply<wire::FindingNoted> reply);
  void write_row(wire::NodeRow::Builder to, const Found& from) const;
  void look(std::uint64_t number);
  void ask_region(std::uint64_t number, const std::vector<base::Contact>& nearest);
  void choose_watchers(Sweep& sweep, const std::vector<base::Contact>& nearest) const;
  void hurry(Sweep& sweep);
  void enough();
  void go_on(const At& at);
  void ask_page(const At& at, const base::NodeId& of, const runtime::Handle& to,
                const std::optional<base::NodeId>& behind, std::size_t page);
  void take_page(const At& at, const base::NodeId& of, const runtime::Handle& to, std::size_t page,
                 const std::optional<base::NodeId>& behind, runtime::Answer<wire::WatchedPage>& answer);
  void answered(const At& at);
  void ask_watchers(const At& at);
  void ask_history(const At& at, const runtime::Handle& to, bool own);
  void ask_uptime(const At& at, const runtime::Handle& to, const base::NodeId& of);
  void watcher_answered(const At& at);
  void write_watchers(const At& at);
  void write(std::uint64_t number);
  void write_single(Sweep& sweep, std::uint64_t number);
  /// Returns the sweep if it still is at that region, or null.
  Sweep* find(const At& at);

  const RegistrySettings settings_;
  Judges judges_;
  std::map<std::uint64_t, Sweep> sweeps_;
  std::uint64_t last_ = 0;
};

}  // namespace troupe::registry
