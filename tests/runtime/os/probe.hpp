#pragma once
// An actor that notes every stream event it gets, and a wait that ends when what was noted satisfies a claim.
#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/ports/events.hpp"
#include "tests/runtime/os/scripted.hpp"

namespace troupe::test {

class Probe {
  struct Seen {
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::string received;
    std::size_t pieces = 0;
    std::size_t written = 0;
    std::size_t wake_ups = 0;
    std::size_t after_close = 0;
    std::optional<std::string> closed;
    std::vector<ports::Accepted> accepted;
    std::vector<ports::Dialled> dialled;
    std::vector<ports::DialFailed> failed;
    std::vector<ports::Datagram> datagrams;
    std::vector<std::size_t> batches;  // how many datagrams came with each event
    bool hold = false;
    std::vector<std::shared_ptr<const void>> credits;

    void note(ports::StreamEvent& event) {
      const std::lock_guard lock(mutex);
      if (closed && event.index() < 3) ++after_close;
      if (auto* bytes = std::get_if<ports::Received>(&event)) {
        received += base::as_text(bytes->bytes);
        ++pieces;
        if (hold) credits.push_back(std::move(bytes->credit));
      }
      if (auto* sent = std::get_if<ports::Written>(&event)) written += sent->bytes;
      if (auto* end = std::get_if<ports::Closed>(&event)) closed = end->why;
      if (auto* batch = std::get_if<ports::Arrived>(&event)) {
        batches.push_back(batch->datagrams.size());
        for (auto& one : batch->datagrams) datagrams.push_back(std::move(one));
        if (hold) credits.push_back(std::move(batch->credit));
      }
      if (auto* newcomer = std::get_if<ports::Accepted>(&event)) accepted.push_back(std::move(*newcomer));
      if (auto* made = std::get_if<ports::Dialled>(&event)) dialled.push_back(std::move(*made));
      if (auto* failure = std::get_if<ports::DialFailed>(&event)) failed.push_back(std::move(*failure));
      changed.notify_all();
    }
    void note_wake_up() {
      const std::lock_guard lock(mutex);
      ++wake_ups;
      changed.notify_all();
    }
  };

  template <class Reader>
  auto read(Reader reader) const {
    const std::lock_guard lock(seen_->mutex);
    return reader(static_cast<const Seen&>(*seen_));
  }

 public:
  explicit Probe(caf::actor_system& system) : seen_(std::make_shared<Seen>()) {
    const auto listen = [seen = seen_](caf::event_based_actor*) -> caf::behavior {
      return {[seen](ports::StreamEvent& event) { seen->note(event); },
              [seen](ports::WakeUp) { seen->note_wake_up(); }};
    };
    actor_ = spawn_scripted(system, listen);
  }

  const runtime::Handle& actor() const { return actor_; }

  /// Writes to a stream of this owner; written() knows what left at once.
  void write(ports::Stream& stream, base::Bytes bytes) {
    const std::size_t left = stream.write(std::move(bytes));
    const std::lock_guard lock(seen_->mutex);
    seen_->written += left;
  }

  std::string received() const {
    return read([](const Seen& seen) { return seen.received; });
  }
  std::size_t received_bytes() const {
    return read([](const Seen& seen) { return seen.received.size(); });
  }
  std::size_t pieces() const {
    return read([](const Seen& seen) { return seen.pieces; });
  }
  std::size_t written() const {
    return read([](const Seen& seen) { return seen.written; });
  }
  std::size_t wake_ups() const {
    return read([](const Seen& seen) { return seen.wake_ups; });
  }
  std::optional<std::string> closed() const {
    return read([](const Seen& seen) { return seen.closed; });
  }
  std::size_t after_close() const {
    return read([](const Seen& seen) { return seen.after_close; });
  }
  std::vector<ports::DialFailed> failed() const {
    return read([](const Seen& seen) { return seen.failed; });
  }
  std::vector<ports::Datagram> datagrams() const {
    return read([](const Seen& seen) { return seen.datagrams; });
  }
  std::size_t arrived() const {
    return read([](const Seen& seen) { return seen.datagrams.size(); });
  }
  std::vector<std::size_t> batches() const {
    return read([](const Seen& seen) { return seen.batches; });
  }
  std::size_t accepted() const {
    return read([](const Seen& seen) { return seen.accepted.size(); });
  }
  std::size_t dialled() const {
    return read([](const Seen& seen) { return seen.dialled.size(); });
  }
  ports::Accepted accepted(std::size_t at) const {
    return read([&](const Seen& seen) { return seen.accepted.at(at); });
  }
  ports::Dialled dialled(std::size_t at) const {
    return read([&](const Seen& seen) { return seen.dialled.at(at); });
  }

  /// Lets go of the streams that came.
  void forget_streams() {
    const std::lock_guard lock(seen_->mutex);
    seen_->accepted.clear();
    seen_->dialled.clear();
  }

  /// Keeps each credit, as an owner does whose queue is long; false lets them go.
  void hold_credits(bool hold) {
    const std::lock_guard lock(seen_->mutex);
    seen_->hold = hold;
    if (!hold) seen_->credits.clear();
  }

  /// For real time: waits until something was noted or the moment has passed.
  void wait_for_news(std::chrono::milliseconds span) const {
    std::unique_lock lock(seen_->mutex);
    seen_->changed.wait_for(lock, span);
  }

 private:
  std::shared_ptr<Seen> seen_;
  runtime::Handle actor_;
};

}  // namespace troupe::test
