"""Asking: query strings and JSON queries become frozen asks, or one refusal that says what to send instead. No I/O.

query       text -> parameters (name, operator, value)
path        `author.name` -> Path, through what the caller may see (`visible`)
operators   which operator fits which type, and what condition it makes
filter      parameters or JSON -> Condition
sort, page  `sort`, `page`, `limit`, `count`
view        `fields`, `include` -> View
cursor      the signed place in a list, for `after`; `fingerprint` tells which list that is
shape       the members of a JSON query and their JSON types
lists       all of it -> ListAsk; `records` the same for one record, `journal` for histories and changes
"""
