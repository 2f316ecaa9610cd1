#pragma once
// The clients of one domain in one run. Each client sends one request to one node, as an operator would.
//
// Use     derive a struct from Client, for the state of a client, and a class from Clients of that struct. The class
//         has a function for each operation: it calls begin(), then ask() or subscribe(), which end the client.
// Counts  if an operation of the scenario succeeds, that is reported to the run (Nodes::acknowledged); for the
//         workload's own requests it is not.
// Owner   one run. A client that is over is kept, because callbacks may refer to it.
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/actor/actor.hpp"
#include "runtime/base/error.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::sim {

using MaybeError = std::optional<base::Error>;

/// Returns a text such as "not_found: no node has it"; empty without an error.
inline std::string why_of(const MaybeError& error) {
  return error ? std::string(base::name(error->code)) + ": " + error->message : "";
}

struct Client {
  std::size_t node = 0;
  std::string what;              ///< "a put of file-3"
  bool counts = false;           ///< its success is reported to the run
  bool over = false;             ///< the response has arrived, or the client's node has died
  base::WallTime asked_at{};     ///< by the clock of its node
  runtime::Subscription hold{};  ///< for a stream

  std::string text() const { return what + " at " + node_name(node); }
};

/// `Its` derives from Client.
template <class Its>
class Clients {
 public:
  using Error = MaybeError;
  using Inside = Nodes::Inside;

  explicit Clients(Nodes& nodes) : nodes_(nodes) {}

  /// Runs `what`. Clients that begin in it count as operations of the scenario.
  void by_operation(const std::function<void()>& what) {
    counts_ = true;
    what();
    counts_ = false;
  }
  /// Ends the clients of a node that has died, because no response will come. Calls `cut_off` for each client that was
  /// not over.
  void died(std::size_t node, const std::function<void(Its&)>& cut_off = {}) {
    for (Its& client : clients_) {
      if (client.node != node || std::exchange(client.over, true)) continue;
      if (cut_off) cut_off(client);
    }
  }
  /// Returns "a put of file-3 at n2 has not ended" for each client that is not over.
  std::vector<std::string> under_way() const {
    std::vector<std::string> out;
    for (const Its& client : clients_)
      if (!client.over) out.push_back(client.text() + " has not ended");
    return out;
  }

 protected:
  Its& begin(std::size_t node, std::string what) {
    Its& client = clients_.emplace_back();
    client.node = node;
    client.what = std::move(what);
    client.counts = counts_;
    return client;
  }
  void end(Its& client, const Error& error) {
    client.over = true;
    if (error) nodes_.tell(client.text() + " ended with " + why_of(error));
    else if (client.counts) nodes_.acknowledged();
  }
  /// Reports a violation. `how` continues the client's text: "gave wrong bytes".
  void violated(std::string_view invariant, const Its& client, const std::string& how) {
    nodes_.violated(invariant, client.text() + ' ' + how);
  }

  /// Sends a request to an actor of the client's node. The response ends the client, then `take(error, A::Reader)` is
  /// called; with an error the reader is empty. Nothing is called once the client is over.
  template <class Q, class A, class Fill, class Take>
  void ask(Its& client, const char* path, base::Duration wait, Fill fill, Take take) {
    nodes_.inside(client.node, [this, &client, path, wait, fill, take](Inside& actor) {
      client.asked_at = actor.node().world().clock.wall();
      actor.ask<Q, A>(actor.node().find(path), actor.now() + wait, fill,
                      [this, &client, take](runtime::Answer<A> answer) {
                        if (client.over) return;
                        const Error error = answer.ok() ? Error() : answer.error();
                        end(client, error);
                        take(error, error ? typename A::Reader() : answer.value());
                      });
    });
  }
  /// Requests a stream: `item(Item::Reader)` gets each item. Its end ends the client, then calls `ended(error)`.
  template <class Q, class Item, class Fill, class OnItem, class OnEnd>
  void subscribe(Its& client, const char* path, base::Duration idle, Fill fill, OnItem item, OnEnd ended) {
    nodes_.inside(client.node, [this, &client, path, idle, fill, item, ended](Inside& actor) {
      client.asked_at = actor.node().world().clock.wall();
      client.hold = actor.subscribe<Q, Item>(
          actor.node().find(path), idle, fill,
          [&client, item](typename Item::Reader one) {
            if (!client.over) item(one);
          },
          [this, &client, ended](const base::Outcome<void>& outcome) {
            if (client.over) return;
            const Error error = outcome.ok() ? Error() : outcome.error();
            end(client, error);
            ended(error);
          });
    });
  }

  std::size_t begun() const { return clients_.size(); }

  Nodes& nodes_;

 private:
  std::deque<Its> clients_;
  bool counts_ = false;
};

}  // namespace troupe::sim
