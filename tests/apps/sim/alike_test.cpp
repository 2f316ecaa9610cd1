// When two failures are the same one, on messages as the simulator writes them.
#include "apps/sim/alike.hpp"

#include <doctest/doctest.h>

namespace troupe::apps {
namespace {

using Parts = std::set<std::string>;

Outcome failed(std::string invariant, std::string why) {
  return {.invariant = std::move(invariant), .why = std::move(why)};
}

TEST_CASE("sim alike: the class of a message has no names and numbers of its world") {
  CHECK((failure_class("") == Parts{}));
  CHECK((failure_class("nobody holds file-17 of n4") == Parts{"nobody holds file-# of #"}));
  CHECK((failure_class("n2 /peer/9f3c66ab: held (a/b.cpp:123)") == Parts{"# /peer/#", "held (a/b.cpp:#)"}));
  CHECK((failure_class("n1 knows deadbeef, at 10.0.0.1:4000 since 1,200.5 s") == Parts{"# knows #, at #:# since # s"}));
  CHECK((failure_class("n1, n4 n5 wait for defaced faces") == Parts{"# wait for defaced faces"}));
  CHECK((failure_class("the setting \"net.a\\\"b: c\" is wrong") == Parts{"the setting \"\" is wrong"}));
  CHECK((failure_class("an end \"that never comes") == Parts{"an end \"\""}));
  CHECK((failure_class("ends in a \"\\") == Parts{"ends in a \"\""}));
}

TEST_CASE("sim alike: of what many wait for each kind counts once, whoever waits, and in any order") {
  const auto one = failure_class("at the end: n1 has 2 links of 4; n3 does not serve; n2 has 0 links of 1; and 7 more");
  CHECK((one == Parts{"at the end", "# has # links of #", "# does not serve"}));
  CHECK(one == failure_class("at the end: n6 does not serve; n1 has 1 links of 2"));
}

TEST_CASE("sim alike: two bugs behind one invariant are two failures") {
  const Outcome claims = failed("sim.actor-breaks", "n1 /files: a claim ends once (actors/files/x.cpp:7)");
  const Outcome same = failed("sim.actor-breaks", "n3 /files: a claim ends once (actors/files/x.cpp:9)");
  const Outcome path = failed("sim.actor-breaks", "n1 /peers: a claim ends once (actors/files/x.cpp:7)");
  const Outcome other = failed("sim.actor-breaks", "n1 /files: rows are sorted (actors/files/x.cpp:7)");
  CHECK(alike(same, claims));
  CHECK_FALSE(alike(path, claims));
  CHECK_FALSE(alike(other, claims));
  CHECK_FALSE(alike(failed("kept", claims.why), claims));
  CHECK_FALSE(alike(Outcome{}, claims));
  CHECK(group_of(same) == group_of(claims));
  CHECK(group_of(path) != group_of(claims));
  CHECK(group_of(other) != group_of(claims));
}

TEST_CASE("sim alike: a smaller world may say less of what failed, never something else") {
  const Outcome whole = failed("sim.converges", "at the end: n1 does not serve; n2 holds 3 objects of no file");
  CHECK(alike(failed("sim.converges", "at the end: n2 holds 1 objects of no file"), whole));
  CHECK_FALSE(alike(failed("sim.converges", "at the end: n2 restores copies"), whole));
  CHECK_FALSE(alike(failed("sim.converges", "at the end: n1 does not serve; n2 restores copies"), whole));
  CHECK_FALSE(alike(failed("sim.converges", "after all faults had ended: n1 does not serve"), whole));
}

}  // namespace
}  // namespace troupe::apps
