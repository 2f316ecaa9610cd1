#include "runtime/http/tls.hpp"

#include <openssl/ssl.h>
#include <openssl/x509err.h>

namespace troupe::http {
namespace {

constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";  // of TLS 1.2; 1.3 has no weaker cipher

Error invalid(const char* what, const error_code& why) {
  const bool is_of_another = ERR_GET_REASON(static_cast<unsigned long>(why.value())) == X509_R_KEY_VALUES_MISMATCH;
  return {Code::malformed, is_of_another ? "the key belongs to another certificate" : what + why.message()};
}

}  // namespace

base::Outcome<std::shared_ptr<asio::ssl::context>> tls_context(const Certificate& certificate) {
  auto out = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const context = out->native_handle();
  const bool ok = ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                  ::SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                  ::SSL_CTX_set_cipher_list(context, kCiphers) == 1;
  base::ensure(ok, "OpenSSL knows the versions and ciphers");
  ::SSL_CTX_set_options(context, SSL_OP_ALL | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // a client keeps its session, in a ticket
  error_code why;
  // Otherwise OpenSSL asks at the terminal.
  out->set_password_callback([](std::size_t, auto) { return std::string(); }, why);
  if (!why) out->use_certificate_chain(asio::buffer(certificate.chain), why);
  if (why) return invalid("the certificate is invalid: ", why);
  out->use_private_key(asio::buffer(certificate.key), asio::ssl::context::pem, why);
  if (why) return invalid("the key is invalid: ", why);
  return out;
}

}  // namespace troupe::http
