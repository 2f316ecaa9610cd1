#include "apps/api/service.hpp"

#include <algorithm>
#include <sstream>

#include "apps/api/answer.hpp"
#include "apps/api/fields.hpp"
#include "apps/api/openapi.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/json_read.hpp"
#include "runtime/base/text.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::apps::api {
namespace {

using base::Code;

constexpr const char* kJson = "application/json";
constexpr const char* kForm = "application/x-www-form-urlencoded";  // what curl and others say if nobody says a type
constexpr const char* kLines = "application/x-ndjson";
constexpr std::size_t kLineBytes = 16u << 10;        // our choice: output that is collected before it is sent
constexpr std::chrono::milliseconds kQuietMax{500};  // our choice: then a client wants to know that it watches
constexpr std::chrono::milliseconds kTick{250};      // our choice

std::string_view path_of(const http::Head& head) {
  return std::string_view(head.target).substr(0, head.target.find('?'));
}
std::string_view query_of(const http::Head& head) {
  const std::size_t mark = head.target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(head.target).substr(mark + 1);
}

/// Compares hashes, so that the time does not show how many characters of a guess are right.
bool equal(std::string_view a, std::string_view b) {
  return crypto::sha256(base::as_bytes(a)) == crypto::sha256(base::as_bytes(b));
}

std::string trace_text(std::uint64_t trace) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(trace >> (56 - 8 * i));
  return base::hex(bytes);
}

/// Adds the headers of every answer.
void add_usual(http::Headers& headers, std::uint64_t trace) {
  headers.insert(
      headers.end(),
      {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}, {"X-Trace-Id", trace_text(trace)}});
}
void add_usual(http::Response& response, std::uint64_t trace) { add_usual(response.headers, trace); }

http::Headers usual_headers(const char* type, std::uint64_t trace) {
  http::Headers out{{"Content-Type", type}};
  add_usual(out, trace);
  return out;
}

std::uint64_t any_trace() {
  os::Chance chance;
  std::array<std::uint8_t, 8> drawn{};
  chance.fill(drawn);
  std::uint64_t out = 0;
  for (const std::uint8_t byte : drawn) out = out << 8 | byte;
  return out | 1;
}
/// Returns the trace that a request names, or any trace. Returns nullopt if the request names an invalid trace.
std::optional<std::uint64_t> trace_of(const http::Head& head) {
  const auto typed = head.header("x-trace-id");
  return typed ? parse_trace(*typed) : any_trace();
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

/// Whether the output of a call is sent while the command runs.
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

/// Returns "A-B" of `Range: bytes=A-B`. Other forms of ranges are ignored, as RFC 9110 allows.
std::optional<std::string> range_of(const http::Head& head) {
  const auto range = head.header("range").value_or("");
  static constexpr std::string_view kUnit = "bytes=";
  if (!range.starts_with(kUnit) || range.ends_with('-') || range.find(',') != std::string_view::npos)
    return std::nullopt;
  const std::string out(range.substr(kUnit.size()));
  return out.starts_with('-') ? std::nullopt : std::optional(out);
}

Exit exit_of(const Ending& ending, Effect effect) {
  return ending.ok() ? ending.value() : apps::exit_of(ending.error(), effect);
}

/// Adds "partly":true to an object, or a line after several.
std::string with_partly(std::string body) {
  if (body.find('\n') + 1 < body.size()) return body + "{\"partly\":true}\n";
  const std::size_t end = body.find_last_of('}');
  if (body.empty() || body.front() != '{' || end == std::string::npos) return body;
  body.insert(end, end == 1 ? "\"partly\":true" : ",\"partly\":true");
  return body;
}

}  // namespace

/// The output of a command that is sent while it runs.
class Service::Stream final : public std::streambuf {
 public:
  Stream(http::Exchange& exchange, std::shared_ptr<Cancel> cancel, http::Headers headers)
      : exchange_(&exchange),
        cancel_(std::move(cancel)),
        headers_(std::move(headers)),
        began_(std::chrono::steady_clock::now()) {}

  /// Sends the head if the command has been silent for some time.
  void begin_if_quiet() {
    const std::lock_guard hold(lock_);
    if (exchange_ != nullptr && !begun_ && std::chrono::steady_clock::now() - began_ >= kQuietMax) send();
  }
  /// Ends the response: with `last` if something was sent, otherwise with `whole`.
  void end(const std::string& last, http::Response whole) {
    const std::lock_guard hold(lock_);
    if (!begun_ && text_.empty()) {
      exchange_->respond(std::move(whole));
    } else {
      text_ += last;
      send();
      exchange_->end();
    }
    exchange_ = nullptr;
  }

 protected:
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
  }
  std::streamsize xsputn(const char* from, std::streamsize count) override {
    const std::lock_guard hold(lock_);
    text_.append(from, static_cast<std::size_t>(count));
    if (text_.size() >= kLineBytes) send();
    return broken_ ? 0 : count;
  }
  int sync() override {
    const std::lock_guard hold(lock_);
    if (!text_.empty()) send();
    return broken_ ? -1 : 0;
  }

 private:
  void send() {
    if (!std::exchange(begun_, true)) exchange_->begin(200, headers_, std::nullopt);
    if (!broken_ && !exchange_->write(text_).ok()) {
      broken_ = true;
      cancel_->cancel();
    }
    text_.clear();
  }

  std::mutex lock_;
  http::Exchange* exchange_;  // null once the response has ended
  const std::shared_ptr<Cancel> cancel_;
  const http::Headers headers_;
  const std::chrono::steady_clock::time_point began_;
  std::string text_;
  bool begun_ = false, broken_ = false;
};

/// The body of a request or response that is a file.
class Service::Body final : public Transfer {
 public:
  Body(http::Exchange& exchange, std::shared_ptr<Cancel> cancel, http::Headers headers, bool range)
      : exchange_(exchange), cancel_(std::move(cancel)), headers_(std::move(headers)), range_(range) {}

  base::Result<std::size_t, Failure> read(std::span<std::uint8_t> into) override {
    auto got = exchange_.read(into);
    if (got.ok()) return got.value();
    unread_ = got.error();
    return Failure{got.error(), "nothing was stored under a content id"};
  }
  void begin(std::uint64_t bytes, std::uint64_t first, std::uint64_t file_bytes) override {
    begun_ = true;
    left_ = bytes;
    if (range_)
      headers_.emplace_back("Content-Range", "bytes " + std::to_string(first) + '-' +
                                                 std::to_string(first + bytes - 1) + '/' + std::to_string(file_bytes));
    exchange_.begin(range_ ? 206 : 200, headers_, bytes);
    if (exchange_.head().method == "HEAD") cancel_->cancel();
  }
  base::Result<void, Failure> write(base::ByteView bytes) override {
    left_ -= std::min<std::uint64_t>(left_, bytes.size());
    const auto sent = exchange_.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!sent.ok()) return Failure{sent.error()};
    return {};
  }
  /// Returns why the body could not be read.
  const std::optional<base::Error>& unread() const { return unread_; }
  bool begun() const { return begun_; }
  bool complete() const { return begun_ && (left_ == 0 || exchange_.head().method == "HEAD"); }

 private:
  http::Exchange& exchange_;
  const std::shared_ptr<Cancel> cancel_;
  http::Headers headers_;
  const bool range_;
  std::optional<base::Error> unread_;
  bool begun_ = false;
  std::uint64_t left_ = 0;
};

Service::Service(ServiceSetup setup)
    : setup_(std::move(setup)),
      routes_(*setup_.table),
      openapi_(openapi_text(routes_)),
      ticker_([this] { begin_quiet_streams(); }) {}

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
  Plan out = decide(head);
  if (out.answer) add_usual(*out.answer, trace_of(head).value_or(any_trace()));
  return out;
}

http::Handler::Plan Service::decide(const http::Head& head) {
  const std::string_view path = path_of(head);
  if (path == "/healthz") return {.answer = http::Response{200, {{"Content-Type", "text/plain"}}, "ok\n"}};
  if (auto refused = turned_away(head)) return {.answer = std::move(refused)};
  if (path == "/openapi.json") return {.answer = http::Response{200, {{"Content-Type", kJson}}, openapi_}};
  if (!trace_of(head))
    return {.answer =
                error_response(400, Code::malformed, "X-Trace-Id needs 16 hexadecimal digits that are not all 0")};
  if (path == "/readyz") return {};
  const auto key = head.header("authorization");
  if (!key || !has_scheme(*key) || !equal(key->substr(kScheme.size()), setup_.token)) {
    auto refused = error_response(401, Code::refused, "the request needs Authorization: Bearer, with a valid key");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer");
    return {.answer = std::move(refused)};
  }
  const Lookup found = routes_.find(head.method, path);
  if (const auto* bad = std::get_if<BadPath>(&found)) return {.answer = error_response(400, Code::malformed, bad->why)};
  if (std::holds_alternative<NoRoute>(found))
    return {.answer = error_response(404, Code::not_found, "there is no such path; /openapi.json lists all")};
  if (const auto* wrong = std::get_if<WrongMethod>(&found)) {
    auto refused = error_response(405, Code::malformed, "the method of this path is " + wrong->allowed);
    refused.headers.emplace_back("Allow", wrong->allowed);
    return {.answer = std::move(refused)};
  }
  const Called& called = std::get<Called>(found);
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

void Service::handle(http::Exchange& exchange) {
  const http::Head& head = exchange.head();
  if (path_of(head) == "/readyz") return answer_ready(exchange);
  const Lookup found = routes_.find(head.method, path_of(head));
  run(exchange, std::get<Called>(found), query_of(head));
}

Invocation Service::invocation(const Called& called, Invocation::Values values, std::uint64_t trace) const {
  Globals globals;
  globals.json = true;
  globals.trace = trace;
  globals.server = Server{setup_.connection, std::make_shared<Cancel>()};
  return {*called.row->command, *setup_.table, std::move(globals), std::move(values)};
}

void Service::answer_ready(http::Exchange& exchange) {
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
  exchange.respond({ready ? 200 : 503, usual_headers("text/plain", *trace_of(exchange.head())),
                    ready ? "ready\n" : "the node does not serve\n"});
}

/// Sends a response with the headers of every answer.
void Service::respond(const Run& run, http::Response response) {
  add_usual(response, run.trace);
  run.exchange.respond(std::move(response));
}
void Service::fail(const Run& run, const Failure& failure) {
  respond(run, error_response(failure, run.command().effect));
}

void Service::run(http::Exchange& exchange, const Called& called, std::string_view query) {
  const http::Head& head = exchange.head();
  Run run{exchange, called, *trace_of(head)};
  const bool in_body = called.row->method == "POST";
  auto given = in_body ? read_object(exchange.body()) : read_query(query);
  if (!given.ok() && in_body && head.header("content-type").value_or("").starts_with(kForm))
    return respond(run, error_response(415, Code::malformed, "the body is not JSON"));
  if (!given.ok()) return fail(run, given.error());
  if (in_body && !query.empty())
    return fail(run, usage_failure("a POST has its fields in its body, not in the query", ""));
  if (const auto key = head.header("idempotency-key"))
    if (std::ranges::any_of(run.command().options, [](const Option& one) { return one.name == "--request"; }))
      given.value().push_back({"request", {crypto::sha256(base::as_bytes("token" + std::string(*key))).hex()}});
  auto read = values_of(called, std::move(given).value());
  if (!read.ok()) return fail(run, read.error());
  if (const auto range = range_of(head); range && run.command().route->output == Output::bytes)
    read.value().values["--range"] = {*range};
  Invocation invoked = invocation(called, std::move(read.value().values), run.trace);
  invoked.globals.server->inputs = std::move(read.value().inputs);
  exchange.on_gone([cancel = invoked.globals.server->cancel] { cancel->cancel(); });
  if (run.command().route->output == Output::bytes || called.row->method == "PUT") return move_file(run, invoked);
  if (is_stream(called, query)) return run_stream(run, invoked, read.value().lines);
  run_whole(run, invoked, read.value().lines);
}

/// Runs a command that reads or writes a file.
void Service::move_file(const Run& run, const Invocation& invoked) {
  const Command& command = run.command();
  const bool part = command.route->output == Output::bytes && invoked.has("--range");
  auto headers = usual_headers("application/octet-stream", run.trace);
  if (run.called.subject) headers.emplace_back("ETag", '"' + *run.called.subject + '"');
  if (command.route->output == Output::bytes) headers.emplace_back("Accept-Ranges", "bytes");
  Body body(run.exchange, invoked.globals.server->cancel, std::move(headers), part);
  Invocation moving = invoked;
  moving.globals.server->transfer = &body;
  std::ostringstream out, err;
  std::istringstream in;
  Console console{out, err, in};
  const Ending ending = command.run(moving, console);
  if (body.begun()) {
    if (body.complete()) run.exchange.end();
    return;  // otherwise the connection is cut: a client sees that the file is not complete
  }
  if (const auto& why = body.unread())
    return respond(run, error_response(why->code == Code::timeout ? 408 : 400, why->code, why->message));
  const Exit exit = exit_of(ending, command.effect);
  if (!ending.ok() && part && (exit == Exit::usage || exit == Exit::refused))
    return respond(run, error_response(416, ending.error().error.code, ending.error().error.message));
  if (!ending.ok()) return fail(run, ending.error());
  std::string text = out.str();
  if (exit == Exit::partly) text = with_partly(std::move(text));
  respond(run, {201, {{"Content-Type", kJson}}, std::move(text)});
}

/// Runs a command whose output is sent once it is complete.
void Service::run_whole(const Run& run, const Invocation& invoked, const std::string& lines) {
  const Command& command = run.command();
  const bool by_line = command.route->output == Output::lines;
  std::ostringstream out, err;
  std::istringstream in(lines);
  Console console{out, err, in};
  console.dash_is_in = false;
  const Ending ending = command.run(invoked, console);
  std::string text = out.str();
  if (!ending.ok() && text.empty()) return fail(run, ending.error());
  if (!ending.ok() && by_line) text += error_text(ending.error(), command.effect);
  if (exit_of(ending, command.effect) == Exit::partly) text = with_partly(std::move(text));
  if (text.empty() && !by_line) text = "{}\n";
  const bool many = by_line || text.find('\n') + 1 < text.size();  // such as the values of several keys
  respond(run, {200, {{"Content-Type", many ? kLines : kJson}}, std::move(text)});
}

/// Runs a command whose output is sent while it runs.
void Service::run_stream(const Run& run, const Invocation& invoked, const std::string& lines) {
  const auto stream =
      std::make_shared<Stream>(run.exchange, invoked.globals.server->cancel, usual_headers(kLines, run.trace));
  {
    const std::lock_guard hold(lock_);
    streams_.insert(stream);
  }
  std::ostream out(stream.get());
  std::ostringstream err;
  std::istringstream in(lines);
  Console console{out, err, in};
  console.dash_is_in = false;
  const Ending ending = run.command().run(invoked, console);
  {
    const std::lock_guard hold(lock_);
    streams_.erase(stream);
  }
  const Effect effect = run.command().effect;
  const std::string last = ending.ok() ? "{\"end\":true}\n" : error_text(ending.error(), effect);
  auto whole =
      ending.ok() ? http::Response{200, {{"Content-Type", kLines}}, last} : error_response(ending.error(), effect);
  add_usual(whole, run.trace);
  stream->end(last, std::move(whole));
}

}  // namespace troupe::apps::api
