@0xc2bcaac85376fec8;
# Output of `troupe sim --json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct SimFault {
  # How often a fault fired, and how many client operations were acknowledged afterwards.

  fault @0 :Text;
  fired @1 :UInt64;
  acknowledgedAfter @2 :UInt64;
  worlds @3 :UInt64;
  # In how many worlds the fault fired.
}

struct SimReached {
  property @0 :Text;
  times @1 :UInt64;
}

struct SimWorld {
  # A line of `troupe sim`: the result of one simulation run (world).

  domain @0 :Text;
  seed @1 :UInt64;
  hash @2 :Text;
  # 16 hexadecimal digits.
  events @3 :UInt64;
  virtualS @4 :Float64;
  wallS @5 :Float64;
  held @6 :Bool;
  invariant @7 :Text;
  # The violated invariant; null if all hold.
  event :union {
    none @8 :Void;
    value @9 :UInt64;
    # The event at which the violation was seen.
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
  # The command ended the world at an event, before a verdict: the world neither passed nor failed.
  betweenEvents @18 :Bool;
  # The violation was detected between `event` and the next event, so a run that stops at `event` does not show it.
  steered @19 :UInt32;
  # Faults that a person added or ended while the world was watched.
  brokenBy :union {
    none @20 :Void;
    value @21 :Float64;
    # With --beyond: the attackers' share of all members (0 to 1) that broke a promise which holds for smaller shares.
  }
}

struct SimGroup {
  # Worlds that failed in the same way.

  invariant @0 :Text;
  why @1 :Text;
  # From the first of these worlds.
  worlds @2 :UInt64;
  seeds @3 :List(UInt64);
  # The first ten.
}

struct SimBreaks {
  # Promises for smaller shares of attackers that worlds with --beyond have broken.

  share @0 :Float64;
  # The smallest share of attackers that broke a promise in a world, 0 to 1.
  seeds @1 :List(UInt64);
  # Seeds of the first ten worlds in which that share broke a promise.
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
  # The twenty largest groups.
  acknowledged @9 :UInt64;
  breaks @10 :SimBreaks;
  # Null if no world violated a promise.
}

struct SimMutant {
  # A line of `troupe sim mutants`.

  mutant @0 :Text;
  found @1 :Bool;
  seeds @2 :UInt64;
  # How many seeds were tried, including the seed that found the mutant.
  seed :union {
    none @3 :Void;
    value @4 :UInt64;
    # The seed that found it.
  }
  invariant @5 :Text;
  domain @6 :Text;
}

struct SimCards {
  cards @0 :List(SimCard);
}

struct SimCard {
  # A line of `troupe sim list`.

  kind @0 :Text;
  # fault, domain, operation, knob, invariant, property or mutant.
  name @1 :Text;
  takes @2 :Text;
  help @3 :Text;
  domain @4 :Text;
  # The domain to which the row belongs; null if it applies to all worlds.
  mutants @5 :List(Text);
  # For a domain: its mutants.
}

struct SimActor {
  # A line of `troupe sim replay`: an actor at the event at which the world stopped.

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
  # What attackers need to hide a key of the DHT in half of the rounds, with some defences enabled.

  groups @0 :Bool;
  # Limits per address group; `paths`: disjoint paths; `region`: values are stored in the whole estimated radius.
  paths @1 :Bool;
  region @2 :Bool;
  workBits @3 :UInt8;
  ids :union {
    none @4 :Void;
    # The number would be higher than was tried.
    value @5 :UInt64;
  }
  addressGroups :union {
    none @6 :Void;
    value @7 :UInt64;
  }
  hashes @8 :Float64;
  # Work to find `ids` ids that are near enough to the key; zero if `ids` is `none`.
}

struct SimFlood {
  # One table under a flood of ids.

  limited @0 :Bool;
  settled @1 :Bool;
  # Whether the honest nodes were in the table first.
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
  # Values that were put and acknowledged.
  gets @7 :UInt64;
  found @8 :UInt64;
  ratio @9 :Float64;
  ratioLow @10 :Float64;
  # The 95 % confidence interval.
  ratioHigh @11 :Float64;
  nobody @12 :UInt64;
  # Gets of a value that no running honest node stored.
  requestsEach @13 :Float64;
  hops @14 :Float64;
  p50Ms @15 :Float64;
  p99Ms @16 :Float64;
  sessions @17 :UInt64;
  requests @18 :UInt64;
  # Requests of all nodes since the start.
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

struct SimCollusion {
  # A line of `troupe sim collusion`. Shares are 0 to 1.

  colluding @0 :Float64;
  # Share of colluding workers.
  replicas @1 :UInt32;
  # Number of equal answers that are required; 1 if workers are trusted.
  wrong @2 :Float64;
  # Share of wrong answers among the accepted answers.
  overhead @3 :Float64;
  # Additional answers per task beyond the first.
  way @4 :Text;
  tasks @5 :UInt64;
}

struct SimExplored {
  # `troupe sim explore DOMAIN`: all groups of limits together.

  domain @0 :Text;
  states @1 :UInt64;
  transitions @2 :UInt64;
  depth @3 :UInt64;
  # The longest path from the beginning.
  complete @4 :Bool;
  # Whether no state within the limits was left out.
  held @5 :Bool;
  invariant @6 :Text;
  # The violated invariant; null: none.
  path @7 :List(Text);
  # The path that led to the violation.
}
