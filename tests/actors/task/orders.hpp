#pragma once
// Orders of a submitter that a test has made up.
#include "actors/task/logic/order.hpp"

namespace troupe::task {

inline const crypto::Identity& submitter() {
  static const auto made = *crypto::Identity::from(crypto::SecretKey{crypto::Seed()}, 0, 0);
  return made;
}

/// Another node, not 0.
inline crypto::Identity other_node(std::uint8_t number) {
  crypto::Seed seed;
  seed.bytes[0] = number;
  return *crypto::Identity::from(crypto::SecretKey{seed}, 0, 0);
}

inline Order small_order() {
  Order out{.submitter = submitter().public_key(), .submitter_nonce = 0};
  out.program.bytes[0] = 1;
  return out;
}

/// With all that an order can have.
inline Order large_order() {
  Order out = small_order();
  out.nonce.bytes[0] = 7;
  out.arguments = {"--verbose", "", "two words"};
  out.standard_input = Cid{};
  out.inputs = {{Cid{}, "data/a.csv"}, {Cid{}, "data/b.csv"}};
  out.outputs = {"out/result", "report.txt"};
  out.root = Cid{};
  out.hosts = {"[2001:db8::1]:443", "example.org:443"};
  out.need = "memory>=4G,arch=x86_64";
  out.priority = 9;
  out.replicas = 3;
  out.quorum = 2;
  out.deterministic = true;
  out.retries = 4;
  out.queue_max_s = 60;
  out.price_max = 1'000;
  out.payment = Payment::escrow;
  out.after = TaskId{};
  out.index = 5;
  return out;
}

}  // namespace troupe::task
