#include "messages/contact.hpp"

#include "runtime/base/fields.hpp"

namespace troupe::messages {
void write_contact(wire::Contact::Builder to, const base::Contact& contact) {
  const auto key = base::words_of(contact.key.bytes);
  to.setKey0(key[0]);
  to.setKey1(key[1]);
  to.setKey2(key[2]);
  to.setKey3(key[3]);
  const auto address = base::words_of(contact.endpoint.address);
  to.setAddress0(address[0]);
  to.setAddress1(address[1]);
  to.setPort(contact.endpoint.port);
  to.setFlags(0);
  to.setNonce(contact.nonce);
}

base::Contact read_contact(wire::Contact::Reader from) {
  base::Contact out;
  out.key.bytes = base::from_words(from.getKey0(), from.getKey1(), from.getKey2(), from.getKey3());
  out.endpoint.address = base::from_words(from.getAddress0(), from.getAddress1());
  out.endpoint.port = from.getPort();
  out.nonce = from.getNonce();
  return out;
}

}  // namespace troupe::messages
