#pragma once
// What a dialler looks at before the TLS library parses the certificate that is shown to it.
//
// Why     The library checks a certificate that names itself as its issuer while it parses it, with the key that is in
//         it. That key may be of any size: an RSA key of 8 KiB holds a thread for half a minute.
// Rule    The message (RFC 5246 7.4.2) holds one certificate of at most kCertificateBytesMax, in DER, with a key of
//         P-256 by its name and an uncompressed point (RFC 5480). Nothing in it may begin PEM: the library would read
//         that instead.
// Record  Handshake messages lie across records as they like (RFC 5246 6.2.1), so they are followed from the first on.
// Limits  kCertificateBytesMax are kept until the message is whole.
#include <array>

#include "runtime/base/bytes.hpp"

namespace troupe::crypto {

inline constexpr std::size_t kCertificateBytesMax = 2048;  // our choice: ours have some 400

/// Whether a certificate in DER (RFC 5280 4.1) has a key whose checks cost little.
bool has_small_key(base::ByteView certificate);

/// Follows what a server sends of the handshake in clear.
class ServerCertificate {
 public:
  /// The next bytes of handshake messages. False: they show a certificate that must not be parsed.
  bool may_pass(base::ByteView bytes);
  /// Whether the certificate has passed, and no message is under way.
  bool passed() const { return passed_ && head_bytes_ == 0 && left_ == 0; }

 private:
  static constexpr std::size_t kHeadBytes = 4;  // type, and length in 24 bits
  bool begin_message();
  bool look();

  std::array<std::uint8_t, kHeadBytes> head_{};
  std::size_t head_bytes_ = 0;
  std::size_t left_ = 0;   // of the message at hand
  base::Bytes message_{};  // while it is the certificate
  bool passed_ = false;
};

}  // namespace troupe::crypto
