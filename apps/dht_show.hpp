#pragma once
// What the commands of `troupe dht` print of a search.
#include <ostream>
#include <string>

#include "actors/dht/logic/contact.hpp"
#include "messages/dht.capnp.h"
#include "messages/output.capnp.h"

namespace troupe::apps::dht_command {

void write(output::wire::DhtSearch::Builder out, dht::wire::SearchResult::Reader search, const dht::Key& key);
void write(output::wire::DhtContact::Builder out, messages::wire::Contact::Reader contact);

/// All but the search and the holders. `key` is as it was typed.
void write(output::wire::DhtValue::Builder out, const std::string& key, dht::wire::GotValue::Reader got);

/// Each question on a line: who was asked, by which path, why, and what came.
void explain(std::ostream& out, dht::wire::SearchResult::Reader search, const dht::Key& key);

}  // namespace troupe::apps::dht_command
