#pragma once
// Whether a message from another node may reach an actor of this one, however it came.
#include <optional>

#include "messages/kinds.hpp"
#include "messages/links.capnp.h"
#include "runtime/actor/node.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::net {

/// A deadline beyond a day says nothing, and must not overflow. `remaining_us` as it travelled; zero: none.
base::Instant due_of(std::uint64_t remaining_us, base::Instant now);
/// The other way round, at least 1 us.
std::uint64_t remaining_us(base::Instant due, base::Instant now);

/// Why a message of that kind (null: unknown) may not reach that service (null: none); nothing if it may.
std::optional<base::Error> forbidden(const messages::KindInfo* kind, messages::Role role,
                                     const runtime::Service* service, base::ByteView payload);

/// What is wrong with a message that an honest node of any version would not have sent; nothing if there may be one
/// that would: newer ones have kinds and fields that this node does not know.
std::optional<wire::Offence> violation_of(const messages::KindInfo* kind, messages::Role role, base::ByteView payload);

}  // namespace troupe::net
