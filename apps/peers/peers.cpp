// troupe peers | peers connect | peers drop | peers forget | peers pardon
#include "apps/cli/client.hpp"
#include "apps/cli/copy_same.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "messages/common.capnp.h"
#include "messages/output/peers.capnp.h"
#include "messages/peers.capnp.h"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

namespace wire = peers::wire;

constexpr const char* kPeers = "/peers";
constexpr std::chrono::seconds kTimeout{5};           // our choice: the response is immediate
constexpr std::chrono::milliseconds kLookAgain{100};  // our choice
constexpr std::uint64_t kWaitPeersMax = 1'000;
constexpr std::chrono::seconds kDialAndShake{15};  // a dial takes at most 10 s, with its handshake

output::wire::Direction direction_of(wire::LinkDirection direction) {
  switch (direction) {
    case wire::LinkDirection::NONE: return output::wire::Direction::NONE;
    case wire::LinkDirection::OUTBOUND: return output::wire::Direction::OUT;
    case wire::LinkDirection::INBOUND: return output::wire::Direction::IN;
  }
  return output::wire::Direction::NONE;
}

std::string ban_text(wire::PeerRow::Reader row) {
  if (!row.getBannedForMs().isValue()) return "-";
  constexpr std::uint64_t kMinute = 60'000;
  return std::to_string((row.getBannedForMs().getValue() + kMinute - 1) / kMinute) + " min";
}

std::string last_heard(wire::PeerRow::Reader row) {
  return row.getLastHeardMs().isValue() ? seconds_for_people(row.getLastHeardMs().getValue() / 1'000) + " ago" : "-";
}

void print_json(std::ostream& out, capnp::List<wire::PeerRow>::Reader peers) {
  JsonLine<output::wire::Peers> line;
  auto rows = line->initRows(peers.size());
  for (unsigned i = 0; i < peers.size(); ++i) {
    copy_same(peers[i], rows[i]);
    rows[i].setState(enumerant_text(peers[i].getState()));
    rows[i].setDirection(direction_of(peers[i].getDirection()));
  }
  write_json_line(out, capnp::toDynamic(rows.asReader()));
}

void print_text(std::ostream& out, capnp::List<wire::PeerRow>::Reader peers) {
  static constexpr const char* kArrows[] = {"out", "in", "-"};
  TextTable table({{"NODE"},
                   {"ADDRESS"},
                   {"STATE"},
                   {"RTT", Align::right},
                   {"LINK"},
                   {"SENT", Align::right},
                   {"RECEIVED", Align::right},
                   {"LAST HEARD", Align::right},
                   {"SCORE", Align::right},
                   {"BANNED FOR", Align::right}});
  for (const auto row : peers) {
    const std::string rtt = row.getRttMs().isValue() ? fixed(row.getRttMs().getValue(), 1) + " ms" : "-";
    table.add({hex(row.getNode()), row.getAddress(), enumerant_text(row.getState()), rtt,
               kArrows[static_cast<std::size_t>(direction_of(row.getDirection()))], bytes_for_people(row.getSent()),
               bytes_for_people(row.getReceived()), last_heard(row), std::to_string(row.getScore()), ban_text(row)});
  }
  table.print(out);
}

/// Waits until the node has that many healthy peers.
Client::Outcome<void> await_healthy(Client& client, std::uint64_t wanted, base::Duration patience) {
  const base::Instant due = client.now() + patience;
  const auto awaited = client.waits_for(std::to_string(wanted) + " healthy peers");
  while (true) {
    auto rows = client.ask<wire::ListPeers, wire::PeerRows>(
        kPeers, kTimeout, [](wire::ListPeers::Builder question) { question.setHealthyOnly(true); });
    if (!rows.ok()) return rows.error();
    const std::size_t healthy = rows.value().root().getPeers().size();
    if (healthy >= wanted) return {};
    if (client.now() >= due)
      return Failure{{base::Code::unavailable,
                      "the node has " + std::to_string(healthy) + " healthy peers, not " + std::to_string(wanted)},
                     "nothing was done",
                     "troupe peers " + client.way()};
    if (const auto paused = client.pause(kLookAgain); !paused.ok()) return paused.error();
  }
}

Ending list(const Invocation& invocation, Console& console) {
  const auto patience = waited(invocation);
  if (!patience.ok()) return patience.error();
  auto client = Client::connect_when_up(invocation, console, patience.value());
  if (!client.ok()) return client.error();
  if (const auto wanted = invocation.number("--wait"))
    if (const auto there = await_healthy(*client.value(), *wanted, *patience.value()); !there.ok())
      return there.error();
  return ask_and_print<wire::ListPeers, wire::PeerRows>(
      *client.value(), invocation, kPeers, kTimeout,
      [&](wire::ListPeers::Builder question) { question.setHealthyOnly(invocation.has("--healthy")); },
      [&](wire::PeerRows::Reader rows) { print_json(console.out, rows.getPeers()); },
      [&](wire::PeerRows::Reader rows) { print_text(console.out, rows.getPeers()); });
}

void print_json(std::ostream& out, capnp::Data::Reader node, const std::string& address) {
  JsonLine<output::wire::Link> line;
  line->setNode(node);
  if (!address.empty()) line->setAddress(address);
  line.print(out);
}

/// The node has tried to dial it.
Failure not_linked(const Failure& by, const std::string& target) {
  Failure out = by;
  out.error.message = "no link to " + target + ": " + by.error.message;
  if (by.error.code != base::Code::unavailable || !by.try_.empty()) return out;
  out.error.message += "; no node responds there, or the network between is blocked";
  out.try_ = "troupe status, at that node, shows whether it runs, and its address";
  return out;
}

Ending connect(const Invocation& invocation, Console& console) {
  const std::string target = *invocation.text("[ID@]HOST:PORT");
  if (!config::PeerAddress::parse(target))
    return usage_failure(
        "invalid peer: expected [ID@]HOST:PORT with an id of 40 hexadecimal digits, got \"" + target + '"',
        "troupe help peers connect");
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<wire::ConnectPeer, wire::Connected>(
      kPeers, kDialAndShake, [&](wire::ConnectPeer::Builder question) { question.setTarget(target); });
  if (!answer.ok()) return answer.error().exit ? answer.error() : not_linked(answer.error(), target);
  const auto link = answer.value().root();
  if (invocation.globals.json) print_json(console.out, link.getNode(), link.getAddress());
  else if (link.getAddress().size() > 0) console.out << hex(link.getNode()) << '@' << link.getAddress().cStr() << '\n';
  return Exit::done;
}

/// For commands that name a peer by its id.
template <class Order>
Ending order_about(const Invocation& invocation, Console& console) {
  const auto id = base::NodeId::from_hex(*invocation.text("ID"));
  if (!id) return usage_failure("invalid node id: expected 40 hexadecimal digits", "troupe peers");
  const capnp::Data::Reader node(id->bytes.data(), id->bytes.size());
  return ask_and_print<Order, messages::wire::Nothing>(
      invocation, console, kPeers, kTimeout, [&](typename Order::Builder question) { question.setNode(node); },
      [&](auto) { print_json(console.out, node, ""); }, [](auto) {});
}

}  // namespace

Commands peers_commands() {
  return {
      {.name = "peers",
       .summary = "List the nodes that this node knows",
       .options = {{.name = "--healthy", .help = "list only nodes that answered their last ping"},
                   number_option("--wait", "N", "wait until the node runs and has N healthy peers", 0, kWaitPeersMax),
                   wait_seconds_option()},
       .needs = Needs::view,
       .route = Route{.prints = {"List(Peer)"}},
       .run = list},
      {.name = "peers connect",
       .summary = "Link this node to another node",
       .positionals = {{.name = "[ID@]HOST:PORT",
                        .help = "address of the node; with ID@ only that node is accepted",
                        .fields = {"address"}}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::operator_, .prints = {"Link"}},
       .run = connect},
      {.name = "peers drop",
       .summary = "End the link to a node, and refuse it for ten minutes",
       .positionals = {{.name = "ID", .help = "node id: 40 hexadecimal digits"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::operator_, .prints = {"Link"}},
       .run = order_about<wire::DropPeer>},
      {.name = "peers forget",
       .summary = "Forget a node that is gone for good, and stop expecting it",
       .positionals = {{.name = "ID", .help = "node id: 40 hexadecimal digits"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::operator_, .prints = {"Link"}},
       .run = order_about<wire::ForgetPeer>},
      {.name = "peers pardon",
       .summary = "Unban a node, and reset its penalty points",
       .positionals = {{.name = "ID", .help = "node id: 40 hexadecimal digits"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::operator_, .prints = {"Link"}},
       .run = order_about<wire::PardonPeer>},
  };
}

}  // namespace troupe::apps
