// CAF's own link (BASP, plaintext) between two processes.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caf/io/all.hpp>
#include <cstdio>
#include <stdexcept>

#include "tools/bench/programs.hpp"
#include "tools/bench/shapes.hpp"

namespace troupe::bench {

/// The one-way message. CAF copies such bytes as a block, not one by one.
struct Parcel {
  std::vector<unsigned char> bytes;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& inspector, Parcel& parcel) {
  return inspector(caf::meta::type_name("Parcel"), parcel.bytes);
}

namespace {

using small_atom = caf::atom_constant<caf::atom("small")>;
using large_atom = caf::atom_constant<caf::atom("large")>;

struct Config : caf::actor_system_config {
  Config() {
    load<caf::io::middleman>();
    add_message_type<Parcel>("Parcel");
  }
};

/// Hands out one actor for each figure, and answers questions itself.
caf::behavior serve(caf::event_based_actor* self) {
  return {
      [](std::int64_t number) { return number; },
      [self](small_atom) { return self->spawn(counter<Parcel>, kSmallWindow); },
      [self](large_atom) { return self->spawn(counter<Parcel>, kLargeWindow); },
  };
}

/// The second process: this very program, with its input and output on pipes. Ends when this object does.
class Server {
 public:
  Server() {
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("no second process");
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      execl("/proc/self/exe", "reference", "serve", static_cast<char*>(nullptr));
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    keep_alive_ = in[1];
    FILE* const said = fdopen(out[0], "r");
    unsigned port = 0;
    const bool read = said != nullptr && std::fscanf(said, "%u", &port) == 1 && port > 0 && port < 65'536;
    if (said != nullptr) std::fclose(said);
    port_ = read ? static_cast<std::uint16_t>(port) : std::uint16_t{0};
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    close(keep_alive_);
    waitpid(pid_, nullptr, 0);
  }
  /// Zero if it did not start.
  std::uint16_t port() const { return port_; }

 private:
  pid_t pid_ = -1;
  int keep_alive_ = -1;
  std::uint16_t port_ = 0;
};

Figure parcels(caf::actor_system& system, const caf::actor& sink, std::string what, std::size_t bytes, Window window,
               std::chrono::milliseconds span) {
  Figure out{.what = std::move(what)};
  caf::scoped_actor self{system};
  self->wait_for(system.spawn([&](caf::event_based_actor* source) {
    return one_way(
        source, sink, window, span, [bytes] { return Parcel{std::vector<unsigned char>(bytes, 7)}; }, &out);
  }));
  if (out.per_second) out.mib_per_second = *out.per_second * static_cast<double>(bytes) / (1 << 20);
  caf::anon_send_exit(sink, caf::exit_reason::user_shutdown);
  return out;
}

template <class Atom>
caf::actor sink_of(caf::scoped_actor& self, const caf::actor& remote, Atom atom) {
  caf::actor out;
  self->request(remote, std::chrono::seconds{10}, atom)
      .receive([&](const caf::actor& sink) { out = sink; },
               [](const caf::error&) { throw std::runtime_error("the second process does not answer"); });
  return out;
}

}  // namespace

Figures bench_basp(std::chrono::milliseconds span) {
  const Server server;  // declared first: a later fork would lose the threads of an actor system
  if (server.port() == 0) throw std::runtime_error("the second process did not start");
  Config config;
  caf::actor_system system{config};
  const auto remote = system.middleman().remote_actor("127.0.0.1", server.port());
  if (!remote) throw std::runtime_error("no link to the second process");
  caf::scoped_actor self{system};

  Figures out;
  out.push_back(parcels(system, sink_of(self, *remote, small_atom::value), "link.oneway256.basp", kSmallBytes,
                        kSmallWindow, span));
  out.push_back({.what = "link.ask.basp"});
  self->wait_for(system.spawn<Asker>(*remote, span, kTimedAll, &out.back()));
  out.push_back(parcels(system, sink_of(self, *remote, large_atom::value), "link.oneway64k.basp", kLargeBytes,
                        kLargeWindow, span));
  return out;
}

int serve_basp() {
  Config config;
  caf::actor_system system{config};
  const auto service = system.spawn(serve);
  const auto port = system.middleman().publish(service, 0, "127.0.0.1");
  if (!port) return 1;
  std::printf("%u\n", static_cast<unsigned>(*port));
  std::fflush(stdout);
  char unused = 0;
  while (read(STDIN_FILENO, &unused, 1) > 0) continue;
  _exit(0);  // its actors may still be sending, and there is nothing to keep
}

}  // namespace troupe::bench
