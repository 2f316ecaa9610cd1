#pragma once
// Who is told of what comes to places that this node holds, and the notices to them. Part of the head.
#include "actors/dht/head.hpp"
#include "actors/dht/logic/listeners.hpp"
#include "actors/dht/logic/tokens.hpp"

namespace troupe::dht {

class Notices final : public runtime::Part {
 public:
  Notices(runtime::Actor& owner, Head& head, const ListenerLimits& limits, const base::Mutations& mutations)
      : Part(owner), head_(head), listeners_(limits, mutations) {}

  /// Who asks to be told, and how it showed that it may.
  struct Asker {
    Contact who;
    bool inside = false;           ///< an actor of this node
    bool may = false;              ///< that, or it has shown a token
    std::optional<Token> token{};  ///< to answer with
  };
  void listen(wire::Listen::Reader question, const Topic& topic, const Asker& asker,
              runtime::Reply<wire::Listening> reply);
  /// Tells who listens. What has come is durable by now: it is told once it would also be found.
  void changed(const Topic& topic, const std::optional<Contact>& provider = {});
  std::size_t listeners() const { return listeners_.size(); }

 private:
  struct Question {
    Topic topic;
    std::chrono::seconds lease;
    std::optional<Tag> knows;
    std::optional<Token> token;
    runtime::Reply<wire::Listening> reply;
  };
  void give_lease(const Contact& who, Question question);
  void say_present(Question question);
  void send(const Notice& notice);
  void send(const Notice& notice, base::ByteView record);

  Head& head_;
  Listeners listeners_;
};

}  // namespace troupe::dht
