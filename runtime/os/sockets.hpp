#pragma once
// Sockets as descriptors: bound, listening, connecting; no loop and no actor.
//
// All are non-blocking and closed on exec. Local sockets get mode 0600 before they have a name: fchmod on the
// unbound socket, because umask belongs to the whole process and other threads make files.
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
inline constexpr std::size_t kAddressesMax = 8;       // our choice: addresses of one name that are tried
inline constexpr int kKeepAliveIdleSeconds = 30;      // our choice: a dead peer is noticed after a minute,
inline constexpr int kKeepAliveIntervalSeconds = 10;  // beside the pings of the peers themselves
inline constexpr int kKeepAliveProbes = 3;

/// What the kernel may hold of datagrams for one socket, in each direction; it cuts this to net.core.rmem_max. Our
/// choice: a small one costs 768 bytes there, so that 1,300 of them wait while no thread of ours gets to run. The
/// kernel's own choice is a fifth of that.
inline constexpr int kDatagramRoomBytes = 1024 * 1024;

/// The kernel's words for an errno value.
std::string reason(int error);

/// Looks up a name or number; blocks. At most kAddressesMax addresses, none if the name is unknown.
std::vector<base::Endpoint> look_up(const base::HostPort& host);

/// Errors: `conflict` if the address is in use, `refused` if it is not ours, `not_found` if the host is unknown.
base::Outcome<Descriptor> listen_tcp(const base::HostPort& at);

/// A place for datagrams, with room for kDatagramRoomBytes in both directions. Errors as for listen_tcp().
base::Outcome<Descriptor> bind_udp(const base::HostPort& at);

/// Takes over the name of a socket that nobody listens on any more.
/// Errors: `conflict` if somebody does, or if the path is something other than a socket.
base::Outcome<Descriptor> listen_local(const std::string& path);

/// Whether the name is that of a socket left by a process that is gone: nobody listens there. False where somebody
/// does, be he too busy to be reached or not allowed to us.
bool is_stale(const std::string& path);

/// A connection under way: writable once it is made or has failed (`connect_error`).
base::Outcome<Descriptor> connect_tcp(const base::Endpoint& to);
base::Outcome<Descriptor> connect_local(const std::string& path);

/// Zero if the connection was made, else why not.
int connect_error(const Descriptor& socket);

/// IPv4 in its mapped form; nothing of it is set for other families.
base::Endpoint endpoint_of(const sockaddr* address);
base::Endpoint local_endpoint(int socket);
base::Endpoint remote_endpoint(int socket);
/// The user at the other end of a local socket; nothing for TCP.
std::optional<std::uint32_t> remote_user(int socket);
/// Whether the other end of a socket may be talked to: it is remote, or this user's, or root's.
bool trusted(int socket);
/// Which user listens at `path`, if one does.
std::optional<std::uint32_t> local_server(const std::string& path);

/// No waiting for more bytes to send, and probes for a silent other side. Harmless for local sockets.
void tune(int socket);

/// Whether the kernel has given up the connection (reset, or no answer to probes), rather than ended it in order.
bool is_broken(int socket);

/// Two ends of a stream between processes of this program; they block, and are closed on exec. Nothing without room.
std::optional<std::pair<Descriptor, Descriptor>> stream_pair();

}  // namespace troupe::os
