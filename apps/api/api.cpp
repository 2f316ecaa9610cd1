// troupe api …
#include <algorithm>
#include <filesystem>

#include "apps/api/openapi.hpp"
#include "apps/api/service.hpp"
#include "apps/cli/begin.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/operator_key.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/host/api_settings.hpp"
#include "apps/host/settings.hpp"
#include "messages/output/api.capnp.h"
#include "runtime/config/source.hpp"
#include "runtime/os/chance.hpp"
#include "runtime/os/disk.hpp"
#include "runtime/os/waker.hpp"

namespace troupe::apps {
namespace {

using base::Code;

constexpr const char* kTokenFile = "api.token";
constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kTokenCharactersMin = 32;
constexpr std::size_t kTokenFileBytesMax = 4'096;
constexpr std::uint64_t kDescriptorsMin = 256;  // our choice: for the doors, the node, and some clients
constexpr std::chrono::hours kLook{24};

constexpr const char* kApiNotes = R"(
requests
  Authorization: Bearer TOKEN, with the token in DIR/api.token, which the first start creates
  `troupe api routes` lists the paths; GET /openapi.json describes them
output
  ready HOST:PORT, once it serves; SIGTERM and SIGINT end it
)";

Failure no_token(const std::string& path, const std::string& why, Code code) {
  return {{code, "cannot use the token file " + path + ": " + why}, "the API did not start", "", Exit::failed};
}

/// Returns the token in `directory`/`name`; creates the file if there is none.
base::Result<std::string, Failure> token_in(const std::string& directory, const std::string& name) {
  const std::string path = directory + '/' + name;
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory, ignored))
    return no_token(path, "the directory does not exist", Code::not_found);
  auto disk = os::open_disk(directory);
  if (!disk.ok()) return no_token(path, "the directory cannot be opened", Code::refused);
  const auto file = disk.value()->open(name, ports::OpenMode::read);
  if (!file.ok() && file.error() != ports::DiskError::not_found)
    return no_token(path, "it cannot be read", Code::refused);
  if (file.ok()) {
    base::Bytes bytes(kTokenFileBytesMax);
    const auto read = file.value()->read(0, bytes);
    if (!read.ok()) return no_token(path, "it cannot be read", Code::refused);
    std::string token(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(read.value()));
    token.erase(token.find_last_not_of(" \r\n") + 1);
    if (token.size() < kTokenCharactersMin || token.find_first_of(" \t\r\n") != std::string::npos)
      return no_token(path, "it is not one word of at least 32 characters", Code::malformed);
    return token;
  }
  os::Chance chance;
  std::array<std::uint8_t, kTokenBytes> drawn{};
  chance.fill(drawn);
  const std::string token = base::hex(drawn);
  if (!ports::write_durably(*disk.value(), name, base::as_bytes(token + '\n')).ok())
    return no_token(path, "it cannot be written", Code::no_space);
  return token;
}

/// Makes the connection to the node that the command line names. Whether the node runs shows at each request.
base::Result<std::shared_ptr<Connection>, Failure> connection_of(const Invocation& invocation, const Console& console) {
  auto out = std::make_shared<Connection>();
  if (const auto& node = invocation.globals.node) {
    auto key = load_operator_key(console);
    if (!key.ok()) return key.error();
    out->open_remote(*node, std::make_shared<const crypto::Identity>(std::move(key).value()), messages::Role::operate);
    return out;
  }
  const auto directory = data_directory(invocation.globals, console);
  if (!directory.ok()) return directory.error();
  out->open_local(directory.value());
  return out;
}

base::Result<std::string, Failure> token_of(const Invocation& invocation, const Console& console) {
  if (const auto file = invocation.text("--token-file")) {
    const std::filesystem::path path(*file);
    return token_in(path.has_parent_path() ? path.parent_path().string() : ".", path.filename().string());
  }
  if (invocation.globals.node)
    return usage_failure("with --node the token needs a file of its own", "--token-file FILE");
  const auto directory = data_directory(invocation.globals, console);
  if (!directory.ok()) return directory.error();
  return token_in(directory.value(), kTokenFile);
}

Ending serve(const Invocation& invocation, Console& console) {
  if (auto wrong = too_few_descriptors("the API", kDescriptorsMin)) return *wrong;
  os::Waker waker{SIGTERM, SIGINT, SIGHUP};  // before all threads
  std::vector<config::FlagValue> flags;
  if (const auto listen = invocation.text("--listen")) flags.push_back({"--listen", "api.listen", *listen});
  const auto settings = load_settings(invocation, console, std::move(flags));
  if (!settings.ok()) return settings.error();
  const auto at = base::HostPort::parse(settings.value().get(api::kListen));
  if (!at) return usage_failure("the API needs an address to listen at", "--listen 127.0.0.1:8080");
  const auto numeric =
      base::Endpoint::parse((at->host.find(':') == std::string::npos ? at->host : '[' + at->host + ']') + ":1");
  if (at->host != "localhost" && (!numeric || !numeric->is_loopback()))
    return usage_failure("the API without TLS listens at a loopback address, not at " + at->text(),
                         "--listen 127.0.0.1:" + std::to_string(at->port));
  auto token = token_of(invocation, console);
  if (!token.ok()) return token.error();
  auto connection = connection_of(invocation, console);
  if (!connection.ok()) return connection.error();

  api::ServiceSetup setup{.table = &invocation.table(),
                          .connection = connection.value(),
                          .token = std::move(token).value(),
                          .hosts = settings.value().get(api::kHosts),
                          .origins = settings.value().get(api::kOrigins)};
  api::Service service(std::move(setup));
  http::Limits limits;
  limits.connections_max = settings.value().get(api::kConnectionsMax);
  limits.connections_per_address = settings.value().get(api::kConnectionsPerAddress);
  limits.streams_max = settings.value().get(api::kStreamsMax);
  limits.header_bytes_max = settings.value().get(api::kHeaderBytesMax).value;
  limits.body_bytes_max = settings.value().get(api::kBodyBytesMax).value;
  limits.head_timeout = settings.value().get(api::kHeadTimeout);
  limits.idle_timeout = settings.value().get(api::kIdleTimeout);
  auto server = http::Server::serve({{*at}}, limits, service);
  if (!server.ok()) return Failure{server.error(), "the API did not start", "", Exit::failed};
  console.out << "ready";
  for (const base::Endpoint& local : server.value()->local()) console.out << ' ' << local.text();
  console.out << '\n' << std::flush;
  while (!waker.wait(kLook)) {
  }
  return Exit::done;
}

const char* name_of(Role role) {
  switch (role) {
    case Role::viewer: return "viewer";
    case Role::user: return "user";
    case Role::operator_: return "operator";
    case Role::admin: return "admin";
  }
  return "";
}

Ending list_routes(const Invocation& invocation, Console& console) {
  const api::Routes routes(invocation.table());
  std::vector<const api::RouteRow*> rows;
  for (const api::RouteRow& row : routes.rows()) rows.push_back(&row);
  std::ranges::sort(rows, {}, [](const api::RouteRow* row) { return std::pair(api::path_of(*row), row->method); });
  if (invocation.globals.json) {
    JsonLine<output::wire::ApiRoutes> line;
    auto out = line->initRows(static_cast<unsigned>(rows.size()));
    for (unsigned i = 0; i < out.size(); ++i) {
      out[i].setMethod(rows[i]->method);
      out[i].setPath(api::path_of(*rows[i]));
      out[i].setCommand(rows[i]->command->name);
      out[i].setRole(name_of(rows[i]->command->route->role));
    }
    write_json_line(console.out, capnp::toDynamic(out.asReader()));
    return Exit::done;
  }
  TextTable table({{"METHOD"}, {"PATH"}, {"ROLE"}, {"COMMAND"}});
  for (const api::RouteRow* row : rows)
    table.add({row->method, api::path_of(*row), name_of(row->command->route->role), row->command->name});
  table.print(console.out);
  return Exit::done;
}

Ending openapi(const Invocation& invocation, Console& console) {
  console.out << api::openapi_text(api::Routes(invocation.table()));
  return Exit::done;
}

}  // namespace

Commands api_commands() {
  auto options = setting_options();
  options.insert(options.begin(),
                 {{.name = "--listen", .value = "HOST:PORT", .help = "address to serve on (default 127.0.0.1:8080)"},
                  {.name = "--token-file",
                   .value = "F",
                   .help = "file with the token of requests, created if it is missing (default DIR/api.token)"}});
  return {
      {.name = "api",
       .summary = "Serve the commands over HTTP until SIGTERM",
       .options = std::move(options),
       .notes = kApiNotes,
       .run = serve},
      {.name = "api routes", .summary = "List the paths of the HTTP API", .run = list_routes},
      {.name = "api openapi", .summary = "Print the OpenAPI document of the HTTP API", .run = openapi},
  };
}

}  // namespace troupe::apps
