// troupe registry view
#include "apps/cli/node_id.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/registry/registry.hpp"
#include "apps/registry/rows.hpp"
#include "apps/reputation/reputation.hpp"
#include "apps/wallet/typed.hpp"

namespace troupe::apps {
namespace {

using namespace registries;

constexpr std::uint64_t kMsOfS = 1'000;

struct Viewed {
  std::optional<Row> row;
  std::vector<registry::Sample> history;
};

void print_json(std::ostream& out, const Viewed& viewed) {
  const Row& row = *viewed.row;
  JsonLine<output::wire::RegistryView> line;
  write(*line, row);
  if (row.registration.at.port != 0) line->setAddress(row.registration.at.text());
  line->setVersion(row.registration.version);
  line->setRegistered(row.registration.sequence);
  line->setUpS(row.beat.up_ms / kMsOfS);
  line->setWatchers(row.watchers);
  auto history = line->initHistory(size32(viewed.history));
  for (unsigned i = 0; i < history.size(); ++i) {
    const registry::Sample& one = viewed.history[i];
    history[i].setTime(one.unix_ms);
    history[i].setStatus(std::string(name(one.status)));
    history[i].setLoad(one.load);
    history[i].setMemory(one.memory);
    history[i].setCpu(one.cpu);
    if (one.success != registry::Heartbeat::kNone) history[i].getSuccess().setValue(one.success);
    history[i].setUpS(one.up_ms / kMsOfS);
  }
  line.print(out);
}

std::string share(std::uint64_t thousandths) { return fixed(static_cast<double>(thousandths) / 10, 1) + " %"; }
std::string load(std::uint64_t thousandths) { return fixed(static_cast<double>(thousandths) / 1'000, 2); }

void print_text(std::ostream& out, const Viewed& viewed, bool history) {
  const Row& row = *viewed.row;
  out << "node          " << row.registration.id().hex() << "\nstatus        " << name(row.status) << ", say "
      << row.watchers << " watchers; last seen " << row.heard_ms / kMsOfS << " s ago\nowner         "
      << row.registration.owner.hex() << "\naddress       "
      << (row.registration.at.port != 0 ? row.registration.at.text() : "cannot be dialled") << "\nversion       "
      << row.registration.version << "\nreputation    " << row.reputation << " of 100\nverified      "
      << (row.verified_until_ms > 0 ? "until " + wallets::date_of(wallet::UnixMs(row.verified_until_ms)) : "no")
      << "\nprice         "
      << (row.registration.price ? std::to_string(*row.registration.price) + " per core and hour" : "none")
      << "\ncapabilities  " << capabilities_text(row.registration.capabilities) << "\nload          "
      << load(row.beat.load) << " per core, memory " << share(row.beat.memory) << ", cpu " << share(row.beat.cpu)
      << ", up " << row.beat.up_ms / kMsOfS << " s\n";
  if (!history) return;
  TextTable table({{"TIME"}, {"STATUS"}, {"LOAD", Align::right}, {"MEMORY", Align::right}, {"CPU", Align::right}});
  for (const registry::Sample& one : viewed.history)
    table.add({wallets::date_of(wallet::UnixMs(one.unix_ms)), std::string(name(one.status)), load(one.load),
               share(one.memory), share(one.cpu)});
  table.print(out);
}

}  // namespace

Ending registry_view(const Invocation& invocation, Console& console) {
  const auto id = node_typed(*invocation.text("NODE"));
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  constexpr std::chrono::minutes kIdle{2};
  Viewed viewed;
  const auto ended = client.value()->subscribe<registry::wire::ViewNode, registry::wire::NodeRows>(
      registry::kListPath, kIdle,
      [&](registry::wire::ViewNode::Builder out) {
        out.setNode(data_of(id.value().view()));
        out.setHistory(invocation.has("--history"));
      },
      [&](registry::wire::NodeRows::Reader part) -> Client::Outcome<void> {
        for (const auto row : part.getRows())
          if (auto listed = registry::read(row)) viewed.row = Row{std::move(*listed)};
        for (const auto block : part.getBlocks())
          if (const auto samples = registry::decode_block(bytes_of(block)))
            viewed.history.insert(viewed.history.end(), samples->begin(), samples->end());
        return {};
      });
  if (!ended.ok()) return ended.error();
  if (!viewed.row) return Failure{.error = {base::Code::corrupt, "cannot decode the node's response"}};
  const auto standings = reputations::standings(*client.value());
  if (!standings.ok()) return standings.error();
  viewed.row->reputation = reputations::points_of(standings.value(), id.value());
  if (invocation.globals.json) print_json(console.out, viewed);
  else print_text(console.out, viewed, invocation.has("--history"));
  return Exit::done;
}

}  // namespace troupe::apps
