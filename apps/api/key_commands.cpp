// troupe api key … | api grant | api grants
#include "actors/access/codec.hpp"
#include "actors/audit/api.hpp"
#include "apps/api/pattern.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/wallet/typed.hpp"
#include "messages/codec.hpp"
#include "messages/output/api.capnp.h"
#include "runtime/crypto/hash.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::apps {
namespace {

namespace wire = access::wire;
using base::Code;
using messages::wire::Nothing;

constexpr std::chrono::seconds kDue{10};  // our choice

constexpr const char* kNewNotes = R"(
roles
  viewer reads what grants allow; user also makes things, which belong to the key, and changes them
  operator reads and changes everything except keys; admin everything
scopes
  a pattern of paths, such as /v1/kv/** or /v1/kv/get/orders%2F*; with scopes, the key may call only what they match
output
  ID.SECRET, which is shown only now: the node stores its hash
)";

constexpr const char* kGrantNotes = R"(
what it does
  lets the key use what does not belong to it, where the pattern matches the path: `read` for commands that read,
  `write` for all. The same pattern again replaces the grant; `none` takes it back
)";

Failure bad_pattern(const base::Error& why) { return usage_failure(why.message, "troupe help api key new"); }

/// Adds a record of what an operator did to a key. What a request did, the API records itself.
Client::Outcome<void> record(Client& client, const Invocation& invocation, const std::string& name) {
  if (invocation.globals.server) return {};
  auto done =
      client.ask<audit::wire::Append, audit::wire::Appended>(audit::kPath, kDue, [&](audit::wire::Append::Builder out) {
        out.setCommand(invocation.command().name);
        out.setName(name);
        out.setStatus(200);
      });
  if (!done.ok()) return done.error();
  return {};
}

/// Hands all keys to `take`.
template <class F>
Client::Outcome<void> each_key(Client& client, F take) {
  std::string behind;
  for (bool more = true; more;) {
    auto page = client.ask<wire::ListKeys, wire::Keys>(access::kPath, kDue,
                                                       [&](wire::ListKeys::Builder out) { out.setBehind(behind); });
    if (!page.ok()) return page.error();
    more = page.value().root().getMore();
    for (const auto row : page.value().root().getKeys()) {
      auto key = access::read(row);
      if (!key) return Failure{{Code::malformed, "the node's response has an invalid key"}};
      behind = key->first;
      take(key->first, key->second);
    }
  }
  return {};
}

Ending make(const Invocation& invocation, Console& console) {
  const auto role = access::role_of(invocation.text("--role").value_or(""));
  if (!role) return usage_failure("a key needs a role: viewer, user, operator or admin", "--role user");
  const auto& scopes = invocation.all("--scope");
  if (scopes.size() > access::kScopesMax)
    return usage_failure("a key has at most 16 scopes", "troupe help api key new");
  for (const std::string& scope : scopes)
    if (const auto pattern = api::Pattern::parse(scope); !pattern.ok()) return bad_pattern(pattern.error());
  std::uint64_t expires = 0;
  if (const auto typed = invocation.text("--expires")) {
    const auto time = wallets::time_typed(*typed, "troupe help api key new");
    if (!time.ok()) return time.error();
    expires = static_cast<std::uint64_t>(time.value().from(wallets::unix_now()).count());
  }
  std::array<std::uint8_t, access::kSecretBytes> drawn{};
  os::Chance().fill(drawn);
  const std::string secret = base::hex(drawn);
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto made = client.value()->ask<wire::MakeKey, wire::KeyMade>(access::kPath, kDue, [&](wire::MakeKey::Builder out) {
    const auto hash = crypto::sha256(base::as_bytes(secret));
    out.setHash(data_of(hash.view()));
    out.setRole(access::wire_of(*role));
    auto list = out.initScopes(size32(scopes));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, scopes[i]);
    out.setRate(static_cast<std::uint32_t>(invocation.number("--rate").value_or(0)));
    out.setExpires(expires);
  });
  if (!made.ok()) return made.error();
  const std::string id = text_of(made.value().root().getId()), shown = id + '.' + secret;
  if (const auto kept = record(*client.value(), invocation, id); !kept.ok()) return kept.error();
  if (invocation.globals.json) {
    JsonLine<output::wire::ApiKeyMade> line;
    line->setValue(shown);
    line.print(console.out);
  } else {
    console.out << shown << '\n';
  }
  return Exit::done;
}

std::string date_or(std::uint64_t unix_ms, const char* otherwise) {
  return unix_ms == 0 ? otherwise : wallets::date_of(wallet::UnixMs(unix_ms));
}

Ending list(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  std::vector<std::pair<std::string, access::Key>> keys;
  const auto read =
      each_key(*client.value(), [&](const std::string& id, const access::Key& key) { keys.emplace_back(id, key); });
  if (!read.ok()) return read.error();
  if (!invocation.globals.json) {
    TextTable table({{"ID"}, {"ROLE"}, {"RATE", Align::right}, {"EXPIRES (UTC)"}, {"LAST USED (UTC)"}, {"SCOPES"}});
    for (const auto& [id, key] : keys)
      table.add({id, std::string(access::name(key.role)), key.rate == 0 ? "-" : std::to_string(key.rate),
                 date_or(key.expires, "never"), date_or(key.last_used, "never"), joined(key.scopes, " ")});
    table.print(console.out);
    return Exit::done;
  }
  JsonLine<output::wire::ApiKeys> line;
  auto rows = line->initRows(size32(keys));
  for (unsigned i = 0; i < rows.size(); ++i) {
    const auto& [id, key] = keys[i];
    rows[i].setId(id);
    rows[i].setRole(std::string(access::name(key.role)));
    auto scopes = rows[i].initScopes(size32(key.scopes));
    for (unsigned k = 0; k < scopes.size(); ++k) scopes.set(k, key.scopes[k]);
    if (key.rate != 0) rows[i].getRate().setValue(key.rate);
    if (key.expires != 0) rows[i].getExpires().setValue(key.expires);
    if (key.last_used != 0) rows[i].getLastUsed().setValue(key.last_used);
    rows[i].setCreated(key.created);
  }
  write_json_line(console.out, capnp::toDynamic(rows.asReader()));
  return Exit::done;
}

Ending revoke(const Invocation& invocation, Console& console) {
  const std::string id = invocation.text("ID")->substr(0, access::kIdCharacters);
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto done = client.value()->ask<wire::RevokeKey, Nothing>(access::kPath, kDue,
                                                            [&](wire::RevokeKey::Builder out) { out.setId(id); });
  if (!done.ok()) return done.error();
  if (const auto kept = record(*client.value(), invocation, id); !kept.ok()) return kept.error();
  if (!invocation.globals.json) return Exit::done;
  JsonLine<output::wire::ApiKeyRevoked> line;
  line->setId(id);
  line.print(console.out);
  return Exit::done;
}

Ending grant(const Invocation& invocation, Console& console) {
  const std::string id = *invocation.text("KEY"), pattern = *invocation.text("PATTERN"),
                    how = *invocation.text("ACCESS");
  if (const auto parsed = api::Pattern::parse(pattern); !parsed.ok()) return bad_pattern(parsed.error());
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto done = client.value()->ask<wire::SetGrant, Nothing>(access::kPath, kDue, [&](wire::SetGrant::Builder out) {
    out.setId(id);
    out.setPattern(pattern);
    if (how == "read") out.getAccess().setRead();
    else if (how == "write") out.getAccess().setWrite();
    else out.getAccess().setNone();
  });
  if (!done.ok()) return done.error();
  if (const auto kept = record(*client.value(), invocation, id + ' ' + how + ' ' + pattern); !kept.ok())
    return kept.error();
  if (!invocation.globals.json) return Exit::done;
  JsonLine<output::wire::ApiGrant> line;
  line->setKey(id);
  line->setPattern(pattern);
  line->setAccess(how);
  line.print(console.out);
  return Exit::done;
}

Ending list_grants(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  std::vector<std::pair<std::string, access::Grant>> grants;
  const auto read = each_key(*client.value(), [&](const std::string& id, const access::Key& key) {
    for (const access::Grant& one : key.grants) grants.emplace_back(id, one);
  });
  if (!read.ok()) return read.error();
  if (!invocation.globals.json) {
    TextTable table({{"KEY"}, {"ACCESS"}, {"PATTERN"}});
    for (const auto& [id, one] : grants) table.add({id, one.write ? "write" : "read", one.pattern});
    table.print(console.out);
    return Exit::done;
  }
  JsonLine<output::wire::ApiGrants> line;
  auto rows = line->initRows(size32(grants));
  for (unsigned i = 0; i < rows.size(); ++i) {
    rows[i].setKey(grants[i].first);
    rows[i].setPattern(grants[i].second.pattern);
    rows[i].setAccess(grants[i].second.write ? "write" : "read");
  }
  write_json_line(console.out, capnp::toDynamic(rows.asReader()));
  return Exit::done;
}

}  // namespace

Commands key_commands() {
  return {
      {.name = "api key new",
       .summary = "Make a key of the HTTP API, and print it",
       .options = {required({.name = "--role",
                             .value = "R",
                             .help = "what the key may do, as below",
                             .choices = {"viewer", "user", "operator", "admin"}}),
                   {.name = "--scope",
                    .value = "PATTERN",
                    .help = "paths that the key may call (default all that its role may call)",
                    .repeatable = true},
                   number_option("--rate", "N", "requests per second (default api.requests_per_s)", 1,
                                 access::kRateMax),
                   {.name = "--expires", .value = "T", .help = "when the key ends: a date, or a time such as 30d"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kNewNotes,
       .route = Route{.role = Role::admin, .prints = {"ApiKeyMade"}},
       .run = make},
      {.name = "api key ls",
       .summary = "List the keys of the HTTP API",
       .needs = Needs::view,
       .route = Route{.role = Role::admin, .prints = {"List(ApiKey)"}},
       .run = list},
      {.name = "api key revoke",
       .summary = "Revoke a key: within a second it is refused, and what runs for it ends",
       .positionals = {{.name = "ID", .help = "id of the key: the part before the dot"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::admin, .prints = {"ApiKeyRevoked"}},
       .run = revoke},
      {.name = "api grant",
       .summary = "Let a key use what does not belong to it",
       .positionals = {{.name = "KEY", .help = "id of the key"},
                       {.name = "PATTERN", .help = "pattern of paths, as for the scopes of `api key new`"},
                       {.name = "ACCESS", .help = "read, write or none", .choices = {"read", "write", "none"}}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kGrantNotes,
       .route = Route{.role = Role::admin, .prints = {"ApiGrant"}},
       .run = grant},
      {.name = "api grants",
       .summary = "List the grants of all keys",
       .needs = Needs::view,
       .route = Route{.role = Role::admin, .prints = {"List(ApiGrant)"}},
       .run = list_grants},
  };
}

}  // namespace troupe::apps
