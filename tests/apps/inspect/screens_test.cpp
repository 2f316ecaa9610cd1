// The screens without a terminal: what keys do to the model, and what it draws.
#include <capnp/message.h>
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "apps/inspect/screens/captured.hpp"
#include "apps/inspect/screens/cluster.hpp"
#include "apps/inspect/screens/draw.hpp"
#include "apps/inspect/screens/feed.hpp"
#include "apps/inspect/screens/tables.hpp"
#include "apps/inspect/screens/view_parts.hpp"

using namespace troupe;
using namespace troupe::apps::screens;
using namespace std::chrono_literals;

namespace {

constexpr base::Instant kNow{100s};

ActorRow row_of(std::string path, std::string kind, std::uint64_t mailbox = 0) {
  ActorRow out{
      .path = std::move(path), .kind = std::move(kind), .state = "running", .mailbox = mailbox, .handled = 1'234};
  out.oldest_ms = mailbox > 0 ? 1'500 : 0;
  out.per_second = 12;
  out.busy = 0.25;
  out.p50_us = 16, out.p99_us = 64, out.max_us = 4'096;
  return out;
}

News status(std::string health = "ok") {
  News news;
  news.named = "the local node";
  news.status = Status{.node = "9f3c5a21000000000000000000000000000000aa",
                       .name = "anna",
                       .version = "0.1.0",
                       .listen = "127.0.0.1:4000",
                       .health = std::move(health),
                       .stage = "serving",
                       .uptime_s = 90,
                       .peers = 4,
                       .seats = 2,
                       .actors = 3};
  if (news.status->health != "ok")
    news.status->reasons.push_back({"old-message", "a message waits at /dht for 1500 ms"});
  return news;
}

News list() {
  News news = status();
  news.actors =
      ActorList{.rows = {row_of("/dht", "dht", 7), row_of("/dht/bucket", "bucket"), row_of("/files", "files")},
                .total = 3,
                .matched = 3};
  news.actors->rows[2].state = "stuck";
  return news;
}

Model started(screens::Size size = {100, 16}, bool operate = false) {
  Model model(operate);
  model.resize(size);
  model.tick(kNow);
  model.take(list(), kNow);
  return model;
}

void type(Model& model, const std::string& text) {
  for (const char c : text) model.key({.what = Key::What::character, .text = std::string(1, c)});
}
void press(Model& model, Key::What what) { model.key({.what = what}); }
void command(Model& model, const std::string& text) {
  type(model, ":" + text);
  press(model, Key::What::enter);
}

/// Compares with tests/data/screens/NAME.txt, which TROUPE_GOLDEN=1 writes anew.
void check_golden(const Model& model, const std::string& name, bool ascii = false) {
  const std::string file = TROUPE_SCREENS "/" + name + ".txt", drawn = draw(model, ascii).text();
  if (std::getenv("TROUPE_GOLDEN") != nullptr) std::ofstream(file) << drawn;
  std::ifstream in(file);
  std::ostringstream expected;
  expected << in.rdbuf();
  CHECK_MESSAGE(drawn == expected.str(), name << ":\n" << drawn);
}

Message step(std::string path, std::string kind, std::uint32_t span, std::uint32_t handler, std::uint64_t at_us) {
  Message out{.unix_ms = 1'700'000'000'000 + at_us / 1'000,
              .at_us = at_us,
              .waited_us = 5,
              .took_us = 20,
              .trace = 0xabc,
              .bytes = 40};
  out.span = span, out.handler = handler;
  out.way = "in", out.path = std::move(path), out.kind = std::move(kind), out.form = "message", out.other = "/files";
  out.text = "rows=[{keyspace=\"a b\" key=0102 (2 B)}] flag";
  return out;
}

}  // namespace

TEST_CASE("screens: a terminal of each size shows the same, and drops columns by their worth") {
  Model model = started();
  check_golden(model, "overview-100");
  command(model, "actors");
  check_golden(model, "actors-100");
  model.resize({40, 12});
  check_golden(model, "actors-40");
  model.resize({200, 20});
  check_golden(model, "actors-200");
  check_golden(model, "actors-200-ascii", true);
  model.resize({1, 1});
  CHECK(draw(model).size() == screens::Size{1, 1});
}

TEST_CASE("screens: the tree draws each actor below its parent, and the root first") {
  Model model = started({100, 16});
  News news = status();
  news.actors.emplace();
  for (const char* path : {"/dht", "/dht/bucket", "/dht/bucket/17", "/links", "/node", "/peer/9f3c",
                           "/peer/9f3c/stream", "/raft", "/raft/main"})
    news.actors->rows.push_back(row_of(path, "x"));
  news.actors->total = news.actors->matched = news.actors->rows.size();
  model.take(news, kNow);
  command(model, "tree");
  check_golden(model, "tree-100");
  press(model, Key::What::down);
  type(model, "-");
  CHECK(draw(model).text().find("  + dht (2)") != std::string::npos);
  press(model, Key::What::home);
  type(model, "-");
  const std::string drawn = draw(model).text();
  CHECK(drawn.find("+ node (6)") != std::string::npos);
  CHECK(drawn.find("dht") == std::string::npos);
  CHECK(drawn.find("- peer/9f3c") != std::string::npos);
}

TEST_CASE("screens: the overview shows the CPU, memory and descriptors of the process") {
  Model model = started({100, 30});
  const auto shows = [&](const char* text) { return draw(model).text().find(text) != std::string::npos; };
  CHECK_FALSE(shows("process "));
  News news = list();
  news.actors->process =
      ProcessUse{.cpu_ms = 2'000, .resident_bytes = 70u << 20, .descriptors_open = 45, .descriptors_max = 1'024};
  model.take(news, kNow + 1s);
  CHECK(shows("process     2.0 s of CPU since it started, 70.0 MiB resident, 45 of 1024 descriptors open"));
  news.actors->process->cpu_ms = 3'000;
  model.take(news, kNow + 3s);
  CHECK(shows("process     0.50 cores, 70.0 MiB resident"));
}

TEST_CASE("screens: the busiest actors are those that do something, by messages a second") {
  Model model = started({100, 30});
  News news = list();
  news.actors->rows = {row_of("/quiet", "x"), row_of("/slow", "x"), row_of("/fast", "x"), row_of("/waits", "x", 1)};
  for (ActorRow& row : news.actors->rows) row.busy = row.per_second = 0;
  news.actors->rows[1].busy = 0.5, news.actors->rows[1].per_second = 2;
  news.actors->rows[2].per_second = 55;
  model.take(news, kNow);
  const std::string drawn = draw(model).text();
  const auto at = [&](const char* path) { return drawn.find(path); };
  CHECK(at("/quiet") == std::string::npos);
  CHECK(at("/fast") < at("/slow"));
  CHECK(at("/slow") < at("/waits"));
  REQUIRE(at("/waits") != std::string::npos);
  news.actors->rows.resize(1);
  model.take(news, kNow);
  CHECK(draw(model).text().find("none: no actor has handled a message") != std::string::npos);
}

TEST_CASE("screens: times are in one style, whatever their length") {
  CHECK(time_text_ms(480) == "480 ms");
  CHECK(time_text_ms(4'480) == "4.5 s");
  CHECK(time_text_ms(11'900) == "11 s");
  CHECK(time_text_ms(193'000) == "3 min");
  CHECK(time_text_ms(7'200'000) == "2 h");
  CHECK(time_text_ms(172'800'000) == "2 d");
  CHECK(time_text_us(16) == "16 us");
  CHECK(time_text_us(4'096) == "4.1 ms");
  CHECK(time_text_us(1'500'000) == "1.5 s");
}

TEST_CASE("screens: warnings say what they mean and what to try") {
  Model model = started();
  model.take(status("degraded"), kNow);
  command(model, "warnings");
  check_golden(model, "warnings-100");
}

TEST_CASE("screens: enter goes into the selected row, and escape back to it") {
  Model model = started();
  command(model, "actors");
  press(model, Key::What::down);
  press(model, Key::What::enter);
  CHECK(model.place().view == "actor");
  CHECK(model.place().subject == "/dht/bucket");
  CHECK(model.looks_at() == "/dht/bucket");
  press(model, Key::What::escape);
  CHECK(model.place().view == "actors");
  CHECK(model.place().selected == "/dht/bucket");

  SUBCASE("the selection stays at its row when the list changes") {
    News news = list();
    news.actors->rows.erase(news.actors->rows.begin());
    model.take(news, kNow + 1s);
    press(model, Key::What::enter);
    CHECK(model.place().subject == "/dht/bucket");
  }
}

TEST_CASE("screens: a filter with a mistake stays on the line, with the place of the mistake") {
  Model model = started();
  command(model, "actors");
  type(model, "/mailbox>>1");
  const std::string drawn = draw(model).text();
  CHECK(drawn.find("/mailbox>>1_") != std::string::npos);
  CHECK(drawn.find("the filter") != std::string::npos);
  press(model, Key::What::enter);
  CHECK(model.mode == Model::Mode::filter);
  CHECK(model.filter().empty());
  for (int i = 0; i < 2; ++i) press(model, Key::What::backspace);
  type(model, "0");
  press(model, Key::What::enter);
  CHECK(model.mode == Model::Mode::browse);
  CHECK(model.filter() == "mailbox>0");
}

TEST_CASE("screens: a filter in the overview stays with its mistake, and otherwise lists the actors") {
  Model model = started();
  REQUIRE(model.place().view == "overview");
  type(model, "/mailbox>>1");
  press(model, Key::What::enter);
  CHECK(model.mode == Model::Mode::filter);
  CHECK(draw(model).text().find("the filter") != std::string::npos);
  for (int i = 0; i < 2; ++i) press(model, Key::What::backspace);
  type(model, "0");
  press(model, Key::What::enter);
  CHECK(model.mode == Model::Mode::browse);
  CHECK(model.place().view == "actors");
  CHECK(model.filter() == "mailbox>0");
  press(model, Key::What::escape);
  CHECK(model.place().view == "actors");
  CHECK(model.filter().empty());
  press(model, Key::What::escape);
  CHECK(model.place().view == "overview");
}

TEST_CASE("screens: a plain word filters actors by their path or kind, as an expression does by fields") {
  CHECK(actor_filter("store") == "~store");
  CHECK(actor_filter("/store") == "~/store");
  CHECK(actor_filter(" dht  bucket ") == "~dht ~bucket");
  CHECK(actor_filter("not store") == "not ~store");
  CHECK(actor_filter("store mailbox>1") == "~store mailbox>1");
  for (const char* same : {"", "mailbox > 1", "kind = store", "busy > 50 %", "last error = timeout", "/dht/**", "/d.t/",
                           "path~store", "lastError~\"timed out\"", "mailbox>>1"})
    CHECK_MESSAGE(actor_filter(same) == same, same);
}

TEST_CASE("screens: a filter is in the title, hides rows of every list, and escape clears it") {
  Model model = started({160, 16});
  News news = status("degraded");
  news.links = {{.node = "aa", .address = "10.0.0.1:1", .role = "peer"}, {.node = "bb", .address = "10.0.0.2:1"}};
  news.log = News::LogLines{.first = 0, .lines = {"links: link is up", "store: Full"}};
  model.take(news, kNow);
  const auto drawn = [&] { return draw(model).text(); };
  const auto has = [&](const char* text) { return drawn().find(text) != std::string::npos; };
  const auto filter = [&](const std::string& text) {
    type(model, "/" + text);
    press(model, Key::What::enter);
  };
  SUBCASE("a table") {
    command(model, "links");
    filter("0.1:1 PEER");
    CHECK(has("filter \"0.1:1 PEER\": 1 of 2; 2 links"));
    CHECK(has("10.0.0.1:1"));
    CHECK_FALSE(has("10.0.0.2:1"));
    filter("x");  // after the earlier text
    CHECK(has("the filter \"0.1:1 PEERx\" hides all 2 rows; esc clears it"));
    press(model, Key::What::escape);
    CHECK(model.place().view == "links");
    CHECK(has("10.0.0.2:1"));
    press(model, Key::What::escape);
    CHECK(model.place().view == "overview");
  }
  SUBCASE("a page of text") {
    command(model, "logs");
    filter("full");
    CHECK(has("filter \"full\": 1 of 2"));
    CHECK_FALSE(has("link is up"));
  }
  SUBCASE("warnings, each with its advice") {
    command(model, "warnings");
    filter("dht");
    CHECK(has("means"));
    press(model, Key::What::escape);
    filter("disk");
    CHECK_FALSE(has("means"));
    CHECK(has("hides all 1 warnings; esc clears it"));
  }
  SUBCASE("actors, of which the node chooses") {
    command(model, "actors");
    filter("store");
    CHECK(model.actor_filter() == "~store");
    CHECK(has("filter \"store\""));
    News none = status();
    none.actors = ActorList{.total = 3};
    model.take(none, kNow);
    CHECK(has("the filter \"store\" hides all 3 actors; esc clears it"));
    none.actors = ActorList{.rows = {row_of("/inspect", "inspect")}, .total = 3, .matched = 1};
    model.take(none, kNow);
    CHECK(has("0 of 1 actors that match, 3 in all"));
    CHECK(has("the inspector's own; i shows them"));
  }
}

TEST_CASE("screens: earlier commands and filters come back by up and down, and keys erase a word or the line") {
  Model model = started();
  command(model, "actors");
  command(model, "links");
  command(model, "actors");
  type(model, ":x");
  press(model, Key::What::up);
  CHECK(model.line == "actors");
  press(model, Key::What::up);
  CHECK(model.line == "links");
  press(model, Key::What::up);
  CHECK(model.line == "links");
  press(model, Key::What::down);
  press(model, Key::What::down);
  CHECK(model.line == "x");
  press(model, Key::What::down);
  CHECK(model.line == "x");
  press(model, Key::What::escape);
  type(model, "/a bc d ");
  press(model, Key::What::up);
  CHECK(model.line == "a bc d ");  // filters have a history of their own
  press(model, Key::What::erase_word);
  CHECK(model.line == "a bc ");
  press(model, Key::What::erase_word);
  press(model, Key::What::erase_word);
  press(model, Key::What::erase_word);
  CHECK(model.line.empty());
  CHECK(model.mode == Model::Mode::filter);
  type(model, "abc");
  press(model, Key::What::erase_line);
  CHECK(model.line.empty());
  CHECK(model.mode == Model::Mode::filter);
}

TEST_CASE("screens: acts need --operate, and a yes") {
  Model looks = started();
  command(looks, "kill /dht/bucket");
  CHECK(looks.take_orders().empty());
  CHECK(looks.said.find("--operate") != std::string::npos);

  Model model = started({100, 16}, true);
  command(model, "kill /dht/bucket");
  CHECK(model.take_orders().empty());
  CHECK(model.mode == Model::Mode::confirm);
  SUBCASE("y does it") {
    type(model, "y");
    const auto orders = model.take_orders();
    REQUIRE(orders.size() == 1);
    CHECK(orders.front().what == Order::What::kill);
    CHECK(orders.front().subject == "/dht/bucket");
  }
  SUBCASE("any other key does not") {
    press(model, Key::What::enter);
    CHECK(model.take_orders().empty());
    CHECK(model.said == "nothing was done");
  }
}

TEST_CASE("screens: what a node says meanwhile does not change what is to be confirmed") {
  Model model = started({100, 16}, true);
  command(model, "kill /dht/bucket");
  News news = list();
  news.said = "trace: its time has passed";
  model.take(news, kNow + 1s);
  model.settle();
  const std::string drawn = draw(model).text();
  CHECK(drawn.find("kill /dht/bucket at node anna?") != std::string::npos);
  CHECK(drawn.find("its time has passed") == std::string::npos);
}

TEST_CASE("screens: an actor that has ended is not shown as it was") {
  Model model = started();
  command(model, "actor /dht/bucket");
  News news = status();
  news.look = Look{.row = row_of("/dht/bucket", "bucket")};
  model.take(news, kNow);
  CHECK(draw(model).text().find("state       running") != std::string::npos);
  News gone = status();
  gone.look_error = "the actor has ended 1 s ago";
  model.take(gone, kNow + 1s);
  const std::string drawn = draw(model).text();
  CHECK(drawn.find("has ended 1 s ago") != std::string::npos);
  CHECK(drawn.find("state       running") == std::string::npos);
}

TEST_CASE("screens: of one actor it is shown who watches it, and enter goes there") {
  Model model = started({100, 30});
  command(model, "actor /dht/bucket");
  News news = status();
  news.look = Look{.row = row_of("/dht/bucket", "bucket"), .watchers_in_all = 120};
  news.look->watchers = {"/dht", "/peer/9f3c5a21"};
  model.take(news, kNow);
  const std::string drawn = draw(model).text();
  CHECK(drawn.find("Its end is watched by 120") != std::string::npos);
  CHECK(drawn.find("/peer/9f3c5a21") != std::string::npos);
  press(model, Key::What::end);
  press(model, Key::What::enter);
  CHECK(model.place().subject == "/peer/9f3c5a21");
}

TEST_CASE("screens: a view that needs a subject says so, or takes the row that is selected") {
  Model model = started();
  command(model, "file");
  CHECK(draw(model).text().find(":file needs the CID of a file") != std::string::npos);
  command(model, "actor");
  CHECK(draw(model).text().find(":actor needs the path of an actor") != std::string::npos);
  command(model, "actors");
  press(model, Key::What::down);
  command(model, "actor");
  CHECK(model.place().view == "actor");
  CHECK(model.place().subject == "/dht/bucket");
}

TEST_CASE("screens: messages and flows of a pattern start a trace, and show only what it brings") {
  Model model = started({160, 16});
  model.take_orders();
  const auto bring = [&](const Order& order, std::string path) {
    News news;
    news.messages = {step(std::move(path), "files.PutFile", 0, 1, 1'000)};
    news.messages.front().order = order.number;
    model.take(news, kNow);
  };
  const auto ordered = [&] {
    const auto orders = model.take_orders();
    REQUIRE(orders.size() == 1);
    return orders.front();
  };
  command(model, "messages /files");
  const Order files = ordered();
  CHECK(files.what == Order::What::trace);
  CHECK(files.subject == "/files");
  bring(files, "/files");
  CHECK(draw(model).text().find("1 messages of /files, latest first; tracing") != std::string::npos);

  SUBCASE("a second pattern begins with an empty list, and takes nothing from the first trace") {
    command(model, "messages kind=dht");
    const Order dht = ordered();
    CHECK(dht.subject == "kind=dht");
    CHECK(draw(model).text().find("0 messages of kind=dht") != std::string::npos);
    bring(files, "/files");
    CHECK(draw(model).text().find("0 messages of kind=dht") != std::string::npos);
    bring(dht, "/dht");
    CHECK(draw(model).text().find("1 messages of kind=dht") != std::string::npos);
    model.messages_dropped = 3;
    press(model, Key::What::escape);
    model.take_orders();
    type(model, "s");
    CHECK(ordered().subject == "/files");
  }
  SUBCASE("flows of a pattern, and of all actors") {
    command(model, "flows /dht/**");
    const Order flows = ordered();
    CHECK(flows.what == Order::What::flows);
    CHECK(flows.subject == "/dht/**");
    const std::string drawn = draw(model).text();
    CHECK(drawn.find("one-second sample of /dht/**, in progress") != std::string::npos);
    CHECK(drawn.find("nothing to show") != std::string::npos);
    command(model, "flows");
    CHECK(ordered().subject == "/**");
    type(model, "s");
    CHECK(ordered().subject == "/**");
  }
  SUBCASE("without a pattern it is the selected actor, or the line says what to type") {
    command(model, "messages");
    CHECK(model.take_orders().empty());
    CHECK(model.said.find(":messages needs a pattern") != std::string::npos);
    command(model, "actors");
    press(model, Key::What::down);
    command(model, "messages");
    CHECK(ordered().subject == "/dht/bucket");
  }
  SUBCASE("a mistake in the pattern is named, and nothing is traced") {
    command(model, "messages mailbox>>1");
    CHECK(model.take_orders().empty());
    CHECK(model.said.find("the pattern") != std::string::npos);
    CHECK(model.place().subject == "/files");
  }
}

TEST_CASE("screens: a file that the node does not list is never said to have no copies") {
  const std::string cid(64, 'a');
  Model model = started({160, 16});
  command(model, "file " + cid);
  News news = status();
  news.file = FileMap{.cid = cid, .parts = {{.cid = cid, .manifest = true}, {.cid = std::string(64, 'b'), .bytes = 9}}};
  const auto drawn = [&] {
    model.take(news, kNow);
    return draw(model).text();
  };
  CHECK(drawn().find("this node does not list the file; the DHT did not respond; 2 parts were found") !=
        std::string::npos);
  news.file->providers.emplace();
  CHECK(drawn().find("the DHT knows no node that provides it") != std::string::npos);
  CHECK(drawn().find("0 nodes") == std::string::npos);
  news.file->providers = {std::string(40, 'c')};
  CHECK(drawn().find("1 nodes provide it") != std::string::npos);
  CHECK(drawn().find(std::string(40, 'c')) != std::string::npos);
  news.file->error = "no node that was asked has it";
  news.file->parts.clear();
  CHECK(drawn().find("no node that was asked has it; this node does not list the file") != std::string::npos);
  news.file = FileMap{.cid = cid, .listed = true, .parts = {{.cid = cid, .holders = {"x"}}}};
  CHECK(drawn().find("1 parts at 1 nodes, each at 1 or more") != std::string::npos);
}

TEST_CASE("screens: a group is shown with its leader, quorum and members, and why it has no leader") {
  capnp::MallocMessageBuilder message;
  auto group = message.initRoot<raft::wire::GroupStatus>();
  const auto id = [](char of) { return std::string(20, of); };
  const auto data_of = [](const std::string& bytes) {
    return kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size());
  };
  group.setGroup("main");
  group.setNode(data_of(id('\x0a')));
  group.setTerm(7);
  group.setCommit(100);
  group.setApplied(98);
  group.setLast(101);
  auto members = group.initMembers(3);
  for (unsigned i = 0; i < members.size(); ++i) {
    members[i].initMember().setNode(data_of(id(static_cast<char>(0x0a + i))));
    members[i].setAddress("127.0.0.1:" + std::to_string(4'000 + i));
    members[i].setKind("voter");
    members[i].setState("unknown");
  }
  const auto hex_of = [](char digit) {
    std::string out;
    for (int i = 0; i < 20; ++i) out += {'0', digit};
    return out;
  };
  const auto rows = [&](const std::set<std::string>& linked) {
    TableRows out;
    add_group(out, group.asReader(), linked);
    return out.rows;
  };
  const auto why = [&](const std::set<std::string>& linked) { return rows(linked).front().cells.back(); };

  SUBCASE("the leader knows how far each member is, and which is silent") {
    group.setRole("leader");
    group.setLeader(data_of(id('\x0a')));
    for (unsigned i = 1; i < members.size(); ++i) {
      members[i].setState("replicate");
      members[i].setMatch(100 - i);
      members[i].setLagMs(i == 1 ? 40 : 9'000);
    }
    const auto shown = rows({});
    REQUIRE(shown.size() == 4);
    CHECK(shown[0].cells == std::vector<std::string>{"main", "leader", "7", "100", "2", "",
                                                     "leader this node; 2 of 3 voters respond, 2 are needed; silent: "
                                                     "0c0c0c0c…"});
    CHECK(shown[0].style == Style::warn);
    CHECK(shown[2].cells ==
          std::vector<std::string>{"  0b0b0b0b…", "replicate", "", "99", "2", "40 ms ago", "voter, 127.0.0.1:4001"});
    CHECK(shown[3].style == Style::warn);
    group.setAsleep(true);
    CHECK(why({}).find("3 of 3 voters respond") != std::string::npos);
    group.setAsleep(false);
    members[1].setLagMs(9'000);
    CHECK(rows({}).front().style == Style::bad);
  }
  SUBCASE("without a leader it says which voters are missing, and how many are needed") {
    group.setRole("candidate");
    CHECK(why({}) == "no leader: 1 of 3 voters are linked to this node, 2 are needed; missing: 0b0b0b0b…, 0c0c0c0c…");
    CHECK(rows({}).front().style == Style::bad);
    CHECK(rows({})[2].cells[5] == "-");
    CHECK(why({hex_of('b')}).starts_with("no leader: 2 of 3 voters"));
  }
  SUBCASE("without a leader it counts the voters that answer") {
    group.setRole("candidate");
    group.setReason("it has no leader; 2 of 3 voters respond, 2 are needed");
    members[1].setState("answers");
    members[2].setState("silent");
    members[2].setLagMs(9'000);
    CHECK(why({}) == "no leader: 2 of 3 voters respond, 2 are needed; silent: 0c0c0c0c…");
    CHECK(rows({})[3].cells == std::vector<std::string>{"  0c0c0c0c…", "silent", "", "-", "-", "9.0 s ago",
                                                        "voter, 127.0.0.1:4002, silent"});
  }
  SUBCASE("a follower names the leader, which knows the rest") {
    group.setRole("follower");
    group.setLeader(data_of(id('\x0b')));
    const std::string text = why({hex_of('b'), hex_of('c')});
    CHECK(text.find("leader 0b0b0b0b…; 3 of 3") != std::string::npos);
    CHECK(text.find("only the leader knows the lag") != std::string::npos);
    group.setReason("it is damaged");
    CHECK(why({}).find("it does not serve: it is damaged") != std::string::npos);
    CHECK(rows({}).front().style == Style::bad);
  }
}

TEST_CASE("screens: only the shown table of a domain is asked for, and enter opens what its row names") {
  Model model = started({120, 12});
  command(model, "groups");
  CHECK(model.wants() == Wants{.screen = "groups"});
  CHECK(draw(model).text().find("requesting it") != std::string::npos);
  News news = status();
  news.table_rows = TableRows{.table = "groups", .title = "1 groups"};
  news.table_rows->rows = {
      {.cells = {"main", "leader", "7", "100", "0", "", "leader this node; 2 of 2 voters respond, 2 are needed"},
       .style = Style::good},
      {.cells = {"  0a0a0a0a…", "leader", "", "101", "-", "-", "voter, 127.0.0.1:4000, this node"}},
      {.cells = {"  0b0b0b0b…", "replicate", "", "99", "2", "40 ms ago", "voter, 127.0.0.1:4001"}}};
  model.take(news, kNow);
  check_golden(model, "groups-120");

  SUBCASE("another subject is another question") {
    command(model, "kv main orders/");
    CHECK(model.table_subject() == "main orders/");
    news.table_rows = TableRows{.table = "kv", .subject = "main", .title = "of another prefix"};
    model.take(news, kNow);
    CHECK(draw(model).text().find("requesting it") != std::string::npos);
    news.table_rows->subject = "main orders/";
    news.table_rows->error = "the group main cannot be read here";
    model.take(news, kNow);
    CHECK(draw(model).text().find("the group main cannot be read here") != std::string::npos);
  }
  SUBCASE("enter on a file opens it, and on other rows shows them in full") {
    press(model, Key::What::enter);
    CHECK(model.place().view == "row");
    command(model, "files");
    news.table_rows = TableRows{.table = "files"};
    news.table_rows->rows = {{.cells = {"a", "1 B", "1", "1 of 1", "no", "-", "cid"}, .key = "cid"}};
    model.take(news, kNow);
    press(model, Key::What::enter);
    CHECK(model.place().view == "file");
    CHECK(model.place().subject == "cid");
  }
}

TEST_CASE("screens: each table of a domain has a name of its own, and as many cells as columns") {
  std::set<std::string_view> names;
  for (const View& view : views()) CHECK_MESSAGE(names.insert(view.name).second, view.name);
  for (const TableScreen& table : table_screens()) CHECK_MESSAGE(names.contains(table.name), table.name);
}

TEST_CASE("screens: an open message stays what it is while older ones are dropped") {
  Model model = started();
  model.open("messages", "/files");
  News news;
  for (std::size_t i = 0; i < kMessagesMax; ++i) news.messages.push_back(step("/files", "files.PutFile", 0, 1, i));
  news.messages.back().kind = "files.Marked";
  model.take(news, kNow);
  press(model, Key::What::enter);  // the latest
  CHECK(draw(model).text().find("files.Marked") != std::string::npos);
  News more;
  for (std::size_t i = 0; i < 100; ++i) more.messages.push_back(step("/dht", "dht.Store", 0, 1, i));
  model.take(more, kNow);
  CHECK(draw(model).text().find("files.Marked") != std::string::npos);
  News all;
  for (std::size_t i = 0; i < kMessagesMax; ++i) all.messages.push_back(step("/dht", "dht.Store", 0, 1, i));
  model.take(all, kNow);
  CHECK(draw(model).text().find("no longer kept") != std::string::npos);
}

TEST_CASE("screens: each list has a filter of its own") {
  Model model = started();
  command(model, "links");
  type(model, "/10.0.0.1");
  press(model, Key::What::enter);
  command(model, "actors");
  CHECK(model.filter().empty());
  press(model, Key::What::escape);
  CHECK(model.filter() == "10.0.0.1");
}

TEST_CASE("screens: space pauses the screen, which then asks for nothing and keeps what it shows") {
  Model model = started();
  command(model, "actors");
  CHECK(model.wants().actors);
  type(model, " ");
  CHECK_FALSE(model.wants().actors);
  News news = list();
  news.actors->rows.clear();
  model.take(news, kNow + 1s);
  CHECK(model.shown().actors.rows.size() == 3);
  type(model, " ");
  model.take(news, kNow + 2s);
  CHECK(model.shown().actors.rows.empty());
}

TEST_CASE("screens: left and right choose the column to sort by") {
  Model model = started({200, 16});
  command(model, "actors");
  press(model, Key::What::right);
  CHECK(model.top == "kind");
  press(model, Key::What::left);
  press(model, Key::What::left);
  CHECK(model.top == "lastError");
}

TEST_CASE("screens: the sorted column is marked, r reverses it, and hidden columns are passed over") {
  Model model = started();
  command(model, "actors");
  const auto has = [&](const char* text) { return draw(model).text().find(text) != std::string::npos; };
  CHECK(has("PATH ▲"));
  type(model, "r");
  CHECK(model.reversed);
  CHECK(has("PATH ▼"));
  REQUIRE(draw(model).text().find("KIND") == std::string::npos);
  press(model, Key::What::right);
  CHECK(model.top == "state");
  CHECK_FALSE(model.reversed);
  press(model, Key::What::right);
  CHECK(has("MAILBOX ▼"));
  CHECK(draw(model, true).text().find("MAILBOX v") != std::string::npos);
  type(model, "r");
  CHECK(has("MAILBOX ▲"));
}

TEST_CASE("screens: a lost node is one line that says since when, and a stale screen says how old it is") {
  Model model = started();
  model.tick(kNow + 5s);
  CHECK(draw(model).text().find("5 s old") != std::string::npos);
  News lost;
  lost.lost = "the node cannot be reached";
  model.take(lost, kNow + 6s);
  model.tick(kNow + 20s);
  CHECK(draw(model).text().find("lost 14 s ago") != std::string::npos);
  command(model, "nodes");
  CHECK(draw(model).text().find("the node cannot be reached") != std::string::npos);
  model.take(list(), kNow + 21s);
  CHECK(draw(model).text().find("lost") == std::string::npos);
}

TEST_CASE("screens: a trace is a tree of steps with its longest path") {
  Model model = started({120, 16});
  command(model, "follow abc");
  CHECK(model.take_orders().front().what == Order::What::follow);
  News news;
  news.messages = {step("/files", "files.PutFile", 0, 1, 1'000), step("/files/put-1", "files.PutFile", 1, 2, 2'000),
                   step("/files/store", "store.Commit", 2, 3, 3'000),
                   step("/files/places", "files.FindPlaces", 2, 4, 2'500)};
  model.take(news, kNow);
  check_golden(model, "follow-120");

  SUBCASE("from a message to its cause, and to what it caused") {
    press(model, Key::What::down);
    press(model, Key::What::enter);
    CHECK(model.place().view == "message");
    check_golden(model, "message-120");
    type(model, "c");
    CHECK(model.place().subject == "0");
    type(model, "c");
    CHECK(model.said.find("cause") != std::string::npos);
  }
}

TEST_CASE("screens: what is kept of messages is bounded, and what was dropped is counted") {
  Model model = started();
  News news;
  for (std::size_t i = 0; i < kMessagesMax + 10; ++i) news.messages.push_back(step("/files", "files.PutFile", 0, 1, i));
  model.take(news, kNow);
  CHECK(model.messages.size() == kMessagesMax);
  CHECK(model.messages_dropped == 10);
}

TEST_CASE("screens: a long line is wrapped at blanks, and stays safe") {
  CHECK(wrapped("short", 20) == std::vector<std::string>{"short"});
  CHECK(wrapped("  one two three four five six", 20) ==
        std::vector<std::string>{"  one two three four", "    five six"});
  CHECK(wrapped(std::string(45, 'x'), 20) ==
        std::vector<std::string>{std::string(20, 'x'), "  " + std::string(18, 'x'), "  " + std::string(7, 'x')});
  CHECK(wrapped("日本日本日本日本日本日本", 20).front() == "日本日本日本日本日本");
  CHECK(wrapped(std::string(45, 'x'), 10).size() == 1);
  for (const std::string& line : wrapped(std::string(30, '\x1b'), 24)) CHECK(line.find('\x1b') == std::string::npos);
  CHECK(without("abcdef", 2) == "cdef");
  CHECK(without("日x", 1) == " x");
  CHECK(without("ab", 7).find_first_not_of(' ') == std::string::npos);
}

TEST_CASE("screens: a line of the log is shown whole by enter, and scrolls sideways") {
  Model model = started({60, 16});
  News news = status();
  const std::string line =
      "12:00:00 warn peers: the link to a node was lost node=9f3c why=\"the disk of the other is full\"";
  news.log = News::LogLines{.first = 0, .lines = {line}};
  model.take(news, kNow);
  command(model, "logs");
  const auto has = [&](const char* text) { return draw(model).text().find(text) != std::string::npos; };
  CHECK_FALSE(has("is full"));
  press(model, Key::What::right);
  press(model, Key::What::right);
  press(model, Key::What::right);
  CHECK(has("of the other is full"));
  CHECK_FALSE(has("12:00:00"));
  press(model, Key::What::left);
  press(model, Key::What::left);
  CHECK(has("12:00:00"));
  press(model, Key::What::enter);
  CHECK(model.place().view == "row");
  CHECK(has("12:00:00 warn"));
  CHECK(has("is full"));
  press(model, Key::What::escape);
  CHECK(model.place().view == "logs");
}

TEST_CASE("screens: a row of a table is shown whole by enter, and a table scrolls sideways") {
  Model model = started({60, 16});
  News news = status();
  news.links = {{.node = std::string(40, 'a'), .address = "10.0.0.1:4000", .role = "operate", .sent = 7'000}};
  model.take(news, kNow);
  command(model, "links");
  const auto has = [&](const std::string& text) { return draw(model).text().find(text) != std::string::npos; };
  CHECK_FALSE(has("RECEIVED"));
  press(model, Key::What::right);
  press(model, Key::What::right);
  CHECK(has("RECEIVED"));
  press(model, Key::What::enter);
  CHECK(has("NODE        " + std::string(40, 'a')));
  CHECK(has("RECEIVED    0 B"));
}

TEST_CASE("screens: a lost node is listed with its reason first, and hides no column of other nodes") {
  Model model = started({120, 16});
  const std::string name = std::string(40, 'c') + "@127.0.0.1:46503";
  News lost{.node = 1};
  lost.named = name;
  lost.lost = "the node " + name + " cannot be reached: Connection refused; try: troupe status, at that node";
  model.take(lost, kNow);
  command(model, "nodes");
  const auto has = [&](const std::string& text) { return draw(model).text().find(text) != std::string::npos; };
  for (const char* column : {"STAGE", "ACTORS", "PEERS", "SEATS", "UP", "VERSION"}) CHECK_MESSAGE(has(column), column);
  CHECK(has("cccccccc…  127.0.0.1:46503  lost"));
  CHECK(has("Connection refused; try"));
  CHECK_FALSE(has("cannot be reached"));
  lost.lost = "the node " + name + " responds, but does not accept this key: refused";
  model.take(lost, kNow);
  CHECK(has("refuses"));
}

TEST_CASE("screens: a long notice takes as many lines as it needs") {
  Model model = started({60, 16});
  model.say("the first words of a notice that is much longer than a screen of sixty columns, up to its reason");
  const std::string drawn = draw(model).text();
  CHECK(drawn.find("the first words") != std::string::npos);
  CHECK(drawn.find("its reason") != std::string::npos);
}

TEST_CASE("screens: fields of a message stand a line each, nested ones further in") {
  CHECK(fields_of("a=1 b=\"x y}\" rows=[{k=0a (1 B) v={p=2}} …+3] empty=[] c") ==
        std::vector<std::string>{"a=1", "b=\"x y}\"", "rows=[", "  {", "    k=0a (1 B)", "    v={", "      p=2",
                                 "    }", "  }", "  …+3", "]", "empty=[]", "c"});
  CHECK(fields_of("").empty());
  CHECK_NOTHROW((void)fields_of("}}]]((\"\\"));
}

TEST_CASE("screens: no text of a node reaches the grid raw, and wide characters take two cells") {
  Grid grid({20, 2});
  grid.put(0, 0, "a\x1b[31mb\n\xff");
  CHECK(grid.text().find('\x1b') == std::string::npos);
  CHECK(grid.put(0, 1, "日本x") == 5);
  CHECK(grid.at(0, 1).text == "日");
  CHECK(grid.at(1, 1).text.empty());
  CHECK(grid.at(4, 1).text == "x");
  Grid narrow({3, 1});
  CHECK(narrow.put(0, 0, "日本x") == 3);
  CHECK(narrow.at(2, 0).text == "…");
}

TEST_CASE("screens: a view is found by its beginning, and a wrong name is told the nearest") {
  Model model = started();
  type(model, ":warn");
  press(model, Key::What::tab);
  CHECK(model.line == "warnings");
  press(model, Key::What::enter);
  CHECK(model.place().view == "warnings");
  command(model, "actros");
  CHECK(model.said.find(":actors") != std::string::npos);
}

TEST_CASE("screens: of a world a view that only live nodes have is refused, however it is come to") {
  Model model = started();
  model.time.emplace();
  command(model, "tree");
  type(model, "\t");
  CHECK(model.place().view == "tree");
  CHECK(model.said.find("live nodes") != std::string::npos);
  press(model, Key::What::down);
  press(model, Key::What::enter);
  REQUIRE(model.place().view == "actor");
  type(model, "m");
  CHECK(model.place().view == "actor");
  for (const char* view :
       {"peers", "links", "dead", "buckets", "flows", "follow abc", "messages", "file abc", "groups", "kv"}) {
    command(model, view);
    CHECK(model.place().view == "actor");
    CHECK(model.said.find("live nodes") != std::string::npos);
  }
  model.take_orders();
  type(model, "K");
  CHECK(model.take_orders().empty());
  CHECK(model.said.find("use :cut") != std::string::npos);
  command(model, "cut n1 n2");
  CHECK(model.take_orders().front().subject == "cut n1 n2");
}

TEST_CASE("screens: in a world the last line and the suggestions have the keys and words of worlds alone") {
  Model model = started();
  command(model, "actors");
  CHECK(draw(model).text().find("m messages") != std::string::npos);
  command(model, "cutt n1 n2");
  CHECK(model.said.find(":cut?") == std::string::npos);
  model.time.emplace();
  CHECK(draw(model).text().find("m messages") == std::string::npos);
  command(model, "cutt n1 n2");
  CHECK(model.said.find(":cut?") != std::string::npos);
  type(model, ":dr");
  press(model, Key::What::tab);
  CHECK(model.line == "dr");  // drain is of live nodes
  press(model, Key::What::escape);
  model.time->event = model.time->events = 7;
  type(model, " ");
  CHECK_FALSE(model.time->playing);
  CHECK(model.said.find("the end of the run") != std::string::npos);
}

TEST_CASE("screens: from a line of the overview enter leads to the actors, the busiest first") {
  Model model = started();
  press(model, Key::What::enter);
  CHECK(model.place().view == "actors");
  CHECK(model.top == "perSecond");
  press(model, Key::What::escape);
  model.top = "mailbox";
  press(model, Key::What::enter);
  CHECK(model.top == "mailbox");
}

TEST_CASE("screens: a followed trace says which part of it is missing") {
  Model model = started();
  News lost;
  lost.node = 1;
  lost.lost = "it does not take this key";
  model.take(lost, kNow);
  command(model, "follow abc");
  CHECK(draw(model).text().find("without 1 lost nodes of 2") != std::string::npos);
}

TEST_CASE("screens: d compares an actor with itself at another instant, or with the one of another node") {
  Model model = started();
  command(model, "actor /dht");
  const auto look = [&](std::size_t node, std::string state) {
    News news = status();
    news.node = node;
    news.look = Look{.row = row_of("/dht", "dht"), .state_kind = "dht.DhtState", .state = std::move(state)};
    model.take(news, kNow);
  };
  look(0, "a=1 b=2");
  type(model, "d");
  look(0, "a=1 b=3");
  look(0, "a=1 b=3");  // the last look was the same; the mark was not
  std::string drawn = draw(model).text();
  CHECK(drawn.find("* b=3") != std::string::npos);
  CHECK(drawn.find("- b=2") != std::string::npos);
  CHECK(drawn.find("* a=1") == std::string::npos);
  CHECK(drawn.find("differ from anna as it was") != std::string::npos);
  look(1, "a=7 b=2");
  type(model, "2");
  drawn = draw(model).text();
  CHECK(drawn.find("* a=7") != std::string::npos);
  CHECK(drawn.find("* b=2") == std::string::npos);
  type(model, "d");
  CHECK(draw(model).text().find("* a=7") == std::string::npos);
}

TEST_CASE("screens: a capture of a live node is what the screens know of it, as JSON") {
  Model model = started();
  News news = status("degraded");
  news.look = Look{.row = row_of("/dht/bucket", "bucket"), .state_kind = "dht.BucketState", .state = "range=7"};
  news.messages.push_back(step("/files", "files.PutFile", 0, 1, 1'000));
  model.take(news, kNow);
  const std::string json = captured(model);
  for (const char* part : {R"("name":"anna")", R"("health":"degraded")", R"("path":"/dht","kind":"dht")",
                           R"("shows":"dht.BucketState range=7")", R"("at":"2023-11-14T22:13:20.001Z")",
                           R"("reasons":["old-message: a message waits at /dht for 1500 ms"])"})
    CHECK_MESSAGE(json.find(part) != std::string::npos, part << " in " << json);
  CHECK(captured(Model{}).find(R"("node":null)") != std::string::npos);
  CHECK(capture_file("", model) == "anna.capture");
  CHECK(capture_file("x", model) == "x");
  news.status->name = "../../etc/\x1b passwd";
  model.take(news, kNow);
  CHECK(capture_file("", model) == "etcpasswd.capture");
  command(model, "capture");
  CHECK(model.take_orders().front().what == Order::What::capture);
}

TEST_CASE("screens: a cluster has each node once, whichever says so first") {
  const std::string one(40, '1'), two(40, '2'), three(40, '3');
  const auto peers_of = [&](std::size_t node, std::vector<std::string> ids) {
    News news{.node = node};
    news.peers.emplace();
    for (const std::string& id : ids)
      news.peers->push_back({.node = id, .address = "127.0.0.1:4000", .state = "linked"});
    return news;
  };
  Cluster cluster(true);
  cluster.name(two);
  CHECK(cluster.note(peers_of(1, {one, three})).empty());  // `one` may be the local node
  News local = peers_of(0, {two, three});
  local.status = Status{.node = one};
  const auto added = cluster.note(local);
  REQUIRE(added.size() == 1);
  CHECK(added.front().id.hex() == three);
  CHECK(cluster.note(peers_of(1, {one, two, three})).empty());
  CHECK(cluster.note(peers_of(2, {"no id", std::string(40, 'x')})).empty());
}

TEST_CASE("screens: a node that refuses this key is asked ever less often, up to once a minute") {
  CHECK(retry_delay(0) == 2s);
  CHECK(retry_delay(1) == 2s);
  CHECK(retry_delay(2) == 4s);
  CHECK(retry_delay(5) == 32s);
  CHECK(retry_delay(6) == 60s);
  CHECK(retry_delay(~0u) == 60s);
}

TEST_CASE("screens: every view draws without data, whatever keys come") {
  for (const View& view : views()) {
    Model model;
    model.resize({80, 24});
    model.open(std::string(view.name), "/x");
    CHECK_NOTHROW((void)draw(model));
    for (const char* key :
         {"m", "c", "f", "e", "x", "-", "\t", "s", "p", "r", "K", "y", "t", "i", "j", "G", "g", "?"}) {
      model.key({.what = Key::What::character, .text = key});
      CHECK_NOTHROW((void)draw(model, true));
    }
    for (int what = 0; what <= static_cast<int>(Key::What::click); ++what) {
      model.key({.what = static_cast<Key::What>(what), .row = 3});
      CHECK_NOTHROW((void)draw(model));
    }
  }
}
