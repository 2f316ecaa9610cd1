prints ReputationReported reputation report "$other" task_success
prints ReputationEvents reputation "$other" --events
