// troupe reputation
#include "apps/cli/json.hpp"
#include "apps/cli/node_id.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/reputation/reputation.hpp"
#include "apps/wallet/typed.hpp"
#include "messages/codec.hpp"
#include "messages/output/reputation.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {

namespace reputations {

Client::Outcome<Standings> standings(Client& client) {
  namespace wire = reputation::wire;
  constexpr std::chrono::seconds kDue{30};
  Standings out;
  for (bool more = true; more;) {
    auto page =
        client.ask<wire::ListScores, wire::Scores>(reputation::kPath, kDue, [&](wire::ListScores::Builder question) {
          if (!out.empty()) question.setBehind(data_of(out.rbegin()->first.view()));
        });
    if (!page.ok()) return page.error();
    const std::size_t before = out.size();
    for (const auto row : page.value().root().getRows())
      if (const auto node = node_of(row.getNode()))
        out.insert_or_assign(*node, Standing{static_cast<reputation::Thousandths>(row.getScore()), row.getEvents()});
    more = page.value().root().getMore() && out.size() > before;
  }
  return out;
}

int points_of(const Standings& all, const base::NodeId& node) {
  const auto known = all.find(node);
  return reputation::points(known == all.end() ? reputation::kStart : known->second.score);
}

}  // namespace reputations

namespace {

using namespace reputations;
namespace rep = reputation::wire;

constexpr std::chrono::seconds kDue{30};

/// An event in the ledger, and the score after it.
struct Told {
  base::Bytes bytes;
  reputation::Event event;
  reputation::EventId id{};
  reputation::Thousandths score = reputation::kStart;
};
struct Book {
  std::vector<Told> events;
  std::uint32_t bad = 0;
  reputation::Score score;
};

/// Returns all events of a node, read, checked and added up.
Client::Outcome<Book> book_of(Client& client, const base::NodeId& node) {
  Book out;
  base::Bytes from;
  do {
    auto page =
        client.ask<rep::ListEvents, rep::Events>(reputation::kPath, kDue, [&](rep::ListEvents::Builder question) {
          question.setNode(data_of(node.view()));
          question.setFrom(data_of(from));
        });
    if (!page.ok()) return page.error();
    for (const auto one : page.value().root().getEvents()) {
      const auto bytes = bytes_of(one);
      const auto event = reputation::parse_event(bytes);
      if (!event || event->node != node || !reputation::is_signed(bytes, *event)) {
        ++out.bad;
        continue;
      }
      Told told{{bytes.begin(), bytes.end()}, *event, reputation::id_of(bytes)};
      out.score.fold(*event, told.id);
      told.score = out.score.value;
      out.events.push_back(std::move(told));
    }
    const auto next = bytes_of(page.value().root().getNext());
    if (!next.empty() && !std::ranges::lexicographical_compare(from, next))
      return Failure{.error = {base::Code::corrupt, "the pages of the node's response do not continue"}};
    from.assign(next.begin(), next.end());
  } while (!from.empty());
  return out;
}

void write(output::wire::ReputationEvent::Builder to, const Told& told) {
  to.setId(data(told.id.view()));
  to.setTime(told.event.unix_ms);
  to.setEvent(told.event.kind);
  to.setDelta(told.event.delta);
  to.setScore(static_cast<std::uint32_t>(told.score));
  to.setBy(data(crypto::node_id(told.event.by, told.event.by_nonce).view()));
  if (told.event.evidence) to.setEvidence(data(told.event.evidence->view()));
}

std::string signed_text(int points) { return points < 0 ? std::to_string(points) : "+" + std::to_string(points); }

Ending show_all(const Invocation& invocation, Console& console, Client& client) {
  const auto all = standings(client);
  if (!all.ok()) return all.error();
  if (!invocation.globals.json) {
    TextTable table({{"NODE"}, {"SCORE", Align::right}, {"EVENTS", Align::right}});
    for (const auto& [node, one] : all.value())
      table.add({node.hex(), std::to_string(reputation::points(one.score)), std::to_string(one.events)});
    table.print(console.out);
    return Exit::done;
  }
  JsonLine<output::wire::ReputationRows> line;
  auto rows = line->initRows(size32(all.value()));
  unsigned at = 0;
  for (const auto& [node, one] : all.value()) {
    rows[at].setNode(data(node.view()));
    rows[at].setScore(static_cast<std::uint32_t>(reputation::points(one.score)));
    rows[at++].setEvents(one.events);
  }
  write_json_line(console.out, capnp::toDynamic(rows.asReader()));
  return Exit::done;
}

Ending show_events(const Invocation& invocation, Console& console, Client& client, const base::NodeId& node) {
  const auto book = book_of(client, node);
  if (!book.ok()) return book.error();
  if (invocation.globals.json) {
    JsonLine<output::wire::ReputationEvents> line;
    auto rows = line->initRows(size32(book.value().events));
    for (unsigned i = 0; i < rows.size(); ++i) write(rows[i], book.value().events[i]);
    write_json_line(console.out, capnp::toDynamic(rows.asReader()));
    return Exit::done;
  }
  TextTable table({{"TIME"}, {"EVENT"}, {"POINTS", Align::right}, {"SCORE", Align::right}, {"EVIDENCE"}});
  for (const Told& one : book.value().events)
    table.add({wallets::date_of(wallet::UnixMs(one.event.unix_ms)), one.event.kind, signed_text(one.event.delta),
               fixed(one.score / 1'000.0, 3), one.event.evidence ? one.event.evidence->hex() : "-"});
  table.print(console.out);
  return Exit::done;
}

Ending verify(const Invocation& invocation, Console& console, Client& client, const base::NodeId& node,
              rep::ScoreIs::Reader score) {
  const auto book = book_of(client, node);
  if (!book.ok()) return book.error();
  const auto again = book.value().score.on(score.getDay());
  const bool same = static_cast<std::uint32_t>(again) == score.getScore() && book.value().bad == 0 &&
                    book.value().events.size() == score.getEvents();
  if (invocation.globals.json) {
    JsonLine<output::wire::ReputationVerified> line;
    line->setNode(data(node.view()));
    line->setScore(static_cast<std::uint32_t>(reputation::points(static_cast<std::int32_t>(score.getScore()))));
    line->setRecomputed(static_cast<std::uint32_t>(reputation::points(again)));
    line->setEvents(size32(book.value().events));
    line->setBad(book.value().bad);
    line.print(console.out);
  } else {
    console.out << (same ? "valid: " : "invalid: ") << score.getScore() << " thousandths are reported, " << again
                << " are computed from " << book.value().events.size() << " events; " << book.value().bad
                << " have no valid signature\n";
  }
  return same ? Exit::done : Exit::failed;
}

}  // namespace

Ending reputation_show(const Invocation& invocation, Console& console) {
  const auto typed = invocation.text("NODE");
  const auto named = typed ? node_typed(*typed) : base::Result<base::NodeId, Failure>(base::NodeId{});
  if (!named.ok()) return named.error();
  const auto id = typed ? std::optional(named.value()) : std::nullopt;
  if (!id && (invocation.has("--events") || invocation.has("--verify")))
    return usage_failure("--events and --verify need one node", "troupe help reputation");
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (!id) return show_all(invocation, console, *client.value());
  if (invocation.has("--events")) return show_events(invocation, console, *client.value(), *id);
  auto score = client.value()->ask<rep::GetScore, rep::ScoreIs>(
      reputation::kPath, kDue, [&](rep::GetScore::Builder out) { out.setNode(data_of(id->view())); });
  if (!score.ok()) return score.error();
  const auto told = score.value().root();
  if (invocation.has("--verify")) return verify(invocation, console, *client.value(), *id, told);
  const int points = reputation::points(static_cast<reputation::Thousandths>(told.getScore()));
  if (invocation.globals.json) {
    JsonLine<output::wire::Reputation> line;
    line->setNode(data(id->view()));
    line->setScore(static_cast<std::uint32_t>(points));
    line->setEvents(told.getEvents());
    line.print(console.out);
  } else {
    console.out << points << " of 100, from " << told.getEvents() << " events\n";
  }
  return Exit::done;
}

}  // namespace troupe::apps
