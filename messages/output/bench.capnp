@0x924b0fb6c8f82e8e;
# Output of `troupe bench --json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct BenchRows {
  rows @0 :List(BenchRow);
}

struct BenchRow {
  # One figure of `bench`.

  what @0 :Text;
  clients @1 :UInt64;
  # How many clients were active at once: requesters, actors or links.
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
  # Lost messages and unanswered requests; above zero the figure is meaningless.
  residentBytes :union {
    none @13 :Void;
    value @14 :UInt64;
    # Growth of resident memory, divided by `clients`.
  }
  requestsEach :union {
    none @15 :Void;
    value @16 :Float64;
    # Requests that all nodes together sent per operation, including maintenance at the same time.
  }
  cpuMsEach :union {
    none @17 :Void;
    value @18 :Float64;
    # Processor time of the whole process per operation, including its client.
  }
  mib :union {
    none @19 :Void;
    value @20 :Float64;
  }
  seconds :union {
    none @21 :Void;
    value @22 :Float64;
    # Duration of a single operation, or the median of several operations.
  }
  secondsMax :union {
    none @23 :Void;
    value @24 :Float64;
    # The longest of the several operations.
  }
  ratio :union {
    none @25 :Void;
    value @26 :Float64;
  }
  syncsEach :union {
    none @27 :Void;
    value @28 :Float64;
    # How often all members together synced their logs, per operation.
  }
}
