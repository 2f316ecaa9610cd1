#pragma once
// The caller's keystores: one file each in $XDG_CONFIG_HOME/troupe/wallets, otherwise ~/.config/troupe/wallets. The
// same directory has the accounts with several signers, as NAME.policy.
//
// Names   1 to 64 letters, digits, '-' and '_', not starting with '-'. A keystore and a policy have different names.
// Writes  one process at a time writes, and a keystore is never replaced.
// Sent    MARK.sent: the transaction sent to a chain for a request, so that a repeated command sends the same bytes; or
//         the content that the request asked for (requests.hpp).
// Limits  kWalletsMax keystores, kSentMax transactions.
#include <optional>
#include <string>
#include <vector>

#include "actors/wallet/logic/keystore.hpp"
#include "apps/cli/command.hpp"
#include "apps/wallet/policies.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::apps::wallets {

inline constexpr std::size_t kWalletsMax = 1'000;  // our choice: all are read to find the wallet of a request

inline constexpr std::size_t kSentMax = 100'000;  // our choice: some 500 bytes each
inline constexpr std::size_t kSentBytesMax = 16'384;

struct Named {
  std::string name;
  wallet::Keystore keystore;
};

/// Returns a valid name of a wallet. Fails with usage.
base::Result<std::string, Failure> name_of(const std::string& typed);

class Directory {
 public:
  /// Opens the directory. Fails with exit 4 if there is none, and also if another user could change it.
  static base::Result<Directory, Failure> open(const Console& console);
  /// Opens the directory, or creates it (0700).
  static base::Result<Directory, Failure> open_or_make(const Console& console);

  /// Returns the keystore of that name, or nullopt. Fails if it is damaged, and says which and how.
  base::Result<std::optional<wallet::Keystore>, Failure> find(const std::string& name) const;
  /// Returns the keystore of that name; without a name the only keystore. Fails with exit 4 if there is none, and with
  /// usage if there are several.
  base::Result<Named, Failure> choose(const std::optional<std::string>& name) const;
  /// Returns the keystore that was created with this mark, which is not zeros.
  base::Result<std::optional<Named>, Failure> made_by(const wallet::RequestMark& request) const;

  /// Returns the names of the keystores and of the policies, each list sorted.
  base::Result<std::vector<std::string>, Failure> names() const;
  base::Result<std::vector<std::string>, Failure> policy_names() const;
  /// Returns the policy of that name, or nullopt. Fails if it is damaged.
  base::Result<std::optional<PolicyFile>, Failure> find_policy(const std::string& name) const;

  /// Returns the failure for a name that a wallet or policy already has.
  Failure taken(const std::string& name) const;

  /// Takes the lock of a process that adds a keystore.
  base::Result<std::unique_ptr<ports::DiskLock>, Failure> lock() const;
  /// Adds a keystore; durable when it returns. The caller holds the lock, and has checked that the name is free.
  base::Result<void, Failure> add(const std::string& name, const wallet::Keystore& keystore) const;
  base::Result<void, Failure> add(const std::string& name, const PolicyFile& policy) const;

  /// Returns what was sent for the request with this mark, or nullopt.
  base::Result<std::optional<base::Bytes>, Failure> find_sent(const wallet::RequestMark& request) const;
  /// Stores what was sent for a request, in place of an earlier file; durable when it returns.
  base::Result<void, Failure> keep_sent(const wallet::RequestMark& request, base::ByteView bytes) const;
  /// Removes a transaction that was not accepted, so that the next attempt may send a different transaction.
  void forget_sent(const wallet::RequestMark& request) const;
  /// Takes the lock of a process that sends for a request. Fails with `unavailable` while another process holds it.
  base::Result<std::unique_ptr<ports::DiskLock>, Failure> lock_sending() const;

 private:
  Directory(std::string path, std::unique_ptr<ports::Disk> disk) : path_(std::move(path)), disk_(std::move(disk)) {}
  base::Result<std::vector<std::string>, Failure> listed() const;
  base::Result<std::unique_ptr<ports::DiskLock>, Failure> lock(const char* file, const char* what) const;
  base::Result<void, Failure> write(const std::string& name, const std::string& file, base::ByteView bytes) const;
  Failure cannot(const std::string& what, ports::DiskError error) const;

  std::string path_;
  std::unique_ptr<ports::Disk> disk_;
  mutable std::optional<std::size_t> sent_;  // number of stored transactions, once they were counted
};

/// Returns the failure of a keystore that cannot be opened.
Failure unopened(const std::string& name, wallet::KeystoreError error);

}  // namespace troupe::apps::wallets
