prints Inspection inspect --once
prints InspectedEnds inspect --once --ended
prints InspectedOne inspect --once /dht
prints TracedMessage,TraceEnded trace '/**' --all --count 1
