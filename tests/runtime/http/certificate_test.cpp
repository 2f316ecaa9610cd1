// Certificates that sign themselves, as a client checks them.
#include "runtime/http/certificate.hpp"

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

using namespace troupe;
using namespace troupe::http;
using namespace std::chrono_literals;

namespace {

constexpr base::WallTime kNow{24h * 365 * 56};  // in 2025

struct FreeX509 {
  void operator()(X509* one) const { ::X509_free(one); }
};
using Parsed = std::unique_ptr<X509, FreeX509>;

Parsed parsed(const std::string& pem) {
  BIO* const in = ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  Parsed out(::PEM_read_bio_X509(in, nullptr, nullptr, nullptr));
  ::BIO_free_all(in);
  REQUIRE(out);
  return out;
}

/// Whether a client that has a copy of the certificate trusts the server with it at this time.
bool is_trusted(const std::string& pem, base::WallTime now) {
  const Parsed certificate = parsed(pem);
  X509_STORE* const store = ::X509_STORE_new();
  X509_STORE_CTX* const check = ::X509_STORE_CTX_new();
  ::X509_STORE_add_cert(store, certificate.get());
  ::X509_STORE_CTX_init(check, store, certificate.get(), nullptr);
  ::X509_STORE_CTX_set_default(check, "ssl_server");
  ::X509_STORE_CTX_set_flags(check, X509_V_FLAG_X509_STRICT);
  ::X509_STORE_CTX_set_time(check, 0, base::unix_seconds(now));
  const bool out = ::X509_verify_cert(check) == 1;
  INFO(::X509_verify_cert_error_string(::X509_STORE_CTX_get_error(check)));
  ::X509_STORE_CTX_free(check);
  ::X509_STORE_free(store);
  return out;
}

}  // namespace

TEST_CASE("certificate: a self-signed certificate is valid for its names only") {
  const std::string made =
      self_signed(new_key(), {"api.example", "192.0.2.7", "2001:db8::7", "localhost"}, kNow).value();
  for (const char* name : {"api.example", "API.example", "192.0.2.7", "2001:db8::7", "localhost"})
    CHECK_MESSAGE(is_for(made, name), name);
  for (const char* name : {"example", "b.api.example", "192.0.2.8", "2001:db8::8", ""})
    CHECK_FALSE_MESSAGE(is_for(made, name), name);
  CHECK_FALSE(is_for("no certificate", "localhost"));
}

TEST_CASE("certificate: a client that has a copy trusts it for ten years, and for a server only") {
  const std::string made = self_signed(new_key(), {"localhost"}, kNow).value();
  CHECK(is_trusted(made, kNow - 23h));
  CHECK(is_trusted(made, kNow));
  CHECK(is_trusted(made, kNow + 24h * 3'649));
  CHECK_FALSE(is_trusted(made, kNow - 25h));
  CHECK_FALSE(is_trusted(made, kNow + 24h * 3'651));
  const Parsed certificate = parsed(made);
  CHECK(::X509_get_version(certificate.get()) == X509_VERSION_3);
  CHECK((::X509_get_extension_flags(certificate.get()) & EXFLAG_CA) == 0);
  CHECK(::X509_get_key_usage(certificate.get()) == KU_DIGITAL_SIGNATURE);
  CHECK(::X509_get_extended_key_usage(certificate.get()) == XKU_SSL_SERVER);
  CHECK(::EVP_PKEY_get_bits(::X509_get0_pubkey(certificate.get())) == 256);
  CHECK(::X509_check_ca(certificate.get()) == 0);
}

TEST_CASE("certificate: two certificates of a key have the key and different serial numbers") {
  const std::string key = new_key();
  CHECK(key != new_key());
  const Parsed one = parsed(self_signed(key, {"a"}, kNow).value()), two = parsed(self_signed(key, {"a"}, kNow).value());
  CHECK(::EVP_PKEY_eq(::X509_get0_pubkey(one.get()), ::X509_get0_pubkey(two.get())) == 1);
  CHECK(::ASN1_INTEGER_cmp(::X509_get0_serialNumber(one.get()), ::X509_get0_serialNumber(two.get())) != 0);
}

TEST_CASE("certificate: a name that no host has is malformed, and so is an invalid key") {
  const std::string key = new_key();
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a\0b", 3), std::string("b\xc3\xbc"), std::string(254, 'a')}) {
    const auto made = self_signed(key, {"localhost", name}, kNow);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().code == base::Code::malformed);
  }
  const std::string longest(253, 'a');
  CHECK(self_signed(key, {longest}, kNow).ok());
  for (const std::string& invalid : {std::string(), key.substr(0, 100)}) {
    const auto made = self_signed(invalid, {"localhost"}, kNow);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().code == base::Code::malformed);
  }
}
