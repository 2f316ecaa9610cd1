// The examples that `troupe help COMMAND` shows. A test parses each of them.
#include "apps/commands.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::apps {
namespace {

/// In the order of `troupe help`. Names such as $ID stand for the output of another command.
constexpr const char* kExamples[] = {
    "troupe node --data a --listen 127.0.0.1:4000",
    "troupe node --data b --listen 127.0.0.1:0 --join 127.0.0.1:4000 --set net.links_max=50",
    "troupe api --data a --listen 127.0.0.1:8080",
    "troupe api routes --json",
    "troupe api key new --role user --scope '/v1/kv/**' --expires 30d",
    "troupe api key revoke 9f3c2a71d04be586",
    "troupe api grant 9f3c2a71d04be586 '/v1/files/*' read",
    "troupe api rules check rules.toml",
    "troupe audit ls --since 24h",
    "troupe peers --wait 2 --seconds 30",
    "troupe dht put name value --ttl 3600",
    "troupe file put photo.jpg --replicas 3",
    "troupe file get $CID -o photo.jpg",
    "troupe raft add $ID@192.0.2.9:4000 --group main",
    "troupe raft recover --group main --force-new-cluster",
    "troupe kv put greeting hello --group main",
    "troupe kv put session open --ttl 30s",
    "troupe kv get greeting --stale",
    "troupe kv del greeting",
    "troupe kv cas greeting hello goodbye",
    "troupe kv cas --absent greeting hello",
    "troupe kv ls user/ --limit 100",
    "troupe kv txn - <changes.txt",
    "troupe kv batch - <commands.txt",
    "troupe kv watch user/ --count 10",
    "troupe kv lease grant 30s",
    "troupe wallet new buyer --passphrase-file pw",
    "troupe wallet send $ADDRESS 100 --wallet buyer --passphrase-file pw --wait",
    "troupe wallet send --from payments.txt --request march",
    "troupe wallet faucet buyer --passphrase-file pw --wait",
    "troupe wallet own --to buyer --amount 100",
    "troupe wallet multisig create board --of 2 --key $ADDRESS1 --key $ADDRESS2",
    "troupe wallet multisig propose board $ADDRESS 100 --expires 3d",
    "troupe wallet multisig sign $ID --wallet buyer",
    "troupe chain found founder --stake 1000 -o founder.bin",
    "troupe chain genesis test founder.bin --test -o genesis.bin",
    "troupe escrow create --to $SELLER --amount 100 --bond 20 --deliver 72h --wallet buyer",
    "troupe escrow sign $ID --wallet seller",
    "troupe escrow fund $ID --wallet buyer",
    "troupe escrow start $ID --wallet seller",
    "troupe escrow progress $ID 40 --wallet buyer",
    "troupe escrow deliver $ID $CID --wallet seller",
    "troupe escrow accept $ID --wallet buyer",
    "troupe escrow dispute $ID --wallet buyer",
    "troupe escrow propose $ID --pay 60 --wallet buyer",
    "troupe escrow agree $ID --pay 60 --wallet seller",
    "troupe escrow rule $ID --pay 60 --wallet arbiter",
    "troupe escrow cancel $ID --wallet buyer",
    "troupe escrow extend $ID --deliver 24h --wallet buyer",
    "troupe escrow arbiter join --bond 100 --wallet arbiter",
    "troupe escrow arbiter leave --wallet arbiter",
    "troupe fund propose $ADDRESS 100 --category hosting --reason march --wallet buyer",
    "troupe fund sign $ID --wallet buyer",
    "troupe airdrop create airdrop.toml --wallet buyer",
    "troupe airdrop object $ID $NODE --reason offline --wallet buyer",
    "troupe registry register --capability gpu=2 --price 10 --pay-to $ADDRESS",
    "troupe registry ls --need memory>=4G,arch=x86_64",
    "troupe reputation report $NODE task-failed --delta -5",
    "troupe task submit ./work.sh --input $CID:data.csv --output result.csv --time 10m --wait",
    "troupe config show --origin",
    "troupe config show --data a --set net.links_max=50",
    "troupe bench actor --seconds 5 --actors 1000",
    "troupe bench link --idle 1000",
    "troupe bench dht --nodes 50",
    "troupe bench kv --failover",
    "troupe bench task --only task.run,task.place",
    "troupe bench escrow --only escrow.whole",
    "troupe bench chain --validators 4",
    "troupe bench file --mib 100 --dir /var/tmp",
    "troupe demo --nodes 5 --inspect",
    "troupe sandbox run --memory 64M --time 10s /bin/echo hello",
    "troupe sim dht --seed 8412",
    "troupe sim dht,files --seeds 100 --jobs 2",
    "troupe sim run bad.toml --trace bad.trace",
    "troupe sim replay dht --seed 8412 --until 6000",
    "troupe sim shrink dht --seed 8412 -o bad.toml",
    "troupe sim mutants --seeds 20",
    "troupe sim churn --nodes 1000 --session 1h",
    "troupe sim eclipse --rounds 10",
    "troupe sim survival --weeks 4",
};

}  // namespace

void add_examples(Commands& table) {
  for (const char* example : kExamples) {
    Command* longest = nullptr;
    for (Command& command : table)
      if (std::string_view(example).starts_with("troupe " + command.name + ' '))
        if (longest == nullptr || command.name.size() > longest->name.size()) longest = &command;
    base::ensure(longest != nullptr, "each example begins with the name of a command");
    longest->examples.emplace_back(example);
  }
}

}  // namespace troupe::apps
