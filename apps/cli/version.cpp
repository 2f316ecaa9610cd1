// troupe version
#include "runtime/observe/version.hpp"

#include <capnp/message.h>

#include <ostream>

#include "apps/cli/command.hpp"
#include "apps/cli/json.hpp"
#include "messages/output/node.capnp.h"

namespace troupe::apps {
namespace {

Ending version(const Invocation& invocation, Console& console) {
  if (!invocation.globals.json) {
    console.out << "troupe " << observe::version() << '\n';
    return Exit::done;
  }
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<output::wire::Version>();
  root.setVersion(std::string(observe::version()));
  write_json_line(console.out, root.asReader());
  return Exit::done;
}

}  // namespace

Commands version_commands() {
  return {{.name = "version", .summary = "Print the version of this program", .run = version}};
}

}  // namespace troupe::apps
