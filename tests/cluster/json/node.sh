echo 'nonsense = 1' >bad.toml
prints Status status
prints LogLevel log info dht
prints Settings config show
exits 2 prints Problems config check bad.toml
prints OperatorKey operator key
prints Version version
prints Script completion bash
prints Script manual security
prints Commands help
not_here node 'its output is the line `ready`'
