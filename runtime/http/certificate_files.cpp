#include "runtime/http/certificate_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "runtime/base/bytes.hpp"
#include "runtime/base/descriptor.hpp"
#include "runtime/http/tls.hpp"

namespace troupe::http {
namespace {

using ports::DiskError;

enum class Secrecy : std::uint8_t { open, secret };

Error unread(const std::string& path, int why) {
  const bool is_absent = why == ENOENT || why == ENOTDIR;
  return {is_absent ? Code::not_found : Code::refused,
          "cannot read " + path + ": " + std::generic_category().message(why)};
}

base::Outcome<std::string> text_of(const std::string& path, Secrecy secrecy) {
  const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat found {};
  if (!file.valid() || ::fstat(file.get(), &found) != 0) return unread(path, errno);
  if (!S_ISREG(found.st_mode)) return Error{Code::refused, "cannot read " + path + ": it is not a regular file"};
  if (secrecy == Secrecy::secret && (found.st_mode & S_IRWXO) != 0) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", found.st_mode & 07777U);
    return Error{Code::refused, "the private key " + path + " is open to other users: its mode is " + mode.data() +
                                    "; change it to 0600 or 0640"};
  }
  std::string out(kPemBytesMax + 1, '\0');
  std::size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t bytes = ::read(file.get(), out.data() + filled, out.size() - filled);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return unread(path, errno);
    if (bytes == 0) break;
    filled += static_cast<std::size_t>(bytes);
  }
  if (filled > kPemBytesMax)
    return Error{Code::malformed,
                 path + " is larger than " + std::to_string(kPemBytesMax >> 10) + " KiB: it is not a PEM file"};
  out.resize(filled);
  return out;
}

Error unkept(const char* what, const std::string& name, DiskError why) {
  const Code code = why == DiskError::no_space ? Code::no_space : Code::refused;
  return {code, std::string(what) + name + ": " + std::string(ports::name(why))};
}

/// Returns the contents, or nullopt if there is no such file.
base::Outcome<std::optional<std::string>> kept(ports::Disk& disk, const std::string& name) {
  const auto file = disk.open(name, ports::OpenMode::read);
  if (!file.ok() && file.error() == DiskError::not_found) return std::optional<std::string>();
  if (!file.ok()) return unkept("cannot read ", name, file.error());
  base::Bytes bytes(kPemBytesMax);
  const auto read = file.value()->read(0, bytes);
  if (!read.ok()) return unkept("cannot read ", name, read.error());
  return std::optional(std::string(base::as_text(base::ByteView(bytes).first(read.value()))));
}

}  // namespace

CertificateFiles::CertificateFiles(std::string certificate, std::string key)
    : certificate_(std::move(certificate)), key_(std::move(key)), read_(states()), seen_(read_) {}

CertificateFiles::State CertificateFiles::state_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec, static_cast<std::uint64_t>(found.st_size),
          found.st_ino, found.st_dev};
}

base::Outcome<Certificate> CertificateFiles::read() {
  read_ = seen_ = states();  // first, so that a change during the reads is a change since them
  auto chain = text_of(certificate_, Secrecy::open);
  if (!chain.ok()) return chain.error();
  auto key = text_of(key_, Secrecy::secret);
  if (!key.ok()) return key.error();
  Certificate out{std::move(chain).value(), std::move(key).value()};
  if (const auto valid = tls_context(out); !valid.ok())
    return Error{valid.error().code,
                 "cannot use the certificate " + certificate_ + " with the key " + key_ + ": " + valid.error().message};
  return out;
}

bool CertificateFiles::look() {
  const States before = std::exchange(seen_, states());
  return seen_ != read_ && seen_ == before;
}

base::Outcome<void> keep_self_signed(ports::Disk& disk, const std::string& certificate, const std::string& key,
                                     const std::vector<std::string>& names, base::WallTime now) {
  const auto chain = kept(disk, certificate);
  if (!chain.ok()) return chain.error();
  auto secret = kept(disk, key);
  if (!secret.ok()) return secret.error();
  if (chain.value() && secret.value()) return {};
  if (chain.value())
    return Error{Code::not_found, key + " is missing, the key of " + certificate +
                                      ": put it back, or remove the certificate to get a new pair"};
  if (!secret.value()) {
    secret = std::optional(new_key());
    const auto written = ports::write_durably(disk, key, base::as_bytes(*secret.value()));
    if (!written.ok()) return unkept("cannot write ", key, written.error());
  }
  const auto made = self_signed(*secret.value(), names, now);
  if (!made.ok())
    return Error{made.error().code, "cannot make " + certificate + " with " + key + ": " + made.error().message};
  const auto written = ports::write_durably(disk, certificate, base::as_bytes(made.value()));
  if (!written.ok()) return unkept("cannot write ", certificate, written.error());
  return {};
}

}  // namespace troupe::http
