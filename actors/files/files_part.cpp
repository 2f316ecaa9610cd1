#include "actors/files/files_part.hpp"

#include "actors/dht/codec.hpp"
#include "messages/contact.hpp"
#include "messages/peers.capnp.h"
#include "runtime/crypto/identity.hpp"
#include "runtime/net/misbehaved.hpp"

namespace troupe::files {
namespace {

constexpr std::uint16_t kHoldersSought = 20;  // our choice: as many as one response names

}  // namespace

void FilesPart::find_holders(const ContentKey& key, base::Callback<void(const HoldersFound&)> found) {
  ask<dht::wire::Search, dht::wire::SearchResult>(
      node().find(settings_.dht), now() + settings_.answer_timeout,
      [&](dht::wire::Search::Builder search) {
        search.setKey(data_of(key.position().view()));
        search.getGoal().setProviders(kHoldersSought);
        search.setSeconds(static_cast<std::uint16_t>(
            std::chrono::duration_cast<std::chrono::seconds>(settings_.answer_timeout - kAnswerTravels).count()));
      },
      [this, found = std::move(found)](runtime::Answer<dht::wire::SearchResult> answer) mutable {
        HoldersFound out{.announced = {}, .nearest = {}, .unheard = in_dht()};
        if (answer.ok()) {
          meet(answer.value().getProviders(), out.announced);
          meet(answer.value().getNearest(), out.nearest);
          out.unheard = dht::unheard(answer.value());
        }
        found(out);
      });
}

void FilesPart::find_places(const base::NodeId& position, base::Callback<void(std::vector<base::NodeId>)> found) {
  ask<wire::FindPlaces, wire::Places>(
      node().find(kPlacementPath), now() + 2 * settings_.answer_timeout,
      [&](wire::FindPlaces::Builder out) { out.setPosition(data_of(position.view())); },
      [this, found = std::move(found)](runtime::Answer<wire::Places> answer) mutable {
        std::vector<base::NodeId> nodes;
        if (answer.ok()) meet(answer.value().getNodes(), nodes);
        if (!nodes.empty()) nodes.push_back(settings_.self);
        found(std::move(nodes));
      });
}

void FilesPart::find_candidates(base::Callback<void(std::vector<base::NodeId>)> found) {
  ask<peers::wire::ListKnown, peers::wire::KnownContacts>(
      node().find(settings_.peers), now() + settings_.answer_timeout, [](peers::wire::ListKnown::Builder) {},
      [this, found = std::move(found)](runtime::Answer<peers::wire::KnownContacts> answer) mutable {
        std::vector<base::NodeId> nodes{settings_.self};
        sites_.clear();
        if (answer.ok()) {
          for (const auto one : answer.value().getList()) {
            const base::Contact contact = messages::read_contact(one);
            nodes.push_back(crypto::node_id(contact.key, contact.nonce));
            note_site(nodes.back(), contact.endpoint);
            if (nodes.size() == kCandidatesMax) break;
          }
        }
        std::sort(nodes.begin(), nodes.end());
        nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
        found(std::move(nodes));
      });
}

void FilesPart::accuse(const base::NodeId& sender) {
  if (sender == settings_.self) return;
  tell<net::wire::Misbehaved>(node().find(net::kPeersPath), [&](net::wire::Misbehaved::Builder out) {
    net::write_misbehaved(out, sender, net::wire::Violation::BAD_RECORD, "an object whose bytes do not match its id");
  });
}

void FilesPart::note_site(const base::NodeId& id, const base::Endpoint& at) {
  if (!at.dialable() || at.is_loopback()) return;
  if (sites_.size() >= kSitesMax && !sites_.contains(id)) sites_.erase(sites_.begin());
  sites_.insert_or_assign(id, base::group_of(at));
}

void FilesPart::meet(capnp::List<messages::wire::Contact>::Reader list, std::vector<base::NodeId>& nodes) {
  for (const auto one : list) {
    const base::Contact contact = messages::read_contact(one);
    const base::NodeId id = crypto::node_id(contact.key, contact.nonce);
    if (id == settings_.self) continue;
    met_.add(id, contact);
    note_site(id, contact.endpoint);
    nodes.push_back(id);
  }
}

}  // namespace troupe::files
