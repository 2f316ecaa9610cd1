// troupe registry …: the table of its commands.
#include "apps/registry/registry.hpp"

#include "apps/cli/terminal.hpp"
#include "apps/registry/rows.hpp"
#include "apps/wallet/typed.hpp"

namespace troupe::apps {
namespace {

constexpr const char* kRegisterNotes = R"(
what it does
  each node registers itself at its start, with what it has: arch, cpu, memory, disk and runtimes
  --capability adds what else it offers: a name, or a name and a number (2, 4G) or a text. What was added stays
  it is known once other nodes have it; at the latest with the next heartbeat
prints
  the id of this node
)";

constexpr const char* kListNotes = R"(
what it does
  asks the nodes that watch each part of the network, and shows what most of the watchers of a node say
  healthy; unhealthy: its load or memory is above the limit of registry.load_max and registry.memory_max, or too many of
  its tasks fail; offline: three heartbeats were missed
need
  conditions joined by commas: 'memory>=4G,arch=x86_64,runtimes=python3,gpu'
  = and != compare anything, >= <= > < numbers, which may end in K M G; a name alone: the node has it
--watch
  goes on, with a line for each node that comes, changes, or is gone: the lists have it no more
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
       .summary = "Tell the network what this node offers",
       .options = {{.name = "--capability", .value = "K[=V]", .help = "what it offers", .repeatable = true},
                   {.name = "--price", .value = "P", .help = "smallest units of money for a core and an hour"},
                   {.name = "--pay-to",
                    .value = "ADDRESS",
                    .help = "the account that is paid; else that of the node's key"},
                   wallets::request_option()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kRegisterNotes,
       .run = registry_register},
      {.name = "registry unregister",
       .summary = "Take this node off the list, until `register`",
       .options = {wallets::request_option()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = registry_unregister},
      {.name = "registry ls",
       .summary = "List the nodes of the network",
       .options = {{.name = "--status",
                    .value = "S",
                    .help = "only nodes of that status",
                    .choices = {"healthy", "unhealthy", "offline"}},
                   {.name = "--need", .value = "N", .help = "only nodes that have it, as below"},
                   {.name = "--watch", .help = "go on with what changes"}},
       .needs = Needs::view,
       .notes = kListNotes,
       .run = registry_list},
      {.name = "registry view",
       .summary = "Show a node, and how it was",
       .options = {{.name = "--history", .help = "with each of its heartbeats of the last week"}},
       .positionals = {{.name = "NODE", .help = "its id: 40 hexadecimal digits"}},
       .needs = Needs::view,
       .run = registry_view},
  };
}

}  // namespace troupe::apps
