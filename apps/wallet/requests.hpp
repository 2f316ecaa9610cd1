#pragma once
// What was asked for with a --request, where the book or the chain does not keep it: a file of the caller's, next to the
// wallets. So the same id with other content is refused, and a repeated command can send the same bytes.
#include "apps/cli/client.hpp"
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

/// What a chain is sent for a request. While it lives no other process sends for a request of these wallets: otherwise
/// two processes that repeat a request would take two numbers.
class SendingOnce {
 public:
  /// Waits for other processes. `directory` outlives it.
  static Client::Outcome<SendingOnce> begin(Client& client, const Directory& directory,
                                            const wallet::RequestMark& request);

  const wallet::RequestMark& request() const { return request_; }
  /// What was sent before, if anything.
  const std::optional<base::Bytes>& before() const { return before_; }
  /// Durable when it returns; in place of an earlier one.
  base::Result<void, Failure> keep(base::ByteView transaction) const {
    return directory_->keep_sent(request_, transaction);
  }
  /// It was not taken, and can be another one the next time.
  void forget() const { directory_->forget_sent(request_); }

 private:
  SendingOnce(const Directory& directory, const wallet::RequestMark& request)
      : directory_(&directory), request_(request) {}

  const Directory* directory_;
  wallet::RequestMark request_;
  std::unique_ptr<ports::DiskLock> lock_;
  std::optional<base::Bytes> before_;
};

}  // namespace troupe::apps::wallets
