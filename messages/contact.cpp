#include "messages/contact.hpp"

namespace troupe::messages {
namespace {

template <std::size_t N>
std::uint64_t word(const std::array<std::uint8_t, N>& bytes, std::size_t index) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 8; ++i) out |= std::uint64_t{bytes[8 * index + i]} << (8 * i);
  return out;
}

template <std::size_t N>
void set_word(std::array<std::uint8_t, N>& bytes, std::size_t index, std::uint64_t word) {
  for (std::size_t i = 0; i < 8; ++i) bytes[8 * index + i] = static_cast<std::uint8_t>(word >> (8 * i));
}

}  // namespace

void write_contact(wire::Contact::Builder to, const base::Contact& contact) {
  to.setKey0(word(contact.key.bytes, 0));
  to.setKey1(word(contact.key.bytes, 1));
  to.setKey2(word(contact.key.bytes, 2));
  to.setKey3(word(contact.key.bytes, 3));
  to.setAddress0(word(contact.endpoint.address, 0));
  to.setAddress1(word(contact.endpoint.address, 1));
  to.setPort(contact.endpoint.port);
  to.setFlags(0);
  to.setNonce(contact.nonce);
}

base::Contact read_contact(wire::Contact::Reader from) {
  base::Contact out;
  set_word(out.key.bytes, 0, from.getKey0());
  set_word(out.key.bytes, 1, from.getKey1());
  set_word(out.key.bytes, 2, from.getKey2());
  set_word(out.key.bytes, 3, from.getKey3());
  set_word(out.endpoint.address, 0, from.getAddress0());
  set_word(out.endpoint.address, 1, from.getAddress1());
  out.endpoint.port = from.getPort();
  out.nonce = from.getNonce();
  return out;
}

}  // namespace troupe::messages
