#include <algorithm>
#include <filesystem>
#include <fstream>

#include "actors/dht/api.hpp"
#include "actors/dht/wire.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/file_source.hpp"
#include "apps/cli/input.hpp"
#include "apps/cli/json.hpp"
#include "apps/dht/dht.hpp"
#include "apps/dht/in_order.hpp"
#include "apps/dht/key.hpp"
#include "apps/dht/owner.hpp"
#include "apps/dht/show.hpp"

namespace troupe::apps::dht_command {
namespace {

namespace wire = dht::wire;

constexpr std::chrono::seconds kTimeout{300};                   // searches in several regions, and this node's stores
constexpr std::size_t kManyMax = dht::kRegionItemsMax;          // messages/dht.capnp, PutMany and GetMany
constexpr std::size_t kManyBytesMax = 7 * dht::kValueBytesMax;  // the same: 512 KiB with the bytes around the values
constexpr const char* kHelp = "troupe help dht put";
constexpr std::size_t kLineBytesMax = dht::kValueBytesMax + 128;

struct Line {
  TypedKey key;
  std::string typed;
  std::string value;
};

/// Returns the next line that is not empty, or nullopt at the end.
base::Result<std::optional<Line>, Failure> next_line(LineReader& lines) {
  std::string text;
  while (text.empty()) {
    auto next = lines.next();
    if (!next.ok()) return next.error();
    if (!next.value()) return std::optional<Line>();
    text = std::move(*next.value());
  }
  const auto end = text.find_first_of(" \t");
  Line line;
  line.typed = text.substr(0, end);
  const auto key = parse_key(line.typed);
  const std::string where = "line " + std::to_string(lines.number()) + ": ";
  if (key && key->owner) return anothers_name(where);
  if (const auto digits = wrong_digits(line.typed)) return usage_failure(where + *digits, kHelp);
  if (const auto too_long = long_name(line.typed)) return usage_failure(where + *too_long, kHelp);
  const bool named = key && (key->space == dht::Space::cid ? !key->digest : key->space == dht::Space::kv && !key->key);
  if (end == std::string::npos || !named)
    return usage_failure(where + "expected NAME, /kv/NAME or /cid, a space, and a value", kHelp);
  line.key = *key;
  line.value = text.substr(end + 1);
  if (line.value.size() > dht::kValueBytesMax)
    return usage_failure(where + "a value has at most 65,536 bytes; store larger data as a file",
                         "troupe help file put");
  return std::optional(std::move(line));
}

}  // namespace

std::optional<Failure> directory_as_input(const std::string& file) {
  std::error_code unseen;  // open() gives a better error
  if (!std::filesystem::is_directory(file == "-" ? "/dev/stdin" : file, unseen)) return std::nullopt;
  const std::string what = file == "-" ? "standard input" : file;
  return Failure{{base::Code::unsupported, "cannot read " + what + ": it is a directory"}, "nothing was done", kHelp};
}

Ending put_many(const Invocation& invocation, Console& console, const std::string& file) {
  if (auto wrong = directory_as_input(file)) return *wrong;
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) return Failure{system_error("cannot open " + file, errno), "nothing was done", kHelp};
  }
  std::istream& in = file == "-" ? console.in : opened;
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  Tally tally(invocation, console);
  LineReader from(in, file == "-" ? kStandardInput : file, kLineBytesMax);
  std::vector<Line> lines;
  for (bool more = true; more;) {
    lines.clear();
    for (std::size_t bytes = 0; lines.size() < kManyMax && bytes <= kManyBytesMax - dht::kValueBytesMax;) {
      auto line = next_line(from);
      if (!line.ok()) return tally.stopped(line.error());
      more = line.value().has_value();
      if (!more) break;
      if (invocation.has("--ttl") && line.value()->key.space != dht::Space::kv) {
        Failure wrong = for_names_alone("--ttl");
        wrong.error.message.insert(0, "line " + std::to_string(from.number()) + ": ");
        return tally.stopped(std::move(wrong));
      }
      bytes += line.value()->value.size() + 256;
      lines.push_back(std::move(*line.value()));
    }
    if (lines.empty()) break;
    auto answer =
        client.value()->ask<wire::PutMany, wire::PutManyDone>(dht::kPath, kTimeout, [&](wire::PutMany::Builder order) {
          order.setSeconds(static_cast<std::uint32_t>(invocation.number("--ttl").value_or(0)));
          auto items = order.initItems(static_cast<unsigned>(lines.size()));
          for (unsigned i = 0; i < items.size(); ++i) {
            items[i].setSpace(static_cast<std::uint8_t>(lines[i].key.space));
            items[i].setName(data(base::as_bytes(lines[i].key.name)));
            items[i].setValue(data(base::as_bytes(lines[i].value)));
          }
        });
    if (!answer.ok()) return tally.stopped(answer.error(), lines.size());
    const auto items = answer.value().root().getItems();
    for (unsigned i = 0; i < std::min<std::size_t>(items.size(), lines.size()); ++i) {
      if (items[i].hasError()) {
        tally.bad(lines[i].typed, dht::read(items[i].getError()));
        continue;
      }
      tally.stored(items[i].getStored());
      print_put(invocation, console, lines[i].key.space, items[i]);
    }
  }
  console.err << tally.stored_note();
  return tally.end("stored", kHelp);
}

void print_got(const Invocation& invocation, Console& console, Tally& tally, const std::string& key,
               wire::GotOne::Reader one) {
  if (one.isError()) return tally.bad(key, dht::read(one.getError()));
  if (one.getGot().getSealed()) tally.sealed(key, one.getGot());
  else tally.good();
  if (!one.getGot().getSealed()) print_one_value(invocation, console, key, one.getGot());
}

Ending get_many(const Invocation& invocation, Console& console, const std::vector<std::string>& keys) {
  std::vector<TypedKey> parsed;
  for (const std::string& typed : keys) {
    const auto key = parse_key(typed);
    if (!key || (key->space != dht::Space::kv && !key->key && !key->digest)) return wrong_key(typed);
    parsed.push_back(*key);
  }
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  for (TypedKey& key : parsed)
    if (auto wrong = resolve(*client.value(), key)) return *wrong;
  Tally tally(invocation, console);
  for (std::size_t from = 0; from < keys.size(); from += kManyMax) {
    const std::size_t count = std::min(kManyMax, keys.size() - from);
    InOrder<wire::GotOne> in_order(count, [&](std::size_t at, wire::GotOne::Reader one) {
      print_got(invocation, console, tally, keys[from + at], one);
    });
    const auto got = client.value()->subscribe<wire::GetMany, wire::GotOne>(
        dht::kPath, kTimeout,
        [&](wire::GetMany::Builder question) {
          question.setQuorum(static_cast<std::uint8_t>(invocation.number("--quorum").value_or(0)));
          auto items = question.initItems(static_cast<unsigned>(count));
          for (unsigned i = 0; i < count; ++i) {
            const TypedKey& key = parsed[from + i];
            items[i].setSpace(static_cast<std::uint8_t>(key.space));
            if (key.digest) items[i].setDigest(data(key.digest->view()));
            else if (key.key) items[i].setKey(data(key.key->view()));
            else items[i].setName(data(base::as_bytes(key.name)));
          }
        },
        [&](wire::GotOne::Reader one) -> Client::Outcome<void> {
          in_order.take(one.getItem(), one);
          return {};
        });
    in_order.end();
    if (!got.ok()) return tally.stopped(got.error());
  }
  return tally.end("found", "troupe help dht get");
}

}  // namespace troupe::apps::dht_command
