// troupe dht listen
#include "actors/dht/api.hpp"
#include "actors/dht/logic/topic.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/dht/dht.hpp"
#include "apps/dht/owner.hpp"
#include "apps/dht/show.hpp"
#include "messages/output/dht.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

namespace wire = dht::wire;

constexpr std::chrono::minutes kListenIdle{5};  // the node sends something every minute

/// The subject of the subscription; nullopt for a key that never changes, or is not a key.
struct Target {
  dht::TopicKind kind = dht::TopicKind::value;
  dht_command::TypedKey key;
};

Target providers_of(const base::Digest& cid) { return {dht::TopicKind::providers, {.key = dht::key_of(cid)}}; }

std::optional<Target> target_of(const std::string& typed) {
  if (const auto cid = base::Digest::from_hex(typed)) return providers_of(*cid);
  const auto key = dht_command::parse_key(typed);
  if (!key) return std::nullopt;
  if (key->digest) return providers_of(*key->digest);
  if (key->space != dht::Space::kv) return std::nullopt;
  return Target{dht::TopicKind::value, *key};
}

/// Prints lines as they come.
class ChangePrinter {
 public:
  ChangePrinter(Console& console, bool json, std::string typed)
      : console_(console), json_(json), typed_(std::move(typed)) {}

  Client::Outcome<void> take(wire::Came::Reader item) {
    switch (item.which()) {
      case wire::Came::NOTHING: break;
      case wire::Came::LISTENING: tell_leases(item.getListening()); break;
      case wire::Came::VALUE: print(item.getValue()); break;
      case wire::Came::PROVIDER: print(item.getProvider()); break;
      case wire::Came::ENDED: ended(item.getEnded().getWhy(), item.getEnded().getItems()); break;
    }
    console_.out.flush();  // a person sees each line at once
    if (!console_.out) return unwritten(console_, "");
    return {};
  }

  /// The reader has seen enough: a successful end.
  void interrupted() {
    ended("interrupted", items_);
    console_.out.flush();
  }

 private:
  void tell_leases(unsigned nodes) {
    if (nodes > 0) console_.err << "listening at " << nodes << (nodes == 1 ? " node\n" : " nodes\n");
    else console_.err << "no node reports changes to this node: it asks for them twice a minute\n";
    console_.err.flush();
  }

  void print(wire::GotValue::Reader got) {
    ++items_;
    if (json_) {
      JsonLine<output::wire::DhtValue> line;
      dht_command::write(*line, typed_, got);
      return line.print(console_.out);
    }
    const std::string value(reinterpret_cast<const char*>(got.getValue().begin()), got.getValue().size());
    console_.out << got.getSequence() << ' '
                 << (got.getSealed() ? "(sealed, but not for this node)" : base::printable(value)) << '\n';
  }

  void print(messages::wire::Contact::Reader provider) {
    ++items_;
    if (!json_) return dht_command::print_contact(console_.out, provider);
    JsonLine<output::wire::DhtContact> line;
    dht_command::write(*line, provider);
    line.print(console_.out);
  }

  void ended(const std::string& why, std::uint64_t items) {
    if (!json_) {
      console_.err << "ended: " << base::printable(why) << "; " << items << " came\n";
      return;
    }
    JsonLine<output::wire::DhtListenEnded> line;
    line->setSummary(true);
    line->setWhy(why);
    line->setItems(items);
    line.print(console_.out);
  }

  Console& console_;
  const bool json_;
  const std::string typed_;
  std::uint64_t items_ = 0;
};

}  // namespace

Ending dht_listen(const Invocation& invocation, Console& console) {
  const std::string typed = *invocation.text("KEY");
  auto target = target_of(typed);
  if (const auto digits = dht_command::wrong_digits(typed)) return usage_failure(*digits, "troupe help dht listen");
  if (!target)
    return usage_failure(
        "a key that can change is a value, NAME, NAME@ID or /kv/ and 40 digits, or the providers of a file, 64 digits; "
        "got \"" +
            typed + '"',
        "troupe help dht listen");
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (auto wrong = dht_command::resolve(*client.value(), target->key)) return *wrong;
  ChangePrinter printer(console, invocation.globals.json, typed);
  const auto ended = client.value()->subscribe<wire::ListenTo, wire::Came>(
      dht::kListenPath, kListenIdle,
      [&](wire::ListenTo::Builder question) {
        question.setWhat(static_cast<std::uint8_t>(target->kind));
        const dht_command::TypedKey& key = target->key;
        if (key.key) question.setKey(data(key.key->view()));
        else question.setName(data(base::as_bytes(key.name)));
        question.setCount(invocation.number("--count").value_or(0));
        question.setMilliseconds(invocation.number("--seconds").value_or(0) * 1'000);
      },
      [&](wire::Came::Reader item) { return printer.take(item); });
  if (ended.ok()) return Exit::done;
  if (!client.value()->interrupted() || !ended.error().exit) return ended.error();
  printer.interrupted();
  return *ended.error().exit;
}

}  // namespace troupe::apps
