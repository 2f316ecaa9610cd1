#pragma once
// Contents that this thread has already verified: in a simulation all nodes hash the same few files again and again.
//
// Use     while one lives, verify_content() compares bytes with those that had that key before, and hashes others. It
//         changes no answer. Of several, the newest is used.
// Limits  kContentMemoBytesMax; the oldest make room.
// Owner   one thread, which also ends it, the newest first.
#include <deque>
#include <map>

#include "actors/files/api.hpp"
#include "runtime/base/bytes.hpp"

namespace troupe::files {

inline constexpr std::size_t kContentMemoBytesMax = 64 << 20;  // our choice: all files of most drawn worlds

class ContentMemo {
 public:
  ContentMemo();
  ~ContentMemo();
  ContentMemo(const ContentMemo&) = delete;
  ContentMemo& operator=(const ContentMemo&) = delete;

  /// That of this thread; null if there is none.
  static ContentMemo* here() { return here_; }

  /// `bytes` are what `key` says.
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
