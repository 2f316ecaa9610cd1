// What is read of the words of others, and what is not.
#include "actors/dht/wire.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include "messages/contact.hpp"
#include "tests/actors/dht/records.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::dht;

namespace {

base::Contact contact_of(std::uint8_t first, const char* where = "192.0.2.1:4000") {
  base::Contact out;
  out.key.bytes[0] = first;
  out.endpoint = *base::Endpoint::parse(where);
  return out;
}
std::optional<Contact> read(const base::Contact& from, unsigned work_bits = 0) {
  capnp::MallocMessageBuilder message;
  auto out = message.initRoot<messages::wire::Contact>();
  messages::write_contact(out, from);
  return read_contact(out.asReader(), work_bits);
}

}  // namespace

TEST_CASE("dht wire: a contact is read with the id of its key, if it shows its work and can be dialled") {
  const auto one = read(contact_of(1));
  REQUIRE(one);
  CHECK(one->where == contact_of(1));
  CHECK(one->id == crypto::node_id(contact_of(1).key, 0));
  CHECK_FALSE(read(contact_of(1), 24));
  for (const char* const where : {"0.0.0.0:4000", "224.0.0.1:4000", "[::]:4000"})
    CHECK_FALSE(read(contact_of(1, where)));
  auto no_port = contact_of(1);
  no_port.endpoint.port = 0;
  CHECK_FALSE(read(no_port));
}

TEST_CASE("dht wire: of a list no more is looked at than wanted") {
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<wire::Nodes>().initContacts(30);
  for (unsigned i = 0; i < list.size(); ++i)
    messages::write_contact(list[i], contact_of(static_cast<std::uint8_t>(i + 1)));
  messages::write_contact(list[3], contact_of(4, "0.0.0.0:1"));
  const auto taken = read_contacts(list.asReader(), 20, 0);
  CHECK(taken.size() == 19);
  CHECK(read_contacts(list.asReader(), 0, 0).empty());
  CHECK(read_contacts(list.asReader(), 100, 0).size() == 29);
}

TEST_CASE("dht wire: an asker is who sends, or nobody") {
  troupe::test::ActorFixture actors;
  DhtSettings settings;
  settings.identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(actors.ports.world().chance, 0));
  settings.endpoint = *base::Endpoint::parse("192.0.2.1:4000");
  capnp::MallocMessageBuilder message;
  auto asker = message.initRoot<wire::Asker>();
  CHECK_FALSE(read_asker(asker.asReader(), settings.identity->id(), 0));  // it says nothing
  write_asker(asker, settings);
  const auto read = read_asker(asker.asReader(), settings.identity->id(), 0);
  REQUIRE(read);
  CHECK(read->where.endpoint == settings.endpoint);
  CHECK_FALSE(read_asker(asker.asReader(), key(1), 0));
  CHECK_FALSE(read_asker(asker.asReader(), std::nullopt, 0));
  CHECK_FALSE(read_asker(asker.asReader(), settings.identity->id(), 30));
  settings.endpoint = {};
  write_asker(asker, settings);
  const auto client = read_asker(asker.asReader(), settings.identity->id(), 0);
  REQUIRE(client);
  CHECK_FALSE(client->where.endpoint.dialable());
}

TEST_CASE("dht wire: a key has 20 bytes") {
  const base::Bytes bytes(21, 7);
  for (const std::size_t size : {0, 19, 21}) CHECK_FALSE(read_key(data_of(base::ByteView(bytes).first(size))));
  CHECK(read_key(data_of(base::ByteView(bytes).first(20))));
}

TEST_CASE("dht wire: each reason why a record is no good has its own words") {
  std::vector<std::string> all;
  for (const auto why :
       {RecordError::malformed, RecordError::oversize, RecordError::foreign_key, RecordError::bad_signature,
        RecordError::expired, RecordError::from_the_future, RecordError::too_long_lived, RecordError::lacks_work}) {
    const auto error = to_error(why);
    CHECK((error.code == base::Code::malformed || error.code == base::Code::refused));
    CHECK(std::ranges::find(all, error.message) == all.end());
    all.push_back(error.message);
  }
  for (const auto ending :
       {Ending::found, Ending::converged, Ending::gave_up, Ending::nobody, Ending::deadline, Ending::cancelled})
    CHECK_FALSE(name(ending).empty());
}

TEST_CASE("dht wire: a loopback address is believed from loopback alone") {
  const auto at = [](const char* where) { return *base::Endpoint::parse(where); };
  CHECK(believed(at("192.0.2.1:4000"), at("198.51.100.1:4000")));
  CHECK(believed(at("127.0.0.1:4000"), at("127.0.0.2:4000")));
  CHECK(believed(at("192.0.2.1:4000"), at("127.0.0.1:4000")));
  CHECK_FALSE(believed(at("127.0.0.1:4000"), at("192.0.2.1:4000")));
  CHECK_FALSE(believed(at("[::1]:4000"), at("[2001:db8::1]:4000")));
}
