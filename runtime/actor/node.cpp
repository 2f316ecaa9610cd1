#include "runtime/actor/node.hpp"

#include <algorithm>

#include "runtime/actor/shell.hpp"

namespace troupe::runtime {

bool Service::offers(const messages::KindInfo* kind) const {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

Node::Node(caf::actor_system& system, ports::World world, NodeLimits limits)
    : system_(system), world_(world), limits_(limits) {
  base::ensure(limits.asks_max <= (std::size_t{1} << 20), "a question's number has 20 bits for its place");
}

Handle Node::start(std::string name, Factory factory, SpawnOptions options) {
  base::ensure(valid_path_part(name), "the name of an actor may be a part of a path");
  return start_at("/" + name, std::move(factory), std::move(options));
}

Handle Node::start_at(std::string path, Factory factory, SpawnOptions options) {
  base::ensure(path.size() <= kPathBytesMax, "a path has at most 255 bytes");
  const bool own_thread = options.placement == ports::Placement::own_thread && world_.threads.real();
  Shell::Setup setup{this, std::move(path), std::move(factory), std::move(options), nullptr, 0};
  return own_thread ? system_.spawn<Shell, caf::detached>(std::move(setup)) : system_.spawn<Shell>(std::move(setup));
}

void Node::publish(std::string path, Service service) {
  const std::lock_guard hold(services_lock_);
  services_.insert_or_assign(std::move(path), std::make_shared<const Service>(std::move(service)));
}

std::shared_ptr<const Service> Node::service(std::string_view path) const {
  const std::lock_guard hold(services_lock_);
  const auto found = services_.find(path);
  return found == services_.end() ? nullptr : found->second;
}

std::vector<LongTurn> Node::long_turns() const {
  const std::lock_guard hold(long_turns_lock_);
  return long_turns_;
}

void Node::set_long_turns(std::vector<LongTurn> turns) {
  const std::lock_guard hold(long_turns_lock_);
  long_turns_ = std::move(turns);
}

Handle Node::remote(const base::NodeId& id, const std::string& path) const {
  return remotes ? remotes(id, path) : Handle{};
}

Handle Node::remote(const base::Contact& contact, const std::string& path) const {
  return remotes_at ? remotes_at(contact, path) : Handle{};
}

Handle Node::reach(const base::Contact& contact, const std::string& path) const {
  return reaches ? reaches(contact, path) : Handle{};
}

}  // namespace troupe::runtime
