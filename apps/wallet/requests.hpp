#pragma once
// Stores what a --request asked for, if neither the book nor the chain stores it: in a file of the caller next to the
// wallets. So the same id with different content is refused, and a repeated command can send the same bytes.
#include "apps/cli/client.hpp"
#include "apps/wallet/keystores.hpp"

namespace troupe::apps::wallets {

class KeptRequest {
 public:
  /// Opens the request with the typed id; without an id nothing is stored.
  static base::Result<KeptRequest, Failure> open(const Invocation& invocation, const Console& console);

  /// Returns what was stored for this request before, or nullopt.
  const std::optional<base::Bytes>& before() const { return before_; }
  /// Stores the content; durable when it returns. Fails with exit 5 if different content is stored for this request.
  base::Result<void, Failure> keep(base::ByteView content);
  /// Call when the request failed: its id may then be used for something else, unless the outcome is uncertain or the
  /// content was stored before.
  void failed(const Failure& why) const;

 private:
  std::optional<Directory> directory_;
  wallet::RequestMark mark_{};
  std::optional<base::Bytes> before_;
};

/// The transaction that is sent to a chain for a request. While this object lives, no other process sends for a request
/// of these wallets: otherwise two processes that repeat a request would use two numbers.
class SendingOnce {
 public:
  /// Waits for other processes. `directory` must outlive this object.
  static Client::Outcome<SendingOnce> begin(Client& client, const Directory& directory,
                                            const wallet::RequestMark& request);

  const wallet::RequestMark& request() const { return request_; }
  /// Returns what was sent before, or nullopt.
  const std::optional<base::Bytes>& before() const { return before_; }
  /// Stores the transaction, in place of an earlier file; durable when it returns.
  base::Result<void, Failure> keep(base::ByteView transaction) const {
    return directory_->keep_sent(request_, transaction);
  }
  /// Call when the transaction was not accepted: the next attempt may then send a different transaction.
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
