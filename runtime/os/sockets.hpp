#pragma once
// Sockets as descriptors: bound, listening, connecting; no loop and no actor.
//
// All are non-blocking and closed on exec. Local sockets get mode 0600 before they have a name, by fchmod on the
// unbound socket: umask belongs to the whole process, and other threads create files.
#include <sys/socket.h>
#include <sys/un.h>

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/endpoint.hpp"
#include "runtime/base/error.hpp"
#include "runtime/os/descriptor.hpp"

namespace troupe::os {

inline constexpr int kBacklog = 1024;                 // our choice; the kernel cuts it to net.core.somaxconn
inline constexpr std::size_t kAddressesMax = 8;       // our choice: the addresses of one name to try
inline constexpr int kKeepAliveIdleSeconds = 30;      // our choice: a dead peer is noticed after a minute,
inline constexpr int kKeepAliveIntervalSeconds = 10;  // in addition to the pings of the peers themselves
inline constexpr int kKeepAliveProbes = 3;

/// The kernel's buffer for the datagrams of one socket, in each direction; the kernel cuts it to net.core.rmem_max. Our
/// choice: a small datagram costs 768 bytes in it, so 1,300 datagrams fit while our threads do not get to run. The
/// kernel's default is a fifth of this size.
inline constexpr int kDatagramRoomBytes = 1024 * 1024;

/// Returns the kernel's text for an errno value.
std::string reason(int error);

/// Resolves a name or number; blocks. Returns at most kAddressesMax addresses, none if the name is unknown.
std::vector<base::Endpoint> look_up(const base::HostPort& host);

/// Returns a listening socket. Errors: `conflict` if the address is in use, `refused` if this machine does not have it,
/// `not_found` if the host is unknown.
base::Outcome<Descriptor> listen_tcp(const base::HostPort& at);

/// Returns a UDP socket with kDatagramRoomBytes in both directions. Errors like listen_tcp().
base::Outcome<Descriptor> bind_udp(const base::HostPort& at);

/// Returns a listening local socket. Takes over the name of a socket that has no listener. Errors: `conflict` if a
/// process listens, or if the path is not a socket.
base::Outcome<Descriptor> listen_local(const std::string& path);

/// Whether the name belongs to a socket that an ended process left, so that nothing listens there. False if a process
/// listens, even if it is too busy to respond or we may not connect.
bool is_stale(const std::string& path);

/// Returns a connection in progress: writable once it is established or has failed (`connect_error`).
base::Outcome<Descriptor> connect_tcp(const base::Endpoint& to);
base::Outcome<Descriptor> connect_local(const std::string& path);

/// Returns zero if the connection was established, otherwise the error.
int connect_error(const Descriptor& socket);

/// Returns the address, IPv4 in its mapped form; all zero for other families.
base::Endpoint endpoint_of(const sockaddr* address);
base::Endpoint local_endpoint(int socket);
base::Endpoint remote_endpoint(int socket);
/// Returns the user at the other end of a local socket; nullopt for TCP.
std::optional<std::uint32_t> remote_user(int socket);
/// Whether the other end of a socket may be used: it is remote, or a local process of this user or root.
bool trusted(int socket);
/// Returns the user that listens at `path`, or nullopt.
std::optional<std::uint32_t> local_server(const std::string& path);

/// Disables the delay of small writes (TCP_NODELAY), and enables keep-alive probes. Harmless for local sockets.
void tune(int socket);

/// Whether the connection failed (reset, or no response to probes) rather than ended normally.
bool is_broken(int socket);

/// Returns the two ends of a stream between processes of this program; they block, and are closed on exec. Returns
/// nullopt if no descriptors are free.
std::optional<std::pair<Descriptor, Descriptor>> stream_pair();

}  // namespace troupe::os
