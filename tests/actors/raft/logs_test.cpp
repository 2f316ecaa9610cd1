// The logs of a node on its disk: against a model, through crashes, and with damage.
#include "actors/raft/logs.hpp"

#include <doctest/doctest.h>

#include "runtime/base/fields.hpp"
#include "runtime/sim/disk.hpp"
#include "tests/support.hpp"

namespace troupe::raft {
namespace {

constexpr std::uint64_t kPack = 16'384;

std::unique_ptr<Logs> opened_logs(sim::Disk& disk) {
  auto out = Logs::open(disk, "log", 7, kPack);
  REQUIRE(out.ok());
  return std::move(out).value();
}

Entry entry_at(std::uint64_t index, std::uint64_t term, std::size_t bytes) {
  return {.index = Index{index},
          .term = Term{term},
          .data = bytes == 0 ? nullptr : std::make_shared<const base::Bytes>(bytes, static_cast<std::uint8_t>(index))};
}

/// What one log must hold.
struct LogModel {
  HardState state;
  Index first{1};
  std::map<Index, Entry> entries;
  Term term{1};
  friend bool operator==(const LogModel&, const LogModel&) = default;
};

bool alike(Logs& logs, Incarnation log, const LogModel& model) {
  const auto found = logs.find(log);
  if (!found) return model.entries.empty() && model.state == HardState{};
  if (found->state != model.state) return false;
  if (model.entries.empty()) return found->last < found->first;
  const Index last = model.entries.rbegin()->first, first = model.entries.begin()->first;
  // Entries that were compacted may be there again after a start: they are of no use, and do no harm.
  if (found->last != last || found->first > first) return false;
  for (Index at = first; at <= last;) {
    const auto page = logs.read(log, at, last, 700);
    if (!page.ok() || page.value().empty()) return false;
    for (const Entry& entry : page.value()) {
      if (!(entry == model.entries.at(entry.index))) return false;
      at = entry.index.next();
    }
  }
  return true;
}

Save draw_save(base::Random& random, LogModel& model) {
  Save save;
  if (random.chance(1, 3)) {
    model.term = model.term.next();
    model.state = {.term = model.term, .commit = Index{random.below(100)}};
    if (random.chance(1, 2)) model.state.vote = MemberId{base::NodeId{}, random.next()};
    save.state = model.state;
  }
  const Index last = model.entries.empty() ? model.first.previous() : model.entries.rbegin()->first;
  if (random.chance(1, 30)) {
    save.restart.emplace();
    model.entries.clear();
    model.first = last + 1 + random.below(50);
  }
  Index from = model.entries.empty() ? model.first : model.entries.rbegin()->first.next();
  if (!model.entries.empty() && random.chance(1, 6)) {
    // Truncated by a leader of a later term.
    from = Index{model.entries.begin()->first.value + random.below(model.entries.size() + 1)};
    model.term = model.term.next();
  }
  const std::uint64_t count = random.below(6);
  if (count > 0) model.entries.erase(model.entries.lower_bound(from), model.entries.end());
  for (std::uint64_t i = 0; i < count; ++i) {
    const Entry entry = entry_at(from.value + i, model.term.value, random.below(random.chance(1, 20) ? 3'000 : 120));
    model.entries[entry.index] = entry;
    save.entries.push_back(entry);
  }
  return save;
}

TEST_CASE("raft logs: a random life with crashes loses nothing that was synced") {
  for (std::uint64_t seed = 1; seed <= test::rounds(60); ++seed) {
    CAPTURE(seed);
    base::Random random(seed);
    sim::Disk disk;
    auto logs = opened_logs(disk);
    std::map<Incarnation, LogModel> written, synced;
    for (int step = 0; step < 400; ++step) {
      const Incarnation log = 1 + random.below(3);
      switch (random.below(12)) {
        case 0: {
          REQUIRE(logs->sync().ok());
          synced = written;
          break;
        }
        case 1: {
          // A snapshot is of what is durable.
          LogModel& model = written[log];
          REQUIRE(logs->sync().ok());
          synced = written;
          if (model.entries.empty()) break;
          const Index to{model.entries.begin()->first.value + random.below(model.entries.size())};
          model.entries.erase(model.entries.begin(), model.entries.upper_bound(to));
          model.first = std::max(model.first, to.next());
          REQUIRE(logs->compact(log, to).ok());
          REQUIRE(logs->sync().ok());
          synced[log] = model;
          break;
        }
        case 2: {
          const auto tidied = logs->tidy();
          REQUIRE(tidied.ok());
          if (tidied.value()) synced = written;  // moving records syncs all
          break;
        }
        case 3:
          if (random.chance(1, 3)) {
            // What was not synced may be there or not: with a clean end it is decided by syncing first.
            const bool clean = random.chance(1, 2);
            if (clean) {
              REQUIRE(logs->sync().ok());
              synced = written;
            }
            logs.reset();
            disk.crash(random);
            logs = opened_logs(disk);
            CHECK_FALSE(logs->damaged(1));
            for (auto& [name, model] : synced) {
              CAPTURE(name);
              // Unsynced writes behind the synced ones may have survived: then the log is the written one.
              const bool holds = alike(*logs, name, model) || clean == false;
              CHECK(holds);
              if (!alike(*logs, name, model)) goto next_seed;  // the model does not know how far it survived
            }
            written = synced;
          }
          break;
        default: {
          LogModel& model = written[log];
          REQUIRE(logs->write(log, draw_save(random, model)).ok());
        }
      }
    }
    for (auto& [name, model] : written) CHECK(alike(*logs, name, model));
  next_seed:;
  }
}

TEST_CASE("raft logs: entries that were overwritten do not come back when the record that replaced them is gone") {
  sim::Disk disk;
  auto logs = opened_logs(disk);
  REQUIRE(logs->write(1, {.entries = {entry_at(1, 1, 10), entry_at(2, 1, 10), entry_at(3, 1, 10)}}).ok());
  REQUIRE(logs->write(1, {.entries = {entry_at(2, 2, 10)}}).ok());
  REQUIRE(logs->sync().ok());
  logs.reset();
  logs = opened_logs(disk);
  const auto found = logs->find(1);
  REQUIRE(found);
  CHECK(found->last == Index{2});
  CHECK(logs->read(1, Index{2}, Index{2}, 1'000).value().front().term == Term{2});
}

TEST_CASE("raft logs: entries that were overwritten stay gone when the pack of what replaced them is gone") {
  sim::Disk disk;
  auto logs = opened_logs(disk);
  const auto fill = [&](Incarnation log, std::uint64_t from, std::uint64_t to, std::uint64_t term, std::size_t bytes) {
    for (std::uint64_t i = from; i <= to; ++i) REQUIRE(logs->write(log, {.entries = {entry_at(i, term, bytes)}}).ok());
    REQUIRE(logs->sync().ok());
  };
  // The first pack stays, because another log has something in it.
  REQUIRE(logs->write(2, {.entries = {entry_at(1, 1, 9'000)}}).ok());
  fill(1, 10, 20, 2, 10);
  fill(3, 1, 2, 1, 9'000);  // fills the pack
  fill(1, 10, 12, 3, 10);   // replaces 10 to 20
  fill(3, 1, 4, 2, 9'000);
  fill(1, 13, 14, 3, 10);
  REQUIRE(logs->compact(1, Index{12}).ok());
  REQUIRE(logs->compact(3, Index{4}).ok());
  REQUIRE(logs->sync().ok());
  for (int i = 0; i < 100; ++i)
    if (!logs->tidy().value()) break;
  logs.reset();
  logs = opened_logs(disk);
  CHECK(logs->find(1)->first == Index{13});
  CHECK(logs->find(1)->last == Index{14});
  CHECK(logs->read(1, Index{13}, Index{14}, 1'000).value().front().term == Term{3});
}

TEST_CASE("raft logs: a byte that rots among what was acknowledged is found at the next start") {
  std::size_t found = 0, tried = 0;
  for (std::uint64_t which = 0; which < 200; ++which) {
    sim::Disk disk;
    auto logs = opened_logs(disk);
    for (std::uint64_t i = 1; i <= 20; ++i) {
      REQUIRE(logs->write(1, {.state = HardState{.term = Term{1}}, .entries = {entry_at(i, 1, 60)}}).ok());
      REQUIRE(logs->sync().ok());
    }
    logs.reset();
    base::Random random(which);
    disk.crash(random);
    const auto size = disk.size("log/00000001.pack").value();
    // The last record is not covered: it counts as torn.
    if (!disk.corrupt("log/00000001.pack", random.below(size - 300), 0x10)) continue;
    ++tried;
    logs = opened_logs(disk);
    if (logs->damaged(1)) ++found;
  }
  CHECK(tried > 100);
  CHECK(found == tried);
}

TEST_CASE("raft logs: a byte of the last record that rots is found once it is covered") {
  for (const bool covered : {false, true}) {
    sim::Disk disk;
    auto logs = opened_logs(disk);
    REQUIRE(logs->write(1, {.state = HardState{.term = Term{1}}, .entries = {entry_at(1, 1, 60)}}).ok());
    REQUIRE(logs->sync().ok());
    const auto size = disk.size("log/00000001.pack").value();
    if (covered) REQUIRE((logs->cover().ok() && logs->sync().ok()));
    logs.reset();
    base::Random random(1);
    disk.crash(random);
    REQUIRE(disk.corrupt("log/00000001.pack", size - 10, 0x10));
    logs = opened_logs(disk);
    CHECK(logs->damaged(1) == covered);
  }
  SUBCASE("there is nothing to cover in an empty log") {
    sim::Disk disk;
    auto logs = opened_logs(disk);
    CHECK(logs->cover().ok());
    CHECK_FALSE(logs->find(0));
  }
}

TEST_CASE("raft logs: a cut pack differs from a pack with an unsynced end") {
  sim::Disk disk;
  auto logs = opened_logs(disk);
  const auto write = [&](Incarnation log, std::uint64_t index) {
    REQUIRE(logs->write(log, {.state = HardState{.term = Term{1}}, .entries = {entry_at(index, 1, 60)}}).ok());
    REQUIRE(logs->sync().ok());
  };
  for (std::uint64_t i = 1; i <= 20; ++i) write(1, i);
  REQUIRE(logs->note_sizes().ok());
  const std::uint64_t noted = disk.size("log/00000001.pack").value();
  write(1, 21);
  const std::uint64_t all = disk.size("log/00000001.pack").value();
  logs.reset();
  const auto open_cut = [&](std::uint64_t bytes) {
    {
      const auto file = disk.open("log/00000001.pack", ports::OpenMode::append);
      REQUIRE((file.ok() && file.value()->truncate(bytes).ok() && file.value()->sync().ok()));
    }
    logs = opened_logs(disk);
  };

  SUBCASE("what was behind the noted size may never have been synced") {
    open_cut(all - 3);
    CHECK_FALSE(logs->damaged(1));
    CHECK(logs->find(1)->last == Index{20});
  }
  SUBCASE("cut below the noted size") {
    open_cut(noted / 2);
    CHECK(logs->damaged(1));
    CHECK(logs->loss().starts_with("log/00000001.pack was cut: it has "));
    logs->keep({1});
    REQUIRE(logs->note_sizes().ok());
    logs.reset();
    logs = opened_logs(disk);
    CHECK(logs->damaged(1));  // also at the next start
    REQUIRE(logs->write(2, {.restart = Snapshot{}, .state = HardState{}}).ok());
    logs->keep({2});  // its owner continues under another incarnation
    CHECK_FALSE(logs->damaged(2));
    REQUIRE((logs->sync().ok() && logs->note_sizes().ok()));
    logs.reset();
    logs = opened_logs(disk);
    CHECK_FALSE(logs->damaged(2));
  }
  SUBCASE("emptied") {
    open_cut(0);
    CHECK(logs->damaged(1));
    CHECK_FALSE(logs->find(1));
  }
  SUBCASE("gone") {
    REQUIRE(disk.remove("log/00000001.pack").ok());
    logs = opened_logs(disk);
    CHECK(logs->damaged(1));
  }
  SUBCASE("a directory of an older program has no sizes") {
    REQUIRE(disk.remove("log.sizes").ok());
    open_cut(all - 3);
    CHECK_FALSE(logs->damaged(1));
  }
  SUBCASE("sizes that cannot be read count for nothing") {
    REQUIRE(disk.corrupt("log.sizes", 3, 0x10));
    open_cut(all - 3);
    CHECK_FALSE(logs->damaged(1));
  }
}

/// Begins a log as a member does, and makes it durable.
void begin_log(Logs& logs, Incarnation log) {
  REQUIRE(logs.write(log, {.restart = Snapshot{}, .state = HardState{.term = Term{1}}}).ok());
  REQUIRE(logs.sync().ok());
}
void write_entries(Logs& logs, Incarnation log, std::uint64_t from, std::uint64_t to, std::size_t bytes = 60) {
  for (std::uint64_t i = from; i <= to; ++i) REQUIRE(logs.write(log, {.entries = {entry_at(i, 1, bytes)}}).ok());
  REQUIRE(logs.sync().ok());
}
void cut_pack(sim::Disk& disk, const std::string& pack, std::uint64_t bytes) {
  const auto file = disk.open("log/" + pack, ports::OpenMode::append);
  REQUIRE((file.ok() && file.value()->truncate(bytes).ok() && file.value()->sync().ok()));
}
std::string bytes_of_pack(sim::Disk& disk, const std::string& pack) {
  const auto file = disk.open("log/" + pack, ports::OpenMode::read);
  REQUIRE(file.ok());
  std::string out(file.value()->size().value(), '\0');
  REQUIRE(file.value()->read(0, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}).ok());
  return out;
}
void put_pack(sim::Disk& disk, const std::string& pack, const std::string& bytes) {
  const auto file = disk.open("log/" + pack, ports::OpenMode::replace);
  REQUIRE((file.ok() && file.value()->append(base::as_bytes(bytes)).ok() && file.value()->sync().ok()));
}

constexpr Incarnation kOnly = 1, kLost = 2, kNext = 3;

/// A node in a group of one, and in a group whose other members have all entries: there it continues after a loss under
/// its next incarnation.
struct LossyNode {
  explicit LossyNode(const std::string& how) {
    begin_log(*logs, kOnly);
    begin_log(*logs, kLost);
    write_entries(*logs, kLost, 1, 20);
    write_entries(*logs, kOnly, 1, 20);
    REQUIRE((logs->cover().ok() && logs->sync().ok() && logs->note_sizes().ok()));
    whole = bytes_of_pack(disk, kFirst);
    logs.reset();
    if (how == "gone") {
      REQUIRE(disk.remove(std::string("log/") + kFirst).ok());
    } else if (how == "rotten") {
      std::string rotten = whole;
      rotten[rotten.size() / 2] = static_cast<char>(~rotten[rotten.size() / 2]);
      put_pack(disk, kFirst, rotten);
    } else {
      cut_pack(disk, kFirst, how == "cut" ? whole.size() * 2 / 3 : 0);
    }
    logs = opened_logs(disk);
    logs->keep({kOnly, kLost});
    CHECK(logs->damaged(kOnly));
    CHECK(logs->damaged(kLost));
    CHECK(logs->loss().starts_with(std::string("log/") + kFirst));
    restart({kOnly, kLost});
    begin_log(*logs, kNext);
    // A crash comes before anything else is noted.
    restart({kOnly, kNext});
    CHECK(logs->damaged(kOnly));
    CHECK_FALSE(logs->damaged(kNext));
    write_entries(*logs, kNext, 1, 600);  // more than what was lost, in some packs
    REQUIRE(logs->note_sizes().ok());
    restart({kOnly, kNext});
  }
  void restart(const std::set<Incarnation>& kept) {
    logs.reset();
    logs = opened_logs(disk);
    logs->keep(kept);
  }
  void tidy() {
    for (int step = 0; step < 100 && logs->tidy().value(); ++step) {
    }
    REQUIRE((logs->sync().ok() && logs->note_sizes().ok()));
  }
  static constexpr const char* kFirst = "00000001.pack";
  sim::Disk disk;
  std::unique_ptr<Logs> logs = opened_logs(disk);
  std::string whole;  // the first pack, before the loss
};
const std::vector<std::string> kLosses{"cut", "emptied", "gone", "rotten"};

TEST_CASE("raft logs: a log that stays suspect makes no other log suspect at the next start") {
  for (const std::string& how : kLosses) {
    CAPTURE(how);
    LossyNode node(how);
    for (int start = 0; start < 3; ++start) {
      CHECK(node.logs->damaged(kOnly));
      CHECK_FALSE(node.logs->damaged(kNext));
      CHECK(node.logs->find(kNext)->last == Index{600});
      CHECK(node.logs->loss().starts_with(std::string("log/") + node.kFirst));
      node.tidy();
      node.restart({kOnly, kNext});
    }
  }
}

TEST_CASE("raft logs: a log is whole again once its pack is put back, and so are the others") {
  for (const std::string& how : kLosses) {
    CAPTURE(how);
    LossyNode node(how);
    if (how == "cut") node.tidy();
    node.logs.reset();
    put_pack(node.disk, node.kFirst, node.whole);
    for (int start = 0; start < 2; ++start) {
      node.restart({kOnly, kNext});
      CHECK_FALSE(node.logs->damaged(kOnly));
      CHECK_FALSE(node.logs->damaged(kNext));
      CHECK(node.logs->find(kOnly)->last == Index{20});
      CHECK(node.logs->read(kOnly, Index{20}, Index{20}, 1'000).value().front() == entry_at(20, 1, 60));
      CHECK(node.logs->find(kNext)->last == Index{600});
      CHECK(node.logs->read(kNext, Index{600}, Index{600}, 1'000).value().front() == entry_at(600, 1, 60));
      node.tidy();
    }
  }
}

TEST_CASE("raft logs: another loss makes every log suspect again") {
  for (const std::string& how : kLosses) {
    CAPTURE(how);
    LossyNode node(how);
    node.logs.reset();
    const auto names = node.disk.list("log").value();
    const std::string last = names[names.size() - 2];  // before `sizes`
    REQUIRE(last.ends_with(".pack"));
    cut_pack(node.disk, last, node.disk.size("log/" + last).value() / 2);
    node.restart({kOnly, kNext});
    CHECK(node.logs->damaged(kOnly));
    CHECK(node.logs->damaged(kNext));
  }
}

TEST_CASE("raft logs: no loss is left once no suspect is kept") {
  for (const std::string& how : kLosses) {
    CAPTURE(how);
    LossyNode node(how);
    node.logs->keep({kNext});
    node.tidy();
    node.restart({kNext});
    CHECK(node.logs->loss().empty());
    CHECK_FALSE(node.logs->damaged(kNext));
    CHECK(node.logs->find(kNext)->last == Index{600});
  }
}

TEST_CASE("raft logs: sizes from before an older program had the packs count for nothing") {
  sim::Disk disk;
  auto logs = opened_logs(disk);
  begin_log(*logs, 1);
  write_entries(*logs, 1, 1, 300);  // some packs
  REQUIRE(logs->compact(1, Index{290}).ok());
  write_entries(*logs, 1, 301, 310);
  REQUIRE(logs->note_sizes().ok());
  logs.reset();
  REQUIRE(disk.size("log/00000002.pack").ok());
  bool was_older = false;
  SUBCASE("an older program has written a record") { was_older = true; }
  SUBCASE("no other program has written one") {}
  const auto older_program = [&] {
    auto packs = store::Packs::open(disk, "log", {.seed = 9, .pack_bytes_max = kPack, .reserve_bytes = 0});
    REQUIRE(packs.ok());
    base::Bytes id, record{1, 0};  // an empty record of log 1, as it writes one a second after its start
    for (const std::uint64_t word : {1u, 100'000u, 0u, 0u}) base::append_number(id, word);
    for (const std::uint64_t word : {1u, 0u}) base::append_number(record, word);
    base::append_number(record, std::uint32_t{0});
    REQUIRE((packs.value()->append(*base::Digest::from(id), record).ok() && packs.value()->sync().ok()));
  };
  if (was_older) older_program();
  REQUIRE(disk.remove("log/00000001.pack").ok());  // all of it was dead
  logs = opened_logs(disk);
  CHECK(logs->damaged(1) == !was_older);
  CHECK(logs->find(1)->last == Index{310});
  if (!was_older) return;
  // From then on they count again.
  REQUIRE(logs->note_sizes().ok());
  write_entries(*logs, 1, 311, 320);
  REQUIRE(logs->note_sizes().ok());
  logs.reset();
  logs = opened_logs(disk);
  CHECK_FALSE(logs->damaged(1));
  logs.reset();
  REQUIRE(disk.remove("log/00000002.pack").ok());
  logs = opened_logs(disk);
  CHECK(logs->damaged(1));
}

TEST_CASE("raft logs: sizes that cannot be written stop no log, and are written later") {
  sim::Disk disk;
  auto logs = opened_logs(disk);
  write_entries(*logs, 1, 1, 20);
  REQUIRE(logs->note_sizes().ok());
  REQUIRE(disk.make_directory("log.sizes.new").ok());  // no file of that name can be made
  write_entries(*logs, 1, 21, 30);
  CHECK_FALSE(logs->note_sizes().ok());
  CHECK(logs->not_noted());
  write_entries(*logs, 1, 31, 900, 100);
  logs.reset();
  logs = opened_logs(disk);
  CHECK(logs->not_noted());
  CHECK_FALSE(logs->damaged(1));
  CHECK(logs->find(1)->last == Index{900});

  SUBCASE("they are noted once they can be") {
    REQUIRE(disk.remove("log.sizes.new").ok());
    CHECK(logs->note_sizes().ok());
    CHECK_FALSE(logs->not_noted());
    logs.reset();
    cut_pack(disk, "00000002.pack", 5'000);
    logs = opened_logs(disk);
    CHECK(logs->damaged(1));
  }
  SUBCASE("a pack that is to go takes them with it") {
    REQUIRE(logs->compact(1, Index{890}).ok());
    for (int step = 0; step < 100 && logs->tidy().value(); ++step) {
    }
    CHECK_FALSE(disk.size("log/00000001.pack").ok());
    logs.reset();
    logs = opened_logs(disk);
    CHECK_FALSE(logs->damaged(1));
    CHECK(logs->find(1)->last == Index{900});
  }
  SUBCASE("not if they name a suspect: then the pack stays") {
    REQUIRE(disk.remove("log.sizes.new").ok());
    REQUIRE(logs->note_sizes().ok());
    logs.reset();
    REQUIRE(disk.remove("log/00000002.pack").ok());
    logs = opened_logs(disk);
    logs->keep({1});
    REQUIRE(logs->note_sizes().ok());
    logs->keep({1});
    REQUIRE(disk.make_directory("log.sizes.new").ok());
    REQUIRE(logs->compact(1, Index{890}).ok());
    CHECK_FALSE(logs->tidy().value());
    CHECK(disk.size("log/00000001.pack").ok());
    logs.reset();
    logs = opened_logs(disk);
    CHECK(logs->damaged(1));
  }
}

TEST_CASE("raft logs: what was not synced is not noted, so a crash before the sync damages no log") {
  sim::Disk disk;
  auto logs = opened_logs(disk);
  for (std::uint64_t i = 1; i <= 20; ++i)
    REQUIRE(logs->write(1, {.state = HardState{.term = Term{1}}, .entries = {entry_at(i, 1, 60)}}).ok());
  REQUIRE(logs->sync().ok());
  REQUIRE(logs->note_sizes().ok());
  REQUIRE(logs->write(1, {.entries = {entry_at(21, 1, 60)}}).ok());  // waits in memory
  REQUIRE(logs->note_sizes().ok());
  logs.reset();
  logs = opened_logs(disk);
  CHECK_FALSE(logs->damaged(1));
  CHECK(logs->find(1)->last == Index{20});
}

TEST_CASE("raft logs: packs that went because nothing in them counted are not missing") {
  sim::Disk disk;
  auto logs = opened_logs(disk);
  for (std::uint64_t i = 1; i <= 800; ++i) {
    REQUIRE(logs->write(1, {.entries = {entry_at(i, 1, 100)}}).ok());
    if (i % 20 != 0) continue;
    REQUIRE((logs->sync().ok() && logs->note_sizes().ok()));
    if (i > 40) REQUIRE(logs->compact(1, Index{i - 40}).ok());
    REQUIRE(logs->tidy().ok());
    if (i % 100 != 0) continue;
    logs.reset();
    logs = opened_logs(disk);
    REQUIRE_FALSE(logs->damaged(1));
    CHECK(logs->find(1)->last == Index{i});
  }
  CHECK_FALSE(disk.size("log/00000001.pack").ok());
}

TEST_CASE("raft logs: a save larger than a record is divided, and read back whole") {
  sim::Disk disk;
  auto logs = opened_logs(disk);
  Save save;
  for (std::uint64_t i = 1; i <= 5; ++i) save.entries.push_back(entry_at(i, 1, 2u << 20));
  save.state = HardState{.term = Term{1}};
  REQUIRE(logs->write(9, save).ok());
  REQUIRE(logs->sync().ok());
  logs.reset();
  logs = opened_logs(disk);
  CHECK(logs->find(9)->last == Index{5});
  for (std::uint64_t i = 1; i <= 5; ++i)
    CHECK(logs->read(9, Index{i}, Index{i}, 1).value().front() == save.entries[i - 1]);
}

TEST_CASE("raft logs: what is compacted gives its space back, and logs that are not kept go") {
  sim::Disk disk;
  auto logs = opened_logs(disk);
  for (std::uint64_t i = 1; i <= 2'000; ++i)
    REQUIRE(logs->write(1 + i % 2, {.entries = {entry_at((i + 1) / 2, 1, 100)}}).ok());
  REQUIRE(logs->sync().ok());
  const auto before = disk.used_bytes();
  REQUIRE(logs->compact(1, Index{990}).ok());
  REQUIRE(logs->sync().ok());
  logs->keep({1});
  for (int i = 0; i < 1'000; ++i)
    if (!logs->tidy().value()) break;
  CHECK(disk.used_bytes() < before / 5);
  CHECK_FALSE(logs->find(2));
  CHECK(logs->read(1, Index{991}, Index{1'000}, 1u << 20).value().size() == 10);
  logs.reset();
  logs = opened_logs(disk);
  CHECK(logs->find(1)->last == Index{1'000});
  CHECK(logs->read(1, Index{991}, Index{1'000}, 1u << 20).value().size() == 10);
}

}  // namespace
}  // namespace troupe::raft
