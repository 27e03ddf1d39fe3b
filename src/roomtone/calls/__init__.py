"""What a call does: the switchboard finds where it leads, its life runs documents, verbs act."""
