// The external door of `troupe api`: its certificate, TLS, and what it refuses. No node is needed.
#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

const std::string kKept[] = {"api.cert.pem", "api.key.pem"};  // in the data directory

/// `troupe api` with both doors, and curl.
class TlsApi {
 public:
  /// `data`: the name of the data directory in `folder`.
  TlsApi(const Folder& folder, const std::string& data, const std::vector<std::string>& more = {}) : folder_(folder) {
    std::filesystem::create_directories(folder / data);
    std::vector<std::string> words{"api",         "--data",     folder / data, "--listen",
                                   "127.0.0.1:0", "--external", "127.0.0.1:0"};
    words.insert(words.end(), more.begin(), more.end());
    api = std::make_unique<Program>(words, folder / "api");
    REQUIRE(until([this] { return api->out().ends_with('\n') || api->ended(); }));
    const std::string ready = api->out();
    const std::size_t second = ready.find(' ', 6);
    REQUIRE_MESSAGE((ready.starts_with("ready 127.0.0.1:") && second != std::string::npos), ready, api->err());
    internal = ready.substr(6, second - 6);
    external = ready.substr(second + 1, ready.size() - second - 2);
  }

  /// Runs curl with these words, and returns the status of the response; "000" if there is none.
  std::string curl(const std::string& words) const {
    const std::string command = "curl -sS -m 60 -o /dev/null -w '%{http_code}' " + words + " >" + (folder_ / "status") +
                                " 2>" + (folder_ / "curl.err");
    [[maybe_unused]] const int exit = std::system(command.c_str());
    return content(folder_ / "status");
  }
  /// Asks for /healthz over TLS, with trust in this certificate only.
  std::string health(const std::string& trusted, const std::string& more = "") const {
    return curl("--cacert " + trusted + ' ' + more + " https://" + external + "/healthz");
  }
  std::string port() const { return external.substr(external.rfind(':') + 1); }

  std::unique_ptr<Program> api;
  std::string internal, external;  // HOST:PORT

 private:
  const Folder& folder_;
};

/// Replaces a file by its name, as programs that renew certificates do.
void replace(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new", std::ios::binary) << text;
  std::filesystem::permissions(path + ".new", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::rename(path + ".new", path);
}

}  // namespace

TEST_CASE("cluster api tls: clients trust a copy of the certificate, also after a restart") {
  const Folder folder;
  const std::string certificate = folder / "a/api.cert.pem";
  const std::vector<std::string> hosts{"--set", "api.hosts=[\"api.example\"]"};
  std::string first;
  for (int start = 0; start < 2; ++start) {
    const TlsApi api(folder, "a", hosts);
    CHECK(api.health(certificate) == "200");
    const auto named = [&](const std::string& name) {
      return api.curl("--cacert " + certificate + " --resolve " + name + ':' + api.port() + ":127.0.0.1 https://" +
                      name + ':' + api.port() + "/openapi.json");
    };
    CHECK(named("localhost") == "200");
    CHECK(named("api.example") == "200");
    CHECK(named("evil.example") == "000");  // not a name in the certificate
    CHECK(api.curl("https://" + api.external + "/healthz") == "000");
    CHECK(api.curl("--cacert " + certificate + " https://" + api.external + "/v1/status") == "401");
    CHECK(api.curl("http://" + api.internal + "/healthz") == "200");
    if (start == 0) first = content(certificate);
    CHECK(content(certificate) == first);
    api.api->kill(SIGTERM);
    CHECK(api.api->wait() == 0);
    CHECK(api.api->err().empty());
  }
  for (const std::string& name : kKept)
    CHECK((std::filesystem::status(folder / ("a/" + name)).permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("cluster api tls: TLS 1.2 and 1.3 are answered, TLS 1.1 and plain HTTP are not") {
  const Folder folder;
  const TlsApi api(folder, "a");
  const std::string certificate = folder / "a/api.cert.pem";
  CHECK(api.health(certificate, "--tlsv1.3") == "200");
  CHECK(api.health(certificate, "--tls-max 1.2") == "200");
  CHECK(api.health(certificate, "--tlsv1.0 --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0") == "000");
  CHECK(contains(content(folder / "curl.err"), "protocol version"));  // the server's alert
  CHECK(api.curl("http://" + api.external + "/healthz") == "000");
  CHECK(api.curl("--cacert " + certificate + " https://" + api.internal + "/healthz") == "000");
}

TEST_CASE("cluster api tls: a replaced certificate is served, an invalid one is not") {
  const Folder folder;
  for (const char* data : {"a", "b"}) TlsApi(folder, data);  // two pairs
  const std::string certificate = folder / "cert.pem", key = folder / "key.pem";
  replace(certificate, content(folder / "a/api.cert.pem"));
  replace(key, content(folder / "a/api.key.pem"));
  const TlsApi api(folder, "c", {"--cert", certificate, "--key", key});
  CHECK_FALSE(std::filesystem::exists(folder / "c/api.cert.pem"));
  CHECK(api.health(folder / "a/api.cert.pem") == "200");
  CHECK(api.health(folder / "b/api.cert.pem") == "000");
  replace(key, content(folder / "b/api.key.pem"));
  replace(certificate, content(folder / "b/api.cert.pem"));
  CHECK(until([&] { return api.health(folder / "b/api.cert.pem") == "200"; }));
  CHECK(api.health(folder / "a/api.cert.pem") == "000");
  CHECK(contains(api.api->err(), "note: new connections get the certificate " + certificate));

  replace(certificate, "none");
  CHECK(until([&] { return contains(api.api->err(), "warning: the old certificate stays in use: "); }));
  CHECK(contains(api.api->err(), key));
  CHECK(api.health(folder / "b/api.cert.pem") == "200");
  replace(certificate, content(folder / "b/api.cert.pem"));
  CHECK(until([&] { return lines(api.api->err()) == 3; }));
  CHECK(api.health(folder / "b/api.cert.pem") == "200");
}

TEST_CASE("cluster api tls: options and files that do not fit together are errors") {
  const Folder folder;
  { const TlsApi makes_a_pair(folder, "a"); }
  const std::string certificate = folder / "a/api.cert.pem", key = folder / "a/api.key.pem";
  std::filesystem::create_directories(folder / "b");
  const auto seen = [&](const std::string& data, const std::vector<std::string>& more) {
    std::vector<std::string> words{"api", "--data", folder / data, "--listen", "127.0.0.1:0"};
    words.insert(words.end(), more.begin(), more.end());
    return troupe::test::troupe(folder, words);
  };
  const std::vector<std::string> door{"--external", "127.0.0.1:0"};
  CHECK(seen("b", {"--external", "127.0.0.1:0", "--cert", certificate}).exit == 2);
  CHECK(seen("b", {"--external", "127.0.0.1:0", "--key", key}).exit == 2);
  CHECK(seen("b", {"--cert", certificate, "--key", key}).exit == 2);
  CHECK(seen("b", {"--set", "api.proxies=[\"proxy.example\"]"}).exit == 2);
  CHECK(troupe::test::troupe(folder, {"api", "--node", std::string(40, '0') + "@127.0.0.1:1", "--token-file",
                                      folder / "token", "--listen", "127.0.0.1:0", "--external", "127.0.0.1:0"})
            .exit == 2);
  const Seen missing = seen("b", {"--external", "127.0.0.1:0", "--cert", folder / "none.pem", "--key", key});
  CHECK(missing.exit == 1);
  CHECK(contains(missing.err, folder / "none.pem"));
  std::filesystem::permissions(key, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  const Seen open = seen("b", {"--external", "127.0.0.1:0", "--cert", certificate, "--key", key});
  CHECK(open.exit == 1);
  CHECK(contains(open.err, key + " is open to other users"));

  replace(key, "none");
  const Seen broken = seen("a", door);
  CHECK(broken.exit == 1);
  CHECK(contains(broken.err, key));
  CHECK(content(key) == "none");
  std::filesystem::remove(key);
  const Seen half = seen("a", door);
  CHECK(half.exit == 1);
  CHECK(contains(half.err, "api.key.pem is missing"));
  CHECK_FALSE(std::filesystem::exists(key));
}
