"""The shell of `rooms`: which room lives under which name, and the carrying out of what a room decides.

`conferences` is the door (join, digits, the APIs' changes and questions), `live` one room with its queue, `moment` what
one event becomes (one media batch, one commit), `record` the rows and events that users see, `views` the answers,
`ports` what all this needs of others, `names` the law of room names.
"""

from roomtone.conferences.conferences import Conferences
from roomtone.conferences.names import ConferenceNameError
from roomtone.conferences.participation import Participation

__all__ = ["ConferenceNameError", "Conferences", "Participation"]
