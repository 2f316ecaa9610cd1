#pragma once
// Several nodes on one simulated network, each with a pool of links and actors written as lambdas.
#include <map>
#include <vector>

#include "messages/contact.hpp"
#include "runtime/net/links_actor.hpp"
#include "runtime/sim/open_channel.hpp"
#include "runtime/sim/open_keys.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/runtime/observe/lines_sink.hpp"

namespace troupe::test {

/// A program that dials a node, and then sends any bytes that a test chooses, or nothing.
class Visitor final : public runtime::Actor {
 public:
  struct Seen {
    int closed = 0;
    std::size_t written = 0;
  };
  using Dial = std::function<void(Visitor&)>;
  /// Speaks when it is connected, and again whenever some of that has left; returns what has left at once.
  using Speak = std::function<std::size_t(ports::Stream&)>;
  Visitor(
      Dial dial, Seen& seen, Speak speak = [](ports::Stream&) { return std::size_t{0}; })
      : dial_(std::move(dial)), seen_(seen), speak_(std::move(speak)) {}

  static Dial at(const base::Endpoint& where) {
    return [to = *base::HostPort::parse(where.text())](Visitor& self) {
      self.world().network.dial(to, self.now() + std::chrono::seconds(5), 1, self.self());
    };
  }
  static Dial at_socket(std::string path) {
    return [path](Visitor& self) {
      self.world().network.dial_local(path, self.now() + std::chrono::seconds(5), 1, self.self());
    };
  }

  void receive(runtime::Handlers&) override {}
  void start() override { dial_(*this); }
  void event(ports::StreamEvent&& event) override {
    if (auto* made = std::get_if<ports::Dialled>(&event)) {
      stream_ = made->stream;
      stream_->start(self());
      speak();
    } else if (auto* left = std::get_if<ports::Written>(&event)) {
      seen_.written += left->bytes;
      speak();
    }
    seen_.closed += std::holds_alternative<ports::Closed>(event);
  }

 private:
  void speak() {
    while (const std::size_t left = speak_(*stream_)) seen_.written += left;
  }

  const Dial dial_;
  Seen& seen_;
  const Speak speak_;
  std::shared_ptr<ports::Stream> stream_;
};

class NetCluster {
 public:
  static constexpr const char* kControl = "control.sock";  // of each member

  struct Member {
    Member(sim::Stage& stage, std::shared_ptr<sim::Fabric> fabric, std::uint16_t number, runtime::NodeLimits limits)
        : ports(stage.keep<sim::NodePorts>(stage, std::move(fabric), number, disk)),
          node(stage.system(), ports.world(), limits) {}
    sim::Disk disk;
    sim::NodePorts& ports;
    runtime::Node node;
    std::shared_ptr<net::Pool> pool;
    std::optional<base::Endpoint> address;
    std::vector<std::string> logged{};
    observe::Log log{std::make_unique<LinesSink>(logged), observe::LogFormat::text, [] { return base::WallTime{}; }};
    Outside outside;
    const base::NodeId& id() const { return pool->setup().identity->id(); }
  };

  /// `open`: without TLS, and with keys for datagrams that cost nothing.
  explicit NetCluster(std::size_t count, std::uint64_t seed = 1, net::LinkLimits limits = {},
                      sim::Fabric::Latency latency = {}, bool open = false)
      : stage(seed), fabric(sim::Fabric::make(stage, latency)) {
    for (std::size_t i = 0; i < count; ++i) add(limits, open);
    stage.run_for(std::chrono::milliseconds(1));
  }
  /// One more member, with the identity of another one and a start number of its own.
  void add_copy(std::size_t of, std::uint64_t start) {
    add({}, false, members[of]->pool->setup().identity, start);
    stage.run_for(std::chrono::milliseconds(1));
  }
  ~NetCluster() {
    for (auto& member : members) kill_all(member->node);
    for (auto& member : members) member->outside.release();
    stage.run_for(std::chrono::seconds(1));
  }

  Member& operator[](std::size_t i) { return *members[i]; }

  /// Runs `what` in a handler of an actor of that member, and lets a second pass.
  void inside(std::size_t member, std::function<void(Scripted&)> what, base::Duration then = std::chrono::seconds(1)) {
    members[member]->outside.run(members[member]->node, std::move(what));
    stage.run_for(then);
  }

  /// Makes a service that every other member may reach.
  template <class... Kinds>
  runtime::Handle serve(std::size_t member, std::string name, Scripted::Receive receive) {
    return members[member]->node.start(name, script(std::move(receive), [name](Scripted& self) {
                                         self.node().publish<Kinds...>("/" + name, self.self());
                                       }));
  }

  /// The nodes of which any `/peers` heard that they were not at their address, and which node was there.
  struct Vain {
    base::Contact contact;
    net::wire::NotThere::Met met;
  };
  std::vector<Vain> failed_dials;
  /// Violations that `/peers` of any member heard of.
  std::vector<std::pair<base::NodeId, net::wire::Violation>> accused;
  /// `/peers` of a member bans a node for `span`; zero lifts the ban.
  void ban(std::size_t member, const base::NodeId& node, std::chrono::milliseconds span) {
    inside(member, [&](Scripted& self) {
      self.tell<net::wire::Shun>(self.node().find("/links"), [&](net::wire::Shun::Builder out) {
        out.setNode(kj::arrayPtr(node.bytes.data(), node.bytes.size()));
        out.setMilliseconds(static_cast<std::uint64_t>(span.count()));
      });
    });
  }
  /// The operators of each member.
  const std::shared_ptr<net::Operators> operators = std::make_shared<net::Operators>();
  std::map<base::NodeId, base::Endpoint> believed;  // the address that a member is believed to have, if it is wrong

  sim::Stage stage;
  std::shared_ptr<sim::Fabric> fabric;
  std::vector<std::unique_ptr<Member>> members;

 private:
  void add(const net::LinkLimits& limits, bool open, std::shared_ptr<const crypto::Identity> identity = nullptr,
           std::uint64_t start = 0) {
    const auto number = static_cast<std::uint16_t>(members.size() + 1);
    members.push_back(std::make_unique<Member>(stage, fabric, number, runtime::NodeLimits{}));
    Member& home = *members.back();
    net::NetSetup setup;
    setup.terms.work_bits = 0;
    setup.limits = limits;
    setup.operators = operators;
    if (open) {
      setup.channels = [&chance = home.ports.world().chance](crypto::Side side) {
        return std::make_unique<sim::OpenChannel>(side, chance);
      };
    }
    setup.terms.start = start;
    setup.identity = std::move(identity);
    if (!setup.identity)
      setup.identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(home.ports.world().chance, 0));
    if (open) {
      setup.agree = [own = setup.identity->public_key()](const base::PublicKey& other) {
        return sim::open_keys(own, other);
      };
    }
    setup.listen = base::HostPort::parse(base::Endpoint{home.ports.address(), 4000}.text());
    setup.control_path = kControl;
    home.pool = std::make_shared<net::Pool>(home.node, setup);
    home.pool->offer();
    home.node.start("links", [&home] {
      const auto listening = [&home](const base::Outcome<base::Endpoint>& at) {
        if (at.ok()) home.address = at.value();
      };
      return std::make_unique<net::LinksActor>(home.pool, listening, &home.log);
    });
    // Every member knows the address of every other member, or the address that it is believed to have.
    home.node.start(
        "peers", script([this](Scripted&, runtime::Handlers& on) {
          on.tell<net::wire::NotThere>([this](net::wire::NotThere::Reader where) {
            failed_dials.push_back({messages::read_contact(where.getContact()), where.getMet()});
          });
          on.tell<net::wire::Misbehaved>([this](net::wire::Misbehaved::Reader report) {
            const auto node = base::NodeId::from({report.getNode().begin(), report.getNode().size()});
            accused.emplace_back(*node, report.getHow());
          });
          on.ask<net::wire::WhereIs, net::wire::Whereabouts>(
              [this](net::wire::WhereIs::Reader question, runtime::Reply<net::wire::Whereabouts> reply) {
                const auto id = base::NodeId::from({question.getNode().begin(), question.getNode().size()});
                for (auto& member : members) {
                  if (member->id() != *id) continue;
                  const auto other = believed.find(*id);
                  const base::Endpoint at = other == believed.end() ? *member->address : other->second;
                  return reply.send([&](net::wire::Whereabouts::Builder out) {
                    messages::write_contact(out.initContact(), {member->pool->setup().identity->public_key(), 0, at});
                  });
                }
                reply.refuse({base::Code::not_found, "no node of that id"});
              });
        }));
  }
};

}  // namespace troupe::test
