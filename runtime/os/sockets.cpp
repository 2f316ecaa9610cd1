#include "runtime/os/sockets.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace troupe::os {

namespace {

constexpr std::size_t kMappedV4At = 12;    // where IPv4 is in its mapped form
constexpr std::size_t kNameBytesMax = 64;  // of a local socket's last part, so that the short path always fits

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

SocketAddress socket_address(const base::Endpoint& endpoint) {
  SocketAddress out;
  if (endpoint.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.data() + kMappedV4At, sizeof v4.sin_addr);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
    return out;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  std::memcpy(&v6.sin6_addr, endpoint.address.data(), sizeof v6.sin6_addr);
  std::memcpy(&out.storage, &v6, sizeof v6);
  out.size = sizeof v6;
  return out;
}

base::Error error_of(int error, const std::string& what) {
  base::Code code = base::Code::unavailable;
  if (error == EADDRINUSE) code = base::Code::conflict;
  if (error == EACCES || error == EPERM || error == EADDRNOTAVAIL || error == EAFNOSUPPORT) code = base::Code::refused;
  if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) code = base::Code::overloaded;
  if (error == ENAMETOOLONG || error == EINVAL) code = base::Code::malformed;
  return {code, what + ": " + reason(error), {}};
}

/// The address of a path, through the directory's descriptor if the path itself is too long for the kernel.
struct LocalAddress {
  sockaddr_un address{};
  Descriptor directory;
  int error = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

LocalAddress local_address(const std::string& path) {
  LocalAddress out;
  out.address.sun_family = AF_UNIX;
  std::string short_path = path;
  if (path.size() >= sizeof out.address.sun_path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos || path.size() - slash > kNameBytesMax) {
      out.error = ENAMETOOLONG;
      return out;
    }
    out.directory = Descriptor(::open(path.substr(0, slash + 1).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!out.directory.valid()) {
      out.error = errno;
      return out;
    }
    short_path = "/proc/self/fd/" + std::to_string(out.directory.get()) + path.substr(slash);
  }
  if (short_path.empty() || short_path.find('\0') != std::string::npos) out.error = EINVAL;
  std::memcpy(out.address.sun_path, short_path.data(), std::min(short_path.size(), sizeof out.address.sun_path - 1));
  return out;
}

bool is_stale(const LocalAddress& at) {
  struct stat status {};
  if (::lstat(at.address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe.valid() && ::connect(probe.get(), at.get(), sizeof at.address) != 0 && errno == ECONNREFUSED;
}

/// Returns a bound socket; an error starts with `what`.
base::Outcome<Descriptor> bound(const base::HostPort& at, int type, const std::string& what) {
  const std::vector<base::Endpoint> found = look_up(at);
  if (found.empty()) return base::Error{base::Code::not_found, what + ": the host is unknown", {}};
  const SocketAddress address = socket_address(found.front());
  Descriptor socket(::socket(address.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return error_of(errno, what);
  const int yes = 1;
  const int no = 0;
  // Lingering connections must not block a new listener; two UDP sockets would share one port unnoticed.
  if (type == SOCK_STREAM) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  // "::" also accepts IPv4.
  if (address.family() == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  if (::bind(socket.get(), address.get(), address.size) != 0) {
    if (errno == EADDRNOTAVAIL)
      return base::Error{base::Code::refused, what + ": it is not an address of this machine"};
    return error_of(errno, what);
  }
  return socket;
}

}  // namespace

std::string reason(int error) { return std::generic_category().message(error); }

std::vector<base::Endpoint> look_up(const base::HostPort& host) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (getaddrinfo(host.host.c_str(), nullptr, &wanted, &list) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &freeaddrinfo);
  std::vector<base::Endpoint> out;
  for (const addrinfo* entry = list; entry != nullptr && out.size() < kAddressesMax; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    base::Endpoint endpoint = endpoint_of(entry->ai_addr);
    endpoint.port = host.port;
    if (std::find(out.begin(), out.end(), endpoint) == out.end()) out.push_back(endpoint);
  }
  return out;
}

base::Outcome<Descriptor> listen_tcp(const base::HostPort& at) {
  const std::string what = "cannot listen at " + at.text();
  auto socket = bound(at, SOCK_STREAM, what);
  if (!socket.ok()) return socket;
  if (::listen(socket.value().get(), kBacklog) != 0) return error_of(errno, what);
  return socket;
}

base::Outcome<Descriptor> bind_udp(const base::HostPort& at) {
  auto socket = bound(at, SOCK_DGRAM, "cannot receive datagrams at " + at.text());
  if (!socket.ok()) return socket;
  for (const int way : {SO_RCVBUF, SO_SNDBUF})
    ::setsockopt(socket.value().get(), SOL_SOCKET, way, &kDatagramRoomBytes, sizeof kDatagramRoomBytes);
  return socket;
}

base::Outcome<Descriptor> listen_local(const std::string& path) {
  const std::string what = "cannot listen at " + path;
  const LocalAddress at = local_address(path);
  if (at.error != 0) return error_of(at.error, what);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return error_of(errno, what);
  if (::fchmod(socket.get(), S_IRUSR | S_IWUSR) != 0) return error_of(errno, what);
  if (is_stale(at)) ::unlink(at.address.sun_path);
  if (::bind(socket.get(), at.get(), sizeof at.address) != 0) return error_of(errno, what);
  if (::listen(socket.get(), kBacklog) != 0) return error_of(errno, what);
  return socket;
}

base::Outcome<Descriptor> connect_tcp(const base::Endpoint& to) {
  const SocketAddress address = socket_address(to);
  Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return error_of(errno, to.text());
  if (::connect(socket.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) {
    return error_of(errno, to.text());
  }
  return socket;
}

base::Outcome<Descriptor> connect_local(const std::string& path) {
  const LocalAddress at = local_address(path);
  if (at.error != 0) return error_of(at.error, path);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return error_of(errno, path);
  if (::connect(socket.get(), at.get(), sizeof at.address) != 0) return error_of(errno, path);
  return socket;
}

bool is_stale(const std::string& path) {
  const LocalAddress at = local_address(path);
  return at.error == 0 && is_stale(at);
}

int connect_error(const Descriptor& socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

base::Endpoint endpoint_of(const sockaddr* address) {
  base::Endpoint out;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    out.address[10] = out.address[11] = 0xff;
    std::memcpy(out.address.data() + kMappedV4At, &v4.sin_addr, sizeof v4.sin_addr);
    out.port = ntohs(v4.sin_port);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    std::memcpy(out.address.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    out.port = ntohs(v6.sin6_port);
  }
  return out;
}

base::Endpoint local_endpoint(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return endpoint_of(reinterpret_cast<const sockaddr*>(&storage));
}

base::Endpoint remote_endpoint(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return endpoint_of(reinterpret_cast<const sockaddr*>(&storage));
}

std::optional<std::uint32_t> remote_user(int socket) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_UNIX) return std::nullopt;
  ucred who{};
  size = sizeof who;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return std::nullopt;
  return who.uid;
}

bool trusted(int socket) {
  const auto user = remote_user(socket);
  return !user || *user == 0 || *user == ::geteuid();
}

std::optional<std::uint32_t> local_server(const std::string& path) {
  const auto socket = connect_local(path);
  return socket.ok() ? remote_user(socket.value().get()) : std::nullopt;
}

void tune(int socket) {
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveIdleSeconds, sizeof kKeepAliveIdleSeconds);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveIntervalSeconds, sizeof kKeepAliveIntervalSeconds);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &kKeepAliveProbes, sizeof kKeepAliveProbes);
}

bool is_broken(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return info.tcpi_state == TCP_CLOSE;
}

std::optional<std::pair<Descriptor, Descriptor>> stream_pair() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

}  // namespace troupe::os
