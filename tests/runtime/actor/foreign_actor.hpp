#pragma once
// Somebody behind a link, for tests of actors that ask who is speaking: questions with a sender on another node.
#include <caf/make_actor.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/actor/caller.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

namespace troupe::test {

/// The sender: keeps whatever comes back.
class Mouthpiece final : public runtime::Proxy {
 public:
  using Heard = std::shared_ptr<std::vector<runtime::Envelope>>;
  Mouthpiece(caf::actor_config& config, Heard heard, std::optional<base::Endpoint> at = std::nullopt)
      : Proxy(config), heard_(std::move(heard)), at_(at) {}

  std::optional<base::Endpoint> proven_at() const override { return at_; }
  using caf::actor_proxy::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override {
    if (element->content().match_elements<runtime::Envelope>())
      heard_->push_back(element->content().get_as<runtime::Envelope>(0));
  }
  void kill_proxy(caf::execution_unit* worker, caf::error why) override { cleanup(std::move(why), worker); }

 private:
  const Heard heard_;  // actors have streams to it for longer than a test has it
  const std::optional<base::Endpoint> at_;
};

class ForeignActor {
 public:
  /// `at`: the address that its link has proven.
  ForeignActor(ActorFixture& actors, const base::NodeId& id, messages::Role role,
               std::optional<base::Endpoint> at = std::nullopt)
      : theatre_(actors),
        mouthpiece_(caf::make_actor<Mouthpiece, caf::strong_actor_ptr>(1, runtime::remote_node_id(id, role),
                                                                       &actors.stage.system(), config_, heard_, at)) {}

  /// Asks `whom`, lets everybody act on it, and returns the answer that came meanwhile; none if it is still to come.
  template <class Question, class Fill>
  runtime::Envelope ask(const runtime::Handle& whom, Fill&& fill) {
    return ask(whom, runtime::Envelope::build<Question>({}, std::forward<Fill>(fill)));
  }
  /// The same with a question that is at hand, well formed or not.
  runtime::Envelope ask(const runtime::Handle& whom, runtime::Envelope question) {
    ++asked_;
    return follow(whom, std::move(question));
  }
  /// Sends what belongs to the last question, as the items of a stream do, and returns what came back last.
  runtime::Envelope follow(const runtime::Handle& whom, runtime::Envelope signal) {
    heard_->clear();
    whom->enqueue(caf::make_mailbox_element(mouthpiece_, caf::make_message_id(asked_), {}, std::move(signal)), nullptr);
    theatre_.stage.settle();
    return heard_->empty() ? runtime::Envelope{} : heard_->back();
  }

 private:
  ActorFixture& theatre_;
  const Mouthpiece::Heard heard_ = std::make_shared<std::vector<runtime::Envelope>>();
  caf::actor_config config_;
  caf::strong_actor_ptr mouthpiece_;
  std::uint64_t asked_ = 0;
};

}  // namespace troupe::test
