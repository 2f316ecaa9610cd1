#pragma once
// Prints the results of searches for the commands of `troupe dht`.
#include <string>

#include "actors/dht/logic/contact.hpp"
#include "apps/cli/command.hpp"
#include "apps/cli/failure.hpp"
#include "apps/dht/key.hpp"
#include "messages/dht.capnp.h"
#include "messages/output/dht.capnp.h"

namespace troupe::apps::dht_command {

void write(output::wire::DhtSearch::Builder out, dht::wire::SearchResult::Reader search);
void write(output::wire::DhtContact::Builder out, messages::wire::Contact::Reader contact);
base::NodeId id_of(messages::wire::Contact::Reader contact);
/// Prints ID@HOST:PORT on a line.
void print_contact(std::ostream& out, messages::wire::Contact::Reader contact);

/// Writes everything except the search and the storage nodes. `typed` is the key as it was typed.
void write(output::wire::DhtValue::Builder out, const std::string& typed, dht::wire::GotValue::Reader got);
/// Writes the whole result of `dht get`, which may have asked for an unusual quorum.
void write(output::wire::DhtValue::Builder out, const Invocation& get, const std::string& typed,
           dht::wire::GotValue::Reader got);

/// Returns a line if fewer storage nodes agree than `dht get --quorum` asked for; empty if enough agree, or without
/// --quorum.
std::string quorum_note(const Invocation& get, dht::wire::GotValue::Reader got);

/// Prints the value of a single key as it is, with a line end on a terminal. With --explain it also prints the search,
/// even if no value was found: the error follows then.
void print_value(const Invocation& invocation, Console& console, const std::string& typed,
                 dht::wire::GotValue::Reader got);

/// Prints one of many values on a line: the key, and the value with control characters escaped.
void print_one_value(const Invocation& invocation, Console& console, const std::string& typed,
                     dht::wire::GotValue::Reader got);
void print_put(const Invocation& invocation, Console& console, dht::Space space, dht::wire::PutOne::Reader done);

/// Prints a single value or announcement that was put; `key` has the form that `dht get` takes.
void print_put(const Invocation& invocation, Console& console, const std::string& key, dht::wire::PutDone::Reader done);

/// Returns a line if only this node has the value that was put; otherwise empty.
std::string alone_note(dht::wire::SearchResult::Reader put);

/// Returns a line if `dht clean` has left expired rows; otherwise empty. Damaged rows may hide expired rows.
std::string kept_note(capnp::List<dht::wire::AuditSum>::Reader sums);

/// Returns the failure for an option that needs a signed name, but was given with a key of another space.
Failure for_names_alone(const std::string& option);
/// Returns the failure that says what --reader takes, and where it comes from.
Failure wrong_reader(const std::string& typed);
/// Returns what to try for values that were not put.
std::string put_try(base::Code why, dht::Space space);

Failure wrong_key(const std::string& typed);
/// Returns the failure for a value that only its readers can open.
Failure sealed_to_others(std::string outcome);
/// Returns why nothing was found under a key; `way` is the client's.
Failure not_got(base::Error why, const std::string& typed, const std::string& way);
/// Returns why nothing was put under a name.
Failure not_put(base::Error why, const TypedKey& key, const std::string& typed, const std::string& way);
/// Returns the prefix of a space, such as "/kv/".
std::string space_name(dht::Space space);

/// Prints each request on a line: the asked node, the path to it, the reason, and the response.
void explain(std::ostream& out, dht::wire::SearchResult::Reader search);

}  // namespace troupe::apps::dht_command
