// troupe kv batch
#include "apps/kv/kv.hpp"
#include "messages/output/raft.capnp.h"

namespace troupe::apps {
namespace {

using namespace kv_command;

/// The request of one line: a change, or a key to read.
struct Asked {
  std::optional<kv::Command> change;
  std::string get;
};

base::Result<Asked, Failure> read_line(const Invocation& invocation, const std::string& line) {
  const auto words = words_of(line);
  if (!words || words->size() < 2)
    return usage_failure("invalid line: expected put KEY VALUE, get KEY, del KEY or cas KEY OLD NEW", "");
  const auto& is = *words;
  const auto key = key_of(invocation, is[1]);
  if (!key.ok()) return key.error();
  for (const std::string& word : is)
    if (word.size() > kv::kValueBytesMax) return usage_failure("a value is limited to 1 MiB", "");
  kv::Txn txn;
  if (is[0] == "get" && is.size() == 2) return Asked{{}, key.value()};
  if (is[0] == "put" && is.size() == 3) {
    txn.operations.push_back({.kind = kv::Operation::Kind::put, .key = key.value(), .value = value_of(is[2])});
  } else if (is[0] == "del" && is.size() == 2) {
    txn.operations.push_back({.kind = kv::Operation::Kind::remove, .key = key.value()});
  } else if (is[0] == "cas" && is.size() == 4) {
    txn.conditions.push_back({.key = key.value(), .kind = kv::Condition::Kind::equals, .value = value_of(is[2])});
    txn.operations.push_back({.kind = kv::Operation::Kind::put, .key = key.value(), .value = value_of(is[3])});
  } else {
    return usage_failure("invalid line: expected put KEY VALUE, get KEY, del KEY or cas KEY OLD NEW", "");
  }
  return Asked{kv::Command{.what = std::move(txn)}, {}};
}

}  // namespace

Ending kv_batch(const Invocation& invocation, Console& console) {
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  bool all = true;
  LineReader lines(console.in, kStandardInput, kLineBytesMax);
  while (true) {
    auto read = lines.next();
    if (read.ok() && lines.cut()) read = usage_failure("line " + std::to_string(lines.number()) + " is too long", "");
    if (!read.ok()) {
      Failure failure = read.error();
      failure.outcome = "the lines before it were executed";
      return failure;
    }
    if (!read.value()) break;
    const std::string& line = *read.value();
    if (line.empty()) continue;
    JsonLine<output::wire::KvAnswer> out;
    const auto fail = [&](const Failure& failure, Effect effect) {
      all = false;
      out->setExit(static_cast<std::uint32_t>(exit_of(failure, effect)));
      out->setError(failure.error.message);
    };
    const auto asked = read_line(invocation, line);
    if (!asked.ok()) {
      fail(asked.error(), Effect::write);
    } else if (asked.value().change) {
      auto done = execute(way.value(), *asked.value().change);
      if (done.ok()) {
        out->setOk(true);
        out->setRev(done.value().root().getRevision());
      } else {
        fail(done.error(), Effect::write);
      }
    } else {
      auto got = get(way.value(), asked.value().get, false, 0);
      if (got.ok()) {
        out->setOk(true);
        out->setRev(got.value().root().getRevision());
        write_value(*out, got.value().root().getValue());
      } else {
        fail(got.error(), Effect::read);
      }
    }
    out.print(console.out);
    console.out.flush();
    if (way.value().client->interrupted()) return way.value().client->interruption();
  }
  return all ? Exit::done : Exit::partly;
}

}  // namespace troupe::apps
