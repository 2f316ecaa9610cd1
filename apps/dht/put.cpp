// troupe dht put
#include "actors/dht/api.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/input.hpp"
#include "apps/cli/json.hpp"
#include "apps/dht/dht.hpp"
#include "apps/dht/key.hpp"
#include "apps/dht/owner.hpp"
#include "apps/dht/show.hpp"

namespace troupe::apps {
namespace {

namespace wire = dht::wire;

constexpr const char* kHelp = "troupe help dht put";

/// Returns the value to put: an argument, or standard input for "-".
base::Result<std::string, Failure> value_of(const Invocation& invocation, Console& console) {
  std::string value = invocation.text("VALUE").value_or("");
  if (value != "-" || !console.dash_is_in) return value;
  if (auto wrong = dht_command::directory_as_input(value)) return *wrong;
  value.clear();
  if (const auto read = read_rest(console.in, kStandardInput, dht::kValueBytesMax, value); !read.ok())
    return read.error();
  if (value.size() > dht::kValueBytesMax)
    return usage_failure("a value has at most 65,536 bytes; store larger data as a file", "troupe help file put");
  return value;
}

}  // namespace

Ending dht_put(const Invocation& invocation, Console& console) {
  if (const auto file = invocation.text("--from")) {
    for (const char* const alone : {"KEY", "VALUE", "--expect", "--reader", "--explain"})
      if (invocation.has(alone))
        return usage_failure(std::string(alone) + " works for only one value at a time, not with --from", kHelp);
    return dht_command::put_many(invocation, console, *file);
  }
  if (!invocation.has("KEY")) return usage_failure("give a KEY, or a file of lines with --from", kHelp);
  const std::string typed = *invocation.text("KEY");
  const auto key = dht_command::parse_key(typed);
  if (!key) return dht_command::wrong_key(typed);
  if (key->owner) return dht_command::anothers_name();
  if (key->key && key->space == dht::Space::kv)
    return usage_failure("a signed value is put under a name; its key is derived from the name and the node", kHelp);
  if (key->digest || key->key)
    return usage_failure("the key of this value is derived from the value: use " + dht_command::space_name(key->space),
                         kHelp);
  for (const char* const option : {"--ttl", "--expect", "--reader"})
    if (invocation.has(option) && key->space != dht::Space::kv) return dht_command::for_names_alone(option);
  if (invocation.text("VALUE").has_value() == (key->space == dht::Space::pk))
    return usage_failure(key->space == dht::Space::pk ? "this node's key is the value: use /pk without a value"
                                                      : "give a VALUE, or - to read it from standard input",
                         kHelp);
  const auto value = value_of(invocation, console);
  if (!value.ok()) return value.error();
  std::vector<base::PublicKey> readers;
  for (const auto& reader : invocation.all("--reader"))
    if (!base::PublicKey::from_hex(reader) && !base::NodeId::from_hex(reader)) return dht_command::wrong_reader(reader);
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  for (const auto& reader : invocation.all("--reader")) {
    const auto id = base::NodeId::from_hex(reader);
    const auto its = id ? dht_command::public_key_of(*client.value(), *id) : *base::PublicKey::from_hex(reader);
    if (!its.ok()) return its.error();
    readers.push_back(its.value());
  }
  auto answer = client.value()->ask<wire::Put, wire::PutDone>(dht::kPath, kDhtTimeout, [&](wire::Put::Builder order) {
    order.setSpace(static_cast<std::uint8_t>(key->space));
    order.setName(data(base::as_bytes(key->name)));
    order.setValue(data(base::as_bytes(value.value())));
    order.setSeconds(static_cast<std::uint32_t>(invocation.number("--ttl").value_or(0)));
    auto list = order.initReaders(static_cast<unsigned>(readers.size()));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, data(readers[i].view()));
    if (const auto expected = invocation.number("--expect")) order.getExpected().setSequence(*expected);
    order.setExplain(invocation.has("--explain"));
  });
  if (!answer.ok()) {
    // A failure that the client has found is explained already.
    if (!answer.error().try_.empty() || answer.error().exit) return answer.error();
    return dht_command::not_put(answer.error().error, *key, typed, client.value()->way());
  }
  const auto done = answer.value().root();
  const std::string id = hex(key->space == dht::Space::cid ? done.getDigest() : done.getKey());
  dht_command::print_put(invocation, console, dht_command::space_name(key->space) + id, done);
  if (!invocation.globals.json) console.err << dht_command::alone_note(done.getSearch());
  return Exit::done;
}

}  // namespace troupe::apps
