#pragma once
// Objects that this thread has already verified: in a simulation all nodes hash the same few files repeatedly.
//
// Use     while a memo exists, verify_content() compares bytes with verified bytes of the same key, and hashes only new
//         bytes. This changes no result. The newest memo is used.
// Limits  kContentMemoBytesMax; the oldest are evicted.
// Owner   one thread, which also destroys its memos, newest first.
#include <deque>
#include <map>

#include "actors/files/api.hpp"
#include "runtime/base/bytes.hpp"

namespace troupe::files {

inline constexpr std::size_t kContentMemoBytesMax = 64 << 20;  // our choice: all files of most drawn runs

class ContentMemo {
 public:
  ContentMemo();
  ~ContentMemo();
  ContentMemo(const ContentMemo&) = delete;
  ContentMemo& operator=(const ContentMemo&) = delete;

  /// Returns this thread's memo, or null if there is none.
  static ContentMemo* here() { return here_; }

  /// Notes that `bytes` match `key`.
  void note(const ContentKey& key, base::ByteView bytes);
  bool knows(const ContentKey& key, base::ByteView bytes) const;

 private:
  static thread_local ContentMemo* here_;
  ContentMemo* const before_;
  std::map<ContentKey, base::Bytes> right_;
  std::deque<ContentKey> oldest_first_;
  std::size_t bytes_ = 0;
};

}  // namespace troupe::files
