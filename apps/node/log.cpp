// troupe log LEVEL [DOMAIN]
#include <capnp/message.h>

#include <ostream>

#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/host/domains.hpp"
#include "messages/common.capnp.h"
#include "messages/node.capnp.h"
#include "messages/output/node.capnp.h"

namespace troupe::apps {
namespace {

std::string joined(const std::vector<std::string_view>& names) {
  std::string out;
  for (const auto name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

constexpr std::chrono::seconds kTimeout{5};  // our choice: the root does nothing that takes long

Ending set_level(const Invocation& invocation, Console& console) {
  const std::string level = *invocation.text("LEVEL");
  const std::string domain = invocation.text("DOMAIN").value_or("");
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto answer = client.value()->ask<node::wire::SetLogLevel, messages::wire::Nothing>(
      "/node", kTimeout, [&](node::wire::SetLogLevel::Builder order) {
        order.setLevel(level);
        order.setDomain(domain);
      });
  if (!answer.ok()) return answer.error();
  if (!invocation.globals.json) return Exit::done;
  capnp::MallocMessageBuilder message;
  auto out = message.initRoot<output::wire::LogLevel>();
  out.setLevel(level);
  if (!domain.empty()) out.setDomain(domain);
  write_json_line(console.out, out.asReader());
  return Exit::done;
}

}  // namespace

Commands log_commands() {
  return {{.name = "log",
           .summary = "Set the log level of a running node, or of one part of it",
           .positionals = {{.name = "LEVEL",
                            .help = "least severe level to write; `off` writes nothing",
                            .choices = {"trace", "debug", "info", "warn", "error", "off"}},
                           {.name = "DOMAIN",
                            .help = "only of this part of the node: " + joined(log_names()),
                            .arity = Arity::maybe}},
           .needs = Needs::operate,
           .effect = Effect::write,
           .run = set_level}};
}

}  // namespace troupe::apps
