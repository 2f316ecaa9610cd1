#pragma once
// The link to another member of a group. Dialled when there is something to send, at most once per kRedial.
//
// Lost    messages sent without a link are dropped, because Raft sends them again.
// Owner   an actor, which passes its down() to this object.
#include <chrono>
#include <string>

#include "actors/raft/logic/types.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/links.hpp"

namespace troupe::raft {

/// Returns the actor of that path at a node, dialled if there is no link; null if it cannot be dialled. If `at` is not
/// dialable, the address that `/peers` knows is used.
inline runtime::Handle handle_at(runtime::Links& links, const base::NodeId& node, const base::Endpoint& at,
                                 const std::string& path) {
  return links.remote_at(node, at.dialable() ? base::HostPort::parse(at.text()) : std::nullopt, path);
}

class Line {
 public:
  static constexpr std::chrono::milliseconds kRedial{100};  // our choice: shorter than an election

  Line(std::shared_ptr<runtime::Links> links, MemberId member, base::Endpoint at, std::string path)
      : links_(std::move(links)), member_(member), at_(at), path_(std::move(path)) {}

  /// Returns the link's handle, or null if there is no link and the last dial is within kRedial. `fresh`: the caller
  /// must watch the handle.
  runtime::Handle handle(base::Instant now, bool& fresh) {
    fresh = false;
    if (handle_ || now < dial_at_) return handle_;
    dial_at_ = now + kRedial;
    // Alternates between the configured address and the address that `/peers` knows, because the member may have moved.
    const bool configured = at_.dialable() && dials_++ % 2 == 0;
    handle_ = handle_at(*links_, member_.node, configured ? at_ : base::Endpoint{}, path_);
    fresh = static_cast<bool>(handle_);
    return handle_;
  }
  /// Returns whether `ended` was this line's handle.
  bool down(const runtime::Handle& ended) {
    if (!handle_ || ended != handle_) return false;
    handle_ = {};
    return true;
  }
  const MemberId& member() const { return member_; }
  const base::Endpoint& at() const { return at_; }
  bool linked() const { return static_cast<bool>(handle_); }

 private:
  std::shared_ptr<runtime::Links> links_;
  MemberId member_;
  base::Endpoint at_;
  std::string path_;
  runtime::Handle handle_;
  base::Instant dial_at_{};
  std::uint32_t dials_ = 0;
};

}  // namespace troupe::raft
