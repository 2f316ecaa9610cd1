#pragma once
// The clients of a simulation: each does one thing at one node, as an operator would, and checks the result. The
// invariants are in sim.cpp. A node that lost acknowledged data may show anything except wrong bytes. Beyond the
// promises, rows may be lost that other nodes need to end their claims.
#include <functional>
#include <optional>

#include "actors/files/logic/range.hpp"
#include "actors/files/sim_content.hpp"
#include "actors/files/sim_ledger.hpp"
#include "actors/files/wire.hpp"
#include "runtime/sim/clients.hpp"

namespace troupe::files {

inline constexpr std::chrono::seconds kSimPutIdle{300};  // our choice: longer than all waits of a put
inline constexpr std::chrono::seconds kSimGetIdle{120};  // our choice: several silent holders
inline constexpr std::chrono::seconds kSimAnswer{90};    // our choice: longer than a commit may take
inline constexpr std::chrono::seconds kSimLinger{2};     // our choice: longest round of a client before it disconnects
inline constexpr std::size_t kSimPieceBytes = 64 * 1024;

struct SimRow {
  Cid cid;
  unsigned replicas = 0;
  unsigned live = 0;
};

/// The result of a verify.
struct SimVerified {
  std::uint64_t copies = 0, sound = 0, lacking = 0, damaged = 0, unknown = 0;
  std::vector<base::NodeId> lacking_at, damaged_at;  ///< the first such nodes
};

struct SimClient : sim::Client {
  base::NodeId owner;
  SimLedger::Moment from = 0;
  std::optional<std::size_t> deed;
  // For a put.
  runtime::Sink<wire::PutPiece> sink;
  std::size_t sent = 0, stop_at = 0;
  bool stops = false, lingers = false;
  // For other operations.
  std::size_t first = 0, count = 0, got = 0;
  std::vector<SimRow> rows;
  std::set<Cid> listed;
  SimVerified verified;
};

class SimClients final : public sim::Clients<SimClient> {
 public:
  using Ended = std::function<void(const Error&)>;

  /// The arguments outlive it. `beyond`: faults may exceed what the protocols promise to survive.
  SimClients(sim::Nodes& nodes, SimFiles& files, SimLedger& ledger, bool beyond)
      : Clients(nodes), files_(files), ledger_(ledger), beyond_(beyond) {}

  /// Puts a file. With `after` the client disconnects after sending that many bytes.
  void put(std::size_t node, const SimFile& file, unsigned replicas, std::optional<std::size_t> after);
  void get(std::size_t node, const SimFile& file, std::optional<Range> range, Ended ended);
  void verify(std::size_t node, const SimFile& file, std::function<void(const Error&, const SimVerified&)> ended);
  void view(std::size_t node, const SimFile& file);
  void list(std::size_t node, std::function<void(const Error&, const std::vector<SimRow>&)> ended);
  void remove(std::size_t node, const SimFile& file);
  void pin(std::size_t node, const SimFile& file, bool pinned);

  void died(std::size_t node);

  bool any_lost_data() const { return nodes_.lost_data_count() > 0; }
  /// Returns whether responses of `node` say nothing about this protocol.
  bool excused(std::size_t node) const { return nodes_.lost_data(node); }
  /// Returns whether the node with that id is no longer reliable, or no longer exists because its disk was lost.
  bool excused(const base::NodeId& id) const;
  /// Returns whether rows about claims may be lost.
  bool rows_may_be_gone() const { return beyond_ && any_lost_data(); }

 private:
  using Client = SimClient;
  Client& begin(std::size_t node, std::string what);
  void feed(Inside& actor, Client& client, const SimFile& file);
  void linger(Inside& actor, Client& client, const SimFile& file, std::int64_t rounds);
  void put_ended(Client& client, const SimFile& file, unsigned replicas, runtime::Answer<wire::PutDone>& answer);
  void take(Client& client, const SimFile& file, wire::GetItem::Reader item);
  void take(Client& client, wire::FileRow::Reader row);
  void check_list(Client& client);
  void check_verified(Client& client, const SimFile& file);
  void removed(Client& client, const SimFile& file, const Error& error);
  SimLedger::Verdict listed(const Client& client, const SimFile& file) {
    return ledger_.listed({client.owner, file.cid}, client.from, ledger_.now());
  }

  SimFiles& files_;
  SimLedger& ledger_;
  const bool beyond_;
};

}  // namespace troupe::files
