#include "runtime/net/served.hpp"

namespace troupe::net {

bool ServedBytes::take(Sort sort, const User& user, std::size_t bytes) {
  if (bytes >= kSharedMin) {
    const std::lock_guard hold(lock_);
    if (!shares(sort).fits(user, bytes)) return false;
    shares(sort).hold(user, bytes);
  }
  all_.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

void ServedBytes::give_back(Sort sort, const User& user, std::size_t bytes) {
  all_.fetch_sub(bytes, std::memory_order_relaxed);
  if (bytes < kSharedMin) return;
  const std::lock_guard hold(lock_);
  shares(sort).release(user, bytes);
}

bool Served::charge(Account& account, runtime::Envelope& envelope) {
  const std::size_t bytes = envelope.bytes().size();
  if (!all_->take(account.sort, user_, bytes)) return false;
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  account.count.fetch_add(1, std::memory_order_relaxed);
  envelope.charge({shared_from_this(), &account});
  return true;
}

void Served::Account::freed(std::size_t bytes) noexcept {
  count.fetch_sub(1, std::memory_order_relaxed);
  of.bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  of.all_->give_back(sort, of.user_, bytes);
}

}  // namespace troupe::net
