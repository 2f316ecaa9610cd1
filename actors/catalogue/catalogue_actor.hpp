#pragma once
// The catalogues of the groups that this node is a member of: one actor each, at kPath/NAME.
//
// Groups  /raft reports changes, and is also asked every `look`.
#include <map>
#include <string>

#include "actors/catalogue/api.hpp"
#include "messages/catalogue.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/observe/domain_log.hpp"

namespace troupe::catalogue {

struct CatalogueSettings {
  base::NodeId self;
  base::Duration look = std::chrono::minutes(1);
  observe::DomainLog log{};
};

class CatalogueActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "catalogue";
  explicit CatalogueActor(CatalogueSettings settings) : settings_(std::move(settings)) {}

  void receive(runtime::Handlers& on) override;
  void start() override { look(); }
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

 private:
  struct Look {};
  void look();

  const CatalogueSettings settings_;
  std::map<std::string, runtime::Handle> members_;
};

}  // namespace troupe::catalogue
