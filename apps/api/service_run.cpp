// Runs the command of a request, and sends its output.
#include <algorithm>
#include <sstream>

#include "actors/access/codec.hpp"
#include "apps/api/answer.hpp"
#include "apps/api/fields.hpp"
#include "apps/api/file_body.hpp"
#include "apps/api/inner.hpp"
#include "apps/api/output_stream.hpp"
#include "apps/api/request.hpp"
#include "apps/api/service.hpp"
#include "apps/cli/json.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps::api {
namespace {

using base::Code;

constexpr std::uint64_t kUsedEveryMs = 60'000;  // messages/access.capnp

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

/// The place of a running command, so that it ends if its key does.
class Service::Place {
 public:
  Place(Service& service, const std::string& key, std::shared_ptr<Cancel> cancel, bool streams)
      : service_(service), key_(key), cancel_(std::move(cancel)), streams_(streams) {
    const std::lock_guard hold(service_.lock_);
    Running& running = service_.running_[key_];
    taken_ = !streams || running.streams < kStreamsPerKey || key == kTokenCaller;
    running.all.insert(cancel_);
    running.streams += streams ? 1 : 0;
  }
  ~Place() {
    const std::lock_guard hold(service_.lock_);
    const auto running = service_.running_.find(key_);
    running->second.all.erase(cancel_);
    running->second.streams -= streams_ ? 1 : 0;
    if (running->second.all.empty()) service_.running_.erase(running);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  /// Whether the key may run another stream.
  bool taken() const { return taken_; }

 private:
  Service& service_;
  const std::string key_;
  const std::shared_ptr<Cancel> cancel_;
  const bool streams_;
  bool taken_ = false;
};

/// Sends a response with the headers of every answer.
void Service::respond(const Run& run, http::Response response) {
  add_usual(response, run.trace);
  run.exchange.respond(std::move(response));
}
void Service::fail(const Run& run, const Failure& failure) {
  respond(run, error_response(failure, run.command().effect));
}

http::Response Service::not_permitted(const Denied& denied, Effect effect) {
  auto out = error_response(denied.failure, effect);
  if (denied.forbidden) out.status = 403;
  return out;
}

Act Service::act_of(const Run& run, const Invocation& invoked, int status) const {
  const http::Head& head = run.exchange.head();
  Act out{.key = run.caller.id, .address = address_of(head), .command = run.command().name, .status = status};
  for (const Use& use : run.admitted.uses.list) {
    if (out.name.empty()) out.name = use.subject;
  }
  const Positional* subject = subject_of(run.command());
  if (out.name.empty() && subject != nullptr) out.name = invoked.text(subject->name).value_or("");
  out.purpose = head.header("purpose").value_or("");
  return out;
}

void Service::conclude(const Run& run, const Invocation& invoked, Exit exit, const std::string& output,
                       http::Response response) {
  // A call that the command does not understand changes nothing, and is answered without the node.
  const bool invalid = exit == Exit::usage && run.admitted.claimed.empty();
  if (run.command().effect == Effect::read || invalid) return respond(run, std::move(response));
  auto kept = guard_.finish(run.caller, invoked, run.admitted, exit, output);
  Act act = act_of(run, invoked, response.status);
  if (act.name.empty())
    if (const auto made = made_by(invoked, output); !made.empty()) act.name = made.front().subject;
  if (kept.ok()) kept = recorder_.record(act);
  if (kept.ok()) return respond(run, std::move(response));
  Failure failure = kept.error();
  failure.outcome = "unknown: it may have been done, but this could not be recorded";
  failure.exit = Exit::unknown;
  fail(run, failure);
}

/// Notes that a request with an Idempotency-Key begins. Fails if the same key was used for another request.
base::Result<void, Failure> Service::begin_request(const Run& run, const Invocation& invoked, const std::string& lines,
                                                   const std::string& header) {
  base::Bytes content;
  const auto add = [&content](std::string_view text) {
    base::append_number(content, std::uint64_t{text.size()});
    base::append(content, base::as_bytes(text));
  };
  const Command& command = run.command();
  add(command.name);
  const auto add_all = [&](const std::string& name) {
    add(name);
    for (const std::string& value : invoked.all(name)) add(value);
  };
  for (const Positional& one : command.positionals) add_all(one.name);
  for (const Option& one : command.options) add_all(one.name);
  add(lines);
  for (const auto& [name, bytes] : invoked.globals.server->inputs)
    add({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const auto request = crypto::sha256(base::as_bytes(run.caller.id + header));
  return change_node<access::wire::BeginRequest>(setup_.connection, access::kPath,
                                                 [&](access::wire::BeginRequest::Builder out) {
                                                   out.setId(run.caller.id);
                                                   const auto hash = crypto::sha256(content);
                                                   out.setRequest(data(request.view()));
                                                   out.setContent(data(hash.view()));
                                                 });
}

void Service::run(http::Exchange& exchange, const Decided& decided) {
  const http::Head& head = exchange.head();
  const Called& called = *decided.called;
  const std::string_view query = query_of(head);
  Run run{exchange, called, decided.trace, *decided.caller};
  const bool in_body = called.row->method == "POST";
  auto given = in_body ? read_object(exchange.body()) : read_query(query);
  if (!given.ok() && in_body && head.header("content-type").value_or("").starts_with(kForm))
    return respond(run, error_response(415, Code::malformed, "the body is not JSON"));
  if (!given.ok()) return fail(run, given.error());
  if (in_body && !query.empty())
    return fail(run, usage_failure("a POST has its fields in its body, not in the query", ""));
  const auto repeats = head.header("idempotency-key");
  if (repeats && std::ranges::any_of(run.command().options, [](const Option& one) { return one.name == "--request"; }))
    given.value().push_back({"request", {crypto::sha256(base::as_bytes(run.caller.id + std::string(*repeats))).hex()}});
  auto read = values_of(called, std::move(given).value());
  if (!read.ok()) return fail(run, read.error());
  if (const auto range = range_of(head); range && run.command().route->output == Output::bytes)
    read.value().values["--range"] = {*range};
  Invocation invoked = invocation(called, std::move(read.value().values), run.trace);
  invoked.globals.server->inputs = std::move(read.value().inputs);
  const std::string& lines = read.value().lines;

  const auto purpose = head.header("purpose");
  auto admitted =
      guard_.admit(run.caller, invoked, lines, purpose ? std::optional<std::string>(*purpose) : std::nullopt);
  if (const auto* denied = std::get_if<Denied>(&admitted)) {
    auto refused = not_permitted(*denied, run.command().effect);
    Act act = act_of(run, invoked, refused.status);
    act.rule = denied->rule;
    if (refused.status == 403 || run.command().effect == Effect::write)
      if (const auto kept = recorder_.record(act); !kept.ok()) return fail(run, kept.error());
    return respond(run, std::move(refused));
  }
  run.admitted = std::move(std::get<Admitted>(admitted));
  if (repeats && run.command().effect == Effect::write)
    if (const auto begun = begin_request(run, invoked, lines, std::string(*repeats)); !begun.ok())
      return fail(run, begun.error());

  const bool moves = run.command().route->output == Output::bytes || called.row->method == "PUT";
  const bool streams = is_stream(called, query);  // also what moves a file
  const auto& cancel = invoked.globals.server->cancel;
  const Place place(*this, run.caller.id, cancel, streams);
  if (!place.taken())
    return fail(run, {{Code::overloaded, "too many streams of this key: at most 8", std::chrono::seconds(1)},
                      "nothing was done"});
  // The key may have ended before its place was taken.
  if (run.caller.held != nullptr && std::holds_alternative<http::Response>(caller_of(head))) cancel->cancel();
  exchange.on_gone([cancel] { cancel->cancel(); });
  if (moves) move_file(run, invoked);
  else if (streams) run_stream(run, invoked, lines);
  else run_whole(run, invoked, lines);
  note_use(run.caller);
}

/// Tells the node at most once a minute that a key is in use.
void Service::note_use(const Caller& caller) {
  if (caller.held == nullptr) return;
  const auto now = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  {
    const std::lock_guard hold(caller.held->lock);
    if (now < caller.held->told_used + kUsedEveryMs) return;
    caller.held->told_used = now;
  }
  (void)change_node<access::wire::Used>(setup_.connection, access::kPath,
                                        [&](access::wire::Used::Builder out) { out.setId(caller.id); });
}

/// Runs a command that reads or writes a file.
void Service::move_file(const Run& run, const Invocation& invoked) {
  const Command& command = run.command();
  const bool part = command.route->output == Output::bytes && invoked.has("--range");
  auto headers = usual_headers("application/octet-stream", run.trace);
  if (run.called.subject) headers.emplace_back("ETag", '"' + *run.called.subject + '"');
  if (command.route->output == Output::bytes) headers.emplace_back("Accept-Ranges", "bytes");
  FileBody body(run.exchange, invoked.globals.server->cancel, std::move(headers), part);
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
  const Exit exit = exit_of(ending, command.effect);
  std::string text = out.str();
  const auto& unread = body.unread();
  http::Response response =
      unread        ? error_response(unread->code == Code::timeout ? 408 : 400, unread->code, unread->message)
      : ending.ok() ? http::Response{201, {{"Content-Type", kJson}}, exit == Exit::partly ? with_partly(text) : text}
      : part && (exit == Exit::usage || exit == Exit::refused)
          ? error_response(416, ending.error().error.code, ending.error().error.message)
          : error_response(ending.error(), command.effect);
  conclude(run, moving, exit, ending.ok() ? text : "", std::move(response));
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
  const Exit exit = exit_of(ending, command.effect);
  if (!ending.ok() && text.empty())
    return conclude(run, invoked, exit, "", error_response(ending.error(), command.effect));
  const std::string printed = text;
  if (const auto& filter = run.admitted.uses.filter; filter && exit != Exit::unknown) {
    auto kept = guard_.filtered(run.caller, *filter, text);
    if (!kept.ok()) return fail(run, kept.error());
    text = std::move(kept).value();
  }
  if (!ending.ok() && by_line) text += error_text(ending.error(), command.effect);
  if (exit == Exit::partly) text = with_partly(std::move(text));
  if (text.empty() && !by_line) text = "{}\n";
  const bool many = by_line || text.find('\n') + 1 < text.size();  // such as the values of several keys
  conclude(run, invoked, exit, printed, {200, {{"Content-Type", many ? kLines : kJson}}, std::move(text)});
}

/// Runs a command whose output is sent while it runs.
void Service::run_stream(const Run& run, const Invocation& invoked, const std::string& lines) {
  const auto stream =
      std::make_shared<OutputStream>(run.exchange, invoked.globals.server->cancel, usual_headers(kLines, run.trace));
  {
    const std::lock_guard hold(lock_);
    streams_.insert(stream);
  }
  std::optional<FilterBuffer> filtered;
  if (const auto& filter = run.admitted.uses.filter)
    filtered.emplace(*stream, [&, cancel = invoked.globals.server->cancel](const std::string& line) {
      auto kept = guard_.filtered(run.caller, *filter, line);
      if (kept.ok()) return std::move(kept).value();
      cancel->cancel();
      return std::string();
    });
  std::ostream out(filtered ? static_cast<std::streambuf*>(&*filtered) : stream.get());
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
