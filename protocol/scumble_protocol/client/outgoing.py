"""What a session has to send, and what it has sent that no engine has accepted yet. Pure: the session holds the lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from ..messages import Cancel, ClientMessage, Goodbye, Guess, Hello, Ping, Read, Submit, Took
from ..rules import check_edit, check_text


class Outgoing:
    """A queue of messages. With `keeps` what was sent stays known until it is accepted, so that another engine can have it."""

    def __init__(self, keeps: bool) -> None:
        self._waiting: deque[ClientMessage] = deque()
        self._unaccepted: dict[str, ClientMessage] = {}
        self._keeps = keeps

    def put(self, message: ClientMessage) -> None:
        """Have a message sent after those that wait."""
        self._waiting.append(message)

    def next(self, live: Collection[str]) -> ClientMessage | None:
        """Return the next message to send, None when there is none; `live` are the jobs that still owe an end."""
        if not self._waiting:
            return None
        message = self._waiting.popleft()
        if self._keeps and job_of(message) in live and type(message) is not Cancel:
            self._unaccepted[job_of(message)] = message
        return message

    def withdraw(self, job: str = "", previews: bool = False) -> list[str]:
        """Take edits back that were not sent yet, this one or all previews; return their jobs."""
        found = [
            message
            for message in self._waiting
            if isinstance(message, Submit) and (message.purpose == "preview" if previews else message.job == job)
        ]
        for message in found:
            self._waiting.remove(message)
        return [message.job for message in found]

    def settled(self, job: str) -> None:
        """Note that an engine has this job, or that nobody needs to."""
        self._unaccepted.pop(job, None)

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()
        self._unaccepted.clear()

    def to_send_again(self, live: Collection[str]) -> dict[str, ClientMessage]:
        """Return by job what no engine has accepted, in the order in which it was asked for."""
        unsent = [one for one in self._waiting if job_of(one) in live and type(one) is not Cancel]
        return {job_of(one): one for one in (*self._unaccepted.values(), *unsent)}

    def begin_again(self, live: Collection[str]) -> None:
        """Have what no engine has accepted sent to another one, and nothing else."""
        again = self.to_send_again(live)
        self.clear()
        self._waiting.extend(again.values())


def job_of(message: ClientMessage) -> str:
    """Return the job that a message is about, "" for none."""
    return "" if isinstance(message, Hello | Ping | Goodbye | Took) else message.job


def check(message: ClientMessage) -> None:
    """Hold a message to the rules that the engine holds it to. Raises RequestError."""
    if isinstance(message, Submit | Guess):
        check_edit(message.edit)
    if isinstance(message, Read):
        check_text(message.instruction.text, "instruction")
