#include "apps/api/uses.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "apps/cli/json_read.hpp"
#include "apps/dht/key.hpp"
#include "apps/kv/kv.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps::api {
namespace {

using access::Kind;
using Outcome = base::Result<void, Failure>;

access::Thing thing(Kind kind, const std::string& name) { return {kind, crypto::sha256(base::as_bytes(name))}; }

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Use use_of_file(std::string command, const std::string& cid, Way way) {
  return {std::move(command), lower(cid), thing(Kind::file, lower(cid)), way};
}

/// A member of an array, ID.K, belongs to the owner of the array.
Use use_of_task(std::string command, const std::string& id, Way way) {
  const std::string name = lower(id);
  return {std::move(command), name, thing(Kind::task, name.substr(0, name.find('.'))), way};
}

Use use_of_entry(std::string command, const std::string& group, const std::string& key, Way way) {
  return {std::move(command), key, thing(Kind::entry, group + '\n' + key), way};
}

std::optional<Use> use_of_value(std::string command, const std::string& typed, Way way) {
  const auto key = dht_command::parse_key(typed);
  if (!key) return std::nullopt;
  std::string name = key->name;
  if (key->owner) name += '@' + key->owner->hex();
  if (key->key) name = (key->space == dht::Space::pk ? "/pk/" : "/kv/") + base::hex(key->key->bytes);
  if (key->digest) name = "/cid/" + key->digest->hex();
  if (name.empty()) return Use{std::move(command), key->space == dht::Space::cid ? "/cid" : "/pk", std::nullopt, way};
  return Use{std::move(command), name, thing(key->digest ? Kind::content : Kind::value, name), way};
}

/// Gathers the uses of one call.
class Gatherer {
 public:
  Gatherer(const Invocation& invocation, const std::string& lines)
      : invocation_(invocation), name_(invocation.command().name), lines_(lines) {}

  base::Result<Uses, Failure> gather() {
    const std::string domain = name_.substr(0, name_.find(' '));
    const Outcome done = domain == "file"   ? files()
                         : domain == "kv"   ? entries()
                         : domain == "dht"  ? values()
                         : domain == "task" ? tasks()
                                            : Outcome();
    if (!done.ok()) return done.error();
    return std::move(out_);
  }

 private:
  void add(Use use) { out_.list.push_back(std::move(use)); }
  void any() { add({name_, "", {}, Way::any}); }

  Outcome files() {
    static const std::map<std::string, Way> kWays = {{"file get", Way::read},     {"file view", Way::read},
                                                     {"file verify", Way::read},  {"file rm", Way::remove},
                                                     {"file unpin", Way::remove}, {"file pin", Way::change}};
    if (name_ == "file ls") out_.filter = Filter{.command = "file get", .field = "cid"};
    const auto way = kWays.find(name_);
    if (way == kWays.end()) return {};
    if (const auto cid = invocation_.text("CID")) add(use_of_file(name_, *cid, way->second));
    else any();
    return {};
  }

  Outcome tasks() {
    if (name_ == "task ls") out_.filter = Filter{.command = "task view", .field = "task"};
    if (name_ == "task submit") {
      for (const char* from : {"PROGRAM", "--root", "--input"})
        for (const std::string& typed : invocation_.all(from)) {
          const std::string cid = typed.substr(0, typed.find(':'));
          if (base::Digest::from_hex(cid)) add(use_of_file("file get", cid, Way::read));
        }
      if (const auto after = invocation_.text("--after")) add(use_of_task("task view", *after, Way::read));
      return {};
    }
    if (const auto* id = positional("ID"))
      for (const std::string& typed : invocation_.all(id->name))
        add(use_of_task(name_, typed, name_ == "task cancel" ? Way::change : Way::read));
    return {};
  }

  Outcome values() {
    if (name_ == "dht list" || name_ == "dht check") any();
    if (name_ == "dht provide")
      if (const auto cid = invocation_.text("CID")) add(use_of_file("file get", *cid, Way::read));
    const Way way = name_ == "dht put" ? Way::create : name_ == "dht withdraw" ? Way::remove : Way::read;
    std::vector<std::string> keys;
    if (positional("KEY") != nullptr) keys = invocation_.all("KEY");
    if (name_ == "dht put" && invocation_.has("--from")) {
      std::istringstream in(lines_);
      LineReader lines(in, kStandardInput, kv_command::kLineBytesMax);
      for (auto line = lines.next(); line.ok() && line.value(); line = lines.next())
        if (const std::string key = line.value()->substr(0, line.value()->find(' ')); !key.empty()) keys.push_back(key);
    }
    for (const std::string& typed : keys) {
      // `dht listen` also takes a content id, for its providers.
      if (name_ == "dht listen" && base::Digest::from_hex(typed)) continue;
      auto use = use_of_value(name_, typed, way);
      if (!use) return usage_failure("invalid key: " + base::shortened(typed, 80), "");
      add(std::move(*use));
    }
    return {};
  }

  Outcome entries() {
    const auto group = raft_command::group_of(invocation_);
    if (!group.ok()) return group.error();
    group_ = group.value();
    if (name_ == "kv ls" || name_ == "kv watch") {
      out_.filter = Filter{.command = "kv get", .field = "key", .hex_field = "keyHex", .group = group_};
      return {};
    }
    if (name_ == "kv lease") return {};
    if (name_ != "kv txn" && name_ != "kv batch")
      return entry(name_, *invocation_.text("KEY"),
                   name_ == "kv get"   ? Way::read
                   : name_ == "kv del" ? Way::remove
                                       : Way::create);
    std::istringstream in(lines_);
    LineReader lines(in, kStandardInput, kv_command::kLineBytesMax);
    while (true) {
      const auto line = lines.next();
      if (!line.ok()) return line.error();
      if (!line.value()) return {};
      const auto words = kv_command::words_of(*line.value());
      if (!words || words->size() < 2) continue;  // the command refuses it
      const std::string& what = (*words)[0];
      const bool reads = what == "get" || what == "if";
      const Outcome added = entry(reads ? "kv get" : "kv " + what, (*words)[1],
                                  reads           ? Way::read
                                  : what == "del" ? Way::remove
                                                  : Way::create);
      if (!added.ok()) return added;
    }
  }

  Outcome entry(const std::string& command, const std::string& typed, Way way) {
    const auto key = kv_command::key_of(invocation_, typed);
    if (!key.ok()) return key.error();
    add(use_of_entry(command, group_, key.value(), way));
    return {};
  }

  const Positional* positional(std::string_view name) const {
    const auto& all = invocation_.command().positionals;
    const auto at = std::ranges::find(all, name, &Positional::name);
    return at == all.end() ? nullptr : &*at;
  }

  const Invocation& invocation_;
  const std::string name_;
  const std::string& lines_;
  std::string group_;
  Uses out_;
};

}  // namespace

Use Filter::use(const std::string& name) const {
  if (command == "file get") return use_of_file(command, name, Way::read);
  if (command == "task view") return use_of_task(command, name, Way::read);
  return use_of_entry(command, group, name, Way::read);
}

base::Result<Uses, Failure> uses_of(const Invocation& invocation, const std::string& lines) {
  return Gatherer(invocation, lines).gather();
}

std::vector<Use> made_by(const Invocation& invocation, const std::string& output) {
  const std::string& name = invocation.command().name;
  const char* field = name == "file put" ? "cid" : name == "task submit" ? "task" : name == "dht put" ? "key" : nullptr;
  std::vector<Use> out;
  if (field == nullptr) return out;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const auto made = read_json(line);
    const JsonValue* value = made ? made->find(field) : nullptr;
    if (value == nullptr || value->kind != JsonValue::Kind::text || made->find("error") != nullptr) continue;
    if (name == "file put") {
      const JsonValue* listed = made->find("listed");
      const bool known = listed != nullptr && listed->text == "true";
      // What was listed before belongs to the node as well.
      out.push_back(use_of_file(name, value->text, known ? Way::change : Way::create));
    } else if (name == "task submit") {
      out.push_back(use_of_task(name, value->text, Way::create));
    } else if (auto use = use_of_value(name, value->text, Way::create)) {
      out.push_back(std::move(*use));
    }
  }
  return out;
}

}  // namespace troupe::apps::api
