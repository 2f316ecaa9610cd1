#include "actors/dht/sim_liar.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/logic/tokens.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"
#include "runtime/sim/fabric.hpp"

namespace troupe::dht {
namespace {

constexpr std::size_t kHeldBackMax = 256;  // our choice: their askers have given up by then
constexpr std::size_t kNobodies = 400;     // our choice: some share eight bits with any key
constexpr std::size_t kGivenMax = 64;      // our choice
constexpr std::size_t kToldMax = 2'048;    // what fits into the answer to Listen
constexpr std::size_t kAskersMax = 64;     // our choice
constexpr std::size_t kMisplaced = 5;      // per answer; our choice
constexpr std::uint16_t kPort = 4'000;     // where nodes of the simulation listen

}  // namespace

void LiarActor::start() {
  for (std::size_t i = 0; i < kNobodies; ++i) {
    base::Bytes bytes(base::PublicKey::kBytes);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random().next());
    const auto number = static_cast<std::uint16_t>(nodes_ + 1 + i);
    const base::Contact contact{*base::PublicKey::from(bytes), 0, {sim::address_of(number), kPort}};
    nobodies_.emplace_back(crypto::node_id(contact.key, contact.nonce), contact);
  }
  node()
      .publish<wire::Ping, wire::FindNode, wire::FindValue, wire::Store, wire::AddProvider, wire::GetProviders,
               wire::Listen>(kPath, self());
}

bool LiarActor::silent(runtime::AnyReply& reply) {
  if (how_ != Lie::silence) return false;
  if (held_back_.size() == kHeldBackMax) held_back_.pop_front();
  held_back_.push_back(std::move(reply));
  return true;
}

void LiarActor::note_asker(wire::Asker::Reader asker) {
  const base::Contact who = messages::read_contact(asker.getContact());
  if (who.endpoint.dialable() && askers_.size() < kAskersMax)
    askers_.insert_or_assign(crypto::node_id(who.key, who.nonce), who);
}

std::vector<base::Contact> LiarActor::false_contacts(capnp::Data::Reader from) {
  std::vector<base::Contact> out;
  const auto key = read_key(from);
  if ((how_ != Lie::contacts && how_ != Lie::poison) || !key) return out;
  std::ranges::sort(nobodies_, {}, [&](const auto& one) { return base::distance(one.first, *key); });
  for (std::size_t i = 0; i < kContactsMax; ++i) out.push_back(nobodies_[i].second);
  if (how_ == Lie::contacts) {
    auto at = out.rbegin();
    for (const auto& [id, who] : askers_) {
      if (at - out.rbegin() == kMisplaced) break;
      *at = base::Contact{who.key, who.nonce, at->endpoint};
      ++at;
    }
  }
  return out;
}

/// Returns a record of one of three kinds, the first valid but old; empty if it was given none.
base::Bytes LiarActor::false_record(capnp::Data::Reader from) {
  const auto key = read_key(from);
  if ((how_ != Lie::records && how_ != Lie::poison) || !key || given_.empty()) return {};
  const auto own = given_.find(*key);
  if (how_ == Lie::poison) return own == given_.end() ? base::Bytes() : own->second;
  const std::uint64_t dice = random().below(3);
  if (own != given_.end() && dice == 0) return own->second;
  if (own == given_.end() || dice == 1)
    return std::next(given_.begin(), static_cast<std::ptrdiff_t>(random().below(given_.size())))->second;
  base::Bytes broken = own->second;
  broken[random().below(broken.size())] ^= 1;
  return broken;
}

void LiarActor::receive(runtime::Handlers& on) {
  const auto write_contacts = [](const std::vector<base::Contact>& from, auto to) {
    for (unsigned i = 0; i < from.size(); ++i) messages::write_contact(to[i], from[i]);
  };
  const auto token = [this] {
    base::Bytes out(Token::kBytes);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random().next());
    return out;
  };
  on.ask<wire::Ping, wire::Pong>([this](wire::Ping::Reader, Reply<wire::Pong> reply) {
    if (!silent(reply)) reply.done();
  });
  on.ask<wire::FindNode, wire::Nodes>([=, this](wire::FindNode::Reader question, Reply<wire::Nodes> reply) {
    if (silent(reply)) return;
    note_asker(question.getAsker());
    const auto contacts = false_contacts(question.getTarget());
    reply.send([&](wire::Nodes::Builder out) {
      write_contacts(contacts, out.initContacts(size32(contacts)));
      out.setToken(data_of(token()));
    });
  });
  on.ask<wire::FindValue, wire::FoundValue>([=, this](wire::FindValue::Reader question, Reply<wire::FoundValue> reply) {
    if (silent(reply)) return;
    note_asker(question.getAsker());
    const auto contacts = false_contacts(question.getKey());
    const base::Bytes record = false_record(question.getKey());
    reply.send([&](wire::FoundValue::Builder out) {
      if (!record.empty()) out.setRecord(data_of(record));
      write_contacts(contacts, out.initContacts(size32(contacts)));
      out.setToken(data_of(token()));
    });
  });
  on.ask<wire::GetProviders, wire::Providers>(
      [=, this](wire::GetProviders::Reader question, Reply<wire::Providers> reply) {
        if (silent(reply)) return;
        const auto contacts = false_contacts(question.getKey());
        reply.send([&](wire::Providers::Builder out) {
          write_contacts(contacts, out.initContacts(size32(contacts)));
          out.setToken(data_of(token()));
        });
      });
  on.ask<wire::Listen, wire::Listening>([=, this](wire::Listen::Reader question, Reply<wire::Listening> reply) {
    if (silent(reply)) return;
    const base::Bytes record = false_record(question.getKey());
    reply.send([&](wire::Listening::Builder out) {
      out.setSeconds(question.getSeconds());
      out.setToken(data_of(token()));
      if (!record.empty() && record.size() <= kToldMax) out.initPresent().setRecord(data_of(record));
    });
  });
  on.ask<wire::Store, wire::StoreDone>([this](wire::Store::Reader question, Reply<wire::StoreDone> reply) {
    if (silent(reply)) return;
    const auto record = bytes_of(question.getRecord());
    const auto key = read_key(question.getKey());
    if (key && !record.empty() && given_.size() < kGivenMax) given_.try_emplace(*key, record.begin(), record.end());
    reply.done();
  });
  on.ask<wire::AddProvider, wire::Added>([this](wire::AddProvider::Reader, Reply<wire::Added> reply) {
    if (!silent(reply)) reply.done();
  });
}

}  // namespace troupe::dht
