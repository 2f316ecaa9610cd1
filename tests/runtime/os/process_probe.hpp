#pragma once
// An actor that notes every event of the processes that it owns, each by its ticket.
#include <caf/actor_system.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/ports/events.hpp"
#include "tests/runtime/os/scripted.hpp"

namespace troupe::test {

/// What was told of one process.
struct ProcessSeen {
  std::string out, err;
  std::size_t pieces = 0;
  std::size_t ungranted = 0;  // of the bytes of both
  std::vector<sandbox::Usage> usages;
  std::vector<sandbox::Outcome> ends;
  std::vector<std::shared_ptr<const ports::File>> outputs;
  std::size_t after_end = 0;  // events

  std::size_t bytes() const { return out.size() + err.size(); }
};

class ProcessProbe {
  struct Notes {
    std::mutex mutex;
    std::map<std::uint64_t, ProcessSeen> seen;
    bool hold = false;
    std::vector<std::shared_ptr<const void>> credits;

    ProcessSeen& of(std::uint64_t ticket) {
      ProcessSeen& one = seen[ticket];
      one.after_end += !one.ends.empty();
      return one;
    }
    void note(ports::ProcessEvent& event) {
      const std::lock_guard lock(mutex);
      if (const auto* printed = std::get_if<ports::Printed>(&event)) {
        ProcessSeen& one = of(printed->ticket);
        (printed->stream == ports::Output::standard ? one.out : one.err) += base::as_text(printed->bytes);
        one.ungranted += printed->bytes.size();
        ++one.pieces;
      } else if (auto* measured = std::get_if<ports::Measured>(&event)) {
        of(measured->ticket).usages.push_back(measured->usage);
        if (hold) credits.push_back(std::move(measured->credit));
      } else {
        auto& ended = std::get<ports::ProcessEnded>(event);
        ProcessSeen& one = of(ended.ticket);
        one.ends.push_back(std::move(ended.outcome));
        one.outputs = std::move(ended.outputs);
      }
    }
  };

 public:
  explicit ProcessProbe(caf::actor_system& system) : notes_(std::make_shared<Notes>()) {
    actor_ = spawn_scripted(system, [notes = notes_](caf::event_based_actor*) -> caf::behavior {
      return {[notes](ports::ProcessEvent& event) { notes->note(event); }};
    });
  }

  const runtime::Handle& actor() const { return actor_; }
  ProcessSeen of(std::uint64_t ticket) const {
    const std::lock_guard lock(notes_->mutex);
    return notes_->seen[ticket];
  }
  bool ended(std::uint64_t ticket) const { return !of(ticket).ends.empty(); }
  /// What the owner may grant now, which it then has.
  std::size_t take_ungranted(std::uint64_t ticket) {
    const std::lock_guard lock(notes_->mutex);
    return std::exchange(notes_->seen[ticket].ungranted, 0);
  }
  /// Keeps the credits of usages, as an owner does whose queue is long; false lets them go.
  void hold_credits(bool hold) {
    const std::lock_guard lock(notes_->mutex);
    notes_->hold = hold;
    if (!hold) notes_->credits.clear();
  }

 private:
  std::shared_ptr<Notes> notes_;
  runtime::Handle actor_;
};

}  // namespace troupe::test
