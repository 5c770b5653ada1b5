"""Every limit, with its unit in its name, and the standard or the measurement that it comes from beside it."""

# Sizes
BODY_BYTES_MAX = 1024 * 1024
HEADERS_BYTES_MAX = 32 * 1024
HEADER_COUNT_MAX = 100
URL_BYTES_MAX = 8 * 1024
JSON_DEPTH_MAX = 32

# Deadlines
HEADERS_RECEIPT_S = 10.0
BODY_RECEIPT_S = 30.0
REQUEST_DEADLINE_S = 10.0
KEEP_ALIVE_S = 15.0  # uvicorn holds memory for a reset connection this long; 5 to 15 s advised
DRAIN_S = 10.0  # a graceful stop waits this long for what is in flight

# Admission: requests of one worker that wait for something at once; more than this is an overload
IN_FLIGHT_REQUESTS_MAX = 4_096

# Event streams of one worker
STREAMS_MAX = 2_048  # half of its connections: the other half is for requests
STREAMS_PER_CALLER_MAX = 64  # the caller as rates count them: many people may share an address, or one user many tabs
STREAMS_PER_TURN = 8  # that go on in one turn of the loop before others have theirs: each takes about 50 us

# Rate limits; the rates themselves are settings
LIMITED_CALLERS_MAX = 131_072  # callers whose quota is not whole, of all workers: 3 MiB; more are refused, not let in uncounted
FORWARDED_HOPS_MAX = 32  # hops of a forwarding header that are read, from the right
CORS_MAX_AGE_S = 600  # a browser need not ask again for so long; Chrome keeps 7,200 s at most
LIMITER_WAIT_S = 0.1  # for the lock of the counts, which is held for microseconds
LIMITER_BLOCKED_S = 1.0  # after a wait in vain nobody is made to wait again for so long

# Answers: one record with all that it may include fits, some hundred of the largest do not
ANSWER_BYTES_MAX = 16 * 1024 * 1024

# Lists
PAGE_LIMIT_DEFAULT = 20
PAGE_LIMIT_MAX = 200
OFFSET_MAX = 100_000
FILTER_TERMS_MAX = 100
IN_VALUES_MAX = 200
SORT_KEYS_MAX = 8
PATH_STEPS_MAX = 3  # references followed by one filter, sort or include path
INCLUDES_MAX = 10
SEARCH_WORDS_MAX = 16
SEARCH_LENGTH_MAX = 1_000  # code points of `q`, which a JSON query could make as long as its body

# Writes
BULK_ROWS_MAX = 1_000
BATCH_OPERATIONS_MAX = 200
CIRCLE_ROWS_MAX = 10_000  # of a load, in one write: some tenths of a second in which every other write waits
CASCADE_ROWS_MAX = 1_000  # as many as a bulk request has: each is a change with its entry, and every other write waits
TEXT_LENGTH_MAX = 65_535
LIST_ITEMS_MAX = 1_000
DECIMAL_DIGITS_DEFAULT = 18
DECIMAL_DIGITS_MAX = 18  # a scaled decimal fits a 64-bit integer
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
DETAILS_MAX = 1_000  # faults listed by one answer; a body of 1 MiB can hold a hundred thousand
IDEMPOTENCY_KEY_LENGTH_MAX = 255
IDEMPOTENCY_KEPT_S = 24 * 3_600  # the answer of a write is replayed for so long
EMAIL_LENGTH_MAX = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets

# Identity
ACCESS_TOKEN_S = 15 * 60
REFRESH_TOKEN_S = 30 * 24 * 3_600  # also the idle timeout: who does not refresh for so long has to sign in again
SESSION_S = 90 * 24 * 3_600  # from sign-in, however often it is refreshed
REFRESH_GRACE_S = 10  # a refresh token may be sent again for so long, by a client that did not get its answer
RESET_TOKEN_S = 30 * 60  # mailed to who forgot a password
VERIFY_TOKEN_S = 24 * 3_600  # mailed to an address that is to be verified
PENDING_REGISTRATIONS_MAX = 100  # of one address: pushing one out takes nine minutes at the default of `login_rate_limit`, not a burst
COOKIE_SESSION_S = 7 * 24 * 3_600  # from sign-in: a cookie is not refreshed
SESSIONS_PER_USER_MAX = 100  # living sign-ins; the oldest go
SESSIONS_LISTED_MAX = 1_000
ACCOUNTS_KEPT_S = 24 * 3_600  # what has ended is let go after so long
AGENT_LENGTH_MAX = 200  # of what a client calls itself, in the list of sessions
PASSWORD_LENGTH_MIN = 15  # NIST 800-63B rev 4, a password alone; settable, never below 8
PASSWORD_LENGTH_MAX = 128
HASHES_WAITING_MAX = 64  # of one worker, beyond those that are computed: about two seconds
HASHES_SEALING_MAX = 32  # of these and those, ones of what is to be stored: a sign-in waits behind no more, and has as many places itself

# OpenID providers
OIDC_STATE_S = 600  # a sign-in at a provider must come back within this
OIDC_PARAMETER_LENGTH_MAX = 2_048  # of what a provider sends back in a URL
OIDC_ANSWER_S = 5.0  # for a provider to answer one request of ours
OIDC_ANSWER_BYTES_MAX = 256 * 1024
OIDC_KEPT_S = 3_600.0  # a provider's addresses and keys are good for so long; a key of an unknown name has them fetched before
OIDC_LEEWAY_S = 60  # between the clocks
OIDC_RSA_BITS_MIN = 2_048  # of a provider's key (RFC 7518, 3.3)

# Declarations
NAME_LENGTH_MAX = 48  # of a resource or field: leaves room for suffixes within the 63 bytes of a PostgreSQL identifier

# The write queue
GROUP_REQUESTS_MAX = 128
QUEUE_REQUESTS_MAX = 2_048

# The doors
WRITE_STALL_S = 30.0  # a waiting answer must be read to its end, or by WRITE_STALL_BYTES, within this time
WRITE_STALL_BYTES = 4 * 1024  # below this in WRITE_STALL_S it is a slow-read attack: 136 bytes a second
VANISHED_S = 60.0  # what was sent must be acknowledged within it, else the client is gone; Linux by itself waits for a quarter of an hour
UNREAD_BYTES_MAX = 128 * 1024 * 1024  # of answers that clients of one worker do not read: eight of the largest
LINGER_S = 2.0  # after a refusal the rest of the request is read and dropped, else the reset overtakes the answer (RFC 9112 9.6)
LINGER_BYTES_MAX = 4 * 1024 * 1024
HALF_CLOSE_S = 2.0  # a client that ended its side gets its answer for so long; most that end it are gone
DRAIN_QUIET_S = 0.5  # at a graceful stop idle connections stay open for so long: a request may be on its way
CONNECTIONS_MAX = 4_096  # per worker
CONNECTIONS_PER_PEER_MAX = 1_024  # per worker and address
PIPELINED_BYTES_MAX = 64 * 1024  # unread requests kept per connection before reading pauses
PIPELINED_PER_TURN = 16  # requests answered in one turn of the loop before others have theirs
CHUNK_LINE_BYTES_MAX = 128  # size and extensions of one chunk
CHUNK_EXTENSION_BYTES_MAX = 4 * 1024  # extensions of one body
CHUNKS_MAX = 65_536  # of one body: 16 bytes a chunk on average in the largest; each costs some microseconds
TRAILER_BYTES_MAX = 8 * 1024
METHOD_BYTES_MAX = 32
WORKER_SILENCE_S = 30.0  # a worker whose loop has not turned for so long is replaced
