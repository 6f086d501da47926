"""sigchain.json"""

from collections import Counter

from conclave.account import entry_hash, read_entry, recovery_signing_seed, verify_chain, write_entry
from conclave.primitives import ed25519_public, sign

from .common import Counts, Json, refusing, same, unhex


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for vector in vectors["genesis_entries"]:
        _genesis(vector)
        counts["account chain, genesis"] += 1
    for vector in vectors["refused_chains"]:
        entries = [unhex(entry) for entry in vector["entries"]]
        with refusing(vector["why"]):
            verify_chain(unhex(vector["account"]), entries)
        counts["account chain refused"] += 1
    return counts


def _genesis(vector: Json) -> None:
    seed, entry = unhex(vector["signing_seed"]), unhex(vector["entry"])
    genesis, signed, signature = read_entry(entry)
    same("the signed bytes", genesis.signed_bytes(), signed)
    same("the signed bytes", signed, unhex(vector["signed_bytes"]))
    same("the signature", sign(seed, signed), signature)
    same("the entry", write_entry(signed, signature), entry)
    same("the time", genesis.time, vector["time"])
    same("the signing key", ed25519_public(seed), genesis.signing_key)
    same("the signing key", genesis.signing_key, unhex(vector["signing_key"]))
    same("the identity key", genesis.identity_key, unhex(vector["identity_key"]))
    recovery_seed = recovery_signing_seed(unhex(vector["recovery_key"]))
    same("the recovery seed", recovery_seed, unhex(vector["recovery_signing_seed"]))
    same("the recovery key", ed25519_public(recovery_seed), genesis.recovery_key)
    same("the account", entry_hash(entry), unhex(vector["account"]))
    same("the device", verify_chain(unhex(vector["account"]), [entry]).signing_key, genesis.signing_key)
