// The files of the trail on a simulated disk that fails, loses power, or is changed by another program.
#include "actors/audit/trail.hpp"

#include <doctest/doctest.h>

#include "runtime/base/random.hpp"
#include "runtime/sim/disk.hpp"
#include "tests/actors/audit/records.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::audit;
using ports::DiskError;
using sim::DiskOperation;

namespace {

struct TrailFixture {
  void open() {
    trail = nullptr;
    auto opened = Trail::open(disk, "audit", stored, limits);
    REQUIRE(opened.ok());
    trail = std::move(opened).value();
  }
  /// Appends records and syncs them together.
  ports::DiskResult<void> append(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) trail->append(record_of(trail->head().last.seq + 1 + moved));
    return trail->sync();
  }
  /// The store learns the head, as it is now.
  void store() { stored = trail->head(); }
  void crash(std::uint64_t seed = 1) {
    base::Random power(seed);
    trail = nullptr;
    disk.crash(power);
  }
  std::vector<std::string> lines(std::uint64_t since = 0) const {
    std::vector<std::string> out;
    base::Bytes next;
    do {
      const auto page = trail->read(next, since, [](std::string_view) { return true; });
      REQUIRE(page.ok());
      CHECK(page.value().lines.size() <= kPageLines);
      out.insert(out.end(), page.value().lines.begin(), page.value().lines.end());
      next = page.value().next;
    } while (!next.empty());
    return out;
  }
  std::vector<std::uint64_t> numbers() const {
    std::vector<std::uint64_t> out;
    for (const std::string& text : lines()) {
      const auto line = parse_line(text);
      out.push_back(line ? line->mark.seq : 0);
    }
    return out;
  }
  std::optional<std::uint64_t> bad() const { return first_bad(trail->head(), lines()); }
  std::vector<std::string> names() {
    auto out = disk.list("audit");
    REQUIRE(out.ok());
    return out.value();
  }
  /// Writes to a file of the trail, as another program would.
  void write(const std::string& name, std::string_view text) {
    const auto file = disk.open("audit/" + name, ports::OpenMode::append);
    REQUIRE(file.ok());
    REQUIRE(file.value()->append(base::as_bytes(text)).ok());
    REQUIRE(file.value()->sync().ok());
  }
  void cut(const std::string& name, std::uint64_t bytes) {
    const auto file = disk.open("audit/" + name, ports::OpenMode::append);
    REQUIRE(file.ok());
    REQUIRE(file.value()->truncate(bytes).ok());
    REQUIRE(file.value()->sync().ok());
  }

  sim::Disk disk;
  std::optional<Head> stored;
  TrailLimits limits;
  std::uint64_t moved = 0;  // how much later records are, so that none is equal to an earlier record
  std::unique_ptr<Trail> trail;
};

const std::string kFirst = "0000000000000001.jsonl";

std::vector<std::uint64_t> from_to(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> out;
  for (; from <= to; ++from) out.push_back(from);
  return out;
}

}  // namespace

TEST_CASE("audit trail: an empty trail has no record, and the first record begins a file") {
  TrailFixture it;
  it.open();
  CHECK(it.trail->head() == Head{});
  CHECK(it.lines().empty());
  CHECK(it.names().empty());
  REQUIRE(it.append(2).ok());
  CHECK(it.names() == std::vector<std::string>{kFirst});
  CHECK(it.lines() == Lines(2).lines);
  CHECK(it.trail->head().last == Lines(2).head.last);
  CHECK(it.trail->last_ms() == record_of(2).unix_ms);
}

TEST_CASE("audit trail: a trail that is opened again continues its chain") {
  TrailFixture it;
  it.limits.file_bytes = 600;
  it.open();
  for (int i = 0; i < 5; ++i) REQUIRE(it.append(3).ok());
  CHECK(it.trail->files() == 5);
  SUBCASE("with the head that the store knows") { it.store(); }
  SUBCASE("with an older head") { it.stored = Lines(8).head; }
  SUBCASE("with the head at the end of an earlier file") { it.stored = Lines(3).head; }
  SUBCASE("with a head before the first record") { it.stored = Head{}; }
  SUBCASE("from the files alone") {}
  it.crash();
  it.open();
  CHECK(it.trail->damage().empty());
  CHECK(it.trail->head() == Lines(15).head);
  CHECK(it.trail->last_ms() == record_of(15).unix_ms);
  REQUIRE(it.append(2).ok());
  CHECK(it.lines() == Lines(17).lines);
  CHECK(!it.bad());
}

TEST_CASE("audit trail: an unfinished last line is cut, and later records follow the line before it") {
  TrailFixture it;
  it.open();
  REQUIRE(it.append(3).ok());
  it.store();
  const std::string next = Lines(4).lines[3];
  for (const std::size_t bytes : {std::size_t{1}, next.size() / 2, next.size()}) {
    it.crash();
    it.write(kFirst, next.substr(0, bytes));
    it.open();
    CHECK(it.trail->damage().empty());
    CHECK(it.lines() == Lines(3).lines);
  }
  REQUIRE(it.append(2).ok());
  CHECK(it.lines() == Lines(5).lines);
  CHECK(!it.bad());
}

TEST_CASE("audit trail: missing last records are damage, and verification names the first of them") {
  TrailFixture it;
  it.open();
  REQUIRE(it.append(5).ok());
  it.store();
  it.crash();
  const Lines three(3);
  SUBCASE("cut between records") {
    it.cut(kFirst, three.lines[0].size() + three.lines[1].size() + three.lines[2].size() + 3);
  }
  SUBCASE("cut in a record") {
    it.cut(kFirst, three.lines[0].size() + three.lines[1].size() + three.lines[2].size() + 40);
  }
  it.open();
  CHECK(it.trail->damage() == "the last records of the trail are missing");
  CHECK(it.trail->head() == Lines(5).head);
  REQUIRE(it.append(2).ok());
  CHECK(it.numbers() == std::vector<std::uint64_t>{1, 2, 3, 6, 7});
  CHECK(it.bad() == 4);
  it.store();
  it.crash();
  it.open();
  REQUIRE(it.append(1).ok());
  CHECK(it.numbers() == std::vector<std::uint64_t>{1, 2, 3, 6, 7, 8});
  CHECK(it.bad() == 4);
}

TEST_CASE("audit trail: removed files are damage, and verification names their first record") {
  TrailFixture it;
  it.limits.file_bytes = 1'000;
  it.open();
  for (int i = 0; i < 3; ++i) REQUIRE(it.append(3).ok());
  it.store();
  it.crash();
  std::uint64_t bad = 1;
  SUBCASE("all files") {
    for (const std::string& name : it.names()) REQUIRE(it.disk.remove("audit/" + name).ok());
  }
  SUBCASE("the first file") { REQUIRE(it.disk.remove("audit/" + kFirst).ok()); }
  SUBCASE("the last file") {
    REQUIRE(it.disk.remove("audit/0000000000000007.jsonl").ok());
    bad = 7;
  }
  it.open();
  CHECK(!it.trail->damage().empty());
  CHECK(it.bad() == bad);
  REQUIRE(it.append(2).ok());
  CHECK(it.trail->head().last.seq == 11);
  CHECK(it.bad() == bad);
}

TEST_CASE("audit trail: a changed record is damage, and verification names it, also after further records") {
  for (std::uint64_t at = 1; at <= 6; ++at) {
    CAPTURE(at);
    TrailFixture it;
    it.open();
    REQUIRE(it.append(6).ok());
    const bool known = at % 2 == 0;  // whether the store knows the head
    if (known) it.store();
    it.crash();
    std::uint64_t offset = 30;
    for (std::uint64_t i = 1; i < at; ++i) offset += Lines(6).lines[i - 1].size() + 1;
    REQUIRE(it.disk.corrupt("audit/" + kFirst, offset, 1));
    it.open();
    CHECK(it.trail->damage() == "records of the trail were changed");
    if (known) CHECK(it.trail->head() == Lines(6).head);
    CHECK(it.bad() == at);
    it.moved = 10;
    REQUIRE(it.append(2).ok());
    it.store();
    REQUIRE(it.append(1).ok());  // the store does not know it yet
    const auto before = it.lines();
    const Head head = it.trail->head();
    it.crash();
    it.open();
    CHECK(it.trail->head() == head);
    REQUIRE(it.append(1).ok());
    auto after = it.lines();
    REQUIRE(after.size() == before.size() + 1);
    after.pop_back();
    CHECK(after == before);
    CHECK(it.bad() == at);
  }
}

TEST_CASE("audit trail: a file ends once it is large enough, and is named after its first record") {
  TrailFixture it;
  const Lines all(12);
  it.limits.file_bytes = all.lines[0].size() + all.lines[1].size() + 2;
  it.open();
  REQUIRE(it.append(1).ok());
  CHECK(it.trail->files() == 1);
  REQUIRE(it.append(1).ok());
  CHECK(it.trail->files() == 1);  // exactly full
  REQUIRE(it.append(4).ok());     // one write is never split
  REQUIRE(it.append(1).ok());
  CHECK(it.names() == std::vector<std::string>{kFirst, "0000000000000003.jsonl", "0000000000000007.jsonl"});
  CHECK(it.lines() == Lines(7).lines);
  CHECK(!it.bad());
}

TEST_CASE("audit trail: the oldest files are given up above the limit, and removed once the store knows it") {
  TrailFixture it;
  it.limits.file_bytes = 1'000;
  it.limits.bytes_max = 5'000;
  it.open();
  while (it.trail->head().first == 1) REQUIRE(it.append(4).ok());
  const Head head = it.trail->head();
  CHECK(it.trail->bytes() <= it.limits.bytes_max + 4'000);
  CHECK(head.first == 5);
  CHECK(it.names().front() == kFirst);  // until the store knows the new head
  CHECK(!first_bad(head, it.lines()));
  SUBCASE("after a crash before the store knows it, nothing is missing") {
    Head older = head;
    older.first = 1;
    older.first_prev = {};
    it.stored = older;
    it.crash();
    it.open();
    CHECK(it.trail->damage().empty());
    CHECK(it.numbers() == from_to(1, head.last.seq));
    CHECK(!it.bad());
  }
  SUBCASE("after a crash before the removal, the trail is complete, and the file is removed later") {
    it.stored = head;
    it.crash();
    it.open();
    CHECK(it.trail->damage().empty());
    CHECK(!it.bad());
    it.trail->remove_before(head.first);
    CHECK(it.numbers() == from_to(5, head.last.seq));
    CHECK(!it.bad());
  }
  SUBCASE("a removal that fails is tried again") {
    it.stored = head;
    it.disk.lose();
    it.trail->remove_before(head.first);
    CHECK(it.trail->files() == it.names().size());
    it.disk.revoke();
    it.open();
    it.trail->remove_before(head.first);
    CHECK(it.names().front() == "0000000000000005.jsonl");
  }
  SUBCASE("many rounds keep the trail below the limit, without a gap") {
    for (int i = 0; i < 50; ++i) {
      REQUIRE(it.append(4).ok());
      it.store();
      it.trail->remove_before(it.stored->first);
      CHECK(it.trail->bytes() <= it.limits.bytes_max + 4'000);
      CHECK(!it.bad());
    }
    CHECK(it.trail->head().first > 100);
    it.crash();
    it.open();
    CHECK(it.trail->damage().empty());
    CHECK(!it.bad());
  }
  SUBCASE("the first record of the next file cannot be read: no file is given up") {
    it.disk.fail(DiskOperation::read, DiskError::io);
    REQUIRE(it.append(4).ok());
    CHECK(it.trail->head().first == 5);
    CHECK(!first_bad(it.trail->head(), it.lines()));
  }
}

TEST_CASE("audit trail: a failed write leaves nothing, and the next records follow the last synced record") {
  TrailFixture it;
  it.open();
  SUBCASE("in an empty trail") {}
  SUBCASE("after other records") { REQUIRE(it.append(2).ok()); }
  SUBCASE("at the beginning of a file") {
    REQUIRE(it.append(2).ok());
    it.limits.file_bytes = 1;
    it.open();
  }
  const auto before = it.lines();
  const Head head = it.trail->head();
  for (const DiskOperation what : {DiskOperation::write, DiskOperation::sync})
    for (std::uint64_t after = 0; after < 2; ++after) {
      it.disk.fail(what, DiskError::io, after);
      if (!it.append(3).ok()) {
        REQUIRE(it.trail->reset().ok());
        CHECK(it.trail->head() == head);
        CHECK(it.lines() == before);
      } else {
        CHECK(after == 1);
        return;  // this disk makes fewer operations of the kind
      }
    }
}

TEST_CASE("audit trail: records after a failed sync survive a crash, without the records that failed") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    TrailFixture it;
    it.open();
    REQUIRE(it.append(2).ok());
    it.store();
    it.disk.fail(DiskOperation::sync, DiskError::io);
    CHECK(!it.append(3).ok());
    SUBCASE("in the same process") { REQUIRE(it.trail->reset().ok()); }
    SUBCASE("in the next process, which finds them in the file") {
      it.disk.revoke();
      it.open();
    }
    REQUIRE(it.append(2).ok());
    const auto lines = it.lines();
    it.crash(seed);
    it.open();
    CHECK(it.trail->damage().empty());
    CHECK(it.lines() == lines);
    CHECK(!it.bad());
  }
}

TEST_CASE("audit trail: a full disk refuses records, and accepts them once it has space again") {
  TrailFixture it;
  it.open();
  REQUIRE(it.append(2).ok());
  it.disk.limit(it.disk.used_bytes() + 100);
  const auto full = it.append(3);
  REQUIRE(!full.ok());
  CHECK(full.error() == DiskError::no_space);
  REQUIRE(it.trail->reset().ok());
  CHECK(it.lines() == Lines(2).lines);
  it.disk.lift(it.disk.used_bytes() + 100);
  REQUIRE(it.append(3).ok());
  CHECK(it.lines() == Lines(5).lines);
}

TEST_CASE("audit trail: synced records survive power failures, failed syncs and a store that lags behind") {
  for (std::uint64_t seed = 0; seed < test::rounds(2'000, 200); ++seed) {
    base::Random random(seed);
    TrailFixture it;
    it.limits.file_bytes = 500 + random.below(3'000);
    std::vector<std::string> synced;
    it.open();
    for (int life = 0; life < 4; ++life) {
      if (random.chance(1, 3)) it.disk.fail(DiskOperation::sync, DiskError::io, random.below(6));
      if (random.chance(1, 3)) it.disk.fail(DiskOperation::write, DiskError::io, random.below(6));
      if (random.chance(2, 3)) it.disk.halt_after(random.below(25));
      for (int step = 0; step < 6 && !it.disk.halted(); ++step) {
        const std::uint64_t first = it.trail->head().last.seq;
        if (it.append(1 + random.below(3)).ok()) {
          const auto lines = Lines(it.trail->head().last.seq).lines;
          synced.insert(synced.end(), lines.begin() + static_cast<std::ptrdiff_t>(first), lines.end());
          if (random.chance(1, 3)) it.store();
        } else if (!it.trail->reset().ok()) {
          break;
        }
      }
      it.disk.forgive();
      it.trail = nullptr;
      if (it.disk.halting() || random.chance(1, 2)) it.disk.crash(random);
      else it.disk.revoke();
      it.open();
      CHECK(it.trail->damage().empty());
      CHECK(!it.bad());
      const auto lines = it.lines();
      REQUIRE(lines.size() >= synced.size());
      CHECK(std::equal(synced.begin(), synced.end(), lines.begin()));
      synced = lines;
    }
  }
}

TEST_CASE("audit trail: pages are read in order, each below its limits") {
  TrailFixture it;
  it.limits.file_bytes = 2 * kPageBytes;
  it.open();
  for (int i = 0; i < 30; ++i) REQUIRE(it.append(100).ok());
  CHECK(it.trail->files() > 1);
  std::vector<std::string> lines;
  base::Bytes next;
  std::size_t pages = 0;
  do {
    const auto page = it.trail->read(next, 0, [](std::string_view) { return true; });
    REQUIRE(page.ok());
    std::size_t bytes = 0;
    for (const std::string& line : page.value().lines) bytes += line.size() + 1;
    CHECK(bytes <= kPageBytes);
    CHECK(page.value().lines.size() <= kPageLines);
    lines.insert(lines.end(), page.value().lines.begin(), page.value().lines.end());
    next = page.value().next;
    ++pages;
  } while (!next.empty());
  CHECK(pages > 3);
  CHECK(lines == Lines(3'000).lines);
  SUBCASE("only wanted lines") {
    const auto page = it.trail->read({}, 0, [](std::string_view line) { return test::contains(line, "\"token\""); });
    REQUIRE(page.ok());
    REQUIRE(page.value().lines.size() > 100);
    CHECK(page.value().lines[1] == lines[3]);
  }
  SUBCASE("from a time on, without the files before it") {
    const auto late = it.lines(record_of(2'900).unix_ms);
    CHECK(late.size() < 3'000);
    CHECK(late.size() >= 101);
    CHECK(late.back() == lines.back());
    CHECK(it.lines(record_of(1).unix_ms).size() == 3'000);
    CHECK(!it.lines(record_of(9'999).unix_ms).empty());  // the caller compares the times
  }
  SUBCASE("from a position that is not in a file any longer") {
    base::Bytes first(16), beyond(16, 0xff);
    CHECK(it.trail->read(first, 0, [](std::string_view) { return true; }).value().lines[0] == lines[0]);
    const auto end = it.trail->read(beyond, 0, [](std::string_view) { return true; });
    REQUIRE(end.ok());
    CHECK(end.value().lines.empty());
    CHECK(end.value().next.empty());
    base::Bytes far(16);
    far[0] = 1;
    far[15] = 0xff;  // beyond the end of the first file
    const auto second = it.trail->read(far, 0, [](std::string_view) { return true; });
    REQUIRE(second.ok());
    CHECK(second.value().lines.empty());
    CHECK(!second.value().next.empty());
  }
  SUBCASE("a read error is reported") {
    it.disk.fail(DiskOperation::read, DiskError::io);
    CHECK(!it.trail->read({}, 0, [](std::string_view) { return true; }).ok());
  }
}

TEST_CASE("audit trail: a file of other content is read in small pages, and is not verified as intact") {
  TrailFixture it;
  it.limits.file_bytes = 1;
  it.open();
  REQUIRE(it.append(1).ok());
  REQUIRE(it.append(1).ok());
  it.store();
  it.crash();
  SUBCASE("many empty lines") { it.write(kFirst, std::string(3 * kPageBytes, '\n')); }
  SUBCASE("no line break in a page") { it.write(kFirst, std::string(kPageBytes, 'x')); }
  SUBCASE("an unfinished line at the end of an earlier file") { it.write(kFirst, "x"); }
  it.open();
  CHECK(it.bad() == 2);
  CHECK(it.lines().size() > 2);
}

TEST_CASE("audit trail: other files in the directory are ignored") {
  TrailFixture it;
  it.open();
  REQUIRE(it.append(2).ok());
  for (const char* name :
       {"copy", "1.jsonl", "000000000000000x.jsonl", "-000000000000001.jsonl", "0000000000000001.json"})
    it.write(name, "x\n");
  it.crash();
  it.open();
  CHECK(it.trail->files() == 1);
  CHECK(it.lines() == Lines(2).lines);
  CHECK(!it.bad());
}
