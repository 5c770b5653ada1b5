"""Every limit, with its unit in its name and its source beside it (CONTRACT section, decision or measurement)."""

# Sizes (CONTRACT 2.10)
BODY_BYTES_MAX = 1024 * 1024
HEADERS_BYTES_MAX = 32 * 1024
HEADER_COUNT_MAX = 100
URL_BYTES_MAX = 8 * 1024
JSON_DEPTH_MAX = 32

# Deadlines (CONTRACT 2.10)
HEADERS_RECEIPT_S = 10.0
BODY_RECEIPT_S = 30.0
REQUEST_DEADLINE_S = 10.0
KEEP_ALIVE_S = 15.0  # uvicorn holds memory for a reset connection this long; 5 to 15 s advised (research/libraries, finding 5)
DRAIN_S = 10.0  # a graceful stop waits this long for what is in flight

# Lists (CONTRACT 2.4)
PAGE_LIMIT_DEFAULT = 20
PAGE_LIMIT_MAX = 200
OFFSET_MAX = 100_000
FILTER_TERMS_MAX = 100
IN_VALUES_MAX = 200
SORT_KEYS_MAX = 8
PATH_STEPS_MAX = 3  # references followed by one filter, sort or include path
INCLUDES_MAX = 10
SEARCH_WORDS_MAX = 16

# Writes (CONTRACT 1, 2.1, 2.7)
BULK_ROWS_MAX = 1_000
BATCH_OPERATIONS_MAX = 200
CASCADE_ROWS_MAX = 10_000
TEXT_LENGTH_MAX = 65_535
LIST_ITEMS_MAX = 1_000
DECIMAL_DIGITS_DEFAULT = 18
DECIMAL_DIGITS_MAX = 18  # a scaled decimal fits a 64-bit integer
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
IDEMPOTENCY_KEY_LENGTH_MAX = 255

# The write queue (DESIGN, SQLite)
GROUP_REQUESTS_MAX = 128
QUEUE_REQUESTS_MAX = 2_048
