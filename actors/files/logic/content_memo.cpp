#include "actors/files/logic/content_memo.hpp"

#include <cstring>

namespace troupe::files {

thread_local ContentMemo* ContentMemo::here_ = nullptr;

ContentMemo::ContentMemo() : before_(here_) { here_ = this; }
ContentMemo::~ContentMemo() { here_ = before_; }

void ContentMemo::note(const ContentKey& key, base::ByteView bytes) {
  if (!right_.try_emplace(key, bytes.begin(), bytes.end()).second) return;
  oldest_first_.push_back(key);
  bytes_ += bytes.size();
  while (bytes_ > kContentMemoBytesMax) {
    const auto oldest = right_.find(oldest_first_.front());
    bytes_ -= oldest->second.size();
    right_.erase(oldest);
    oldest_first_.pop_front();
  }
}

bool ContentMemo::knows(const ContentKey& key, base::ByteView bytes) const {
  const auto found = right_.find(key);
  return found != right_.end() && found->second.size() == bytes.size() &&
         std::memcmp(found->second.data(), bytes.data(), bytes.size()) == 0;
}

}  // namespace troupe::files
