#include "apps/cli/connection.hpp"

#include "apps/cli/directory_access.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/os/chance.hpp"
#include "runtime/os/system.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kWorkers = 2;              // one for the link, one for the requests
constexpr std::chrono::seconds kEndPatience{2};  // our choice: no actor of a command blocks

/// A command stores nothing.
class NoDisk final : public ports::Disk {
  template <class T>
  using R = ports::DiskResult<T>;
  R<std::unique_ptr<ports::File>> open(std::string_view, ports::OpenMode) override { return ports::DiskError::denied; }
  R<void> rename(std::string_view, std::string_view) override { return ports::DiskError::denied; }
  R<void> remove(std::string_view) override { return ports::DiskError::denied; }
  R<void> make_directory(std::string_view) override { return ports::DiskError::denied; }
  R<void> sync_directory(std::string_view) override { return ports::DiskError::denied; }
  R<std::vector<std::string>> list(std::string_view) override { return ports::DiskError::denied; }
  R<std::uint64_t> size(std::string_view) override { return ports::DiskError::denied; }
  R<std::unique_ptr<ports::DiskLock>> lock(std::string_view) override { return ports::DiskError::denied; }
  R<std::string> show(std::string_view) override { return ports::DiskError::denied; }
  R<std::uint64_t> free_bytes() override { return ports::DiskError::denied; }
};

}  // namespace

Connection::Connection() = default;
Connection::~Connection() { close(); }

void Connection::open_local(const std::string& data) {
  os::Chance chance;
  open(std::make_shared<const crypto::Identity>(crypto::Identity::make(chance, 0)), messages::Role::operate, data);
}

void Connection::open_remote(const NodeAddress& node, std::shared_ptr<const crypto::Identity> identity,
                             messages::Role role) {
  node_ = node;
  open(std::move(identity), role, {});
}

void Connection::open(std::shared_ptr<const crypto::Identity> identity, messages::Role role, std::string sockets) {
  system_ = std::make_unique<os::System>(std::make_unique<NoDisk>(),
                                         os::SystemOptions{.workers = kWorkers, .sockets = std::move(sockets)});
  net::NetSetup setup;
  setup.identity = std::move(identity);
  setup.terms.work_bits = 0;  // the id of the node is pinned, and an operator needs no proof of work
  setup.role = role;
  setup.limits.dial_timeout = kDialTimeout;
  pool_ = std::make_shared<net::Pool>(system_->node(), setup);
  link_ = dial();
}

std::shared_ptr<net::Link> Connection::dial() {
  return node_ ? pool_->dial(node_->id, node_->at) : pool_->dial_local(kControlSocket);
}

std::shared_ptr<net::Link> Connection::link() {
  const std::lock_guard hold(lock_);
  if (link_ && link_->closed()) {
    serves = false;
    done_.clear();
    link_ = dial();
  }
  return link_;
}

std::shared_ptr<Desk> Connection::desk(std::shared_ptr<Desk> made) {
  if (!made) {
    const std::lock_guard hold(lock_);
    if (!free_.empty()) {
      auto out = std::move(free_.back());
      free_.pop_back();
      return out;
    }
  }
  if (!made) made = std::make_shared<Desk>(std::initializer_list<int>{});
  made->outside.emplace(system_->node(), "outside");
  return made;
}

void Connection::give_back(std::shared_ptr<Desk> desk) {
  const std::lock_guard hold(lock_);
  free_.push_back(std::move(desk));
}

void Connection::note_done(const std::string& what) {
  const std::lock_guard hold(lock_);
  if (done_.size() >= kDoneMax) done_.clear();
  done_.insert_or_assign(what, system_->world().clock.now() + kRecently);
}

bool Connection::was_done(const std::string& what) {
  const std::lock_guard hold(lock_);
  const auto known = done_.find(what);
  return known != done_.end() && system_->world().clock.now() < known->second;
}

bool Connection::was_in_service() const {
  return pool_ && pool_->counters().links_made.load(std::memory_order_relaxed) > 0;
}

/// The counters cover only this connection's pool.
bool Connection::turned_away() const {
  const net::NetCounters& counted = pool_->counters();
  for (std::size_t i = 0; i < net::kRefusals; ++i)
    if (counted.of(static_cast<net::Refusal>(i)) > 0) return true;
  return counted.of(net::Turned::channel) > 0;
}

void Connection::close() {
  free_.clear();
  link_.reset();
  if (system_) system_->end(kEndPatience);
  pool_.reset();
  system_.reset();
}

}  // namespace troupe::apps
