#pragma once
// Makes lists of all nodes, and looks for single ones, at kListPath.
//
// Sweep    region by region of the key space (logic/sweep.hpp): the DHT names the nodes nearest to a point, each of
//          them says what it watches around it, page by page; then comes the next region. This node is one of them.
// Few      where the DHT names fewer nodes than it may, the region is the whole key space, and nodes that are found are
//          asked, too: a table of contacts holds only some of an address group.
// Parts    a node that does not answer in time, or answers nonsense, is left out; how many have answered is told. Once
//          half of a region have answered the others have kEnoughAfter: a node that is silent holds up no list.
// Verified each row says until when its node is, here (logic/judges.hpp); judges are those of the lists that were made.
// Signs    what this node has found out itself, NoteFinding, as a vouch.
// Pace     the next region is looked at once the reader has taken the last one.
// Limits   kSweepsMax at once; kPagesMax pages of a node, kAskedMax nodes and kRegionDue a region.
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
  static constexpr std::size_t kPagesMax = 512;           // our choice: of nodes with many vouches a page has few
  static constexpr std::size_t kAskedMax = 256;           // our choice
  static constexpr std::chrono::seconds kRegionDue{20};   // our choice: those that all answer slowly
  static constexpr std::size_t kEnoughUptimes = 3;        // our choice: what proves something (actors/airdrop)
  static constexpr std::chrono::seconds kEnoughAfter{2};  // our choice: a page takes milliseconds
  explicit ListActor(RegistrySettings settings)
      : settings_(std::move(settings)), judges_(settings_.identity->id(), settings_.groups) {}

  void receive(runtime::Handlers& on) override;
  void start() override;

 private:
  /// What a sweep waits for. Credit of the reader may come at any time, and counts while it writes.
  enum class Step : std::uint8_t { searching, asking, writing };
  struct Sweep {
    runtime::Sink<wire::NodeRows> to;
    std::optional<base::NodeId> only{};  ///< a single node is looked for
    bool history = false;
    std::uint32_t uptime_from = 0, uptime_until = 0;  ///< hours; 0: not asked for
    Step step = Step::searching;
    std::optional<base::NodeId> next{};  ///< where the next region begins; nothing: there is none
    Region region{};
    std::uint64_t regions = 0;                 ///< begun; answers about an earlier one are ignored
    base::Instant due{};                       ///< of the region
    std::optional<base::Instant> enough_at{};  ///< half have answered, and the others have until then
    std::optional<Gathered> gathered{};
    std::uint32_t asked = 0, answered = 0;  ///< of this region, without this node
    std::size_t open = 0;                   ///< questions of this region under way
    std::deque<std::pair<base::NodeId, Found>> found{};
    bool told = false;                                               ///< `asked` and `answered` of this region
    std::vector<std::pair<base::NodeId, base::Contact>> watchers{};  ///< of the single node
    std::vector<std::vector<base::Bytes>> histories{};               ///< the first is that of this node
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
  /// The sweep, if it is still about that region.
  Sweep* find(const At& at);

  const RegistrySettings settings_;
  Judges judges_;
  std::map<std::uint64_t, Sweep> sweeps_;
  std::uint64_t last_ = 0;
};

}  // namespace troupe::registry
