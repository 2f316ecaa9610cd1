prints RegistryRows registry ls
for name in arch cpu; do has "\"$name\":"; done
prints RegistryView registry view "$node" --history
has '"memory":'
prints RegistryOwn registry register --capability gpu
has '"gpu":'
prints RegistryOwn registry unregister
