"""The OpenAPI document, as plain values. No I/O.

schema, text_form  every field type as JSON Schema; as text in a query string (patterns, decimals: its regular expressions)
record             what is shown and sent of one resource
question           what can be asked of a list
headers            every header of an answer, and which of them all answers carry
response           envelopes and error codes by status
security           who may call an operation, by token and by cookie
operation          one route of a resource; accounts, batch, changes, service: the other routes
bounds             a bound on everything that has none of its own
document           all of it: build_openapi(catalog, routes=..., cookies=..., cors=...)
"""

from holdfast.core.openapi.document import build_openapi

__all__ = ["build_openapi"]
