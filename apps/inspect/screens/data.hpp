#pragma once
// The screens' data about nodes, as plain structs: made by a feed, shown by views.
//
// Texts are kept as the node sent them; the grid escapes them.
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::apps::screens {

struct ActorRow {
  std::string path, kind, state;
  std::uint64_t mailbox = 0, oldest_ms = 0, handled = 0;
  double per_second = 0, busy = 0;
  std::uint64_t p50_us = 0, p99_us = 0, max_us = 0;
  std::uint64_t restarts = 0, asking = 0, refused = 0, dead_letters = 0;
  std::string last_error, head_kind, head_from;
};

struct EndedRow {
  std::string path, kind, decision, code, why, last_message;
  std::uint64_t ago_ms = 0, handled = 0, restarts = 0;
};

struct PeerRow {
  std::string node, address, state, direction;
  std::optional<double> rtt_ms;
  std::uint64_t sent = 0, received = 0, score = 0;
};

struct LinkRow {
  std::string node, address, role;
  bool outbound = false;
  std::uint64_t sent = 0, received = 0, up_ms = 0;
};

struct Reason {
  std::string source, text;
};

struct Status {
  std::string node, name, version, listen, health, stage;
  std::uint64_t uptime_s = 0, peers = 0, seats = 0, actors = 0;
  std::vector<Reason> reasons;
};

/// Resources that a node's process uses; zero: not known.
struct ProcessUse {
  std::uint64_t cpu_ms = 0;  ///< since it started
  std::uint64_t resident_bytes = 0, descriptors_open = 0, descriptors_max = 0;
  std::optional<double> cores;  ///< since the previous refresh
};

/// A list of actors, which the node has selected and sorted.
struct ActorList {
  std::vector<ActorRow> rows;
  std::uint64_t total = 0, matched = 0, took_us = 0;
  std::optional<ProcessUse> process;
};

struct Ask {
  std::string kind, to;
  std::uint64_t since_ms = 0;
  std::optional<std::uint64_t> due_ms;
};
struct Timer {
  std::string name;
  std::uint64_t due_ms = 0;
};
struct PastMessage {
  std::string kind, from;
  std::uint64_t ago_ms = 0, took_us = 0, bytes = 0, trace = 0;
};
struct PastError {
  std::string code, text;
  std::uint64_t ago_ms = 0;
};
struct Bucket {
  std::uint64_t below_us = 0, count = 0;
};

/// One actor.
struct Look {
  ActorRow row;
  std::string parent, silent, handling;
  std::uint64_t handling_ms = 0;
  std::uint64_t children_in_all = 0, watchers_in_all = 0, asks_in_all = 0, incarnation = 0, timed = 0, kept_for_ms = 0;
  std::uint64_t p50_us = 0, p90_us = 0, p99_us = 0, max_us = 0;
  std::vector<std::string> children, watching, watchers;
  std::vector<Ask> asks;
  std::vector<Timer> timers;
  std::vector<PastMessage> messages;
  std::vector<PastError> errors;
  std::vector<Bucket> histogram;
  std::string state_kind, state;  ///< as observe::Decoder::line
};

/// One message at one actor.
struct Message {
  std::uint64_t number = 0;  ///< a number among the messages that the screens received
  std::size_t node = 0;      ///< number of the node on the screens
  std::uint64_t order = 0;   ///< number of the order that requested the message
  std::uint64_t unix_ms = 0, at_us = 0, waited_us = 0, took_us = 0, trace = 0, bytes = 0;
  std::uint32_t span = 0, handler = 0;
  std::string way, path, other, kind, form;
  std::string text;   ///< as observe::Decoder::line
  std::string words;  ///< its bytes; empty if it has none or too many
};

/// A part of the routing table: contacts whose ids share `range` leading bits with the node's own.
struct BucketRow {
  struct Contact {
    std::string node, address;
    std::uint64_t seen_ms = 0;
  };
  std::uint64_t range = 0;
  std::vector<Contact> contacts;
};
struct RoutingTable {
  std::vector<BucketRow> buckets;
  std::uint64_t nodes = 0;  ///< estimated number of nodes in the whole network
};

/// A file: its manifest and chunks, and the nodes that store each.
struct FileMap {
  struct Part {
    std::string cid;
    std::uint64_t offset = 0, bytes = 0;
    bool manifest = false;
    std::vector<std::string> holders;
  };
  std::string cid;
  bool listed = false;  ///< whether the asked node lists the file: only then it knows the storage nodes
  std::vector<Part> parts;
  std::optional<std::vector<std::string>> providers;  ///< of a file that the node does not list: providers from the DHT
  std::string error;                                  ///< why the other fields are missing
};

/// The latest data from one node, and its time.
struct NodeData {
  std::string name;              ///< as the user or a peer named it
  std::optional<Status> status;  ///< none before the first response
  ActorList actors;
  std::vector<EndedRow> ended;
  std::uint64_t ended_in_all = 0;
  std::vector<PeerRow> peers;
  std::vector<LinkRow> links;
  std::uint64_t handshakes = 0;
  std::deque<std::string> log;
  std::uint64_t log_next = 0, log_missed = 0;
  std::optional<RoutingTable> table;
  std::optional<FileMap> file;
  std::optional<Look> look;
  std::string look_error;           ///< why the actor's details are missing
  base::Instant listed;             ///< when it last sent its actors
  base::Instant heard;              ///< when it last responded
  std::optional<std::string> lost;  ///< why the node cannot be reached
  std::optional<base::Instant> lost_since;
};

}  // namespace troupe::apps::screens
