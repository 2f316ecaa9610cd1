// troupe dht get | find | provide | providers | table, and the table of all its commands
#include "apps/dht/dht.hpp"

#include <utility>

#include "actors/dht/api.hpp"
#include "actors/dht/codec.hpp"
#include "actors/dht/wire.hpp"
#include "actors/files/api.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/dht/key.hpp"
#include "apps/dht/owner.hpp"
#include "apps/dht/show.hpp"
#include "messages/contact.hpp"
#include "messages/output/dht.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

namespace wire = dht::wire;

Ending get(const Invocation& invocation, Console& console) {
  const auto& keys = invocation.all("KEY");
  if (keys.size() > 1) {
    if (!invocation.has("--explain")) return dht_command::get_many(invocation, console, keys);
    return usage_failure("--explain works for only one key at a time", "troupe help dht get");
  }
  const std::string typed = keys.front();
  auto key = dht_command::parse_key(typed);
  if (!key || (key->space != dht::Space::kv && !key->key && !key->digest)) return dht_command::wrong_key(typed);
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (auto wrong = dht_command::resolve(*client.value(), *key)) return *wrong;
  auto answer = client.value()->ask<wire::GetValue, wire::GotValue>(
      dht::kPath, kDhtTimeout, [&](wire::GetValue::Builder question) {
        question.setSpace(static_cast<std::uint8_t>(key->space));
        if (key->digest) question.setDigest(data(key->digest->view()));
        else if (key->key) question.setKey(data(key->key->view()));
        else question.setName(data(base::as_bytes(key->name)));
        question.setQuorum(static_cast<std::uint8_t>(invocation.number("--quorum").value_or(0)));
        question.setExplain(invocation.has("--explain"));
      });
  if (!answer.ok()) {
    if (answer.error().error.code != base::Code::not_found) return answer.error();
    return dht_command::not_got(answer.error().error, typed, client.value()->way());
  }
  const auto got = answer.value().root();
  dht_command::print_value(invocation, console, typed, got);
  if (got.hasError()) return dht_command::not_got(dht::read(got.getError()), typed, client.value()->way());
  if (!got.getSealed()) return Exit::done;
  return dht_command::sealed_to_others("a sealed value was printed");
}

void print_contacts(const Invocation& invocation, Console& console, const std::string& target,
                    capnp::List<messages::wire::Contact>::Reader list, wire::SearchResult::Reader search) {
  if (invocation.globals.json) {
    JsonLine<output::wire::DhtFound> line;
    line->setTarget(target);
    auto nodes = line->initNodes(list.size());
    for (unsigned i = 0; i < nodes.size(); ++i) dht_command::write(nodes[i], list[i]);
    dht_command::write(line->initSearch(), search);
    return line.print(console.out);
  }
  for (const auto one : list) dht_command::print_contact(console.out, one);
  if (invocation.has("--explain")) dht_command::explain(console.err, search);
}

Ending find(const Invocation& invocation, Console& console) {
  const std::string typed = *invocation.text("ID");
  const auto id = dht::Key::from_hex(typed);
  if (!id)
    return usage_failure("invalid id: expected 40 hexadecimal digits, as in a key below /kv/ or a node id, got \"" +
                             base::shortened(typed, 80) + '"',
                         "troupe dht table");
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<wire::FindNearest, wire::Nearest>(
      dht::kPath, kDhtTimeout, [&](wire::FindNearest::Builder question) {
        question.setTarget(data(id->view()));
        question.setExplain(invocation.has("--explain"));
      });
  if (!answer.ok()) return answer.error();
  const auto search = answer.value().root().getSearch();
  print_contacts(invocation, console, typed, search.getNearest(), search);
  if (search.getNearest().size() > 0) return Exit::done;
  return Failure{*dht::unheard_error(search)};
}

constexpr std::chrono::seconds kProvidersWithin{5};  // our choice: a file is announced faster

Failure wrong_content() {
  return usage_failure("invalid content id: expected 64 hexadecimal digits", "troupe file ls");
}

Ending provide(const Invocation& invocation, Console& console) {
  const auto cid = base::Digest::from_hex(*invocation.text("CID"));
  if (!cid) return wrong_content();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<wire::Provide, wire::PutDone>(files::kAnnouncePath, kDhtTimeout,
                                                                  [&](wire::Provide::Builder order) {
                                                                    order.setCid(data(cid->view()));
                                                                    order.setExplain(invocation.has("--explain"));
                                                                  });
  if (!answer.ok()) {
    Failure why = answer.error();
    if (why.error.code != base::Code::not_found) return why;
    why.error.message += ", and announces only the files that it stores";
    why.try_ = "troupe file ls " + client.value()->way();
    return why;
  }
  dht_command::print_put(invocation, console, cid->hex(), answer.value().root());
  return Exit::done;
}

Ending providers(const Invocation& invocation, Console& console) {
  const std::string typed = *invocation.text("CID");
  const auto cid = base::Digest::from_hex(typed);
  if (!cid) return wrong_content();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  std::size_t found = 0;
  std::optional<base::Error> unheard;
  const auto due = std::chrono::steady_clock::now() + kProvidersWithin;
  bool again = false;
  const auto look = [&] {
    return client.value()->subscribe<wire::FindProviders, wire::FoundProviders>(
        dht::kPath, kDhtTimeout,
        [&](wire::FindProviders::Builder question) {
          question.setCid(data(cid->view()));
          question.setProvidersMax(static_cast<std::uint16_t>(invocation.number("--limit").value_or(20)));
          question.setExplain(invocation.has("--explain"));
        },
        [&](wire::FoundProviders::Reader more) -> Client::Outcome<void> {
          found += more.getProviders().size();
          if (!invocation.globals.json) {
            for (const auto one : more.getProviders()) dht_command::print_contact(console.out, one);
            console.out.flush();
          }
          if (!more.getLast()) return {};
          const auto search = more.getSearch();
          unheard = dht::unheard_error(search);
          again = found == 0 && unheard && std::chrono::steady_clock::now() < due;
          if (again) return {};
          if (invocation.globals.json) print_contacts(invocation, console, typed, search.getProviders(), search);
          else if (invocation.has("--explain")) dht_command::explain(console.err, search);
          return {};
        });
  };
  for (;;) {
    if (const auto ended = look(); !ended.ok()) return ended.error();
    if (!std::exchange(again, false)) break;
    if (const auto paused = client.value()->pause(kAskAgain); !paused.ok()) return paused.error();
  }
  if (found > 0) return Exit::done;
  if (unheard) return Failure{*unheard};
  return Failure{{base::Code::not_found, "no node has announced " + typed},
                 "nothing was changed",
                 "at a node where `troupe file ls` shows it: troupe dht provide " + typed};
}

void print_table_json(std::ostream& out, wire::TableRows::Reader rows) {
  JsonLine<output::wire::DhtTable> line;
  const auto buckets = rows.getBuckets();  // each list is followed once: a reader's traversal limit counts each access
  auto list = line->initBuckets(buckets.size());
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto known = buckets[i].getContacts();
    list[i].setBucket(buckets[i].getRange());
    auto contacts = list[i].initContacts(known.size());
    for (unsigned k = 0; k < contacts.size(); ++k) {
      dht_command::write(contacts[k], known[k].getContact());
      contacts[k].getLastSeenS().setValue(known[k].getLastSeenMs() / 1'000);
    }
  }
  write_json_line(out, capnp::toDynamic(list.asReader()));
}

void print_table_text(Console& console, wire::TableRows::Reader rows) {
  TextTable table({{"BUCKET", Align::right}, {"NODE"}, {"ADDRESS"}, {"LAST SEEN", Align::right}});
  for (const auto bucket : rows.getBuckets())
    for (const auto row : bucket.getContacts())
      table.add({std::to_string(bucket.getRange()), dht_command::id_of(row.getContact()).hex(),
                 messages::read_contact(row.getContact()).endpoint.text(),
                 std::to_string(row.getLastSeenMs() / 1'000) + " s"});
  table.print(console.out);
  console.err << "the network has about " << rows.getNodes() << " nodes"
              << (rows.getClient() ? "; this node cannot be dialled, and only sends requests" : "") << '\n';
}

Ending table(const Invocation& invocation, Console& console) {
  return ask_and_print<wire::GetTable, wire::TableRows>(
      invocation, console, dht::kPath, std::chrono::seconds(5), [](wire::GetTable::Builder) {},
      [&](wire::TableRows::Reader rows) { print_table_json(console.out, rows); },
      [&](wire::TableRows::Reader rows) { print_table_text(console, rows); });
}

const Option kExplain{.name = "--explain", .help = "print each request: the node, why it was asked, and its response"};

}  // namespace

Commands dht_commands() {
  return {
      {.name = "dht put",
       .summary = "Publish a value in the network, and print its key",
       .options = {number_option("--ttl", "S", "seconds until the value expires (default 172800)", 1, 604'800),
                   number_option("--expect", "SEQ",
                                 "replace only the value with this sequence number; 0 stores only if there is none", 0,
                                 UINT64_MAX),
                   {.name = "--reader",
                    .value = "KEY",
                    .help = "encrypt the value for the node with this id or public key; repeat for more readers",
                    .repeatable = true},
                   {.name = "--from",
                    .value = "FILE",
                    .help = "publish each line of FILE: KEY, a space, VALUE; - reads standard input",
                    .field = Field::lines},
                   kExplain},
       .positionals = {{.name = "KEY",
                        .help = "NAME or /kv/NAME, signed by this node; /cid for its hash; /pk for this node's key",
                        .arity = Arity::maybe},
                       {.name = "VALUE",
                        .help = "value of at most 64 KiB; - reads standard input",
                        .arity = Arity::maybe}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kPutNotes,
       .route = Route{.role = Role::user, .prints = {"DhtPut"}, .lines = {"DhtPut", "DhtFailed"}},
       .run = dht_put},
      {.name = "dht get",
       .summary = "Print the value of a key, or of several keys",
       .options =
           {number_option(
                "--quorum", "N",
                "other nodes that must agree on a signed value (default 3); if given, a note says if fewer agree", 1,
                20),
            kExplain},
       .positionals = {{.name = "KEY",
                        .help = "key that `dht put` printed, NAME of this node's value, or NAME@ID; several values are "
                                "printed one per line, in order",
                        .arity = Arity::some}},
       .needs = Needs::view,
       .notes = kGetNotes,
       .route = Route{.prints = {"DhtValue"}, .lines = {"DhtValue", "DhtFailed"}},
       .run = get},
      {.name = "dht withdraw",
       .summary = "Stop republishing a value; it disappears when its copies expire",
       .positionals = {{.name = "KEY", .help = "NAME, or key that `dht put` printed"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kWithdrawNotes,
       .route = Route{.role = Role::user, .prints = {"DhtWithdrawn"}},
       .run = dht_withdraw},
      {.name = "dht find",
       .summary = "Find the nodes nearest to an id",
       .options = {kExplain},
       .positionals = {{.name = "ID", .help = "id of 40 hexadecimal digits"}},
       .needs = Needs::view,
       .route = Route{.prints = {"DhtFound"}},
       .run = find},
      {.name = "dht provide",
       .summary = "Announce in the network that this node stores a file",
       .options = {kExplain},
       .positionals = {{.name = "CID", .help = "content id of 64 hexadecimal digits"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::user, .prints = {"DhtPut"}},
       .run = provide},
      {.name = "dht providers",
       .summary = "Find the nodes that have announced a file",
       .options = {number_option("--limit", "N", "stop after N providers (default 20)", 1, 1'000), kExplain},
       .positionals = {{.name = "CID", .help = "content id of 64 hexadecimal digits"}},
       .needs = Needs::view,
       .route = Route{.prints = {"DhtFound"}},
       .run = providers},
      {.name = "dht listen",
       .summary = "Print the value or providers of a key, then each change as it comes",
       .options = {number_option("--count", "N", "stop after N values or providers", 1, 1'000'000),
                   number_option("--seconds", "S", "stop after S seconds", 1, 31'536'000)},
       .positionals = {{.name = "KEY", .help = "NAME, NAME@ID or /kv/KEY, as for `dht get`; a CID for its providers"}},
       .needs = Needs::view,
       .notes = kListenNotes,
       .route = Route{.output = Output::watch, .prints = {"DhtValue", "DhtContact", "DhtListenEnded"}},
       .run = dht_listen},
      {.name = "dht list",
       .summary = "List the rows that this node stores for the network, and the values that it has published",
       .options = {{.name = "--space",
                    .value = "SPACE",
                    .help = "space to list (default all)",
                    .choices = {"pk", "kv", "cid", "providers", "published"}}},
       .needs = Needs::view,
       .notes = kListNotes,
       .route = Route{.output = Output::lines, .prints = {"DhtRow", "DhtListed"}},
       .run = dht_list},
      {.name = "dht check",
       .summary = "Read and verify every stored row of this node; changes nothing",
       .needs = Needs::view,
       .notes = kAuditNotes,
       .route = Route{.output = Output::lines, .prints = {"DhtTrouble", "DhtAudited"}},
       .run = dht_check},
      {.name = "dht clean",
       .summary = "Delete expired and damaged rows of this node",
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kAuditNotes,
       .route = Route{.role = Role::operator_, .output = Output::lines, .prints = {"DhtTrouble", "DhtAudited"}},
       .run = dht_clean},
      {.name = "dht table",
       .summary = "Show the routing table of this node",
       .needs = Needs::view,
       .route = Route{.prints = {"List(DhtBucket)"}},
       .run = table},
  };
}

}  // namespace troupe::apps
