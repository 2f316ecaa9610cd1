// troupe version
#include "runtime/observe/version.hpp"

#include "apps/cli/command.hpp"
#include "apps/cli/json.hpp"
#include "messages/output/node.capnp.h"

namespace troupe::apps {
namespace {

Ending version(const Invocation& invocation, Console& console) {
  JsonLine<output::wire::Version> line;
  line->setVersion(std::string(observe::version()));
  if (invocation.globals.json) line.print(console.out);
  else console.out << "troupe " << observe::version() << '\n';
  return Exit::done;
}

}  // namespace

Commands version_commands() {
  return {{.name = "version", .summary = "Print the version of this program", .run = version}};
}

}  // namespace troupe::apps
