// Views of single domains: the routing table of the DHT, and the nodes that store a file.
#include <algorithm>
#include <map>

#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/inspect/screens/tables.hpp"
#include "apps/inspect/screens/view_parts.hpp"

namespace troupe::apps::screens {
namespace {

constexpr double kBucketFull = 20;  // k of Kademlia 2.2
constexpr std::size_t kHoldersShown = 4;

/// Returns the part of all ids that is in a range: "1/8".
std::string share_text(std::uint64_t range) {
  return range < 40 ? "1/" + std::to_string(std::uint64_t{2} << range) : "2^-" + std::to_string(range + 1);
}

}  // namespace

Content buckets(const Model& model) {
  Content out;
  out.columns = {{"RANGE", true, 20}, {"OF ALL IDS", true, 8},     {"CONTACTS", true, 15},
                 {"", false, 9},      {"LONGEST SILENT", true, 6}, {"NODES", false, 10}};
  const auto& table = model.shown().table;
  if (!table) {
    out.title = "no response yet";
    return out;
  }
  std::size_t contacts = 0;
  for (const BucketRow& bucket : table->buckets) {
    contacts += bucket.contacts.size();
    std::uint64_t silent = 0;
    std::string nodes;
    for (const auto& one : bucket.contacts) {
      silent = std::max(silent, one.seen_ms);
      nodes += (nodes.empty() ? "" : " ") + short_node(one.node);
    }
    out.rows.push_back(
        {.cells = {std::to_string(bucket.range), share_text(bucket.range), std::to_string(bucket.contacts.size()),
                   bar(static_cast<double>(bucket.contacts.size()) / kBucketFull, 20), time_text_ms(silent), nodes},
         .key = std::to_string(bucket.range),
         .copy = "troupe dht table"});
  }
  out.title = std::to_string(contacts) + " contacts in " + std::to_string(table->buckets.size()) + " ranges; about " +
              std::to_string(table->nodes) + " nodes in the network";
  return out;
}

Content domain_table(const Model& model) {
  Content out;
  const TableScreen* table = find_table(model.place().view);
  out.columns = table->columns;
  const auto found = model.tables.find(model.node);
  if (found == model.tables.end() || found->second.table != table->name ||
      found->second.subject != model.place().subject) {
    out.title = "requesting it …";
    return out;
  }
  const TableRows& got = found->second;
  out.rows = got.rows;
  out.title = got.title;
  out.empty = got.error;
  return out;
}

void domain_table_enter(Model& model, const Content::Row& row) {
  model.open(std::string(find_table(model.place().view)->opens), row.key);
}

Content file_map(const Model& model) {
  Content out;
  out.columns = {{"PART", false, 15},   {"OFFSET", true, 9}, {"SIZE", true, 8},
                 {"HOLDERS", true, 12}, {"", false, 11},     {"CID", false, 5}};
  const auto& file = model.shown().file;
  if (!file || file->cid != model.place().subject) {
    out.title = "requesting it …";
    return out;
  }
  std::map<std::string, std::size_t> held;
  std::size_t chunk = 0, fewest = ~std::size_t{0};
  for (const std::string& node : file->providers.value_or(std::vector<std::string>{}))
    out.rows.push_back({.cells = {"provider", "", "", "", node, ""}, .style = Style::good, .key = node});
  for (const auto& part : file->parts) {
    fewest = std::min(fewest, part.holders.size());
    std::string nodes;
    for (std::size_t i = 0; i < part.holders.size(); ++i) {
      ++held[part.holders[i]];
      if (i < kHoldersShown) nodes += (nodes.empty() ? "" : " ") + short_node(part.holders[i]);
    }
    out.rows.push_back({.cells = {part.manifest ? "manifest" : "chunk " + std::to_string(++chunk),
                                  bytes_for_people(part.offset), bytes_for_people(part.bytes),
                                  file->listed ? std::to_string(part.holders.size()) : "-", nodes, part.cid},
                        .style = file->listed && part.holders.size() < 2 ? Style::warn : Style::plain,
                        .key = part.cid + std::to_string(part.offset),
                        .copy = "troupe file view " + shell_word(file->cid)});
  }
  const std::string parts = std::to_string(file->parts.size()) + " parts";
  if (file->listed)
    out.title = parts + " at " + std::to_string(held.size()) + " nodes" +
                (file->parts.empty() ? "" : ", each at " + std::to_string(fewest) + " or more");
  else
    out.title = "this node does not list the file; " +
                (!file->providers           ? "the DHT did not respond"
                 : file->providers->empty() ? "the DHT knows no node that provides it"
                                            : std::to_string(file->providers->size()) + " nodes provide it") +
                (file->parts.empty() ? "" : "; " + parts + " were found");
  if (!file->error.empty()) out.title = file->error + (file->listed ? "" : "; " + out.title);
  return out;
}

}  // namespace troupe::apps::screens
