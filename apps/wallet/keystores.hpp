#pragma once
// The caller's keystores: a file each in $XDG_CONFIG_HOME/troupe/wallets, else ~/.config/troupe/wallets. Beside them,
// as NAME.policy, the accounts with several signers.
//
// Names   1 to 64 letters, digits, '-' and '_'; the first is no '-'. A keystore and a policy have different ones.
// Writes  one process at a time, and no keystore is ever replaced.
// Sent    MARK.sent: the transaction that a chain was sent for a request, so that a repeated command sends the same;
//         or what was asked for with it (requests.hpp).
// Limits  kWalletsMax keystores, kSentMax transactions.
#include <optional>
#include <string>
#include <vector>

#include "actors/wallet/logic/keystore.hpp"
#include "apps/cli/command.hpp"
#include "apps/wallet/policies.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::apps::wallets {

inline constexpr std::size_t kWalletsMax = 1'000;  // our choice: each is read to find a request

inline constexpr std::size_t kSentMax = 100'000;  // our choice: of some 500 bytes each
inline constexpr std::size_t kSentBytesMax = 16'384;

struct Named {
  std::string name;
  wallet::Keystore keystore;
};

/// Fails with usage.
base::Result<std::string, Failure> name_of(const std::string& typed);

class Directory {
 public:
  /// Fails with exit 4 if there is none, and if another user could change it.
  static base::Result<Directory, Failure> open(const Console& console);
  /// Makes the directory (0700) where there is none.
  static base::Result<Directory, Failure> open_or_make(const Console& console);

  /// Nothing if there is no keystore of that name. Fails if it is damaged, says which, and how.
  base::Result<std::optional<wallet::Keystore>, Failure> find(const std::string& name) const;
  /// The one of that name; without a name the only one there is. Fails with exit 4 if there is none, and with usage if
  /// there are several.
  base::Result<Named, Failure> choose(const std::optional<std::string>& name) const;
  /// Whose making had this mark, which is not zeros.
  base::Result<std::optional<Named>, Failure> made_by(const wallet::RequestMark& request) const;

  /// Of the keystores and of the policies, each sorted.
  base::Result<std::vector<std::string>, Failure> names() const;
  base::Result<std::vector<std::string>, Failure> policy_names() const;
  /// Nothing if there is no policy of that name. Fails if it is damaged.
  base::Result<std::optional<PolicyFile>, Failure> find_policy(const std::string& name) const;

  /// What a wallet that is to be made cannot be called, for another has that name.
  Failure taken(const std::string& name) const;

  /// Held by the process that is about to add a keystore.
  base::Result<std::unique_ptr<ports::DiskLock>, Failure> lock() const;
  /// Durable when it returns. The caller holds the lock, and has looked that the name is free.
  base::Result<void, Failure> add(const std::string& name, const wallet::Keystore& keystore) const;
  base::Result<void, Failure> add(const std::string& name, const PolicyFile& policy) const;

  /// What was sent for the request of this mark; nothing if nothing was.
  base::Result<std::optional<base::Bytes>, Failure> find_sent(const wallet::RequestMark& request) const;
  /// Durable when it returns; in place of an earlier one.
  base::Result<void, Failure> keep_sent(const wallet::RequestMark& request, base::ByteView bytes) const;
  /// It was not taken, and can be another one the next time.
  void forget_sent(const wallet::RequestMark& request) const;
  /// Held by the process that sends for a request. Fails with `unavailable` while another process holds it.
  base::Result<std::unique_ptr<ports::DiskLock>, Failure> lock_sending() const;

 private:
  Directory(std::string path, std::unique_ptr<ports::Disk> disk) : path_(std::move(path)), disk_(std::move(disk)) {}
  base::Result<std::vector<std::string>, Failure> listed() const;
  base::Result<std::unique_ptr<ports::DiskLock>, Failure> lock(const char* file, const char* what) const;
  base::Result<void, Failure> write(const std::string& name, const std::string& file, base::ByteView bytes) const;
  Failure cannot(const std::string& what, ports::DiskError error) const;

  std::string path_;
  std::unique_ptr<ports::Disk> disk_;
  mutable std::optional<std::size_t> sent_;  // transactions in it, once they were counted
};

/// The failure of a keystore that does not open.
Failure unopened(const std::string& name, wallet::KeystoreError error);

}  // namespace troupe::apps::wallets
