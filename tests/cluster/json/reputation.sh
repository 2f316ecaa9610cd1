prints ReputationReported reputation report "$other" task_success
prints ReputationRows reputation
prints Reputation reputation "$other"
prints ReputationEvents reputation "$other" --events
prints ReputationVerified reputation "$other" --verify
