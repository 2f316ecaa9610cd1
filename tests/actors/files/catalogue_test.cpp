#include "actors/files/logic/catalogue.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "actors/files/logic/catalogue_rows.hpp"
#include "tests/actors/files/bytes.hpp"

using namespace troupe;
using namespace troupe::files;
using namespace std::chrono_literals;

namespace {

const ContentKey kManifest = ContentKey::manifest(cid(10));
using Disk = std::map<base::Bytes, base::Bytes>;

Entry entry(std::uint8_t file, std::string name = "report.txt") {
  Entry out;
  out.cid = cid(file);
  out.name = std::move(name);
  out.bytes = 1000;
  out.chunks = 1;
  out.replicas = 2;
  out.added = kToday;
  return out;
}

std::vector<HeldContent> contents(std::vector<base::NodeId> holders) {
  return {{kManifest, holders}, {content(0), holders}};
}

void perform(Catalogue& catalogue, const Change& change, Disk* disk = nullptr) {
  catalogue.apply(change);
  if (disk == nullptr) return;
  for (const base::Bytes& key : change.erase) disk->erase(key);
  for (const Row& row : change.save) (*disk)[row.key] = row.value;
}

void add(Catalogue& catalogue, const Entry& what, std::vector<base::NodeId> holders,
         std::vector<base::NodeId> unbound = {}) {
  const auto change = catalogue.plan_add(put_id(1), what, contents(holders), unbound, kToday);
  REQUIRE(change.ok());
  perform(catalogue, change.value());
}

std::vector<Release> all_releases(const Catalogue& catalogue) { return catalogue.releases(1000, std::nullopt); }

}  // namespace

TEST_CASE("catalogue: the copies of a file end with the holder that was silent longest, also after a restart") {
  Catalogue catalogue;
  Disk disk;
  add(catalogue, entry(10), {node(1), node(2)});
  perform(catalogue, {}, &disk);
  CHECK_FALSE(catalogue.copies_end(cid(10)));
  perform(catalogue, catalogue.plan_kept(node(1), {100, 30}), &disk);
  CHECK(catalogue.plan_kept(node(1), {100, 30}).empty());
  perform(catalogue, catalogue.plan_kept(node(2), {90, 35}), &disk);
  perform(catalogue, catalogue.plan_kept(node(3), {10, 30}), &disk);  // holds nothing
  CHECK(catalogue.copies_end(cid(10)) == base::WallTime(125 * 24h));
  CHECK_FALSE(catalogue.copies_end(cid(11)));
  CHECK(catalogue.leftovers().erase.size() == 1);
  REQUIRE(disk.size() == 3);
  CHECK(base::hex(disk.begin()->first) == "6b01" + std::string(38, '0'));
  CHECK(base::hex(disk.begin()->second) == "640000001e00");
  Catalogue again;
  for (const auto& [key, value] : disk) CHECK(again.load({key, value}).ok());
  Row row{disk.begin()->first, disk.begin()->second};
  SUBCASE("a value cut short") { row.value.pop_back(); }
  SUBCASE("no days") { row.value[4] = 0; }
  SUBCASE("a date that is none") { row.value[3] = 0xff; }
  SUBCASE("a key too long") { row.key.push_back(0); }
  CHECK_FALSE(again.load(row).ok());
}

TEST_CASE("catalogue: a put is known from its first store to its entry") {
  Catalogue catalogue;
  perform(catalogue, catalogue.plan_put(put_id(1), kToday).value());
  CHECK(catalogue.puts().size() == 1);
  add(catalogue, entry(10), {node(1), node(2)});
  CHECK(catalogue.puts().empty());
  REQUIRE(catalogue.find(cid(10)) != nullptr);
  CHECK(*catalogue.find(cid(10)) == entry(10));
  CHECK(catalogue.holders(cid(10), content(0)) == std::vector{node(1), node(2)});
  CHECK(catalogue.contents_count() == 2);
  CHECK(catalogue.releases_count() == 0);
}

TEST_CASE("catalogue: a put that was cut off is released wherever it may have stored") {
  Catalogue catalogue;
  perform(catalogue, catalogue.plan_put(put_id(1), kToday).value());
  perform(catalogue, catalogue.plan_abandon(put_id(1), std::vector{node(1), node(2)}, kToday));
  CHECK(catalogue.puts().empty());
  const auto releases = all_releases(catalogue);
  REQUIRE(releases.size() == 2);
  CHECK(releases[0] == Release{ClaimKind::put, {put_id(1).bytes}, node(1)});
  perform(catalogue, catalogue.plan_released(releases[0]));
  CHECK(all_releases(catalogue) == std::vector{releases[1]});
  CHECK(catalogue.plan_released(releases[0]).empty());
}

TEST_CASE("catalogue: a node that did not say it bound is told to release the put, and the file when it goes") {
  Catalogue catalogue;
  add(catalogue, entry(10), {node(1)}, {node(2)});
  CHECK(all_releases(catalogue) == std::vector{Release{ClaimKind::put, {put_id(1).bytes}, node(2)}});
  perform(catalogue, catalogue.plan_remove(cid(10), kToday).value());
  CHECK(all_releases(catalogue).size() == 3);
}

TEST_CASE("catalogue: removing a file forgets it and tells every node that ever claimed for it") {
  Catalogue catalogue;
  CHECK(catalogue.plan_remove(cid(10), kToday).error() == CatalogueError::not_found);
  add(catalogue, entry(10), {node(1), node(2)});
  add(catalogue, entry(11), {node(1)});
  perform(catalogue, catalogue.plan_held(cid(10), content(0), node(3), {}, kToday));
  perform(catalogue, catalogue.plan_holders(cid(10), content(0), std::vector{node(1)}));
  perform(catalogue, catalogue.plan_remove(cid(10), kToday).value());
  CHECK(catalogue.find(cid(10)) == nullptr);
  CHECK(catalogue.contents(cid(10)).empty());
  CHECK(catalogue.claimed_at(cid(10)).empty());
  CHECK(catalogue.find(cid(11)) != nullptr);
  CHECK(catalogue.contents_count() == 2);
  std::vector<base::NodeId> told;
  for (const Release& release : all_releases(catalogue)) {
    CHECK(release.kind == ClaimKind::file);
    CHECK(release.name.bytes == cid(10).bytes);
    told.push_back(release.node);
  }
  CHECK(told == std::vector{node(1), node(2), node(3)});

  SUBCASE("putting it again takes the releases of its holders back, so that they do not end the new claims") {
    add(catalogue, entry(10), {node(1)});
    for (const Release& release : all_releases(catalogue)) CHECK(release.node != node(1));
    CHECK(catalogue.releases_count() == 2);
  }
  SUBCASE("a copy that arrives too late is released") {
    perform(catalogue, catalogue.plan_held(cid(10), content(0), node(4), {}, kToday));
    CHECK(catalogue.releases_count() == 4);
    CHECK(catalogue.contents(cid(10)).empty());
  }
}

TEST_CASE("catalogue: putting a file again renames it and keeps the holders it has") {
  Catalogue catalogue;
  add(catalogue, entry(10), {node(1), node(2)});
  add(catalogue, entry(10, "other.txt"), {node(2), node(3)});
  CHECK(catalogue.entries().size() == 1);
  CHECK(catalogue.find(cid(10))->name == "other.txt");
  CHECK(catalogue.holders(cid(10), content(0)) == std::vector{node(2), node(3), node(1)});
}

TEST_CASE("catalogue: a full list of holders gives up an absent one, and no other") {
  Catalogue catalogue;
  std::vector<base::NodeId> sixteen;
  for (std::uint8_t i = 1; i <= kReplicasMax; ++i) sixteen.push_back(node(i));
  add(catalogue, entry(10), sixteen);
  perform(catalogue, catalogue.plan_held(cid(10), content(0), node(50), {}, kToday));
  CHECK(catalogue.holders(cid(10), content(0)) == sixteen);
  perform(catalogue, catalogue.plan_held(cid(10), content(0), node(51), std::vector{node(5)}, kToday));
  const auto& holders = catalogue.holders(cid(10), content(0));
  CHECK(holders.size() == kReplicasMax);
  CHECK(holders.back() == node(51));
  CHECK(std::find(holders.begin(), holders.end(), node(5)) == holders.end());
  CHECK(catalogue.claimed_at(cid(10)).contains(node(50)));  // it has a claim, and must be told when the file goes
}

TEST_CASE("catalogue: each limit is kept, and what is beyond it changes nothing") {
  Catalogue catalogue(CatalogueLimits{.entries_max = 1, .contents_max = 3, .puts_max = 1, .releases_max = 1});
  perform(catalogue, catalogue.plan_put(put_id(1), kToday).value());
  CHECK(catalogue.plan_put(put_id(2), kToday).error() == CatalogueError::full);
  add(catalogue, entry(10), {node(1), node(2)});
  CHECK(catalogue.plan_add(put_id(1), entry(11), contents({}), {}, kToday).error() == CatalogueError::full);
  CHECK(catalogue.plan_add(put_id(1), entry(10), contents({}), {}, kToday).ok());
  auto more = contents({node(1)});
  more.push_back({content(1), {node(1)}});
  CHECK(catalogue.plan_add(put_id(1), entry(10), more, {}, kToday).ok());
  more.push_back({content(2), {node(1)}});
  CHECK(catalogue.plan_add(put_id(1), entry(10), more, {}, kToday).error() == CatalogueError::full);
  CHECK(catalogue.plan_add(put_id(1), entry(10, "a/b"), contents({}), {}, kToday).error() == CatalogueError::bad_name);
  perform(catalogue, catalogue.plan_remove(cid(10), kToday).value());
  CHECK(catalogue.releases_count() == 2);
  perform(catalogue, catalogue.plan_give_up(kToday));
  CHECK(catalogue.releases_count() == 1);
}

TEST_CASE("catalogue: a release is tried for a week, in turn with the others") {
  Catalogue catalogue;
  perform(catalogue, catalogue.plan_abandon(put_id(1), std::vector{node(1), node(2), node(3)}, kToday));
  const auto first = catalogue.releases(2, std::nullopt);
  REQUIRE(first.size() == 2);
  const auto next = catalogue.releases(2, first.back());
  REQUIRE(next.size() == 2);
  CHECK(next[0].node == node(3));
  CHECK(next[1].node == node(1));
  CHECK(catalogue.releases(100, first[0]).size() == 3);
  CHECK(catalogue.plan_give_up(kToday + kReleaseTriesFor - 1s).empty());
  CHECK(catalogue.plan_give_up(kToday + kReleaseTriesFor).erase.size() == 3);
}

TEST_CASE("catalogue: puts are released before files, and it is known where that is still to be done") {
  Catalogue catalogue;
  add(catalogue, entry(10), {node(1), node(2)});
  perform(catalogue, catalogue.plan_remove(cid(10), kToday).value());
  CHECK(catalogue.nodes_with_puts_to_release().empty());
  perform(catalogue, catalogue.plan_abandon(put_id(1), std::vector{node(2), node(3)}, kToday));
  CHECK((catalogue.nodes_with_puts_to_release() == std::set{node(2), node(3)}));
  const auto all = catalogue.releases(10, std::nullopt);
  REQUIRE(all.size() == 4);
  CHECK(all[0].kind == ClaimKind::put);
  CHECK(all[1].kind == ClaimKind::put);
  CHECK(all[2].kind == ClaimKind::file);
  perform(catalogue, catalogue.plan_released(all[0]));
  perform(catalogue, catalogue.plan_released(all[1]));
  CHECK(catalogue.nodes_with_puts_to_release().empty());
}

TEST_CASE("catalogue: a pin is kept") {
  Catalogue catalogue;
  CHECK(catalogue.plan_pin(cid(10), true).error() == CatalogueError::not_found);
  add(catalogue, entry(10), {node(1)});
  perform(catalogue, catalogue.plan_pin(cid(10), true).value());
  CHECK(catalogue.find(cid(10))->pinned);
}

TEST_CASE("catalogue: a restart reads what was written, and rows without an entry are left over") {
  Catalogue catalogue;
  Disk disk;
  auto with_expiry = entry(10);
  with_expiry.expires = kToday + 24h;
  with_expiry.pinned = true;
  perform(catalogue, catalogue.plan_put(put_id(9), kToday).value(), &disk);
  perform(catalogue, catalogue.plan_add(put_id(1), with_expiry, contents({node(1)}), {}, kToday).value(), &disk);
  perform(catalogue, catalogue.plan_add(put_id(1), entry(11, ""), contents({}), {}, kToday).value(), &disk);
  perform(catalogue, catalogue.plan_abandon(put_id(3), std::vector{node(7)}, kToday), &disk);
  Catalogue again;
  for (const auto& [key, value] : disk) REQUIRE(again.load({key, value}).ok());
  CHECK(again.entries() == catalogue.entries());
  CHECK(again.contents(cid(10)) == catalogue.contents(cid(10)));
  CHECK(again.claimed_at(cid(10)) == catalogue.claimed_at(cid(10)));
  CHECK(again.puts() == catalogue.puts());
  CHECK(all_releases(again) == all_releases(catalogue));
  CHECK(again.contents_count() == catalogue.contents_count());
  CHECK(again.leftovers().empty());

  SUBCASE("rows of a file whose entry was never written") {
    REQUIRE(again.load(holders_row(cid(12), content(0), {})).ok());
    REQUIRE(again.load(claimed_at_row(cid(12), node(1))).ok());
    const Change leftovers = again.leftovers();
    CHECK(leftovers.erase.size() == 2);
    again.apply(leftovers);
    CHECK(again.leftovers().empty());
    CHECK(again.contents_count() == catalogue.contents_count());
  }
}

TEST_CASE("catalogue: a row with a changed byte is refused or is another row, and never ends the node") {
  const std::vector<Row> rows{entry_row(entry(10)), holders_row(cid(10), content(0), std::vector{node(1), node(2)}),
                              claimed_at_row(cid(10), node(1)), put_row(put_id(1), kToday),
                              release_row({ClaimKind::file, {}, node(1)}, kToday)};
  for (const Row& row : rows) CHECK(Catalogue().load(row).ok());
  CHECK(rc::check([&] {
    Row row = *rc::gen::elementOf(rows);
    base::Bytes& side = *rc::gen::arbitrary<bool>() || row.value.empty() ? row.key : row.value;
    const auto at = *rc::gen::inRange<std::size_t>(0, side.size());
    switch (*rc::gen::inRange(0, 3)) {
      case 0: side[at] = *rc::gen::arbitrary<std::uint8_t>(); break;
      case 1: side.resize(at); break;
      default: side.push_back(*rc::gen::arbitrary<std::uint8_t>());
    }
    Catalogue catalogue;
    if (!catalogue.load(row).ok()) return;
    for (const auto& [cid, entry] : catalogue.entries()) RC_ASSERT(entry_row(entry) == row);
  }));
  CHECK_FALSE(parse_holders(holders_row(cid(1), content(0), std::vector{node(1), node(1)}).value).has_value());
  CHECK_FALSE(parse_holders(base::Bytes((kReplicasMax + 1) * 20)).has_value());
  CHECK_FALSE(parse_seconds(base::Bytes(8, 0xff)).has_value());
}
