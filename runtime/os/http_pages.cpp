#include "runtime/os/http_pages.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <list>
#include <map>
#include <thread>
#include <utility>

#include "runtime/base/address_group.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/os/descriptor.hpp"
#include "runtime/os/sockets.hpp"

namespace troupe::os {
namespace {

using Moment = std::chrono::steady_clock::time_point;

constexpr std::string_view kRequestEnd = "\r\n\r\n";
constexpr std::size_t kReadBytes = 4'096;
constexpr std::size_t kIgnoredBytesMax = 64 * 1'024;          // our choice: an unexpected body
constexpr std::chrono::milliseconds kWithoutDescriptor{100};  // our choice: the delay before a retry

/// One client: its request arrives, its response is sent, then the server waits for the client's end of the connection.
/// Closing with unread bytes would destroy the response.
struct Connection {
  enum class State : std::uint8_t { request, answer, farewell, over };
  Descriptor socket;
  Moment due;
  base::AddressGroup group;
  base::AddressGroup line;
  State state = State::request;
  std::string bytes{};   // of the request, or of the response
  std::size_t done = 0;  // bytes of the response that are sent, then ignored bytes
};

/// Returns the bytes that can be read now; nullopt if the connection has ended. Empty: none yet.
std::optional<std::string_view> receive(const Descriptor& socket, std::array<char, kReadBytes>& room) {
  const ssize_t bytes = ::recv(socket.get(), room.data(), room.size(), 0);
  if (bytes > 0) return std::string_view(room.data(), static_cast<std::size_t>(bytes));
  if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return std::string_view();
  return std::nullopt;
}

}  // namespace

class HttpPages::Loop {
 public:
  Loop(Descriptor listener, Descriptor bell, HttpPageMap pages, HttpLimits limits)
      : local(local_endpoint(listener.get())),
        listener_(std::move(listener)),
        bell_(std::move(bell)),
        pages_(std::move(pages)),
        limits_(limits) {
    base::ensure(limits_.connections_max > 0, "a server takes some connection");
    thread_ = std::thread([this] { run(); });
  }
  ~Loop() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(bell_.get(), &one, sizeof one);  // a new counter accepts it
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  const base::Endpoint local;

 private:
  void run() {
    while (true) {
      const Moment before = std::chrono::steady_clock::now();
      const bool accepts = before >= accepts_again_;
      std::vector<pollfd> all{{bell_.get(), POLLIN, 0}, {accepts ? listener_.get() : -1, POLLIN, 0}};
      Moment wake = accepts ? Moment::max() : accepts_again_;
      for (const Connection& one : connections_) {
        const bool sends = one.state == Connection::State::answer;
        all.push_back({one.socket.get(), static_cast<short>(sends ? POLLOUT : POLLIN), 0});
        wake = std::min(wake, one.due);
      }
      ::poll(all.data(), all.size(), milliseconds_until(wake, before));
      if (all[0].revents != 0) return;
      const Moment now = std::chrono::steady_clock::now();
      auto asked = all.begin() + 2;
      for (Connection& one : connections_)
        if ((asked++)->revents != 0) advance(one, now);
      std::erase_if(connections_,
                    [now](const Connection& one) { return one.state == Connection::State::over || one.due <= now; });
      if (all[1].revents != 0) accept(now);
    }
  }

  static int milliseconds_until(Moment wake, Moment now) {
    if (wake == Moment::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(wake - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
  }

  /// Accepts at most `connections_max` connections at a time, so that the existing connections get their turn.
  void accept(Moment now) {
    for (std::size_t count = 0; count < limits_.connections_max; ++count) {
      Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket.valid()) {
        const bool none_left = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        if (none_left) accepts_again_ = now + kWithoutDescriptor;  // otherwise the loop would spin
        return;
      }
      const base::Endpoint from = remote_endpoint(socket.get());
      connections_.push_back({std::move(socket), now + limits_.request, base::group_of(from), base::line_of(from)});
      if (connections_.size() > limits_.connections_max) connections_.erase(oldest_of_the_most());
    }
  }

  /// Returns the oldest connection of the address that has most, in the group that has most. So hanging or looping
  /// clients evict only others of their own group, and a client with a prompt request is served in spite of them.
  std::list<Connection>::iterator oldest_of_the_most() {
    std::map<base::AddressGroup, std::size_t> groups, lines;
    for (const Connection& one : connections_) {
      ++groups[one.group];
      ++lines[one.line];
    }
    return std::ranges::max_element(
        connections_, {}, [&](const Connection& one) { return std::pair(groups[one.group], lines[one.line]); });
  }

  void advance(Connection& one, Moment now) {
    if (one.state == Connection::State::request) read_request(one, now);
    if (one.state == Connection::State::answer) send_answer(one);
    else if (one.state == Connection::State::farewell) await_end(one);
  }

  void read_request(Connection& one, Moment now) {
    const auto more = receive(one.socket, room_);
    if (!more) return void(one.state = Connection::State::over);
    const std::size_t seen = one.bytes.size();
    one.bytes += *more;
    const std::size_t from = seen < kRequestEnd.size() ? 0 : seen - kRequestEnd.size() + 1;
    const std::size_t found = one.bytes.find(kRequestEnd, from);
    const bool whole = found != std::string::npos;
    const std::size_t size = whole ? found + kRequestEnd.size() : one.bytes.size();
    if (!whole && size <= kRequestBytesMax) return;
    one.bytes = size > kRequestBytesMax ? std::string(http_too_long())
                                        : http_answer(pages_, std::string_view(one.bytes).substr(0, size));
    one.state = Connection::State::answer;
    one.due = now + limits_.answer;
  }

  void send_answer(Connection& one) {
    while (one.done < one.bytes.size()) {
      const ssize_t sent =
          ::send(one.socket.get(), one.bytes.data() + one.done, one.bytes.size() - one.done, MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (sent <= 0) return void(one.state = Connection::State::over);
      one.done += static_cast<std::size_t>(sent);
    }
    ::shutdown(one.socket.get(), SHUT_WR);
    one.bytes = {};
    one.done = 0;
    one.state = Connection::State::farewell;
  }

  void await_end(Connection& one) {
    const auto more = receive(one.socket, room_);
    if (more) one.done += more->size();
    if (!more || one.done > kIgnoredBytesMax) one.state = Connection::State::over;
  }

  const Descriptor listener_;
  const Descriptor bell_;
  const HttpPageMap pages_;
  const HttpLimits limits_;
  std::list<Connection> connections_;  // the oldest first
  Moment accepts_again_{};             // set while the process has no descriptor left
  std::array<char, kReadBytes> room_{};
  std::thread thread_;
};

base::Outcome<std::unique_ptr<HttpPages>> HttpPages::serve(const base::HostPort& at, HttpPageMap pages,
                                                           HttpLimits limits) {
  auto listener = listen_tcp(at);
  if (!listener.ok()) return listener.error();
  Descriptor bell(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!bell.valid()) return base::Error{base::Code::overloaded, "no descriptor is left: " + reason(errno)};
  try {
    return std::unique_ptr<HttpPages>(
        new HttpPages(std::make_unique<Loop>(std::move(listener).value(), std::move(bell), std::move(pages), limits)));
  } catch (const std::system_error& none) {  // the only error report of std::thread
    return base::Error{base::Code::overloaded, std::string("no thread is left: ") + none.what()};
  }
}

HttpPages::HttpPages(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
HttpPages::~HttpPages() = default;

const base::Endpoint& HttpPages::local() const { return loop_->local; }

}  // namespace troupe::os
