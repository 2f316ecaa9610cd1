#include "runtime/os/carrier.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace troupe::os {
namespace {

constexpr std::uint64_t kBell = 0;
constexpr int kEventsMax = 64;  // our choice: further events come in the next step
constexpr std::size_t kInside = 0, kOutside = 1;

/// Returns the epoll data of a descriptor. Numbers begin at 1.
std::uint64_t mark_of(std::uint64_t number, std::size_t side) { return number << 1 | side; }

/// Returns the addresses of this machine.
std::vector<base::Endpoint> addresses_here() {
  std::vector<base::Endpoint> out;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return out;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    base::Endpoint at;
    if (one->ifa_addr->sa_family == AF_INET) {
      at = *base::Endpoint::parse("0.0.0.0:0");
      std::memcpy(at.address.data() + 12, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, 4);
    } else if (one->ifa_addr->sa_family == AF_INET6) {
      std::memcpy(at.address.data(), &reinterpret_cast<const sockaddr_in6*>(one->ifa_addr)->sin6_addr, 16);
    } else {
      continue;
    }
    out.push_back(at);
  }
  ::freeifaddrs(all);
  return out;
}

bool may_dial(const ports::Reach& reach, const base::Endpoint& at) {
  ports::Reach here = reach;
  const auto own = addresses_here();
  here.own.insert(here.own.end(), own.begin(), own.end());
  return ports::may_reach(here, at);
}

}  // namespace

Carrier::Carrier(const ports::Clock& clock)
    : clock_(clock), watch_(::epoll_create1(EPOLL_CLOEXEC)), bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.u64 = kBell;
  if (!bell_.valid() || ::epoll_ctl(watch_.get(), EPOLL_CTL_ADD, bell_.get(), &wanted) != 0) watch_.reset();
}

void Carrier::add(Process process, std::vector<Descriptor> listeners, const std::vector<base::HostPort>& hosts,
                  ports::Reach reach) {
  const auto shared = std::make_shared<const ports::Reach>(std::move(reach));
  for (std::size_t i = 0; i < listeners.size() && i < hosts.size(); ++i) {
    const std::uint64_t number = ++number_;
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.u64 = mark_of(number, kInside);
    if (::epoll_ctl(watch_.get(), EPOLL_CTL_ADD, listeners[i].get(), &wanted) != 0) continue;
    listeners_.emplace(number, Listener{process, std::move(listeners[i]), hosts[i], shared});
  }
}

void Carrier::remove(Process process) {
  const auto is_of = [process](const auto& one) { return one.second.process == process; };
  std::erase_if(listeners_, is_of);
  std::erase_if(flows_, is_of);
}

std::size_t Carrier::carried_of(Process process) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(flows_, [process](const auto& one) { return one.second.process == process; }));
}

void Carrier::step() {
  std::array<epoll_event, kEventsMax> ready{};
  const int count = ::epoll_wait(watch_.get(), ready.data(), kEventsMax, 0);
  for (int i = 0; i < count; ++i) {
    const auto& [events, data] = ready[static_cast<std::size_t>(i)];
    const std::uint64_t number = data.u64 >> 1;
    if (data.u64 == kBell) take_answers();
    else if (listeners_.contains(number)) accept_at(number);
    else if (flows_.contains(number)) move(number, data.u64 & 1, events);
  }
}

void Carrier::accept_at(std::uint64_t listener) {
  const Listener& at = listeners_.at(listener);
  Descriptor taken(::accept4(at.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const std::size_t free = kCarriedOfAllMax - flows_.size();
  if (!taken.valid() || carried_of(at.process) >= std::min(kCarriedMax, free)) return;
  if (!dialler_) dialler_ = std::make_unique<Dialler>(clock_);
  const std::uint64_t number = ++number_;
  Flow& flow = flows_[number];
  flow.process = at.process;
  flow.sides[kInside].socket = std::move(taken);
  dialler_->dial(
      at.host, clock_.now() + kDialPatience,
      [this, number](Dialler::Result result) {
        const std::lock_guard lock(mutex_);
        answers_.push_back({number, std::move(result.socket)});
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto rung = ::write(bell_.get(), &one, sizeof one);
      },
      [reach = at.reach](const base::Endpoint& to) { return may_dial(*reach, to); }, at.process);
}

void Carrier::take_answers() {
  std::uint64_t rings = 0;
  [[maybe_unused]] const auto emptied = ::read(bell_.get(), &rings, sizeof rings);
  std::vector<Answer> answers;
  {
    const std::lock_guard lock(mutex_);
    answers.swap(answers_);
  }
  for (Answer& one : answers) {
    const auto flow = flows_.find(one.flow);
    if (flow == flows_.end()) continue;
    if (!one.socket.valid()) {
      flows_.erase(flow);  // the program sees the end of its connection
      continue;
    }
    flow->second.sides[kOutside].socket = std::move(one.socket);
    watch(one.flow, flow->second);
  }
}

void Carrier::move(std::uint64_t number, std::size_t side, std::uint32_t events) {
  Flow& flow = flows_.at(number);
  // A side that has ended both ways, or is broken, accepts no further bytes.
  bool broken = (events & (EPOLLHUP | EPOLLERR)) != 0 && flow.ways[side].ended;
  for (const std::size_t from : {kInside, kOutside}) {
    const Way& way = flow.ways[from];
    broken = broken || !pump(flow, from);
    // No event reports the remaining bytes of a side that epoll no longer watches.
    while (!broken && flow.sides[from].left && way.bytes.empty() && !way.ended) broken = !pump(flow, from);
  }
  if (broken || (flow.ways[0].over() && flow.ways[1].over())) {
    flows_.erase(number);
    return;
  }
  // epoll would report it endlessly, wanted or not. Bytes for the other side are still carried.
  if ((events & (EPOLLHUP | EPOLLERR)) != 0 && !flow.ways[side].bytes.empty()) leave(flow.sides[side]);
  watch(number, flow);
}

bool Carrier::pump(Flow& flow, std::size_t from) {
  Way& way = flow.ways[from];
  const int source = flow.sides[from].socket.get(), sink = flow.sides[1 - from].socket.get();
  const auto waits = [] { return errno == EAGAIN || errno == EINTR; };
  if (way.bytes.empty() && !way.ended) {
    way.bytes.resize(kCarriedBytes);
    const ssize_t got = ::read(source, way.bytes.data(), way.bytes.size());
    const int error = errno;
    way.bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    way.ended = got == 0;
    errno = error;
    if (got < 0 && !waits()) return false;
  }
  if (!way.bytes.empty()) {
    const ssize_t put = ::send(sink, way.bytes.data() + way.sent, way.bytes.size() - way.sent, MSG_NOSIGNAL);
    if (put < 0 && !waits()) return false;
    if (put > 0) way.sent += static_cast<std::size_t>(put);
    if (way.sent == way.bytes.size()) way.bytes.clear(), way.sent = 0;
  }
  if (way.ended && way.bytes.empty() && !way.told) {
    ::shutdown(sink, SHUT_WR);
    way.told = true;
  }
  return true;
}

void Carrier::leave(Side& side) {
  if (std::exchange(side.left, true) || !side.watched) return;
  ::epoll_ctl(watch_.get(), EPOLL_CTL_DEL, side.socket.get(), nullptr);
}

/// Waits for the events that allow progress.
void Carrier::watch(std::uint64_t number, Flow& flow) {
  for (std::size_t i = 0; i < flow.sides.size(); ++i) {
    Side& side = flow.sides[i];
    if (side.left) continue;
    const Way &from = flow.ways[i], &to = flow.ways[1 - i];
    epoll_event wanted{};
    if (from.bytes.empty() && !from.ended) wanted.events |= EPOLLIN;
    if (!to.bytes.empty()) wanted.events |= EPOLLOUT;
    wanted.data.u64 = mark_of(number, i);
    if (side.watched && side.events == wanted.events) continue;
    ::epoll_ctl(watch_.get(), side.watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, side.socket.get(), &wanted);
    side.watched = true;
    side.events = wanted.events;
  }
}

}  // namespace troupe::os
