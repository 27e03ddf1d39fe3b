"""What a conference is: a pure state machine. Events and the time go in, facts and orders come out.

Nothing here performs anything, asks the time or knows a platform. `room` is the table; `join` is what a participant
asks for, `participant` what it is while in the room, `outputs` what a room tells and wants, `hearing` who hears whom,
`sounds` the queue of beeps.
"""
