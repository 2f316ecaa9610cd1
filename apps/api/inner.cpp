#include "apps/api/inner.hpp"

#include <sstream>

namespace troupe::apps::api {

Client::Outcome<std::unique_ptr<Client>> inner_client(const std::shared_ptr<Connection>& connection, bool changes,
                                                      std::shared_ptr<Cancel> cancel) {
  static const Commands kNone;
  static const Command kReads{.name = "api", .summary = "", .needs = Needs::view, .effect = Effect::read};
  static const Command kChanges{.name = "api", .summary = "", .needs = Needs::operate, .effect = Effect::write};
  Globals globals;
  globals.json = true;
  globals.server = Server{connection, std::move(cancel)};
  std::ostringstream out, err;
  std::istringstream in;
  Console console{out, err, in};
  return Client::connect({changes ? kChanges : kReads, kNone, std::move(globals), {}}, console);
}

}  // namespace troupe::apps::api
