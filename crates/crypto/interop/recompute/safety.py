"""safety_numbers.json"""

from collections import Counter

from conclave.safety import check_code, safety_code, safety_number

from .common import Counts, Json, refusing, same, unhex


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for vector in vectors["safety_numbers"]:
        one, other = unhex(vector["one"]), unhex(vector["other"])
        same("the safety number", safety_number(one, other), vector["digits"])
        same("the code of one", safety_code(one, other), unhex(vector["code_of_one"]))
        same("the code of the other", safety_code(other, one), unhex(vector["code_of_other"]))
        check_code(one, other, unhex(vector["code_of_other"]))
        counts["safety number"] += 1
    for vector in vectors["refused_codes"]:
        one, other = unhex(vector["one"]), unhex(vector["other"])
        with refusing(vector["why"]):
            check_code(one, other, unhex(vector["code"]))
        counts["safety code refused"] += 1
    return counts
