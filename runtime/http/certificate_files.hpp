#pragma once
// The certificate of a door in two PEM files, which another program may replace at any time.
//
// Change  a file has changed if its change of contents (mtime), size or inode differs. Both files must then stay as they
//         are between two calls of look(), because a program replaces them one after the other.
// Limits  kPemBytesMax per file.
// Owner   one thread; blocks on the device.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/time.hpp"
#include "runtime/http/certificate.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::http {

inline constexpr std::size_t kPemBytesMax = 256u << 10;  // our choice: a chain has some KiB

class CertificateFiles {
 public:
  /// The paths of the certificate and of its private key.
  CertificateFiles(std::string certificate, std::string key);

  const std::string& certificate() const { return certificate_; }

  /// Reads both files. Errors: `not_found` or `refused` if a file cannot be read, `refused` if other users may read or
  /// write the key, `malformed` if the certificate or the key is invalid.
  base::Outcome<Certificate> read();
  /// Whether the files have changed since read(), and have not changed since the previous look().
  bool look();

 private:
  struct State {
    std::int64_t modified = 0;  // nanoseconds
    std::uint64_t bytes = 0, inode = 0, device = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  using States = std::array<State, 2>;
  static State state_of(const std::string& path);
  States states() const { return {state_of(certificate_), state_of(key_)}; }

  const std::string certificate_, key_;
  States read_, seen_;
};

/// Makes the files that are missing: a new key, and a certificate that signs itself with it and is valid for `names`. A
/// file that exists stays as it is.
/// Errors: `not_found` if there is a certificate without its key, `malformed` if the key is invalid, `no_space` or
/// `refused` if a file cannot be written.
base::Outcome<void> keep_self_signed(ports::Disk& disk, const std::string& certificate, const std::string& key,
                                     const std::vector<std::string>& names, base::WallTime now);

}  // namespace troupe::http
