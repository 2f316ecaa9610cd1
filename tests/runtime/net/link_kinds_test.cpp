// Every kind of message, sent over a link in every role: what the table of kinds says is what the link does.
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <doctest/doctest.h>

#include "tests/runtime/actor/foreign_actor.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using messages::KindInfo;
using messages::Role;
using runtime::Envelope;

namespace {

/// An actor outside of all nodes, which keeps what reaches it.
runtime::Handle collector(sim::Stage& stage, std::vector<Envelope>& heard) {
  caf::actor_config config;
  return caf::make_actor<Mouthpiece, caf::actor>(1, caf::node_id{}, &stage.system(), config,
                                                 Mouthpiece::Heard(&heard, [](auto*) {}));
}

/// A message of that kind with nothing in it.
Envelope empty(const KindInfo& kind) {
  capnp::MallocMessageBuilder message;
  message.initRoot<messages::wire::Nothing>();
  const auto words = capnp::messageToFlatArray(message);
  return Envelope::from_words({.kind = &kind}, words);
}

/// Two nodes. The second serves all kinds at `/all`, and lists operators of both roles.
struct Walk {
  Walk() { publish(1); }

  void publish(std::size_t member) {
    runtime::Service service{all, {}};
    for (const KindInfo& kind : messages::all_kinds()) service.kinds.push_back(&kind);
    cluster[member].node.publish("/all", std::move(service));
  }

  /// Sends each kind over the link, first as a tell, then as a question.
  void send_each(const std::shared_ptr<net::Link>& link) {
    const runtime::Handle there = link->proxy("/all");
    REQUIRE(there);
    for (const KindInfo& kind : messages::all_kinds()) {
      there->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, empty(kind)), nullptr);
      there->enqueue(caf::make_mailbox_element(caf::actor_cast<caf::strong_actor_ptr>(asker),
                                               caf::make_message_id(++asked), {}, empty(kind)),
                     nullptr);
    }
    cluster.stage.run_for(2s);
  }
  /// The same over a link that is dialled with that key, in that role.
  void send_each_as(Role role, const std::shared_ptr<const crypto::Identity>& identity) {
    net::NetSetup setup;
    setup.identity = identity;
    setup.terms.work_bits = 0;
    setup.role = role;
    const auto pool = std::make_shared<net::Pool>(cluster[0].node, setup);
    const auto link = pool->dial(cluster[1].id(), base::HostPort::parse(cluster[1].address->text()));
    REQUIRE(link != nullptr);
    send_each(link);
  }
  std::shared_ptr<const crypto::Identity> new_identity() {
    return std::make_shared<const crypto::Identity>(crypto::Identity::make(cluster[0].ports.world().chance, 0));
  }
  std::size_t times(const KindInfo& kind) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(arrived, [&](const Envelope& one) { return one.kind() == &kind; }));
  }

  std::vector<Envelope> arrived, answers;  // before the cluster, whose end answers what is open
  NetCluster cluster{2, 1, {.questions_in_flight_max = 10'000}};
  const runtime::Handle all = collector(cluster.stage, arrived), asker = collector(cluster.stage, answers);
  std::uint64_t asked = 0;
};

}  // namespace

TEST_CASE("link: each kind reaches an actor from the roles that its schema names, and from no other") {
  Walk walk;
  REQUIRE(messages::all_kinds().size() > 100);
  Role role = Role::peer;
  SUBCASE("another node") { walk.send_each_as(role, walk.new_identity()); }
  SUBCASE("an operator who may look") {
    const auto identity = walk.new_identity();
    walk.cluster.operators->view.push_back(identity->public_key());
    walk.send_each_as(role = Role::view, identity);
  }
  SUBCASE("an operator who may change things") {
    const auto identity = walk.new_identity();
    walk.cluster.operators->operate.push_back(identity->public_key());
    walk.send_each_as(role = Role::operate, identity);
  }
  std::size_t forbidden = 0;
  for (const KindInfo& kind : messages::all_kinds()) {
    CAPTURE(kind.name);
    const bool may = messages::may_send(kind, role);
    CHECK(walk.times(kind) == (may ? 2 : 0));
    forbidden += !may;
  }
  // The question of a forbidden kind is refused; a node that sends such kinds is no honest one.
  CHECK(walk.answers.size() == forbidden);
  for (const Envelope& answer : walk.answers) CHECK(runtime::read_error(answer).code == Code::refused);
  // It is accused of some of them: one link must not fill the mailbox of `/peers`.
  CHECK(walk.cluster.accused.empty() == (role != Role::peer));
  CHECK(walk.cluster.accused.size() < 32);
  for (const auto& [node, how] : walk.cluster.accused) CHECK(how == net::wire::Violation::FORBIDDEN);
}

TEST_CASE("link: the local socket has the role of an operator who may change things, for each kind") {
  Walk walk;
  walk.publish(0);  // the socket leads to the node itself
  walk.send_each(walk.cluster[0].pool->dial_local(NetCluster::kControl));
  for (const KindInfo& kind : messages::all_kinds()) {
    CAPTURE(kind.name);
    CHECK(walk.times(kind) == (messages::may_send(kind, Role::operate) ? 2 : 0));
  }
}

TEST_CASE("link: a stranger that asks for a role which it does not have reaches no actor with any kind") {
  Walk walk;
  Role role = Role::view;
  SUBCASE("to look") {}
  SUBCASE("to change things") { role = Role::operate; }
  SUBCASE("to change things, where it may look") {
    role = Role::operate;
    const auto identity = walk.new_identity();
    walk.cluster.operators->view.push_back(identity->public_key());
    walk.send_each_as(role, identity);
  }
  if (walk.asked == 0) walk.send_each_as(role, walk.new_identity());
  CHECK(walk.arrived.empty());
  CHECK(walk.answers.size() == walk.asked);
  for (const Envelope& answer : walk.answers) CHECK(runtime::read_error(answer).code == Code::unavailable);
}
