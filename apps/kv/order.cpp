// Shared parts of `troupe kv`: keys, values and lines as they are typed, and the request to the group.
#include "apps/kv/kv.hpp"
#include "messages/common.capnp.h"

namespace troupe::apps::kv_command {
namespace {

/// Appends the character as UTF-8. Fails for half of a surrogate pair.
bool append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code), true;
  if (code < 0x800) return put(0xc0 | code >> 6), put(0x80 | (code & 0x3f)), true;
  if (code >= 0xd800 && code < 0xe000) return false;
  if (code < 0x10000) return put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f)), true;
  return put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 0x3f)), put(0x80 | (code >> 6 & 0x3f)),
         put(0x80 | (code & 0x3f)), true;
}

std::optional<std::uint32_t> take_hex4(std::string_view line, std::size_t& at) {
  std::uint8_t bytes[2];
  if (line.size() - at < 4 || !base::parse_hex(line.substr(at, 4), bytes)) return std::nullopt;
  at += 4;
  return bytes[0] << 8 | bytes[1];
}

/// Returns the JSON string (RFC 8259) that begins at `at`, and moves `at` after it.
std::optional<std::string> take_json_string(std::string_view line, std::size_t& at) {
  std::string out;
  for (++at; at < line.size();) {
    const char c = line[at++];
    if (c == '"') return out;
    if (c != '\\') {
      out += c;
      continue;
    }
    if (at == line.size()) return std::nullopt;
    const char escaped = line[at++];
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
    if (const auto found = kNames.find(escaped); found != std::string_view::npos) {
      out += kMeant[found];
      continue;
    }
    auto code = escaped == 'u' ? take_hex4(line, at) : std::nullopt;
    if (code && *code >= 0xd800 && *code < 0xdc00 && line.substr(at, 2) == "\\u") {
      at += 2;
      const auto low = take_hex4(line, at);
      if (!low || *low < 0xdc00 || *low > 0xdfff) return std::nullopt;
      code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
    }
    if (!code || !append_utf8(out, *code)) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

base::Result<Way, Failure> way_of(const Invocation& invocation, Console& console) {
  auto group = raft_command::group_of(invocation);
  if (!group.ok()) return group.error();
  const auto timeout = raft_command::timeout_of(invocation, std::chrono::seconds(5));
  if (!timeout.ok()) return timeout.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  Way out{raft::path_of(group.value()), group.value(), timeout.value(), std::move(client).value()};
  if (out.client->connection().was_done(out.path)) return out;
  const auto reached = out.client->ask<wire::ReachGroup, messages::wire::Nothing>(
      raft::kPath, timeout.value(), [&](wire::ReachGroup::Builder question) { question.setGroup(group.value()); });
  if (!reached.ok()) return raft_command::explained(reached.error(), group.value());
  out.client->connection().note_done(out.path);
  return out;
}

base::Result<std::string, Failure> key_of(const Invocation& invocation, const std::string& typed, bool empty) {
  std::string key = typed;
  if (invocation.has("--hex")) {
    base::Bytes bytes(typed.size() / 2);
    if (!base::parse_hex(typed, bytes)) return usage_failure("with --hex a key needs pairs of hexadecimal digits", "");
    key = std::string(base::as_text(bytes));
  } else if (!base::is_utf8(typed)) {
    return usage_failure("a key must be UTF-8; write other keys in hexadecimal digits with --hex", "");
  }
  if ((key.empty() && !empty) || key.size() > kv::kKeyBytesMax)
    return usage_failure("a key must have 1 to 1024 bytes", "");
  return key;
}

kv::Value value_of(std::string_view text) {
  const auto bytes = base::as_bytes(text);
  return std::make_shared<const base::Bytes>(bytes.begin(), bytes.end());
}

base::Result<kv::Value, Failure> value_of(Console& console, const std::string& typed) {
  std::string value = typed;
  if (typed == "-" && console.dash_is_in) {
    value.clear();
    if (const auto read = read_rest(console.in, kStandardInput, kv::kValueBytesMax, value); !read.ok())
      return read.error();
  }
  if (value.size() > kv::kValueBytesMax)
    return usage_failure("a value has at most 1 MiB; store larger data as a file", "troupe help file put");
  return value_of(value);
}

std::optional<std::vector<std::string>> words_of(std::string_view line) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (true) {
    while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
    if (at == line.size()) return out;
    if (line[at] == '"') {
      const auto word = take_json_string(line, at);
      if (!word) return std::nullopt;
      out.push_back(*word);
      if (at < line.size() && line[at] != ' ' && line[at] != '\t') return std::nullopt;
      continue;
    }
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    out.emplace_back(line.substr(at, end - at));
    at = end;
  }
}

std::string shown(capnp::Data::Reader bytes) {
  constexpr std::size_t kShown = 64;
  const std::string_view text(reinterpret_cast<const char*>(bytes.begin()),
                              std::min<std::size_t>(bytes.size(), kShown));
  return '"' + base::printable(std::string(text)) + (bytes.size() > kShown ? "…\"" : "\"");
}

base::Result<kv::LeaseId, Failure> lease_of(const std::string& typed) {
  const auto number = parse_trace(typed);
  if (!number)
    return usage_failure("invalid lease id: expected up to 16 hexadecimal digits", "troupe kv lease grant 60s");
  return kv::LeaseId{*number};
}

base::Result<Kept<wire::Executed>, Failure> execute(Way& way, const kv::Command& command) {
  if (const std::size_t bytes = kv::encode(command).size(); bytes > kv::kCommandBytesMax)
    return usage_failure(
        "a transaction is limited to 2 MiB with its keys and values, got " + std::to_string(bytes) + " bytes",
        "several smaller transactions");
  auto answer = way.client->ask<wire::Execute, wire::Executed>(
      way.path, way.timeout + std::chrono::seconds(1), [&](wire::Execute::Builder out) {
        raft::write(out, command);
        out.setDueMs(static_cast<std::uint32_t>(base::milliseconds(way.timeout)));
      });
  if (!answer.ok()) return raft_command::explained(answer.error(), way.group);
  const auto done = answer.value().root();
  const auto failed = [](base::Code code, std::string why) {
    return Failure{.error = {code, std::move(why)}, .outcome = "nothing was changed"};
  };
  switch (done.getOutcome()) {
    case wire::Outcome::DONE: return std::move(answer).value();
    case wire::Outcome::CONFLICT: {
      std::string is = "absent";
      if (done.getValues().size() > 0 && done.getValues()[0].isValue()) is = shown(done.getValues()[0].getValue());
      return failed(base::Code::conflict, "conflict: the key is " + is);
    }
    case wire::Outcome::NO_LEASE: return failed(base::Code::not_found, "there is no such lease");
    case wire::Outcome::LEASE_EXISTS: return failed(base::Code::conflict, "the lease already exists");
    case wire::Outcome::SESSIONS_FULL:
      return failed(base::Code::overloaded,
                    "the group cannot store further responses to request ids (raft.sessions_max)");
    case wire::Outcome::LEASES_FULL: return failed(base::Code::overloaded, "the group has reached its limit of leases");
    case wire::Outcome::ANSWER_TOO_LARGE:
      return failed(base::Code::malformed, "its gets would return more than 2 MiB: read fewer keys at once");
    case wire::Outcome::MALFORMED:
    case wire::Outcome::NOT_LEADER: break;
  }
  return failed(base::Code::malformed, "the group could not decode the command");
}

base::Result<Kept<wire::GotKey>, Failure> get(Way& way, const std::string& key, bool stale, std::uint64_t revision) {
  auto answer = way.client->ask<wire::GetKey, wire::GotKey>(
      way.path, way.timeout + std::chrono::seconds(1), [&](wire::GetKey::Builder out) {
        out.setKey(data_of(base::as_bytes(key)));
        out.setStale(stale);
        out.setRevision(revision);
        out.setDueMs(static_cast<std::uint32_t>(base::milliseconds(way.timeout)));
      });
  if (!answer.ok()) return raft_command::explained(answer.error(), way.group);
  if (!answer.value().root().getFound())
    return Failure{.error = {base::Code::not_found, "the key is absent"}, .exit = Exit::not_found};
  return std::move(answer).value();
}

}  // namespace troupe::apps::kv_command
