@0xd1c71227faa00d3a;
# Output of `troupe escrow --json`. README.md has the rules of all outputs. Amounts are texts, times Unix ms.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct EscrowMade {
  # `escrow create`.

  escrow @0 :Data;
  state @1 :Text;
}

struct EscrowActed {
  # `escrow sign`, `fund`, `start`, `progress`, `deliver`, `accept`, `dispute`, `propose`, `agree`, `rule`, `cancel`,
  # `extend` and `look`.

  escrow @0 :Data;
  state @1 :Text;
  deadline :union {
    none @2 :Void;
    value @3 :UInt64;
  }
  seq @4 :UInt64;
  # Sequence of the latest entry of the log.
  changed @5 :Bool;
  # False: the action already had its effect.
}

struct EscrowBonds {
  # Bonds held now.

  buyer @0 :Text;
  provider @1 :Text;
}

struct EscrowPayout {
  to @0 :Text;
  role @1 :Text;
  # buyer provider fund arbiter
  amount @2 :Text;
}

struct EscrowPaid {
  to @0 :Text;
  role @1 :Text;
  amount @2 :Text;
  why @3 :Text;
  # release refund bond forfeit fee
}

struct EscrowThen {
  # What happens at the deadline if neither party acts.

  state @0 :Text;
  payouts @1 :List(EscrowPayout);
}

struct EscrowOffer {
  # The offer that the other party accepts with the same command.

  by @0 :Text;
  # buyer provider
  what @1 :Text;
  # cancel, or extend
  which @2 :Text;
  # start deliver review
  due :union {
    # The new deadline.

    none @3 :Void;
    value @4 :UInt64;
  }
}

struct EscrowProposal {
  by @0 :Text;
  pay @1 :Text;
  hash @2 :Data;
  # The hash that `agree` signs.
}

struct EscrowDispute {
  arbiters @0 :List(Text);
  # The drawn arbiters, the latest last.
  proposal @1 :EscrowProposal;
}

struct EscrowMilestone {
  amount @0 :Text;
  passed @1 :Bool;
}

struct EscrowShown {
  # `escrow show`.

  escrow @0 :Data;
  state @1 :Text;
  buyer @2 :Text;
  provider @3 :Text;
  amount @4 :Text;
  bonds @5 :EscrowBonds;
  released @6 :Text;
  # Gross: the provider has got `released` less `fund`.
  fund @7 :Text;
  deadline :union {
    none @8 :Void;
    value @9 :UInt64;
  }
  then @10 :EscrowThen;
  delivered @11 :Data;
  # The content id of the latest delivery.
  dispute @12 :EscrowDispute;
  paid @13 :List(EscrowPaid);
  offers @14 :List(EscrowOffer);
  confirmed @15 :Bool;
  # Whether the last posting is in the ledger.
  sentence @16 :Text;
  proposal @17 :EscrowProposal;
  milestones @18 :List(EscrowMilestone);
  cid @19 :Data;
  # The content id that was agreed to be delivered.
  bond @20 :Text;
  # Bond of each party, as agreed.
  account @21 :Text;
  # The escrow's account.
  seq @22 :UInt64;
  hash @23 :Data;
  # Hash of the latest entry of its log.
  notes @24 :List(Text);
  # Notes of the guards.
  waits @25 :Text;
  # What the last posting waits for: "fees" if the node's account on the chain has too little to pay the fee. null:
  # nothing, or only the ledger.
}

struct TaskEscrowShown {
  # `escrow show` for an escrow of a task.

  escrow @0 :Data;
  state @1 :Text;
  # created running opened settled
  buyer @2 :Text;
  task @3 :Data;
  quorum @4 :UInt32;
  held @5 :Text;
  # Amount held for providers that may still be paid.
  released @6 :Text;
  # Gross: the providers have got `released` less `fund`.
  fund @7 :Text;
  deadline :union {
    none @8 :Void;
    value @9 :UInt64;
  }
  account @10 :Text;
  # The escrow's account.
  providers @11 :List(TaskProviderShown);
}

struct TaskProviderShown {
  token @0 :UInt64;
  # Token of the attempt.
  provider @1 :Text;
  payTo @2 :Text;
  price @3 :Text;
  due @4 :UInt64;
  state @5 :Text;
  # paying engaged "handed in" paid wrong resigned silent
  answer @6 :Data;
  # Null until the escrow has opened.
}

struct EscrowRows {
  # `escrow ls`.

  rows @0 :List(EscrowListed);
}

struct EscrowListed {
  escrow @0 :Data;
  state @1 :Text;
  amount @2 :Text;
  deadline :union {
    none @3 :Void;
    value @4 :UInt64;
  }
  buyer @5 :Text;
  provider @6 :Text;
}

struct EscrowApproval {
  key @0 :Data;
  signature @1 :Data;
}

struct EscrowAct {
  # A signed action: its bytes, the policy of its account, and the approvals of the bytes.

  act @0 :Data;
  policy @1 :Data;
  approvals @2 :List(EscrowApproval);
}

struct EscrowLogged {
  # A line of `escrow log`. All lines are the input of `escrow verify FILE`, and enough to recompute the escrow.

  seq @0 :UInt64;
  time @1 :UInt64;
  event @2 :Text;
  by @3 :Text;
  # null: caused by a deadline, the ledger or a guard
  hash @4 :Data;
  prev @5 :Data;
  what @6 :Text;
  # What happened, for people.
  entry @7 :Data;
  # Its bytes, whose SHA-256 is `hash`.
  act @8 :EscrowAct;
  # Only with the first entry that the action caused.
  agreement @9 :Data;
  # Only in the first entry: the SHA-256 of the agreement is the escrow's id, and `prev` of this entry.
  commitment @10 :Data;
  # Only in the first entry: the buyer's commitment.
}

struct EscrowFlaw {
  seq @0 :UInt64;
  what @1 :Text;
}

struct EscrowVerified {
  # `escrow verify`.

  escrow @0 :Data;
  state @1 :Text;
  entries @2 :UInt64;
  # Number of valid entries.
  acts @3 :UInt64;
  bad @4 :EscrowFlaw;
  # The first invalid event; null: none.
}

struct EscrowSeen {
  # A line of `escrow watch`.

  escrow @0 :Data;
  seq @1 :UInt64;
  time @2 :UInt64;
  event @3 :Text;
  by @4 :Text;
  what @5 :Text;
}

struct EscrowArbiters {
  rows @0 :List(EscrowArbiter);
}

struct EscrowArbiter {
  # `escrow arbiter join`, `leave`, and a row of `ls`.

  arbiter @0 :Text;
  bond @1 :Text;
  # "0": no longer an arbiter.
  drawn @2 :UInt32;
  ruled @3 :UInt32;
  silent @4 :UInt32;
  since @5 :UInt64;
  # Unix ms: the arbiter can be drawn for escrows that were proposed after this time. 0: it joined before this was
  # recorded.
}
