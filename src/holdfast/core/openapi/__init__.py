"""The OpenAPI document, as plain values. No I/O.

schema, text_form  every field type as JSON Schema; as text in a query string (patterns, decimals: its regular expressions)
record             what is shown and sent of one resource
question           what can be asked of a list
response           envelopes, headers and error codes by status
operation, service one route of a resource, of the service
document           all of it: build_openapi(catalog, routes=...)
"""

from holdfast.core.openapi.document import build_openapi

__all__ = ["build_openapi"]
