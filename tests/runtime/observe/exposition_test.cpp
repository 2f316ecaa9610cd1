#include "runtime/observe/logic/exposition.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <optional>

#include "runtime/base/ensure.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/text.hpp"

using namespace troupe;
using namespace troupe::observe;
using namespace std::chrono_literals;

namespace {

Family family(std::string name, std::vector<Sample> samples, MetricType type = MetricType::gauge) {
  return {std::move(name), "Help.", type, std::move(samples)};
}

/// The line of a sample without labels.
std::string line(MetricValue value) {
  const std::string all = exposition({family("a", {{{}, value}})});
  return all.substr(all.rfind("a "));
}

/// The line of a sample whose label `l` has that value.
std::string labelled(std::string value) {
  const std::string all = exposition({family("a", {{{{"l", std::move(value)}}, std::uint64_t{1}}})});
  return all.substr(all.find("gauge\n") + 6);
}

/// What a reader of the format takes from between the quotes of the one label of that line; nothing if it is no line.
std::optional<std::string> read_back(const std::string& text) {
  const std::string before = "a{l=\"", after = "\"} 1\n";
  if (!text.starts_with(before) || !text.ends_with(after)) return std::nullopt;
  std::string out;
  for (std::size_t i = before.size(); i < text.size() - after.size(); ++i) {
    if (text[i] == '\n' || text[i] == '"') return std::nullopt;
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size() - after.size()) return std::nullopt;
    if (text[i] != '\\' && text[i] != '"' && text[i] != 'n') return std::nullopt;
    out += text[i] == 'n' ? '\n' : text[i];
  }
  return out;
}

}  // namespace

TEST_CASE("exposition: families become the text format, in the order given") {
  const std::string text = exposition({
      family("sent_bytes_total",
             {{{{"role", "peer"}, {"to", "x"}}, std::uint64_t{7}}, {{{"role", "view"}}, std::uint64_t{0}}},
             MetricType::counter),
      {"up_seconds", "Time since\nthe \\ start, \"quoted\".", MetricType::gauge, {{{}, base::Duration{1'500ms}}}},
      family("nothing_yet", {}),
  });
  CHECK(text ==
        "# HELP sent_bytes_total Help.\n"
        "# TYPE sent_bytes_total counter\n"
        "sent_bytes_total{role=\"peer\",to=\"x\"} 7\n"
        "sent_bytes_total{role=\"view\"} 0\n"
        "# HELP up_seconds Time since\\nthe \\\\ start, \"quoted\".\n"
        "# TYPE up_seconds gauge\n"
        "up_seconds 1.5\n"
        "# HELP nothing_yet Help.\n"
        "# TYPE nothing_yet gauge\n");
  CHECK(exposition({}).empty());
}

TEST_CASE("exposition: numbers are exact, and time is in seconds") {
  CHECK(line(std::numeric_limits<std::uint64_t>::max()) == "a 18446744073709551615\n");
  CHECK(line(base::Duration{0}) == "a 0\n");
  CHECK(line(base::Duration{1ns}) == "a 0.000000001\n");
  CHECK(line(base::Duration{90s}) == "a 90\n");
  CHECK(line(base::Duration{-1'050ms}) == "a -1.05\n");
  CHECK(line(base::Duration::max()) == "a 9223372036.854775807\n");
  CHECK(line(base::Duration::min()) == "a -9223372036.854775808\n");
}

TEST_CASE("exposition: a label from outside can neither end its line nor break its reader") {
  CHECK(labelled("a\"} 5\nb{c=\"") == "a{l=\"a\\\"} 5\\\\nb{c=\\\"\"} 1\n");
  CHECK(labelled("\xff\x1b[31m") == "a{l=\"\\\\xff\\\\u{1b}[31m\"} 1\n");
  CHECK(labelled("naïve \\") == "a{l=\"naïve \\\\\\\\\"} 1\n");
  CHECK(labelled("") == "a{l=\"\"} 1\n");
  CHECK(labelled(std::string(kLabelBytesMax, 'x')) == "a{l=\"" + std::string(kLabelBytesMax, 'x') + "\"} 1\n");
  CHECK(labelled(std::string(kLabelBytesMax + 1, 'x')) == "a{l=\"" + std::string(kLabelBytesMax - 3, 'x') + "…\"} 1\n");
}

TEST_CASE("exposition: whatever a label holds is read back as its plain form") {
  base::Random random(7);
  for (int run = 0; run < 20'000; ++run) {
    std::string bytes;
    for (auto left = random.below(24); left > 0; --left)
      bytes += random.chance(1, 2) ? "\\\"\n{},= n"[random.below(9)] : static_cast<char>(random.below(256));
    CAPTURE(base::printable(bytes));
    const auto back = read_back(labelled(bytes));
    REQUIRE(back.has_value());
    CHECK(*back == base::printable(bytes, kLabelBytesMax));
    CHECK(base::is_plain(*back));
  }
}

TEST_CASE("exposition: of samples that only a cut makes alike the first is told") {
  const std::string same(kLabelBytesMax, 'x');
  const std::string text =
      exposition({family("a", {{{{"l", same + "1"}}, std::uint64_t{1}}, {{{"l", same + "2"}}, std::uint64_t{2}}})});
  CHECK(text.ends_with("…\"} 1\n"));
}

TEST_CASE("exposition: names that break the rules of the format are mistakes of the program") {
  const Sample one{{}, std::uint64_t{1}};
  for (const char* name : {"", "9a", "a-b", "a b", "a:b", "ä", "a\n", "a{"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(exposition({family(name, {one})}), base::InvariantBroken);
    CHECK_THROWS_AS(exposition({family("a", {{{{name, "v"}}, std::uint64_t{1}}})}), base::InvariantBroken);
  }
  CHECK_THROWS_AS(exposition({family("a", {{{{"__a", "v"}}, std::uint64_t{1}}})}), base::InvariantBroken);
  CHECK_NOTHROW(exposition({family("_a9", {{{{"_b9", "v"}}, std::uint64_t{1}}})}));
  CHECK_THROWS_AS(exposition({family("a", {one}, MetricType::counter)}), base::InvariantBroken);
  CHECK_THROWS_AS(exposition({family("a_total", {one})}), base::InvariantBroken);
  CHECK_THROWS_AS(exposition({family("a", {one}), family("a", {one})}), base::InvariantBroken);
  CHECK_THROWS_AS(exposition({family("a", {one, one})}), base::InvariantBroken);
  CHECK_THROWS_AS(exposition({family("a", {{{{"l", "1"}, {"l", "2"}}, std::uint64_t{1}}})}), base::InvariantBroken);
}
