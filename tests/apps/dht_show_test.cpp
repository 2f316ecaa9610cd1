// What the commands of the DHT print of a search.
#include "apps/dht_show.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include <sstream>

#include "apps/json.hpp"

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

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

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
