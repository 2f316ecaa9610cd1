// troupe operator key
#include "apps/cli/json.hpp"
#include "apps/cli/operator_key.hpp"
#include "messages/output/node.capnp.h"

namespace troupe::apps {
namespace {

Ending key(const Invocation& invocation, Console& console) {
  const auto made = load_or_make_operator_key(console);
  if (!made.ok()) return made.error();
  const auto path = operator_key_path(console);
  if (!path.ok()) return path.error();
  const base::PublicKey& public_key = made.value().public_key();
  JsonLine<output::wire::OperatorKey> line;
  line->setKey(kj::arrayPtr(public_key.bytes.data(), public_key.bytes.size()));
  line->setFile(path.value());
  if (invocation.globals.json) line.print(console.out);
  else console.out << public_key.hex() << '\n';
  return Exit::done;
}

}  // namespace

Commands operator_commands() {
  return {{.name = "operator key",
           .summary = "Print the public key that identifies you to remote nodes; the first call creates it",
           .effect = Effect::write,
           .run = key}};
}

}  // namespace troupe::apps
