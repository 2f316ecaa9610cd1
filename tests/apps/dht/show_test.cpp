// What the commands of the DHT print of a search.
#include "apps/dht/show.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "apps/cli/json.hpp"
#include "apps/commands.hpp"
#include "apps/dht/in_order.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

/// What `dht get --json` prints of a value.
std::string shown(const std::string& value) {
  capnp::MallocMessageBuilder got, message;
  auto from = got.initRoot<dht::wire::GotValue>();
  from.setValue({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
  auto out = message.initRoot<output::wire::DhtValue>();
  dht_command::write(out, "typed", from.asReader());
  std::ostringstream line;
  write_json_line(line, out.asReader());
  return line.str();
}

/// `dht get KEY`, with or without --quorum.
Invocation get(const std::string& quorum) {
  static const Commands table = commands();
  const auto command = std::ranges::find(table, "dht get", &Command::name);
  Invocation::Values values{{"KEY", {"orders"}}};
  values["--quorum"];  // one that was not given has no values
  values["--explain"];
  if (!quorum.empty()) values["--quorum"] = {quorum};
  return {*command, table, {}, values};
}

/// What it prints of a value that two other nodes hold: the note, and the fields of JSON.
std::pair<std::string, std::string> agreed(const std::string& quorum, bool can_change = true) {
  capnp::MallocMessageBuilder got, message;
  auto from = got.initRoot<dht::wire::GotValue>();
  const base::PublicKey owner{};
  if (can_change) from.setOwner({owner.bytes.data(), owner.bytes.size()});
  from.initSearch().setHolders(2);
  auto out = message.initRoot<output::wire::DhtValue>();
  dht_command::write(out, get(quorum), "orders", from.asReader());
  std::ostringstream line;
  write_json_line(line, out.asReader());
  const std::string json = line.str();
  const auto begin = json.find("\"holders\"");
  return {dht_command::quorum_note(get(quorum), from.asReader()), json.substr(begin, json.find(",\"search\"") - begin)};
}

using troupe::test::contains;

}  // namespace

TEST_CASE("dht show: a value that is UTF-8 is text in JSON, whatever its characters do") {
  CHECK(contains(shown("seven"), "\"value\":\"seven\",\"valueHex\":\"736576656e\""));
  CHECK(contains(shown(""), "\"value\":\"\""));
  CHECK(contains(shown("two\nlines\tand \"more\"\x1b"), R"("value":"two\u000alines\u0009and \"more\"\u001b")"));
  CHECK(contains(shown(std::string("a\0b", 3)), R"("value":"a\u0000b")"));
  CHECK(contains(shown("\xe2\x80\xae"), R"("value":"\u202e")"));
}

TEST_CASE("dht show: a value that is no UTF-8 is null as text, and whole as digits") {
  for (const char* const value : {"\xff", "a\xc3"}) {
    CHECK(contains(shown(value), "\"value\":null"));
    CHECK(contains(shown(value), "\"valueHex\":\"" + base::hex(base::as_bytes(std::string(value)))));
  }
}

TEST_CASE("dht show: where nothing was found there is no value, not an empty one") {
  capnp::MallocMessageBuilder got, message;
  auto from = got.initRoot<dht::wire::GotValue>();
  from.initError().setMessage("nothing");
  auto out = message.initRoot<output::wire::DhtValue>();
  dht_command::write(out, get(""), "orders", from.asReader());
  std::ostringstream line;
  write_json_line(line, out.asReader());
  CHECK(contains(line.str(), "{\"key\":\"orders\",\"value\":null,\"valueHex\":null,\"bytes\":0,"));
}

TEST_CASE("dht show: a question shows how many bits it shares with the key sought") {
  capnp::MallocMessageBuilder found, message;
  const dht::Key distance = *dht::Key::from_hex("00ff" + std::string(36, '0'));
  auto question = found.initRoot<dht::wire::SearchResult>().initQuestions(1)[0];
  question.setDistance({distance.bytes.data(), distance.bytes.size()});
  auto out = message.initRoot<output::wire::DhtSearch>();
  dht_command::write(out, found.getRoot<dht::wire::SearchResult>().asReader());
  CHECK(out.getQuestions()[0].getSharedBits() == 8);
}

TEST_CASE("dht show: a quorum that is not met is said, and whether it is stands in JSON") {
  CHECK(agreed("9") == std::pair<std::string, std::string>("2 other nodes agree on it, fewer than the 9 asked for\n",
                                                           "\"holders\":2,\"quorum\":9,\"agreed\":false"));
  CHECK(agreed("2") == std::pair<std::string, std::string>("", "\"holders\":2,\"quorum\":2,\"agreed\":true"));
  // The usual quorum is what a small network has not: nobody asked for it.
  CHECK(agreed("") == std::pair<std::string, std::string>("", "\"holders\":2,\"quorum\":3,\"agreed\":false"));
  // What cannot change needs no second opinion.
  CHECK(agreed("9", false) == std::pair<std::string, std::string>("", "\"holders\":2,\"quorum\":null,\"agreed\":null"));
}

TEST_CASE("dht show: only where no other node has answered a put is this one alone with it") {
  capnp::MallocMessageBuilder message;
  auto put = message.initRoot<dht::wire::SearchResult>();
  put.setStores(1);
  CHECK(dht_command::alone_note(put.asReader()).starts_with("note: no other node has it yet; "));
  put.initNearest(1);  // and this node stores nothing: it cannot be dialled
  CHECK(dht_command::alone_note(put.asReader()).empty());
  put.initNearest(0);
  put.setStores(2);
  CHECK(dht_command::alone_note(put.asReader()).empty());
}

TEST_CASE("dht show: what has expired and was not removed is counted by space") {
  capnp::MallocMessageBuilder message;
  auto sums = message.initRoot<dht::wire::AuditItem>().initSum(2);
  const auto note = [&](std::uint64_t expired, std::uint64_t removed) {
    sums[0].setExpired(expired);
    sums[0].setRemoved(removed);
    return dht_command::kept_note(sums.asReader());
  };
  sums[1].setExpired(2);
  CHECK(note(3, 1).starts_with("note: expired rows that stay: 4; "));
  sums[1].setRemoved(2);
  CHECK(note(3, 3).empty());
  CHECK(note(0, 3).empty());  // in trouble
}

TEST_CASE("dht show: what was not got or put comes with what to try") {
  const base::Error nothing{base::Code::not_found, "nothing there"};
  const std::string digest(64, 'b'), key(40, 'a');
  const std::string file = "troupe file get " + digest + " --data a, if it is the id of a file";
  CHECK(dht_command::not_got(nothing, digest, "--data a").try_ ==
        "troupe dht get /cid/" + digest + " --data a; " + file);
  CHECK(dht_command::not_got(nothing, "/cid/" + digest, "--data a").try_ == file);
  for (const std::string& typed : {key, "/kv/" + key, "/pk/" + key}) {
    CHECK(dht_command::not_got(nothing, typed, "").error.message == nothing.message);
    CHECK(dht_command::not_got(nothing, typed, "").try_ == "troupe help dht get");
  }
  CHECK(contains(dht_command::not_got(nothing, "orders", "").error.message, "value of this node"));
  CHECK(contains(dht_command::sealed_to_others("").try_, "--reader"));
}

TEST_CASE("dht show: what was not put says what is known of it, and what to do") {
  const auto not_put = [](base::Code why, const std::string& typed) {
    return dht_command::not_put({why, "no"}, *dht_command::parse_key(typed), typed, "--data a");
  };
  const std::string get = "troupe dht get 'my orders' --data a --json";
  CHECK(not_put(base::Code::conflict, "my orders").try_ == get);
  CHECK(not_put(base::Code::conflict, "my orders")
            .outcome.starts_with("no node has confirmed that it stored it; --expect "));
  for (const auto why : {base::Code::no_space, base::Code::refused})
    CHECK(not_put(why, "orders").outcome == "no node has confirmed that it stored it");
  for (const auto why : {base::Code::unknown_outcome, base::Code::timeout}) {
    CHECK(not_put(why, "my orders").try_ == get + " shows the current value");
    CHECK(not_put(why, "/cid").try_.starts_with("again; "));
    CHECK(not_put(why, "/cid").outcome.empty());  // of which the code says that it is not known
  }
  CHECK(contains(not_put(base::Code::no_space, "orders").try_, "another NAME"));
  CHECK(contains(not_put(base::Code::no_space, "/cid").try_, "troupe help file put"));
}

TEST_CASE(
    "dht show: a value that is printed on a terminal ends its line, once, and commands no terminal; in a file it is as "
    "it was put") {
  const auto printed = [](const std::string& value, bool terminal) {
    capnp::MallocMessageBuilder got;
    auto from = got.initRoot<dht::wire::GotValue>();
    from.setValue({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
    std::ostringstream out, err;
    std::istringstream in;
    Console console{out, err, in, terminal, terminal};
    dht_command::print_value(get(""), console, "orders", from.asReader());
    return out.str();
  };
  CHECK(printed("seven", true) == "seven\n");
  CHECK(printed("seven\n", true) == "seven\n");
  CHECK(printed("", true) == "\n");
  CHECK(printed("a\tb\n\nc\x1b[2J", true) == "a\tb\n\nc\\u{1b}[2J\n");
  CHECK(printed("c\x1b[2J", false) == "c\x1b[2J");
  CHECK(printed("seven", false) == "seven");
}

TEST_CASE("dht show: a sealed value is no text in JSON, and whole as digits") {
  capnp::MallocMessageBuilder got, message;
  auto from = got.initRoot<dht::wire::GotValue>();
  const std::string container = "container";
  from.setValue({reinterpret_cast<const std::uint8_t*>(container.data()), container.size()});
  from.setSealed(true);
  auto out = message.initRoot<output::wire::DhtValue>();
  dht_command::write(out, "orders", from.asReader());
  std::ostringstream line;
  write_json_line(line, out.asReader());
  CHECK(contains(line.str(), "\"value\":null,\"valueHex\":\"" + base::hex(base::as_bytes(container)) + '"'));
}

TEST_CASE("dht show: what comes in any order is shown in that of its numbers, as soon as that is known") {
  std::vector<std::size_t> shown;
  dht_command::InOrder<dht::wire::GotOne> in_order(4, [&](std::size_t number, dht::wire::GotOne::Reader one) {
    CHECK(one.getItem() == number);
    shown.push_back(number);
  });
  const auto take = [&](std::uint16_t number) {
    capnp::MallocMessageBuilder message;
    auto one = message.initRoot<dht::wire::GotOne>();
    one.setItem(number);
    in_order.take(number, one.asReader());
  };
  take(1);
  CHECK(shown.empty());
  take(0);
  CHECK(shown == std::vector<std::size_t>{0, 1});
  take(0);
  take(3);
  take(4);
  CHECK(shown.size() == 2);
  in_order.end();
  CHECK(shown == std::vector<std::size_t>{0, 1, 3});
}
