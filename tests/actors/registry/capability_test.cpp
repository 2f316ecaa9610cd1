#include "actors/registry/logic/capability.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::registry;

namespace {

const Capabilities kAll = {{"arch", "x86_64"},
                           {"cpu", std::uint64_t{2}},
                           {"gpu", Flag{}},
                           {"memory", std::uint64_t{8} << 30},
                           {"runtimes", Texts{"lua", "python3"}}};

bool fits(std::string_view need) {
  const auto typed = need_typed(need);
  REQUIRE(typed);
  return lacks(kAll, *typed) == nullptr;
}

}  // namespace

TEST_CASE("capability: a need holds if each of its conditions does") {
  CHECK(fits("memory>=4G"));
  CHECK(fits("memory>=8G"));
  CHECK_FALSE(fits("memory>8G"));
  CHECK(fits("memory<=8589934592"));
  CHECK_FALSE(fits("memory<8G"));
  CHECK(fits("cpu=2,arch=x86_64,gpu"));
  CHECK_FALSE(fits("cpu=2,arch=aarch64,gpu"));
  CHECK(fits("arch!=aarch64"));
  CHECK_FALSE(fits("cpu!=2"));
  CHECK(fits("runtimes=python3"));
  CHECK_FALSE(fits("runtimes=ruby"));
  CHECK(fits("runtimes!=ruby"));
  CHECK(fits("gpu=true"));
}

TEST_CASE("capability: what a node does not say it does not have") {
  CHECK_FALSE(fits("vram"));
  CHECK_FALSE(fits("vram>=1"));
  CHECK_FALSE(fits("vram<=1"));
  CHECK(fits("vram!=1"));
  CHECK_FALSE(fits("arch>=1"));  // a text is no number
}

TEST_CASE("capability: what is no need is refused") {
  for (const char* text : {"", ",", "cpu,", "cpu=", "cpu>=x", "cpu>=", "Cpu=1", "=1", "cpu>=1.5", "cpu>=-1",
                           "memory>=9000000000G", "cpu=a\nb", "1cpu"})
    CHECK_FALSE(need_typed(text));
  std::string many = "a";
  for (std::size_t i = 1; i < kNeedsMax; ++i) many += ",a";
  CHECK(need_typed(many));
  CHECK_FALSE(need_typed(many + ",a"));
}

TEST_CASE("capability: a value is typed as a number if it is one") {
  CHECK(std::get<std::uint64_t>(capability_typed("vram=8G")->value) == std::uint64_t{8} << 30);
  CHECK(std::get<std::string>(capability_typed("gpu=a100")->value) == "a100");
  CHECK(std::holds_alternative<Flag>(capability_typed("gpu")->value));
  CHECK_FALSE(capability_typed("cpu=4"));     // it is measured
  CHECK_FALSE(capability_typed("verified"));  // others find it
  CHECK_FALSE(capability_typed("gpu="));
  CHECK_FALSE(capability_typed("gpu=a,b"));
  CHECK_FALSE(capability_typed("gpu=" + std::string(kTextBytesMax + 1, 'a')));
  CHECK(capability_typed("gpu=" + std::string(kTextBytesMax, 'a')));
  CHECK_FALSE(capability_typed(std::string(kNameBytesMax + 1, 'a')));
}

TEST_CASE("capability: bytes are read back, and others refused") {
  base::Bytes bytes;
  append(bytes, kAll);
  base::FieldReader from(bytes);
  CHECK(read_capabilities(from) == kAll);
  CHECK(from.ended());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    base::FieldReader part(base::ByteView(bytes).first(cut));
    CHECK(read_capabilities(part).empty());
    CHECK_FALSE(part.ok());
  }
  base::Bytes twice;
  append(twice, {{"a", Flag{}}, {"a", Flag{}}});
  base::FieldReader wrong(twice);
  read_capabilities(wrong);
  CHECK_FALSE(wrong.ok());
}

TEST_CASE("capability: a node has few texts in all, which take more memory than bytes") {
  Capabilities all;
  Texts texts;
  for (std::size_t i = 0; i < kTextsMax; ++i) texts.push_back(std::string(1, static_cast<char>('a' + i)));
  for (char name = 'a'; name < 'e'; ++name) all.push_back({std::string(1, name), texts});
  CHECK(in_order(all));
  all.push_back({"e", Texts{"y"}});
  CHECK_FALSE(in_order(all));
  base::Bytes bytes;
  append(bytes, all);
  base::FieldReader from(bytes);
  CHECK(read_capabilities(from).empty());
  CHECK_FALSE(from.ok());
}

TEST_CASE("capability: one takes the place of another of its name") {
  Capabilities all = kAll;
  put(all, {"gpu", "a100"});
  put(all, {"zone", "eu"});
  CHECK(all.size() == kAll.size() + 1);
  CHECK(in_order(all));
  CHECK(std::get<std::string>(all[2].value) == "a100");
}
