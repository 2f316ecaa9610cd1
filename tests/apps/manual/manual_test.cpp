// The pages of the manual, and the links between all pages of the tree.
#include <filesystem>
#include <fstream>
#include <regex>

#include "apps/host/domains.hpp"
#include "apps/manual/pages.hpp"
#include "tests/apps/harness.hpp"

using namespace troupe;
using namespace troupe::apps;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

/// Returns the targets of the links of a page, without those to other sites and to places within the page.
std::vector<std::string> links(const std::string& page) {
  static const std::regex link("\\]\\(([^)#\\s]+)(?:#[^)]*)?\\)");
  std::vector<std::string> out;
  for (auto at = std::sregex_iterator(page.begin(), page.end(), link); at != std::sregex_iterator(); ++at)
    if ((*at)[1].str().find("://") == std::string::npos) out.push_back((*at)[1]);
  return out;
}

}  // namespace

TEST_CASE("manual: the pages that are generated from tables are current") {
  const fs::path pages = fs::path(TROUPE_SOURCE) / "apps/manual";
  CHECK_MESSAGE(content(pages / "cli.md") == cli_page(commands()), "run: build/troupe manual cli >apps/manual/cli.md");
  CHECK_MESSAGE(content(pages / "configuration.md") == configuration_page(settings_table()),
                "run: build/troupe manual configuration >apps/manual/configuration.md");
}

TEST_CASE("manual: the program prints each page of the folder, and names the nearest page") {
  for (const auto& file : fs::directory_iterator(fs::path(TROUPE_SOURCE) / "apps/manual")) {
    if (file.path().extension() != ".md") continue;
    CAPTURE(file.path().string());
    const Seen seen = troupe_with({"manual", file.path().stem()});
    CHECK(seen.exit == Exit::done);
    CHECK(seen.out == content(file.path()));
  }
  CHECK(troupe_with({"manual"}).out == troupe_with({"manual", "README"}).out);
  const Seen missing = troupe_with({"manual", "securty"});
  CHECK(missing.exit == Exit::usage);
  CHECK(missing.err.find("did you mean \"security\"?") != std::string::npos);
}

TEST_CASE("manual: each relative link of a page leads to a file") {
  const fs::path source = TROUPE_SOURCE;
  std::vector<fs::path> pages{source / "README.md"};
  for (const char* folder : {"actors", "apps", "messages", "runtime", "tests", "tools"})
    for (const auto& file : fs::recursive_directory_iterator(source / folder))
      if (file.path().extension() == ".md") pages.push_back(file.path());
  for (const fs::path& page : pages)
    for (const std::string& link : links(content(page)))
      CHECK_MESSAGE(fs::exists(page.parent_path() / link), page.string() << " links to " << link);
}
