#pragma once
// The fund of a book at this node, at kPath: serves it where this node keeps the book, and passes on what is asked
// elsewhere.
//
// Spawns  `state` while this node holds the seat (actors/durable/api.hpp).
// Trust   who acts as the owner of the book without a signature: an operator at the local socket of the book's node, or
//         of a member of its group.
#include "actors/fund/api.hpp"
#include "actors/fund/fund_settings.hpp"
#include "messages/fund.capnp.h"

namespace troupe::fund {

class FundActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "fund";
  explicit FundActor(FundSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

 private:
  struct Follow {};
  struct Again {};
  void take(const runtime::Envelope& question, runtime::AnyReply reply);
  void ask_state(const runtime::Envelope& question, runtime::AnyReply reply);
  bool may_be_owner() const;
  void begin();

  const FundSettings settings_;
  durable::Seat seat_;
  durable::Gateway gateway_;
  runtime::Handle state_;
};

}  // namespace troupe::fund
