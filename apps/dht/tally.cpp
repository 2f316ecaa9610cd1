#include <algorithm>

#include "apps/cli/json.hpp"
#include "apps/dht/dht.hpp"
#include "apps/dht/show.hpp"
#include "messages/output/dht.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps::dht_command {
namespace {

constexpr const char* kPrinted = "the printed results are valid";

}  // namespace

void Tally::bad(const std::string& key, const base::Error& why) {
  if (bad_++ == 0) first_ = why;
  if (!invocation_.globals.json) {
    console_.err << base::printable(key) << ": " << base::printable(why.message) << '\n';
    return;
  }
  JsonLine<output::wire::DhtFailed> line;
  line->setKey(key);
  line->initError().setCode(std::string(base::name(why.code)));
  line->getError().setMessage(why.message);
  line.print(console_.out);
}

void Tally::sealed(const std::string& key, dht::wire::GotValue::Reader got) {
  ++sealed_;
  const base::Error why = sealed_to_others("").error;
  if (!invocation_.globals.json) return bad(key, why);
  if (bad_++ == 0) first_ = why;
  print_one_value(invocation_, console_, key, got);
}

void Tally::stored(std::size_t nodes) {
  good();
  nodes_min_ = std::min(nodes_min_, nodes);
}

std::string Tally::stored_note() const {
  if (good_ == 0 || invocation_.globals.json) return {};
  std::string out = std::to_string(good_) + (good_ == 1 ? " value" : " values") + ", stored at " +
                    std::to_string(nodes_min_) + (nodes_min_ == 1 ? " node" : " nodes") + " or more\n";
  if (nodes_min_ == 1)
    out += "note: a value that only one node has is published again as soon as this node has peers\n";
  return out;
}

Ending Tally::end(const char* done, const std::string& try_) const {
  if (bad_ == 0) return Exit::done;
  if (bad_ == sealed_) {
    Failure out = sealed_to_others(kPrinted);
    out.error.message =
        std::to_string(sealed_) + " of " + std::to_string(good_ + bad_) + " values are sealed, but not for this node";
    return out;
  }
  const std::string counted = std::to_string(good_) + " of " + std::to_string(good_ + bad_) + " values were " + done;
  const bool puts = invocation_.command().effect == Effect::write;
  std::string try_then = puts ? put_try(first_.code, dht::Space::kv) : "";
  if (try_then.empty() && !base::transient(first_.code)) try_then = try_;
  Failure out{{first_.code, counted}, outcome(0), std::move(try_then)};
  if (good_ > 0) out.exit = Exit::partly;
  return out;
}

Failure Tally::stopped(Failure by, std::size_t unanswered) const {
  if (good_ + bad_ == 0) return by;
  by.outcome = outcome(unanswered);
  if (good_ > 0 && !by.exit && exit_of(by, invocation_.command().effect) != Exit::unknown) by.exit = Exit::partly;
  return by;
}

std::string Tally::outcome(std::size_t unanswered) const {
  const bool doubt = invocation_.command().effect == Effect::write && bad_ + unanswered > 0;
  return std::string(kPrinted) + (doubt ? "; other values may be stored as well" : "");
}

}  // namespace troupe::apps::dht_command
