#pragma once
// What a --request asked for, if the book or the chain does not store it: a file of the caller's, next to the wallets.
// So the same id with other content is refused, and a repeated command can send the same bytes.
#include "apps/cli/client.hpp"
#include "apps/wallet/keystores.hpp"

namespace troupe::apps::wallets {

class KeptRequest {
 public:
  /// Opens the request with the typed id; without an id nothing is stored.
  static base::Result<KeptRequest, Failure> open(const Invocation& invocation, const Console& console);

  /// Returns what was stored for it, or nullopt.
  const std::optional<base::Bytes>& before() const { return before_; }
  /// Durable when it returns. Fails with exit 5 if other content is stored for it.
  base::Result<void, Failure> keep(base::ByteView content);
  /// The request failed, so its id may be used for something else, unless the failure is uncertain or the content was
  /// stored before.
  void failed(const Failure& why) const;

 private:
  std::optional<Directory> directory_;
  wallet::RequestMark mark_{};
  std::optional<base::Bytes> before_;
};

/// The transaction that a chain is sent for a request. While it lives, no other process sends for a request of these
/// wallets: otherwise two processes that repeat a request would take two numbers.
class SendingOnce {
 public:
  /// Waits for other processes. `directory` must outlive it.
  static Client::Outcome<SendingOnce> begin(Client& client, const Directory& directory,
                                            const wallet::RequestMark& request);

  const wallet::RequestMark& request() const { return request_; }
  /// Returns what was sent before, or nullopt.
  const std::optional<base::Bytes>& before() const { return before_; }
  /// Durable when it returns; replaces an earlier file.
  base::Result<void, Failure> keep(base::ByteView transaction) const {
    return directory_->keep_sent(request_, transaction);
  }
  /// The transaction was not accepted, so the next attempt may send a different transaction.
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
