#pragma once
// Makes lists of all nodes, and looks for single ones, at kListPath.
//
// Sweep    region by region of the key space (logic/sweep.hpp): the DHT names the nodes nearest to a point, each of
//          them says what it watches around it, page by page; then comes the next region. This node is one of them.
// Parts    a node that does not answer, or answers nonsense, is left out; how many have answered is told with each
// part. Pace     the next region is looked at once the reader has taken the last one. Limits   kSweepsMax at once;
// kPagesMax pages of a node.
#include <deque>
#include <map>

#include "actors/registry/api.hpp"
#include "actors/registry/logic/sweep.hpp"
#include "actors/registry/settings.hpp"
#include "runtime/actor/actor.hpp"

namespace troupe::registry {

class ListActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "registry list";
  static constexpr std::size_t kSweepsMax = 16;  // our choice
  static constexpr std::size_t kPagesMax = 160;  // of kBatchRows rows: more than Watched::Limits::nodes_max
  explicit ListActor(RegistrySettings settings) : settings_(std::move(settings)) {}

  void receive(runtime::Handlers& on) override;
  void start() override;

 private:
  struct Sweep {
    runtime::Sink<wire::NodeRows> to;
    std::optional<base::NodeId> only;  ///< a single node is looked for
    bool history = false;
    std::uint32_t uptime_from = 0, uptime_until = 0;  ///< hours; 0: not asked for
    std::optional<base::NodeId> next;                 ///< where the next region begins; nothing: there is none
    Region region{};
    std::optional<Gathered> gathered;
    std::uint32_t asked = 0, answered = 0;  ///< of this region, without this node
    std::size_t open = 0;                   ///< questions of this region under way
    std::deque<std::pair<base::NodeId, Found>> found;
    std::vector<base::Contact> watchers;  ///< of the single node, nearest first
    std::vector<base::Bytes> blocks, uptimes;
  };

  void begin(Sweep sweep);
  void look(std::uint64_t number);
  void ask_region(std::uint64_t number, std::vector<base::Contact> nearest);
  void ask_page(std::uint64_t number, const base::NodeId& of, const runtime::Handle& at,
                const std::optional<base::NodeId>& behind, std::size_t page);
  void answered(std::uint64_t number);
  void ask_history(std::uint64_t number);
  void ask_uptimes(std::uint64_t number);
  void write(std::uint64_t number);
  void end_single(std::uint64_t number);
  Sweep* find(std::uint64_t number);

  const RegistrySettings settings_;
  std::map<std::uint64_t, Sweep> sweeps_;
  std::uint64_t last_ = 0;
};

}  // namespace troupe::registry
