@0xa3d95c1e7b80f264;
# What `--json` prints: one struct an output, its fields in the order and with the names of the contract (DESIGN.md,
# "Command line"). Written by apps/json.hpp. None of these is a message: no struct carries `$kind`.
#
# Add fields, never rename them. An id is Data and is printed as lower-case hex. A number that may be unset is a union
# of `none` and `value`, and prints as null or the number. An output that is a list has a struct of its own around it,
# whose only field is printed.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct ErrorLine {
  # On standard error, one line.

  error @0 :Error;
}

struct Error {
  code @0 :Text;
  # A name of base::Code, such as "not_found".
  message @1 :Text;
  outcome @2 :Text;
  # What has become of the work: "nothing was changed".
  try @3 :Text;
  # What the caller can do now; null if nothing is known.
  retryAfterMs :union {
    none @4 :Void;
    value @5 :UInt32;
  }
}

enum Health {
  ok @0;
  degraded @1;
  failing @2;
}

struct Status {
  node @0 :Data;
  name @1 :Text;
  version @2 :Text;
  uptimeS @3 :UInt64;
  listen @4 :Text;
  # HOST:PORT, the port a real one.
  peers @5 :UInt32;
  # Nodes linked now.
  actors @6 :UInt32;
  health @7 :Health;
  reasons @8 :List(Text);
  # Why not `ok`: "disk: the disk is full".
}

enum Direction {
  out @0;
  # We dialled.
  in @1;
  none @2;
  # No link.
}

struct Peers {
  rows @0 :List(Peer);
}

struct Peer {
  node @0 :Data;
  address @1 :Text;
  state @2 :Text;
  rttMs :union {
    none @3 :Void;
    value @4 :Float64;
  }
  direction @5 :Direction;
  sent @6 :UInt64;
  received @7 :UInt64;
  # Bytes since the link began.

  score @8 :UInt32;
  # Points for misbehaviour; at 100 it is banned.
  bannedForMs :union {
    none @9 :Void;
    value @10 :UInt64;
  }
}

struct Link {
  # `peers connect`, `peers drop` and `peers pardon`.

  node @0 :Data;
  address @1 :Text;
  # Where it was dialled; null but for `connect`.
}

struct LogLevel {
  # `log`: what was set.

  level @0 :Text;
  domain @1 :Text;
  # Null: of all domains that have no level of their own.
}

struct OperatorKey {
  key @0 :Data;
  # Public: for `operators.view` and `operators.operate` of a node.
  file @1 :Text;
  # Where its secret is.
}

struct Files {
  rows @0 :List(File);
}

struct File {
  cid @0 :Data;
  name @1 :Text;
  bytes @2 :UInt64;
  chunks @3 :UInt32;
  pinned @4 :Bool;
  expires :union {
    none @5 :Void;
    value @6 :UInt64;
    # Seconds since 1970.
  }
}

struct Version {
  version @0 :Text;
}

struct Script {
  # A text made for another program: `completion`, `help --man`.

  text @0 :Text;
}

struct Commands {
  rows @0 :List(Command);
}

struct Command {
  name @0 :Text;
  usage @1 :Text;
  summary @2 :Text;
}

struct Settings {
  rows @0 :List(Setting);
}

struct Setting {
  key @0 :Text;
  value @1 :Text;
  # As TOML.
  origin @2 :Text;
  default @3 :Text;
  # As it would be typed after `--set KEY=`.
  reloads @4 :Bool;
  # Whether a running node takes over a change.
  meaning @5 :Text;
}

struct Problems {
  rows @0 :List(Problem);
}

struct Problem {
  where @0 :Text;
  # FILE:LINE
  what @1 :Text;
}

struct FilePut {
  # `file put`.

  cid @0 :Data;
  name @1 :Text;
  # Null for standard input.
  bytes @2 :UInt64;
  chunks @3 :UInt32;
  replicas @4 :UInt32;
  # As many nodes as were asked for.
  reached @5 :UInt32;
  # As many as have synced each part of it; fewer is exit 3.
  bytesFresh @6 :UInt64;
  # Of the file's bytes, those whose chunk it did not contain before.
}

struct FileGot {
  # `file get -o FILE`.

  cid @0 :Data;
  file @1 :Text;
  bytes @2 :UInt64;
  # Written.
  fileBytes @3 :UInt64;
  # Of the whole file: more than was written with `--range`.
}

enum ContentKind {
  manifest @0;
  chunk @1;
}

struct FileView {
  cid @0 :Data;
  listed @1 :Bool;
  # Whether this node stores the file; only then it knows where the copies lie, and the next five.
  name @2 :Text;
  replicas :union {
    none @3 :Void;
    value @4 :UInt32;
  }
  live :union {
    none @5 :Void;
    value @6 :UInt32;
  }
  pinned @7 :Bool;
  expires :union {
    none @8 :Void;
    value @9 :UInt64;
    # Seconds since 1970.
  }
  bytes @10 :UInt64;
  chunks @11 :UInt32;
  nodes @12 :List(FileNode);
  contents @13 :List(FileContent);
}

struct FileNode {
  # What a node holds of a file.

  node @0 :Data;
  chunks @1 :UInt32;
  bytes @2 :UInt64;
  manifest @3 :Bool;
}

struct FileContent {
  kind @0 :ContentKind;
  id @1 :Data;
  offset @2 :UInt64;
  # Of a chunk in the file.
  bytes @3 :UInt32;
  # Of a chunk; 0 for the manifest.
  holders @4 :List(Data);
  # Node ids.
}

struct FileCopy {
  # `file verify`: a line for each copy that is not sound.

  node @0 :Data;
  kind @1 :ContentKind;
  id @2 :Data;
  state @3 :Text;
  # lacking, damaged, unknown (its node did not answer), repaired (it was damaged, and is sound again)
}

struct FileVerified {
  # `file verify`: the last line.

  summary @0 :Bool;
  # Always true: no other line has it.
  copies @1 :UInt64;
  sound @2 :UInt64;
  lacking @3 :UInt64;
  damaged @4 :UInt64;
  unknown @5 :UInt64;
  repaired @6 :UInt64;
  # Of those damaged.
  bytes @7 :UInt64;
  # Looked at, each content once.
}

struct FileRemoved {
  # `file rm`.

  cid @0 :Data;
  holders @1 :UInt32;
  # How many nodes are told to give it up.
}

struct FilePin {
  # `file pin` and `file unpin`.

  cid @0 :Data;
  pinned @1 :Bool;
}

struct Demo {
  # `demo`: what it has shown.

  nodes @0 :UInt32;
  bytes @1 :UInt64;
  cid @2 :Data;
  killed @3 :Data;
  # The node at which the file was stored, ended with SIGKILL.
  readAt @4 :Data;
  chunks @5 :UInt32;
  chunksThere @6 :UInt32;
  # Of them, those that lay at the node where the file was read back.
  same @7 :Bool;
  seconds @8 :Float64;
}

struct BenchRows {
  rows @0 :List(BenchRow);
}

struct BenchRow {
  # One figure of `bench`.

  what @0 :Text;
  clients @1 :UInt64;
  # How many acted at once: askers, actors, links.
  perSecond :union {
    none @2 :Void;
    value @3 :Float64;
  }
  mibPerSecond :union {
    none @4 :Void;
    value @5 :Float64;
  }
  p50Ms :union {
    none @6 :Void;
    value @7 :Float64;
  }
  p90Ms :union {
    none @8 :Void;
    value @9 :Float64;
  }
  p99Ms :union {
    none @10 :Void;
    value @11 :Float64;
  }
  errors @12 :UInt64;
  # Messages lost and questions without their answer; above zero the figure means nothing.
  residentBytes :union {
    none @13 :Void;
    value @14 :UInt64;
    # By which resident memory has grown, divided by `clients`.
  }
  requestsEach :union {
    none @15 :Void;
    value @16 :Float64;
    # That all nodes together sent for one operation, the upkeep that ran meanwhile included.
  }
  cpuMsEach :union {
    none @17 :Void;
    value @18 :Float64;
    # Processor time of the whole process for one operation, whoever asks for it included.
  }
}

struct SimFault {
  # How often a fault fired, and how many operations of clients were acknowledged after that.

  fault @0 :Text;
  fired @1 :UInt64;
  acknowledgedAfter @2 :UInt64;
  worlds @3 :UInt64;
  # In how many worlds it fired.
}

struct SimReached {
  property @0 :Text;
  times @1 :UInt64;
}

struct SimWorld {
  # A line of `troupe sim`: what became of one world.

  domain @0 :Text;
  seed @1 :UInt64;
  hash @2 :Text;
  # 16 hexadecimal digits.
  events @3 :UInt64;
  virtualS @4 :Float64;
  wallS @5 :Float64;
  held @6 :Bool;
  invariant @7 :Text;
  # That does not hold; null if all hold.
  event :union {
    none @8 :Void;
    value @9 :UInt64;
    # At which that was seen.
  }
  why @10 :Text;
  atS :union {
    none @11 :Void;
    value @12 :Float64;
  }
  acknowledged @13 :UInt64;
  story @14 :List(Text);
  reached @15 :List(SimReached);
  faults @16 :List(SimFault);
  stopped @17 :Bool;
  # The command ended it at an event, before there was a verdict: neither held nor broken.
  betweenEvents @18 :Bool;
  # What does not hold was seen after that event, while nothing happened: a run that stops there does not show it.
}

struct SimGroup {
  # Worlds that failed in the same way.

  invariant @0 :Text;
  why @1 :Text;
  # Of the first of them.
  worlds @2 :UInt64;
  seeds @3 :List(UInt64);
  # The first ten.
}

struct SimSummary {
  # The last line of `troupe sim` over many worlds.

  summary @0 :Bool = true;
  worlds @1 :UInt64;
  broken @2 :UInt64;
  events @3 :UInt64;
  wallS @4 :Float64;
  neverReached @5 :List(Text);
  faults @6 :List(SimFault);
  crashed @7 :UInt64;
  groups @8 :List(SimGroup);
  # The twenty largest.
  acknowledged @9 :UInt64;
}

struct SimMutant {
  # A line of `troupe sim mutants`.

  mutant @0 :Text;
  found @1 :Bool;
  seeds @2 :UInt64;
  # How many were tried until it was found, that one included; all that were tried if it was not.
  seed :union {
    none @3 :Void;
    value @4 :UInt64;
    # The one that found it.
  }
  invariant @5 :Text;
}

struct SimCards {
  cards @0 :List(SimCard);
}

struct SimCard {
  # A line of `troupe sim list`.

  kind @0 :Text;
  # fault, domain, order, knob, invariant, property or mutant.
  name @1 :Text;
  takes @2 :Text;
  help @3 :Text;
}

struct SimActor {
  # A line of `troupe sim replay`: an actor where the world stopped.

  node @0 :Text;
  path @1 :Text;
  kind @2 :Text;
  waiting @3 :UInt64;
  activity @4 :Text;
  # running, restarting or ending.

  oldestMs @5 :UInt64;
  handled @6 :UInt64;
  restarts @7 :UInt32;
  lastError @8 :Text;
}

struct SimEclipse {
  # `troupe sim eclipse`.

  scores @0 :List(SimScore);
  floods @1 :List(SimFlood);
}

struct SimScore {
  # What hides a key of a DHT in one half of the rounds, with some defences on.

  groups @0 :Bool;
  # Limits of an address group; `paths`: disjoint ones; `region`: values are stored to the whole estimated radius.
  paths @1 :Bool;
  region @2 :Bool;
  workBits @3 :UInt8;
  ids :union {
    none @4 :Void;
    # More than were tried.
    value @5 :UInt64;
  }
  addressGroups :union {
    none @6 :Void;
    value @7 :UInt64;
  }
  hashes @8 :Float64;
  # To grind so many ids near enough to the key; zero if `ids` is none.
}

struct SimFlood {
  # One table under a flood of ids.

  limited @0 :Bool;
  settled @1 :Bool;
  # The honest nodes were there first.
  ids @2 :UInt64;
  addressGroups @3 :UInt64;
  contacts @4 :UInt64;
  falseContacts @5 :UInt64;
}

struct SimChurn {
  # `troupe sim churn`.

  nodes @0 :UInt64;
  sessionS @1 :Float64;
  absenceS @2 :Float64;
  comeBackPercent @3 :UInt64;
  lossPercent @4 :UInt64;
  hostilePercent @5 :UInt64;
  keys @6 :UInt64;
  # Put and acknowledged.
  gets @7 :UInt64;
  found @8 :UInt64;
  ratio @9 :Float64;
  ratioLow @10 :Float64;
  # The interval of 95 %.
  ratioHigh @11 :Float64;
  nobody @12 :UInt64;
  # Gets of a value that no honest node held which was up.
  requestsEach @13 :Float64;
  hops @14 :Float64;
  p50Ms @15 :Float64;
  p99Ms @16 :Float64;
  sessions @17 :UInt64;
  requests @18 :UInt64;
  # Of all nodes from the beginning.
  seed @19 :UInt64;
}

struct SimSurvivals {
  rows @0 :List(SimSurvival);
}

struct SimSurvival {
  # A point of `troupe sim survival`.

  comesBack @0 :Bool;
  sessionS @1 :Float64;
  republishS @2 :Float64;
  copies @3 :UInt64;
  probes @4 :UInt64;
  found @5 :UInt64;
  ratio @6 :Float64;
  ratioLow @7 :Float64;
  ratioHigh @8 :Float64;
  storesADay @9 :Float64;
}

struct SimParted {
  # What `troupe sim --twice` says of a world that is not deterministic.

  seed @0 :UInt64;
  event @1 :UInt64;
  one @2 :Text;
  other @3 :Text;
}

struct Inspection {
  # `inspect --once`.

  node @0 :Data;
  actors @1 :List(InspectedActor);
  total @2 :UInt64;
  # Actors of the node.

  matched @3 :UInt64;
  # Those that the filter means: more than are listed if the limit was reached.

  tookMs @4 :Float64;
  warnings @5 :List(Text);
  # "old-message: a message waits ...": the reasons of the node's health.
}

struct InspectedActor {
  path @0 :Text;
  kind @1 :Text;
  state @2 :Text;
  # running, restarting, ending or stuck.

  mailbox @3 :UInt64;
  oldestMs @4 :UInt64;
  # 0 if nothing waits.

  handled @5 :UInt64;
  perSecond @6 :Float64;
  busy @7 :Float64;
  # Share of the last second, 0 to 1.

  p99Us @8 :UInt64;
  restarts @9 :UInt32;
  lastError @10 :Text;
  # Null: none.

  perSecondMinute @11 :Float64;
  busyMinute @12 :Float64;
  refused @13 :UInt64;
  deadLetters @14 :UInt64;
  asking @15 :UInt32;
  headKind @16 :Text;
  headFrom @17 :Text;
  # Null where it is not known.
}

struct InspectedEnds {
  # `inspect --once --ended`.

  node @0 :Data;
  ended @1 :List(InspectedEnd);
  inAll @2 :UInt64;
}

struct InspectedEnd {
  path @0 :Text;
  kind @1 :Text;
  agoMs @2 :UInt64;
  decision @3 :Text;
  code @4 :Text;
  why @5 :Text;
  lastMessage @6 :Text;
  handled @7 :UInt64;
  restarts @8 :UInt32;
}

struct InspectedOne {
  # `inspect --once PATH`.

  node @0 :Data;
  actor @1 :InspectedActor;
  silent @2 :Text;
  # Why it said nothing of itself; null if it did. What follows is empty then, but for `handling`.

  handling @3 :Text;
  # The message that it has been at for a second or more.

  handlingMs @4 :UInt64;
  parent @5 :Text;
  children @6 :List(Text);
  childrenInAll @7 :UInt32;
  asks @8 :List(InspectedAsk);
  asksInAll @9 :UInt32;
  timers @10 :List(InspectedTimer);
  streams @11 :UInt32;
  streamsStarved @12 :UInt32;
  incarnation @13 :UInt32;
  keptForMs @14 :UInt64;
  messages @15 :List(InspectedMessage);
  errors @16 :List(InspectedError);
  p50Us @17 :UInt64;
  p90Us @18 :UInt64;
  p99Us @19 :UInt64;
  timed @20 :UInt64;
  stateKind @21 :Text;
  state @22 :Text;
  # One line; null if it shows none.
}

struct InspectedAsk {
  to @0 :Text;
  kind @1 :Text;
  sinceMs @2 :UInt64;
  dueMs :union {
    none @3 :Void;
    value @4 :UInt64;
  }
  stream @5 :Bool;
}

struct InspectedTimer {
  name @0 :Text;
  dueMs @1 :Int64;
}

struct InspectedMessage {
  kind @0 :Text;
  from @1 :Text;
  agoMs @2 :UInt64;
  tookUs @3 :UInt64;
  bytes @4 :UInt32;
  trace @5 :Text;
}

struct InspectedError {
  agoMs @0 :UInt64;
  code @1 :Text;
  text @2 :Text;
}

struct TracedMessage {
  # A line of `trace`.

  at @0 :Text;
  # 2026-01-31T12:00:00.123Z, by the node's clock.

  way @1 :Text;
  # in, out or over.

  path @2 :Text;
  other @3 :Text;
  # Null: nobody.

  kind @4 :Text;
  form @5 :Text;
  trace @6 :Text;
  # 16 hexadecimal digits; null: none.

  bytes @7 :UInt32;
  text @8 :Text;
  # The fields of the message.
}

struct TraceEnded {
  # The last line of `trace`.

  summary @0 :Bool;
  why @1 :Text;
  messages @2 :UInt64;
  dropped @3 :UInt64;
}

struct DhtPut {
  # `dht put` and `dht provide`.

  key @0 :Text;
  # As `dht get` takes it: /kv/KEY, /cid/DIGEST or /pk/ID. Of provide: the content id.

  sequence @1 :UInt64;
  # Of kv; else 0.
  stored @2 :UInt32;
  asked @3 :UInt32;
  # Nodes that have it, of those that should.
  search @4 :DhtSearch;
}

struct DhtSearch {
  # How a search went.

  ending @0 :Text;
  asked @1 :UInt32;
  unanswered @2 :UInt32;
  hops @3 :UInt32;
  tookMs @4 :Float64;
  questions @5 :List(DhtQuestion);
  refused @6 :List(DhtRefused);
  # With --explain.
}

struct DhtQuestion {
  node @0 :Data;
  address @1 :Text;
  path @2 :UInt32;
  depth @3 :UInt32;
  sharedBits @4 :UInt32;
  # Leading bits that its id shares with the key.
  namedBy @5 :Data;
  chosen @6 :Text;
  fate @7 :Text;
  tookMs @8 :Float64;
  sequence :union {
    none @9 :Void;
    value @10 :UInt64;
    # It has the value.
  }
  contacts @11 :UInt32;
}

struct DhtRefused {
  node @0 :Data;
  namedBy @1 :Data;
  why @2 :Text;
}

struct DhtValue {
  # `dht get`, and a line of `dht listen`.

  key @0 :Text;
  value @1 :Text;
  # Null if it is no valid UTF-8; valueHex has every value. With --explain both are null where none was found.
  valueHex @2 :Data;
  bytes @3 :UInt64;
  sealed @4 :Bool;
  # For others: the value is what was sealed.
  owner @5 :Data;
  # Public key; null unless kv.
  name @6 :Text;
  sequence @7 :UInt64;
  expires :union {
    none @8 :Void;
    value @9 :UInt64;
    # Unix seconds.
  }
  holders @10 :UInt32;
  # Other nodes that answered with this very value. 0 of `dht listen`, as the search is null.
  quorum :union {
    none @12 :Void;
    value @13 :UInt32;
    # So many of them had to agree, unless fewer are there; null unless kv, and of `dht listen`.
  }
  agreed :union {
    none @14 :Void;
    value @15 :Bool;
    # So many did. Null as `quorum` is.
  }
  search @11 :DhtSearch;
}

struct DhtFailed {
  # A line of `dht put --from` or of `dht get` with several keys: what has become of one that failed.

  key @0 :Text;
  # As it was typed.
  error @1 :DhtError;
}

struct DhtError {
  code @0 :Text;
  message @1 :Text;
}

struct DhtFound {
  # `dht find` and `dht providers`.

  target @0 :Text;
  nodes @1 :List(DhtContact);
  search @2 :DhtSearch;
}

struct DhtContact {
  # Also a line of `dht listen`.

  node @0 :Data;
  address @1 :Text;
  lastSeenS :union {
    none @2 :Void;
    value @3 :UInt64;
  }
}

struct DhtTable {
  # `dht table` is the list.

  buckets @0 :List(DhtBucket);
}

struct DhtBucket {
  bucket @0 :UInt32;
  contacts @1 :List(DhtContact);
}

struct DhtListenEnded {
  # The last line of `dht listen`; before it values as of `dht get`, or providers as DhtContact.

  summary @0 :Bool;
  why @1 :Text;
  items @2 :UInt64;
}

struct DhtTrouble {
  # A line of `dht check` and `dht clean`.

  space @0 :Text;
  row @1 :Data;
  trouble @2 :Text;
}

struct DhtRow {
  # A line of `dht list`.

  space @0 :Text;
  key @1 :Text;
  # As `dht get` takes it; of providers and what this node provides, the first 40 digits of the content id.
  name @2 :Text;
  # Null unless kv, or if it is no valid UTF-8.
  owner @3 :Data;
  # As in DhtValue.
  node @4 :Data;
  # Who provides it; null unless providers.
  sequence @5 :UInt64;
  bytes @6 :UInt64;
  expires :union {
    none @7 :Void;
    value @8 :UInt64;
    # Unix seconds.
  }
}

struct DhtListed {
  # The last line of `dht list`.

  summary @0 :Bool;
  rows @1 :UInt64;
  bytes @2 :UInt64;
  # Of values.
}

struct DhtAudited {
  # The last line of `dht check` and `dht clean`.

  summary @0 :Bool;
  rows @1 :UInt64;
  bytes @2 :UInt64;
  expired @3 :UInt64;
  troubles @4 :UInt64;
  removed @5 :UInt64;
  removedBytes @6 :UInt64;
  spaces @7 :List(DhtSpace);
}

struct DhtSpace {
  space @0 :Text;
  rows @1 :UInt64;
  bytes @2 :UInt64;
  expired @3 :UInt64;
  troubles @4 :UInt64;
  removed @5 :UInt64;
  removedBytes @6 :UInt64;
}
