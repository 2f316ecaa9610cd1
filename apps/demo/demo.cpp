// troupe demo: a cluster on loopback that shows the main features, and is removed afterwards.
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "apps/cli/command.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/demo/session.hpp"
#include "messages/output/node.capnp.h"
#include "runtime/os/chance.hpp"

namespace troupe::apps {
namespace {

constexpr std::uint64_t kNodes = 5;
constexpr std::uint64_t kNodesMin = 3;   // one is killed, and one more stores only a part
constexpr std::uint64_t kNodesMax = 20;  // our choice: 20 links each still come up within seconds
constexpr std::uint64_t kBytes = 64u << 20;
constexpr std::uint64_t kBytesMax = 4ull << 30;  // our choice: several times that amount is written below TMPDIR
constexpr std::uint64_t kReplicas = 3;
constexpr const char* kBook = "ledger.book=group:main";
constexpr const char* kActorsShown = "27";
constexpr const char* kMessagesShown = "6";  // fewer than any file causes
constexpr int kLooksMax = 600;               // for links to come up, each after a pause: a minute

template <class T>
using Outcome = DemoSession::Outcome<T>;

std::uint64_t number_at(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::uint64_t number_after(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  return at == std::string_view::npos ? 0 : number_at(text.substr(at + name.size()));
}

class Demo {
 public:
  Demo(DemoSession session, std::uint64_t nodes, std::uint64_t bytes)
      : session_(std::move(session)), wanted_(nodes), bytes_(bytes) {}

  /// Runs only the cluster, with the screens on it until the user quits.
  Outcome<void> run_screens() {
    for (auto step : {&Demo::make_operator, &Demo::start_nodes, &Demo::make_file, &Demo::put, &Demo::open_screens,
                      &Demo::stop_nodes})
      if (auto done = (this->*step)(); !done.ok()) return done;
    return {};
  }

  Outcome<void> run() {
    for (auto step : {&Demo::start_nodes, &Demo::make_file, &Demo::put, &Demo::view, &Demo::inspect, &Demo::kill_first,
                      &Demo::trace, &Demo::get, &Demo::restart_first, &Demo::pay, &Demo::stop_nodes})
      if (auto done = (this->*step)(); !done.ok()) return done;
    return {};
  }

  void write(output::wire::Demo::Builder out) const {
    const auto data = [](const std::string& hex, auto& bytes) {
      base::parse_hex(hex, bytes);
      return capnp::Data::Reader(bytes.data(), bytes.size());
    };
    std::array<std::uint8_t, 32> cid{};
    std::array<std::uint8_t, 20> node{};
    out.setNodes(static_cast<std::uint32_t>(wanted_));
    out.setBytes(bytes_);
    out.setCid(data(cid_, cid));
    out.setKilled(data(nodes_.front().id, node));
    out.setReadAt(data(reader_id_, node));
    out.setChunks(static_cast<std::uint32_t>(chunks_));
    out.setChunksThere(static_cast<std::uint32_t>(chunks_there_));
    out.setSame(same_);
    std::array<std::uint8_t, 32> escrow{};
    out.setEscrow(data(escrow_, escrow));
  }

 private:
  DemoNode& first() { return nodes_.front(); }

  /// Creates the key that identifies the screens to all nodes.
  Outcome<void> make_operator() {
    const auto key = session_.ask({"troupe", "operator", "key"});
    if (!key.ok()) return key.error();
    operator_ = key.value().substr(0, key.value().find_first_of(" \n"));
    return {};
  }

  Outcome<void> open_screens() {
    Words words{"troupe", "inspect", "--operate"};
    for (const DemoNode& node : nodes_) words.insert(words.end(), {"--node", node.id + '@' + node.at});
    session_.say("The screens for all of them; q ends them and the demo:");
    return session_.foreground(words);
  }

  Outcome<void> start_nodes() {
    session_.say(std::to_string(wanted_) + " nodes, each a process with its own directory, in:");
    session_.show("cd " + session_.directory());
    while (nodes_.size() < wanted_) {
      Words words{"--listen", "127.0.0.1:0", "--set", kBook};
      if (!nodes_.empty()) words.insert(words.end(), {"--join", first().id + '@' + first().at});
      if (!operator_.empty())
        words.insert(words.end(),
                     {"--name", 'n' + std::to_string(nodes_.size() + 1), "--set", "operators.operate=" + operator_});
      auto node = session_.start("n" + std::to_string(nodes_.size() + 1), words);
      if (!node.ok()) return node.error();
      nodes_.push_back(std::move(node).value());
    }
    session_.say("They find each other through the first:");
    for (const DemoNode& node : nodes_)
      if (auto linked = wait_for_links(node); !linked.ok()) return linked;
    return shown({"troupe", "peers", "--data", first().data});
  }

  Outcome<void> wait_for_links(const DemoNode& node) {
    std::uint64_t peers = 0;
    for (int looks = 0; looks < kLooksMax; ++looks) {
      const auto status = session_.ask({"troupe", "status", "--data", node.data, "--json"});
      if (!status.ok()) return status.error();
      peers = number_after(status.value(), "\"peers\":");
      if (peers + 1 >= wanted_) return {};
      if (auto paused = session_.pause(); !paused.ok()) return paused;
    }
    return Failure{{base::Code::timeout, "the demo failed: " + node.data + " sees only " + std::to_string(peers) +
                                             " of " + std::to_string(wanted_ - 1) + " other nodes"},
                   "the demo was stopped, and removed everything",
                   {},
                   Exit::failed};
  }

  Outcome<void> make_file() {
    session_.say("A file of " + bytes_for_people(bytes_) + ':');
    session_.show("head -c " + std::to_string(bytes_) + " /dev/urandom > original");
    std::ofstream file(session_.directory() + "/original", std::ios::binary);
    os::Chance chance;
    std::vector<std::uint8_t> piece(1u << 20);
    for (std::uint64_t left = bytes_; left > 0;) {
      const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), left));
      chance.fill(std::span(piece).first(size));
      file.write(reinterpret_cast<const char*>(piece.data()), static_cast<std::streamsize>(size));
      left -= size;
    }
    if (file.flush()) return {};
    return Failure{{base::Code::no_space, "cannot write " + bytes_for_people(bytes_) + " in " + session_.directory()},
                   "the demo was stopped, and removed everything",
                   "TMPDIR=ANOTHER-DIR troupe demo"};
  }

  Outcome<void> put() {
    const auto replicas = std::min<std::uint64_t>(kReplicas, wanted_ - 1);
    session_.say("Stored at the first node, each part of it at " + std::to_string(replicas) + ". This is its name:");
    auto cid = session_.run(
        {"troupe", "file", "put", "original", "--replicas", std::to_string(replicas), "--data", first().data});
    if (!cid.ok()) return cid.error();
    cid_ = cid.value().substr(0, cid.value().find('\n'));
    return {};
  }

  Outcome<void> view() {
    session_.say("Where its parts are stored now:");
    const auto view = session_.run({"troupe", "file", "view", cid_, "--data", first().data});
    if (!view.ok()) return view.error();
    chunks_ = number_after(view.value(), "chunks ");
    chunks_there_ = chunks_ + 1;
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      const auto held = number_after(view.value(), nodes_[i].id);
      if (held >= chunks_there_) continue;
      reader_ = i;
      reader_id_ = nodes_[i].id;
      chunks_there_ = held;
    }
    return {};
  }

  Outcome<void> inspect() {
    session_.say("Inside, that node consists of actors. The busiest ones:");
    return shown({"troupe", "inspect", "--once", "--top", "handled", "--limit", kActorsShown, "--data", first().data});
  }

  Outcome<void> kill_first() {
    session_.say("The node at which it was stored dies at once, without notice:");
    session_.kill(first());
    return {};
  }

  /// Starts to trace the messages of the next step.
  Outcome<void> trace() {
    const DemoNode& reader = nodes_[reader_];
    session_.say("Messages that reach the file actors of " + reader.data + ", as they happen from now on:");
    auto begun = session_.begin(
        {"troupe", "trace", "/files/**", "--count", kMessagesShown, "--seconds", "60", "--data", reader.data});
    if (!begun.ok()) return begun.error();
    trace_ = std::move(begun).value();
    for (int looks = 0; looks < kLooksMax; ++looks) {  // an operator's link is an actor: the trace's, and the caller's
      const auto seen = session_.ask(
          {"troupe", "inspect", "--once", "--filter", "path~operator handled>0", "--json", "--data", reader.data});
      if (!seen.ok()) return seen.error();
      if (number_after(seen.value(), "\"matched\":") >= 2) return {};
      if (auto paused = session_.pause(); !paused.ok()) return paused;
    }
    return {};  // then it shows fewer
  }

  Outcome<void> get() {
    const DemoNode& reader = nodes_[reader_];
    session_.say("Read back at " + reader.data + ", which stores " + std::to_string(chunks_there_) + " of its " +
                 std::to_string(chunks_) + " chunks:");
    if (auto got = shown({"troupe", "file", "get", cid_, "-o", "copy", "--data", reader.data}); !got.ok()) return got;
    if (auto compared = shown({"cmp", "original", "copy"}); !compared.ok()) return compared;
    session_.say("`cmp` found no difference. The messages seen during that time:");
    same_ = true;
    return session_.rest(*trace_);
  }

  Outcome<void> restart_first() {
    session_.say("The first node comes back, with all its data:");
    auto node = session_.start(first().data, {"--listen", first().at, "--set", kBook});
    if (!node.ok()) return node.error();
    first() = std::move(node).value();
    if (auto linked = wait_for_links(first()); !linked.ok()) return linked;
    for (const Words& words : {Words{"status"}, Words{"peers"}, Words{"file", "ls"}}) {
      Words command{"troupe"};
      command.insert(command.end(), words.begin(), words.end());
      command.insert(command.end(), {"--data", first().data});
      if (auto done = shown(command); !done.ok()) return done;
    }
    return {};
  }

  /// Makes an escrow for the file, at a book that three nodes agree on.
  Outcome<void> pay() {
    const std::string& asked = nodes_[1].data;
    session_.say(
        "Money: three of them keep an account ledger (book) together (ledger.book), and two wallets have some of it:");
    Words members{"troupe", "raft", "init", "--group", "main", "--members", "", "--data", asked};
    for (std::size_t i = 0; i < 3; ++i) members[6] += (i == 0 ? "" : ",") + nodes_[i].id + '@' + nodes_[i].at;
    if (auto made = shown(members); !made.ok()) return made;
    // For the commands that this process starts: the user's own wallets are not touched.
    ::setenv("XDG_CONFIG_HOME", (session_.directory() + "/config").c_str(), 1);
    ::setenv("TROUPE_PASSPHRASE_FILE", (session_.directory() + "/passphrase").c_str(), 1);
    std::ofstream(session_.directory() + "/passphrase") << "of this demo only\n";
    const auto buyer = wallet("buyer"), seller = wallet("seller");
    if (!buyer.ok()) return buyer.error();
    if (!seller.ok()) return seller.error();
    if (auto paid = shown({"troupe", "wallet", "issue", "buyer", "1000", "--data", asked}); !paid.ok()) return paid;
    if (auto paid = shown({"troupe", "wallet", "issue", "seller", "100", "--data", asked}); !paid.ok()) return paid;
    session_.say(
        "An escrow holds the price until the file is delivered, and decides what happens if a party is silent:");
    const auto made = session_.run({"troupe", "escrow", "create", "--to", seller.value(), "--amount", "200", "--wallet",
                                    "buyer", "--data", asked});
    if (!made.ok()) return made.error();
    escrow_ = made.value().substr(0, made.value().find('\n'));
    const auto act = [&](Words words, const char* who) {
      words.insert(words.begin(), {"troupe", "escrow"});
      words.insert(words.end(), {"--wallet", who, "--data", asked});
      return shown(words);
    };
    for (const auto& [words, who] : {std::pair<Words, const char*>{{"sign", escrow_}, "seller"},
                                     {{"fund", escrow_}, "buyer"},
                                     {{"fund", escrow_}, "seller"},
                                     {{"start", escrow_}, "seller"},
                                     {{"deliver", escrow_, cid_}, "seller"},
                                     {{"accept", escrow_}, "buyer"}})
      if (auto done = act(words, who); !done.ok()) return done;
    if (auto done = shown({"troupe", "escrow", "show", escrow_, "--data", asked}); !done.ok()) return done;
    return shown({"troupe", "wallet", "ls", "--data", asked});
  }

  /// Returns its address. The words that a user would write down are not shown.
  Outcome<std::string> wallet(const std::string& name) {
    session_.show("troupe wallet new " + name);
    const auto made = session_.ask({"troupe", "wallet", "new", name, "--json"});
    if (!made.ok()) return made.error();
    const auto at = made.value().find("tro1");
    std::string address = made.value().substr(at, made.value().find('"', at) - at);
    session_.show_output(address + '\n');
    return address;
  }

  Outcome<void> stop_nodes() {
    session_.say("All of them are asked to end (SIGTERM), and the directory is removed.");
    for (DemoNode& node : nodes_)
      if (auto stopped = session_.stop(node); !stopped.ok()) return stopped;
    return {};
  }

  Outcome<void> shown(const Words& words) {
    const auto output = session_.run(words);
    if (!output.ok()) return output.error();
    return {};
  }

  DemoSession session_;
  std::vector<DemoNode> nodes_;  // after the session: they end before their directory is removed
  const std::uint64_t wanted_, bytes_;
  std::string cid_, operator_, escrow_;
  std::optional<Child> trace_;
  std::size_t reader_ = 1;
  std::string reader_id_;
  std::uint64_t chunks_ = 0, chunks_there_ = 0;
  bool same_ = false;
};

/// Returns the path of this program, also if it was found through PATH.
Outcome<std::string> this_program() {
  std::array<char, 4096> path{};  // PATH_MAX of Linux
  const auto size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size > 0 && static_cast<std::size_t>(size) < path.size()) return std::string(path.data(), path.data() + size);
  return Failure{{base::Code::internal, "cannot find this program in /proc"}, "nothing was started"};
}

Ending demo(const Invocation& invocation, Console& console) {
  if (invocation.globals.data || invocation.globals.node)
    return usage_failure("the demo starts its own nodes: leave --data and --node out", "troupe demo");
  const auto program = this_program();
  if (!program.ok()) return program.error();
  const auto begun = std::chrono::steady_clock::now();
  const bool json = invocation.globals.json;
  auto session = DemoSession::make(program.value(), variable(console, "TMPDIR").value_or("/tmp"),
                                   json ? console.err : console.out);
  if (!session.ok()) return session.error();
  const std::uint64_t nodes = invocation.number("--nodes").value_or(kNodes);
  const std::uint64_t bytes = invocation.number("--bytes").value_or(kBytes);
  Demo demo(std::move(session).value(), nodes, bytes);
  const bool screens = invocation.has("--inspect");
  if (screens && (json || !console.out_is_terminal))
    return usage_failure("--inspect needs a terminal, and does not print JSON", "troupe demo");
  if (auto done = screens ? demo.run_screens() : demo.run(); !done.ok()) return done.error();
  if (screens) return Exit::done;
  JsonLine<output::wire::Demo> line;
  demo.write(*line);
  line->setSeconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
  if (json) line.print(console.out);
  return Exit::done;
}

}  // namespace

Commands demo_commands() {
  return {
      {.name = "demo",
       .summary = "Show what troupe does, on a cluster of nodes that is removed afterwards",
       .options = {number_option("--nodes", "N", "number of nodes (default 5)", kNodesMin, kNodesMax),
                   number_option("--bytes", "N", "size of the file (default 67108864)", 0, kBytesMax),
                   {.name = "--inspect", .help = "leave the cluster running and open the screens on all its nodes"}},
       .run = demo}};
}

}  // namespace troupe::apps
