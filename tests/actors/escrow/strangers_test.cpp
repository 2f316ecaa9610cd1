// What other nodes ask of escrows does not fill the device of the book.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "actors/escrow/api.hpp"
#include "actors/escrow/arbiters_actor.hpp"
#include "actors/escrow/codec.hpp"
#include "actors/escrow/escrows_actor.hpp"
#include "messages/codec.hpp"
#include "messages/store.capnp.h"
#include "tests/actors/wallet/keys.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::escrow;
using base::Code;

namespace {

constexpr std::size_t kBook = 0, kGuest = 1;

/// The escrows of a node whose device has so much room, and another node.
struct Escrows {
  /// `pages`: of escrows that are not finished. `logs`: whether their rows can be read now.
  explicit Escrows(std::uint8_t pages = 0, bool logs = true, std::optional<base::Bytes> alive_row = {})
      : alive(std::move(alive_row)), reads(logs) {
    auto& home = cluster[kBook];
    home.node.start(
        "store", test::script([this, pages](test::Scripted& self, runtime::Handlers& on) {
          on.ask<store::wire::Usage, store::wire::Used>([this](auto, auto reply) {
            reply.send([this](store::wire::Used::Builder out) { out.setFreeBytes(free); });
          });
          on.ask<store::wire::Get, store::wire::Found>([this, &self](store::wire::Get::Reader ask, auto reply) {
            if (ask.getKey()[0] == 'h') ++read_heads[ask.getKey()[1]];
            if (ask.getKey()[0] == 'h' && fire.contains(ask.getKey()[1])) ended(self, ask.getKey());
            if (ask.getKey()[0] == 'u' && alive)
              return reply.send([&](store::wire::Found::Builder out) { out.setValue(data_of(*alive)); });
            if (const auto at = kept.find(copy(ask.getKey())); at != kept.end())
              return reply.send([&](store::wire::Found::Builder out) { out.setValue(data_of(at->second)); });
            if (reads || ask.getKey()[0] != 'h') return reply.refuse({Code::not_found, "there is no row"});
            waiting.push_back(std::move(reply));
          });
          on.ask<store::wire::Scan, store::wire::Slice>([this, pages](store::wire::Scan::Reader ask, auto reply) {
            reply.send([&](store::wire::Slice::Builder out) {
              if (ask.getPrefix()[0] == 'o') unfinished(ask, pages, out);
              if (ask.getPrefix()[0] == 't') timers(ask, out);
              if (ask.getPrefix()[0] == 'e') entries(ask, out);
            });
          });
          on.ask<store::wire::Commit, messages::wire::Nothing>([this](store::wire::Commit::Reader ask, auto reply) {
            for (const auto row : ask.getRows()) registry_commits += row.getKey() == data_of(rows::prefix('A')) ? 1 : 0;
            for (const auto row : ask.getRows())
              if (row.getValue().isPut()) kept[copy(row.getKey())] = copy(row.getValue().getPut());
            if (writes) reply.done();
            else unwritten.push_back(std::move(reply));
          });
        }));
    home.node.start(
        "wallet", test::script([this](test::Scripted&, runtime::Handlers& on) {
          on.ask<wallet::wire::GetBook, wallet::wire::BookIs>([](auto, auto reply) {
            reply.send([](wallet::wire::BookIs::Builder out) { out.setBook(data_of(wallet::BookId{}.view())); });
          });
          on.ask<wallet::wire::GetAccount, wallet::wire::AccountIs>([](auto, auto reply) {
            reply.send([](wallet::wire::AccountIs::Builder out) {
              out.initAccount().setBalance(1);
              out.setBook(data_of(wallet::BookId{}.view()));
            });
          });
          on.ask<wallet::wire::Follow, messages::wire::Nothing>([](auto, auto reply) { reply.done(); });
          on.ask<wallet::wire::PostTransfer, wallet::wire::Posted>([this](auto, auto reply) {
            if (!posts) return reply.refuse({Code::unavailable, "it waits for a block"});
            reply.send([](wallet::wire::Posted::Builder) {});
          });
        }));
    auto settings = std::make_shared<EscrowSettings>();
    settings->links = home.pool;
    settings->book = {.kind = durable::Place::Kind::self};
    home.node.start("escrow", [settings] { return std::make_unique<EscrowsActor>(settings); });
    cluster.stage.run_for(std::chrono::seconds(1));
  }
  /// Whether it is refused because there is no room, once the device was looked at. All of it is nonsense.
  template <class Q, class A>
  bool no_room(std::size_t from) {
    Code how{};
    for (int i = 0; i < 2; ++i)
      cluster.inside(
          from,
          [&](test::Scripted& self) {
            const auto escrows =
                from == kBook ? self.node().find(kPath) : self.node().remote(cluster[kBook].id(), kPath);
            self.ask<Q, A>(
                escrows, self.now() + std::chrono::seconds(1), [](typename Q::Builder) {},
                [&](const runtime::Answer<A>& answer) { how = answer.ok() ? Code{} : answer.error().code; });
          },
          std::chrono::seconds(2));
    return how == Code::no_space;
  }

  /// What becomes of that many questions for logs of different escrows, within `then`: how often each answer came.
  std::map<Code, std::size_t> read(std::size_t from, std::size_t count, base::Duration then) {
    const auto heard = std::make_shared<std::map<Code, std::size_t>>();
    cluster.inside(
        from,
        [&](test::Scripted& self) {
          const auto escrows = from == kBook ? self.node().find(kPath) : self.node().remote(cluster[kBook].id(), kPath);
          for (std::size_t i = 0; i < count; ++i)
            self.ask<wire::GetEscrow, wire::EscrowIs>(
                escrows, self.now() + std::chrono::minutes(1),
                [&](wire::GetEscrow::Builder out) {
                  EscrowId id;
                  id.bytes[0] = static_cast<std::uint8_t>(i);
                  out.setEscrow(data_of(id.view()));
                },
                [heard](const runtime::Answer<wire::EscrowIs>& answer) { ++(*heard)[answer.error().code]; });
        },
        then);
    return *heard;
  }

  /// What becomes of as many questions within `then`: how often each answer came; Code{}: it was fine.
  using Heard = std::map<Code, std::size_t>;
  template <class Q, class A>
  Heard ask(std::size_t from, std::size_t count, base::Duration then,
            const std::function<void(typename Q::Builder, std::size_t)>& fill) {
    const auto heard = std::make_shared<Heard>();
    cluster.inside(
        from,
        [&](test::Scripted& self) {
          const auto escrows = from == kBook ? self.node().find(kPath) : self.node().remote(cluster[kBook].id(), kPath);
          for (std::size_t i = 0; i < count; ++i)
            self.ask<Q, A>(
                escrows, self.now() + std::chrono::minutes(1), [&](typename Q::Builder out) { fill(out, i); },
                [heard](const runtime::Answer<A>& answer) {
                  ++(*heard)[answer.ok() ? Code{} : answer.error().code];
                  const bool later = answer.ok() || answer.error().code != Code::overloaded;
                  CHECK((later || answer.error().retry_after > std::chrono::milliseconds(0)));
                });
        },
        then);
    return *heard;
  }
  /// The bond of the arbiter of that number.
  static wallet::Transfer bond(std::size_t number) {
    const Address arbiter = wallet::test_address(static_cast<std::uint8_t>(number));
    return {{}, arbiter, {1}, {{arbiters_account({}), Amount::of(1)}}, ""};
  }
  /// As many arbiters from `first` on, ten at a time.
  Heard join(std::size_t from, std::size_t first, std::size_t count) {
    constexpr std::size_t kAtOnce = 10;
    Heard all;
    for (std::size_t done = 0; done < count; done += kAtOnce)
      for (const auto& [code, times] : ask<wire::JoinArbiters, messages::wire::Nothing>(
               from, std::min(kAtOnce, count - done), std::chrono::milliseconds(200),
               [&](wire::JoinArbiters::Builder out, std::size_t i) {
                 const std::size_t number = first + done + i;
                 wallet::write(out.initDeposit(), bond(number), wallet::test_key(static_cast<std::uint8_t>(number)));
               }))
        all[code] += times;
    return all;
  }
  Heard leave(std::size_t from, std::size_t first, std::size_t count) {
    return ask<wire::LeaveArbiters, messages::wire::Nothing>(
        from, count, std::chrono::milliseconds(500), [&](wire::LeaveArbiters::Builder out, std::size_t i) {
          const auto key = wallet::test_key(static_cast<std::uint8_t>(first + i));
          const auto policy = wallet::Policy::of_key(key.public_key());
          out.setAddress(data_of(policy.address().view()));
          out.setPolicy(data_of(policy.encode()));
          wallet::write(out.initApprovals(1)[0], wallet::approval(key, leave_bytes(id_of(bond(first + i)))));
        });
  }

  void unfinished(store::wire::Scan::Reader ask, std::uint8_t pages, store::wire::Slice::Builder out) {
    const std::uint8_t page = ask.getFrom().size() > 1 ? ask.getFrom()[1] : 0;
    walked.push_back(page);
    if (page >= pages) return;
    base::Bytes key(1 + EscrowId::kBytes);
    key[0] = 'o';
    key[1] = page;
    auto rows = out.initRows(3);
    for (unsigned i = 0; i < rows.size(); ++i) {
      key.back() = static_cast<std::uint8_t>(i);
      rows[i].setKey(data_of(key));
    }
    key = {'o', static_cast<std::uint8_t>(page + 1)};
    out.setMore(page + 1 < pages);
    out.setNext(data_of(key));
  }

  static base::Bytes copy(capnp::Data::Reader data) { return {data.begin(), data.end()}; }
  void entries(store::wire::Scan::Reader ask, store::wire::Slice::Builder out) {
    const base::Bytes prefix = copy(ask.getPrefix());
    std::vector<std::pair<base::Bytes, base::Bytes>> found;
    for (auto at = kept.lower_bound(copy(ask.getFrom())); at != kept.end(); ++at)
      if (std::ranges::equal(prefix, base::ByteView(at->first).first(std::min(prefix.size(), at->first.size()))))
        found.push_back(*at);
    auto list = out.initRows(size32(found));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setKey(data_of(found[i].first));
      list[i].setValue(data_of(found[i].second));
    }
  }

  /// A timer that is overdue.
  void add_timer(std::uint8_t number, std::uint8_t second, UnixMs window) {
    EscrowId id;
    id.bytes[0] = number;
    id.bytes[1] = second;
    base::Bytes value;
    if (window > UnixMs(0)) {
      base::append_number(value, window.count());
      value.push_back(0);
    }
    overdue[rows::timer_key(UnixMs(1'000), id)] = value;
  }
  void timers(store::wire::Scan::Reader ask, store::wire::Slice::Builder out) {
    const base::Bytes from(ask.getFrom().begin(), ask.getFrom().end());
    whole_looks += from.size() == 1 ? 1 : 0;
    later_looks += from.size() > 1 && !overdue.empty() && from > overdue.rbegin()->first ? 1 : 0;
    std::vector<std::pair<base::Bytes, base::Bytes>> found;
    auto at = overdue.lower_bound(from);
    for (; at != overdue.end() && found.size() < ask.getRowsMax(); ++at) found.push_back(*at);
    auto list = out.initRows(size32(found));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setKey(data_of(found[i].first));
      list[i].setValue(data_of(found[i].second));
    }
    if (at == overdue.end()) return;
    out.setMore(true);
    out.setNext(data_of(at->first));
  }
  /// What an escrow says that a deadline has ended.
  void ended(test::Scripted& self, capnp::Data::Reader head) {
    const EscrowId id = *EscrowId::from(bytes_of(head).subspan(1));
    overdue.erase(rows::timer_key(UnixMs(1'000), id));
    self.tell<wire::Happened>(self.node().find(kPath),
                              [&](wire::Happened::Builder out) { out.setEscrow(data_of(id.view())); });
  }
  /// The book knows who can be drawn, and of a deadline.
  void begin_deadlines(base::Duration in) {
    cluster.inside(kBook, [&](test::Scripted& self) {
      self.ask<wire::ArbitersAre, messages::wire::Nothing>(
          self.node().find(kPath), self.now() + std::chrono::seconds(1), [](wire::ArbitersAre::Builder) {},
          [](const runtime::Answer<messages::wire::Nothing>& answer) { CHECK(answer.ok()); });
      self.tell<wire::Happened>(self.node().find(kPath), [&](wire::Happened::Builder out) {
        out.setEscrow(data_of(EscrowId{}.view()));
        out.setDeadline(
            (wallet::unix_ms(cluster[kBook].ports.world().clock.wall()) + std::chrono::duration_cast<UnixMs>(in))
                .count());
      });
    });
  }

  std::uint64_t free = durable::Room::kLeft;
  std::optional<base::Bytes> alive;  // the row of when the book took commands last
  std::map<base::Bytes, base::Bytes> overdue{};
  std::map<std::uint8_t, std::size_t> read_heads{};  // by the first byte of the id
  std::set<std::uint8_t> fire{};                     // by the same: their deadlines end when they are asked
  std::size_t whole_looks = 0, later_looks = 0;      // at timers: from the first on, behind what is overdue
  bool reads;
  bool posts = true;   // the ledger takes what is asked
  bool writes = true;  // else commits wait
  std::map<base::Bytes, base::Bytes> kept{};
  std::vector<runtime::Reply<messages::wire::Nothing>> unwritten{};
  std::size_t registry_commits = 0;
  std::vector<runtime::Reply<store::wire::Found>> waiting{};
  std::vector<std::uint8_t> walked{};  // pages of what is not finished, as they were read
  test::NetCluster cluster{2};
};

}  // namespace

TEST_CASE("escrow: strangers begin nothing on a device that is nearly full, and what they have begun can end") {
  Escrows escrows;
  CHECK_FALSE(escrows.no_room<wire::OpenEscrow, wire::EscrowIs>(kGuest));
  escrows.free = durable::Room::kLeft - 1;
  CHECK(escrows.no_room<wire::OpenEscrow, wire::EscrowIs>(kGuest));
  CHECK_FALSE(escrows.no_room<wire::TakeAct, wire::ActTaken>(kGuest));
  CHECK_FALSE(escrows.no_room<wire::TakeTaskAct, wire::TaskEscrowIs>(kGuest));
  escrows.free = durable::Room::kLeftByBegun - 1;
  CHECK(escrows.no_room<wire::TakeAct, wire::ActTaken>(kGuest));
  CHECK_FALSE(escrows.no_room<wire::OpenEscrow, wire::EscrowIs>(kBook));
}

// It was passed on as it came, and ended the actor that read it; so did fields that are not known here.
TEST_CASE("escrow: what a stranger has written wrong is said to be malformed, and ends no actor") {
  Escrows escrows;
  const auto key = wallet::test_key(1);
  const auto policy = wallet::Policy::of_key(key.public_key());
  constexpr std::uint8_t kTimes = 12;
  std::size_t malformed = 0;
  for (std::uint8_t i = 0; i < kTimes; ++i)
    escrows.cluster.inside(
        kGuest,
        [&](test::Scripted& self) {
          EscrowId id;
          id.bytes[0] = i;
          const auto act = encode(Act{id, policy.address(), 1, Cancel{}});
          const auto by = wallet::approval(key, act);
          self.ask<wire::TakeAct, wire::ActTaken>(
              self.node().remote(escrows.cluster[kBook].id(), kPath), self.now() + std::chrono::seconds(5),
              [&](wire::TakeAct::Builder out) {
                write(out.initAct(), act, policy, {&by, 1});
                capnp::AnyStruct::Builder any{wire::TakeAct::Builder(out)};
                any.getPointerSection()[2].initAsAnyStruct(1, 1);  // in place of the bytes of the request
              },
              [&](const runtime::Answer<wire::ActTaken>& answer) {
                malformed += !answer.ok() && answer.error().code == Code::malformed ? 1 : 0;
              });
        },
        std::chrono::seconds(2));
  CHECK(malformed == kTimes);
  CHECK(escrows.read(kBook, 1, std::chrono::seconds(1))[Code::not_found] == 1);
}

// After that many signed actions without effect, the escrow refused the ledger's report of a payment, and the ledger
// did not repeat it.
TEST_CASE("escrow: acts of strangers wait for nothing, and take no place of those of its parties") {
  constexpr std::size_t kMany = 2 * EscrowActor::kWaitingMax;
  constexpr std::uint8_t kBuyer = 1, kProvider = 2, kStranger = 3;
  Escrows escrows;
  Agreement made{.buyer = wallet::test_address(kBuyer),
                 .provider = wallet::test_address(kProvider),
                 .fund = wallet::account_of("fund", wallet::BookId{}.view()),
                 .price = Amount::of(100),
                 .bond = Amount::of(15)};
  made.terms.start = made.terms.deliver = {Due::Kind::after, std::chrono::hours(24)};
  const auto sign = [&](wire::SignedAct::Builder out, std::uint8_t by, std::uint64_t number, What what) {
    const auto key = wallet::test_key(by);
    const base::Bytes bytes = encode(Act{id_of(made), wallet::test_address(by), number, std::move(what)});
    const auto approval = wallet::approval(key, bytes);
    write(out, bytes, wallet::Policy::of_key(key.public_key()), std::span(&approval, 1));
  };
  const auto act = [&](std::uint8_t by, std::size_t count, What what) {
    return escrows.ask<wire::TakeAct, wire::ActTaken>(
        kBook, count, std::chrono::milliseconds(100),
        [&](wire::TakeAct::Builder out, std::size_t i) { sign(out.initAct(), by, 2 + i, what); });
  };
  const Escrows::Heard fine{{Code{}, 1}};
  CHECK(escrows.ask<wire::OpenEscrow, wire::EscrowIs>(kBook, 1, std::chrono::milliseconds(100),
                                                      [&](wire::OpenEscrow::Builder out, std::size_t) {
                                                        out.setAgreement(data_of(encode(made)));
                                                        sign(out.initSign(), kBuyer, 1, Sign{commitment_of({})});
                                                      }) == fine);
  escrows.writes = false;
  CHECK(act(kProvider, 1, Sign{commitment_of({})}).empty());
  CHECK(act(kStranger, kMany, Start{}) == Escrows::Heard{{Code::refused, kMany}});
  CHECK(act(kProvider, 1, Start{}).empty());  // it waits, too
  for (auto& one : std::exchange(escrows.unwritten, {})) one.done();
}

TEST_CASE("escrow: strangers read logs a few at a time, and operators are served meanwhile") {
  constexpr std::size_t kAll = 100, kUntilShares = EscrowsActor::kReadingMax / 2;
  Escrows escrows;
  escrows.reads = false;
  auto heard = escrows.read(kGuest, kAll, std::chrono::seconds(1));
  CHECK(heard.size() == 1);
  CHECK(heard[Code::overloaded] == kAll - kUntilShares);
  CHECK(escrows.read(kBook, kAll, std::chrono::seconds(1)).empty());
  escrows.reads = true;
  for (auto& one : std::exchange(escrows.waiting, {})) one.refuse({Code::not_found, "there is no row"});
  escrows.cluster.stage.run_for(std::chrono::seconds(1));
  heard = escrows.read(kGuest, kUntilShares, std::chrono::seconds(1));
  CHECK(heard.size() == 1);
  CHECK(heard[Code::not_found] == kUntilShares);
}

TEST_CASE("escrow: a page of a log counts as more questions than one") {
  constexpr std::size_t kAtOnce = 30;
  Escrows escrows;
  std::size_t refused = 0;
  for (std::size_t asked = 0; asked < EscrowsActor::kAsked.burst / 4; asked += kAtOnce)
    refused += escrows.read(kGuest, kAtOnce, std::chrono::milliseconds(50))[Code::overloaded];
  CHECK(refused > 0);
}

TEST_CASE("escrow: all arbiters count as more questions than one") {
  constexpr std::size_t kTimes = 100;
  Escrows escrows;
  const auto heard = escrows.ask<wire::ListArbiters, wire::Arbiters>(kGuest, kTimes, std::chrono::seconds(1),
                                                                     [](wire::ListArbiters::Builder, std::size_t) {});
  CHECK(heard.at(Code{}) >= EscrowsActor::kAsked.burst / 2 / EscrowsActor::kScanUnits);
  CHECK(heard.contains(Code::overloaded));
}

TEST_CASE(
    "escrow arbiters: each change is the whole row, so those of other nodes have a rate, and the node's own none") {
  // Half of what may be asked at once, as no other node has asked for it, and a bit that comes meanwhile.
  constexpr std::size_t kAll = 80, kHalf = ArbitersActor::kAskedByOthers.burst / ArbitersActor::kChangeUnits / 2;
  constexpr std::size_t kOwn = 100, kMeanwhile = 2;
  Escrows escrows;
  auto heard = escrows.join(kGuest, 1, kAll);
  const std::size_t joined = heard[Code{}];
  CHECK(joined >= kHalf);
  CHECK(joined <= kHalf + kMeanwhile);
  CHECK(heard[Code::overloaded] == kAll - joined);
  CHECK(escrows.registry_commits == 2 * joined);  // the deposit, and that it is posted
  CHECK(escrows.leave(kGuest, 1, 5) == Escrows::Heard{{Code::overloaded, 5}});
  CHECK(escrows.join(kBook, kOwn, kAll) == Escrows::Heard{{Code{}, kAll}});
  CHECK(escrows.leave(kBook, kOwn, kAll) == Escrows::Heard{{Code{}, kAll}});
  escrows.cluster.stage.run_for(std::chrono::minutes(10));
  CHECK(escrows.leave(kGuest, 1, 5) == Escrows::Heard{{Code{}, 5}});
  // What would change nothing is refused for what it is, and takes nothing.
  CHECK(escrows.leave(kGuest, 1, 5) == Escrows::Heard{{Code::not_found, 5}});
}

TEST_CASE("escrow arbiters: bonds that are not posted leave places for those that are asked for elsewhere") {
  constexpr std::size_t kShare = kJoiningMax / 2, kAtFirst = kShare - 2;
  Escrows escrows;
  escrows.posts = false;
  CHECK(escrows.join(kGuest, 1, kAtFirst).empty());
  escrows.cluster.stage.run_for(std::chrono::minutes(10));  // the rate is whole again
  CHECK(escrows.join(kGuest, 1 + kAtFirst, 10) == Escrows::Heard{{Code::overloaded, 8}});
  CHECK(escrows.join(kBook, 100, 10).empty());
  escrows.posts = true;
  escrows.cluster.stage.run_for(std::chrono::minutes(1));
  CHECK(escrows.join(kGuest, 50, 10) == Escrows::Heard{{Code{}, 10}});
}

TEST_CASE("escrow: what is not finished is woken page by page, in one walk at a time") {
  Escrows escrows(4, false);
  escrows.cluster.stage.run_for(std::chrono::seconds(5));
  CHECK(escrows.walked == std::vector<std::uint8_t>{0});  // its escrows have not answered
  escrows.reads = true;
  for (auto& one : std::exchange(escrows.waiting, {})) one.refuse({Code::not_found, "there is no row"});
  escrows.cluster.stage.run_for(std::chrono::seconds(5));
  CHECK(escrows.walked == std::vector<std::uint8_t>{0, 1, 2, 3});
}

TEST_CASE("escrow deadlines: after an outage none is asked before its time, and what waits is asked then") {
  constexpr std::uint8_t kWaits = 1, kOld = 2;  // a row of an earlier version does not say how long it waits
  Escrows escrows(0, true, rows::encode(rows::Alive{UnixMs(1), UnixMs(1)}));
  escrows.add_timer(kWaits, 0, std::chrono::minutes(2));
  escrows.add_timer(kOld, 0, UnixMs(0));
  escrows.begin_deadlines(std::chrono::seconds(1));
  escrows.cluster.stage.run_for(std::chrono::seconds(60));
  CHECK(escrows.read_heads[kWaits] == 0);
  CHECK(escrows.read_heads[kOld] > 1);
  escrows.cluster.stage.run_for(std::chrono::seconds(70));
  CHECK(escrows.read_heads[kWaits] > 0);
}

TEST_CASE("escrow deadlines: the more cannot fire, the less often that is looked at; later deadlines do not wait") {
  constexpr int kSpan = 20, kLooksMax = 6;  // 5 ms of waiting for each of them
  Escrows escrows;
  for (int i = 0; i < 1'000; ++i)
    escrows.add_timer(static_cast<std::uint8_t>(1 + i / 256), static_cast<std::uint8_t>(i % 256), UnixMs(0));
  escrows.begin_deadlines(std::chrono::seconds(1));
  for (int i = 0; i < kSpan; ++i) escrows.begin_deadlines(std::chrono::milliseconds(500));
  CHECK(escrows.whole_looks > 1);
  CHECK(escrows.whole_looks <= kLooksMax);
  CHECK(escrows.later_looks >= kSpan / 2);
}

TEST_CASE("escrow deadlines: those that have fired put off no look at one that could not") {
  constexpr std::uint8_t kLate = 200;
  Escrows escrows;
  for (int i = 0; i < 1'000; ++i) {
    escrows.add_timer(static_cast<std::uint8_t>(1 + i / 256), static_cast<std::uint8_t>(i % 256), UnixMs(0));
    escrows.fire.insert(static_cast<std::uint8_t>(1 + i / 256));
  }
  escrows.add_timer(kLate, 0, UnixMs(0));
  escrows.begin_deadlines(std::chrono::seconds(1));
  escrows.cluster.stage.run_for(std::chrono::seconds(3));
  CHECK(escrows.overdue.size() == 1);
  const std::size_t before = escrows.read_heads[kLate];
  escrows.cluster.stage.run_for(std::chrono::seconds(4));
  CHECK(escrows.read_heads[kLate] >= before + 3);  // with 1,001 of them: once
}
