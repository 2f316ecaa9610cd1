#pragma once
// Replaces Ed25519 in sign() and verify() on this thread: for simulations, in which curves would take a third of the
// time. Only `runtime/sim` derives from it.
#include "runtime/base/ensure.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::crypto {

/// In force from its construction to its destruction. If a thread has several, the newest is in force and must be
/// destroyed first.
class SignatureScheme {
 public:
  SignatureScheme() : before_(here_) { here_ = this; }
  virtual ~SignatureScheme() {
    base::ensure(here_ == this, "the newest scheme of signatures is destroyed first");
    here_ = before_;
  }
  SignatureScheme(const SignatureScheme&) = delete;
  SignatureScheme& operator=(const SignatureScheme&) = delete;

  /// Returns the scheme in force on this thread, or null if the thread signs with Ed25519.
  static const SignatureScheme* here() { return here_; }

  /// Returns the only signature of `message` by `key` that verify() accepts.
  virtual Signature sign(const base::PublicKey& key, base::ByteView message) const = 0;

 private:
  inline static thread_local const SignatureScheme* here_ = nullptr;
  const SignatureScheme* const before_;
};

}  // namespace troupe::crypto
