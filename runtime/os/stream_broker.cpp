#include "runtime/os/stream_broker.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>
#include <caf/io/receive_policy.hpp>
#include <cerrno>

#include "runtime/os/sockets.hpp"
#include "runtime/ports/events.hpp"

namespace troupe::os {

/// The number of bytes in the owner's queue; credits in any thread count it down.
struct StreamBroker::Unread {
  std::atomic<std::size_t> bytes{0};
  std::atomic<bool> waiting{false};  // the broker has stopped reading because of them
  caf::weak_actor_ptr broker;
  const std::shared_ptr<Links> links;

  explicit Unread(std::shared_ptr<Links> of) : links(std::move(of)) {}
  void add(std::size_t size) {
    bytes.fetch_add(size);
    links->unread.fetch_add(size);
  }
  void handled(std::size_t size) {
    links->unread.fetch_sub(size);
    const std::size_t left = bytes.fetch_sub(size) - size;
    if (left <= kUnreadMax / 2 && waiting.load() && waiting.exchange(false)) give(broker, Command::go_on);
  }
};

namespace {

void tell(const caf::weak_actor_ptr& owner, ports::StreamEvent event) {
  ports::deliver(caf::actor_cast<runtime::Handle>(owner), std::move(event));
}

}  // namespace

StreamBroker::StreamBroker(caf::actor_config& config, Start start)
    : caf::io::broker(config),
      links_(std::move(start.links)),
      slot_(std::move(start.slot)),
      scribe_(std::move(start.scribe)),
      owner_(std::move(start.owner)),
      handle_(scribe_->hdl()),
      socket_(static_cast<int>(handle_.id())),
      unread_(std::make_shared<Unread>(links_)) {}

StreamBroker::~StreamBroker() = default;

caf::behavior StreamBroker::make_behavior() {
  if (!links_->join(ctrl())) {
    ended_ = true;
    tell(owner_, ports::Closed{"the network is closed"});
    quit();
    return {};
  }
  unread_->broker = caf::weak_actor_ptr(ctrl());
  add_scribe(std::move(scribe_));
  ack_writes(handle_, true);
  configure_read(handle_, caf::io::receive_policy::at_most(window_));
  trigger(handle_, 1);
  reading_ = true;
  return {
      [this](caf::io::new_data_msg& data) { received(data); },
      [this](const caf::io::data_transferred_msg& sent) { written(sent.written); },
      [this](const caf::io::connection_closed_msg&) { closed(); },
      [this](const caf::io::connection_passivated_msg&) { reading_ = false; },
      [this](BrokerCommand& order) { obey(order); },
      [this](ports::WakeUp) { wake_up(); },
  };
}

bool StreamBroker::cleanup(caf::error&& reason, caf::execution_unit* host) {
  const bool first = caf::io::broker::cleanup(std::move(reason), host);
  scribe_ = nullptr;
  slot_ = nullptr;
  links_->leave(id());
  return first;
}

void StreamBroker::obey(BrokerCommand& order) {
  if (order.command == Command::leave) return quit();
  if (ended_) return;
  switch (order.command) {
    case Command::write: return write(std::move(order.bytes));
    case Command::own: owner_ = std::move(order.owner); return;
    case Command::pause:
      paused_ = true;  // a read in progress is still delivered
      return;
    case Command::resume: paused_ = false; return read_on();
    case Command::close: return close();
    case Command::abandon: return abandon();
    case Command::forget: owner_ = nullptr; return close();
    case Command::abort: return abort("the network is closed");
    case Command::go_on: return read_on();
    case Command::leave: return;
  }
}

void StreamBroker::received(caf::io::new_data_msg& data) {
  const std::size_t size = data.buf.size();
  if (!closing_ && owner_) {
    unread_->add(size);
    ports::Received event;
    const auto* first = reinterpret_cast<const std::uint8_t*>(data.buf.data());
    event.bytes.assign(first, first + size);
    const auto handled = [unread = unread_, size](const void*) { unread->handled(size); };
    event.credit = std::shared_ptr<const void>(static_cast<const void*>(this), handled);
    tell(owner_, std::move(event));
  }
  const std::size_t unread = links_->unread.load();
  if (unread >= links_->unread_max && window_ > kWindowMin) {
    shrink();
  } else if (size == window_) {
    filled_lately_ = true;
    if (window_ < kWindowMax && unread < links_->unread_max / 2) {
      if (window_ == kWindowMin) arm(links_->clock().now() + kIdleAfter);
      window_ *= 2;
      configure_read(handle_, caf::io::receive_policy::at_most(window_));
    }
  }
  reading_ = may_read();
  if (reading_) trigger(handle_, 1);
}

/// Whether the next read is allowed. If it is not because of the owner's queue, the owner's credits resume it.
bool StreamBroker::may_read() {
  if (closing_) return true;
  if (paused_) return false;
  if (is_welcome(unread_->bytes.load())) return true;
  unread_->waiting.store(true);
  // The last credit may have come back between the two lines above.
  const std::size_t left = unread_->bytes.load();
  return left <= kUnreadMax / 2 && is_welcome(left) && unread_->waiting.exchange(false);
}

/// Whether more may be read while `waiting` bytes of this stream wait.
bool StreamBroker::is_welcome(std::size_t waiting) const {
  if (waiting == 0) return true;  // whatever other streams have read
  return waiting < kUnreadMax && links_->unread.load() < links_->unread_max;
}

void StreamBroker::read_on() {
  if (reading_ || resuming_ || ended_ || !may_read()) return;
  resuming_ = true;
  const caf::strong_actor_ptr self = ctrl();
  backend().post([self, this] {
    resuming_ = false;
    if (reading_ || ended_ || !valid(handle_) || !may_read()) return;
    reading_ = true;
    trigger(handle_, 1);
  });
}

void StreamBroker::write(base::Bytes bytes) {
  if (closing_ || !valid(handle_) || bytes.empty()) return;
  unwritten_ += bytes.size();
  queue_.push_back(std::move(bytes));
  if (handed_ == 0) write_on();
}

/// Called while CAF's buffer is empty. Bytes that the kernel accepts at once need not go through it.
void StreamBroker::write_on() {
  while (!queue_.empty()) {
    std::array<iovec, kPiecesMax> pieces;
    std::size_t count = 0, offered = 0;
    for (const base::Bytes& one : queue_) {
      if (count == pieces.size()) break;
      const auto rest = base::ByteView(one).subspan(count == 0 ? front_written_ : 0);
      pieces[count++] = {const_cast<std::uint8_t*>(rest.data()), rest.size()};
      offered += rest.size();
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const ssize_t taken = ::sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken > 0) {
      unwritten_ -= static_cast<std::size_t>(taken);
      drop(static_cast<std::size_t>(taken));
      tell(owner_, ports::Written{static_cast<std::size_t>(taken)});
    }
    if (taken == static_cast<ssize_t>(offered)) continue;
    // An error of the socket occurs again when CAF writes the rest, and ends the stream there.
    std::vector<char>& buffer = wr_buf(handle_);
    while (!queue_.empty() && handed_ < kHandedMax) {
      const auto rest = base::ByteView(queue_.front()).subspan(front_written_);
      const auto part = rest.first(std::min(rest.size(), kHandedMax - handed_));
      buffer.insert(buffer.end(), part.begin(), part.end());
      handed_ += part.size();
      drop(part.size());
    }
    return flush(handle_);
  }
}

/// Drops bytes from the front of the queue.
void StreamBroker::drop(std::size_t bytes) {
  front_written_ += bytes;
  while (!queue_.empty() && front_written_ >= queue_.front().size()) {
    front_written_ -= queue_.front().size();
    queue_.pop_front();
  }
}

void StreamBroker::written(std::size_t bytes) {
  handed_ -= bytes;
  unwritten_ -= bytes;
  tell(owner_, ports::Written{bytes});
  if (handed_ == 0) write_on();
  if (unwritten_ == 0 && closing_) close();
}

/// Starts to close, or continues once everything is written.
void StreamBroker::close() {
  if (!closing_) {
    closing_ = true;
    linger_due_ = links_->clock().now() + kLingerMax;
    arm(linger_due_);
    read_on();
  }
  if (unwritten_ > 0 || end_sent_) return;
  end_sent_ = true;
  ::shutdown(socket_, SHUT_WR);
}

/// Bytes in the kernel are still sent, unless the other side is sending: then Linux resets the stream.
void StreamBroker::abandon() {
  if (unwritten_ > 0) return abort("");
  ::shutdown(socket_, SHUT_RDWR);
  end("");
}

/// The scribe is detached, its descriptor still open.
void StreamBroker::closed() {
  if (ended_) return;
  const bool broken = !end_sent_ && is_broken(socket_);
  const bool lost = closing_ && unwritten_ > 0;
  end(broken || lost ? "connection reset by the other side" : "");
}

void StreamBroker::wake_up() {
  if (ended_) return;
  if (closing_) {
    if (links_->clock().now() < linger_due_) return arm(linger_due_);
    return abort("the other side did not close in time");
  }
  if (window_ == kWindowMin) return;
  if (!std::exchange(filled_lately_, false)) return shrink();
  arm(links_->clock().now() + kIdleAfter);
}

void StreamBroker::shrink() {
  window_ = kWindowMin;
  configure_read(handle_, caf::io::receive_policy::at_most(window_));
  if (!valid(handle_)) return;
  std::vector<char> smaller(window_);
  by_id(handle_)->rd_buf().swap(smaller);
}

void StreamBroker::arm(base::Instant at) { links_->clock().wake(caf::actor_cast<caf::actor>(ctrl()), at); }

void StreamBroker::end(const std::string& why) {
  ended_ = true;
  tell(owner_, ports::Closed{why});
  owner_ = nullptr;
  links_->clock().forget(caf::actor_cast<caf::actor>(ctrl()));
  leave_later(backend(), ctrl());
}

/// Drops unsent bytes: the kernel must not keep the connection after us, nor CAF the descriptor.
void StreamBroker::abort(const std::string& why) {
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::shutdown(socket_, SHUT_RDWR);
  end(why);
}

}  // namespace troupe::os
