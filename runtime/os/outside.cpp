#include "runtime/os/outside.hpp"

#include "messages/common.capnp.h"
#include "runtime/os/system.hpp"

namespace troupe::os {

class Outside::Worker final : public Inside {
 public:
  static constexpr const char* kName = "outside";
  Worker(std::shared_ptr<Queue> queue, Receive receive) : queue_(std::move(queue)), receive_(std::move(receive)) {}

  void receive(runtime::Handlers& on) override {
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

Outside::Outside(runtime::Node& node, std::string name, Receive receive) {
  worker_ = node.start(std::move(name), [queue = queue_, receive] { return std::make_unique<Worker>(queue, receive); },
                       {.kind = Worker::kName});
}

void Outside::run(What what) {
  {
    const std::lock_guard hold(queue_->lock);
    queue_->waiting.push_back(std::move(what));
  }
  post(worker_, runtime::Envelope::build<messages::wire::Nothing>({}, [](messages::wire::Nothing::Builder) {}));
}

}  // namespace troupe::os
