#include "actors/peers/api.hpp"

#include "actors/peers/contact.hpp"

namespace troupe::peers {

std::vector<Contact> read(wire::KnownContacts::Reader known) {
  std::vector<Contact> out;
  for (const auto contact : known.getList()) {
    if (out.size() >= kKnownContactsMax) break;
    out.push_back(read(contact));
  }
  return out;
}

}  // namespace troupe::peers
