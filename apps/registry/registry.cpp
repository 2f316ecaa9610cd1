// troupe registry …: the table of its commands.
#include "apps/registry/registry.hpp"

#include "apps/cli/terminal.hpp"
#include "apps/registry/rows.hpp"
#include "apps/wallet/typed.hpp"

namespace troupe::apps {
namespace {

constexpr const char* kRegisterNotes = R"(
what it does
  each node registers itself at its start, with its measured capabilities: arch, cpu, memory, disk and runtimes
  --capability adds others: a name, or a name and a number (2, 4G) or a text; added capabilities are permanent
  other nodes know the registration at the latest after the next heartbeat
prints
  the id of this node
)";

constexpr const char* kListNotes = R"(
what it does
  asks the nodes that watch each part of the network, and shows the state that most watchers of a node report
  healthy; unhealthy: its load or memory exceeds registry.load_max or registry.memory_max, or too many of its tasks
  fail; offline: three heartbeats were missed
need
  conditions joined by commas: 'memory>=4G,arch=x86_64,runtimes=python3,gpu'
  = and != compare anything; >= <= > < compare numbers, which may end in K M G; a bare name: the node has it
--watch
  continues with a line for each node that joins, changes, or is gone from the lists
)";

}  // namespace

namespace registries {

std::string capabilities_text(const registry::Capabilities& all) {
  std::vector<std::string> out;
  for (const registry::Capability& one : all) {
    std::string text = one.name;
    const bool bytes = one.name == "memory" || one.name == "disk";
    if (const auto* number = std::get_if<std::uint64_t>(&one.value))
      text += " " + (bytes ? bytes_for_people(*number) : std::to_string(*number));
    if (const auto* value = std::get_if<std::string>(&one.value)) text += " " + *value;
    if (const auto* texts = std::get_if<registry::Texts>(&one.value)) text += " " + joined(*texts, " ");
    out.push_back(std::move(text));
  }
  return joined(out);
}

void write_capabilities(output::wire::Capabilities::Builder to, const registry::Capabilities& all) {
  auto entries = to.initEntries(size32(all));
  for (unsigned i = 0; i < entries.size(); ++i) {
    const registry::Capability& one = all[i];
    entries[i].setName(one.name);
    auto value = entries[i].getValue();
    if (const auto* number = std::get_if<std::uint64_t>(&one.value)) value.setNumber(*number);
    else if (const auto* text = std::get_if<std::string>(&one.value)) value.setText(*text);
    else if (const auto* texts = std::get_if<registry::Texts>(&one.value)) {
      auto list = value.initTexts(size32(*texts));
      for (unsigned j = 0; j < list.size(); ++j) list.set(j, (*texts)[j]);
    } else value.setFlag(true);
  }
}

}  // namespace registries

Commands registry_commands() {
  return {
      {.name = "registry register",
       .summary = "Announce this node and its capabilities to the network",
       .options = {{.name = "--capability", .value = "K[=V]", .help = "capability to offer", .repeatable = true},
                   {.name = "--price", .value = "P", .help = "price in smallest units of money per core and hour"},
                   {.name = "--pay-to",
                    .value = "ADDRESS",
                    .help = "account to pay (default the account of the node's key)",
                    .field = Field::local},
                   wallets::request_option()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kRegisterNotes,
       .route = Route{.role = Role::operator_, .prints = {"RegistryOwn"}},
       .run = registry_register},
      {.name = "registry unregister",
       .summary = "Remove this node from the list, until `register`",
       .options = {wallets::request_option()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::operator_, .prints = {"RegistryOwn"}},
       .run = registry_unregister},
      {.name = "registry ls",
       .summary = "List the nodes of the network",
       .options = {{.name = "--status",
                    .value = "S",
                    .help = "list only nodes with that status",
                    .choices = {"healthy", "unhealthy", "offline"}},
                   {.name = "--need", .value = "N", .help = "list only nodes that meet the need, as below"},
                   {.name = "--watch", .help = "keep printing changes", .endless = true}},
       .needs = Needs::view,
       .notes = kListNotes,
       .route = Route{.prints = {"List(RegistryRow)"}, .lines = {"RegistryRow"}},
       .run = registry_list},
      {.name = "registry view",
       .summary = "Show a node and its history",
       .options = {{.name = "--history", .help = "show each of its heartbeats of the last week"}},
       .positionals = {{.name = "NODE", .help = "id of the node: 40 hexadecimal digits"}},
       .needs = Needs::view,
       .route = Route{.prints = {"RegistryView"}},
       .run = registry_view},
  };
}

}  // namespace troupe::apps
