#pragma once
// The airdrops of a book, at kPath: serves them if this node keeps the book, and otherwise passes requests to the
// book's node.
//
// Spawns  `list` while this node holds the seat (actors/durable/api.hpp).
#include "actors/airdrop/airdrop_settings.hpp"
#include "actors/airdrop/api.hpp"
#include "messages/airdrop.capnp.h"

namespace troupe::airdrop {

class AirdropsActor final : public durable::Home {
 public:
  static constexpr const char* kName = "airdrops";
  explicit AirdropsActor(const AirdropSettings& settings)
      : Home(settings.book, settings.links, kPath, "list"), settings_(settings) {}

  void receive(runtime::Handlers& on) override;

 private:
  void publish() override;
  runtime::Handle begin_child(const std::string& name) override;
  /// Accepts all callers, because signatures prove who acts. On a chain the book's node pays the fees of each payment,
  /// so it creates only airdrops of its own operators.
  std::optional<base::Error> refusal(const runtime::Envelope& question) override;

  const AirdropSettings settings_;
};

}  // namespace troupe::airdrop
