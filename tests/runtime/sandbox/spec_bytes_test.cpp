#include "runtime/sandbox/spec_bytes.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

using namespace troupe;
using namespace troupe::sandbox;

namespace {

Spec whole_spec() {
  Spec out;
  out.root = "/images/17";
  out.command = {"/bin/sh", "-c", "echo $0", ""};
  out.environment = {"PATH=/bin", "X="};
  out.directory = "/task/in";
  out.outputs = {"out", "a/b"};
  out.hosts = {{"a.org", 80}, {"::1", 443}};
  out.binds = {{"/data/files/1", "/task/in/a"}, {"/usr", "/usr"}};
  out.limits = {{500}, 1'000'000, 65'536, 7, std::chrono::milliseconds{1'500}, 20, 99};
  out.cgroups = Cgroups::never;
  out.tripwires = Tripwires::yes;
  out.group = "troupe-0123abcd";
  return out;
}

Outcome whole_outcome() {
  Outcome out;
  out.how = Ended::signalled;
  out.status = 9;
  out.limit = Limit::output;
  out.tripwire = "mount";
  out.outputs = {0, 2};
  out.why = "why";
  out.advice = "what to do";
  out.usage = {std::chrono::seconds{1}, std::chrono::seconds{2}, 3, 4, 5, 6};
  return out;
}

/// Whether a cut or changed text is read as what it was not.
template <class Read>
void read_all_cuts(const base::Bytes& bytes, const Read& read) {
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_MESSAGE(!read(base::ByteView(bytes).first(size)), size);
  base::Bytes more = bytes;
  more.push_back(0);
  CHECK(!read(more));
}

}  // namespace

TEST_CASE("sandbox bytes: a spec and an outcome are read as they were written, and no part of them is") {
  CHECK(read_spec(write(whole_spec())) == whole_spec());
  CHECK(read_spec(write(Spec{})) == Spec{});
  CHECK(read_outcome(write(whole_outcome())) == whole_outcome());
  CHECK(read_outcome(write(Outcome{})) == Outcome{});
  CHECK(read_usage(write(whole_outcome().usage)) == whole_outcome().usage);
  CHECK(write(Usage{}).size() == kUsageBytes);
  read_all_cuts(write(whole_spec()), [](base::ByteView bytes) { return read_spec(bytes).has_value(); });
  read_all_cuts(write(whole_outcome()), [](base::ByteView bytes) { return read_outcome(bytes).has_value(); });
  read_all_cuts(write(Usage{}), [](base::ByteView bytes) { return read_usage(bytes).has_value(); });
}

TEST_CASE("sandbox bytes: what is read of any bytes is written as the same bytes") {
  CHECK(rc::check("changed bytes of a spec", [](const std::vector<std::pair<std::uint16_t, std::uint8_t>>& changes) {
    base::Bytes bytes = write(whole_spec());
    for (const auto& [at, to] : changes) bytes[at % bytes.size()] = to;
    const auto spec = read_spec(bytes);
    if (spec) RC_ASSERT(write(*spec) == bytes);
  }));
  CHECK(rc::check("any bytes", [](const base::Bytes& bytes) {
    const auto spec = read_spec(bytes);
    if (spec) RC_ASSERT(write(*spec) == bytes);
    const auto outcome = read_outcome(bytes);
    if (outcome) RC_ASSERT(write(*outcome) == bytes);
  }));
}
