"""sender_keys.json"""

from collections import Counter

from conclave.rooms import Opened, ReceivingChains, Seed, SendingChain

from .common import Counts, Json, altered, device, refusing, same, unhex


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for room in vectors["rooms"]:
        Replay(room, counts).run()
        counts["room"] += 1
    for refusal in vectors["refused_messages"]:
        room = vectors["rooms"][refusal["room"]]
        message = next(
            step for step in room["steps"] if step["step"] == "seal" and step["number"] == refusal["number"]
        )
        data = altered(message["message"], refusal["altered"])
        seed = Seed.read(unhex(refusal["seed"]), device(room["sender"]).public, unhex(room["room"]), 0)
        with refusing(f"a message altered at {refusal['altered']}"):
            seed.open(data, unhex(message["bound"]))
        counts["room, altered message refused"] += 1
    return counts


class Replay:
    """The steps of one room."""

    def __init__(self, room: Json, counts: Counts) -> None:
        self.room = room
        self.own = device(room["sender"])
        self.counts = counts
        self.chains: list[tuple[int, SendingChain, bytes]] = []
        self.receiving = ReceivingChains(unhex(room["room"]), self.own.public)
        self.sealed: list[Json] = []

    def run(self) -> None:
        steps = {
            "begin": self.begin,
            "distribute": self.distribute,
            "seal": self.seal,
            "open": self.open,
            "refuse": self.refuse,
            "close": self.close,
            "history": self.history,
        }
        for step in self.room["steps"]:
            steps[step["step"]](step)

    def begin(self, step: Json) -> None:
        same("the chain", step["chain"], len(self.chains))
        chain_id = unhex(step["chain_id"])
        chain = SendingChain(
            unhex(self.room["room"]),
            step["epoch"],
            self.own,
            unhex(step["signature_seed"]),
            chain_id,
            unhex(step["chain_key"]),
        )
        same("the statement", chain.statement_bytes, unhex(step["statement"]))
        self.chains.append((step["epoch"], chain, chain_id))
        self.counts["room, chain and statement"] += 1

    def distribute(self, step: Json) -> None:
        epoch, chain, _ = self.chains[step["chain"]]
        distribution = chain.distribution(step["head_sequence"], unhex(step["head_hash"]))
        same("the distribution", distribution, unhex(step["distribution"]))
        self.receiving.accept(distribution, epoch)
        self.counts["room, distribution"] += 1

    def seal(self, step: Json) -> None:
        same("the number", step["number"], len(self.sealed))
        _, chain, _ = self.chains[step["chain"]]
        message, hashed = chain.seal(unhex(step["bound"]), unhex(step["content"]), unhex(step["random"]))
        same("the message", message, unhex(step["message"]))
        same("the message hash", hashed, unhex(step["message_hash"]))
        self.sealed.append(step)
        self.counts["room, message sealed"] += 1

    def open(self, step: Json) -> None:
        message = self.sealed[step["number"]]
        opened = self.receiving.open(unhex(message["message"]), unhex(message["bound"]))
        self.compare(opened, message)
        same("the message key", opened.message_key, unhex(step["message_key"]))
        self.counts["room, message opened"] += 1

    def refuse(self, step: Json) -> None:
        message = self.sealed[step["number"]]
        with refusing(step["reason"]):
            self.receiving.open(unhex(message["message"]), unhex(message["bound"]))
        self.counts["room, message refused"] += 1

    def close(self, step: Json) -> None:
        self.receiving.close(self.chains[step["chain"]][2], step["last_iteration"])
        self.counts["room, chain closed"] += 1

    def history(self, step: Json) -> None:
        epoch = self.chains[step["chain"]][0]
        seed = Seed.read(unhex(step["seed"]), self.own.public, unhex(self.room["room"]), epoch)
        for number in step["opens"]:
            message = self.sealed[number]
            self.compare(seed.open(unhex(message["message"]), unhex(message["bound"])), message)
            self.counts["room, message of the past opened"] += 1
        for number in step["refuses"]:
            message = self.sealed[number]
            with refusing("a message before its seed"):
                seed.open(unhex(message["message"]), unhex(message["bound"]))
        self.counts["room, seed"] += 1

    def compare(self, opened: Opened, message: Json) -> None:
        same("the content", opened.content, unhex(message["content"]))
        same("the message hash", opened.hash, unhex(message["message_hash"]))
