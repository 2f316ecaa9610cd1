#pragma once
// Cookies: with a cookie a sender proves that it receives packets at its address, before anything is computed or kept
// for it.
//
// Source  RFC 6347 4.2.1 (stateless cookies), RFC 7873 (bound to address; secrets that overlap).
// Form    HMAC-SHA256 over address, port (2 bytes little-endian) and the requester's key, cut to 16 bytes.
// Time    Monotonic, given by the caller. A secret makes cookies for kSecretKept, and is accepted for as long after
//         that: a cookie is valid for 60 to 120 seconds.
// Owner   One DatagramAdmission; not thread-safe.
#include <chrono>

#include "runtime/base/endpoint.hpp"
#include "runtime/base/time.hpp"
#include "runtime/crypto/mac.hpp"
#include "runtime/net/logic/datagram.hpp"
#include "runtime/ports/chance.hpp"

namespace troupe::net {

inline constexpr std::chrono::seconds kSecretKept{60};  // our choice: a cookie is used within one round trip

class Cookies {
 public:
  Cookies(ports::Chance& chance, base::Instant now);

  /// Returns the cookie of `key` at `address`.
  Cookie make(const base::Endpoint& asker, const base::PublicKey& key, base::Instant now);

  /// Returns whether `cookie` is valid for exactly this key and address. Zeros are never valid.
  bool good(const Cookie& cookie, const base::Endpoint& asker, const base::PublicKey& key, base::Instant now);

 private:
  void renew(base::Instant now);

  ports::Chance& chance_;
  crypto::Mac current_;
  crypto::Mac previous_;
  base::Instant since_;  // of current_
};

}  // namespace troupe::net
