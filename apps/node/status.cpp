// troupe status
#include "apps/cli/client.hpp"
#include "apps/cli/copy_same.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "messages/node.capnp.h"
#include "messages/output/node.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::chrono::seconds kStatusTimeout{5};  // our choice: the root has no slow work

std::string text_of(node::wire::Reason::Reader reason) {
  return std::string(reason.getSource().cStr()) + ": " + reason.getText().cStr();
}

void print_json(std::ostream& out, node::wire::NodeStatus::Reader status) {
  JsonLine<output::wire::Status> line;
  copy_same(status, *line);
  line->setListen(status.getListen());  // empty while it does not listen
  const auto reasons = status.getReasons();
  auto texts = line->initReasons(reasons.size());
  for (unsigned i = 0; i < reasons.size(); ++i) texts.set(i, text_of(reasons[i]));
  line.print(out);
}

void print_text(std::ostream& out, node::wire::NodeStatus::Reader status) {
  const auto line = [&](const char* title, const std::string& value) {
    out << title << base::printable(value) << '\n';
  };
  line("node     ", hex(status.getNode()));
  line("key      ", hex(status.getPublicKey()));
  line("name     ", status.getName());
  line("version  ", status.getVersion());
  line("stage    ", enumerant_text(status.getStage()));
  line("up       ", seconds_for_people(status.getUptimeS()));
  line("listen   ", status.getListen());
  line("peers    ", std::to_string(status.getPeers()));
  line("seats    ",
       std::to_string(status.getSeats()) + " of " + std::to_string(status.getSeatsMax()) + " connection slots");
  line("actors   ", std::to_string(status.getActors()));
  line("health   ", enumerant_text(status.getHealth()));
  for (const auto reason : status.getReasons()) line("         ", text_of(reason));
}

Ending status(const Invocation& invocation, Console& console) {
  const auto patience = waited(invocation);
  if (!patience.ok()) return patience.error();
  auto client = Client::connect_when_up(invocation, console, patience.value());
  if (!client.ok()) return client.error();
  return ask_and_print<node::wire::GetStatus, node::wire::NodeStatus>(
      *client.value(), invocation, "/node", kStatusTimeout, [](node::wire::GetStatus::Builder) {},
      [&](node::wire::NodeStatus::Reader status) { print_json(console.out, status); },
      [&](node::wire::NodeStatus::Reader status) { print_text(console.out, status); });
}

}  // namespace

Commands status_commands() {
  return {{.name = "status",
           .summary = "Print the id, address, peers and health of a node",
           .options = {{.name = "--wait", .help = "wait until the node runs and has started"}, wait_seconds_option()},
           .needs = Needs::view,
           .route = Route{.prints = {"Status"}},
           .run = status}};
}

}  // namespace troupe::apps
