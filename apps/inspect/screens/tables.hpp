#pragma once
// Screens of single domains, such as `:groups` and `:tasks`: each sends an existing request to the node, and shows the
// response as rows. To add one: a function and a row in the list in tables.cpp.
//
// Load    only the table on the screen is requested, once a second; at most kTableRowsMax rows of it.
// Owner   called by a thread of the feed; the list is constant.
#include <set>
#include <span>

#include "apps/inspect/screens/data.hpp"
#include "apps/inspect/screens/model.hpp"
#include "messages/raft.capnp.h"

namespace troupe::apps {
class Client;
}

namespace troupe::apps::screens {

inline constexpr std::size_t kTableRowsMax = 1'000;  // our choice: a person reads fewer; filters select

struct TableScreen {
  std::string_view name;  ///< as typed after ':'
  std::string_view doc;   ///< one line of help
  std::vector<Content::Column> columns;
  /// Sends the request to the node. `subject` is the text typed after the name.
  TableRows (*ask)(Client& client, const std::string& subject);
  std::string_view opens = {};  ///< view that enter opens for the key of the row; empty: the whole row
};

std::span<const TableScreen> table_screens();
/// Returns the table with that name, or null.
const TableScreen* find_table(std::string_view name);

/// Adds a group and its members. `linked`: nodes with a healthy link, and this node.
void add_group(TableRows& out, raft::wire::GroupStatus::Reader group, const std::set<std::string>& linked);

}  // namespace troupe::apps::screens
