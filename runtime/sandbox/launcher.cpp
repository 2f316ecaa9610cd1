#include "runtime/sandbox/launcher.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/fields.hpp"
#include "runtime/sandbox/server.hpp"
#include "runtime/sandbox/spec_bytes.hpp"

namespace troupe::sandbox {

std::optional<Launcher> Launcher::start() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
  base::Descriptor own(ends[0]), theirs(ends[1]);
  const pid_t process = ::fork();
  if (process < 0) return std::nullopt;
  if (process == 0) {
    own.reset();
    become_launcher(theirs.get());
  }
  return Launcher(process, std::move(own));
}

Launcher::~Launcher() {
  if (!talk_.valid()) return;  // moved from
  talk_.reset();
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
}

bool Launcher::make(SandboxId id, const Spec& spec, Streams streams) {
  if (spec.inside.run != nullptr || gone_) return false;
  base::Bytes out = head(Word::make, id);
  base::append(out, write(spec));
  if (out.size() > kPacketBytesMax) return false;
  Order order{std::move(out), std::move(streams)};
  give_orders();
  const Sent sent = orders_.empty() ? send_order(order) : Sent::later;
  if (sent == Sent::never) return false;
  if (sent == Sent::later) orders_.push_back(std::move(order));
  order.streams = {};
  orders_.push_back({head(Word::go, id), {}});
  give_orders();
  return true;
}

void Launcher::end(SandboxId id, std::optional<Limit> limit) {
  base::Bytes out = head(Word::end, id);
  out.push_back(limit ? static_cast<std::uint8_t>(*limit) : kForNoLimit);
  orders_.push_back({std::move(out), {}});
  give_orders();
}

Sent Launcher::send_order(const Order& order) const {
  std::vector<int> streams;
  for (const base::Descriptor& one : order.streams)
    if (one.valid()) streams.push_back(one.get());
  return send_packet(talk_.get(), order.bytes, streams);
}

void Launcher::give_orders() {
  while (!orders_.empty()) {
    const Order& next = orders_.front();
    const Sent sent = send_order(next);
    if (sent == Sent::later) return;
    if (sent == Sent::never && next.streams.front().valid()) {
      const SandboxId id{base::load<std::uint64_t>(next.bytes, 1)};
      Outcome lost;
      lost.why = "the order could not be sent to the launcher";
      heard_.push_back({id, std::move(lost)});
    }
    orders_.pop_front();
  }
}

bool Launcher::wait(std::chrono::milliseconds at_most) const {
  if (!heard_.empty() || gone_) return true;
  pollfd talk{talk_.get(), POLLIN, 0};
  return ::poll(&talk, 1, static_cast<int>(at_most.count())) != 0;
}

std::optional<Launcher::Heard> Launcher::next() {
  give_orders();
  while (heard_.empty() && !gone_) {
    auto packet = receive_packet(talk_.get());
    if (!packet) return std::nullopt;
    gone_ = packet->bytes.empty();
    take(packet->bytes, std::move(packet->descriptors));
  }
  if (heard_.empty()) return std::nullopt;
  Heard out = std::move(heard_.front());
  heard_.pop_front();
  return out;
}

void Launcher::take(base::ByteView packet, std::vector<base::Descriptor> descriptors) {
  base::FieldReader in(packet);
  const auto word = in.number<std::uint8_t>();
  if (word == static_cast<std::uint8_t>(Word::outcome)) {
    const SandboxId id{in.number<std::uint64_t>()};
    auto outcome = read_outcome(in.rest());
    if (!outcome) return;
    if (outcome->outputs.size() > descriptors.size()) {
      outcome->how = Ended::not_made;
      outcome->outputs.clear();
      outcome->limit.reset();
      outcome->why = "its outputs were lost: this process has reached its limit of open files";
      outcome->advice = "ulimit -n";
      descriptors.clear();
    }
    heard_.push_back({id, std::move(*outcome), std::move(descriptors)});
  }
  if (word == static_cast<std::uint8_t>(Word::listens)) {
    const SandboxId id{in.number<std::uint64_t>()};
    if (in.ended()) heard_.push_back({id, Listens{}, std::move(descriptors)});
  }
  while (word == static_cast<std::uint8_t>(Word::usages) && in.ok() && !in.ended()) {
    const SandboxId id{in.number<std::uint64_t>()};
    if (const auto usage = read_usage(in.take(kUsageBytes))) heard_.push_back({id, *usage});
  }
}

}  // namespace troupe::sandbox
