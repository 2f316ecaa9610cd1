#pragma once
// What the commands of `troupe dht` print of a search.
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
/// ID@HOST:PORT, on a line.
void print_contact(std::ostream& out, messages::wire::Contact::Reader contact);

/// All but the search and the holders. `typed` is the key as it was typed.
void write(output::wire::DhtValue::Builder out, const std::string& typed, dht::wire::GotValue::Reader got);
/// All of it, of `dht get`, which may have asked for another quorum than the usual one.
void write(output::wire::DhtValue::Builder out, const Invocation& get, const std::string& typed,
           dht::wire::GotValue::Reader got);

/// A line where fewer holders agree than `dht get --quorum` has asked for; empty if enough agree, or without --quorum.
std::string quorum_note(const Invocation& get, dht::wire::GotValue::Reader got);

/// The value as it is, of a key alone; on a terminal its line ends. With --explain also where none was found: then the
/// error follows.
void print_value(const Invocation& invocation, Console& console, const std::string& typed,
                 dht::wire::GotValue::Reader got);

/// One of many, on a line: the key, and the value with what a terminal would act on escaped.
void print_one_value(const Invocation& invocation, Console& console, const std::string& typed,
                     dht::wire::GotValue::Reader got);
void print_put(const Invocation& invocation, Console& console, dht::Space space, dht::wire::PutOne::Reader done);

/// A value or an announcement put alone, `key` as it is got.
void print_put(const Invocation& invocation, Console& console, const std::string& key, dht::wire::PutDone::Reader done);

/// A line where this node alone has what was put; else empty.
std::string alone_note(dht::wire::SearchResult::Reader put);

/// A line where `dht clean` has left what has expired; else empty. What is in trouble beside it may hide some.
std::string kept_note(capnp::List<dht::wire::AuditSum>::Reader sums);

/// An option that is for what this node signs under a name, and was given with a key of another space.
Failure for_names_alone(const std::string& option);
/// What --reader takes, and where it comes from.
Failure wrong_reader(const std::string& typed);
/// What to do about values that were not put.
std::string put_try(base::Code why, dht::Space space);

Failure wrong_key(const std::string& typed);
/// Of a value that only its readers can open.
Failure sealed_to_others(std::string outcome);
/// Why nothing was got under a key; `way` is the client's.
Failure not_got(base::Error why, const std::string& typed, const std::string& way);
/// Why nothing was put under a name.
Failure not_put(base::Error why, const TypedKey& key, const std::string& typed, const std::string& way);
/// "/kv/".
std::string space_name(dht::Space space);

/// Each question on a line: who was asked, by which path, why, and what came.
void explain(std::ostream& out, dht::wire::SearchResult::Reader search);

}  // namespace troupe::apps::dht_command
