#include "runtime/net/logic/hello.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <array>

#include "messages/link.capnp.h"
#include "runtime/base/fields.hpp"
#include "runtime/net/logic/frame.hpp"
#include "runtime/net/logic/role.hpp"

namespace troupe::net {
namespace {

using WireRole = messages::wire::Role;

// The most that a frame of the handshake can hold: an honest payload needs no more.
constexpr std::size_t kReadWordsMax = kHandshakeFrameBytesMax / sizeof(capnp::word);

base::Bytes flat(capnp::MessageBuilder& message) {
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {bytes.begin(), bytes.end()};
}

/// Returns the result of `read` for the payload's root, or nullopt if the payload is not such a message.
template <class T, class Out>
std::optional<Out> read_root(base::ByteView payload, std::optional<Out> (*read)(typename T::Reader)) {
  const kj::ArrayPtr<const capnp::word> words(reinterpret_cast<const capnp::word*>(payload.data()),
                                              payload.size() / sizeof(capnp::word));
  capnp::ReaderOptions options;
  options.traversalLimitInWords = kReadWordsMax;
  try {
    capnp::FlatArrayMessageReader message(words, options);
    return read(message.getRoot<T>());
  } catch (const kj::Exception&) {
    return std::nullopt;
  }
}

std::optional<messages::Role> from_wire(WireRole role) {
  switch (role) {
    case WireRole::PEER: return messages::Role::peer;
    case WireRole::VIEW: return messages::Role::view;
    case WireRole::OPERATE: return messages::Role::operate;
    case WireRole::INSIDE: break;
  }
  return std::nullopt;
}

std::optional<Hello> read_hello(wire::Hello::Reader from) {
  const auto role = from_wire(from.getRole());
  const VersionRange versions{from.getVersionMin(), from.getVersionMax()};
  if (!role || versions.min > versions.max) return std::nullopt;
  Hello hello;
  hello.key.bytes = base::from_words(from.getKey0(), from.getKey1(), from.getKey2(), from.getKey3());
  hello.nonce = from.getNonce();
  hello.versions = versions;
  hello.schema.bytes = base::from_words(from.getSchema0(), from.getSchema1(), from.getSchema2(), from.getSchema3());
  hello.role = *role;
  hello.start = from.getStart();
  return hello;
}

std::optional<crypto::Signature> read_proof(wire::Proof::Reader from) {
  return crypto::Signature{base::from_words(from.getSignature0(), from.getSignature1(), from.getSignature2(),
                                            from.getSignature3(), from.getSignature4(), from.getSignature5(),
                                            from.getSignature6(), from.getSignature7())};
}

}  // namespace

base::Bytes encode(const Hello& hello) {
  capnp::MallocMessageBuilder message(64);
  auto to = message.initRoot<wire::Hello>();
  const auto key = base::words_of(hello.key.bytes);
  to.setKey0(key[0]);
  to.setKey1(key[1]);
  to.setKey2(key[2]);
  to.setKey3(key[3]);
  to.setNonce(hello.nonce);
  to.setVersionMin(hello.versions.min);
  to.setVersionMax(hello.versions.max);
  const auto schema = base::words_of(hello.schema.bytes);
  to.setSchema0(schema[0]);
  to.setSchema1(schema[1]);
  to.setSchema2(schema[2]);
  to.setSchema3(schema[3]);
  to.setRole(wire_role(hello.role));
  to.setStart(hello.start);
  return flat(message);
}

base::Bytes encode_proof(const crypto::Signature& signature) {
  capnp::MallocMessageBuilder message(64);
  auto to = message.initRoot<wire::Proof>();
  const auto words = base::words_of(signature.bytes);
  to.setSignature0(words[0]);
  to.setSignature1(words[1]);
  to.setSignature2(words[2]);
  to.setSignature3(words[3]);
  to.setSignature4(words[4]);
  to.setSignature5(words[5]);
  to.setSignature6(words[6]);
  to.setSignature7(words[7]);
  return flat(message);
}

std::optional<Hello> decode_hello(base::ByteView payload) { return read_root<wire::Hello>(payload, read_hello); }

std::optional<crypto::Signature> decode_proof(base::ByteView payload) {
  return read_root<wire::Proof>(payload, read_proof);
}

std::uint64_t hello_kind() { return wire::Hello::_capnpPrivate::typeId; }
std::uint64_t proof_kind() { return wire::Proof::_capnpPrivate::typeId; }

}  // namespace troupe::net
