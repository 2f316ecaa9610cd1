#include "apps/wallet/requests.hpp"

#include "apps/wallet/typed.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps::wallets {
namespace {

constexpr std::chrono::milliseconds kSendingAgain{5};  // our choice: sending takes some milliseconds
constexpr std::chrono::seconds kSendingPatience{60};   // our choice: a silent node delays a command by 15 s

}  // namespace

base::Result<KeptRequest, Failure> KeptRequest::open(const Invocation& invocation, const Console& console) {
  KeptRequest out;
  const auto id = request_typed(invocation);
  if (!id.ok()) return id.error();
  if (id.value().empty()) return out;
  auto directory = Directory::open(console);
  if (!directory.ok()) return directory.error();
  out.directory_ = std::move(directory).value();
  out.mark_ = wallet::RequestMark{crypto::sha256(base::as_bytes("troupe asked v1"), base::as_bytes(id.value())).bytes};
  auto before = out.directory_->find_sent(out.mark_);
  if (!before.ok()) return before.error();
  out.before_ = std::move(before).value();
  return out;
}

base::Result<void, Failure> KeptRequest::keep(base::ByteView content) {
  if (!directory_) return {};
  if (!before_) return directory_->keep_sent(mark_, content);
  if (std::ranges::equal(*before_, content)) return {};
  return Failure{{base::Code::conflict, "this request has already asked for something else"},
                 "nothing was sent",
                 "use another --request"};
}

void KeptRequest::failed(const Failure& why) const {
  const bool interrupted = why.error.code == base::Code::dropped && why.exit;
  const bool unknown = interrupted || exit_of(why, Effect::write) == Exit::unknown;
  if (directory_ && !before_ && !unknown) directory_->forget_sent(mark_);
}

Client::Outcome<SendingOnce> SendingOnce::begin(Client& client, const Directory& directory,
                                                const wallet::RequestMark& request) {
  SendingOnce out(directory, request);
  const base::Instant end = client.now() + kSendingPatience;
  const auto awaited = client.waits_for("another process that is sending for this wallet");
  while (!out.lock_) {
    auto lock = directory.lock_sending();
    if (lock.ok()) out.lock_ = std::move(lock).value();
    else if (lock.error().error.code != base::Code::unavailable || client.now() >= end) return lock.error();
    else if (const auto paused = client.pause(kSendingAgain); !paused.ok()) return paused.error();
  }
  auto before = directory.find_sent(request);
  if (!before.ok()) return before.error();
  out.before_ = std::move(before).value();
  return out;
}

}  // namespace troupe::apps::wallets
