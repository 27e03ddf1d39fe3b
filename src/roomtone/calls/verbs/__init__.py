"""The verbs, one file each: what a document may ask for, and how each runs. A dialect says which of its elements is which verb."""
