// Owners of files, keys of the store, values and tasks. Their changes run one after the other.
#include <algorithm>

#include "actors/access/access_actor.hpp"
#include "messages/codec.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::access {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::size_t kTurnsMax = 1'024;  // our choice

Bytes owners_row(const Thing& thing) {
  Bytes out{'o', static_cast<std::uint8_t>(thing.kind)};
  base::append(out, thing.name.view());
  return out;
}

/// Returns each thing once.
base::Outcome<std::vector<Thing>> read_once(capnp::List<wire::Thing>::Reader from) {
  auto out = read(from);
  if (!out.ok()) return out;
  std::ranges::sort(out.value());
  out.value().erase(std::unique(out.value().begin(), out.value().end()), out.value().end());
  return out;
}

}  // namespace

void AccessActor::owners_of(const std::vector<Thing>& things,
                            base::Callback<void(base::Outcome<std::vector<Owners>>)> found) {
  std::vector<Bytes> rows;
  for (const Thing& thing : things) rows.push_back(owners_row(thing));
  const auto all = std::make_shared<std::vector<Owners>>();
  owners_.get_all(
      std::move(rows),
      [all](std::span<const store::Rows::Value> values) {
        for (const auto& value : values) all->push_back(value ? decode_owners(*value).value_or(Owners{}) : Owners{});
      },
      [all, found = std::move(found)](const base::Outcome<void>& done) mutable {
        if (!done.ok()) return found(done.error());
        found(std::move(*all));
      });
}

void AccessActor::who_owns(wire::WhoOwns::Reader question, runtime::Reply<wire::Owned> reply) {
  const std::string id = text_of(question.getId());
  if (!valid(id)) return reply.refuse(no_key());
  const auto things = read(question.getThings());
  if (!things.ok()) return reply.refuse(things.error());
  owners_of(things.value(), [id, reply = std::move(reply)](const base::Outcome<std::vector<Owners>>& owners) mutable {
    if (!owners.ok()) return reply.refuse(owners.error());
    reply.send([&](wire::Owned::Builder out) {
      auto shares = out.initShares(size32(owners.value()));
      for (unsigned i = 0; i < shares.size(); ++i)
        shares.set(i, static_cast<wire::Share>(share_of(owners.value()[i], id)));
    });
  });
}

void AccessActor::in_turn(base::Callback<void()> step) {
  if (std::exchange(in_turn_, true)) return turns_.push_back(std::move(step));
  step();
}

void AccessActor::end_turn() {
  in_turn_ = !turns_.empty();
  if (!in_turn_) return;
  auto step = std::move(turns_.front());
  turns_.pop_front();
  step();
}

void AccessActor::claim(wire::Claim::Reader order, Done reply) {
  const std::string id = text_of(order.getId());
  if (!valid(id)) return reply.refuse(no_key());
  const bool with_node = order.getWithNode();
  auto things = read_once(order.getThings());
  if (!things.ok()) return reply.refuse(things.error());
  if (turns_.size() >= kTurnsMax)
    return reply.refuse({Code::overloaded, "too many claims wait", std::chrono::seconds(1)});
  in_turn([this, id, with_node, things = std::move(things).value(), reply = std::move(reply)]() mutable {
    auto found = [this, id, with_node, things,
                  reply = std::move(reply)](base::Outcome<std::vector<Owners>> owners) mutable {
      const auto refuse = [&](const Error& why) {
        reply.refuse(why);
        end_turn();
      };
      if (!owners.ok()) return refuse(owners.error());
      if (!valid(id)) return refuse(no_key());
      store::RowChange change;
      std::uint64_t added = 0;
      for (std::size_t i = 0; i < things.size(); ++i) {
        Owners& owners_now = owners.value()[i];
        const Share share = share_of(owners_now, id);
        if (share == Share::own || share == Share::shared) continue;
        const bool shares = may_share(things[i].kind) || world().mutations.on("access.two_owners");
        if (share == Share::other && !shares) return refuse({Code::conflict, "it belongs to another key"});
        if (owners_now.size() >= kOwnersMax) return refuse({Code::refused, "too many keys own it: at most 64"});
        if (share == Share::none) {
          ++added;
          if (with_node) owners_now.emplace_back(kNodeOwner);
        }
        owners_now.push_back(id);
        change.save.push_back({owners_row(things[i]), encode(owners_now)});
      }
      if (added > 0 && things_ + added > settings_.things_max)
        return refuse({Code::no_space, "too many things belong to keys: see access.things_max"});
      save_owners(std::move(change), added, 0, std::move(reply));
    };
    owners_of(things, std::move(found));
  });
}

void AccessActor::release(wire::Release::Reader order, Done reply) {
  auto things = read_once(order.getThings());
  if (!things.ok()) return reply.refuse(things.error());
  if (turns_.size() >= kTurnsMax)
    return reply.refuse({Code::overloaded, "too many claims wait", std::chrono::seconds(1)});
  in_turn([this, things = std::move(things).value(), reply = std::move(reply)]() mutable {
    auto found = [this, things, reply = std::move(reply)](const base::Outcome<std::vector<Owners>>& owners) mutable {
      if (!owners.ok()) {
        reply.refuse(owners.error());
        return end_turn();
      }
      store::RowChange change;
      for (std::size_t i = 0; i < things.size(); ++i)
        if (!owners.value()[i].empty()) change.erase.push_back(owners_row(things[i]));
      const std::uint64_t removed = change.erase.size();
      save_owners(std::move(change), 0, removed, std::move(reply));
    };
    owners_of(things, std::move(found));
  });
}

void AccessActor::save_owners(store::RowChange change, std::uint64_t added, std::uint64_t removed, Done reply) {
  if (change.empty()) {
    reply.done();
    return end_turn();
  }
  const std::uint64_t things = things_ + added - std::min(things_ + added, removed);
  Bytes count;
  base::append_number(count, things);
  change.save.push_back({{'a', 't'}, std::move(count)});
  owners_.save(std::move(change), [this, things, reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
    if (saved.ok()) {
      things_ = things;
      reply.done();
    } else {
      reply.refuse(saved.error());
    }
    end_turn();
  });
}

}  // namespace troupe::access
