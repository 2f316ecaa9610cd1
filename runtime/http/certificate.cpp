#include "runtime/http/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>

#include "runtime/base/ensure.hpp"

namespace troupe::http {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::hours kBefore{24};         // our choice: for clients whose clock is late
constexpr std::chrono::hours kAfter{24 * 3'650};  // our choice: clients keep copies, and no authority renews it
constexpr std::size_t kNameBytesMax = 253;        // RFC 1035 2.3.4, without the length bytes
constexpr std::size_t kCommonNameBytesMax = 64;   // RFC 5280 appendix A.1, ub-common-name
constexpr std::size_t kSerialBytes = 16;          // RFC 5280 4.1.2.2: at most 20

template <auto free>
struct Free {
  template <class T>
  void operator()(T* one) const {
    free(one);
  }
};
using Bio = std::unique_ptr<BIO, Free<::BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Free<::EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Free<::X509_free>>;
using Address = std::unique_ptr<ASN1_OCTET_STRING, Free<::ASN1_OCTET_STRING_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<::GENERAL_NAMES_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<::X509_EXTENSION_free>>;

/// OpenSSL fails here only if memory is used up.
void done(bool ok) { base::ensure(ok, "OpenSSL can make a certificate"); }

Bio reader(const std::string& text) { return Bio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

template <class Write>
std::string pem(Write write) {
  const Bio out(::BIO_new(::BIO_s_mem()));
  done(out && write(out.get()) == 1);
  char* bytes = nullptr;
  const long size = ::BIO_get_mem_data(out.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

/// Otherwise OpenSSL asks for a password at the terminal.
int no_password(char*, int, int, void*) { return 0; }

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::ranges::all_of(name, [](char one) { return one > ' ' && one < '\x7f'; });
}

/// Returns the octets of a numeric address, or null for a DNS name.
Address address_of(const std::string& name) { return Address(::a2i_IPADDRESS(name.c_str())); }

void add_name(GENERAL_NAMES* names, const std::string& name) {
  GENERAL_NAME* const added = ::GENERAL_NAME_new();
  done(added != nullptr && ::sk_GENERAL_NAME_push(names, added) > 0);
  if (Address address = address_of(name)) return ::GENERAL_NAME_set0_value(added, GEN_IPADD, address.release());
  ASN1_IA5STRING* const text = ::ASN1_IA5STRING_new();
  done(text != nullptr && ::ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) == 1);
  ::GENERAL_NAME_set0_value(added, GEN_DNS, text);
}

void add(X509* to, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  ::X509V3_set_ctx(&context, to, to, nullptr, nullptr, 0);  // signs itself
  const Extension extension(::X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  done(extension && ::X509_add_ext(to, extension.get(), -1) == 1);
}

/// At least 64 random bits, so that a client never takes two certificates of one issuer for the same.
void set_serial(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  done(::RAND_bytes(bytes.data(), bytes.size()) == 1);
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, and always of this length
  const std::unique_ptr<BIGNUM, Free<::BN_free>> number(::BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  done(number && ::BN_to_ASN1_INTEGER(number.get(), ::X509_get_serialNumber(certificate)) != nullptr);
}

void set_times(X509* certificate, base::WallTime now) {
  const std::time_t from = base::unix_seconds(now - kBefore), until = base::unix_seconds(now + kAfter);
  done(::ASN1_TIME_set(::X509_getm_notBefore(certificate), from) != nullptr);
  done(::ASN1_TIME_set(::X509_getm_notAfter(certificate), until) != nullptr);
}

void set_subject(X509* certificate, const std::string& name) {
  X509_NAME* const subject = ::X509_get_subject_name(certificate);
  const std::string shown = name.size() <= kCommonNameBytesMax ? name : "troupe";
  done(::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(shown.data()),
                                    static_cast<int>(shown.size()), -1, 0) == 1);
  done(::X509_set_issuer_name(certificate, subject) == 1);
}

}  // namespace

std::string new_key() {
  const Key key(::EVP_EC_gen("P-256"));
  done(key != nullptr);
  return pem(
      [&](BIO* out) { return ::PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

base::Outcome<std::string> self_signed(const std::string& key, const std::vector<std::string>& names,
                                       base::WallTime now) {
  base::ensure(!names.empty(), "a certificate has a name");
  for (const std::string& name : names)
    if (!is_name(name)) return Error{Code::malformed, "a certificate cannot have the name \"" + name + '"'};
  const Key signer(::PEM_read_bio_PrivateKey(reader(key).get(), nullptr, no_password, nullptr));
  if (!signer) return Error{Code::malformed, "it is not a private key in PEM without a password"};

  const X509Ptr made(::X509_new());
  X509* const certificate = made.get();
  done(certificate != nullptr && ::X509_set_version(certificate, X509_VERSION_3) == 1);
  set_serial(certificate);
  set_times(certificate, now);
  set_subject(certificate, names.front());
  done(::X509_set_pubkey(certificate, signer.get()) == 1);
  // Clients such as rustls refuse the certificate of an authority (CA:TRUE) from a server.
  add(certificate, NID_basic_constraints, "critical,CA:FALSE");
  add(certificate, NID_key_usage, "critical,digitalSignature");
  add(certificate, NID_ext_key_usage, "serverAuth");
  add(certificate, NID_subject_key_identifier, "hash");
  const Names alternatives(::GENERAL_NAMES_new());
  done(alternatives != nullptr);
  for (const std::string& name : names) add_name(alternatives.get(), name);
  done(::X509_add1_ext_i2d(certificate, NID_subject_alt_name, alternatives.get(), 0, 0) == 1);
  if (::X509_sign(certificate, signer.get(), ::EVP_sha256()) == 0)
    return Error{Code::malformed, "its private key cannot sign"};
  return pem([&](BIO* out) { return ::PEM_write_bio_X509(out, certificate); });
}

bool is_for(const std::string& chain, const std::string& host) {
  const X509Ptr first(::PEM_read_bio_X509(reader(chain).get(), nullptr, no_password, nullptr));
  if (!first) return false;
  if (address_of(host)) return ::X509_check_ip_asc(first.get(), host.c_str(), 0) == 1;
  return ::X509_check_host(first.get(), host.data(), host.size(), 0, nullptr) == 1;
}

}  // namespace troupe::http
