#pragma once
// Whether untrusted words can be read as their kind: follows all that its schema names once. So later readers meet no
// broken pointer, no part of another type, and no more words than the message has.
//
// Limits    The words of the message. Parts that share words are refused, because no builder makes them. So are more
//           elements than words, because a list of structs may be encoded as bytes or bits. At most kNestingMax levels.
// Not here  Fields that the schema does not name (from a newer node): nothing reads them.
// Source    capnproto.org/encoding.html, "Security Considerations".
#include "messages/kinds.hpp"
#include "runtime/base/bytes.hpp"

namespace troupe::net {

/// `payload` has passed check_envelope(). Any thread may call it.
bool readable(base::ByteView payload, const messages::KindInfo& kind);

}  // namespace troupe::net
