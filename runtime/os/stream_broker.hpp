#pragma once
// The broker of one started stream: moves bytes between its descriptor and its owner, and decides nothing.
//
// States   open; closing: writes the queued bytes and the end of the stream, then waits at most kLingerMax for the
//          other side's end, unless the stream was abandoned; gone.
// Reading  a window of kWindowMin to kWindowMax bytes, doubled by each read that fills it, freed after kIdleAfter. It
//          stops at kUnreadMax bytes that the owner has not returned as credit (Received), and while the owner pauses.
//          All streams together: links.hpp.
// Writing  writes from the owner's buffers as much as the kernel accepts, then at most kHandedMax into CAF's buffer,
//          which reports when it accepts more. CAF's own queue would be copied each time it grows, in the thread of all
//          streams. The owner limits the unwritten bytes.
// Thread   CAF's multiplexer. CAF 0.17.6 forgets to resume a scribe in the round in which it was halted, so resuming
//          uses multiplexer::post. CAF's graceful shutdown has no time limit, so closing and lingering are our code.
#include <caf/io/broker.hpp>
#include <caf/io/scribe.hpp>
#include <deque>
#include <memory>
#include <string>

#include "runtime/os/links.hpp"
#include "runtime/os/orders.hpp"

namespace troupe::os {

inline constexpr std::size_t kWindowMin = 4 * 1024;     // resident for each idle stream
inline constexpr std::size_t kWindowMax = 256 * 1024;   // our choice: beyond it one read costs more than it saves
inline constexpr std::size_t kUnreadMax = 1024 * 1024;  // our choice: four full windows in the owner's queue
inline constexpr std::size_t kHandedMax = 64 * 1024;    // our choice: enough to be worth a wake-up
inline constexpr std::size_t kPiecesMax = 16;           // our choice: per system call
inline constexpr std::chrono::seconds kIdleAfter{1};    // our choice
inline constexpr std::chrono::seconds kLingerMax{5};    // our choice: how long a slow reader has for the rest
static_assert(kWindowMax < kUnreadMax);

class StreamBroker final : public caf::io::broker {
 public:
  struct Start {
    std::shared_ptr<Links> links;
    std::shared_ptr<void> slot;
    caf::io::scribe_ptr scribe;
    caf::weak_actor_ptr owner;
  };
  StreamBroker(caf::actor_config& config, Start start);
  ~StreamBroker() override;

  bool cleanup(caf::error&& reason, caf::execution_unit* host) override;
  const char* name() const override { return "stream broker"; }

 protected:
  caf::behavior make_behavior() override;

 private:
  struct Unread;

  void obey(BrokerCommand& order);
  void received(caf::io::new_data_msg& data);
  void write(base::Bytes bytes);
  void write_on();
  void drop(std::size_t bytes);
  void written(std::size_t bytes);
  void close();
  void abandon();
  void closed();
  void wake_up();
  void end(const std::string& why);
  void abort(const std::string& why);

  bool may_read();
  bool is_welcome(std::size_t waiting) const;
  void read_on();
  void shrink();
  void arm(base::Instant at);

  std::shared_ptr<Links> links_;
  std::shared_ptr<void> slot_;
  caf::io::scribe_ptr scribe_;
  caf::weak_actor_ptr owner_;
  caf::io::connection_handle handle_;
  int socket_;  // owned by the scribe
  std::shared_ptr<Unread> unread_;
  std::deque<base::Bytes> queue_;
  std::size_t front_written_ = 0;  // bytes of the first buffer given to the kernel or to CAF
  std::size_t handed_ = 0;         // in CAF's buffer
  std::size_t unwritten_ = 0;      // of all buffers, including CAF's
  std::size_t window_ = kWindowMin;
  bool filled_lately_ = false;
  bool paused_ = false;
  bool reading_ = false;   // the scribe may read once more
  bool resuming_ = false;  // the permission to read is in flight through the multiplexer
  bool closing_ = false;
  bool end_sent_ = false;
  bool ended_ = false;
  base::Instant linger_due_;
};

}  // namespace troupe::os
