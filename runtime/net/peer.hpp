#pragma once
// The actor that owns one stream: TLS, handshake, frames, and the conversations of the link.
//
// States  dialling -> encrypting -> proving -> serving. It ends from any state, and never restarts: a new link replaces
//         a broken link. A local stream (the control socket) goes from dialling to serving at once.
// Limits  LinkLimits. Until both proofs are verified, at most 1 KiB of the other side's bytes is kept.
// Order   Frames are sent in the order of their messages. Messages that come before `serving` wait, within the limits
//         of the link.
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "messages/links.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/base/rate_limit.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/ports/network.hpp"

namespace troupe::net {

/// How a peer starts: with an accepted stream, or with an address to dial.
struct PeerStart {
  std::shared_ptr<Pool> pool;
  std::shared_ptr<Link> link;
  // for a dialled link
  std::optional<base::NodeId> pinned;
  std::optional<base::HostPort> where;
  std::string local_path;
  bool was_served = false;  // the link has been in service
  // for an accepted link
  std::shared_ptr<ports::Stream> stream;
  ports::RemoteAddress from;
  Pool::Seat seat;
};

/// Starts the actor of a link at `path`.
void start_peer(runtime::Node& node, Link& link, std::shared_ptr<PeerStart> start, std::string path);

/// Ends a link after its queue has been sent; `why` is for the log. Safe from any thread.
void hang_up(Link& link, std::string why = {});

/// Ends the actor of a link, if there is one. Safe from any thread.
void stop_peer(const runtime::Handle& peer);

/// Ends a link once nothing is in flight on it, at most kGiveWayMax later. Any thread may call it.
void give_way(Link& link);

inline constexpr std::size_t kGivingWayPart = 16;       // our choice: part of links_max for yielding links
inline constexpr std::chrono::seconds kGiveWayMax{60};  // our choice: time for a stream to end

class Peer final : public runtime::Actor {
 public:
  static constexpr const char* kName = "peer";
  explicit Peer(std::shared_ptr<PeerStart> start);
  ~Peer() override;

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void event(ports::StreamEvent&& event) override;
  void outbound(runtime::Outbound&& message) override;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

 private:
  enum class State : std::uint8_t { dialling, encrypting, proving, serving, ended };
  struct Flush {};
  struct HandshakeDue {};
  struct KeepAlive {};
  struct Quiet {};
  struct Slow {};
  /// The other side's remaining credit in one conversation. An actor of this node granted it and checks it again; the
  /// check here keeps items without credit out of that actor's mailbox.
  struct Flow {
    std::int64_t items = 0;
    std::int64_t bytes = 0;
    std::int64_t credits =
        2;               // CREDIT frames: one with the question, then at most one for each item that this side sent
    bool ended = false;  // by its END
  };
  /// A request of the other side that a service of this node answers.
  struct Question {
    caf::strong_actor_ptr by;
    Flow flow;
    runtime::Trace trace;    // of the request and its parts
    bool stream = false;     // some part of a stream was received or sent
    bool cancelled = false;  // by its requester; it counts until the service has answered
  };
  struct Flushed {  // bytes handed to the stream, and their cost in the link's queue
    std::size_t wire = 0;
    std::size_t cost = 0;
  };

  // Life (peer.cpp).
  void dial();
  void connected(std::shared_ptr<ports::Stream> stream, const base::Endpoint& to);
  void received(ports::Received&& bytes);
  void take_encrypted(base::ByteView bytes);
  void take_plain();
  void written(std::size_t bytes);
  void write_payload(base::ByteView payload);
  void encrypt(base::ByteView plain);
  void flush();
  void write_out();
  void flush_soon();
  void hold_back();
  void look_whether_slow();
  void note_buffers();
  void give_way();
  void look_whether_quiet();
  void keep_alive();
  void end(const std::string& why, base::Code code = base::Code::unavailable);
  void report_up(const LinkInfo& info, bool duplicate);
  void report_ended(const LinkInfo& info, const std::string& why, bool lost);
  void report_failed(const base::Error& why);
  void report_not_there();
  void turn_away(Turned why, const std::string& text);

  // Before service (peer_handshake.cpp).
  void begin_handshake();
  void take_handshake(const Frame& frame);
  void meet_own_id(const Ready& ready);
  void serve(const Ready& ready);
  void serve_local();
  void enter_service(const LinkInfo& proven);

  // In service (peer_frames.cpp).
  void take_frame(const Frame& frame);
  void take_question(const Frame& frame);
  void take_tell(const Frame& frame);
  void take_conversation(const Frame& frame);
  void take_watch(const Frame& frame);
  void take_down(const Frame& frame);
  std::optional<base::Error> forbidden(const Frame& frame, const messages::KindInfo* kind,
                                       const runtime::Service* service);
  bool within_rate(const messages::KindInfo* kind);
  /// `known`: the trace of a message whose frame does not name its trace.
  runtime::Envelope envelope_of(const Frame& frame, const messages::KindInfo* kind, runtime::Signal signal,
                                runtime::Trace known = {});
  std::size_t questions_in_flight() const;
  void refuse_question(const Frame& frame, const base::Error& why);
  void write(FrameHeader header, std::string_view path, const runtime::Envelope& envelope);
  void send_message(const runtime::Outbound& message);
  bool ours(std::uint64_t correlation) const;
  bool take_part(const Frame& frame, Flow& flow);
  void note_part(const runtime::Outbound& message, FrameType type);
  void violated(const std::string& how);
  void misbehaved(wire::Violation how, std::string_view what);
  static constexpr std::uint32_t kToldPerSecond = 16;  // our choice: four lead to a ban
  std::optional<base::RateLimit> told_;                // violations reported to `/peers`
  void note_flood();

  const std::shared_ptr<PeerStart> start_;
  const std::shared_ptr<Pool> pool_;
  const std::shared_ptr<Link> link_;
  State state_ = State::dialling;
  bool trusted_ = false;    // in service, and without a violation so far
  bool spoken_to_ = false;  // a frame arrived in service
  bool hung_up_on_ = false;
  bool hung_up_ = false;  // this side hung up or yielded

  std::optional<base::Contact> sought_;  // the address that `/peers` named, if this dial tests it; otherwise nullopt
  wire::NotThere::Met met_ = wire::NotThere::Met::NOBODY;

  std::shared_ptr<ports::Stream> stream_;
  base::Endpoint address_;
  base::Digest token_;
  std::unique_ptr<crypto::Channel> channel_;  // null over a local socket
  std::optional<Handshake> handshake_;
  FrameReader reader_{kHandshakeFrameBytesMax};
  messages::Role role_ = messages::Role::peer;
  base::NodeId node_;  // in service: the other side

  base::Bytes plain_;      // frames to encrypt
  bool encrypted_ = true;  // false once encrypting has failed
  std::size_t plain_cost_ = 0;
  bool flush_soon_ = false;
  std::deque<Flushed> flushed_;
  std::deque<runtime::Outbound> early_;  // messages from before service

  std::unordered_map<std::uint64_t, Question> served_;
  std::map<const messages::KindInfo*, base::RateLimit> rates_;
  base::Instant flood_since_{};
  std::uint64_t flood_ = 0;         // requests above the rate since flood_since_
  std::uint64_t late_answers_ = 0;  // responses without a requester
  std::map<std::string, runtime::Handle, std::less<>> watched_;
  base::Instant heard_{};
  std::unordered_map<std::uint64_t, Flow> flows_;  // streams that this side opened
  std::size_t unwritten_ = 0;                      // bytes given to the stream
  bool paused_ = false;                            // not reading, because the other side does not read
  base::Instant progress_{};                       // when this side last sent bytes
  std::optional<base::Instant> much_waits_;        // since when kSlowBytes or more wait
  std::size_t left_meanwhile_ = 0;                 // bytes sent since much_waits_, or since the last check
  bool looks_whether_slow_ = false;
  std::optional<base::Instant> frame_began_;  // start of a partly received frame
  std::optional<base::Instant> gives_way_by_;
  int quiet_looks_ = 0;
};

}  // namespace troupe::net
