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
prints KvLease kv lease grant 1m
prints KvChanged kv del a
not_here 'kv batch' 'it reads standard input: tests/cluster/raft_test.cpp'
not_here 'kv txn' 'it reads standard input: tests/cluster/raft_test.cpp'
