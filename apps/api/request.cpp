#include "apps/api/request.hpp"

#include <algorithm>

#include "apps/api/fields.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::apps::api {
namespace {

std::string trace_text(std::uint64_t trace) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(trace >> (56 - 8 * i));
  return base::hex(bytes);
}

}  // namespace

std::string_view path_of(const http::Head& head) {
  return std::string_view(head.target).substr(0, head.target.find('?'));
}
std::string_view query_of(const http::Head& head) {
  const std::size_t mark = head.target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(head.target).substr(mark + 1);
}

std::string address_of(const http::Head& head) {
  std::string out = head.from.text();
  return out.substr(0, out.rfind(':'));
}

std::optional<std::string> range_of(const http::Head& head) {
  const auto range = head.header("range").value_or("");
  static constexpr std::string_view kUnit = "bytes=";
  if (!range.starts_with(kUnit) || range.ends_with('-') || range.find(',') != std::string_view::npos)
    return std::nullopt;
  const std::string out(range.substr(kUnit.size()));
  return out.starts_with('-') ? std::nullopt : std::optional(out);
}

bool is_stream(const Called& called, std::string_view query) {
  const Command& command = *called.row->command;
  if (command.route->output == Output::watch || command.route->output == Output::bytes) return true;
  if (called.row->method == "PUT") return true;
  const auto given = read_query(query);
  return given.ok() && std::ranges::any_of(command.options, [&](const Option& option) {
           return option.endless && std::ranges::any_of(given.value(), [&](const Given& one) {
                    return one.name == field_name(option) && one.values == std::vector<std::string>{"true"};
                  });
         });
}

std::uint64_t any_trace() {
  os::Chance chance;
  std::array<std::uint8_t, 8> drawn{};
  chance.fill(drawn);
  std::uint64_t out = 0;
  for (const std::uint8_t byte : drawn) out = out << 8 | byte;
  return out | 1;
}
std::optional<std::uint64_t> trace_of(const http::Head& head) {
  const auto typed = head.header("x-trace-id");
  return typed ? parse_trace(*typed) : any_trace();
}

void add_usual(http::Headers& headers, std::uint64_t trace) {
  headers.insert(
      headers.end(),
      {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}, {"X-Trace-Id", trace_text(trace)}});
}

http::Headers usual_headers(const char* type, std::uint64_t trace) {
  http::Headers out{{"Content-Type", type}};
  add_usual(out, trace);
  return out;
}

}  // namespace troupe::apps::api
