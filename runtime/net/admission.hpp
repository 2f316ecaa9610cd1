#pragma once
// Whether a message from another node may reach an actor of this node, by link or datagram.
#include <optional>

#include "messages/kinds.hpp"
#include "messages/links.capnp.h"
#include "runtime/actor/node.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"
#include "runtime/net/pool.hpp"

namespace troupe::net {

/// Returns the deadline after `remaining_us`, as received; zero: none. More than a day counts as a day, so that it
/// cannot overflow.
base::Instant due_of(std::uint64_t remaining_us, base::Instant now);
/// Returns the time from `now` to `due`, to be sent; at least 1 us.
std::uint64_t remaining_us(base::Instant due, base::Instant now);

/// Returns the error for a path without a service: `not_found`, or `unavailable` while the node of `pool` starts or
/// ends.
base::Error no_service(const Pool& pool);

/// Returns why a message of `kind` (null: unknown) is not admitted to `service` (null: none), or nullopt if it is.
std::optional<base::Error> forbidden(const Pool& pool, const messages::KindInfo* kind, messages::Role role,
                                     const runtime::Service* service, base::ByteView payload);

/// Returns the violation of a message that no honest node of any version sends. Returns nullopt if a newer node might
/// send it, because newer nodes have kinds and fields that this node does not know.
std::optional<wire::Violation> violation_of(const messages::KindInfo* kind, messages::Role role,
                                            base::ByteView payload);

}  // namespace troupe::net
