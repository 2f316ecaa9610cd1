#include "runtime/crypto/derive.hpp"

#include <botan/mac.h>
#include <botan/pwdhash.h>
#include <signal.h>

#include "runtime/base/ensure.hpp"

namespace troupe::crypto {
namespace {

/// Botan computes Argon2 in threads that stay. Threads that start while this object lives block all signals. Otherwise
/// Ctrl-C could reach such a thread and end the program, bypassing the thread that handles it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    base::ensure(::pthread_sigmask(SIG_SETMASK, &all, &before_) == 0, "signals can be blocked");
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Secret512 hmac_sha512(base::ByteView key, base::ByteView bytes) {
  const auto hmac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-512)");
  hmac->set_key(key.data(), key.size());
  hmac->update(bytes.data(), bytes.size());
  Secret512 out;
  hmac->final(out.bytes.data());
  return out;
}

Secret512 pbkdf2_sha512(std::string_view passphrase, base::ByteView salt, std::uint32_t rounds) {
  base::ensure(rounds > 0, "a passphrase is hashed at least once");
  const auto hash = Botan::PasswordHashFamily::create_or_throw("PBKDF2(SHA-512)")->from_params(rounds);
  Secret512 out;
  hash->derive_key(out.bytes.data(), out.bytes.size(), passphrase.data(), passphrase.size(), salt.data(), salt.size());
  return out;
}

bool affordable(const Argon2Cost& cost) {
  return cost.lanes >= 1 && cost.lanes <= kArgon2LanesMax && cost.passes >= 1 && cost.passes <= kArgon2PassesMax &&
         cost.memory_kib >= 8 * cost.lanes && cost.memory_kib <= kArgon2MemoryKibMax;
}

SealingKey argon2id(std::string_view passphrase, base::ByteView salt, const Argon2Cost& cost) {
  base::ensure(affordable(cost) && salt.size() >= 8, "a passphrase is hashed within the limits of Argon2");
  const auto hash =
      Botan::PasswordHashFamily::create_or_throw("Argon2id")->from_params(cost.memory_kib, cost.passes, cost.lanes);
  SealingKey out;
  const SignalsBlocked blocked;
  hash->derive_key(out.bytes.data(), out.bytes.size(), passphrase.data(), passphrase.size(), salt.data(), salt.size());
  return out;
}

}  // namespace troupe::crypto
