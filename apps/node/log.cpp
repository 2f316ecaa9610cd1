// troupe log LEVEL [DOMAIN]
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/host/domains.hpp"
#include "messages/common.capnp.h"
#include "messages/node.capnp.h"
#include "messages/output/node.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kDomainBytesMax = 64;     // our choice: the message's limit, and longer than any name
constexpr std::chrono::seconds kLogTimeout{5};  // our choice: the root has no slow work

Ending set_level(const Invocation& invocation, Console& console) {
  const std::string level = *invocation.text("LEVEL");
  const std::string domain = invocation.text("DOMAIN").value_or("");
  if (domain.size() > kDomainBytesMax)
    return Failure{{base::Code::not_found, "no part of a node has the name \"" + base::shortened(domain, 64) + '"'},
                   "nothing was changed",
                   "troupe help log"};
  return ask_and_print<node::wire::SetLogLevel, messages::wire::Nothing>(
      invocation, console, "/node", kLogTimeout,
      [&](node::wire::SetLogLevel::Builder order) {
        order.setLevel(level);
        order.setDomain(domain);
      },
      [&](auto) {
        JsonLine<output::wire::LogLevel> line;
        line->setLevel(level);
        if (!domain.empty()) line->setDomain(domain);
        line.print(console.out);
      },
      [](auto) {});
}

}  // namespace

Commands log_commands() {
  return {
      {.name = "log",
       .summary = "Set the log level of a running node, or of one part of it",
       .positionals = {{.name = "LEVEL",
                        .help = "least severe level to write; `off` writes nothing",
                        .choices = {"trace", "debug", "info", "warn", "error", "off"}},
                       {.name = "DOMAIN", .help = "part of the node: " + joined(log_names()), .arity = Arity::maybe}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::operator_, .prints = {"LogLevel"}},
       .run = set_level}};
}

}  // namespace troupe::apps
