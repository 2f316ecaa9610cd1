#pragma once
// The handle of an actor on the other side of a link. CAF's own forwarding_actor_proxy silently loses requests once it
// is killed; this proxy enters them in the link's table first.
#include "runtime/actor/caller.hpp"
#include "runtime/net/link.hpp"

namespace troupe::net {

class RemoteProxy final : public runtime::Proxy {
 public:
  /// The link owns `path`, which is null for the proxy that only takes responses.
  RemoteProxy(caf::actor_config& config, std::shared_ptr<Link> link, const std::string* path)
      : runtime::Proxy(config), link_(std::move(link)), path_(path) {}

  std::optional<base::Endpoint> proven_at() const override { return link_->proven_at(); }

  using caf::actor_proxy::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* worker) override {
    link_->hand_over(path_, *element, worker);
  }
  void attach(caf::attachable_ptr what) override {
    caf::actor_proxy::attach(std::move(what));
    if (path_ != nullptr && !asked_.exchange(true)) link_->watch(path_);
  }
  void kill_proxy(caf::execution_unit* worker, caf::error why) override { cleanup(std::move(why), worker); }

 private:
  const std::shared_ptr<Link> link_;
  const std::string* const path_;
  std::atomic<bool> asked_{false};
};

}  // namespace troupe::net
