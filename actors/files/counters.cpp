#include "actors/files/counters.hpp"

namespace troupe::files {

using enum observe::MetricType;

observe::CounterTable files_table(const Counters& from) {
  return {
      {"troupe_files", "Files that were put at this node.", gauge, from.files, "files"},
      {"troupe_files_contents", "Chunks and manifests of these files.", gauge, from.contents_owned, "contentsOwned"},
      {"troupe_files_contents_short", "Objects with fewer copies than wanted, as of the last check.", gauge,
       from.contents_short, "contentsShort"},
      {"troupe_files_contents_lost", "Objects without any copy, as of the last check.", gauge, from.contents_lost,
       "contentsLost"},
      {"troupe_files_puts", "Puts in progress.", gauge, from.puts_under_way, "putsUnderWay"},
      {"troupe_files_streams", "Gets, views and verifies in progress.", gauge, from.streams_under_way,
       "streamsUnderWay"},
      {"troupe_files_puts_total",
       "Puts that have ended, by result.",
       counter,
       from.puts_done,
       {},
       {{"ending", "done"}}},
      {"troupe_files_puts_total",
       "Puts that have ended, by result.",
       counter,
       from.puts_failed,
       {},
       {{"ending", "failed"}}},
      {"troupe_files_streams_total", "Gets, views and verifies that were started.", counter, from.streams},
      {"troupe_files_copies_made_total", "Copies that the watch has restored.", counter, from.copies_made},
  };
}

observe::CounterTable holder_table(const Counters& from) {
  return {
      {"troupe_files_held_contents", "Objects stored here, for this node and for other nodes.", gauge,
       from.held_contents, "contents"},
      {"troupe_files_held_bytes", "Bytes of the objects stored here.", gauge, from.held_bytes, "bytes"},
      {"troupe_files_space_bytes", "Bytes that other nodes may store here: files.space, or less on a smaller device.",
       gauge, from.space},
      {"troupe_files_claims", "Claims of owners on the objects stored here.", gauge, from.claims, "claims"},
      {"troupe_files_damaged", "Objects stored here that cannot be read; their owners restore them.", gauge,
       from.damaged, "damaged"},
      {"troupe_files_stored_total", "Objects that owners stored here.", counter, from.stored},
      {"troupe_files_store_refused_total", "Objects that were refused: no space, quota or overload.", counter,
       from.store_refused},
      {"troupe_files_fetched_total", "Objects that were read here for another node.", counter, from.fetched},
      {"troupe_files_fetched_bytes_total", "Bytes of these objects.", counter, from.fetched_bytes},
      {"troupe_files_bad_digests_total", "Received objects whose bytes do not match their id.", counter,
       from.bad_digests, "badDigests"},
  };
}

observe::CounterTable table_of(const Counters& from) {
  observe::CounterTable out = files_table(from);
  for (auto& row : holder_table(from)) out.push_back(std::move(row));
  return out;
}

}  // namespace troupe::files
