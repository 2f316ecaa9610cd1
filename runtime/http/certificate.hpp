#pragma once
// The certificate of a door, and certificates that sign themselves.
//
// Source  RFC 5280; keys for ECDSA with P-256, which each client of TLS 1.2 and 1.3 knows.
// Trust   a client trusts a certificate that signs itself if it has a copy (`curl --cacert FILE`). Such a certificate
//         cannot sign other certificates.
#include <string>
#include <vector>

#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::http {

struct Certificate {
  std::string chain{};  ///< PEM: the certificate of the server, then those that sign it
  std::string key{};    ///< PEM: the private key of the first

  friend bool operator==(const Certificate&, const Certificate&) = default;
};

/// Returns a new private key as PEM.
std::string new_key();

/// Returns a certificate as PEM that signs itself with `key` (PEM). It is valid for the names, which are DNS names or
/// numeric addresses, from one day before `now` until ten years after it.
/// Errors: `malformed` if the key is invalid, or a name has more than 253 bytes or other than printable ASCII characters.
base::Outcome<std::string> self_signed(const std::string& key, const std::vector<std::string>& names,
                                       base::WallTime now);

/// Whether the first certificate in `chain` is valid for `host`, a DNS name or a numeric address.
bool is_for(const std::string& chain, const std::string& host);

}  // namespace troupe::http
