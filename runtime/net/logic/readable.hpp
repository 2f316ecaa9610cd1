#pragma once
// Whether words from outside can be read as their kind: all that its schema names, followed once. Who reads them later
// meets no broken pointer, no part of another type, and no more words than there are, in the middle of what it does.
//
// Limits  the words of the message: parts that share words are refused, for no builder makes them, and so are more
//         elements than words: a list of structs may come as one of bytes, or of bits. kNestingMax deep.
// Not here  fields that the schema does not name (of a newer node): nothing reads them.
// Source  capnproto.org/encoding.html, "Security Considerations".
#include "messages/kinds.hpp"
#include "runtime/base/bytes.hpp"

namespace troupe::net {

/// `payload` has passed check_envelope(). Safe from any thread.
bool readable(base::ByteView payload, const messages::KindInfo& kind);

}  // namespace troupe::net
