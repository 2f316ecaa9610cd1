// The figures of `troupe bench link`, and the work of its second process.
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <limits>

#include "apps/bench/figures.hpp"
#include "runtime/net/links_actor.hpp"

namespace troupe::bench {
namespace {

constexpr const char* kLoopback = "127.0.0.1";
constexpr std::chrono::seconds kLinkMax{60};         // until a link is up: a busy machine is slow
constexpr std::chrono::seconds kLinksMax{300};       // until all idle links are up
constexpr std::size_t kDiallingMax = 8;              // at once, the default limit of one address
constexpr std::chrono::milliseconds kLinkLook{1};    // between checks whether a link is in service
constexpr std::chrono::milliseconds kSettle{2'500};  // streams return their windows after a second of silence
constexpr std::chrono::seconds kAnswerMax{1};        // threshold of the figure

/// Returns the setup of links that send requests as fast as they can: it differs from a node's only in this and in the
/// limits per address.
net::NetSetup link_setup(std::size_t links) {
  net::NetSetup out = loopback_setup(links);
  out.limits.questions_per_second_max = std::numeric_limits<std::uint32_t>::max();
  return out;
}

std::uint16_t port_of(const std::string& line) {
  std::uint16_t port = 0;
  std::from_chars(line.data(), line.data() + line.size(), port);
  return port;
}

base::HostPort local(std::uint16_t port) {
  return *base::HostPort::parse(std::string(kLoopback) + ':' + std::to_string(port));
}

template <class... Kinds, class T>
void serve(runtime::Node& node, const std::string& name, T make) {
  const auto handle = node.start(name, make);
  node.publish<Kinds...>('/' + name, handle);
}

/// Accepts links on a port that the system picks; returns zero if it cannot.
std::uint16_t listen(Runner& runner, const std::shared_ptr<net::Pool>& pool) {
  const auto port = std::make_shared<std::atomic<int>>(-1);
  const auto told = [port, &runner](const base::Outcome<base::Endpoint>& at) {
    port->store(at.ok() ? at.value().port : 0);
    runner.ring();
  };
  runner.node().start("links", factory<net::LinksActor>(pool, told), {.kind = net::LinksActor::kName});
  const auto listening = runner.wait_until("listening", kLinkMax, [&] { return port->load() >= 0; });
  return listening.ok() ? static_cast<std::uint16_t>(port->load()) : std::uint16_t{0};
}

Failure no_link(const std::string& why) {
  return {{base::Code::unavailable, "no link to the second process: " + why},
          "nothing was measured",
          "again",
          Exit::failed};
}

Measurement<Figure> parcels(Runner& runner, const runtime::Handle& to, std::string what, std::size_t bytes,
                            Window window, base::Duration span) {
  auto out = runner.measure<Sender<wire::Parcel, FillParcel>>("sender-" + std::to_string(bytes), span, {.what = what},
                                                              to, window, span, FillParcel{bytes});
  if (out.ok() && out.value().per_second)
    out.value().mib_per_second = *out.value().per_second * static_cast<double>(bytes) / static_cast<double>(1 << 20);
  return out;
}

}  // namespace

// -- messages over one link -------------------------------------------------------------------------------------------

void serve_links(SecondProcess::Pipes& pipes, const ScratchFolder& folder) {
  using namespace wire;
  os::Waker waker{};
  Runner runner(waker, folder, {});
  serve<Number>(runner.node(), "echo", factory<Echo>());
  serve<Parcel, Count>(runner.node(), "small", factory<Counter>());
  serve<Parcel, Count>(runner.node(), "large", factory<Counter>());
  auto all = link_setup(1);
  all.listen = local(0);
  const auto pool = std::make_shared<net::Pool>(runner.node(), all);
  pipes.write_line(std::to_string(listen(runner, pool)));
  pipes.read_line();  // nothing more follows: it returns at the end of the input
}

Measurement<Figures> measure_links(os::Waker& waker, Runner& runner, SecondProcess& second, base::Duration span) {
  const auto said = second.line(waker, kLinkMax);
  if (!said.ok()) return said.error();
  const auto pool = std::make_shared<net::Pool>(runner.node(), link_setup(1));
  const auto link = pool->dial(local(port_of(said.value())));
  if (!link) return no_link("too many links");
  const auto ask = [&](const std::string& name, const Asker::Until& until) {
    return runner.measure<Asker>(name, until.span, {.what = "link.ask"}, link->proxy("/echo"), until, kTimedAll);
  };
  const auto there = ask("asker-first", {.span = kLinkMax, .asked_max = 1});
  if (!there.ok()) return there.error();
  if (there.value().errors > 0) return no_link("it does not respond");

  // In the order of the reference program: the effects of one figure on the next are the same in both.
  auto small = parcels(runner, link->proxy("/small"), "link.oneway256", kSmallBytes, kSmallWindow, span);
  if (!small.ok()) return small.error();
  auto asked = ask("asker", {.span = span});
  if (!asked.ok()) return asked.error();
  auto large = parcels(runner, link->proxy("/large"), "link.oneway64k", kLargeBytes, kLargeWindow, span);
  if (!large.ok()) return large.error();
  Figures out;
  for (auto* figure : {&small, &asked, &large}) out.push_back(std::move(*figure).value());
  return out;
}

// -- idle links -------------------------------------------------------------------------------------------------------

void dial_links(SecondProcess::Pipes& pipes, const ScratchFolder& folder, std::size_t links) {
  const std::uint16_t port = port_of(pipes.read_line());
  os::Waker waker{};
  Runner runner(waker, folder, {});
  serve<wire::Number>(runner.node(), "echo", factory<Echo>());
  std::vector<std::shared_ptr<net::Pool>> pools;
  std::vector<std::shared_ptr<net::Link>> made;
  std::size_t up = 0;  // in the order of dialling
  while (up < links) {
    while (made.size() < links && made.size() - up < kDiallingMax) {
      pools.push_back(std::make_shared<net::Pool>(runner.node(), link_setup(1)));
      made.push_back(pools.back()->dial(local(port)));
    }
    if (!made[up] || made[up]->closed()) break;  // the first process sees that this process ends
    if (pools[up]->counters().links_made.load(std::memory_order_relaxed) > 0) ++up;
    else waker.wait(kLinkLook);
  }
  if (up == links) {
    pipes.write_line(std::to_string(up));
    pipes.read_line();
  }
  // All its links lead to the same node: their actors share a path, so an orderly end could not tell them apart.
  std::_Exit(0);
}

Measurement<Figure> measure_idle_links(os::Waker& waker, Runner& runner, SecondProcess& second, std::size_t links) {
  auto all = link_setup(links);
  all.listen = local(0);
  const auto pool = std::make_shared<net::Pool>(runner.node(), all);
  const std::uint16_t port = listen(runner, pool);
  if (port == 0) return no_link("no port to listen on");
  const std::uint64_t before = resident_bytes();
  second.tell(std::to_string(port));
  const auto said = second.line(waker, kLinksMax);
  if (!said.ok()) return said.error();
  // The remote side may see a link in service a moment earlier.
  const auto up = runner.wait_until("accepting the links", kLinkMax, [&] { return pool->rows().size() == links; });
  if (!up.ok()) return up.error();
  const auto settled = runner.pause(kSettle);
  if (!settled.ok()) return settled.error();
  const std::uint64_t resident = growth(before, resident_bytes(), links);
  std::vector<runtime::Handle> all_links;
  for (const auto& link : pool->in_service()) all_links.push_back(link->proxy("/echo"));
  auto out = runner.measure<Roll>("roll", kAnswerMax, {.what = "link.idle", .clients = links}, all_links, kAnswerMax);
  if (out.ok()) out.value().resident_bytes = resident;
  return out;
}

}  // namespace troupe::bench
