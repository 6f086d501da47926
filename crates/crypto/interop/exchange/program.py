"""The program at the other end: a line of JSON asks, a line answers."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from conclave import Refused


class Program:
    """A running `conclave-vectors exchange`."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program, "exchange"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        status = self._process.wait(timeout=60)
        if kind is None and status != 0:
            raise AssertionError(f"the program ended with {status}")

    def ask(self, conversation: int, what: str, **fields: bytes | str | int | bool) -> dict[str, Any]:
        """Bytes go and come as hexadecimal. What the program refuses is raised as a refusal."""
        assert self._process.stdin is not None and self._process.stdout is not None
        request = {name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()}
        line = json.dumps({"conversation": conversation, "do": what, **request})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answered = self._process.stdout.readline()
        if not answered:
            raise AssertionError(f"the program gave up on {what}")
        answer: dict[str, Any] = json.loads(answered)
        if "refused" in answer:
            raise Refused(answer["refused"])
        return {name: value if name == "digits" else bytes.fromhex(value) for name, value in answer.items()}


class Correspondent:
    """The program's side of one conversation."""

    def __init__(self, program: Program, conversation: int) -> None:
        self._program = program
        self._conversation = conversation

    def ask(self, what: str, **fields: bytes | str | int | bool) -> dict[str, Any]:
        return self._program.ask(self._conversation, what, **fields)
