#pragma once
// One connection: waits for a request, reads its head and body, runs its handler, sends the response, and waits again.
//
// Owner   the thread of the loop. HandledRequest (handled_request.hpp) is the part in the thread of a handler.
#include <poll.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/http/gone_call.hpp"
#include "runtime/http/loop.hpp"

namespace troupe::http {

inline constexpr std::size_t kTargetBytesMax = 8u << 10;  // our choice, a common limit
inline constexpr std::size_t kReadAheadBytes = 64u
                                               << 10;  // our choice: of a streamed body, in the buffer of a connection
inline constexpr std::size_t kDrainedBytesMax = 8u << 20;     // our choice: of a body that nobody reads
inline constexpr std::chrono::seconds kDrainTimeout{2};       // our choice
inline constexpr std::chrono::milliseconds kCancelEach{100};  // our choice: until a read that is too slow has ended
// Not boost::none: Beast 1.74 then finds each length too large.
inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// `Stream`: beast::tcp_stream, or one over TLS.
template <class Stream>
class ConnectionOf final : public Connection {
 public:
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

  template <class... Args>
  ConnectionOf(Loop& loop, std::size_t door, const base::Endpoint& from, tcp::socket socket, Args&... tls)
      : loop_(loop), door_(door), from_(from), stream_(std::move(socket), tls...), read_timer_(loop.io) {
    buffer_.max_size(loop_.limits.header_bytes_max + kReadAheadBytes);
  }

  void start() override {
    if constexpr (kTls) {
      lowest().expires_after(loop_.limits.head_timeout);
      stream_.async_handshake(asio::ssl::stream_base::server, [self = self()](const error_code& why) {
        if (why) return self->close();
        self->next(self->loop_.limits.head_timeout);
      });
    } else {
      next(loop_.limits.head_timeout);
    }
  }

  void look() override {
    if (!gone_call_ || gone_call_->is_gone()) return;
    pollfd watched{lowest().socket().native_handle(), POLLRDHUP, 0};
    if (::poll(&watched, 1, 0) > 0 && (watched.revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0) gone();
  }

  void cancel() override { gone(); }

  void close() override {
    if (std::exchange(closed_, true)) return;
    gone();
    read_timer_.cancel();
    error_code ignored;
    lowest().socket().shutdown(tcp::socket::shutdown_both, ignored);
    lowest().close();
    loop_.leave(self(), from_);
  }

 private:
  class HandledRequest;

  std::shared_ptr<ConnectionOf> self() { return std::static_pointer_cast<ConnectionOf>(this->shared_from_this()); }
  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  /// Cancels the read that starts now if it is too slow. The timer of the stream would close the socket, so that 408
  /// could not be sent.
  void limit_read(base::Duration patience) {
    lowest().expires_never();
    read_is_late_ = false;
    cancel_read_after(patience);
  }
  void cancel_read_after(base::Duration patience) {
    read_timer_.expires_after(patience);
    read_timer_.async_wait([self = self(), read = reads_](const error_code& why) {
      if (why || read != self->reads_) return;
      self->read_is_late_ = true;
      self->lowest().cancel();
      self->cancel_read_after(kCancelEach);  // a part may just have arrived, and then the read continues
    });
  }
  /// Returns how a limited read ended.
  error_code end_read(const error_code& why) {
    ++reads_;
    read_timer_.cancel();
    return why && read_is_late_ ? make_error_code(beast::error::timeout) : why;
  }

  /// Waits for the first byte of a request.
  void next(base::Duration patience) {
    head_ = {};
    streamed_.reset();
    whole_.reset();
    parser_.emplace();
    parser_->body_limit(kNoLimit);  // each plan has its own
    parser_->header_limit(static_cast<std::uint32_t>(loop_.limits.header_bytes_max));
    if (buffer_.size() > 0) return read_head();
    lowest().expires_after(patience);
    stream_.async_read_some(buffer_.prepare(4'096), [self = self()](const error_code& why, std::size_t bytes) {
      if (why || self->loop_.ending()) return self->close();
      self->buffer_.commit(bytes);
      self->read_head();
    });
  }

  void read_head() {
    limit_read(loop_.limits.head_timeout);
    bhttp::async_read_header(stream_, buffer_, *parser_, [self = self()](const error_code& error, std::size_t bytes) {
      const error_code why = self->end_read(error);
      if (why == beast::error::timeout) return self->refuse(408, "the head of the request took too long");
      if (why == bhttp::error::header_limit || why == bhttp::error::buffer_overflow)
        return self->parser_->got_some() && self->has_line() ? self->refuse(431, "the headers are too large")
                                                             : self->refuse(414, "the path is too long");
      if (why == bhttp::error::end_of_stream || why == asio::error::eof || why == asio::error::connection_reset)
        return self->close();
      if (why == bhttp::error::bad_version) return self->refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken");
      if (why) return self->refuse(400, "the request is invalid: " + why.message());
      self->take_head(bytes);
    });
  }
  bool has_line() const {
    const std::string_view bytes(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    return !parser_->get().target().empty() || bytes.find('\n') != std::string_view::npos;
  }

  void take_head(std::size_t bytes) {
    const auto& message = parser_->get();
    head_.method = std::string(message.method_string());
    head_.target = std::string(message.target());
    for (const auto& field : message) head_.headers.emplace_back(field.name_string(), field.value());
    head_.from = from_;
    head_.door = door_;
    chunks_ = message.version() == 11;
    keeps_ = chunks_ && message.keep_alive();
    if (head_.target.size() > kTargetBytesMax) return refuse(414, "the path is too long");
    // Beast limits the request line and the headers separately.
    if (bytes > loop_.limits.header_bytes_max) return refuse(431, "the headers are too large");
    const auto coding = head_.header("transfer-encoding");
    if (head_.count("transfer-encoding") > 1 || (coding && !same_name(*coding, "chunked")))
      return refuse(400, "the only transfer coding is chunked");
    const auto length = head_.header("content-length");
    if (coding && length) return refuse(400, "a body has either a length or a coding");
    if (head_.count("content-length") > 1 ||
        (length && length->find_first_not_of("0123456789") != std::string_view::npos))
      return refuse(400, "a body has one length");
    if (message.version() == 11 && head_.count("host") != 1) return refuse(400, "a request has one Host");
    auto plan = loop_.handler.plan(head_);
    head_.context = std::move(plan.context);
    has_body_ = coding.has_value() || parser_->content_length_remaining().value_or(0) > 0;
    if (plan.answer) {
      if (has_body_) keeps_ = false;
      return answer(std::move(*plan.answer));
    }
    if (plan.streams) return begin_stream();
    read_body();
  }

  void read_body() {
    if (!has_body_) return dispatch(loop_.workers);
    const std::uint64_t length = parser_->content_length_remaining().value_or(loop_.limits.body_bytes_max);
    if (length > loop_.limits.body_bytes_max) return refuse(413, "the body is too large");
    if (loop_.waiting_bytes + length > loop_.limits.waiting_bytes_max) return refuse(503, "too many bodies arrive");
    held_bytes_ = static_cast<std::size_t>(length);
    loop_.waiting_bytes += held_bytes_;
    whole_.emplace(std::move(*parser_));
    whole_->body_limit(loop_.limits.body_bytes_max);
    proceed([self = self()] {
      self->limit_read(self->loop_.limits.body_timeout);
      bhttp::async_read(self->stream_, self->buffer_, *self->whole_, [self](const error_code& error, std::size_t) {
        const error_code why = self->end_read(error);
        if (why == beast::error::timeout) return self->refuse(408, "the body took too long");
        if (why == bhttp::error::body_limit) return self->refuse(413, "the body is too large");
        if (why && error_of(why).code == Code::malformed) return self->refuse(400, error_of(why).message);
        if (why) return self->close();
        self->body_ = std::move(self->whole_->get().body());
        self->dispatch(self->loop_.workers);
      });
    });
  }

  /// Answers `Expect: 100-continue`, then continues.
  template <class Then>
  void proceed(Then then) {
    const auto expected = head_.header("expect");
    if (!expected) return then();
    if (!same_name(*expected, "100-continue")) return refuse(417, "the expectation is unknown");
    if (buffer_.size() > 0) return then();  // the client did not wait
    lowest().expires_after(loop_.limits.body_timeout);
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue.data(), kContinue.size()),
                      [self = self(), then](const error_code& why, std::size_t) {
                        if (why) return self->close();
                        then();
                      });
  }

  void begin_stream() {
    streamed_.emplace(std::move(*parser_));
    streamed_->body_limit(kNoLimit);
    proceed([self = self()] { self->dispatch(self->loop_.streams); });
  }

  void dispatch(Workers& workers) {
    loop_.running.insert(this->shared_from_this());
    lowest().expires_never();
    auto run = std::make_shared<HandledRequest>(self());
    if (workers.add([this, run] { run_handler(*run); })) return;
    run->cancelled();
    loop_.running.erase(this->shared_from_this());
    if (has_body_ && streamed_) keeps_ = false;
    answer(refusal(503, "too many requests are being served"));
  }
  void run_handler(HandledRequest& run) {
    try {
      loop_.handler.handle(run);
    } catch (const std::exception&) {
      run.fail();
    }
    run.finish();
  }

  Response refusal(int status, const std::string& why) {
    Response out = loop_.handler.refusal(status, why);
    if (status == 503) out.headers.emplace_back("Retry-After", "1");
    return out;
  }
  void refuse(int status, const std::string& why) {
    keeps_ = false;
    answer(refusal(status, why));
  }

  /// Sends a whole response, in the thread of the loop.
  void answer(Response response) {
    release();
    if (loop_.ending()) keeps_ = false;
    out_ = head_text(response.status, response.headers);
    const bool bodiless = response.status == 204 || response.status == 304;
    if (!bodiless) out_ += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    if (!keeps_) out_ += "Connection: close\r\n";
    out_ += "\r\n";
    if (head_.method != "HEAD" && !bodiless) out_ += response.body;
    lowest().expires_after(loop_.limits.body_timeout);
    asio::async_write(stream_, asio::buffer(out_), [self = self()](const error_code& why, std::size_t) {
      if (why) return self->close();
      self->out_.clear();
      self->after_response();
    });
  }

  void after_response() {
    if (keeps_) return next(loop_.limits.idle_timeout);
    linger();
  }

  /// Reads what the client still sends, so that the response is not lost by a reset.
  void linger() {
    buffer_.clear();
    lowest().expires_after(kDrainTimeout);
    if constexpr (kTls) {
      // An error: the client still sends data.
      stream_.async_shutdown([self = self()](const error_code& why) { why ? self->drain() : self->close(); });
    } else {
      drain();
    }
  }
  void drain() {
    error_code ignored;
    lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
    drain(0);
  }
  void drain(std::size_t drained) {
    if (drained > kDrainedBytesMax) return close();
    lowest().async_read_some(buffer_.prepare(4'096),
                             [self = self(), drained](const error_code& why, std::size_t bytes) {
                               if (why) return self->close();
                               self->drain(drained + bytes);
                             });
  }

  /// Ends the use of what a request holds.
  void release() {
    loop_.running.erase(this->shared_from_this());
    loop_.waiting_bytes -= std::exchange(held_bytes_, 0);
    gone_call_.reset();
    body_.clear();
    body_.shrink_to_fit();
  }
  void gone() {
    if (gone_call_) gone_call_->call();
    loop_.waiting_bytes -= std::exchange(held_bytes_, 0);
  }

  Loop& loop_;
  const std::size_t door_;
  const base::Endpoint from_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<bhttp::request_parser<bhttp::empty_body>> parser_;
  std::optional<bhttp::request_parser<bhttp::string_body>> whole_;
  std::optional<bhttp::request_parser<bhttp::buffer_body>> streamed_;
  Head head_;
  std::string body_, out_;
  bool has_body_ = false, keeps_ = false, closed_ = false;
  bool chunks_ = false;  // the client knows chunked bodies
  std::size_t held_bytes_ = 0;
  std::shared_ptr<GoneCall> gone_call_;  // of the handler that runs
  asio::steady_timer read_timer_;
  std::uint64_t reads_ = 0;  // that have ended
  bool read_is_late_ = false;
};

}  // namespace troupe::http
