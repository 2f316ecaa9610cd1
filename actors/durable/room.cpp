#include "actors/durable/api.hpp"
#include "messages/store.capnp.h"
#include "runtime/store/error.hpp"

namespace troupe::durable {
namespace {

constexpr std::string_view kStore = "/store";
constexpr std::chrono::seconds kUsageDue{10};  // our choice: as other reads

}  // namespace

std::optional<base::Error> Room::refusal(const runtime::Envelope& question, std::uint64_t left) {
  if (!changes(question)) return std::nullopt;
  look();
  if (!free_ || *free_ >= left) return std::nullopt;
  return base::Error{base::Code::no_space,
                     "no space left on the device of the book for other nodes: " + store::mebibytes(*free_) +
                         " free, " + store::mebibytes(left) + " kept for the book's own node"};
}

void Room::look() {
  if (now() < look_at_) return;
  look_at_ = now() + kLookEvery;
  ask<store::wire::Usage, store::wire::Used>(
      node().find(kStore), now() + kUsageDue, [](store::wire::Usage::Builder) {},
      [this](runtime::Answer<store::wire::Used> used) {
        if (used.ok()) free_ = used.value().getFreeBytes();
      });
}

}  // namespace troupe::durable
