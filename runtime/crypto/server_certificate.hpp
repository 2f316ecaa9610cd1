#pragma once
// A dialler's check of the server's certificate before the TLS library parses it.
//
// Why     While parsing, the library verifies a self-issued certificate with the key in it. That key may have any size:
//         an RSA key of 8 KiB blocks a thread for half a minute.
// Rule    The message (RFC 5246 7.4.2) holds one certificate of at most kCertificateBytesMax, in DER, with a named
//         P-256 key and an uncompressed point (RFC 5480). It must not contain the beginning of PEM, which the library
//         would read instead.
// Record  Handshake messages may span records (RFC 5246 6.2.1), so this class follows all of them from the first.
// Limits  At most kCertificateBytesMax bytes are kept until the message is complete.
#include <array>

#include "runtime/base/bytes.hpp"

namespace troupe::crypto {

inline constexpr std::size_t kCertificateBytesMax = 2048;  // our choice: ours have about 400

/// Returns whether the key of a certificate in DER (RFC 5280 4.1) is cheap to check.
bool has_small_key(base::ByteView certificate);

/// Follows the unencrypted part of a server's handshake.
class ServerCertificate {
 public:
  /// Processes the next bytes of handshake messages. Returns false if they contain a certificate that must not be
  /// parsed.
  bool may_pass(base::ByteView bytes);
  /// Returns whether the certificate has passed, and no message is incomplete.
  bool passed() const { return passed_ && head_bytes_ == 0 && left_ == 0; }

 private:
  static constexpr std::size_t kHeadBytes = 4;  // type, and length in 24 bits
  bool begin_message();
  bool look();

  std::array<std::uint8_t, kHeadBytes> head_{};
  std::size_t head_bytes_ = 0;
  std::size_t left_ = 0;   // of the current message
  base::Bytes message_{};  // only of the certificate message
  bool passed_ = false;
};

}  // namespace troupe::crypto
