#include "apps/api/guard.hpp"

#include <algorithm>
#include <sstream>

#include "actors/access/codec.hpp"
#include "apps/api/inner.hpp"
#include "apps/cli/json_read.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps::api {
namespace {

using access::Share;
using access::Thing;
using base::Code;

Denied denied(std::string message) { return {.failure = {{Code::refused, std::move(message)}, "nothing was done"}}; }
Denied failed(Failure failure) { return {.failure = std::move(failure), .forbidden = false}; }

bool changes(Way way) { return way == Way::change || way == Way::create || way == Way::remove; }

/// Returns the first argument of a call, decoded as its uses decode it.
std::optional<std::string> subject_of_call(const Invocation& invocation, const Uses& uses) {
  for (const Use& use : uses.list)
    if (use.command == invocation.command().name && use.way != Way::any) return use.subject;
  const Positional* subject = subject_of(invocation.command());
  return subject != nullptr ? invocation.text(subject->name) : std::nullopt;
}

bool has_option(const Command& command, std::string_view name) {
  return std::ranges::find(command.options, name, &Option::name) != command.options.end();
}

/// Whether a command that changes something has changed nothing. After an interruption this is not known.
bool did_nothing(Exit exit) {
  return exit == Exit::usage || exit == Exit::not_found || exit == Exit::refused || exit == Exit::overloaded ||
         exit == Exit::unavailable;
}

/// Sets the number of keys in a summary, so that it does not count keys that the caller may not read.
void count_kept(std::string& item, std::size_t kept) {
  static constexpr std::string_view kSummary = "{\"summary\":true,\"keys\":";
  if (!item.starts_with(kSummary)) return;
  const std::size_t end = item.find_first_not_of("0123456789", kSummary.size());
  item.replace(kSummary.size(), end - kSummary.size(), std::to_string(kept));
}

/// Calls `send` with at most as many things as a request may have, until all were sent or one call fails.
template <class F>
base::Result<void, Failure> in_parts(std::span<const Thing> rest, F send) {
  while (!rest.empty()) {
    const auto part = rest.first(std::min(rest.size(), access::kThingsMax));
    if (const base::Result<void, Failure> sent = send(part); !sent.ok()) return sent;
    rest = rest.subspan(part.size());
  }
  return {};
}

template <class Builder>
void write_things(Builder ask, std::span<const Thing> things) {
  auto list = ask.initThings(static_cast<unsigned>(things.size()));
  for (unsigned i = 0; i < list.size(); ++i) access::write(list[i], things[i]);
}

/// Splits the text of a JSON list into the texts of its items.
std::vector<std::string> items_of(std::string_view list) {
  std::vector<std::string> out;
  std::size_t depth = 0, begin = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const char c = list[i];
    if (in_text) {
      if (c == '\\') ++i;
      else if (c == '"') in_text = false;
      continue;
    }
    if (c == '"') in_text = true;
    if (c == '[' || c == '{') {
      if (++depth == 1) begin = i + 1;
    }
    if ((c == ',' && depth == 1) || ((c == ']' || c == '}') && --depth == 0)) {
      if (i > begin) out.emplace_back(list.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  return out;
}

/// Returns the name of an item, or nullopt for an item without one, such as a summary.
std::optional<std::string> name_in(const Filter& filter, const std::string& item) {
  const auto value = read_json(item);
  if (!value) return std::nullopt;
  const JsonValue* name = value->find(filter.field);
  if (name != nullptr && name->kind == JsonValue::Kind::text) return name->text;
  const JsonValue* hex = filter.hex_field.empty() ? nullptr : value->find(filter.hex_field);
  if (hex == nullptr || hex->kind != JsonValue::Kind::text) return std::nullopt;
  base::Bytes bytes(hex->text.size() / 2);
  if (!base::parse_hex(hex->text, bytes)) return std::nullopt;
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

const Command& Guard::command(std::string_view name) const {
  const auto at = std::ranges::find(table_, name, &Command::name);
  base::ensure(at != table_.end(), "a use names a command of the table");
  return *at;
}

std::variant<Admitted, Denied> Guard::admit(const Caller& caller, const Invocation& invocation,
                                            const std::string& lines, const std::optional<std::string>& purpose) {
  const auto needed = static_cast<std::size_t>(invocation.command().route->role);
  if (static_cast<std::size_t>(caller.role) < needed)
    return denied("this needs a key with the role " + std::string(access::kRoleNames[needed]));
  if (caller.held == nullptr && rules_ == nullptr) return Admitted{};
  auto uses = uses_of(invocation, lines);
  if (!uses.ok()) return failed(uses.error());
  Admitted out{std::move(uses).value()};
  if (auto no = check_scope(caller, invocation.command(), subject_of_call(invocation, out.uses))) return std::move(*no);
  for (const Use& use : out.uses.list)
    if (use.command != invocation.command().name)
      if (auto no = check_scope(caller, command(use.command), use.subject)) return std::move(*no);
  if (auto no = check_rules(caller, invocation, out.uses, purpose)) return std::move(*no);
  if (caller.role < access::Role::operator_)
    if (auto no = check_owners(caller, invocation, out)) return std::move(*no);
  if (caller.role >= access::Role::operator_ && (caller.held == nullptr || caller.held->scopes.empty()))
    out.uses.filter.reset();
  return out;
}

Guard::Denial Guard::check_scope(const Caller& caller, const Command& command,
                                 const std::optional<std::string>& subject) const {
  if (caller.held == nullptr || caller.held->key.scopes.empty()) return std::nullopt;
  const auto& scopes = caller.held->scopes;
  if (std::ranges::any_of(scopes, [&](const Pattern& one) { return matches_call(one, routes_, command, subject); }))
    return std::nullopt;
  return denied("the scopes of this key do not include this");
}

Guard::Denial Guard::check_rules(const Caller& caller, const Invocation& invocation, const Uses& uses,
                                 const std::optional<std::string>& purpose) const {
  if (rules_ == nullptr) return std::nullopt;
  const auto rules = rules_->rules(now());
  const Command& called = invocation.command();
  std::optional<base::Duration> ttl;
  if (has_option(called, "--ttl"))
    if (const auto typed = invocation.text("--ttl")) ttl = config::parse_duration(*typed);
  std::optional<std::string_view> given;
  if (purpose) given = *purpose;
  const auto check = [&](const std::string& command, std::vector<std::string> names) -> Denial {
    const auto refusal = rules->refusing({.command = command,
                                          .names = std::move(names),
                                          .role = access::name(caller.role),
                                          .purpose = given,
                                          .ttl = ttl});
    if (!refusal) return std::nullopt;
    Denied out = denied(refusal->why);
    out.rule = refusal->rule;
    return out;
  };
  std::vector<std::string> names;
  if (has_option(called, "--name"))
    if (const auto name = invocation.text("--name")) names = {*name};
  for (const Use& use : uses.list)
    if (use.command == called.name && !use.subject.empty()) names.push_back(use.subject);
  if (names.empty())
    if (const auto subject = subject_of_call(invocation, uses)) names = {*subject};
  if (auto no = check(called.name, std::move(names))) return no;
  for (const Use& use : uses.list)
    if (use.command != called.name)
      if (auto no = check(use.command, {use.subject})) return no;
  return std::nullopt;
}

bool Guard::granted(const Caller& caller, const Use& use) const {
  const std::optional<std::string> subject =
      use.way == Way::any ? std::nullopt : std::optional<std::string>(use.subject);
  return std::ranges::any_of(caller.held->grants, [&](const auto& grant) {
    return (grant.second || !changes(use.way)) && matches_call(grant.first, routes_, command(use.command), subject);
  });
}

Guard::Denial Guard::check_owners(const Caller& caller, const Invocation& invocation, Admitted& admitted) {
  static const Denied kOthers = denied("it does not belong to this key, and no grant allows it");
  admitted.owns = true;
  std::vector<const Use*> uses;
  std::vector<Thing> things;
  for (const Use& use : admitted.uses.list) {
    if (granted(caller, use)) continue;
    if (use.way == Way::any) return kOthers;
    if (!use.thing) continue;
    uses.push_back(&use);
    things.push_back(*use.thing);
  }
  const auto found = shares(caller, things);
  if (!found.ok()) return failed(found.error());
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const Use& use = *uses[i];
    const Share share = found.value()[i];
    if (share == Share::own) continue;
    if (share == Share::shared) {
      if (use.way != Way::remove) continue;
      return failed({{Code::conflict, "others own it too: an operator can remove it"}, "nothing was done"});
    }
    if (share == Share::other || use.way != Way::create) return kOthers;
    const auto there = exists(invocation, use);
    if (!there.ok()) return failed(there.error());
    if (there.value()) return kOthers;
    admitted.claimed.push_back(things[i]);
  }
  const auto claimed = claim(caller, admitted.claimed, false);
  if (claimed.ok()) return std::nullopt;
  return claimed.error().error.code == Code::conflict ? kOthers : failed(claimed.error());
}

/// Returns whether the thing exists although no key owns it: then it belongs to the node's operator.
base::Result<bool, Failure> Guard::exists(const Invocation& invocation, const Use& use) const {
  const bool entry = use.thing->kind == access::Kind::entry;
  Invocation::Values values;
  const Command& asks = command(entry ? "kv get" : "dht list");
  if (entry) {
    values["KEY"] = {base::hex(base::as_bytes(use.subject))};
    values["--hex"] = {"true"};
    values["--group"] = invocation.all("--group");
  } else {
    values["--space"] = {"published"};
  }
  for (const Option& option : asks.options) values.try_emplace(option.name);
  Invocation asked(asks, table_, invocation.globals, std::move(values));
  asked.globals.server->cancel = std::make_shared<Cancel>();
  std::ostringstream out, err;
  std::istringstream in;
  Console console{out, err, in};
  const Ending ending = asks.run(asked, console);
  if (entry) {
    if (ending.ok()) return true;
    if (ending.error().error.code == Code::not_found) return false;
    return ending.error();
  }
  if (!ending.ok()) return ending.error();
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) {
    const auto row = read_json(line);
    const JsonValue* name = row ? row->find("name") : nullptr;
    if (name != nullptr && name->text == use.subject) return true;
  }
  return false;
}

base::Result<void, Failure> Guard::finish(const Caller& caller, const Invocation& invocation, const Admitted& admitted,
                                          Exit exit, const std::string& output) {
  const bool done = exit == Exit::done || exit == Exit::partly;
  if (did_nothing(exit)) return release(admitted.claimed);
  if (admitted.owns)
    for (const Use& made : made_by(invocation, output))
      if (const auto claimed = claim(caller, {*made.thing}, made.way == Way::change); !claimed.ok()) return claimed;
  std::vector<Thing> removed;
  for (const Use& use : admitted.uses.list)
    if (done && use.way == Way::remove && use.thing && use.command != "file unpin") removed.push_back(*use.thing);
  return release(removed);
}

base::Result<std::string, Failure> Guard::filtered(const Caller& caller, const Filter& filter,
                                                   const std::string& output) {
  const bool list = output.starts_with('[');
  std::vector<std::string> items;
  if (list) {
    items = items_of(output);
  } else {
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) items.push_back(std::move(line));
  }
  std::vector<char> keep(items.size(), 1);
  std::vector<std::size_t> asked;
  std::vector<Thing> things;
  std::size_t summaries = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto name = name_in(filter, items[i]);
    if (!name) {
      ++summaries;
      continue;
    }
    const Use use = filter.use(*name);
    if (check_scope(caller, command(use.command), use.subject)) {
      keep[i] = 0;
      continue;
    }
    if (caller.role >= access::Role::operator_ || granted(caller, use)) continue;
    asked.push_back(i);
    things.push_back(*use.thing);
  }
  const auto found = shares(caller, things);
  if (!found.ok()) return found.error();
  for (std::size_t i = 0; i < asked.size(); ++i)
    keep[asked[i]] = found.value()[i] == Share::own || found.value()[i] == Share::shared;
  const auto kept = static_cast<std::size_t>(std::ranges::count(keep, 1)) - summaries;
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (keep[i] == 0) continue;
    count_kept(items[i], kept);
    if (list && !out.empty()) out += ',';
    out += items[i];
    if (!list) out += '\n';
  }
  return list ? '[' + out + "]\n" : out;
}

// -- requests to the node

base::Result<std::vector<Share>, Failure> Guard::shares(const Caller& caller, const std::vector<Thing>& things) const {
  std::vector<Share> out;
  if (things.empty()) return out;
  auto client = inner_client(connection_, false);
  if (!client.ok()) return client.error();
  const auto asked = in_parts(things, [&](std::span<const Thing> part) -> base::Result<void, Failure> {
    auto answer = client.value()->ask<access::wire::WhoOwns, access::wire::Owned>(
        access::kPath, kInnerDue, [&](access::wire::WhoOwns::Builder ask) {
          ask.setId(caller.id);
          write_things(ask, part);
        });
    if (!answer.ok()) return answer.error();
    const auto shares = answer.value().root().getShares();
    if (shares.size() != part.size()) return Failure{{Code::malformed, "the node did not say whose all things are"}};
    for (const auto share : shares) out.push_back(static_cast<Share>(share));
    return {};
  });
  if (!asked.ok()) return asked.error();
  return out;
}

base::Result<void, Failure> Guard::claim(const Caller& caller, const std::vector<Thing>& things, bool with_node) const {
  return in_parts(things, [&](std::span<const Thing> part) {
    return change_node<access::wire::Claim>(connection_, access::kPath, [&](access::wire::Claim::Builder ask) {
      ask.setId(caller.id);
      ask.setWithNode(with_node);
      write_things(ask, part);
    });
  });
}

base::Result<void, Failure> Guard::release(const std::vector<Thing>& things) const {
  return in_parts(things, [&](std::span<const Thing> part) {
    return change_node<access::wire::Release>(connection_, access::kPath,
                                              [&](access::wire::Release::Builder ask) { write_things(ask, part); });
  });
}

}  // namespace troupe::apps::api
