// troupe dht withdraw
#include "actors/dht/api.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/dht/dht.hpp"
#include "apps/dht/key.hpp"
#include "apps/dht/owner.hpp"
#include "apps/dht/show.hpp"
#include "messages/output/dht.capnp.h"

namespace troupe::apps {

namespace wire = dht::wire;

Ending dht_withdraw(const Invocation& invocation, Console& console) {
  const std::string typed = *invocation.text("KEY");
  const auto key = dht_command::parse_key(typed);
  if (!key || (key->space != dht::Space::kv && !key->key && !key->digest)) return dht_command::wrong_key(typed);
  if (key->owner) return dht_command::anothers_name();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<wire::Withdraw, wire::WithdrawDone>(
      dht::kRepublishPath, kDhtTimeout, [&](wire::Withdraw::Builder order) {
        order.setSpace(static_cast<std::uint8_t>(key->space));
        if (key->digest) order.setKey(data(dht::key_of(*key->digest).view()));
        else if (key->key) order.setKey(data(key->key->view()));
        else order.setName(data(base::as_bytes(key->name)));
      });
  if (!answer.ok()) {
    Failure why = answer.error();
    if (why.error.code == base::Code::not_found && why.try_.empty()) why.try_ = "troupe dht list --space published";
    return why;
  }
  const std::string id =
      dht_command::space_name(key->space) + (key->digest ? key->digest->hex() : hex(answer.value().root().getKey()));
  if (invocation.globals.json) {
    JsonLine<output::wire::DhtWithdrawn> line;
    line->setKey(id);
    line.print(console.out);
    return Exit::done;
  }
  console.out << id << '\n';
  console.err << "it is no longer published; the nodes that store it return it until it expires\n";
  return Exit::done;
}

}  // namespace troupe::apps
