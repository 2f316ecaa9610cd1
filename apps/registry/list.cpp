// troupe registry ls
#include <algorithm>
#include <map>

#include "apps/cli/terminal.hpp"
#include "apps/registry/registry.hpp"
#include "apps/registry/rows.hpp"
#include "apps/reputation/reputation.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {

namespace registries {

Client::Outcome<Listed> list_nodes(Client& client) {
  constexpr std::chrono::minutes kIdle{2};  // per region, if some nodes do not respond
  Listed out;
  const auto ended = client.subscribe<registry::wire::ListNodes, registry::wire::NodeRows>(
      registry::kListPath, kIdle, [](registry::wire::ListNodes::Builder) {},
      [&](registry::wire::NodeRows::Reader part) -> Client::Outcome<void> {
        for (const auto row : part.getRows())
          if (auto listed = registry::read(row)) out.rows.push_back({std::move(*listed)});
        out.asked += part.getAsked();
        out.answered += part.getAnswered();
        return {};
      });
  if (!ended.ok()) return ended.error();
  const auto standings = reputations::standings(client);
  if (!standings.ok()) return standings.error();
  for (Row& row : out.rows) row.reputation = reputations::points_of(standings.value(), row.registration.id());
  std::ranges::sort(out.rows, {}, [](const Row& row) { return row.registration.id(); });
  return out;
}

}  // namespace registries

namespace {

using namespace registries;

struct Wanted {
  std::optional<registry::Status> status;
  registry::Need need;

  bool takes(const Row& row) const {
    return (!status || row.status == *status) && registry::lacks(row.registration.capabilities, need) == nullptr;
  }
};

void print_line(const Invocation& invocation, Console& console, const Row& row) {
  if (invocation.globals.json) {
    JsonLine<output::wire::RegistryRow> line;
    write(*line, row);
    return line.print(console.out);
  }
  console.out << row.registration.id().hex() << ' ' << name(row.status) << ' '
              << capabilities_text(row.registration.capabilities) << '\n';
}

void print_rows(const Invocation& invocation, Console& console, const std::vector<Row>& rows) {
  if (invocation.globals.json) {
    JsonLine<output::wire::RegistryRows> line;
    auto list = line->initRows(size32(rows));
    for (unsigned i = 0; i < list.size(); ++i) write(list[i], rows[i]);
    return write_json_line(console.out, capnp::toDynamic(list.asReader()));
  }
  TextTable table({{"NODE"},
                   {"STATUS"},
                   {"HEARD", Align::right},
                   {"REPUTATION", Align::right},
                   {"VERIFIED"},
                   {"PRICE", Align::right},
                   {"CAPABILITIES"}});
  for (const Row& row : rows)
    table.add({row.registration.id().hex(), std::string(name(row.status)), std::to_string(row.heard_ms / 1'000) + " s",
               std::to_string(row.reputation), row.verified_until_ms > 0 ? "yes" : "no",
               row.registration.price ? std::to_string(*row.registration.price) : "-",
               capabilities_text(row.registration.capabilities)});
  table.print(console.out);
}

/// Prints the last state of a node that is no longer in the lists.
void print_gone(const Invocation& invocation, Console& console, const Row& row) {
  constexpr const char* kGone = "gone";
  if (invocation.globals.json) {
    JsonLine<output::wire::RegistryRow> line;
    write(*line, row);
    line->setStatus(kGone);
    return line.print(console.out);
  }
  console.out << row.registration.id().hex() << ' ' << kGone << '\n';
}

/// Compares the lists of `registry ls --watch`, and prints the changes.
class Changes {
 public:
  Changes(const Invocation& invocation, Console& console, const Wanted& wanted)
      : invocation_(invocation), console_(console), wanted_(wanted) {}

  void take(const Listed& listed) {
    ++lists_;
    for (const Row& row : listed.rows) {
      if (registry::lacks(row.registration.capabilities, wanted_.need) != nullptr) continue;
      const auto [at, first] = shown_.try_emplace(row.registration.id(), Shown{row, lists_});
      const bool changed = first || at->second.row.status != row.status ||
                           at->second.row.registration.sequence != row.registration.sequence;
      at->second = {row, lists_};
      if (changed && wanted_.takes(row)) print_line(invocation_, console_, row);
    }
    // An incomplete list does not prove that a node is gone; nor does one complete list, while watchers come and go.
    if (listed.answered < listed.asked) return;
    constexpr std::uint64_t kMissing = 2;
    for (auto at = shown_.begin(); at != shown_.end();) {
      if (lists_ - at->second.seen < kMissing) {
        ++at;
        continue;
      }
      if (!wanted_.status) print_gone(invocation_, console_, at->second.row);
      at = shown_.erase(at);
    }
  }

 private:
  struct Shown {
    Row row;
    std::uint64_t seen;  ///< number of the last list that contained it
  };

  const Invocation& invocation_;
  Console& console_;
  const Wanted& wanted_;
  std::uint64_t lists_ = 0;
  std::map<base::NodeId, Shown> shown_;
};

Ending watch(const Invocation& invocation, Console& console, Client& client, const Wanted& wanted) {
  constexpr std::chrono::seconds kEvery{2};  // our choice
  Changes changes(invocation, console, wanted);
  while (true) {
    const auto listed = list_nodes(client);
    if (!listed.ok()) return listed.error();
    changes.take(listed.value());
    console.out.flush();
    if (!console.out) return unwritten(console, "");
    if (const auto paused = client.pause(kEvery); !paused.ok()) return paused.error();
  }
}

}  // namespace

Ending registry_list(const Invocation& invocation, Console& console) {
  Wanted wanted;
  if (const auto status = invocation.text("--status")) wanted.status = registry::status_named(*status);
  if (const auto typed = invocation.text("--need")) {
    const auto need = registry::need_typed(*typed);
    if (!need)
      return usage_failure(
          "invalid need: expected conditions joined by commas, such as 'memory>=4G,arch=x86_64', got \"" +
              base::shortened(*typed, 80) + '"',
          "troupe help registry ls");
    wanted.need = *need;
  }
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (invocation.has("--watch")) return watch(invocation, console, *client.value(), wanted);
  auto listed = list_nodes(*client.value());
  if (!listed.ok()) return listed.error();
  std::erase_if(listed.value().rows, [&](const Row& row) { return !wanted.takes(row); });
  print_rows(invocation, console, listed.value().rows);
  if (listed.value().answered < listed.value().asked)
    console.err << "note: " << listed.value().asked - listed.value().answered << " of " << listed.value().asked
                << " nodes did not respond; the list may be incomplete\n";
  return Exit::done;
}

}  // namespace troupe::apps
