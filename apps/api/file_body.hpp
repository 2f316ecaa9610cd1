#pragma once
// The body of a request or response that is a file.
#include <algorithm>
#include <memory>
#include <optional>

#include "apps/cli/client.hpp"
#include "runtime/http/message.hpp"

namespace troupe::apps::api {

class FileBody final : public Transfer {
 public:
  FileBody(http::Exchange& exchange, std::shared_ptr<Cancel> cancel, http::Headers headers, bool range)
      : exchange_(exchange), cancel_(std::move(cancel)), headers_(std::move(headers)), range_(range) {}

  base::Result<std::size_t, Failure> read(std::span<std::uint8_t> into) override {
    auto got = exchange_.read(into);
    if (got.ok()) return got.value();
    unread_ = got.error();
    return Failure{got.error(), "nothing was stored under a content id"};
  }
  void begin(std::uint64_t bytes, std::uint64_t first, std::uint64_t file_bytes) override {
    begun_ = true;
    left_ = bytes;
    if (range_)
      headers_.emplace_back("Content-Range", "bytes " + std::to_string(first) + '-' +
                                                 std::to_string(first + bytes - 1) + '/' + std::to_string(file_bytes));
    exchange_.begin(range_ ? 206 : 200, headers_, bytes);
    if (exchange_.head().method == "HEAD") cancel_->cancel();
  }
  base::Result<void, Failure> write(base::ByteView bytes) override {
    left_ -= std::min<std::uint64_t>(left_, bytes.size());
    const auto sent = exchange_.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!sent.ok()) return Failure{sent.error()};
    return {};
  }
  /// Returns why the body could not be read.
  const std::optional<base::Error>& unread() const { return unread_; }
  bool begun() const { return begun_; }
  bool complete() const { return begun_ && (left_ == 0 || exchange_.head().method == "HEAD"); }

 private:
  http::Exchange& exchange_;
  const std::shared_ptr<Cancel> cancel_;
  http::Headers headers_;
  const bool range_;
  std::optional<base::Error> unread_;
  bool begun_ = false;
  std::uint64_t left_ = 0;
};

}  // namespace troupe::apps::api
