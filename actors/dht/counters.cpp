#include "actors/dht/counters.hpp"

namespace troupe::dht {

std::string_view name(Asked asked) {
  constexpr std::string_view kNames[kAskedKinds] = {"find_node", "find_value", "get_providers", "store",
                                                    "add_provider"};
  return kNames[static_cast<std::size_t>(asked)];
}

observe::CounterTable table_of(const Counters& from) {
  using enum observe::MetricType;
  using enum observe::CounterUnit;
  observe::CounterTable table{
      {"troupe_dht_contacts", "Nodes in the routing table.", gauge, from.contacts, "contacts"},
      {"troupe_dht_nodes", "Estimated number of nodes in the network.", gauge, from.nodes, "nodes"},
      {"troupe_dht_records", "Records stored for the network.", gauge, from.records, "records"},
      {"troupe_dht_record_bytes", "Bytes of these records.", gauge, from.record_bytes, "recordBytes"},
      {"troupe_dht_announcements", "Announcements of providers stored for the network.", gauge, from.announcements,
       "announcements"},
      {"troupe_dht_cache_bytes", "Memory of copies that searches left here (dht.cache).", gauge, from.cache_bytes,
       "cacheBytes"},
      {"troupe_dht_published", "Records and announcements that this node keeps published.", gauge, from.published},
      {"troupe_dht_republish_late_seconds", "How long the oldest due publication has waited.", gauge,
       from.republish_late_ms, "", observe::Labels(), milliseconds},
      {"troupe_dht_searches", "Searches in progress.", gauge, from.searches, "searches"},
      {"troupe_dht_searches_at_hand_total", "Searches that this node's own store or cache answered.", counter,
       from.at_hand},
      {"troupe_dht_search_seconds_total", "Total time of searches.", counter, from.search_us, "searchUs",
       observe::Labels(), microseconds},
      {"troupe_dht_search_hops_total", "Total hops of searches.", counter, from.hops, "hops"},
      {"troupe_dht_search_questions_total", "Requests sent by searches.", counter, from.questions, "questions"},
      {"troupe_dht_stores_refused_total", "Stores and announcements that this node refused.", counter, from.refused,
       "refused"},
      {"troupe_dht_copies_left_total", "Copies that other nodes accepted after a search.", counter, from.copies_left,
       "copiesLeft"},
      {"troupe_dht_repairs_total", "Newer records sent to nodes with a stale replica.", counter, from.repairs,
       "repairs"},
      {"troupe_dht_repaired_total", "Newer records that such nodes accepted.", counter, from.repaired, "repaired"},
      {"troupe_dht_rows_read_total", "Records read back from the store.", counter, from.rows_read},
      {"", "", counter, from.searched, "searched"},
      {"", "", counter, from.found, "found"},
      {"", "", counter, from.unanswered, "unanswered"},
      {"", "", counter, from.notices, "notices"},
  };
  const auto labelled = [&](const char* metric, const char* help, observe::Labels labels, const Counters::Count& value,
                            const char* field = "", observe::CounterUnit unit = number) {
    table.push_back({metric, help, counter, value, field, std::move(labels), unit});
  };
  const auto received = [&](const char* kind, const Counters::Count& value, const char* field) {
    labelled("troupe_dht_questions_received_total", "Requests from other nodes, by kind.", {{"kind", kind}}, value,
             field);
  };
  received("ping", from.pings, "pings");
  received("find_node", from.find_nodes, "findNodes");
  received("find_value", from.find_values, "findValues");
  received("get_providers", from.get_providers, "getProviders");
  received("store", from.stores, "stores");
  received("add_provider", from.add_providers, "addProviders");
  for (std::size_t i = 0; i < kResources; ++i)
    labelled("troupe_dht_over_budget_total", "Requests refused because other nodes have used up a budget.",
             {{"resource", std::string(name(static_cast<Resource>(i)))}}, from.over_budget[i]);
  labelled("troupe_dht_over_budget_total", "Requests refused because other nodes have used up a budget.",
           {{"resource", "dht.reads"}}, from.reads_refused);
  const auto hits = [&](const char* asker, const Counters::Count& value, const char* field) {
    labelled("troupe_dht_cache_hits_total", "Requests answered from a copy, by asker.", {{"asker", asker}}, value,
             field);
  };
  hits("own", from.cache_hits, "cacheHits");
  hits("other", from.cache_served, "cacheServed");
  constexpr std::array<const char*, kEndings> kEndingNames{"found",  "converged", "gave_up",
                                                           "nobody", "deadline",  "cancelled"};
  for (std::size_t i = 0; i < kEndings; ++i)
    labelled("troupe_dht_searches_total", "Searches of this node that asked other nodes, by how they ended.",
             {{"ending", kEndingNames[i]}}, from.ended[i]);
  const auto each_kind = [&](auto row) {
    for (std::size_t i = 0; i < kAskedKinds; ++i) row(std::string(name(static_cast<Asked>(i))), from.asked[i]);
  };
  each_kind([&](const std::string& kind, const Counters::Questions& asked) {
    labelled("troupe_dht_questions_answered_total", "Requests that other nodes answered, by kind.", {{"kind", kind}},
             asked.answered);
  });
  each_kind([&](const std::string& kind, const Counters::Questions& asked) {
    labelled("troupe_dht_question_seconds_total", "Total time until these answers, by kind.", {{"kind", kind}},
             asked.microseconds, "", microseconds);
  });
  each_kind([&](const std::string& kind, const Counters::Questions& asked) {
    constexpr std::array<const char*, kFailures> kReasons{"silent", "unreachable", "refused", "misbehaved"};
    for (std::size_t i = 0; i < kFailures; ++i)
      labelled("troupe_dht_questions_failed_total", "Requests that failed, by kind and reason.",
               {{"kind", kind}, {"reason", kReasons[i]}}, asked.failed[i]);
  });
  return table;
}

}  // namespace troupe::dht
