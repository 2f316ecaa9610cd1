#pragma once
// The fund of a book, at kPath: serves the fund if this node keeps the book, and otherwise passes requests on to the
// node that keeps it.
//
// Spawns  `state` while this node holds the seat (actors/durable/api.hpp).
// Rate    proposals and signatures of other nodes: kOrdered, because each costs a signature check and a row read. Units
//         of kUnitBytes, in quotas (runtime/base/rate_budget.hpp).
// Trust   only an operator at the local socket of the book's node, or of a member of its group, acts as the book's
//         owner without a signature.
#include "actors/fund/api.hpp"
#include "actors/fund/fund_settings.hpp"
#include "messages/fund.capnp.h"
#include "runtime/base/rate_budget.hpp"

namespace troupe::fund {

class FundActor final : public durable::Home {
 public:
  static constexpr const char* kName = "fund";
  static constexpr base::Rate kOrdered{64, 256};  // our choice: at most 64 proposals are open, with 16 signers each
  explicit FundActor(const FundSettings& settings)
      : Home(settings.book, settings.links, kPath, "state", kOrdered), settings_(settings) {}

  void receive(runtime::Handlers& on) override;

 private:
  void publish() override;
  runtime::Handle begin_child(const std::string& name) override;
  std::optional<base::Error> refusal(const runtime::Envelope& question) override;

  const FundSettings settings_;
};

}  // namespace troupe::fund
