#include "runtime/http/server.hpp"

#include <openssl/ssl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <condition_variable>
#include <deque>
#include <future>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <variant>

#include "runtime/http/workers.hpp"

namespace troupe::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;
using base::Code;
using base::Error;
using boost::system::error_code;

constexpr std::size_t kTargetBytesMax = 8u << 10;       // our choice, a common limit
constexpr std::size_t kReadAheadBytes = 64u << 10;      // our choice: of a streamed body, in the buffer of a connection
constexpr std::size_t kDrainedBytesMax = 8u << 20;      // our choice: of a body that nobody reads
constexpr std::chrono::seconds kDrainTimeout{2};        // our choice
constexpr std::chrono::seconds kEndPatience{1};         // our choice
constexpr std::chrono::seconds kLookEach{1};            // our choice: how soon a closed connection ends its command
constexpr std::chrono::milliseconds kCancelEach{100};   // our choice: until a read that is too slow has ended
constexpr std::chrono::milliseconds kAcceptPause{100};  // our choice: while no descriptor is free
constexpr int kBacklog = 1'024;
// Not boost::none: Beast 1.74 then finds each length too large.
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

bool same(std::string_view a, std::string_view b) { return beast::iequals({a.data(), a.size()}, {b.data(), b.size()}); }

base::Endpoint endpoint_of(const tcp::endpoint& from) {
  base::Endpoint out;
  const auto address = from.address();
  out.address = address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes()
                                : address.to_v6().to_bytes();
  out.port = from.port();
  return out;
}

std::string text_of(bhttp::status status) {
  const auto view = bhttp::obsolete_reason(status);
  return {view.data(), view.size()};
}

std::string head_text(int status, const Headers& headers) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + ' ' +
                    text_of(static_cast<bhttp::status>(static_cast<unsigned>(status))) + "\r\n";
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  return out;
}

Error gone_error() { return {Code::unavailable, "the client has closed the connection"}; }

Error error_of(const error_code& why) {
  if (why == beast::error::timeout) return {Code::timeout, "the client is too slow"};
  if (why == bhttp::error::body_limit) return {Code::no_space, "the body is too large"};
  if (why.category() == make_error_code(bhttp::error::bad_chunk).category() && why != bhttp::error::end_of_stream &&
      why != bhttp::error::partial_message)
    return {Code::malformed, "the body is invalid: " + why.message()};
  return gone_error();
}

/// What a handler wants to be called if its client goes.
class GoneCall {
 public:
  /// Calls `what` at once if the client has gone.
  void set(std::function<void()> what) {
    {
      const std::lock_guard hold(lock_);
      if (!gone_) return void(what_ = std::move(what));
    }
    what();
  }
  /// The client has gone.
  void call() {
    std::function<void()> what;
    {
      const std::lock_guard hold(lock_);
      gone_ = true;
      what_.swap(what);
    }
    if (what) what();
  }
  bool is_gone() const {
    const std::lock_guard hold(lock_);
    return gone_;
  }

 private:
  mutable std::mutex lock_;
  std::function<void()> what_;
  bool gone_ = false;
};

class Loop;

/// A connection, without the kind of its stream.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
  virtual ~Peer() = default;
  virtual void start() = 0;
  /// Notifies the handler that runs, if the client has gone.
  virtual void look() = 0;
  /// Notifies the handler that runs, because the server ends.
  virtual void cancel() = 0;
  virtual void close() = 0;
};

class Loop final : public Server {
 public:
  Loop(const Limits& given, Handler& handles)
      : limits(given),
        handler(handles),
        workers(given.running_max, given.queued_max),
        streams(given.streams_max, 0),
        timer_(io) {}
  ~Loop() override;

  std::optional<Error> open(const std::vector<Door>& doors);
  void run();
  std::vector<base::Endpoint> local() const override { return local_; }

  /// Forgets a connection that has ended.
  void leave(const std::shared_ptr<Peer>& peer, const base::Endpoint& from);
  bool ending() const { return ending_; }

  const Limits limits;
  Handler& handler;
  asio::io_context io{1};
  std::size_t waiting_bytes = 0;  // bodies that are not streamed
  std::set<std::shared_ptr<Peer>> running;
  Workers workers, streams;

 private:
  struct Listening {
    tcp::acceptor acceptor;
    std::shared_ptr<asio::ssl::context> tls;  // null: plain
  };
  void accept(std::size_t door);
  void admit(std::size_t door, tcp::socket socket);
  void look();

  std::vector<Listening> doors_;
  std::vector<base::Endpoint> local_;
  asio::steady_timer timer_;
  std::set<std::shared_ptr<Peer>> peers_;
  std::map<std::array<std::uint8_t, 16>, std::size_t> by_address_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

template <class Stream>
class PeerOf final : public Peer {
 public:
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

  template <class... Args>
  PeerOf(Loop& loop, std::size_t door, const base::Endpoint& from, tcp::socket socket, Args&... tls)
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
  class Run;

  std::shared_ptr<PeerOf> self() { return std::static_pointer_cast<PeerOf>(this->shared_from_this()); }
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
    if (head_.count("transfer-encoding") > 1 || (coding && !same(*coding, "chunked")))
      return refuse(400, "the only transfer coding is chunked");
    const auto length = head_.header("content-length");
    if (coding && length) return refuse(400, "a body has either a length or a coding");
    if (head_.count("content-length") > 1 ||
        (length && length->find_first_not_of("0123456789") != std::string_view::npos))
      return refuse(400, "a body has one length");
    if (message.version() == 11 && head_.count("host") != 1) return refuse(400, "a request has one Host");
    auto plan = loop_.handler.plan(head_);
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
    if (!same(*expected, "100-continue")) return refuse(417, "the expectation is unknown");
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
    auto run = std::make_shared<Run>(self());
    if (workers.add([this, run] { run_handler(*run); })) return;
    run->cancelled();
    loop_.running.erase(this->shared_from_this());
    if (has_body_ && streamed_) keeps_ = false;
    answer(refusal(503, "too many requests are being served"));
  }
  void run_handler(Run& run) {
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

/// One request, in the thread of its handler. Its peer belongs to the thread of the loop.
template <class Stream>
class PeerOf<Stream>::Run final : public Exchange {
 public:
  explicit Run(std::shared_ptr<PeerOf> peer)
      : peer_(std::move(peer)),
        head_(peer_->head_),
        body_(std::move(peer_->body_)),
        gone_call_(std::make_shared<GoneCall>()) {
    peer_->gone_call_ = gone_call_;
  }

  const Head& head() const override { return head_; }
  std::string& body() override { return body_; }

  void on_gone(std::function<void()> what) override {
    if (!is_over()) gone_call_->set(std::move(what));
  }

  base::Outcome<std::size_t> read(std::span<std::uint8_t> into) override {
    if (!peer_->streamed_ || is_over() || into.empty()) return std::size_t{0};
    auto& parser = *peer_->streamed_;
    if (parser.is_done()) return std::size_t{0};
    auto& body = parser.get().body();
    body.data = into.data();
    body.size = into.size();
    const error_code why = wait([this](auto done) {
      peer_->limit_read(peer_->loop_.limits.body_timeout);
      bhttp::async_read(peer_->stream_, peer_->buffer_, *peer_->streamed_,
                        [peer = peer_, done = std::move(done)](const error_code& error, std::size_t) mutable {
                          done(peer->end_read(error));
                        });
    });
    if (why && why != bhttp::error::need_buffer) return error_of(why);
    return into.size() - body.size;
  }

  void respond(Response response) override {
    if (std::exchange(answered_, true)) return;
    asio::post(peer_->loop_.io, [peer = peer_, response = std::move(response)]() mutable {
      if (peer->closed_) return;
      if (peer->streamed_ && !peer->streamed_->is_done()) peer->keeps_ = false;  // a part of its body was not read
      peer->answer(std::move(response));
    });
  }

  void begin(int status, Headers headers, std::optional<std::uint64_t> bytes) override {
    if (std::exchange(answered_, true)) return;
    begun_ = true;
    bodiless_ = head_.method == "HEAD" || status == 204 || status == 304;
    chunked_ = !bytes && peer_->chunks_;
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
      peer_->lowest().expires_after(peer_->loop_.limits.body_timeout);
      asio::async_write(peer_->stream_, parts,
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
        peer_->lowest().expires_after(peer_->loop_.limits.body_timeout);
        asio::async_write(peer_->stream_, asio::buffer(kLast.data(), kLast.size()),
                          [done = std::move(done)](const error_code& error, std::size_t) mutable { done(error); });
      });
      broken_ = broken_ || why;
    }
  }

  /// The handler has thrown.
  void fail() {
    if (!answered_) respond(peer_->refusal(500, "a bug in this program"));
  }
  /// It will not run.
  void cancelled() { answered_ = true; }

  /// The handler has returned.
  void finish() {
    if (!answered_) fail();
    if (!begun_) return;
    asio::post(peer_->loop_.io, [peer = peer_, whole = ended_ && !broken_] {
      if (peer->closed_) return;
      if (!whole) return peer->close();
      peer->release();
      if (peer->streamed_ && !peer->streamed_->is_done()) peer->keeps_ = false;
      peer->after_response();
    });
  }

 private:
  /// Whether the peer may be at its next request.
  bool is_over() const { return answered_ && (!begun_ || ended_); }
  std::string connection_line() const { return peer_->keeps_ ? "" : "Connection: close\r\n"; }

  /// Runs `start(done)` in the thread of the loop, and waits until it calls `done(error)`.
  template <class Start>
  error_code wait(Start start) {
    auto promise = std::make_shared<std::promise<error_code>>();
    auto outcome = promise->get_future();
    asio::post(peer_->loop_.io, [this, promise, &start] {
      if (peer_->closed_) return promise->set_value(asio::error::operation_aborted);
      start([promise](const error_code& error) { promise->set_value(error); });
    });
    return outcome.get();
  }

  const std::shared_ptr<PeerOf> peer_;
  const Head head_;  // the peer reads its next request while this handler still returns
  std::string body_;
  const std::shared_ptr<GoneCall> gone_call_;
  std::string head_text_;
  std::optional<std::uint64_t> left_;  // of a body whose length was given
  bool answered_ = false, begun_ = false, bodiless_ = false, chunked_ = false, ended_ = false, broken_ = false;
};

std::optional<Error> Loop::open(const std::vector<Door>& doors) {
  for (const Door& door : doors) {
    error_code why;
    tcp::resolver resolver(io);
    const auto found = resolver.resolve(door.at.host, std::to_string(door.at.port), why);
    if (why) return Error{Code::not_found, "unknown host " + door.at.host + ": " + why.message()};
    const tcp::endpoint at = found.begin()->endpoint();
    Listening listening{tcp::acceptor(io), nullptr};
    listening.acceptor.open(at.protocol(), why);
    if (!why) listening.acceptor.set_option(tcp::acceptor::reuse_address(true), why);
    if (!why) listening.acceptor.bind(at, why);
    if (!why) listening.acceptor.listen(kBacklog, why);
    if (why)
      return Error{why == asio::error::address_in_use ? Code::conflict : Code::refused,
                   "cannot listen at " + door.at.text() + ": " + why.message()};
    if (!door.certificate.empty()) {
      auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
      tls->set_options(asio::ssl::context::default_workarounds | SSL_OP_NO_RENEGOTIATION, why);
      ::SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
      ::SSL_CTX_set_mode(tls->native_handle(), SSL_MODE_RELEASE_BUFFERS);
      // Otherwise OpenSSL asks at the terminal.
      if (!why) tls->set_password_callback([](std::size_t, auto) { return std::string(); }, why);
      if (!why) tls->use_certificate_chain(asio::buffer(door.certificate), why);
      if (!why) tls->use_private_key(asio::buffer(door.key), asio::ssl::context::pem, why);
      if (why) return Error{Code::malformed, "the certificate or its key is invalid: " + why.message()};
      listening.tls = std::move(tls);
    }
    local_.push_back(endpoint_of(listening.acceptor.local_endpoint()));
    doors_.push_back(std::move(listening));
  }
  return std::nullopt;
}

void Loop::run() {
  for (std::size_t door = 0; door < doors_.size(); ++door) accept(door);
  look();
  thread_ = std::thread([this] { io.run(); });
}

void Loop::accept(std::size_t door) {
  doors_[door].acceptor.async_accept([this, door](const error_code& why, tcp::socket socket) {
    if (ending_ || why == asio::error::operation_aborted) return;
    if (!why) admit(door, std::move(socket));
    if (!why || why == asio::error::connection_aborted) return accept(door);
    // Descriptors or memory are used up: a short wait, because the waiting connection would be reported at once again.
    auto pause = std::make_shared<asio::steady_timer>(io, kAcceptPause);
    pause->async_wait([this, door, pause](const error_code&) {
      if (!ending_) accept(door);
    });
  });
}

void Loop::admit(std::size_t door, tcp::socket socket) {
  error_code why;
  const tcp::endpoint remote = socket.remote_endpoint(why);
  if (why) return;
  const base::Endpoint from = endpoint_of(remote);
  std::size_t& here = by_address_[from.address];
  if (peers_.size() >= limits.connections_max || (!from.is_loopback() && here >= limits.connections_per_address)) {
    if (here == 0) by_address_.erase(from.address);
    return;
  }
  ++here;
  socket.set_option(tcp::no_delay(true), why);
  std::shared_ptr<Peer> peer;
  if (const auto& tls = doors_[door].tls)
    peer = std::make_shared<PeerOf<beast::ssl_stream<beast::tcp_stream>>>(*this, door, from, std::move(socket), *tls);
  else peer = std::make_shared<PeerOf<beast::tcp_stream>>(*this, door, from, std::move(socket));
  peers_.insert(peer);
  peer->start();
}

void Loop::leave(const std::shared_ptr<Peer>& peer, const base::Endpoint& from) {
  if (peers_.erase(peer) == 0) return;
  running.erase(peer);
  const auto here = by_address_.find(from.address);
  if (here != by_address_.end() && --here->second == 0) by_address_.erase(here);
}

void Loop::look() {
  timer_.expires_after(kLookEach);
  timer_.async_wait([this](const error_code& why) {
    if (why || ending_) return;
    for (const auto& peer : std::set(running)) peer->look();
    look();
  });
}

Loop::~Loop() {
  auto work = asio::make_work_guard(io);  // handlers may still wait for the loop
  ending_ = true;
  asio::post(io, [this] {
    for (Listening& door : doors_) door.acceptor.close();
    for (const auto& peer : std::set(peers_)) running.contains(peer) ? peer->cancel() : peer->close();
    timer_.expires_after(kEndPatience);  // for the handlers that now end their responses
    timer_.async_wait([this](const error_code& why) {
      if (why) return;
      for (const auto& peer : std::set(peers_)) peer->close();
    });
  });
  workers.end();
  streams.end();
  asio::post(io, [this] {
    timer_.cancel();
    for (const auto& peer : std::set(peers_)) peer->close();
  });
  work.reset();
  if (thread_.joinable()) thread_.join();
}

}  // namespace

std::optional<std::string_view> Head::header(std::string_view name) const {
  for (const auto& [known, value] : headers)
    if (same(known, name)) return value;
  return std::nullopt;
}

std::size_t Head::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(headers, [&](const auto& header) { return same(header.first, name); }));
}

base::Outcome<std::unique_ptr<Server>> Server::serve(std::vector<Door> doors, const Limits& limits, Handler& handler) {
  auto loop = std::make_unique<Loop>(limits, handler);
  if (auto wrong = loop->open(doors)) return *wrong;
  loop->run();
  return std::unique_ptr<Server>(std::move(loop));
}

}  // namespace troupe::http
