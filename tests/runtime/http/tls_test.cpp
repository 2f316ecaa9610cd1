// TLS of the HTTP server: versions, certificates, and their renewal.
#include <openssl/pem.h>

#include "tests/runtime/http/place.hpp"

using namespace troupe;
using namespace troupe::http;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

/// Returns the key (PEM), encrypted.
std::string with_password(const std::string& key) {
  BIO* const in = ::BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  BIO* const out = ::BIO_new(::BIO_s_mem());
  EVP_PKEY* const plain = ::PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  REQUIRE(::PEM_write_bio_PKCS8PrivateKey(out, plain, ::EVP_aes_256_cbc(), "secret", 6, nullptr, nullptr) == 1);
  char* bytes = nullptr;
  const long size = ::BIO_get_mem_data(out, &bytes);
  std::string encrypted(bytes, static_cast<std::size_t>(size));
  ::EVP_PKEY_free(plain);
  ::BIO_free_all(in);
  ::BIO_free_all(out);
  return encrypted;
}

}  // namespace

TEST_CASE("http server: TLS 1.2 and 1.3 are answered, older versions are not") {
  Place place;
  place.doors = {tls_door()};
  const base::Endpoint at = place.start();
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    TlsClient client(at, version);
    REQUIRE(client.is_connected());
    CHECK(client.version() == (version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2"));
    CHECK(client.ask(get("/one")).body == "GET /one ");
    CHECK(client.ask(post("body")).body == "POST /p body");
    CHECK(client.ask(get("/", "Connection: close\r\n")).status == 200);
    CHECK(client.ended());
  }
  const TlsClient old(at, TLS1_1_VERSION);
  CHECK_FALSE(old.is_connected());
  CHECK(old.failure() == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
}

TEST_CASE("http server: TLS 1.2 needs forward secrecy and authenticated encryption") {
  Place place;
  place.doors = {tls_door()};
  const base::Endpoint at = place.start();
  CHECK(TlsClient(at, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256").is_connected());
  CHECK(TlsClient(at, TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305").is_connected());
  const TlsClient weak(at, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA");
  CHECK_FALSE(weak.is_connected());
  CHECK(weak.failure() == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
}

TEST_CASE("http server: a renewed certificate is for later connections") {
  Place place;
  place.doors = {{kAnyPort}, tls_door()};
  place.start();
  const base::Endpoint at = place.server->local()[1];
  TlsClient before(at);
  const Certificate next = certificate_for("localhost");
  REQUIRE(place.server->renew(1, next).ok());
  TlsClient after(at);
  CHECK(before.certificate() == place.doors[1].certificate->chain);
  CHECK(after.certificate() == next.chain);
  CHECK(before.ask(get("/old")).body == "GET /old ");
  CHECK(after.ask(get("/new")).body == "GET /new ");
  for (int i = 0; i < 3; ++i) {
    const Certificate again = certificate_for("localhost");
    REQUIRE(place.server->renew(1, again).ok());
    CHECK(TlsClient(at).certificate() == again.chain);
  }
}

TEST_CASE("http server: an invalid new certificate is an error, and the old one stays") {
  Place place;
  place.doors = {tls_door()};
  const base::Endpoint at = place.start();
  const Certificate other = certificate_for("localhost"), third = certificate_for("localhost");
  const auto message = [&](const Certificate& invalid) {
    const auto renewed = place.server->renew(0, invalid);
    REQUIRE_FALSE(renewed.ok());
    CHECK(renewed.error().code == base::Code::malformed);
    return renewed.error().message;
  };
  CHECK(message({}).starts_with("the certificate is invalid: "));
  CHECK(message({other.chain, ""}).starts_with("the key is invalid: "));
  CHECK(message({other.chain.substr(0, 200), other.key}).starts_with("the certificate is invalid: "));
  CHECK(message({other.chain, third.key}) == "the key belongs to another certificate");
  CHECK(TlsClient(at).certificate() == place.doors[0].certificate->chain);
  REQUIRE(place.server->renew(0, other).ok());
  CHECK(TlsClient(at).certificate() == other.chain);
}

TEST_CASE("http server: a handshake that never ends is cut after the time for a head") {
  Place place;
  place.limits.head_timeout = 200ms;
  place.doors = {tls_door()};
  const os::Descriptor slow = connected(place.start());
  const std::string hello = "\x16\x03\x01\x02" + std::string(512, 'x');  // the head of a record of 632 bytes
  std::size_t sent = 0;
  while (sent < hello.size()) {
    const std::array<int, 1> watched{slow.get()};
    if (os::Waker::readable(watched, 20ms)[0]) break;  // its end
    sent += put_all(slow, hello.substr(sent, 1));
  }
  CHECK(sent < hello.size());
  CHECK(rest(slow).empty());
}

TEST_CASE("http server: a door with TLS ends a client without it, and a silent client") {
  Place place;
  place.limits.head_timeout = 200ms;
  place.doors = {tls_door()};
  const base::Endpoint at = place.start();
  CHECK(answer_to(at, get("/")).find("HTTP/1.1") == std::string::npos);
  CHECK(rest(connected(at)).empty());
}

TEST_CASE("http server: over TLS a refusal reaches a client that still sends") {
  Place place;
  place.limits.body_bytes_max = 1'000;
  place.doors = {tls_door()};
  TlsClient client(place.start());
  client.try_put(post(std::string(1 << 20, 'x')));
  CHECK(client.next().status == 413);
  CHECK(client.ended());
}

TEST_CASE("http server: over TLS a slow client gets 408, and streams work") {
  Place place;
  place.limits.head_timeout = place.limits.body_timeout = 1s;
  place.handler.plans = [](const Head& head) { return Handler::Plan{.streams = head.target == "/stream"}; };
  place.handler.handles = [](Exchange& exchange) {
    const auto body = read_all(exchange);
    exchange.begin(200, {}, std::nullopt);
    if (body.ok() && exchange.write(body.value()).ok()) exchange.end();
  };
  place.doors = {tls_door()};
  const base::Endpoint at = place.start();
  const std::string body(500'000, 'x');
  TlsClient streaming(at);
  streaming.put("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + body);
  CHECK(streaming.next().body == body);
  TlsClient half_head(at);
  CHECK(half_head.ask("GET / HT").status == 408);
  CHECK(half_head.ended());
  TlsClient half(at);
  CHECK(half.ask(half_body()).status == 408);
  CHECK(half.ended());
}

TEST_CASE("http server: an invalid certificate or key is malformed") {
  Place place;
  Door door = tls_door();
  SUBCASE("no certificate") { door.certificate->chain = "none"; }
  SUBCASE("no key") { door.certificate->key.clear(); }
  SUBCASE("the key of another certificate") { door.certificate->key = new_key(); }
  SUBCASE("a key with a password") { door.certificate->key = with_password(door.certificate->key); }
  const auto served = Server::serve({door}, {}, place.handler);
  REQUIRE_FALSE(served.ok());
  CHECK(served.error().code == base::Code::malformed);
}
