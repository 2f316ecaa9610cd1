#pragma once
// TLS of a door: versions 1.2 and 1.3, with the ciphers that both forward secrecy and authenticated encryption have.
//
// Source  RFC 9325 (recommendations for TLS), sections 3.1 and 4.2.
#include <memory>

#include "runtime/http/beast.hpp"
#include "runtime/http/certificate.hpp"

namespace troupe::http {

/// Returns what new connections need. Errors: `malformed` if the certificate or its key is invalid, or too weak.
base::Outcome<std::shared_ptr<asio::ssl::context>> tls_context(const Certificate& certificate);

}  // namespace troupe::http
