#pragma once
// What was asked for with a --request, where the book itself does not keep it: a file of the caller's, beside the
// wallets. So the same id with other content is refused, and a repeated command can send the same bytes.
#include "apps/wallet/keystores.hpp"

namespace troupe::apps::wallets {

class KeptRequest {
 public:
  /// Of the id that was typed; without one nothing is kept.
  static base::Result<KeptRequest, Failure> open(const Invocation& invocation, const Console& console);

  /// What was kept for it; nothing if nothing was.
  const std::optional<base::Bytes>& before() const { return before_; }
  /// Durable when it returns. Fails with exit 5 if something else was kept for it.
  base::Result<void, Failure> keep(base::ByteView content);
  /// It came to nothing, so that the id may be used for something else; unless that is not certain, or was kept before.
  void failed(const Failure& why) const;

 private:
  std::optional<Directory> directory_;
  wallet::RequestMark mark_{};
  std::optional<base::Bytes> before_;
};

}  // namespace troupe::apps::wallets
