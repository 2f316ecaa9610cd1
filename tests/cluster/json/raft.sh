prints RaftMade raft init
prints RaftGroups raft ls
prints RaftChanged raft add "$other@$other_at" --learner
prints RaftChanged raft remove "$other"
prints RaftChanged raft transfer "$node"
prints RaftStatus raft status
prints RaftChanged raft snapshot
prints RaftRecovered raft recover --force-new-cluster
prints KvChanged kv put a 1 --ttl 5m
prints KvGot kv get a
prints KvChanged kv cas a 1 2
prints KvRow,KvSummary kv ls
prints KvChange kv watch '' --rev 1 --count 1
lease=$(troupe kv lease grant 1m)
prints KvLease kv lease grant 1m
prints KvLease kv lease keep "$lease"
prints KvLease kv lease drop "$lease"
prints KvChanged kv del a
printf 'put b 1\nget b\n' >changes
prints KvChanged kv txn - <changes
has '"values":[{"value":"1"'
prints KvAnswer kv batch - <changes
has '"ok":true'
printf 'get none\n' >wrong
exits 3 prints KvAnswer kv batch - <wrong
prints 'GroupFiles?' file ls --group main
