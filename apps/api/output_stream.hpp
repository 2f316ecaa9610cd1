#pragma once
// Output of a command that is sent while the command runs.
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <streambuf>
#include <string>

#include "apps/cli/client.hpp"
#include "runtime/http/message.hpp"

namespace troupe::apps::api {

inline constexpr std::size_t kOutputBytes = 16u << 10;      // our choice: output that is collected before it is sent
inline constexpr std::chrono::milliseconds kQuietMax{500};  // our choice: then a client wants to know that it watches

/// The output of a command that is sent while it runs.
class OutputStream final : public std::streambuf {
 public:
  OutputStream(http::Exchange& exchange, std::shared_ptr<Cancel> cancel, http::Headers headers)
      : exchange_(&exchange),
        cancel_(std::move(cancel)),
        headers_(std::move(headers)),
        began_(std::chrono::steady_clock::now()) {}

  /// Sends the head if the command has been silent for some time.
  void begin_if_quiet() {
    const std::lock_guard hold(lock_);
    if (exchange_ != nullptr && !begun_ && std::chrono::steady_clock::now() - began_ >= kQuietMax) send();
  }
  /// Ends the response: with `last` if something was sent, otherwise with `whole`.
  void end(const std::string& last, http::Response whole) {
    const std::lock_guard hold(lock_);
    if (!begun_ && text_.empty()) {
      exchange_->respond(std::move(whole));
    } else {
      text_ += last;
      send();
      exchange_->end();
    }
    exchange_ = nullptr;
  }

 protected:
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
  }
  std::streamsize xsputn(const char* from, std::streamsize count) override {
    const std::lock_guard hold(lock_);
    text_.append(from, static_cast<std::size_t>(count));
    if (text_.size() >= kOutputBytes) send();
    return broken_ ? 0 : count;
  }
  int sync() override {
    const std::lock_guard hold(lock_);
    if (!text_.empty()) send();
    return broken_ ? -1 : 0;
  }

 private:
  void send() {
    if (!std::exchange(begun_, true)) exchange_->begin(200, headers_, std::nullopt);
    if (!broken_ && !exchange_->write(text_).ok()) {
      broken_ = true;
      cancel_->cancel();
    }
    text_.clear();
  }

  std::mutex lock_;
  http::Exchange* exchange_;  // null once the response has ended
  const std::shared_ptr<Cancel> cancel_;
  const http::Headers headers_;
  const std::chrono::steady_clock::time_point began_;
  std::string text_;
  bool begun_ = false, broken_ = false;
};

/// Passes on the lines that the caller may read.
class FilterBuffer final : public std::streambuf {
 public:
  FilterBuffer(std::streambuf& to, std::function<std::string(const std::string&)> keep)
      : to_(to), keep_(std::move(keep)) {}

 protected:
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
  }
  std::streamsize xsputn(const char* from, std::streamsize count) override {
    line_.append(from, static_cast<std::size_t>(count));
    const std::size_t end = line_.rfind('\n');
    if (end == std::string::npos) return count;
    const std::string kept = keep_(line_.substr(0, end + 1));
    line_.erase(0, end + 1);
    const auto size = static_cast<std::streamsize>(kept.size());
    return to_.sputn(kept.data(), size) == size ? count : 0;
  }
  int sync() override { return to_.pubsync(); }

 private:
  std::streambuf& to_;
  const std::function<std::string(const std::string&)> keep_;
  std::string line_;
};

}  // namespace troupe::apps::api
