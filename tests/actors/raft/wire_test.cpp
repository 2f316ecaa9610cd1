// What members and clients say, there and back.
#include "actors/raft/wire.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include <string>

#include "actors/raft/group_row.hpp"
#include "actors/raft/kv_words.hpp"
#include "runtime/base/random.hpp"

namespace troupe::raft {
namespace {

MemberId drawn_member(base::Random& random) {
  MemberId out;
  for (auto& byte : out.node.bytes) byte = static_cast<std::uint8_t>(random.next());
  out.incarnation = random.next();
  return out;
}

Body drawn_body(base::Random& random, int which) {
  const auto number = [&] { return random.next() >> 3; };
  switch (which) {
    case 0: return VoteRequest{static_cast<Campaign>(random.below(3)), Index{number()}, Term{number()}};
    case 1: return VoteReply{random.chance(1, 2), random.chance(1, 2)};
    case 2: {
      Append out{Index{random.below(1u << 30)}, Term{number()}, Index{number()}, number(), {}};
      for (std::uint64_t i = 0; i < random.below(4); ++i)
        out.entries.push_back(
            {.index = out.previous + 1 + i,
             .term = Term{number()},
             .kind = static_cast<EntryKind>(random.below(3)),
             .data = random.chance(1, 4) ? nullptr : std::make_shared<const base::Bytes>(1 + random.below(40))});
      return out;
    }
    case 3: return AppendReply{random.chance(1, 2), Index{number()}, Index{number()}, Term{number()}, number()};
    case 4:
      return Heartbeat{Index{number()}, Round{number()}, number(), std::chrono::milliseconds(random.below(60'000))};
    case 5: return HeartbeatReply{Round{number()}, Index{number()}, base::Duration{-5}, number(), number() % 2 == 1};
    case 6: {
      Snapshot snapshot{.index = Index{number()}, .term = Term{number()}, .bytes = number()};
      snapshot.configuration.seats[drawn_member(random)] = {.voter = true, .address = {{}, 80}};
      snapshot.digest.bytes[3] = 7;
      return InstallSnapshot{snapshot, number()};
    }
    case 7: return TimeoutNow{};
    case 8: return ReadRequest{ReadId{number()}};
    case 9: return Wake{};
    case 10: return Commit{Index{number()}};
    default: return ReadReply{ReadId{number()}, Index{number()}};
  }
}

TEST_CASE("raft wire: each message of a member is read as it was written") {
  base::Random random(3);
  for (int round = 0; round < 300; ++round) {
    const Message message{drawn_member(random), drawn_member(random), Epoch{random.below(9)}, Term{random.next() >> 3},
                          drawn_body(random, round % 12)};
    capnp::MallocMessageBuilder words, again;
    write(words.initRoot<wire::Talk>(), message);
    const auto read_back = read(words.getRoot<wire::Talk>().asReader());
    REQUIRE(read_back);
    CHECK(read_back->from == message.from);
    CHECK(read_back->to == message.to);
    CHECK(read_back->body.index() == message.body.index());
    write(again.initRoot<wire::Talk>(), *read_back);
    const auto text = [](capnp::MallocMessageBuilder& of) {
      return std::string(kj::str(of.getRoot<wire::Talk>().asReader()).cStr());
    };
    CHECK(text(words) == text(again));
  }
}

TEST_CASE("raft wire: what is out of its bounds is not read") {
  capnp::MallocMessageBuilder words;
  auto talk = words.initRoot<wire::Talk>();
  CHECK_FALSE(read(talk.asReader()));  // no members
  write(talk.initFrom(), MemberId{});
  write(talk.initTo(), MemberId{});
  auto ask = talk.getBody().initVoteRequest();
  ask.setCampaign(3);
  CHECK_FALSE(read(talk.asReader()));
  auto append = talk.getBody().initAppend();
  append.initEntries(1)[0].setKind(3);
  CHECK_FALSE(read(talk.asReader()));
  append.initEntries(kAppendEntriesMax + 1);
  CHECK_FALSE(read(talk.asReader()));
  append.initEntries(1);
  append.setPrevious(~std::uint64_t{0});
  CHECK_FALSE(read(talk.asReader()));
  talk.getBody().initInstallSnapshot().initSnapshot().initConfiguration(5);
  CHECK_FALSE(read(talk.asReader()));
}

TEST_CASE("raft wire: a command of a client is read as it was written, and nothing beyond its limits") {
  kv::Txn txn;
  txn.conditions = {{.key = "a"}, {.key = "b", .kind = kv::Condition::Kind::revision, .revision = {4}}};
  txn.operations = {{.kind = kv::Operation::Kind::put,
                     .key = "a",
                     .value = std::make_shared<const base::Bytes>(3, std::uint8_t{1}),
                     .lease = {9}},
                    {.kind = kv::Operation::Kind::remove, .key = "b"},
                    {.key = "c"}};
  for (const kv::Command& command :
       {kv::Command{.request = "r", .what = txn}, kv::Command{.what = kv::GrantLease{.id = {}, .ttl_ms = 5}},
        kv::Command{.what = kv::DropLease{{7}}}}) {
    capnp::MallocMessageBuilder words;
    write(words.initRoot<wire::Execute>(), command);
    const auto read_back = read_command(words.getRoot<wire::Execute>().asReader());
    REQUIRE(read_back.ok());
    CHECK(kv::encode(read_back.value()) == kv::encode(command));
  }
  const auto refuses = [](auto fill) {
    capnp::MallocMessageBuilder words;
    auto ask = words.initRoot<wire::Execute>();
    fill(ask);
    return !read_command(ask.asReader()).ok();
  };
  const std::string key(1'025, 'k'), fits(1'024, 'k');
  const auto with_key = [](const std::string& name) {
    return [&](wire::Execute::Builder ask) {
      ask.initWhat().initTxn().initOperations(1)[0].setKey(data_of(base::as_bytes(name)));
    };
  };
  CHECK(refuses(with_key(key)));
  CHECK(refuses(with_key("")));
  CHECK_FALSE(refuses(with_key(fits)));
  CHECK(refuses([](wire::Execute::Builder ask) { ask.setRequest(std::string(65, 'r')); }));
  CHECK(refuses([](wire::Execute::Builder ask) { ask.initWhat().initTxn().initOperations(1'025); }));
  CHECK(refuses([](wire::Execute::Builder ask) {
    auto one = ask.initWhat().initTxn().initOperations(1)[0];
    one.setKey(data_of(base::as_bytes(std::string("k"))));
    one.initPut(kv::kValueBytesMax + 1);
  }));
  CHECK(refuses([](wire::Execute::Builder ask) { ask.initWhat().setGrantMs(0); }));
}

TEST_CASE("raft rows: a group's row is read as it was written, and refused with any byte less") {
  Configuration members;
  members.seats[{*base::NodeId::from_hex(std::string(40, '1')), 5}] = {.voter = true};
  for (const GroupRow& row : {GroupRow{.incarnation = 5}, GroupRow{.incarnation = 6, .epoch = Epoch{2}, .member = true},
                              GroupRow{.incarnation = 7, .member = true, .founding = members},
                              GroupRow{.incarnation = 8, .lost = 7, .known = members}}) {
    const base::Bytes bytes = encode(row);
    CHECK(decode_group_row(bytes) == row);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
      CHECK_FALSE(decode_group_row(base::ByteView(bytes).first(cut)));
  }
  CHECK_FALSE(decode_group_row(encode(GroupRow{})));
}

}  // namespace
}  // namespace troupe::raft
