#include "apps/api/service.hpp"

#include <algorithm>
#include <sstream>

#include "apps/api/answer.hpp"
#include "apps/api/fields.hpp"
#include "apps/api/openapi.hpp"
#include "apps/api/output_stream.hpp"
#include "apps/api/request.hpp"
#include "apps/cli/json_read.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps::api {
namespace {

using base::Code;

constexpr std::chrono::milliseconds kTick{250};  // our choice
http::Response unauthorized() {
  auto out = error_response(401, Code::refused, "the request needs Authorization: Bearer, with a valid key");
  out.headers.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

/// Compares hashes, so that the time does not show how many characters of a guess are right.
bool equal(std::string_view a, std::string_view b) {
  return crypto::sha256(base::as_bytes(a)) == crypto::sha256(base::as_bytes(b));
}

constexpr std::string_view kScheme = "Bearer ";

bool has_scheme(std::string_view authorization) {
  return authorization.size() > kScheme.size() &&
         std::ranges::equal(authorization.substr(0, kScheme.size()), kScheme,
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

/// Whether "host", "host:port" or "[v6]:port" is an address, or one of `names`.
bool is_known_host(std::string_view host, const std::vector<std::string>& names) {
  const std::size_t colon = host.rfind(':');
  std::string name(colon == std::string_view::npos || host.ends_with(']') ? host : host.substr(0, colon));
  if (base::Endpoint::parse(name + ":1")) return true;
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name == "localhost" || std::ranges::find(names, name) != names.end();
}

}  // namespace

Service::Service(ServiceSetup setup)
    : setup_(std::move(setup)),
      routes_(*setup_.table),
      openapi_(openapi_text(routes_)),
      recorder_(setup_.connection),
      guard_(*setup_.table, routes_, setup_.connection, setup_.rules),
      ticker_([this] { begin_quiet_streams(); }),
      keys_(setup_.connection, setup_.requests_per_s, [this](const std::string& key) { lost(key); }) {}

Service::~Service() {
  {
    const std::lock_guard hold(lock_);
    ending_ = true;
  }
  ends_.notify_all();
  ticker_.join();
}

void Service::begin_quiet_streams() {
  std::unique_lock hold(lock_);
  while (!ends_.wait_for(hold, kTick, [this] { return ending_; })) {
    const auto now = streams_;
    hold.unlock();
    for (const auto& stream : now) stream->begin_if_quiet();
    hold.lock();
  }
}

http::Response Service::refusal(int status, const std::string& why) {
  const Code code = status == 408 || status == 504                    ? Code::timeout
                    : status == 413 || status == 414 || status == 431 ? Code::no_space
                    : status == 503                                   ? Code::overloaded
                    : status >= 500                                   ? Code::internal
                                                                      : Code::malformed;
  http::Response out = error_response(status, code, why);
  add_usual(out, any_trace());
  return out;
}

std::optional<http::Response> Service::turned_away(const http::Head& head) const {
  const auto host = head.header("host");
  if (host && !is_known_host(*host, setup_.hosts))
    return error_response(421, Code::refused, "the Host is neither an address nor a name of api.hosts");
  const auto origin = head.header("origin");
  if (origin && std::ranges::find(setup_.origins, *origin) == setup_.origins.end())
    return error_response(403, Code::refused, "requests of this Origin are not allowed; see api.origins");
  return std::nullopt;
}

http::Handler::Plan Service::plan(const http::Head& head) {
  const auto decided = std::make_shared<Decided>(Decided{trace_of(head).value_or(0)});
  Plan out = decide(head, *decided);
  if (out.answer) add_usual(*out.answer, decided->trace != 0 ? decided->trace : any_trace());
  else out.context = decided;
  return out;
}

http::Handler::Plan Service::decide(const http::Head& head, Decided& decided) {
  const std::string_view path = path_of(head);
  if (path == "/healthz") return {.answer = http::Response{200, {{"Content-Type", "text/plain"}}, "ok\n"}};
  if (auto refused = turned_away(head)) return {.answer = std::move(refused)};
  if (path == "/openapi.json") return {.answer = http::Response{200, {{"Content-Type", kJson}}, openapi_}};
  if (decided.trace == 0)
    return {.answer =
                error_response(400, Code::malformed, "X-Trace-Id needs 16 hexadecimal digits that are not all 0")};
  if (path == "/readyz") return {};
  auto caller = caller_of(head);
  if (auto* refused = std::get_if<http::Response>(&caller)) {
    if (refused->status == 401 && recorder_.is_first(address_of(head))) return {.streams = true};  // recorded first
    return {.answer = std::move(*refused)};
  }
  decided.caller = std::move(std::get<Caller>(caller));
  if (const auto& held = decided.caller->held) {
    const std::lock_guard hold(held->lock);
    const base::Instant now(std::chrono::steady_clock::now().time_since_epoch());
    if (!held->budget.take(now)) {
      const auto wait = std::chrono::ceil<std::chrono::milliseconds>(held->budget.wait(now));
      const Failure failure{{Code::overloaded, "too many requests of this key", wait}, "nothing was done"};
      return {.answer = error_response(failure, Effect::read)};
    }
  }
  Lookup found = routes_.find(head.method, path);
  if (const auto* bad = std::get_if<BadPath>(&found)) return {.answer = error_response(400, Code::malformed, bad->why)};
  if (std::holds_alternative<NoRoute>(found))
    return {.answer = error_response(404, Code::not_found, "there is no such path; /openapi.json lists all")};
  if (const auto* wrong = std::get_if<WrongMethod>(&found)) {
    auto refused = error_response(405, Code::malformed, "the method of this path is " + wrong->allowed);
    refused.headers.emplace_back("Allow", wrong->allowed);
    return {.answer = std::move(refused)};
  }
  const Called& called = decided.called.emplace(std::move(std::get<Called>(found)));
  if (head.method == "HEAD" && called.row->command->route->output != Output::bytes) {
    auto refused = error_response(405, Code::malformed, "HEAD works for files");
    refused.headers.emplace_back("Allow", "GET");
    return {.answer = std::move(refused)};
  }
  if (called.row->method == "POST")
    if (const auto type = head.header("content-type"); type && !type->starts_with(kJson) && !type->starts_with(kForm))
      return {.answer = error_response(415, Code::malformed, "the body is application/json")};
  return {.streams = is_stream(called, query_of(head))};
}

std::variant<Caller, http::Response> Service::caller_of(const http::Head& head) {
  const auto given = head.header("authorization");
  const std::string_view bearer = given && has_scheme(*given) ? given->substr(kScheme.size()) : std::string_view();
  if (head.door == 0 && !bearer.empty() && equal(bearer, setup_.token))
    return Caller{kTokenCaller, access::Role::admin, nullptr};
  if (!bearer.empty()) {
    auto found = keys_.find(bearer);
    if (auto* caller = std::get_if<Caller>(&found)) return std::move(*caller);
    if (std::holds_alternative<Keys::Stale>(found) && access::is_id(bearer.substr(0, bearer.find('.'))))
      return error_response(503, Code::unavailable, "the node does not answer, so no key can be checked");
  }
  return unauthorized();
}

void Service::handle(http::Exchange& exchange) {
  const http::Head& head = exchange.head();
  const auto& decided = *static_cast<const Decided*>(head.context.get());
  if (decided.called) return run(exchange, decided);
  if (path_of(head) == "/readyz") return answer_ready(exchange, decided.trace);
  (void)recorder_.record({.key = "", .address = address_of(head), .command = "", .status = 401});
  http::Response refused = unauthorized();
  add_usual(refused, decided.trace);
  exchange.respond(std::move(refused));
}

void Service::lost(const std::string& key) {
  std::set<std::shared_ptr<Cancel>> all;
  {
    const std::lock_guard hold(lock_);
    if (const auto known = running_.find(key); known != running_.end()) all = known->second.all;
  }
  for (const auto& one : all) one->cancel();
}

Invocation Service::invocation(const Called& called, Invocation::Values values, std::uint64_t trace) const {
  Globals globals;
  globals.json = true;
  globals.trace = trace;
  globals.server = Server{setup_.connection, std::make_shared<Cancel>()};
  return {*called.row->command, *setup_.table, std::move(globals), std::move(values)};
}

void Service::answer_ready(http::Exchange& exchange, std::uint64_t trace) {
  const auto found = routes_.find("GET", "/v1/status");
  const Called& called = std::get<Called>(found);
  auto values = values_of(called, {});
  std::ostringstream out, err;
  std::istringstream in;
  Console console{out, err, in};
  const Ending ending = called.row->command->run(invocation(called, values.value().values, 0), console);
  const auto body = read_json(out.str());
  const JsonValue* stage = body ? body->find("stage") : nullptr;
  const bool ready = ending.ok() && stage != nullptr && stage->text == "serving";
  exchange.respond(
      {ready ? 200 : 503, usual_headers("text/plain", trace), ready ? "ready\n" : "the node does not serve\n"});
}

}  // namespace troupe::apps::api
