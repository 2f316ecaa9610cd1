#pragma once
// Shared parts of several views.
#include "apps/inspect/screens/model.hpp"

namespace troupe::apps::screens {

/// Returns "9f3c5a21…" for a node's id; other names unchanged.
std::string short_node(const std::string& id);
/// Returns "9f3c5a21…" for any long id.
std::string short_id(const std::string& id);
/// Returns "12k", "3.4M": for columns; exact below 10,000.
std::string count_text(std::uint64_t count);
std::string rate_text(double per_second);
std::string time_text_ms(std::uint64_t ms);
std::string time_text_us(std::uint64_t us);
/// Returns block characters, one per value, scaled to the largest value.
std::string sparkline(const std::deque<double>& values, std::size_t length);
/// Returns a bar of at most `length` columns for a share from 0 to 1.
std::string bar(double share, std::size_t length);
std::string padded(std::string text, std::size_t columns);

/// Returns the fields of a decoded message (observe::Decoder::line), one per line, nested fields indented.
std::vector<std::string> fields_of(const std::string& line);

/// Whether the actor exists only because of the screens: the inspector, and links of operators.
bool is_own(const ActorRow& row);

/// Returns a line of text, or of a title and text.
Content::Row text_row(std::string text, Style style = Style::plain);

/// The meaning of a warning, and what to try.
struct Advice {
  std::string_view means, try_;
};
Advice advice_for(std::string_view source);

// The views, by file.
Content overview(const Model& model);
void overview_enter(Model& model, const Content::Row& row);
Content actors(const Model& model);
void actors_enter(Model& model, const Content::Row& row);
bool actors_key(Model& model, const std::string& key, const Content::Row* row);
Content tree(const Model& model);
bool tree_key(Model& model, const std::string& key, const Content::Row* row);
Content dead(const Model& model);
Content peers(const Model& model);
Content links(const Model& model);
Content warnings(const Model& model);
Content logs(const Model& model);
Content every_node(const Model& model);
void every_node_enter(Model& model, const Content::Row& row);
Content one_actor(const Model& model);
void one_actor_enter(Model& model, const Content::Row& row);
bool one_actor_key(Model& model, const std::string& key, const Content::Row* row);
Content message_list(const Model& model);
void message_list_enter(Model& model, const Content::Row& row);
bool message_list_key(Model& model, const std::string& key, const Content::Row* row);
Content one_message(const Model& model);
bool one_message_key(Model& model, const std::string& key, const Content::Row* row);
Content flows(const Model& model);
bool flows_key(Model& model, const std::string& key, const Content::Row* row);
Content follow(const Model& model);
void follow_enter(Model& model, const Content::Row& row);
Content buckets(const Model& model);
Content file_map(const Model& model);
Content domain_table(const Model& model);
void domain_table_enter(Model& model, const Content::Row& row);
Content one_row(const Model& model);
Content help(const Model& model);

}  // namespace troupe::apps::screens
