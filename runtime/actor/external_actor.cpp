#include "runtime/actor/external_actor.hpp"

#include <caf/mailbox_element.hpp>

#include "messages/common.capnp.h"
#include "runtime/actor/envelope_type.hpp"

namespace troupe::runtime {

class ExternalActor::Worker final : public Inside {
 public:
  static constexpr const char* kName = "outside";
  Worker(std::shared_ptr<Queue> queue, Receive receive) : queue_(std::move(queue)), receive_(std::move(receive)) {}

  void receive(Handlers& on) override {
    on.tell<messages::wire::Nothing>([this](messages::wire::Nothing::Reader) { work(); });
    if (receive_) receive_(*this, on);
  }

 private:
  void work() {
    while (true) {
      What next;
      {
        const std::lock_guard hold(queue_->lock);
        if (queue_->waiting.empty()) return;
        next = std::move(queue_->waiting.front());
        queue_->waiting.pop_front();
      }
      next(*this);
    }
  }
  const std::shared_ptr<Queue> queue_;
  const Receive receive_;
};

ExternalActor::ExternalActor(Node& node, std::string name, Receive receive) {
  worker_ = node.start(std::move(name), [queue = queue_, receive] { return std::make_unique<Worker>(queue, receive); },
                       {.kind = Worker::kName});
}

void ExternalActor::run(What what, Trace trace) {
  {
    const std::lock_guard hold(queue_->lock);
    queue_->waiting.push_back(std::move(what));
  }
  post(worker_, Envelope::build<messages::wire::Nothing>({.trace = trace}, [](messages::wire::Nothing::Builder) {}));
}

void post(const Handle& to, Envelope envelope) {
  if (to) to->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(envelope)), nullptr);
}

}  // namespace troupe::runtime
