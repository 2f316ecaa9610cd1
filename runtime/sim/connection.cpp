#include "runtime/sim/connection.hpp"

#include <caf/actor_cast.hpp>

#include "runtime/ports/events.hpp"

namespace troupe::sim {

namespace {

std::string link_name(const Address& from, const Address& to) {
  return "pieces." + base::hex(from) + "." + base::hex(to);
}

void tell(const caf::weak_actor_ptr& owner, ports::StreamEvent event) {
  ports::deliver(caf::actor_cast<runtime::Handle>(owner), std::move(event));
}

class NearEnd final : public ports::Stream {
 public:
  NearEnd(std::shared_ptr<Connection> connection, Side side) : connection_(std::move(connection)), side_(side) {}
  ~NearEnd() override { connection_->drop(side_); }
  NearEnd(const NearEnd&) = delete;
  NearEnd& operator=(const NearEnd&) = delete;

  void start(const runtime::Handle& owner) override { connection_->start(side_, owner); }
  std::size_t write(base::Bytes bytes) override { return connection_->write(side_, std::move(bytes)); }
  void pause(bool paused) override { connection_->pause(side_, paused); }
  void close() override { connection_->close(side_); }
  void abandon() override { connection_->abandon(side_); }

 private:
  std::shared_ptr<Connection> connection_;
  Side side_;
};

}  // namespace

std::shared_ptr<ports::Stream> make_stream(std::shared_ptr<Connection> connection, Side side) {
  return std::make_shared<NearEnd>(std::move(connection), side);
}

Connection::Connection(std::shared_ptr<Fabric> fabric, const Address& dialler, const Address& acceptor)
    : fabric_(std::move(fabric)), pieces_(fabric_->stage().stream(link_name(dialler, acceptor))) {
  at(Side::dialler).address = dialler;
  at(Side::acceptor).address = acceptor;
  at(Side::dialler).latency = fabric_->latency(dialler, acceptor);
  at(Side::acceptor).latency = fabric_->latency(acceptor, dialler);
}

bool Connection::between(const Address& one, const Address& other) const {
  return (ends_[0].address == one && ends_[1].address == other) ||
         (ends_[0].address == other && ends_[1].address == one);
}

void Connection::start(Side side, const runtime::Handle& owner) {
  End& end = at(side);
  if (end.ended) return;
  end.owner = caf::actor_cast<caf::weak_actor_ptr>(owner);
  end.started = true;
  pump(side);
  read(side);
}

/// Most bytes are sent at once, and the owner knows by the result: no event is needed.
std::size_t Connection::write(Side side, base::Bytes bytes) {
  End& end = at(side);
  if (end.ended || end.closing || bytes.empty()) return 0;
  end.unsent.push_back(std::move(bytes));
  if (!end.started) return 0;
  if (!pieces_.chance(1, 8)) return send_on(side, true);
  pump(side);
  return 0;
}

void Connection::pause(Side side, bool paused) {
  at(side).paused = paused;
  read(side);
}

void Connection::close(Side side) {
  End& end = at(side);
  if (end.ended || end.closing) return;
  end.closing = true;
  pump(side);
  read(side);
  if (end.ended) return;
  fabric_->stage().after(kLingerMax, [self = shared_from_this(), side] {
    self->finish(side, "the other side did not close in time", "connection reset by the other side");
  });
}

void Connection::abandon(Side side) {
  End& end = at(side);
  if (end.ended) return;
  end.closing = true;
  pump(side);
  finish(side, "", end.unsent.empty() ? "" : "connection reset by the other side");
}

void Connection::drop(Side side) {
  End& end = at(side);
  end.owner = nullptr;
  if (end.started) return close(side);
  finish(side, "", "");
}

void Connection::reset(const std::string& why) {
  for (const Side side : {Side::dialler, Side::acceptor}) {
    at(side).end_sent = true;  // nothing is in flight any longer
    finish(side, why, "");
  }
}

void Connection::thaw() {
  for (const Side from : {Side::dialler, Side::acceptor}) {
    End& end = at(from);
    end.last_arrival = std::max(end.last_arrival, fabric_->stage().now() + end.latency);
    for (; end.held > 0; --end.held) {
      fabric_->stage().at(end.last_arrival, [self = shared_from_this(), from] { self->arrive(from); });
    }
  }
}

void Connection::vanish(const Address& node) {
  for (const Side side : {Side::dialler, Side::acceptor}) {
    End& end = at(side);
    if (end.address != node || end.ended) continue;
    end.ended = end.gone = end.end_sent = true;
    end.owner = nullptr;
    end.unsent.clear();
    end.inbox.clear();
    end.under_way.clear();  // sent bytes are lost with the machine that would have sent them again
  }
}

bool Connection::half_open(const Address& node) {
  const Side side = at(Side::dialler).address == node ? Side::dialler : Side::acceptor;
  End& end = at(side);
  const End& there = at(other(side));
  if (!end.started || end.ended || !there.started || there.ended) return false;
  end.gone = end.end_sent = true;
  end.under_way.clear();  // it is not sent again
  finish(side, "connection timed out", "");
  return true;
}

void Connection::reset_if_believed() {
  for (const Side side : {Side::dialler, Side::acceptor})
    if (at(side).gone && at(side).knocked) refuse(side);
}

/// The machine of that end responds for a stream that it does not know.
void Connection::refuse(Side gone) {
  const Side believer = other(gone);
  fabric_->stage().after(at(gone).latency, [self = shared_from_this(), believer] {
    self->at(believer).end_sent = true;
    self->finish(believer, "connection reset by the other side", "");
  });
}

void Connection::pump(Side from) {
  if (const std::size_t written = send_on(from, false)) tell(at(from).owner, ports::Written{written});
}

std::size_t Connection::send_on(Side from, bool whole) {
  End& end = at(from);
  std::size_t written = 0;
  while (!end.unsent.empty() && end.window_used < kWindowBytes) {
    const base::Bytes& next = end.unsent.front();
    const std::size_t rest = next.size() - end.first_sent;
    const std::size_t room = kWindowBytes - end.window_used;
    if (room < std::min(rest, kWindowBytes / 4)) break;  // no small pieces into a nearly full window (RFC 1122 4.2.3.4)
    std::size_t size = std::min(rest, room);
    if (!whole && size > 1 && pieces_.chance(1, 4)) size = 1 + pieces_.below(size);
    const auto first = next.begin() + static_cast<std::ptrdiff_t>(end.first_sent);
    const bool last = size == rest;
    // Most buffers are sent whole, without a copy.
    base::Bytes piece = size == next.size() ? std::move(end.unsent.front())
                                            : base::Bytes(first, first + static_cast<std::ptrdiff_t>(size));
    end.first_sent += size;
    if (last) {
      end.unsent.pop_front();
      end.first_sent = 0;
    }
    end.window_used += size;
    written += size;
    send(from, Segment{std::move(piece), std::nullopt});
  }
  if (end.closing && end.unsent.empty() && !end.end_sent) {
    end.end_sent = true;
    send(from, Segment{{}, ""});
  }
  return written;
}

void Connection::send(Side from, Segment segment) {
  End& end = at(from);
  const base::Instant arrival = fabric_->depart(end.address, at(other(from)).address, end.latency, segment.bytes);
  end.last_arrival = std::max(end.last_arrival, arrival);
  end.under_way.push_back(std::move(segment));
  fabric_->stage().at(end.last_arrival, [self = shared_from_this(), from] { self->arrive(from); });
}

void Connection::arrive(Side from) {
  End& end = at(from);
  if (end.under_way.empty()) return;  // lost with its sender
  if (fabric_->is_cut(end.address, at(other(from)).address)) {
    ++end.held;
    return;
  }
  if (End& there = at(other(from)); there.gone) {
    there.knocked = true;
    if (!fabric_->is_gone(there.address)) refuse(other(from));
    end.under_way.pop_front();
    return;
  }
  if (!at(other(from)).ended) at(other(from)).inbox.push_back(std::move(end.under_way.front()));
  end.under_way.pop_front();
  read(other(from));
}

/// Delivers arrived bytes to the owner, unless it has paused.
void Connection::read(Side side) {
  End& end = at(side);
  if (!end.closing && (!end.started || end.paused)) return;
  while (!end.inbox.empty() && !end.ended) {
    Segment segment = std::move(end.inbox.front());
    end.inbox.pop_front();
    if (segment.end) return finish(side, *segment.end, "");
    at(other(side)).window_used -= segment.bytes.size();
    if (!end.closing) tell(end.owner, ports::Received{std::move(segment.bytes)});
    pump(other(side));
  }
}

/// Ends one side now; the other side learns `why_there` when it reads that far.
void Connection::finish(Side side, const std::string& why, const std::string& why_there) {
  End& end = at(side);
  if (end.ended) return;
  end.ended = true;
  end.unsent.clear();
  end.inbox.clear();
  tell(end.owner, ports::Closed{why});
  end.owner = nullptr;
  if (end.end_sent && why_there.empty()) return;
  end.end_sent = true;
  send(side, Segment{{}, why_there});
}

}  // namespace troupe::sim
