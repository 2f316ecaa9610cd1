#include "apps/wallet/keystores.hpp"

#include <algorithm>
#include <filesystem>

#include "apps/cli/operator_key.hpp"
#include "apps/cli/terminal.hpp"
#include "runtime/os/disk.hpp"

namespace troupe::apps::wallets {
namespace {

using base::Code;
using ports::DiskError;
using wallet::KeystoreError;

constexpr std::size_t kNameCharsMax = 64;
constexpr const char* kLockFile = ".lock";
constexpr const char* kSendingFile = ".sending";
constexpr std::string_view kPolicyEnd = ".policy";
constexpr std::string_view kSentEnd = ".sent";

bool is_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= kNameCharsMax && name.front() != '-' && std::ranges::all_of(name, good);
}

}  // namespace

base::Result<std::string, Failure> name_of(const std::string& typed) {
  if (is_name(typed)) return typed;
  return usage_failure("invalid wallet name: expected 1 to 64 letters, digits, '-' and '_', not starting with '-'",
                       "troupe help wallet new");
}

Failure unopened(const std::string& name, KeystoreError error) {
  switch (error) {
    case KeystoreError::passphrase: return {{Code::refused, "wrong passphrase for wallet " + name}};
    case KeystoreError::version:
      return {{Code::unsupported, "wallet " + name + " was written by a newer version of troupe"}};
    case KeystoreError::too_dear:
      return {{Code::unsupported, "wallet " + name + " needs more than 1 GiB of memory to be opened"}};
    case KeystoreError::damaged: break;
  }
  return {{Code::corrupt, "the keystore of wallet " + name + " is damaged: the file is incomplete"},
          "nothing was changed",
          "troupe wallet restore NAME, with the recovery phrase that was written down"};
}

base::Result<Directory, Failure> Directory::open(const Console& console) {
  if (console.environment == nullptr)
    return usage_failure("there are no wallets here: give the address of an account", "");
  const auto config = config_directory(console);
  if (!config.ok()) return config.error();
  std::error_code ignored;
  if (!std::filesystem::is_directory(config.value() + "/wallets", ignored))
    return Failure{
        {Code::not_found, "there is no wallet in " + config.value() + "/wallets"}, "", "troupe wallet new NAME"};
  return open_or_make(console);
}

base::Result<Directory, Failure> Directory::open_or_make(const Console& console) {
  const auto config = config_directory(console);
  if (!config.ok()) return config.error();
  const std::string path = config.value() + "/wallets";
  auto disk = os::open_own_disk(path);
  if (!disk.ok())
    return Failure{{disk.error() == DiskError::no_space ? Code::no_space : Code::refused,
                    "cannot open " + path + ": " +
                        (disk.error() == DiskError::denied ? "it is not a directory that belongs to this user only"
                                                           : std::string(ports::name(disk.error())))},
                   "nothing was changed",
                   "",
                   Exit::failed};
  return Directory(path, std::move(disk).value());
}

Failure Directory::cannot(const std::string& what, DiskError error) const {
  return {{error == DiskError::no_space ? Code::no_space : Code::internal,
           "cannot " + what + " in " + path_ + ": " + std::string(ports::name(error))},
          "",
          "",
          error == DiskError::no_space ? Exit::overloaded : Exit::failed};
}

base::Result<std::vector<std::string>, Failure> Directory::listed() const {
  auto listed = disk_->list(".");
  if (!listed.ok()) return cannot("list the wallets", listed.error());
  return std::move(listed).value();
}

base::Result<std::vector<std::string>, Failure> Directory::names() const {
  auto all = listed();
  if (!all.ok()) return all.error();
  std::erase_if(all.value(), [](const std::string& name) { return !is_name(name); });
  return std::move(all).value();
}

base::Result<std::vector<std::string>, Failure> Directory::policy_names() const {
  const auto all = listed();
  if (!all.ok()) return all.error();
  std::vector<std::string> out;
  for (const std::string& name : all.value()) {
    if (!name.ends_with(kPolicyEnd)) continue;
    std::string stem = name.substr(0, name.size() - kPolicyEnd.size());
    if (is_name(stem)) out.push_back(std::move(stem));
  }
  return out;
}

base::Result<std::optional<PolicyFile>, Failure> Directory::find_policy(const std::string& name) const {
  using Found = std::optional<PolicyFile>;
  const auto file = disk_->open(name + std::string(kPolicyEnd), ports::OpenMode::read);
  if (!file.ok()) {
    if (file.error() == DiskError::not_found) return Found(std::nullopt);
    return cannot("open the policy of " + name, file.error());
  }
  base::Bytes bytes(kPolicyFileBytesMax + 1);
  const auto read = file.value()->read(0, bytes);
  if (!read.ok()) return cannot("read the policy of " + name, read.error());
  auto policy = decode_policy_file(base::ByteView(bytes).first(read.value()));
  if (policy) return Found(std::move(*policy));
  return Failure{{Code::corrupt, "the policy of " + name + " is damaged, or was written by a newer version of troupe"},
                 "nothing was changed",
                 "remove " + path_ + '/' + name + std::string(kPolicyEnd) +
                     ", and troupe wallet multisig create with the same signers"};
}

base::Result<std::optional<wallet::Keystore>, Failure> Directory::find(const std::string& name) const {
  using Found = std::optional<wallet::Keystore>;
  const auto file = disk_->open(name, ports::OpenMode::read);
  if (!file.ok()) {
    if (file.error() == DiskError::not_found) return Found(std::nullopt);
    return cannot("open wallet " + name, file.error());
  }
  base::Bytes bytes(wallet::kKeystoreBytesMax + 1);  // one extra byte, to detect a file that is too long
  const auto read = file.value()->read(0, bytes);
  if (!read.ok()) return cannot("read wallet " + name, read.error());
  auto keystore = wallet::Keystore::decode(base::ByteView(bytes).first(read.value()));
  if (!keystore.ok()) return unopened(name, keystore.error());
  return Found(std::move(keystore).value());
}

base::Result<Named, Failure> Directory::choose(const std::optional<std::string>& named) const {
  std::string name = named.value_or("");
  if (!named) {
    const auto all = names();
    if (!all.ok()) return all.error();
    if (all.value().size() > 1)
      return usage_failure("there are several wallets: " + joined(all.value()), "--wallet " + all.value().front());
    if (all.value().empty())
      return Failure{{Code::not_found, "there is no wallet in " + path_}, "", "troupe wallet new NAME"};
    name = all.value().front();
  }
  auto found = find(name);
  if (!found.ok()) return found.error();
  if (!found.value())
    return Failure{{Code::not_found, "there is no wallet " + name + " in " + path_}, "", "troupe wallet ls"};
  return Named{name, std::move(*found.value())};
}

base::Result<std::optional<Named>, Failure> Directory::made_by(const wallet::RequestMark& request) const {
  using Found = std::optional<Named>;
  const auto all = names();
  if (!all.ok()) return all.error();
  for (const std::string& name : all.value()) {
    auto one = find(name);
    // A damaged wallet with another name does not block this wallet.
    if (one.ok() && one.value() && one.value()->request() == request)
      return Found(Named{name, std::move(*one.value())});
  }
  return Found(std::nullopt);
}

base::Result<std::optional<base::Bytes>, Failure> Directory::find_sent(const wallet::RequestMark& request) const {
  using Found = std::optional<base::Bytes>;
  const auto file = disk_->open(request.hex() + std::string(kSentEnd), ports::OpenMode::read);
  if (!file.ok() && file.error() == DiskError::not_found) return Found(std::nullopt);
  if (!file.ok()) return cannot("open the stored transaction of this request", file.error());
  base::Bytes bytes(kSentBytesMax);
  const auto read = file.value()->read(0, bytes);
  if (!read.ok()) return cannot("read the stored transaction of this request", read.error());
  bytes.resize(read.value());
  return Found(std::move(bytes));
}

base::Result<void, Failure> Directory::keep_sent(const wallet::RequestMark& request, base::ByteView bytes) const {
  if (!sent_) {
    const auto all = listed();
    if (!all.ok()) return all.error();
    const auto is_sent = [](const std::string& name) { return name.ends_with(kSentEnd); };
    sent_ = static_cast<std::size_t>(std::ranges::count_if(all.value(), is_sent));
  }
  if (*sent_ >= kSentMax)
    return Failure{{Code::overloaded, "there are " + std::to_string(kSentMax) + " transactions in " + path_},
                   "nothing was sent",
                   "find " + path_ + " -name '*.sent' -mtime +30 -delete"};
  const auto written = ports::write_durably(*disk_, request.hex() + std::string(kSentEnd), bytes);
  if (!written.ok()) return cannot("store the transaction before it is sent", written.error());
  ++*sent_;
  return {};
}

void Directory::forget_sent(const wallet::RequestMark& request) const {
  // A file that stays is only sent again unchanged, which does no harm.
  static_cast<void>(disk_->remove(request.hex() + std::string(kSentEnd)));
}

Failure Directory::taken(const std::string& name) const {
  return {{Code::conflict, "there is a wallet " + name + " in " + path_ + " already, and it is a different wallet"},
          "nothing was changed",
          "troupe wallet ls"};
}

base::Result<std::unique_ptr<ports::DiskLock>, Failure> Directory::lock() const {
  return lock(kLockFile, "another troupe process is creating a wallet in ");
}

base::Result<std::unique_ptr<ports::DiskLock>, Failure> Directory::lock_sending() const {
  return lock(kSendingFile, "another troupe process is sending with a --request from ");
}

base::Result<std::unique_ptr<ports::DiskLock>, Failure> Directory::lock(const char* file, const char* what) const {
  auto held = disk_->lock(file);
  if (held.ok()) return std::move(held).value();
  if (held.error() == DiskError::locked) return Failure{{Code::unavailable, what + path_}};
  return cannot("lock the wallets", held.error());
}

base::Result<void, Failure> Directory::add(const std::string& name, const wallet::Keystore& keystore) const {
  return write(name, name, keystore.encode());
}

base::Result<void, Failure> Directory::add(const std::string& name, const PolicyFile& policy) const {
  return write(name, name + std::string(kPolicyEnd), wallets::encode(policy));
}

base::Result<void, Failure> Directory::write(const std::string& name, const std::string& file,
                                             base::ByteView bytes) const {
  const auto all = names(), policies = policy_names();
  if (!all.ok()) return all.error();
  if (!policies.ok()) return policies.error();
  if (all.value().size() + policies.value().size() >= kWalletsMax)
    return Failure{{Code::overloaded, "there are " + std::to_string(kWalletsMax) + " wallets in " + path_}};
  const auto written = ports::write_durably(*disk_, file, bytes);
  if (!written.ok()) return cannot("write wallet " + name, written.error());
  return {};
}

}  // namespace troupe::apps::wallets
