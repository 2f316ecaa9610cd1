@0xfd249f6313d99a09;
# Output with `--json`: the error line. README.md has the rules of all outputs.

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
  # What the command has done: "nothing was changed".
  try @3 :Text;
  # What the caller can do now; null if unknown.
  retryAfterMs :union {
    none @4 :Void;
    value @5 :UInt32;
  }
}
