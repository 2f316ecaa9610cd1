// troupe chain found | genesis | sign, as functions; and the chain that a node takes.
#include "apps/chain/founding.hpp"

#include <signal.h>
#include <sys/stat.h>

#include "actors/chain/logic/fork.hpp"
#include "runtime/os/chance.hpp"
#include "runtime/os/disk.hpp"
#include "tests/apps/harness.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::apps;
using test::contains;

namespace {

constexpr chain::UnixMs kFoundedAt{1'700'000'000'000};

/// A person with wallets, data directories and files.
struct Founders {
  /// The first keystore begins threads that stay: no signal of a later test may end up at one of them.
  Founders() {
    sigset_t heard{};
    ::sigemptyset(&heard);
    ::sigaddset(&heard, SIGINT);
    REQUIRE(::pthread_sigmask(SIG_BLOCK, &heard, &before_) == 0);
  }
  ~Founders() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Founders(const Founders&) = delete;
  Founders& operator=(const Founders&) = delete;

  sigset_t before_{};
  TemporaryFolder folder;
  std::string secret = folder.write("secret", "open sesame\n");

  std::string at(const std::string& name) const { return folder.path() + '/' + name; }
  Seen run(std::vector<std::string> arguments, const std::string& node = "") {
    if (!node.empty()) arguments.insert(arguments.end(), {"--data", at(node)});
    return troupe_with(arguments, {"XDG_CONFIG_HOME=" + folder.path(), "TROUPE_PASSPHRASE_FILE=" + secret});
  }
  std::string get(const std::vector<std::string>& arguments, const std::string& node = "") {
    const Seen seen = run(arguments, node);
    REQUIRE_MESSAGE(seen.exit == Exit::done, seen.err);
    return seen.out.substr(0, seen.out.find('\n'));
  }
  /// A founder with a wallet, a node and a file of its name.
  std::string found(const std::string& name, const std::string& stake) {
    get({"wallet", "new", name});
    return get({"chain", "found", name, "--stake", stake, "-o", at(name + ".found"), "--set", "identity.work_bits=0"},
               name);
  }
  std::string bytes(const std::string& name) const {
    std::ifstream file(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  unsigned mode(const std::string& name) const {
    struct stat file {};
    REQUIRE(::stat(at(name).c_str(), &file) == 0);
    return file.st_mode & 0777;
  }
};

struct NodeDirectory {
  TemporaryFolder folder;
  std::unique_ptr<ports::Disk> disk = std::move(os::open_own_disk(folder.path() + "/node")).value();
  os::Chance chance;
  crypto::Identity identity = crypto::Identity::make(chance, 0);

  base::Result<chains::KeptFiles, Failure> settle(std::optional<chains::ChainTyped> typed) {
    return chains::settle_chain(*disk, "DIR", identity, std::move(typed), kFoundedAt, chance);
  }
};

chain::SignedGenesis genesis_of(const chains::KeptFiles& kept) {
  REQUIRE(kept.chain);
  auto genesis = chain::SignedGenesis::parse(*kept.chain);
  REQUIRE(genesis.ok());
  return std::move(genesis).value();
}

}  // namespace

TEST_CASE(
    "chain founding: founders write, one makes the genesis, and nodes take it once 2/3 of the stake have signed") {
  Founders us;
  for (const char* name : {"ada", "bob", "eve"}) CHECK(us.found(name, "100").size() == 40);
  CHECK(us.mode("ada/validator") == 0600);
  CHECK(us.bytes("ada/validator").size() == chains::kValidatorBytes);
  CHECK(us.get({"chain", "found", "ada", "--stake", "100", "-o", us.at("again")}, "ada").size() == 40);
  CHECK(us.bytes("again") == us.bytes("ada.found"));  // the same keys

  const std::string made =
      us.get({"chain", "genesis", "our-chain", us.at("ada.found"), us.at("bob.found"), us.at("eve.found"), "--test",
              "--set", "faucet.pot=1000", "-o", us.at("G"), "--json"});
  CHECK(contains(made, "\"supply\":\"1300\""));
  CHECK(contains(made, "\"founders\":3"));
  for (const char* name : {"ada", "bob"}) us.get({"chain", "sign", us.at("G")}, name);
  CHECK_FALSE(chains::chain_typed(us.at("G")).ok());  // exactly 2/3 of the stake
  CHECK(chains::chain_typed(us.at("G")).error().exit == Exit::usage);

  const std::string before = us.bytes("G");
  CHECK(contains(us.get({"chain", "sign", us.at("G"), "--json"}, "ada"), "\"signed\":2,\"founders\":3"));
  CHECK(us.bytes("G") == before);  // again it changes nothing
  us.get({"chain", "sign", us.at("G")}, "eve");
  CHECK(chains::chain_typed(us.at("G")).ok());
}

TEST_CASE("chain founding: a genesis that has signatures is not overwritten") {
  Founders us;
  us.found("ada", "100");
  const std::vector<std::string> same{"chain", "genesis", "c", us.at("ada.found"), "-o", us.at("G")};
  const std::vector<std::string> other{"chain", "genesis", "d", us.at("ada.found"), "-o", us.at("G")};
  us.get(other);
  const std::string id = us.get(same);  // without signatures it gives way
  us.get({"chain", "sign", us.at("G")}, "ada");
  const std::string before = us.bytes("G");

  const Seen refused = us.run(other);
  CHECK(refused.exit == Exit::refused);
  CHECK(contains(refused.err, "with 1 signature"));
  CHECK(us.bytes("G") == before);
  CHECK(us.get(same) == id);  // the same content: of the time at which it was made first
  CHECK(us.bytes("G") == before);
}

TEST_CASE("chain founding: what cannot be founded or signed is refused, and says why") {
  Founders us;
  us.found("ada", "100");
  us.get({"wallet", "new", "eve"});
  const auto genesis = [&](std::vector<std::string> more) {
    std::vector<std::string> all{"chain", "genesis", "c", us.at("ada.found"), "-o", us.at("G")};
    all.insert(all.end(), more.begin(), more.end());
    return us.run(all).exit;
  };
  CHECK(us.run({"chain", "found", "ada", "--stake", "0", "-o", us.at("F")}, "ada").exit == Exit::usage);
  CHECK(us.run({"chain", "found", "ada", "--stake", "1"}, "ada").exit == Exit::usage);
  CHECK(us.run({"chain", "found", "bob", "--stake", "1", "-o", us.at("F")}, "ada").exit == Exit::not_found);
  CHECK(genesis({"--set", "block.bytes"}) == Exit::usage);
  CHECK(genesis({"--set", "block.colour=1"}) == Exit::usage);
  CHECK(genesis({"--set", "block.empty_ms=0"}) == Exit::usage);
  CHECK(us.run({"chain", "genesis", "C", us.at("ada.found"), "-o", us.at("G")}).exit == Exit::usage);
  CHECK(us.run({"chain", "genesis", "c", us.at("secret"), "-o", us.at("G")}).exit == Exit::usage);
  CHECK(us.run({"chain", "genesis", "c", us.at("ada.found"), us.at("ada.found"), "-o", us.at("G")}).exit ==
        Exit::usage);
  CHECK(genesis({}) == Exit::done);

  us.get({"chain", "found", "ada", "--stake", "5", "-o", us.at("mine")}, "ada");  // another file of the same node
  const Seen twice = us.run({"chain", "genesis", "c", us.at("ada.found"), us.at("mine"), "-o", us.at("T")});
  CHECK(twice.exit == Exit::usage);
  CHECK_MESSAGE(contains(twice.err, us.at("ada.found") + " and " + us.at("mine") + " are from one node"), twice.err);

  us.get({"chain", "found", "eve", "--stake", "1", "-o", us.at("F"), "--set", "identity.work_bits=0"}, "eve");
  CHECK(us.run({"chain", "sign", us.at("G")}, "eve").exit == Exit::refused);
  CHECK(us.run({"chain", "sign", us.at("G")}, "no-node").exit == Exit::refused);
  CHECK(us.run({"chain", "sign", us.at("ada.found")}, "ada").exit == Exit::usage);
  std::filesystem::remove(us.at("ada/validator"));
  CHECK(us.run({"chain", "sign", us.at("G")}, "ada").exit == Exit::refused);
}

TEST_CASE("chain founding: what another node has written is not overwritten") {
  Founders us;
  us.found("ada", "100");
  us.found("eve", "100");
  const std::string before = us.bytes("ada.found");
  const Seen other = us.run({"chain", "found", "eve", "--stake", "7", "-o", us.at("ada.found")}, "eve");
  CHECK(other.exit == Exit::refused);
  CHECK(us.bytes("ada.found") == before);
  us.get({"chain", "found", "ada", "--stake", "7", "-o", us.at("ada.found")}, "ada");
  CHECK(us.bytes("ada.found") != before);
}

TEST_CASE("chain founding: of a chain on which no fee could be paid its maker is told") {
  Founders us;
  us.found("ada", "100");
  const auto said = [&](const std::vector<std::string>& founding, const std::vector<std::string>& more) {
    us.get(founding, "ada");
    std::vector<std::string> all{"chain", "genesis", "c", us.at("ada.found"), "-o", us.at("G")};
    all.insert(all.end(), more.begin(), more.end());
    return us.run(all).err;
  };
  const std::vector<std::string> poor{"chain", "found", "ada", "--stake", "7", "-o", us.at("ada.found")};
  std::vector<std::string> rich = poor;
  rich.insert(rich.end(), {"--balance", "9"});
  CHECK(contains(said(poor, {}), "--balance"));
  CHECK(said(poor, {"--test"}).empty());
  CHECK(said(rich, {}).empty());
}

TEST_CASE("chain founding: a directory signs one statement of a fork, and says which one it was") {
  Founders us;
  us.found("ada", "100");
  us.get({"chain", "genesis", "c", us.at("ada.found"), "-o", us.at("G")});
  std::filesystem::copy_file(us.at("G"), us.at("ada/chain"));
  const auto statement = [&](const std::string& file, std::uint32_t fork, std::uint64_t height) {
    const base::Bytes bytes = encode(chain::SignedFork{{chain::Fork{fork}, chain::Height{height}, {}}});
    us.folder.write(file, std::string(bytes.begin(), bytes.end()));
    return us.at(file);
  };
  const std::string first = statement("first", 1, 5), other = statement("other", 1, 6), next = statement("next", 2, 6);
  CHECK(contains(us.get({"chain", "sign", first, "--json"}, "ada"), "\"signatures\":1"));
  const std::string before = us.bytes("other");
  const Seen refused = us.run({"chain", "sign", other}, "ada");
  CHECK(refused.exit == Exit::refused);
  CHECK(contains(refused.err, "of height 5 stays"));
  CHECK(us.bytes("other") == before);
  SUBCASE("the same one is signed again, where the file came without it") {
    us.get({"chain", "sign", statement("again", 1, 5)}, "ada");
    CHECK(us.bytes("again") == us.bytes("first"));
  }
  SUBCASE("one of the next fork is signed, and the earlier fork is not forgotten") {
    us.get({"chain", "sign", next}, "ada");
    CHECK(us.run({"chain", "sign", other}, "ada").exit == Exit::refused);
  }
  SUBCASE("what it keeps of them is damaged: it signs nothing") {
    us.folder.write("ada/forks", "forty-two");
    CHECK(us.run({"chain", "sign", first}, "ada").exit == Exit::done);  // it has signed already
    CHECK(us.run({"chain", "sign", next}, "ada").exit != Exit::done);
  }
}

TEST_CASE("chain founding: only a validator of the chain signs a statement by which it goes on") {
  Founders us;
  us.found("ada", "100");
  us.found("eve", "100");
  us.get({"chain", "genesis", "c", us.at("ada.found"), "-o", us.at("G")});
  us.get({"chain", "sign", us.at("G")}, "ada");
  us.folder.write("F", std::string(base::as_text(encode(chain::SignedFork{{{1}, {7}, {}}, {}}))));
  const std::string before = us.bytes("F");
  const Seen no_chain = us.run({"chain", "sign", us.at("F")}, "eve");
  CHECK(no_chain.exit == Exit::refused);
  CHECK(contains(no_chain.err, "follows no chain"));

  for (const char* name : {"ada", "eve"}) us.folder.write(std::string(name) + "/chain", us.bytes("G"));
  const Seen other = us.run({"chain", "sign", us.at("F")}, "eve");  // it follows the chain, and has a consensus key
  CHECK(other.exit == Exit::refused);
  CHECK(contains(other.err, "not a validator"));
  CHECK(us.bytes("F") == before);
  CHECK(contains(us.get({"chain", "sign", us.at("F"), "--json"}, "ada"), "\"signatures\":1"));

  // Eve is a validator of a chain of her own, and a statement of another one is none of hers.
  us.get({"chain", "genesis", "d", us.at("eve.found"), "-o", us.at("D")});
  us.folder.write("eve/chain", us.bytes("D"));
  const Seen foreign = us.run({"chain", "sign", us.at("F")}, "eve");
  CHECK(foreign.exit == Exit::refused);
  CHECK(contains(foreign.err, "a chain other than"));
  us.folder.write("ada/validator", us.bytes("eve/validator"));
  CHECK(us.run({"chain", "sign", us.at("F")}, "ada").exit == Exit::refused);
}

TEST_CASE("chain founding: a node of its own makes a dev chain once, and remembers it") {
  NodeDirectory node;
  auto none = node.settle({});
  REQUIRE(none.ok());
  CHECK_FALSE(none.value().chain);
  CHECK_FALSE(none.value().validator);

  auto made = node.settle(chains::ChainTyped{});
  REQUIRE(made.ok());
  const chain::SignedGenesis genesis = genesis_of(made.value());
  CHECK(genesis.founded());
  CHECK(genesis.genesis().name == "dev");
  CHECK(genesis.genesis().founders.front().node() == node.identity.id());
  CHECK(made.value().validator);
  CHECK_FALSE(made.value().lacks_key);
  for (const auto& typed : {std::optional<chains::ChainTyped>(), std::optional(chains::ChainTyped{}),
                            std::optional(chains::ChainTyped{genesis})}) {
    auto again = node.settle(typed);
    REQUIRE(again.ok());
    CHECK(again.value().chain == made.value().chain);
    CHECK(again.value().validator == made.value().validator);
  }

  SUBCASE("another chain is refused with the way out") {
    NodeDirectory other;
    const auto theirs = genesis_of(other.settle(chains::ChainTyped{}).value());
    const auto refused = node.settle(chains::ChainTyped{theirs});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().exit == Exit::usage);
    CHECK(contains(refused.error().try_, "--data"));
    // A node that follows another's dev chain has none of its own there.
    NodeDirectory third;
    REQUIRE(third.settle(chains::ChainTyped{theirs}).ok());
    CHECK_FALSE(third.settle(chains::ChainTyped{}).ok());
  }
  SUBCASE("a genesis that is missing, or of another chain than the blocks, is not replaced by a new one") {
    REQUIRE(node.disk->remove(chains::kChainFile).ok());
    for (const auto& typed : {std::optional<chains::ChainTyped>(), std::optional(chains::ChainTyped{}),
                              std::optional(chains::ChainTyped{genesis})}) {
      const auto refused = node.settle(typed);
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().exit == Exit::failed);
      CHECK(contains(refused.error().error.message, "its file `chain` is missing"));
      CHECK(contains(refused.error().error.message, id_of(genesis.genesis()).hex()));
    }
    NodeDirectory other;
    const auto theirs = other.settle(chains::ChainTyped{});
    REQUIRE(ports::write_durably(*node.disk, chains::kChainFile, *theirs.value().chain).ok());
    CHECK(contains(node.settle({}).error().error.message, "does not match its blocks"));
    REQUIRE(ports::write_durably(*node.disk, chains::kChainFile, *made.value().chain).ok());
    CHECK(node.settle({}).ok());
  }
  SUBCASE("a founder without its consensus key is told") {
    REQUIRE(node.disk->remove(chains::kValidatorFile).ok());
    const auto kept = node.settle({});
    REQUIRE(kept.ok());
    CHECK(kept.value().lacks_key);
  }
  SUBCASE("files that are cut, too long or changed are refused and left") {
    const auto refused = [&](std::string_view name, base::ByteView bytes) {
      REQUIRE(ports::write_durably(*node.disk, name, bytes).ok());
      const auto kept = node.settle({});
      return !kept.ok() && kept.error().exit == Exit::failed;
    };
    const base::Bytes whole = *made.value().validator;
    CHECK(refused(chains::kValidatorFile, base::ByteView(whole).first(64)));
    CHECK(refused(chains::kValidatorFile, base::Bytes(66, '0')));
    CHECK(refused(chains::kValidatorFile, base::Bytes(65, 'x')));
    REQUIRE(ports::write_durably(*node.disk, chains::kValidatorFile, whole).ok());
    CHECK(node.settle({}).ok());
    base::Bytes genesis_bytes = *made.value().chain;
    CHECK(refused(chains::kChainFile, base::ByteView(genesis_bytes).first(genesis_bytes.size() - 8)));
    CHECK(refused(chains::kChainFile, base::Bytes(chain::kGenesisBytesMax + 1)));
    genesis_bytes.back() ^= 1;
    CHECK(refused(chains::kChainFile, genesis_bytes));
  }
}
