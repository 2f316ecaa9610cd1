prints Link peers connect "$other_at"
prints Peers peers --wait 1
prints Link peers drop "$other"
prints Link peers forget "$other"
prints Link peers pardon "$other"
prints Link peers connect "$other_at"  # for the scripts after this one
