#include "apps/dht/owner.hpp"

#include "actors/dht/api.hpp"
#include "apps/dht/dht.hpp"
#include "apps/dht/show.hpp"
#include "messages/codec.hpp"
#include "messages/contact.hpp"
#include "messages/dht.capnp.h"
#include "messages/node.capnp.h"

namespace troupe::apps::dht_command {
namespace {

namespace wire = dht::wire;

constexpr std::chrono::seconds kStatusTimeout{5};  // our choice: as for `troupe status`

}  // namespace

base::Result<base::PublicKey, Failure> public_key_of(Client& client, const base::NodeId& id) {
  auto own = client.ask<node::wire::GetStatus, node::wire::NodeStatus>("/node", kStatusTimeout,
                                                                       [](node::wire::GetStatus::Builder) {});
  if (!own.ok()) return own.error();
  const auto status = own.value().root();
  if (node_of(status.getNode()) == id)
    if (const auto key = base::PublicKey::from(bytes_of(status.getPublicKey()))) return *key;
  auto found = client.ask<wire::FindNearest, wire::Nearest>(
      dht::kPath, kDhtTimeout, [&](wire::FindNearest::Builder question) { question.setTarget(data_of(id.view())); });
  if (!found.ok()) return found.error();
  for (const auto one : found.value().root().getSearch().getNearest())
    if (id_of(one) == id) return messages::read_contact(one).key;
  auto published =
      client.ask<wire::GetValue, wire::GotValue>(dht::kPath, kDhtTimeout, [&](wire::GetValue::Builder question) {
        question.setSpace(static_cast<std::uint8_t>(dht::Space::pk));
        question.setKey(data_of(id.view()));
      });
  if (published.ok())
    if (const auto key = base::PublicKey::from(bytes_of(published.value().root().getValue()))) return *key;
  const bool unknown = published.ok() || published.error().error.code == base::Code::not_found;
  Failure out{
      unknown ? base::Error{base::Code::not_found, "no node with this id responds, and none has published its key"}
              : published.error().error,
      "nothing was done", "again while it runs; or, to find it while it is down, at that node: troupe dht put /pk"};
  out.error.message = "the key of " + id.hex() + " is not known: " + out.error.message;
  return out;
}

std::optional<Failure> resolve(Client& client, TypedKey& key) {
  if (!key.owner) return std::nullopt;
  const auto owner = public_key_of(client, *key.owner);
  if (!owner.ok()) return owner.error();
  key.key = dht::key_of_name(owner.value(), base::as_bytes(key.name));
  return std::nullopt;
}

Failure anothers_name(const std::string& where) {
  return usage_failure(where + "NAME@ID belongs to another node, and only that node can change it",
                       "troupe help dht get");
}

}  // namespace troupe::apps::dht_command
