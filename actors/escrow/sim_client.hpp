#pragma once
// The common part of the simulations of escrows and airdrops: clients that make a group, learn its book, issue its
// money, and check the book at the end.
//
// Breaks  "book", if the book is inconsistent or has lost an acknowledged posting.
// Owner   one run.
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/wallet/codec.hpp"
#include "messages/escrow.capnp.h"
#include "runtime/sim/clients.hpp"
#include "runtime/sim/members.hpp"

namespace troupe::escrow {

class BookWorld : public sim::Workload, protected sim::Clients<sim::Client> {
 public:
  BookWorld(sim::Nodes& nodes, const sim::Scenario& scenario) : Clients(nodes), members_(nodes, scenario) {}

  void died(std::size_t node) override;
  void close() override;

 protected:
  static constexpr std::chrono::seconds kWait{20};

  /// Makes the group of the first nodes.
  void found(std::size_t members);
  /// Asks for the book's id and terms, which learned() gets.
  void learn(std::size_t node);
  virtual void learned(wire::TermsAre::Reader are) { (void)are; }
  /// Issues money once. `done` and `asking` outlive the run.
  void issue(const std::string& name, const wallet::Address& to, bool& done, bool& asking, std::size_t node);
  /// Checks the book, unless that is done or in progress; then book_is_whole() follows.
  void audit();
  /// Sets audited_ after the last check.
  virtual void book_is_whole(std::size_t node) { (void)node, audited_ = true; }
  /// Returns whether the run can wait for nothing more, because it has no group, or no majority of members that have
  /// lost no data. Adds to `out` what it can wait for anyway.
  bool waits_for_group(std::vector<std::string>& out) const;

  sim::Members members_;
  bool made_ = false;  // the group
  std::optional<wallet::BookId> book_;
  std::set<wallet::TransferId> posted_;  // as reported to clients
  std::size_t turn_ = 0;
  bool closing_ = false, audited_ = false, auditing_ = false;

 private:
  bool making_ = false, learning_ = false;
};

}  // namespace troupe::escrow
