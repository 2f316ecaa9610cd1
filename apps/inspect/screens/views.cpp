// The list of all views: their names, their data, and their keys.
#include "apps/inspect/screens/tables.hpp"
#include "apps/inspect/screens/view_parts.hpp"

namespace troupe::apps::screens {

namespace {

std::vector<View> with_tables(std::vector<View> all) {
  const auto help = std::prev(all.end());
  std::vector<View> tables;
  for (const TableScreen& table : table_screens())
    tables.push_back({.name = table.name,
                      .doc = table.doc,
                      .wants = {.screen = table.name},
                      .show = domain_table,
                      .enter = table.opens.empty() ? nullptr : domain_table_enter,
                      .keys = table.opens.empty() ? "" : "enter open  left right scroll"});
  all.insert(help, tables.begin(), tables.end());
  return all;
}

}  // namespace

const std::vector<View>& views() {
  static const std::vector<View> all = with_tables({
      {.name = "overview",
       .doc = "whether this node is healthy, at a glance",
       .wants = {.actors = true, .busiest = true},
       .show = overview,
       .enter = overview_enter,
       .keys = "enter open"},
      {.name = "nodes",
       .doc = "all nodes, one per line",
       .wants = {},
       .show = every_node,
       .enter = every_node_enter,
       .keys = "enter open  1-9 node"},
      {.name = "actors",
       .doc = "actors, sorted and filtered by the node",
       .wants = {.actors = true},
       .show = actors,
       .enter = actors_enter,
       .key = actors_key,
       .keys = "enter open  / filter  left right sort  r reverse",
       .live = "m messages"},
      {.name = "tree",
       .doc = "actors below their parents; - folds, tab shows which actors send to which",
       .wants = {.actors = true, .by_path = true},
       .show = tree,
       .enter = actors_enter,
       .key = tree_key,
       .keys = "enter open  - fold",
       .live = "tab flows"},
      {.name = "flows",
       .doc = "which actors send messages to which actors: a sample of one second",
       .wants = {},
       .show = flows,
       .key = flows_key,
       .keys = "s sample again"},
      {.name = "dead", .doc = "ended actors, latest first", .wants = {.ended = true}, .show = dead},
      {.name = "peers", .doc = "nodes that this node knows", .wants = {.peers = true}, .show = peers},
      {.name = "links", .doc = "connections, in both directions", .wants = {.links = true}, .show = links},
      {.name = "warnings", .doc = "problems, their meaning, and what to try", .wants = {}, .show = warnings},
      {.name = "logs", .doc = "the latest lines of the node's log", .wants = {.log = true}, .show = logs},
      {.name = "actor",
       .doc = "one actor, and its changes since the last refresh",
       .wants = {},
       .show = one_actor,
       .enter = one_actor_enter,
       .key = one_actor_key,
       .keys = "enter open  d compare",
       .live = "m messages  p pause  r restart  K kill"},
      {.name = "messages",
       .doc = "messages as actors handle them",
       .wants = {},
       .show = message_list,
       .enter = message_list_enter,
       .key = message_list_key,
       .keys = "enter open  c cause  f follow  s trace again"},
      {.name = "message",
       .doc = "one message, decoded",
       .wants = {},
       .show = one_message,
       .key = one_message_key,
       .keys = "x bytes  c cause  e effects"},
      {.name = "follow",
       .doc = "one request across actors and nodes, by its trace",
       .wants = {},
       .show = follow,
       .enter = follow_enter,
       .keys = "enter open"},
      {.name = "buckets",
       .doc = "the routing table of the DHT as a map of the id space",
       .wants = {.table = true},
       .show = buckets},
      {.name = "file",
       .doc = "the chunks of a file and the nodes that store them: :file CID",
       .wants = {},
       .show = file_map},
      {.name = "row", .doc = "a row of a list in full: enter on it", .wants = {}, .show = one_row},
      {.name = "help", .doc = "keys and views", .wants = {}, .show = help},
  });
  return all;
}

Content help(const Model& model) {
  Content out{.title = "Keys"};
  const auto add = [&](std::string_view keys, std::string_view what) {
    out.rows.push_back(text_row("  " + padded(std::string(keys), 20) + std::string(what)));
  };
  const View* behind = find_view(model.place().subject);
  if (const std::string keys = behind == nullptr ? "" : keys_of(*behind, !model.time); !keys.empty())
    out.rows.push_back(text_row("in " + std::string(behind->name) + ": " + keys, Style::marked));
  add(":", "open a view by name; tab completes it");
  add("/", "filter by words; actors also in the language of `troupe inspect --filter`");
  add("esc", "clear the filter, then go back");
  add("enter", "open a row, or show the whole row of a list");
  add("up, down, ^U, ^W", "in the input after : or /: earlier lines; erase the line, or a word");
  add("arrows, h j k l", "move; left and right choose the column to sort by, r reverses; elsewhere they scroll");
  add("pgup pgdn g G", "a screen up or down, the first and the last row");
  add("space", "pause the screen, not the node");
  add("i", "show the inspector's own actors");
  add("t", "show totals instead of rates");
  add("y", "show the command that shows this row again");
  add("1-9", "another node");
  add("d", "on an actor: mark what differs from its state now, at other times and nodes; d again ends that");
  add("q", "quit the screens");
  out.rows.push_back(text_row(""));
  out.rows.push_back(text_row("Views", Style::title));
  for (const View& view : views()) add(":" + std::string(view.name), view.doc);
  add(":messages PATTERN", "the path of an actor, or a filter such as /dht/** or kind=peer; also :flows PATTERN");
  add(":follow TRACE", "16 hexadecimal digits, as in `troupe file put --trace-id`");
  add(":save FILE", "write the screen as text");
  add(":capture FILE", model.time ? "write this instant of this actor: `troupe sim replay FILE`, `troupe inspect FILE`"
                                  : "write all data of this node on the screens, as JSON");
  if (model.time) {
    out.rows.push_back(text_row(""));
    out.rows.push_back(text_row("In time", Style::title));
    add(", .", "back by one event, forward by one event");
    add("< >", "back by a second, forward by a second");
    add("g 12.304s, :event N", "go to that time, to the end of that event");
    add("$", "go to the event that broke an invariant, otherwise to the end");
    add("space + _", "play, faster, slower");
    add("n N", "on an actor: the next and the previous event in which its state changed");
    add("w", "on an actor: the event in which its state last changed; w again: the change before that");
    add(":cut n1 n2 5s", "cut the network between two nodes from here on; without a time until faults end");
    add(":heal n1 n2", "end the cut; the run is then repeated, and its report names both");
    add("W", "go to the event in which this event's message was sent");
    return out;
  }
  out.rows.push_back(text_row(""));
  out.rows.push_back(text_row("With --operate, each confirmed and written to the node's audit log", Style::title));
  add(":pause :resume", "an actor handles no message until it is resumed, at most 10 minutes");
  add(":restart :kill", "an actor fails and its supervisor restarts it; or it ends for good");
  add(":level debug dht", "level of the log, for one domain or all");
  add(":drain", "shut down the node gracefully");
  return out;
}

}  // namespace troupe::apps::screens
