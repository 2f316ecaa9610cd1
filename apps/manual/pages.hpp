#pragma once
// The pages of the manual: those that a person wrote, and those that are generated from a table of the program.
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/command.hpp"
#include "runtime/config/settings.hpp"

namespace troupe::apps {

struct Page {
  std::string_view name;  ///< "chain", for apps/manual/chain.md
  std::string_view text;  ///< Markdown
};

/// Returns the pages that a person wrote, sorted by name; README is the index.
const std::vector<Page>& written_pages();

/// Returns the page `cli`: the help of each command, and what all commands share.
std::string cli_page(const Commands& table);

/// Returns the page `configuration`: each setting with its default, its bounds and its meaning.
std::string configuration_page(const config::Table& table);

}  // namespace troupe::apps
