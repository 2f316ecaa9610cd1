prints Link peers connect "$other_at"
prints Peers peers
prints Link peers drop "$other"
prints Link peers pardon "$other"
prints Link peers connect "$other_at"  # for the scripts after this one
