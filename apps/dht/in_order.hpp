#pragma once
// Shows messages, which arrive in any order, by their numbers: each as soon as all earlier messages were shown.
#include <capnp/message.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::apps::dht_command {

template <class T>
class InOrder {
 public:
  using Show = std::function<void(std::size_t, typename T::Reader)>;
  /// For `count` messages, numbered from 0.
  InOrder(std::size_t count, Show show) : kept_(count), show_(std::move(show)) {}

  /// Adds a message. Ignores a number that is too large, or was received before.
  void take(std::size_t number, typename T::Reader message) {
    if (number < next_ || number >= kept_.size() || kept_[number]) return;
    kept_[number] = std::make_unique<capnp::MallocMessageBuilder>();
    kept_[number]->setRoot(message);
    while (next_ < kept_.size() && kept_[next_]) show(next_++);
  }
  /// Call once all messages have arrived: shows the messages after missing messages.
  void end() {
    for (; next_ < kept_.size(); ++next_)
      if (kept_[next_]) show(next_);
  }

 private:
  void show(std::size_t number) {
    show_(number, kept_[number]->template getRoot<T>().asReader());
    kept_[number].reset();
  }

  std::vector<std::unique_ptr<capnp::MallocMessageBuilder>> kept_;
  Show show_;
  std::size_t next_ = 0;
};

}  // namespace troupe::apps::dht_command
