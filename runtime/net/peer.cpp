#include "runtime/net/peer.hpp"

#include "messages/codec.hpp"
#include "messages/contact.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/actor/envelope_type.hpp"
#include "runtime/ports/network.hpp"

namespace troupe::net {
namespace {

/// Sends an order to the peer after the messages that are queued for it, not before them.
template <class Order>
void tell_peer(const runtime::Handle& peer) {
  if (!peer) return;
  peer->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                          runtime::Envelope::build<Order>({}, [](typename Order::Builder) {})),
                nullptr);
}

constexpr std::chrono::milliseconds kQuietLook{250};
constexpr int kQuietLooks = 8;  // our choice: 2 s, ten round trips of a slow network
constexpr std::size_t kFlushBytes =
    256 * 1024;  // our choice: bytes that one turn encrypts before it passes them to the stream

/// A reader that takes fewer bytes than this in a keep-alive period, while as many wait, loses its link. Our choice: 35
/// kbit/s.
constexpr std::size_t kSlowBytes = 64 * 1024;
constexpr int kRest =
    4;  // our choice: periods of silence between nodes before a ping; /peers itself pings every minute
constexpr std::chrono::seconds kFrameTime{60};  // for a whole frame; our choice: 2.6 MiB at 350 kbit/s

constexpr std::size_t kRecord = crypto::kRecordPlainMax;
constexpr std::size_t kTakenAtOnce =
    2 * kRecord;  // our choice: frames are read while they are still in the processor's cache

}  // namespace

void start_peer(runtime::Node& node, Link& link, std::shared_ptr<PeerStart> start, std::string path) {
  runtime::SpawnOptions options;
  options.kind = Peer::kName;
  options.on_failure = runtime::logic::OnFailure::stop;
  const auto pool = start->pool;
  // The factory runs once, because a peer never restarts.
  const bool dialled = link.side() == Link::Side::dialler;
  const auto peer = node.start_at(
      std::move(path), [start = std::move(start)] { return std::make_unique<Peer>(start); }, options);
  if (dialled) link.set_peer(peer);  // under the pool's lock: the link is not published yet
}

void hang_up(Link& link, std::string why) {
  if (!why.empty()) link.set_hang_up_reason(std::move(why));
  stop_peer(link.peer());
}

void stop_peer(const runtime::Handle& peer) { tell_peer<runtime::wire::Stop>(peer); }

void give_way(Link& link) { tell_peer<wire::GiveWay>(link.peer()); }

Peer::Peer(std::shared_ptr<PeerStart> start)
    : start_(std::move(start)), pool_(start_->pool), link_(start_->link), stream_(std::move(start_->stream)) {}

/// However this object ends, its link's table is closed too: otherwise requests would wait forever.
Peer::~Peer() {
  sought_.reset();  // a failure on this side says nothing about the other side
  end("the peer actor has ended");
}

void Peer::receive(runtime::Handlers& on) {
  on.timer<Flush>([this] {
    flush_soon_ = false;
    flush();
  });
  on.timer<HandshakeDue>([this] {
    if (!spoken_to_) turn_away(Turned::handshake_timeout, "the handshake timed out");
  });
  on.timer<KeepAlive>([this] { keep_alive(); });
  on.timer<Quiet>([this] { look_whether_quiet(); });
  on.timer<Slow>([this] { look_whether_slow(); });
  on.tell<wire::GiveWay>([this](wire::GiveWay::Reader) { give_way(); });
}

void Peer::start() {
  heard_ = now();
  if (!stream_) return dial();
  link_->set_peer(self());  // before the link can be found
  if (!start_->seat.belongs_to(self())) return end("another connection has taken its slot");
  after<HandshakeDue>(pool_->setup().limits.handshake_timeout);
  address_ = start_->from.endpoint;
  const auto accepted = stream_;
  if (start_->from.user_id) {
    accepted->start(self());
    return serve_local();
  }
  channel_ = pool_->make_channel(link_->side());
  state_ = State::encrypting;
  accepted->start(self());
}

void Peer::dial() {
  const auto& limits = pool_->setup().limits;
  after<HandshakeDue>(limits.dial_timeout + limits.handshake_timeout);
  const base::Instant due = now() + limits.dial_timeout;
  if (!start_->local_path.empty()) return world().network.dial_local(start_->local_path, due, 0, self());
  if (start_->where) return world().network.dial(*start_->where, due, 0, self());
  ask<wire::WhereIs, wire::Whereabouts>(
      node().find("/peers"), due,
      [this](wire::WhereIs::Builder question) { question.setNode(data_of(start_->pinned->view())); },
      [this, due](runtime::Answer<wire::Whereabouts> answer) {
        if (state_ != State::dialling) return;
        if (!answer.ok()) return end(answer.error().message);
        const base::Contact contact = messages::read_contact(answer.value().getContact());
        if (!contact.endpoint.dialable())
          return end("the node can only be reached through a link that it dials itself");
        sought_ = contact;
        world().network.dial(*base::HostPort::parse(contact.endpoint.text()), due, 0, self());
      });
}

void Peer::stop() {
  if (link_->makes_room.load()) return turn_away(Turned::no_buffer, link_->hang_up_reason());
  if (state_ == State::serving) {
    for (auto& message : early_) send_message(message);
    write({.type = FrameType::close}, {}, {});
    flush();
  }
  sought_.reset();
  hung_up_ = true;
  const std::string why = link_->hang_up_reason();
  end(why.empty() ? "this side has hung up" : "this side has hung up: " + why);
}

// -- the stream --

void Peer::event(ports::StreamEvent&& event) {
  if (state_ == State::ended) return;
  if (auto* bytes = std::get_if<ports::Received>(&event)) return received(std::move(*bytes));
  if (auto* out = std::get_if<ports::Written>(&event)) {
    written(out->bytes);
    return note_buffers();
  }
  if (auto* made = std::get_if<ports::Dialled>(&event)) return connected(std::move(made->stream), made->to);
  if (auto* failed = std::get_if<ports::DialFailed>(&event)) return end(failed->why);
  if (auto* closed = std::get_if<ports::Closed>(&event))
    return end(closed->why.empty() ? "the other side has closed the connection" : closed->why);
}

void Peer::connected(std::shared_ptr<ports::Stream> stream, const base::Endpoint& to) {
  if (state_ != State::dialling) return;
  stream_ = std::move(stream);
  address_ = to;
  after<HandshakeDue>(pool_->setup().limits.handshake_timeout);
  stream_->start(self());
  if (!start_->local_path.empty()) return serve_local();
  state_ = State::encrypting;
  channel_ = pool_->make_channel(link_->side());
  flush();
}

void Peer::received(ports::Received&& bytes) {
  heard_ = now();
  link_->traffic().received.fetch_add(bytes.bytes.size(), std::memory_order_relaxed);
  base::ByteView left = bytes.bytes;
  while (!left.empty() && state_ != State::ended) {
    const base::ByteView part = left.first(std::min(left.size(), kTakenAtOnce));
    left = left.subspan(part.size());
    if (channel_) {
      take_encrypted(part);
    } else {
      reader_.append(part);
      take_plain();
    }
  }
  if (reader_.waiting_bytes() == 0) frame_began_.reset();
  else if (!frame_began_) frame_began_ = heard_;
  if (!flush_soon_) write_out();  // TLS messages, and one record with all pongs
  note_buffers();
}

void Peer::take_encrypted(base::ByteView bytes) {
  const auto outcome = channel_->receive(bytes, [this](base::ByteView plain) { reader_.append(plain); });
  if (state_ == State::encrypting && channel_->established()) begin_handshake();
  if (state_ != State::ended) take_plain();
  if (state_ == State::ended) return;
  if (!outcome.ok()) {
    stream_->write(channel_->take_wire());  // the alert
    if (outcome.error() == crypto::ChannelError::closed) return end("the other side has closed the TLS session");
    return turn_away(Turned::channel, "TLS: " + std::string(name(outcome.error())));
  }
  if (channel_->peer_closed()) return end("the other side has closed the TLS session");
}

void Peer::take_plain() {
  while (state_ == State::proving || state_ == State::serving) {
    const auto next = reader_.next();
    if (!next.ok()) {
      if (state_ == State::proving) {
        pool_->counters().count(refusal_of(next.error()));
        return end("the handshake failed: " + std::string(name(next.error())));
      }
      return violated("a frame is " + std::string(name(next.error())));
    }
    if (!next.value()) return;
    frame_began_.reset();
    if (state_ == State::proving) take_handshake(*next.value());
    else take_frame(*next.value());
  }
}

// -- writing --

/// Encrypts a large payload in place: only bytes that share a record with other frames are copied.
void Peer::write_payload(base::ByteView payload) {
  const auto copy = [&](std::size_t bytes) {
    plain_.insert(plain_.end(), payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(bytes));
    payload = payload.subspan(bytes);
  };
  if (channel_ && payload.size() >= 2 * kRecord) {
    copy((kRecord - plain_.size() % kRecord) % kRecord);  // the rest of the current record
    encrypt(plain_);
    plain_.clear();
    const base::ByteView whole = payload.first(payload.size() - payload.size() % kRecord);
    encrypt(whole);
    payload = payload.subspan(whole.size());
  }
  copy(payload.size());
}

/// An error here is final, and ends the link at the next flush.
void Peer::encrypt(base::ByteView plain) {
  if (!plain.empty()) encrypted_ = channel_->send(plain).ok() && encrypted_;
}

void Peer::flush_soon() {
  if (plain_.size() + (channel_ ? channel_->wire_bytes() : 0) >= kFlushBytes) return flush();
  if (std::exchange(flush_soon_, true)) return;
  after<Flush>(base::Duration::zero());  // after the waiting messages, so that they share a record
}

void Peer::flush() {
  write_out();
  note_buffers();
}

void Peer::write_out() {
  if (!stream_ || state_ == State::ended) return;
  base::Bytes wire;
  if (channel_) {
    encrypt(plain_);
    if (!encrypted_) return turn_away(Turned::channel, "TLS cannot send");
    wire = channel_->take_wire();
    plain_.clear();
  } else {
    wire.swap(plain_);
  }
  if (wire.empty()) return;
  if (plain_.capacity() > 4 * kFlushBytes) plain_ = {};
  link_->traffic().sent.fetch_add(wire.size(), std::memory_order_relaxed);
  flushed_.push_back({wire.size(), std::exchange(plain_cost_, 0)});
  if (unwritten_ == 0) progress_ = now();
  unwritten_ += wire.size();
  if (const std::size_t left = stream_->write(std::move(wire))) written(left);
  else hold_back();
}

void Peer::note_buffers() {
  if (state_ == State::ended) return;
  if (unwritten_ < kSlowBytes) {
    much_waits_.reset();
  } else if (!much_waits_) {
    much_waits_ = now();
    left_meanwhile_ = 0;
    if (role_ == messages::Role::peer && !std::exchange(looks_whether_slow_, true))
      after<Slow>(pool_->setup().limits.keep_alive);
  }
  link_->awaits.store(link_->waiting() > 0, std::memory_order_relaxed);
  // The queued bytes include the messages in this actor's mailbox.
  pool_->buffers(*link_, std::max(unwritten_ + plain_.size(), link_->queued()) + reader_.held_bytes());
}

/// Checks a whole period in which many bytes were waiting all the time.
void Peer::look_whether_slow() {
  looks_whether_slow_ = false;
  if (state_ == State::ended || !much_waits_) return;
  const base::Duration period = pool_->setup().limits.keep_alive;
  const base::Duration waited = now() - *much_waits_;
  if (waited >= period && left_meanwhile_ < kSlowBytes)
    return turn_away(Turned::too_slow, "it reads less than 64 KiB per net.keep_alive period while more bytes wait");
  if (waited >= period) {
    much_waits_ = now();
    left_meanwhile_ = 0;
  }
  looks_whether_slow_ = true;
  after<Slow>(period - (now() - *much_waits_));
}

/// A peer that does not read our bytes is not read either: otherwise the responses to its requests would queue here,
/// and be refused beyond queue_bytes_max.
void Peer::hold_back() {
  const std::size_t limit = pool_->setup().limits.queue_bytes_max;
  const bool pause = unwritten_ > (paused_ ? limit / 4 : limit / 2);
  if (pause == paused_) return;
  paused_ = pause;
  stream_->pause(pause);
  if (!pause) heard_ = now();
  if (!pause && frame_began_) frame_began_ = heard_;
}

/// Returns to the link's queue the bytes that have left the process.
void Peer::written(std::size_t bytes) {
  progress_ = now();
  unwritten_ -= std::min(bytes, unwritten_);
  left_meanwhile_ += bytes;
  hold_back();
  while (bytes > 0 && !flushed_.empty()) {
    Flushed& first = flushed_.front();
    const std::size_t part = std::min(bytes, first.wire);
    bytes -= part;
    first.wire -= part;
    if (first.wire > 0) return;
    link_->sent(first.cost);
    flushed_.pop_front();
  }
}

/// One ping per silence is enough for both sides: the dialler pings first.
void Peer::keep_alive() {
  const base::Duration period = pool_->setup().limits.keep_alive;
  const bool both_nodes = role_ == messages::Role::peer && pool_->setup().role == messages::Role::peer;
  const base::Duration rest = both_nodes ? kRest * period : period;
  const base::Duration patience = link_->side() == Link::Side::dialler ? rest : rest + period + period / 2;
  link_->sweep(now());
  if (unwritten_ > 0 && now() - progress_ >= 3 * period) return end("the other side has not read for too long");
  if (paused_) return after<KeepAlive>(period);
  if (frame_began_ && now() - *frame_began_ >= kFrameTime)
    return turn_away(Turned::too_slow, "a frame did not arrive within a minute");
  // If bytes are queued, a write is a sign of life too, because a slow reader may have nothing to say.
  const base::Duration silence = now() - (unwritten_ > 0 ? std::max(heard_, progress_) : heard_);
  if (silence >= rest + 2 * period) return end("the other side has been silent for too long");
  // Slightly early is fine: otherwise every pong would cost another check.
  if (silence < patience - period / 4) return after<KeepAlive>(patience - silence);
  after<KeepAlive>(period);
  reader_.release();
  write({.type = FrameType::ping}, {}, {});
  flush();
}

// -- yielding --

void Peer::give_way() {
  if (state_ == State::ended || gives_way_by_) return;
  gives_way_by_ = now() + kGiveWayMax;
  after<Quiet>(kQuietLook);
}

/// Ends the link once nothing has been in flight for a while, during which the other side could still have sent a
/// request.
void Peer::look_whether_quiet() {
  if (state_ == State::ended) return;
  const bool quiet = link_->waiting() == 0 && served_.empty() && !flush_soon_ && unwritten_ == 0;
  quiet_looks_ = quiet ? quiet_looks_ + 1 : 0;
  if (quiet_looks_ >= kQuietLooks || now() >= *gives_way_by_) {
    write({.type = FrameType::close}, {}, {});
    flush();
    hung_up_ = true;
    return end("replaced by another link to the same node");
  }
  after<Quiet>(kQuietLook);
}

// -- the end --

void Peer::turn_away(Turned why, const std::string& text) {
  trusted_ = false;
  pool_->counters().count(why);
  end(text);
}

void Peer::end(const std::string& why, base::Code code) {
  if (state_ == State::ended) return;
  state_ = State::ended;
  if (channel_ && stream_) {
    channel_->close();
    if (channel_->wire_bytes() > 0) stream_->write(channel_->take_wire());
  }
  // A closing stream stays for seconds with its queued bytes, which no budget counts: they must be few.
  const bool polite =
      trusted_ && !link_->gives_way.load() && (role_ != messages::Role::peer || unwritten_ < kSlowBytes);
  if (stream_ && polite) stream_->close();
  else if (stream_) stream_->abandon();
  stream_.reset();
  start_->seat = {};
  pool_->buffers(*link_, 0);
  const auto served = pool_->release(*link_);
  link_->close({base::Code::unavailable, "the link to the other node has ended: " + why});
  if (served) report_ended(*served, why, !hung_up_ && !hung_up_on_);
  else if (link_->side() == Link::Side::dialler && !start_->was_served) report_failed({code, why});
  if (sought_ && !start_->was_served) report_not_there();
  early_.clear();
  served_.clear();
  finish(why);
}

// -- reports to `/links` --

void Peer::report_up(const LinkInfo& info, bool duplicate) {
  if (info.role != messages::Role::peer) return;
  tell<wire::LinkMade>(node().find("/links"), [&](wire::LinkMade::Builder made) {
    made.setSerial(link_->serial());
    auto up = duplicate ? made.initResult().initTwin() : made.initResult().initUp();
    messages::write_contact(up.initContact(), info.contact);
    up.setOutbound(info.outbound);
    made.setNode(data_of(info.node.view()));
  });
}

void Peer::report_ended(const LinkInfo& info, const std::string& why, bool lost) {
  if (info.role != messages::Role::peer) return;
  tell<wire::LinkMade>(node().find("/links"), [&](wire::LinkMade::Builder made) {
    made.setSerial(link_->serial());
    auto ended = made.initResult().initEnded();
    ended.setNode(data_of(info.node.view()));
    ended.setReason(why.substr(0, 500).c_str());
    ended.setHungUp(hung_up_on_);
    ended.setLost(lost);
    ended.setAddress(info.contact.endpoint.text().c_str());
  });
}

void Peer::report_failed(const base::Error& why) {
  tell<wire::LinkMade>(node().find("/links"), [&](wire::LinkMade::Builder made) {
    made.setSerial(link_->serial());
    auto failed = made.initResult().initFailed();
    failed.setCode(static_cast<std::uint16_t>(why.code));
    failed.setMessage(why.message.substr(0, 500).c_str());
  });
}

void Peer::report_not_there() {
  tell<wire::NotThere>(node().find("/peers"), [&](wire::NotThere::Builder out) {
    messages::write_contact(out.initContact(), *sought_);
    out.setMet(met_);
  });
}

void Peer::down(const runtime::Handle& ended, const std::optional<base::Error>& why) {
  for (auto one = watched_.begin(); one != watched_.end(); ++one) {
    if (one->second != ended) continue;
    const base::Error reason = why.value_or(base::Error{base::Code::unavailable, "the actor has ended"});
    if (state_ == State::serving) {
      write({.type = FrameType::down}, one->first, runtime::error_envelope(reason));
      flush_soon();
    }
    watched_.erase(one);
    return;
  }
}

}  // namespace troupe::net
