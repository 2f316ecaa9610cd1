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
#include "runtime/base/text.hpp"
#include "runtime/config/source.hpp"
#include "runtime/http/certificate_files.hpp"
#include "runtime/os/chance.hpp"
#include "runtime/os/clock.hpp"
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
constexpr std::size_t kExternalDoor = 1;        // after the internal door
constexpr const char* kCertificateFile = "api.cert.pem";
constexpr const char* kKeyFile = "api.key.pem";
constexpr std::chrono::hours kLook{24};
constexpr std::chrono::seconds kCertificateLook{1};  // our choice: how soon a new certificate is used

constexpr const char* kApiNotes = R"(
requests
  Authorization: Bearer TOKEN, with the token in DIR/api.token, which the first start creates
  `troupe api routes` lists the paths; GET /openapi.json describes them
certificate
  --external serves TLS 1.2 and 1.3; without --cert the first start makes DIR/api.cert.pem
  clients trust a copy of it (curl --cacert); changed files apply to new connections in seconds
output
  ready HOST:PORT [HOST:PORT], once it serves: the address of --listen, then of --external
  SIGTERM and SIGINT end it
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

Failure no_certificate(Code code, const std::string& why) {
  return {{code, why}, "the API did not start", "", Exit::failed};
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

/// Returns why the options or settings of the doors do not fit together.
std::optional<Failure> wrong_doors(const Invocation& invocation, const config::Settings& settings) {
  const auto at = base::HostPort::parse(settings.get(api::kListen));
  if (!at) return usage_failure("the API needs an address to listen at", "--listen 127.0.0.1:8080");
  const auto numeric = api::numeric_address(at->host);
  if (at->host != "localhost" && (!numeric || !numeric->is_loopback()))
    return usage_failure("the API without TLS listens at a loopback address, not at " + at->text(),
                         "--external " + at->text());
  const bool has_external = !settings.get(api::kExternal).empty();
  const bool has_certificate = !settings.get(api::kCert).empty(), has_key = !settings.get(api::kCertKey).empty();
  if (has_certificate != has_key)
    return usage_failure(has_key ? "the key of a certificate needs the certificate" : "the certificate needs its key",
                         "--cert F --key F");
  if (has_certificate && !has_external)
    return usage_failure("the certificate is of use only for the external address", "--external HOST:PORT");
  if (has_external && !has_certificate && invocation.globals.node)
    return usage_failure("with --node the external address needs a certificate: there is no directory for a new one",
                         "--cert F --key F");
  return std::nullopt;
}

/// Returns the names for a new certificate: the host at which the API listens, the hosts of requests, and this machine.
std::vector<std::string> names_of(const std::string& host, const std::vector<std::string>& hosts) {
  std::vector<std::string> out;
  const auto add = [&out](const std::string& name) {
    if (std::ranges::find(out, name) == out.end()) out.push_back(name);
  };
  const auto numeric = api::numeric_address(host);
  if (!numeric || numeric->dialable()) add(host);  // not 0.0.0.0
  for (const std::string& one : hosts) add(one);
  for (const char* local : {"localhost", "127.0.0.1", "::1"}) add(local);
  return out;
}

/// Returns the files of the external door. Without files in the settings they are in the data directory, made if they
/// are missing.
base::Result<http::CertificateFiles, Failure> certificate_files(const Invocation& invocation,
                                                                const config::Settings& settings,
                                                                const base::HostPort& at, Console& console) {
  if (!settings.get(api::kCert).empty())
    return http::CertificateFiles(settings.get(api::kCert), settings.get(api::kCertKey));
  const auto directory = data_directory(invocation.globals, console);
  if (!directory.ok()) return directory.error();
  const auto disk = os::open_disk(directory.value());
  if (!disk.ok()) return no_certificate(Code::refused, "cannot open " + directory.value());
  const auto kept = http::keep_self_signed(*disk.value(), kCertificateFile, kKeyFile,
                                           names_of(at.host, settings.get(api::kHosts)), os::Clock().wall());
  if (!kept.ok()) return no_certificate(kept.error().code, "in " + directory.value() + ": " + kept.error().message);
  return http::CertificateFiles(directory.value() + '/' + kCertificateFile, directory.value() + '/' + kKeyFile);
}

/// Prints a warning if the settings have a name that the kept certificate does not have, because it is older.
void warn_of_names(const http::CertificateFiles& files, const std::string& chain, const std::vector<std::string>& names,
                   Console& console) {
  for (const std::string& name : names)
    if (!http::is_for(chain, name))
      console.err << "warning: " << base::printable(files.certificate()) << " is not valid for "
                  << base::printable(name) << "; remove this file to get a new certificate with the same key"
                  << std::endl;
}

/// Uses changed files for new connections. Invalid files change nothing.
void renew(http::Server& server, http::CertificateFiles& files, Console& console) {
  if (!files.look()) return;
  const auto read = files.read();
  const auto renewed = read.ok() ? server.renew(kExternalDoor, read.value()) : base::Outcome<void>(read.error());
  if (renewed.ok()) console.err << "note: new connections get the certificate " << base::printable(files.certificate());
  else console.err << "warning: the old certificate stays in use: " << base::printable(renewed.error().message);
  console.err << std::endl;
}

http::Limits limits_of(const config::Settings& settings) {
  http::Limits out;
  out.connections_max = settings.get(api::kConnectionsMax);
  out.connections_per_address = settings.get(api::kConnectionsPerAddress);
  for (const std::string& proxy : settings.get(api::kProxies)) out.proxies.push_back(*api::numeric_address(proxy));
  out.streams_max = settings.get(api::kStreamsMax);
  out.header_bytes_max = settings.get(api::kHeaderBytesMax).value;
  out.body_bytes_max = settings.get(api::kBodyBytesMax).value;
  out.head_timeout = settings.get(api::kHeadTimeout);
  out.idle_timeout = settings.get(api::kIdleTimeout);
  return out;
}

Ending serve(const Invocation& invocation, Console& console) {
  if (auto wrong = too_few_descriptors("the API", kDescriptorsMin)) return *wrong;
  os::Waker waker{SIGTERM, SIGINT, SIGHUP};  // before all threads
  std::vector<config::FlagValue> flags;
  const auto flag = [&](const char* option, std::string_view key) {
    if (const auto value = invocation.text(option)) flags.push_back({option, std::string(key), *value});
  };
  flag("--listen", api::kListen.key);
  flag("--external", api::kExternal.key);
  flag("--cert", api::kCert.key);
  flag("--key", api::kCertKey.key);
  const auto loaded = load_settings(invocation, console, std::move(flags));
  if (!loaded.ok()) return loaded.error();
  const config::Settings& settings = loaded.value();
  if (auto wrong = wrong_doors(invocation, settings)) return *wrong;
  auto token = token_of(invocation, console);
  if (!token.ok()) return token.error();
  auto connection = connection_of(invocation, console);
  if (!connection.ok()) return connection.error();

  api::ServiceSetup setup{.table = &invocation.table(),
                          .connection = connection.value(),
                          .token = std::move(token).value(),
                          .requests_per_s = static_cast<std::uint32_t>(settings.get(api::kRequestsPerSecond)),
                          .rules = {},
                          .hosts = settings.get(api::kHosts),
                          .origins = settings.get(api::kOrigins)};
  if (const std::string& file = settings.get(api::kRules); !file.empty()) {
    const auto report = [&console](const base::Error& why) {
      console.err << "warning: the old rules stay in use: " + base::printable(why.message) + '\n' << std::flush;
    };
    auto rules = api::RulesFile::open(file, api::ruled_commands(api::Routes(invocation.table())), report,
                                      base::Instant(std::chrono::steady_clock::now().time_since_epoch()));
    if (!rules.ok()) return Failure{rules.error(), "the API did not start", "", Exit::failed};
    setup.rules = std::move(rules).value();
  }
  std::vector<http::Door> doors{{*base::HostPort::parse(settings.get(api::kListen))}};
  std::optional<http::CertificateFiles> certificate;
  if (const auto external = base::HostPort::parse(settings.get(api::kExternal))) {
    auto files = certificate_files(invocation, settings, *external, console);
    if (!files.ok()) return files.error();
    certificate.emplace(std::move(files).value());
    auto read = certificate->read();
    if (!read.ok()) return no_certificate(read.error().code, read.error().message);
    if (settings.get(api::kCert).empty())
      warn_of_names(*certificate, read.value().chain, names_of(external->host, setup.hosts), console);
    if (!api::numeric_address(external->host)) setup.hosts.push_back(external->host);
    doors.push_back({*external, std::move(read).value()});
  }
  api::Service service(std::move(setup));
  const auto server = http::Server::serve(std::move(doors), limits_of(settings), service);
  if (!server.ok()) return Failure{server.error(), "the API did not start", "", Exit::failed};
  console.out << "ready";
  for (const base::Endpoint& local : server.value()->local()) console.out << ' ' << local.text();
  console.out << '\n' << std::flush;
  while (!waker.wait(certificate ? base::Duration(kCertificateLook) : base::Duration(kLook)))
    if (certificate) renew(*server.value(), *certificate, console);
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
                  {.name = "--external",
                   .value = "HOST:PORT",
                   .help = "address to serve on with TLS, for other machines (default none)"},
                  {.name = "--cert",
                   .value = "F",
                   .help = "PEM file with the certificate of --external (default DIR/api.cert.pem)"},
                  {.name = "--key", .value = "F", .help = "PEM file with the private key of --cert"},
                  {.name = "--token-file",
                   .value = "F",
                   .help = "file with the token of requests, created if it is missing (default DIR/api.token)"}});
  return {
      {.name = "api",
       .summary = "Serve the commands over HTTP and HTTPS until SIGTERM",
       .options = std::move(options),
       .notes = kApiNotes,
       .run = serve},
      {.name = "api routes", .summary = "List the paths of the HTTP API", .run = list_routes},
      {.name = "api openapi", .summary = "Print the OpenAPI document of the HTTP API", .run = openapi},
  };
}

}  // namespace troupe::apps
