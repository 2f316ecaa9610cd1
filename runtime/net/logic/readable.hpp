#pragma once
// Checks whether untrusted words can be read as their kind, by following once every pointer that the schema names. So
// later readers meet no broken pointer, no part of another type, and no more words than the message has.
//
// Limits    At most kNestingMax levels. Parts that share words are refused, because no builder makes them. Lists with
//           more elements than words are refused, because a list of structs may be encoded as bytes or bits.
// Not here  Fields that the schema does not name (from a newer node): nothing reads them.
// Source    capnproto.org/encoding.html, "Security Considerations".
#include "messages/kinds.hpp"
#include "runtime/base/bytes.hpp"

namespace troupe::net {

/// `payload` has passed check_envelope(). Any thread may call it.
bool readable(base::ByteView payload, const messages::KindInfo& kind);

}  // namespace troupe::net
