#pragma once
// What sign() and verify() use in this thread instead of Ed25519: for simulations, in which curves would take a third
// of the time. Nothing but `runtime/sim` derives from it.
#include "runtime/base/ensure.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::crypto {

/// In force from its construction to its destruction; of several in one thread, the newest is, and is destroyed first.
class SignatureScheme {
 public:
  SignatureScheme() : before_(here_) { here_ = this; }
  virtual ~SignatureScheme() {
    base::ensure(here_ == this, "the newest scheme of signatures is destroyed first");
    here_ = before_;
  }
  SignatureScheme(const SignatureScheme&) = delete;
  SignatureScheme& operator=(const SignatureScheme&) = delete;

  /// The scheme of this thread; null if it signs with Ed25519.
  static const SignatureScheme* here() { return here_; }

  /// The one signature of `message` by `key` that verify() accepts.
  virtual Signature sign(const base::PublicKey& key, base::ByteView message) const = 0;

 private:
  inline static thread_local const SignatureScheme* here_ = nullptr;
  const SignatureScheme* const before_;
};

}  // namespace troupe::crypto
