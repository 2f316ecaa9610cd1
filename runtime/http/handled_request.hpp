#pragma once
// One request in the thread of its handler: the Exchange that the handler sees.
//
// Safety  its connection belongs to the thread of the loop. A function of Exchange posts its work to that thread, and
//         waits for the result.
#include <array>
#include <cstdio>
#include <future>
#include <memory>
#include <string>

#include "runtime/http/connection.hpp"

namespace troupe::http {

template <class Stream>
class ConnectionOf<Stream>::HandledRequest final : public Exchange {
 public:
  explicit HandledRequest(std::shared_ptr<ConnectionOf> connection)
      : connection_(std::move(connection)),
        head_(connection_->head_),
        body_(std::move(connection_->body_)),
        gone_call_(std::make_shared<GoneCall>()) {
    connection_->gone_call_ = gone_call_;
  }

  const Head& head() const override { return head_; }
  std::string& body() override { return body_; }

  void on_gone(std::function<void()> what) override {
    if (!is_over()) gone_call_->set(std::move(what));
  }

  base::Outcome<std::size_t> read(std::span<std::uint8_t> into) override {
    if (!connection_->streamed_ || is_over() || into.empty()) return std::size_t{0};
    auto& parser = *connection_->streamed_;
    if (parser.is_done()) return std::size_t{0};
    auto& body = parser.get().body();
    body.data = into.data();
    body.size = into.size();
    const error_code why = wait([this](auto done) {
      connection_->limit_read(connection_->loop_.limits.body_timeout);
      bhttp::async_read(connection_->stream_, connection_->buffer_, *connection_->streamed_,
                        [connection = connection_, done = std::move(done)](
                            const error_code& error, std::size_t) mutable { done(connection->end_read(error)); });
    });
    if (why && why != bhttp::error::need_buffer) return error_of(why);
    return into.size() - body.size;
  }

  void respond(Response response) override {
    if (std::exchange(answered_, true)) return;
    asio::post(connection_->loop_.io, [connection = connection_, response = std::move(response)]() mutable {
      if (connection->closed_) return;
      if (connection->streamed_ && !connection->streamed_->is_done())
        connection->keeps_ = false;  // a part of its body was not read
      connection->answer(std::move(response));
    });
  }

  void begin(int status, Headers headers, std::optional<std::uint64_t> bytes) override {
    if (std::exchange(answered_, true)) return;
    begun_ = true;
    bodiless_ = head_.method == "HEAD" || status == 204 || status == 304;
    chunked_ = !bytes && connection_->chunks_;
    if (!bodiless_) left_ = bytes;
    if (bytes) headers.emplace_back("Content-Length", std::to_string(*bytes));
    else if (chunked_) headers.emplace_back("Transfer-Encoding", "chunked");
    head_text_ = head_text(status, headers);
  }

  base::Outcome<void> write(std::string_view part) override {
    if (broken_) return gone_error();
    if (bodiless_) part = {};
    if (part.empty() && head_text_.empty()) return {};
    if (left_ && part.size() > *left_) {
      broken_ = true;
      return Error{Code::malformed, "the body is longer than its length"};
    }
    if (left_) *left_ -= part.size();
    std::string before = std::exchange(head_text_, {});
    if (!before.empty()) before += connection_line() + "\r\n";
    std::string_view after;
    if (chunked_ && !part.empty()) {
      char size[24];
      std::snprintf(size, sizeof size, "%zx\r\n", part.size());
      before += size;
      after = "\r\n";
    }
    const std::array<asio::const_buffer, 3> parts{asio::buffer(before), asio::buffer(part.data(), part.size()),
                                                  asio::buffer(after.data(), after.size())};
    const error_code why = wait([this, &parts](auto done) {
      connection_->lowest().expires_after(connection_->loop_.limits.body_timeout);
      asio::async_write(connection_->stream_, parts,
                        [done = std::move(done)](const error_code& error, std::size_t) mutable { done(error); });
    });
    if (!why) return {};
    broken_ = true;
    return gone_error();
  }

  void end() override {
    if (!begun_ || std::exchange(ended_, true)) return;
    if (!write({}).ok()) return;
    if (left_.value_or(0) > 0) broken_ = true;
    if (chunked_ && !bodiless_) {
      static constexpr std::string_view kLast = "0\r\n\r\n";
      const error_code why = wait([this](auto done) {
        connection_->lowest().expires_after(connection_->loop_.limits.body_timeout);
        asio::async_write(connection_->stream_, asio::buffer(kLast.data(), kLast.size()),
                          [done = std::move(done)](const error_code& error, std::size_t) mutable { done(error); });
      });
      broken_ = broken_ || why;
    }
  }

  /// The handler has thrown.
  void fail() {
    if (!answered_) respond(connection_->refusal(500, "a bug in this program"));
  }
  /// It will not run.
  void cancelled() { answered_ = true; }

  /// The handler has returned.
  void finish() {
    if (!answered_) fail();
    if (!begun_) return;
    asio::post(connection_->loop_.io, [connection = connection_, whole = ended_ && !broken_] {
      if (connection->closed_) return;
      if (!whole) return connection->close();
      connection->release();
      if (connection->streamed_ && !connection->streamed_->is_done()) connection->keeps_ = false;
      connection->after_response();
    });
  }

 private:
  /// Whether the connection may be at its next request.
  bool is_over() const { return answered_ && (!begun_ || ended_); }
  std::string connection_line() const { return connection_->keeps_ ? "" : "Connection: close\r\n"; }

  /// Runs `start(done)` in the thread of the loop, and waits until it calls `done(error)`.
  template <class Start>
  error_code wait(Start start) {
    auto promise = std::make_shared<std::promise<error_code>>();
    auto outcome = promise->get_future();
    asio::post(connection_->loop_.io, [this, promise, &start] {
      if (connection_->closed_) return promise->set_value(asio::error::operation_aborted);
      start([promise](const error_code& error) { promise->set_value(error); });
    });
    return outcome.get();
  }

  const std::shared_ptr<ConnectionOf> connection_;
  const Head head_;  // the connection reads its next request while this handler still returns
  std::string body_;
  const std::shared_ptr<GoneCall> gone_call_;
  std::string head_text_;
  std::optional<std::uint64_t> left_;  // of a body whose length was given
  bool answered_ = false, begun_ = false, bodiless_ = false, chunked_ = false, ended_ = false, broken_ = false;
};

}  // namespace troupe::http
