// What a dialler lets its TLS library parse.
#include "runtime/crypto/server_certificate.hpp"

#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/pem.h>
#include <botan/rsa.h>
#include <botan/x509cert.h>
#include <botan/x509self.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

#include "runtime/base/fields.hpp"
#include "runtime/crypto/rng.hpp"
#include "tests/runtime/crypto/memory_disk.hpp"

using namespace troupe;
using crypto::ServerCertificate;
using tests::SeededChance;

namespace {

struct Maker {
  base::Bytes certificate(const Botan::Private_Key& key, const std::string& common_name = "troupe") {
    const Botan::X509_Cert_Options options(common_name);
    const auto der = Botan::X509::create_self_signed_cert(options, key, "SHA-256", rng.botan()).BER_encode();
    return {der.begin(), der.end()};
  }
  base::Bytes of_curve(const char* curve) {
    return certificate(Botan::ECDSA_PrivateKey(rng.botan(), Botan::EC_Group(curve)));
  }

  SeededChance chance{1};
  crypto::Rng rng{chance};
};

void append_length(base::Bytes& to, std::size_t bytes) {
  for (const int shift : {16, 8, 0}) to.push_back(static_cast<std::uint8_t>(bytes >> shift));
}

/// RFC 5246 7.4.2
base::Bytes message(const std::vector<base::Bytes>& certificates) {
  base::Bytes list;
  for (const base::Bytes& one : certificates) {
    append_length(list, one.size());
    base::append(list, one);
  }
  base::Bytes out{11};
  append_length(out, list.size() + 3);
  append_length(out, list.size());
  base::append(out, list);
  return out;
}

bool passes(base::ByteView bytes, std::size_t piece = 1 << 20) {
  ServerCertificate server;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    if (!server.may_pass(bytes.subspan(at, std::min(piece, bytes.size() - at)))) return false;
  return server.passed();
}

}  // namespace

TEST_CASE("server certificate: one of P-256 passes, and none with another key") {
  Maker make;
  CHECK(crypto::has_small_key(make.of_curve("secp256r1")));
  CHECK_FALSE(crypto::has_small_key(make.of_curve("secp384r1")));
  CHECK_FALSE(crypto::has_small_key(make.of_curve("secp256k1")));
  CHECK_FALSE(crypto::has_small_key(make.certificate(Botan::RSA_PrivateKey(make.rng.botan(), 1024))));
}

TEST_CASE("server certificate: what passes has the key that Botan finds in it, whichever byte is changed") {
  Maker make;
  const base::Bytes good = make.of_curve("secp256r1");
  REQUIRE(good.size() < crypto::kCertificateBytesMax / 2);
  std::size_t passed = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    CHECK_FALSE(crypto::has_small_key(base::ByteView(good).first(i)));
    for (const unsigned by : {0x01u, 0x02u, 0x20u, 0x80u, 0xffu}) {
      base::Bytes changed = good;
      changed[i] ^= static_cast<std::uint8_t>(by);
      if (!crypto::has_small_key(changed)) continue;
      ++passed;
      try {
        const Botan::X509_Certificate read(changed);
        const auto key = read.load_subject_public_key();
        const auto* const ec = dynamic_cast<const Botan::EC_PublicKey*>(key.get());
        CHECK((ec != nullptr && ec->domain().get_p_bits() == 256));
      } catch (const Botan::Exception&) {
      }
    }
  }
  CHECK(passed > 1000);  // names, dates, points and signatures
}

TEST_CASE("server certificate: one that has PEM within it does not pass, because that would be read in its place") {
  Maker make;
  const Botan::ECDSA_PrivateKey key(make.rng.botan(), Botan::EC_Group("secp256r1"));
  base::Bytes certificate = make.certificate(key, "-----begin-----");
  CHECK(crypto::has_small_key(certificate));
  const auto name = std::ranges::search(certificate, std::string_view("begin"));
  REQUIRE(name.size() == 5);
  std::ranges::copy(std::string_view("BEGIN"), name.begin());
  CHECK_FALSE(crypto::has_small_key(certificate));
}

TEST_CASE("server certificate: it passes in pieces of any size, between other messages, alone and once") {
  Maker make;
  const base::Bytes certificate = make.of_curve("secp256r1");
  const base::Bytes one = message({certificate});
  base::Bytes between{2, 0, 0, 3, 1, 1, 1};
  base::append(between, one);
  base::append(between, base::Bytes{14, 0, 0, 0});
  for (const std::size_t piece : {1, 3, 7, 100, 5'000}) CHECK(passes(between, piece));
  CHECK_FALSE(passes(message({})));
  CHECK_FALSE(passes(message({certificate, certificate})));
  CHECK_FALSE(passes(message({make.of_curve("secp384r1")})));
  base::Bytes twice = one;
  base::append(twice, one);
  CHECK_FALSE(passes(twice));
  base::Bytes large = certificate;
  large.resize(crypto::kCertificateBytesMax + 1);
  CHECK_FALSE(passes(message({large})));
}
