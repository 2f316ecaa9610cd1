#pragma once
// A client of the HTTP server that reads one response after the other, plain or over TLS.
#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>

#include "tests/runtime/os/http_client.hpp"

namespace troupe::test {

/// Tries again until `claim` is true; a bound for broken code.
inline bool eventually(const std::function<bool()>& claim) {
  for (int i = 0; i < 10'000; ++i) {
    if (claim()) return true;
    ::poll(nullptr, 0, 1);
  }
  return claim();
}

/// Whether `socket` takes more bytes within `patience`.
inline bool takes_more(const os::Descriptor& socket, std::chrono::milliseconds patience = kExchangeMax) {
  pollfd watched{socket.get(), POLLOUT, 0};
  return ::poll(&watched, 1, static_cast<int>(patience.count())) > 0;
}

/// Sends `bytes`, or the beginning that the other side takes before it ends the connection. Returns how many.
inline std::size_t put_all(const os::Descriptor& socket, std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t taken = ::send(socket.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (taken >= 0) sent += static_cast<std::size_t>(taken);
    else if (errno != EAGAIN) return sent;
    else if (!takes_more(socket)) FAIL("the other side neither reads nor ends the connection");
  }
  return sent;
}

/// One response.
struct Reply {
  int status = 0;      ///< zero: the connection ended before a whole head
  std::string head;    ///< with its last empty line
  std::string body;    ///< without its chunks
  bool whole = false;  ///< the body has its length, or its last chunk
  bool chunked = false;

  bool has(std::string_view line) const { return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos; }
};

/// Reads responses from `more`, which returns the next bytes, or none at the end of the connection.
class Replies {
 public:
  explicit Replies(std::function<std::string()> more) : more_(std::move(more)) {}

  enum class Body : std::uint8_t { as_its_head_says, none };
  Reply next(Body body = Body::as_its_head_says) {
    Reply out;
    const auto head = until("\r\n\r\n");
    if (!head) return out;
    out.head = *head;
    out.status = std::atoi(out.head.c_str() + sizeof "HTTP/1.1");
    out.chunked = out.has("Transfer-Encoding: chunked");
    if (body == Body::none || out.status == 100 || out.status == 204 || out.status == 304) {
      out.whole = true;
    } else if (out.chunked) {
      read_chunks(out);
    } else if (const std::size_t at = out.head.find("\r\nContent-Length: "); at != std::string::npos) {
      const std::size_t length = std::strtoul(out.head.c_str() + at + sizeof "\r\nContent-Length: " - 1, nullptr, 10);
      out.whole = take(length, out.body);
    } else {
      while (fill()) {
      }
      out.body = std::exchange(unread_, {});
      out.whole = true;
    }
    return out;
  }
  /// Whether the connection has ended, and nothing is unread.
  bool ended() { return unread_.empty() && !fill(); }

 private:
  bool fill() {
    const std::string more = more_();
    unread_ += more;
    return !more.empty();
  }
  std::optional<std::string> until(std::string_view mark) {
    while (unread_.find(mark) == std::string::npos)
      if (!fill()) return std::nullopt;
    const std::size_t end = unread_.find(mark) + mark.size();
    std::string out = unread_.substr(0, end);
    unread_.erase(0, end);
    return out;
  }
  /// Appends the next `bytes`, or all there are.
  bool take(std::size_t bytes, std::string& into) {
    while (unread_.size() < bytes && fill()) {
    }
    into += unread_.substr(0, bytes);
    const bool all = unread_.size() >= bytes;
    unread_.erase(0, bytes);
    return all;
  }
  void read_chunks(Reply& out) {
    while (const auto size = until("\r\n")) {
      const std::size_t bytes = std::strtoul(size->c_str(), nullptr, 16);
      std::string end;
      if (!take(bytes, out.body) || !take(2, end)) return;
      REQUIRE(end == "\r\n");
      if (bytes > 0) continue;
      out.whole = true;
      return;
    }
  }

  std::function<std::string()> more_;
  std::string unread_;
};

/// A connection that stays.
class Client {
 public:
  explicit Client(const base::Endpoint& to) : socket_(connected(to)) {}

  const os::Descriptor& socket() const { return socket_; }
  void put(std::string_view bytes) { test::put(socket_, bytes); }
  Reply next(Replies::Body body = Replies::Body::as_its_head_says) { return replies_.next(body); }
  bool ended() { return replies_.ended(); }
  Reply ask(std::string_view request) {
    put(request);
    return next();
  }
  void close() { socket_ = {}; }

 private:
  std::string more() {
    std::array<char, 65'536> room;
    while (true) {
      const std::array<int, 1> watched{socket_.get()};
      if (!os::Waker::readable(watched, kExchangeMax)[0]) FAIL("the server neither responds nor ends the connection");
      const ssize_t bytes = ::read(socket_.get(), room.data(), room.size());
      if (bytes < 0 && errno == EAGAIN) continue;
      return {room.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0};
    }
  }

  os::Descriptor socket_;
  Replies replies_{[this] { return more(); }};
};

/// A connection over TLS that checks no certificate.
class TlsClient {
 public:
  /// `ciphers`: of TLS 1.2 and older versions.
  explicit TlsClient(const base::Endpoint& to, int version_max = TLS1_3_VERSION, const char* ciphers = "DEFAULT")
      : socket_(connected(to)) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes with write()
    REQUIRE(::fcntl(socket_.get(), F_SETFL, 0) == 0);
    const timeval patience{std::chrono::seconds(kExchangeMax).count(), 0};
    REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    // Otherwise it does not even ask for TLS 1.1.
    ::SSL_CTX_set_cipher_list(context_.get(), (ciphers + std::string("@SECLEVEL=0")).c_str());
    ::SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    ::SSL_CTX_set_max_proto_version(context_.get(), version_max);
    tls_.reset(::SSL_new(context_.get()));
    ::SSL_set_fd(tls_.get(), socket_.get());
    ::ERR_clear_error();
    connected_ = ::SSL_connect(tls_.get()) == 1;
    if (!connected_) failure_ = ERR_GET_REASON(::ERR_peek_error());
  }

  bool is_connected() const { return connected_; }
  /// Returns the reason in OpenSSL's numbers why it is not connected.
  int failure() const { return failure_; }
  std::string version() const { return ::SSL_get_version(tls_.get()); }
  /// Returns the certificate of the server as PEM.
  std::string certificate() const {
    const std::unique_ptr<X509, Free> shown(::SSL_get1_peer_certificate(tls_.get()));
    const std::unique_ptr<BIO, Free> out(::BIO_new(::BIO_s_mem()));
    REQUIRE((shown && ::PEM_write_bio_X509(out.get(), shown.get()) == 1));
    char* bytes = nullptr;
    const long size = ::BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
  }

  void put(std::string_view bytes) { REQUIRE(try_put(bytes)); }
  bool try_put(std::string_view bytes) {
    return ::SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  Reply next() { return replies_.next(); }
  bool ended() { return replies_.ended(); }
  Reply ask(std::string_view request) {
    put(request);
    return next();
  }

 private:
  struct Free {
    void operator()(SSL_CTX* one) const { ::SSL_CTX_free(one); }
    void operator()(SSL* one) const { ::SSL_free(one); }
    void operator()(X509* one) const { ::X509_free(one); }
    void operator()(BIO* one) const { ::BIO_free_all(one); }
  };
  std::string more() {
    std::array<char, 16'384> room;
    const int bytes = ::SSL_read(tls_.get(), room.data(), static_cast<int>(room.size()));
    return {room.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0};
  }

  os::Descriptor socket_;
  std::unique_ptr<SSL_CTX, Free> context_{::SSL_CTX_new(::TLS_client_method())};
  std::unique_ptr<SSL, Free> tls_;
  bool connected_ = false;
  int failure_ = 0;
  Replies replies_{[this] { return more(); }};
};

}  // namespace troupe::test
