#pragma once
// The airdrops of a book at this node, at kPath: serves them where this node keeps the book, and passes on what is
// asked elsewhere.
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
  /// Who acts is known by a signature. On a chain the node whose book it is pays the fees of each payment: it begins
  /// its own airdrops alone.
  std::optional<base::Error> refusal(const runtime::Envelope& question) override;

  const AirdropSettings settings_;
};

}  // namespace troupe::airdrop
