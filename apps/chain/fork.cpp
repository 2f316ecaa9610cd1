// troupe chain fork | resume; and `chain sign` of a statement.
#include <algorithm>
#include <filesystem>
#include <istream>
#include <string>

#include "apps/chain/chain.hpp"
#include "apps/chain/founding.hpp"
#include "apps/chain/own_directory.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/host/data_directory.hpp"
#include "apps/wallet/on_chain.hpp"
#include "apps/wallet/passphrase.hpp"
#include "messages/codec.hpp"
#include "messages/output/chain.capnp.h"
#include "runtime/config/forms.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::apps {
namespace {

using namespace wallets;
using base::Code;
using chain::ForkStatement;
using chain::SignedFork;
namespace fork_wire = chain::wire;

constexpr const char* kForkHelp = "troupe help chain fork";
constexpr std::chrono::minutes kResumeAnswer{10};  // our choice: up to 1,000 blocks are dropped
constexpr std::uint64_t kCountedMax = 1'000;       // blocks: a node stores no older states to return to
constexpr std::uint32_t kCountedOfPage = 100;      // a node returns no more at once

Ending print_fork(const Invocation& invocation, Console& console, const SignedFork& fork) {
  const ForkStatement& statement = fork.statement;
  if (invocation.globals.json) {
    JsonLine<output::wire::ChainFork> line;
    line->setFork(statement.fork.value);
    line->setHeight(statement.height.value);
    line->setBlock(data(statement.block.view()));
    line->setSignatures(size32(fork.signatures));
    line.print(console.out);
    return Exit::done;
  }
  console.out << "fork        " << statement.fork.value << "\nheight      " << statement.height.value
              << "\nblock       " << statement.block.hex() << "\nsignatures  " << fork.signatures.size() << '\n';
  return Exit::done;
}

/// The keys with which a directory signs a statement.
struct ForkSigner {
  std::string path;
  std::unique_ptr<ports::Disk> disk;
  base::NodeId node;
  chain::ChainId chain;
  crypto::SecretKey key;
  std::vector<chain::Founder> founders;
};

Failure no_signer(const std::string& what) {
  return {{Code::refused, what}, "nothing was signed", kForkHelp, Exit::refused};
}

base::Result<ForkSigner, Failure> fork_signer(const Invocation& invocation, const Console& console) {
  const auto path = chains::directory_of(invocation, console);
  if (!path.ok()) return path.error();
  std::error_code unseen;
  if (!std::filesystem::exists(path.value() + '/' + std::string(crypto::kIdentityFile), unseen))
    return no_signer("there is no node in " + path.value());
  auto disk = chains::open_here(path.value());
  if (!disk.ok()) return disk.error();
  os::Chance chance;
  const auto identity = crypto::load_or_make(*disk.value(), chance, 0);
  if (!identity.ok()) return chains::cannot_use_directory(path.value(), identity.error());
  const auto file = kept_file(*disk.value(), chains::kChainFile, chain::kGenesisBytesMax);
  if (!file.ok()) return chains::cannot_use_directory(path.value(), file.error());
  if (!file.value()) return no_signer("the node in " + path.value() + " follows no chain");
  const auto genesis = chain::SignedGenesis::parse(*file.value());
  if (!genesis.ok())
    return chains::cannot_use_directory(path.value(), {Code::corrupt, "its file `chain` is not a complete genesis"});
  auto key = chains::load_consensus_key(*disk.value());
  if (!key.ok()) return chains::cannot_use_directory(path.value(), key.error());
  if (!key.value())
    return no_signer("there is no consensus key in " + path.value() + ": it does not belong to a validator");
  // A chain gains no validators after its genesis: another key's signature would not count.
  const auto& founders = genesis.value().genesis().founders;
  const base::NodeId node = identity.value().id();
  const auto self = std::ranges::find(founders, node, &chain::Founder::node);
  if (self == founders.end())
    return no_signer("the node " + node.hex() + " in " + path.value() +
                     " is not a validator of its chain: its signature would not count");
  if (key.value()->public_key() != self->consensus_key)
    return no_signer("the consensus key in " + path.value() +
                     "/validator is not the key that the genesis names: its signature would not count");
  return ForkSigner{
      path.value(), std::move(disk).value(), node, id_of(genesis.value().genesis()), std::move(*key.value()), founders};
}

/// Whether no signer belongs to its chain. A statement does not name its chain, but its signatures do.
bool is_of_another_chain(const SignedFork& fork, const ForkSigner& signer) {
  const base::Bytes message = signed_bytes(signer.chain, fork.statement);
  const auto of_this = [&](const chain::ForkSignature& one) {
    const auto founder = std::ranges::find(signer.founders, one.validator, &chain::Founder::node);
    return founder != signer.founders.end() && crypto::verify(founder->consensus_key, message, one.signature);
  };
  return !fork.signatures.empty() && std::ranges::none_of(fork.signatures, of_this);
}

/// The signature is stored first, because it cannot be taken back.
std::optional<Failure> add_signature(SignedFork& fork, const ForkSigner& signer, const std::string& file) {
  if (fork.signatures.size() >= chain::kValidatorsMax)
    return no_signer(file + " has " + std::to_string(chain::kValidatorsMax) + " signatures, the limit");
  const auto pledged = chains::pledge_fork(*signer.disk, fork.statement);
  if (!pledged.ok() && pledged.error().code == Code::refused) return no_signer(pledged.error().message);
  if (!pledged.ok()) return chains::cannot_use_directory(signer.path, pledged.error());
  fork.add({signer.node, signer.key.sign(signed_bytes(signer.chain, fork.statement))});
  return std::nullopt;
}

/// If a node has accepted a statement, its key signs no other statement of that fork.
std::optional<Failure> pledge_taken(const Invocation& invocation, const Console& console,
                                    const chain::ForkStatement& statement) {
  if (invocation.globals.node) return std::nullopt;  // its directory is on another machine
  const auto signer = fork_signer(invocation, console);
  if (!signer.ok()) return std::nullopt;  // it does not belong to a validator
  const auto pledged = chains::pledge_fork(*signer.value().disk, statement);
  // A statement that its key signed earlier stays stored: the other validators had the majority.
  if (pledged.ok() || pledged.error().code == Code::refused) return std::nullopt;
  return Failure{pledged.error(),
                 "the chain resumes; could not store that this node accepted the statement, in " + signer.value().path,
                 "", Exit::failed};
}

/// Returns the id of the final block of a height.
Client::Outcome<chain::BlockId> final_block(Client& client, const chain::ChainId& chain_id, std::uint64_t height) {
  if (height == 0) return chain::BlockId{chain_id.bytes};
  auto page = ask_chain<fork_wire::ListBlocks, fork_wire::BlockInfos>(client, [&](fork_wire::ListBlocks::Builder out) {
    out.setFrom(height);
    out.setCount(1);
  });
  if (!page.ok()) return page.error();
  const auto rows = page.value().root().getRows();
  const auto id = rows.size() == 1 ? chain::BlockId::from(bytes_of(rows[0].getId())) : std::nullopt;
  if (!id || rows[0].getHeight() != height) return odd_answer("it is not the requested block");
  return *id;
}

/// Final blocks that a statement takes back.
struct Dropped {
  std::uint64_t from = 0, to = 0;
  std::optional<std::uint64_t> transactions{};  ///< in all of them; nullopt: there are too many blocks to count
};

/// Returns nullopt if the node has accepted the statement before, or has no block after the last block that stays.
Client::Outcome<std::optional<Dropped>> dropped_by(Client& client, const ForkStatement& statement) {
  using Found = std::optional<Dropped>;
  const auto now = chain_here(client);
  if (!now.ok()) return now.error();
  const std::uint64_t stays = statement.height.value, head = now.value().height.value;
  if (now.value().fork >= statement.fork || head <= stays) return Found(std::nullopt);
  Dropped out{stays + 1, head};
  if (head - stays > kCountedMax) return Found(out);
  std::uint64_t count = 0;
  for (std::uint64_t height = out.from; height <= head;) {
    auto page = ask_chain<fork_wire::ListBlocks, fork_wire::BlockInfos>(client, [&](fork_wire::ListBlocks::Builder to) {
      to.setFrom(height);
      to.setCount(kCountedOfPage);
    });
    if (!page.ok()) return page.error();
    const auto rows = page.value().root().getRows();
    if (rows.size() == 0) return odd_answer("it lacks a block below its head");
    for (const auto row : rows)
      if (height <= head && row.getHeight() == height) {
        count += row.getTransactions().size() / chain::TxId::kBytes;
        ++height;
      } else if (height <= head) {
        return odd_answer("it is not the requested block");
      }
  }
  out.transactions = count;
  return Found(out);
}

std::string text_of_dropped(const Dropped& dropped) {
  const std::uint64_t count = dropped.to - dropped.from + 1;
  std::string out = count == 1 ? "the final block " + std::to_string(dropped.from) + " would be dropped"
                               : std::to_string(count) + " final blocks would be dropped, " +
                                     std::to_string(dropped.from) + " to " + std::to_string(dropped.to);
  if (!dropped.transactions) return out + ", with all their transactions";
  return out + ", with " + std::to_string(*dropped.transactions) +
         (*dropped.transactions == 1 ? " transaction" : " transactions");
}

/// Asks at a terminal; otherwise --yes is required. Returns nullopt if the blocks may be dropped.
std::optional<Failure> may_drop(const Invocation& invocation, Console& console, const std::string& file,
                                const Dropped& dropped) {
  const std::string what = text_of_dropped(dropped);
  if (invocation.has("--yes")) return std::nullopt;
  if (!asks_terminal(console))
    return usage_failure("--yes is needed without a terminal: " + what,
                         "troupe chain resume " + shell_word(file) + " --yes");
  console.err << what << ", and this cannot be undone. Continue? [y/N] " << std::flush;
  std::string line;
  if (std::getline(console.in, line) && (line == "y" || line == "yes")) return std::nullopt;
  return Failure{{Code::refused, "not confirmed"}, "nothing was dropped", "", Exit::refused};
}

}  // namespace

std::optional<SignedFork> chains::fork_in(const std::string& path) {
  const auto bytes = bytes_in(path, chain::kSignedForkBytesMax);
  return bytes.ok() ? chain::parse_signed_fork(bytes.value()) : std::nullopt;
}

Ending chains::sign_fork(const Invocation& invocation, Console& console, const std::string& file, SignedFork fork) {
  const auto signer = fork_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  if (is_of_another_chain(fork, signer.value()))
    return no_signer(file + " belongs to a chain other than " + signer.value().chain.hex() +
                     ", which the node follows: none of its signatures is from a validator of that chain");
  const auto there = [&](const chain::ForkSignature& one) { return one.validator == signer.value().node; };
  if (std::ranges::any_of(fork.signatures, there)) return print_fork(invocation, console, fork);
  if (auto failed = add_signature(fork, signer.value(), file)) return *failed;
  if (const auto written = write_file(file, encode(fork)); !written.ok()) return written.error();
  return print_fork(invocation, console, fork);
}

Ending chain_fork(const Invocation& invocation, Console& console) {
  const auto file = invocation.text("-o");
  if (!file) return usage_failure("give the file to write with -o", kForkHelp);
  const auto height = config::parse_count(*invocation.text("H"));
  if (!height) return usage_failure("invalid height: expected a whole number", "troupe chain status");
  const auto signer = fork_signer(invocation, console);
  if (!signer.ok()) return signer.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = ask_chain<fork_wire::GetChainStatus, fork_wire::ChainStatus>(*client.value(),
                                                                             [](fork_wire::GetChainStatus::Builder) {});
  if (!answer.ok()) return answer.error();
  const auto status = answer.value().root();
  if (chain::ChainId::from(bytes_of(status.getChain())) != signer.value().chain)
    return no_signer("the node follows a chain other than its directory's");
  const auto block = final_block(*client.value(), signer.value().chain, *height);
  if (!block.ok()) return block.error();
  SignedFork fork{{chain::Fork{status.getFork()}.next(), chain::Height{*height}, block.value()}};
  if (auto failed = add_signature(fork, signer.value(), *file)) return *failed;
  if (const auto written = chains::write_file(*file, encode(fork)); !written.ok()) return written.error();
  return print_fork(invocation, console, fork);
}

Ending chain_resume(const Invocation& invocation, Console& console) {
  const std::string file = *invocation.text("FILE");
  const auto read = chains::bytes_in(file, chain::kSignedForkBytesMax);
  if (!read.ok()) return read.error();
  const auto fork = chain::parse_signed_fork(read.value());
  if (!fork) return usage_failure(file + " was not written by `chain fork`, or is truncated", kForkHelp);
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto dropped = dropped_by(*client.value(), fork->statement);
  if (!dropped.ok()) return dropped.error();
  if (dropped.value())
    if (auto no = may_drop(invocation, console, file, *dropped.value())) return std::move(*no);
  const base::Bytes bytes = encode(*fork);
  auto answer = ask_chain<fork_wire::ResumeChain, fork_wire::ChainResumed>(
      *client.value(), [&](fork_wire::ResumeChain::Builder out) { out.setStatement(data_of(bytes)); }, kResumeAnswer);
  if (!answer.ok()) return answer.error();
  if (auto failed = pledge_taken(invocation, console, fork->statement)) return *failed;
  return print_fork(invocation, console, *fork);
}

}  // namespace troupe::apps
