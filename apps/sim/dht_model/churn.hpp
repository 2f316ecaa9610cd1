#pragma once
// Measures how often a value is found while nodes come and go: by default a thousand nodes whose sessions last an hour.
//
// Course  nodes start within kForming, and then live through their sessions. Values are put during the last `key_age`
//         of the warm-up, and requested during `span` after it.
// Fair    a get comes from an honest node whose bootstrap has ended, and which has never handled the key: it has not
//         stored or requested the value, and was not asked for it or to store it. A get that ends with its node's
//         session is repeated at another node.
// Strict  a value without a live storage node counts as not found, and is also counted in Churned::no_holder.
#include <chrono>

#include "actors/dht/logic/contact.hpp"
#include "apps/sim/dht_model/ratio.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht::model {

inline constexpr std::chrono::minutes kForming{10};

struct ChurnPlan {
  std::size_t nodes = 1'000;  ///< nodes that are up on average
  base::Duration session = std::chrono::minutes(60);
  base::Duration absence = std::chrono::minutes(60);
  std::uint64_t come_back_percent = 100;  ///< of nodes that leave; a new node replaces each node that does not return
  std::uint64_t loss_percent = 1;         ///< of datagrams
  std::uint64_t hostile_percent = 0;      ///< of nodes, equally for all kinds of Conduct
  base::Duration warm_up = std::chrono::hours(6);
  base::Duration key_age = std::chrono::hours(5);
  base::Duration span = std::chrono::hours(1);
  base::Duration republish = std::chrono::hours(22);
  std::size_t copies = 20;
  std::size_t keys = 5'000;
  std::size_t gets = 100'000;
  std::uint64_t seed = 1;
};

struct Churned {
  std::size_t keys = 0;  ///< keys that were put and acknowledged
  std::size_t put_tries = 0;
  Ratio found;
  std::uint64_t no_holder = 0;    ///< gets that found nothing because no honest storage node was up
  std::uint64_t cut_off = 0;      ///< gets that ended with their node
  std::uint64_t sessions = 0;     ///< sessions that have begun
  std::size_t up = 0;             ///< nodes up at the end
  double requests_each = 0;       ///< per get
  double hops = 0;                ///< per get that found the value
  base::Duration p50{0}, p99{0};  ///< of a get
  std::uint64_t requests = 0;     ///< requests of all nodes since the beginning
};

Churned churn(const ChurnPlan& plan);

}  // namespace troupe::dht::model
