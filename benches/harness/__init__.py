"""The parts of the load bench: the processes around it, what the telephones do, and what is made of what they heard."""
